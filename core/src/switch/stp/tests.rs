//! Spanning tree on whole switches with cables between them: what Linux's bridges did in the same topology, and that any
//! topology becomes a tree.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::*;
use crate::id::FrameId;
use crate::switch::{Forwarding, Switch, SwitchConfig};
use proptest::prelude::*;

/// Switches and cables between them; each cable takes a millisecond.
struct Net {
    now: SimTime,
    switches: Vec<Switch>,
    /// The two ends of each cable; none once it is cut.
    cables: Vec<Option<[(usize, u32); 2]>>,
    flying: VecDeque<(SimTime, usize, u32, FrameId, Vec<u8>)>,
    next_frame: u64,
}

impl Net {
    /// `cables` are pairs of switches; ports are numbered in that order.
    fn new(count: usize, cables: &[(usize, usize)], stp: bool) -> Self {
        let config = StpConfig { enabled: stp, ..StpConfig::default() };
        let mac = |n: usize| MacAddr([2, 0, 0, 0, 0, n as u8 + 1]);
        let make = |n| Switch::new(SwitchConfig { mac: mac(n), stp: config, ..SwitchConfig::default() });
        let mut net = Self {
            now: SimTime::ZERO,
            switches: (0..count).map(make).collect(),
            cables: Vec::new(),
            flying: VecDeque::new(),
            next_frame: 1,
        };
        let mut used = vec![0; count];
        for &(a, b) in cables {
            let mut end = |n: usize| {
                used[n] += 1;
                (n, used[n] - 1)
            };
            let ends = [end(a), end(b)];
            net.cables.push(Some(ends));
            for (switch, port) in ends {
                net.switches[switch].plug(SimTime::ZERO, port, 2);
            }
        }
        net.drain();
        net
    }

    fn cut(&mut self, cable: usize) {
        for (switch, port) in self.cables[cable].take().unwrap() {
            self.switches[switch].set_carrier(self.now, port, false);
        }
        self.drain();
    }

    fn other_end(&self, end: (usize, u32)) -> Option<(usize, u32)> {
        let ends = self.cables.iter().flatten().find(|ends| ends.contains(&end))?;
        Some(if ends[0] == end { ends[1] } else { ends[0] })
    }

    fn put(&mut self, from: (usize, u32), id: FrameId, frame: Vec<u8>) {
        if let Some((switch, port)) = self.other_end(from) {
            self.flying.push_back((self.now + Duration::from_millis(1), switch, port, id, frame));
        }
    }

    fn drain(&mut self) {
        for n in 0..self.switches.len() {
            while let Some((port, frame)) = self.switches[n].poll_frame() {
                let id = FrameId(self.next_frame);
                self.next_frame += 1;
                self.put((n, port), id, frame);
            }
        }
    }

    fn arrive(&mut self, switch: usize, port: u32, id: FrameId, frame: Vec<u8>) {
        let out: Vec<u32> = match self.switches[switch].forward(self.now, port, id, &frame) {
            Forwarding::Port(out) => vec![out],
            Forwarding::Flood => self.switches[switch].ports().filter(|out| *out != port).collect(),
            _ => Vec::new(),
        };
        for out in out {
            self.put((switch, out), id, frame.clone());
        }
    }

    /// Lets time pass; every frame that comes in at a port that forwards is told to `seen`.
    fn pass(&mut self, secs: u64, mut seen: impl FnMut(usize, &[u8])) {
        let until = self.now + Duration::from_secs(secs);
        loop {
            let wake = self.switches.iter().filter_map(Switch::next_wakeup).min();
            let next = self.flying.front().map(|flying| flying.0).into_iter().chain(wake).min();
            let Some(next) = next.filter(|at| *at <= until) else { break };
            self.now = next.max(self.now);
            while let Some((_, switch, port, id, frame)) = self.flying.pop_front_if(|flying| flying.0 <= self.now) {
                if self.state((switch, port)) == PortState::Forwarding {
                    seen(switch, &frame);
                }
                self.arrive(switch, port, id, frame);
                self.drain();
            }
            for n in 0..self.switches.len() {
                if self.switches[n].next_wakeup().is_some_and(|at| at <= self.now) {
                    self.switches[n].handle_timeout(self.now);
                }
            }
            self.drain();
        }
        self.now = until;
    }

    fn state(&self, end: (usize, u32)) -> PortState {
        self.switches[end.0].stp.state(end.1)
    }

    fn role(&self, end: (usize, u32)) -> PortRole {
        self.switches[end.0].stp.role(end.1)
    }

    /// Cables over which frames go.
    fn tree(&self) -> Vec<[(usize, u32); 2]> {
        let forwards = |end: &(usize, u32)| self.state(*end) == PortState::Forwarding;
        self.cables.iter().flatten().filter(|ends| ends.iter().all(forwards)).copied().collect()
    }

    /// Which switches are connected by these cables with switch 0.
    fn reached(&self, cables: &[[(usize, u32); 2]], from: usize) -> BTreeSet<usize> {
        let mut reached = BTreeSet::from([from]);
        loop {
            let before = reached.len();
            for [(a, _), (b, _)] in cables {
                if reached.contains(a) || reached.contains(b) {
                    reached.extend([*a, *b]);
                }
            }
            if reached.len() == before {
                return reached;
            }
        }
    }

    /// In every part that cables hold together, what forwards is a tree that reaches all, and nobody is on the way.
    fn is_forest(&self) -> Result<(), String> {
        let all: Vec<_> = self.cables.iter().flatten().copied().collect();
        let tree = self.tree();
        for n in 0..self.switches.len() {
            let part = self.reached(&all, n);
            if self.reached(&tree, n) != part {
                return Err(format!("switch {n} does not reach {part:?}"));
            }
            let edges = tree.iter().filter(|ends| part.contains(&ends[0].0)).count();
            if edges != part.len() - 1 {
                return Err(format!("{edges} cables forward between {} switches", part.len()));
            }
        }
        Ok(())
    }
}

/// A broadcast of a computer's, marked.
fn broadcast(mark: u8) -> Vec<u8> {
    [&[0xff; 6][..], &[2, 9, 9, 9, 9, mark], &[0x88, 0xb5], &[mark; 46]].concat()
}

/// How often each switch gets a broadcast that a computer at switch `from` sends.
fn copies(net: &mut Net, from: usize) -> BTreeMap<usize, u32> {
    let (id, frame) = (FrameId(1 << 40 | net.next_frame), broadcast(from as u8));
    net.next_frame += 1;
    // A port of its own, where the computer is.
    let port = 100;
    net.switches[from].plug(net.now, port, 2);
    // It has come up long ago.
    net.pass(40, |_, _| {});
    net.arrive(from, port, id, frame.clone());
    let mut counts = BTreeMap::new();
    net.pass(1, |switch, seen| {
        if seen == frame {
            *counts.entry(switch).or_insert(0) += 1;
        }
    });
    counts
}

/// The three bridges of a triangle, as Linux 6.18 had them after 45 s (`bridge link`, `brctl showstp`), with the same
/// MACs and the same order of ports.
#[test]
fn a_triangle_comes_out_as_linux_has_it() {
    use {PortRole::*, PortState::*};
    // 1-2, 3-1, 2-3: bridge 1 has its port to 2 first, bridge 2 to 1, bridge 3 its port to 2.
    let mut net = Net::new(3, &[(0, 1), (1, 2), (0, 2)], true);
    net.pass(1, |_, _| {});
    for end in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 1)] {
        assert_eq!(net.state(end), Listening, "{end:?}");
    }
    net.pass(44, |_, _| {});
    let got: Vec<_> = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
        .map(|end| (net.role(end), net.state(end)))
        .into_iter()
        .collect();
    let want = [
        (Designated, Forwarding),
        (Designated, Forwarding),
        (Root, Forwarding),
        (Designated, Forwarding),
        (Blocked, Blocking),
        (Root, Forwarding),
    ];
    assert_eq!(got, want);
    let root = BridgeId { priority: 0x8000, mac: MacAddr([2, 0, 0, 0, 0, 1]) };
    assert_eq!(
        net.switches.iter().map(|sw| sw.stp.root()).collect::<Vec<_>>(),
        [(root, None, 0), (root, Some(0), 2), (root, Some(1), 2)]
    );
    // The change of 30 s ago is still being told: addresses age fast.
    assert!(net.switches.iter().all(|sw| sw.stp.topology_change()));
    net.pass(30, |_, _| {});
    assert!(net.switches.iter().all(|sw| !sw.stp.topology_change()));
    // The cable between 1 and 2 is cut, as in the recording: 2 goes by way of 3.
    net.cut(0);
    net.pass(55, |_, _| {});
    assert_eq!((net.role((1, 1)), net.state((1, 1))), (Root, Forwarding));
    assert_eq!((net.role((2, 0)), net.state((2, 0))), (Designated, Forwarding));
    assert_eq!(net.switches[1].stp.root(), (root, Some(1), 4));
}

#[test]
fn without_the_protocol_nothing_is_said_and_everything_forwards() {
    let mut net = Net::new(3, &[(0, 1), (1, 2), (0, 2)], false);
    assert!(net.flying.is_empty());
    assert_eq!(net.tree().len(), 3);
    net.pass(100, |_, _| panic!("a message"));
    assert!(net.switches.iter().all(|sw| sw.next_wakeup().is_none()));
}

#[test]
fn switched_on_while_it_runs_it_opens_the_loop_within_a_hello_and_a_hold() {
    let mut net = Net::new(3, &[(0, 1), (1, 2), (0, 2)], false);
    for switch in &mut net.switches {
        let config = StpConfig { enabled: true, ..*switch.stp.config() };
        switch.set_stp(SimTime::ZERO, config);
    }
    net.pass(4, |_, _| {});
    assert_eq!(net.is_forest(), Ok(()));
}

#[test]
fn a_smaller_priority_makes_the_root_wherever_the_bridge_stands() {
    let mut net = Net::new(3, &[(0, 1), (1, 2), (0, 2)], true);
    net.pass(60, |_, _| {});
    let config = StpConfig { priority: 0x1000, ..*net.switches[2].stp.config() };
    net.switches[2].set_stp(net.now, config);
    net.drain();
    net.pass(60, |_, _| {});
    assert_eq!(net.is_forest(), Ok(()));
    assert!(net.switches.iter().all(|sw| sw.stp.root().0 == net.switches[2].stp.id()));
    assert!(net.switches[2].stp.changes() > 0);
}

#[test]
fn a_silent_root_is_given_up_after_the_maximal_age() {
    let mut net = Net::new(2, &[(0, 1)], true);
    net.pass(60, |_, _| {});
    // The root says nothing any more, but the cable stays alive.
    let off = StpConfig { enabled: false, ..*net.switches[0].stp.config() };
    net.switches[0].set_stp(net.now, off);
    net.pass(18, |_, _| {});
    assert_ne!(net.switches[1].stp.root().1, None);
    net.pass(3, |_, _| {});
    assert_eq!(net.switches[1].stp.root(), (net.switches[1].stp.id(), None, 0));
}

#[test]
fn a_loop_at_one_switch_is_opened_too() {
    let mut net = Net::new(1, &[(0, 0)], true);
    net.pass(60, |_, _| {});
    assert_eq!(net.state((0, 0)), PortState::Forwarding);
    assert_eq!(net.state((0, 1)), PortState::Blocking);
}

/// Up to eight switches: a random tree that connects them all, and more cables, also doubled ones.
fn topology() -> impl Strategy<Value = (usize, Vec<(usize, usize)>)> {
    (2_usize..=8).prop_flat_map(|count| {
        let parents: Vec<_> = (1..count).map(|n| (0..n).prop_map(move |parent| (parent, n))).collect();
        let more = prop::collection::vec((0..count, 0..count), 0..8);
        (parents, more).prop_map(move |(mut cables, more)| {
            cables.extend(more);
            (count, cables)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn any_topology_becomes_a_tree_and_again_after_a_cut((count, cables) in topology(), pick in any::<prop::sample::Index>()) {
        let mut net = Net::new(count, &cables, true);
        net.pass(60, |_, _| {});
        prop_assert_eq!(net.is_forest(), Ok(()));
        let counts = copies(&mut net, 0);
        prop_assert!(counts.values().all(|copies| *copies == 1), "{counts:?}");
        prop_assert_eq!(counts.len(), count - 1);
        let tree = net.tree();
        let victim = tree[pick.index(tree.len())];
        let cable = net.cables.iter().position(|ends| *ends == Some(victim)).unwrap();
        net.cut(cable);
        // The information of the lost root ages for 20 s, then ports listen and learn for 30.
        net.pass(60, |_, _| {});
        prop_assert_eq!(net.is_forest(), Ok(()));
        let counts = copies(&mut net, count - 1);
        prop_assert!(counts.values().all(|copies| *copies == 1), "{counts:?}");
    }

    /// Whatever is said at its ports, a bridge keeps its head: it wakes in the future, and its rows can be made.
    #[test]
    fn no_bpdus_break_a_bridge(messages in prop::collection::vec((0_u64..20_000, 0_u32..3, any::<[u8; 35]>()), 0..60)) {
        let mut net = Net::new(2, &[(0, 1), (0, 1)], true);
        for (wait, port, mut message) in messages {
            let kind = if message[3] < 40 { 0x80 } else { 0 };
            message[..4].copy_from_slice(&[0, 0, 0, kind]);
            let frame = [&crate::frame::stp::GROUP.0[..], &[2, 9, 9, 9, 9, 9], &[0, 38, 0x42, 0x42, 3], &message].concat();
            let mut steps = 0;
            let until = net.now + Duration::from_millis(wait);
            while let Some(at) = net.switches[0].next_wakeup().filter(|at| *at <= until) {
                net.switches[0].handle_timeout(at);
                while net.switches[0].poll_frame().is_some() {}
                steps += 1;
                prop_assert!(steps < 2_000, "it wakes without end");
            }
            net.now = until;
            let id = FrameId(net.next_frame);
            net.next_frame += 1;
            net.switches[0].forward(net.now, port, id, &frame);
            while net.switches[0].poll_frame().is_some() {}
        }
        prop_assert_eq!(net.switches[0].rows(crate::id::NodeId(1), net.now, true).len() >= 3, true);
    }
}
