//! Tests of [`super`]: what is tried next follows from what was done.

use netmodes_core::addr::{Cidr, MacAddr};
use netmodes_core::view::{AddrRow, HostNetworkRow, IfaceRow, NodeRow, Promiscuous, Row, Scope};

use super::*;

const VM: NodeId = NodeId(1);

struct Lab {
    view: LabView,
    terminals: BTreeMap<NodeId, Shared<Terminal>>,
    guide: Guide,
}

fn addr(node: u32, iface: u32, text: &str) -> Row {
    Row::Addr(AddrRow {
        node: NodeId(node),
        iface,
        addr: text.parse().unwrap(),
        prefix: 24,
        broadcast: None,
        scope: Scope::Global,
        secondary: false,
        dynamic: true,
        tentative: false,
        dad_failed: false,
        valid_until: None,
        label: None,
    })
}

fn node(id: u32, name: &str, kind: NodeKind) -> Row {
    Row::Node(NodeRow {
        id: NodeId(id),
        name: name.into(),
        kind,
        host: None,
        site: String::new(),
        real: false,
        off: false,
    })
}

impl Lab {
    fn new() -> Self {
        let mut lab = Self { view: LabView::default(), terminals: BTreeMap::new(), guide: Guide::default() };
        lab.view.put(node(1, "vm1", NodeKind::Vm));
        lab.view.put(node(9, "dns-google", NodeKind::Computer));
        lab.view.put(addr(9, 1, "8.8.8.8"));
        lab.view.put(Row::Iface(IfaceRow {
            node: VM,
            index: 2,
            name: "enp0s3".into(),
            mac: MacAddr([8, 0, 0x27, 1, 2, 3]),
            mtu: 1500,
            up: true,
            carrier: true,
            loopback: false,
            promisc: false,
        }));
        lab.mode(Mode::Nat);
        lab
    }

    fn mode(&mut self, mode: Mode) {
        self.view.put(Row::Nic(NicRow {
            vm: VM,
            adapter: 1,
            mac: MacAddr([8, 0, 0x27, 1, 2, 3]),
            mode,
            network: if mode == Mode::HostOnly { "vboxnet0".into() } else { String::new() },
            cable: true,
            promiscuous: Promiscuous::Deny,
            iface: 2,
            tap: None,
            forwards: Vec::new(),
            nat_net: None,
        }));
    }

    fn typed(&mut self, line: &str) {
        self.terminals.entry(VM).or_default().edit().remember(line);
    }

    fn step(&self) -> Option<Step> {
        step(&self.view, &self.terminals, &self.guide)
    }
}

#[test]
fn the_first_minute_leads_from_an_address_to_a_ping_that_fails() {
    let mut lab = Lab::new();
    let command = "dhclient -v enp0s3".to_owned();
    assert_eq!(lab.step(), Some(Step::Lease { vm: VM, command, again: false }));
    lab.typed("dhclient -v enp0s3");
    lab.view.put(addr(1, 2, "10.0.2.15"));
    assert!(matches!(lab.step(), Some(Step::Ping { .. })));
    lab.typed("ping -c 3 8.8.8.8");
    assert_eq!(lab.step(), Some(Step::Open));
    lab.guide.opened = true;
    assert_eq!(lab.step(), Some(Step::Attach { vm: VM, adapter: 1, mode: Mode::HostOnly }));
    lab.mode(Mode::HostOnly);
    lab.view.put(Row::HostNetwork(HostNetworkRow {
        host: NodeId(0),
        mode: Mode::HostOnly,
        name: "vboxnet0".into(),
        address: Cidr::new(Ipv4Addr::new(192, 168, 56, 1), 24),
        enabled: true,
        dhcp: true,
        running: true,
        forwards: Vec::new(),
        server: None,
    }));
    assert!(matches!(lab.step(), Some(Step::Lease { again: true, .. })), "the old address is of another network");
    lab.typed("dhclient -r enp0s3; dhclient -v enp0s3");
    lab.view.del(&addr(1, 2, "10.0.2.15").key());
    lab.view.put(addr(1, 2, "192.168.56.101"));
    assert!(matches!(lab.step(), Some(Step::Why { mode: Mode::HostOnly, .. })));
    lab.typed("ping -c 1 8.8.8.8");
    assert_eq!(lab.step(), Some(Step::Further));
}

#[test]
fn a_card_without_a_network_is_attached_first_and_a_lab_without_the_internet_says_nothing() {
    let mut lab = Lab::new();
    lab.mode(Mode::NotAttached);
    assert_eq!(lab.step(), Some(Step::Attach { vm: VM, adapter: 1, mode: Mode::Nat }));
    lab.view.del(&addr(9, 1, "8.8.8.8").key());
    assert_eq!(lab.step(), None);
    assert_eq!(step(&LabView::default(), &BTreeMap::new(), &Guide::default()), None);
}

#[test]
fn lines_of_a_statement_become_what_a_student_would_do() {
    let lab = Lab::new();
    assert!(
        matches!(deed(&lab.view, "vm1: ip addr"), Some(Action::Guide(GuideAction::Type(VM, line))) if line == "ip addr")
    );
    assert!(
        matches!(deed(&lab.view, "vm1 &cap: tcpdump -n"), Some(Action::Guide(GuideAction::Type(VM, line))) if line == "tcpdump -n")
    );
    let attach = deed(&lab.view, "@attach vm1 1 hostonly vboxnet0");
    assert!(
        matches!(attach, Some(Action::Do(Command::Attach { mode: Mode::HostOnly, network, .. })) if network == "vboxnet0")
    );
    for line in ["@wait 2", "@attach vm1", "nobody: ip a", "no colon", ""] {
        assert!(deed(&lab.view, line).is_none(), "{line}");
    }
}
