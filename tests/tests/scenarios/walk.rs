//! Whatever legal things a student does, in whatever lab and order, the world stays sound, tells its viewers the truth,
//! and can be done again.

#![allow(clippy::unwrap_used, reason = "what cannot be unwrapped here is what the walk looks for")]

use netmodes_core::lab::Lab;
use netmodes_core::protocol::{Capabilities, Rewind, SessionInput, VERSION};
use netmodes_core::runner::{Runner, RunnerConfig};
use netmodes_core::script::Script;
use netmodes_core::time::SimTime;
use netmodes_core::view::{LabView, Row};
use netmodes_core::world::{Command, Input, Output, World};
use netmodes_tests::content::{lab, lab_names};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What is typed on any machine.
const LINES: &[&str] = &[
    "dhclient enp0s3",
    "dhclient -v -1 enp0s3",
    "dhclient -r enp0s3",
    "dhclient -x; dhcpcd -1 enp0s3",
    "dhcpcd enp0s3",
    "dhcpcd -k enp0s3",
    "ip link set enp0s3 up",
    "ip link set enp0s3 down",
    "ip link set eth0 down; sleep 1; ip link set eth0 up",
    "ip link set enp0s3 promisc on; ip link set enp0s3 mtu 600",
    "ip addr add 10.0.2.15/24 dev enp0s3",
    "ip addr add 172.16.0.11/24 dev enp0s3; ip addr add 172.16.0.12/24 dev enp0s3",
    "ip address delete 10.0.2.15/24 dev enp0s3",
    "ip address delete 172.16.0.11/24 dev enp0s3",
    "ip addr flush dev enp0s3",
    "ip route add default via 10.0.2.1",
    "ip route add 8.8.8.0/24 via 192.168.0.1 metric 5",
    "ip route del default",
    "ip neigh flush dev enp0s3",
    "ip neigh add 10.0.2.1 lladdr 02:00:00:00:00:01 dev enp0s3",
    "ping -c 3 8.8.8.8",
    "ping -c 2 10.0.2.77",
    "ping -c 2 172.16.0.12",
    "ping -c 2 -t 2 8.8.8.8",
    "ping -c 20 -i 0.01 -s 3000 10.0.2.1",
    "ping -c 2 -s 4000 192.168.0.50",
    "ping -c 2 -b 192.168.0.255",
    "traceroute -n 8.8.8.8",
    "curl -s http://example.com/",
    "curl -s -m 2 http://93.184.215.14:81/",
    "curl -s -m 2 http://192.168.0.111:8080/",
    "nc -l 9000",
    "nc -l -p 80",
    "nc -u -w 1 8.8.8.8 9",
    "echo hello | nc -w 2 93.184.215.14 7",
    "ss -tuan; ss -s",
    "ping -c 1 10.0.2.15 && ip addr | cat",
    "sysctl -w net.ipv4.ip_forward=1",
    "sysctl -w net.ipv4.ip_forward=0",
    "sysctl -w net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.all.arp_ignore=1",
    "sysctl -w net.ipv4.icmp_echo_ignore_all=1",
    "sysctl -w net.ipv4.neigh.default.gc_stale_time=1",
    "modprobe br_netfilter; sysctl -w net.bridge.bridge-nf-call-iptables=1",
    "iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE",
    "iptables -t nat -A POSTROUTING -o enp0s3 -j MASQUERADE",
    "iptables -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 10.0.2.15:80",
    "iptables -t nat -A OUTPUT -p tcp --dport 80 -j REDIRECT --to-ports 9000",
    "iptables -A FORWARD -m state --state NEW -j DROP",
    "iptables -A FORWARD -m physdev --physdev-is-bridged -p icmp -j DROP",
    "iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT; iptables -P INPUT DROP",
    "iptables -A OUTPUT -p icmp -j REJECT",
    "iptables -P INPUT ACCEPT; iptables -F; iptables -t nat -F",
    "iptables-save | iptables-restore",
    "nft add table inet t; nft 'add chain inet t c { type filter hook input priority 0; policy drop; }'",
    "nft add table bridge b; nft 'add chain bridge b f { type filter hook forward priority 0; }'; nft add rule bridge b f drop",
    "nft flush ruleset",
    "conntrack -L; conntrack -F",
];

/// What is typed on a hypervisor's host.
const HOST_LINES: &[&str] = &[
    "VBoxManage list dhcpservers && VBoxManage showvminfo vm1",
    "VBoxManage controlvm vm1 nic1 hostonly vboxnet0 || VBoxManage hostonlyif create",
    "VBoxManage hostonlyif create; VBoxManage hostonlyif remove vboxnet0",
    "VBoxManage hostonlyif ipconfig vboxnet0 --ip 192.168.57.1",
    "VBoxManage controlvm vm1 poweroff || VBoxManage startvm vm1",
    "VBoxManage controlvm vm2 poweroff || VBoxManage startvm vm2",
    "VBoxManage startvm vm1; VBoxManage startvm vm2",
    "VBoxManage modifyvm vm1 --nic2 intnet --intnet2 blue",
    "VBoxManage modifyvm vm1 --nic1 nat --nic2 none",
    "VBoxManage modifyvm vm1 --nic1 nat --nat-net1 10.9.0.0/24",
    "VBoxManage controlvm vm1 nic1 bridged eth0",
    "VBoxManage controlvm vm2 nic1 intnet blue",
    "VBoxManage controlvm vm1 nicpromisc1 allow-all",
    "VBoxManage controlvm vm1 setlinkstate1 off; sleep 2; VBoxManage controlvm vm1 setlinkstate1 on",
    "VBoxManage controlvm vm1 natpf1 ssh,tcp,,2222,,22",
    "VBoxManage controlvm vm1 natpf1 delete ssh",
    "VBoxManage natnetwork add --netname lab --network 10.7.0.0/24 --enable --dhcp on",
    "VBoxManage controlvm vm1 nic1 natnetwork lab; VBoxManage controlvm vm2 nic1 natnetwork lab",
    "VBoxManage natnetwork modify --netname lab --port-forward-4 'w:tcp:[]:8081:[10.7.0.4]:80'",
    "VBoxManage natnetwork stop --netname lab; VBoxManage natnetwork start --netname lab",
    "VBoxManage natnetwork remove --netname lab",
    "VBoxManage dhcpserver add --netname blue --ip 10.10.10.1 --netmask 255.255.255.0 --lowerip 10.10.10.2 --upperip 10.10.10.9 --enable",
    "VBoxManage dhcpserver restart --netname blue; VBoxManage dhcpserver remove --netname blue",
];

const MODES: [(&str, &str); 10] = [
    ("notattached", ""),
    ("nat", ""),
    ("nat", ""),
    ("bridged", ""),
    ("bridged", "eth0"),
    ("internal", ""),
    ("internal", "blue"),
    ("hostonly", ""),
    ("natnetwork", ""),
    ("natnetwork", "lab"),
];

/// What can be named in a lab.
struct Scene {
    machines: Vec<String>,
    vms: Vec<String>,
    cards: Vec<(String, String)>,
    cables: Vec<(String, String)>,
    switches: Vec<(String, String)>,
    services: Vec<(String, String)>,
}

impl Scene {
    fn of(lab: &Lab) -> Self {
        let mut cards: Vec<_> = lab.vms.iter().map(|vm| (vm.name.clone(), "enp0s3".to_owned())).collect();
        cards.extend([("host".to_owned(), "eth0".to_owned()), ("router".to_owned(), "wan".to_owned())]);
        let cables: Vec<_> = lab.cables.iter().map(|cable| (cable.a.to_string(), cable.b.to_string())).collect();
        let is_switch = |name: &String| lab.switches.iter().any(|switch| switch.name == *name);
        let at_switch = |(a, b): &(String, String)| is_switch(b).then(|| (b.clone(), a.clone()));
        let machines = lab.machines.iter().flat_map(|m| m.services.iter().map(|s| (m.name.clone(), s.name.clone())));
        let vms = lab.vms.iter().flat_map(|vm| vm.services.iter().map(|s| (vm.name.clone(), s.name.clone())));
        Self {
            machines: ["host", "pc", "web", "router"].map(str::to_owned).to_vec(),
            vms: lab.vms.iter().map(|vm| vm.name.clone()).collect(),
            switches: cables.iter().filter_map(at_switch).collect(),
            services: machines.chain(vms).collect(),
            cards,
            cables,
        }
    }
}

/// One of them, by any number.
fn of<T>(all: &[T], number: u16) -> &T {
    &all[usize::from(number) % all.len()]
}

/// A step, its numbers to be understood in a lab.
#[derive(Clone, Debug)]
enum Step {
    Line(u16, u16, bool),
    HostLine(u16),
    Job(u16, u16),
    Attach(u16, u16),
    Cable(u16, u16),
    Link(u16, u16),
    Switch(u16, u16),
    Service(u16, bool),
    Scope(u16, u16),
    Hypervisor(u16),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let pass = prop_oneof![0_u64..2_000, 0_u64..5_000_000, 0_u64..20_000_000, Just(61_000_000)].prop_map(Step::Pass);
    let two = || (any::<u16>(), any::<u16>());
    prop_oneof![
        8 => (any::<u16>(), any::<u16>(), any::<bool>()).prop_map(|(who, line, tty)| Step::Line(who, line, tty)),
        3 => any::<u16>().prop_map(Step::HostLine),
        2 => two().prop_map(|(job, what)| Step::Job(job, what)),
        3 => two().prop_map(|(vm, mode)| Step::Attach(vm, mode)),
        1 => two().prop_map(|(card, state)| Step::Cable(card, state)),
        1 => two().prop_map(|(cable, what)| Step::Link(cable, what)),
        1 => two().prop_map(|(port, what)| Step::Switch(port, what)),
        1 => (any::<u16>(), any::<bool>()).prop_map(|(which, start)| Step::Service(which, start)),
        1 => two().prop_map(|(which, what)| Step::Scope(which, what)),
        1 => any::<u16>().prop_map(Step::Hypervisor),
        8 => pass,
    ]
}

fn line(machine: &str, line: &str, tty: bool) -> Value {
    json!({ "c": "run", "machine": machine, "line": line, "tty": tty.then_some(80), "stdin": !tty && line.starts_with("nc") })
}

fn job(scene: &Scene, started: &[(String, u32)], number: u16, what: u16) -> Value {
    let none = (scene.machines[0].clone(), 1);
    let (machine, job) = if started.is_empty() { &none } else { of(started, number) };
    let at = |c: &str| json!({ "c": c, "machine": machine, "job": job });
    let with = |c: &str, key: &str, value: &str| {
        let mut command = at(c);
        command[key] = json!(value);
        command
    };
    match what % 7 {
        0 => with("input", "text", "GET / HTTP/1.0\r\n\r\n"),
        1 => at("input-end"),
        2 => with("signal", "signal", "KILL"),
        3 => with("signal", "signal", "STOP"),
        4 => with("signal", "signal", "CONT"),
        5 => with("signal", "signal", "TERM"),
        _ => with("signal", "signal", "INT"),
    }
}

fn link(scene: &Scene, cable: u16, what: u16) -> Value {
    let (a, b) = of(&scene.cables, cable);
    let setting = [
        json!({ "up": false }),
        json!({ "up": true }),
        json!({ "up": true }),
        json!({ "rate_bps": 64_000, "queue_frames": 3 }),
        json!({ "rate_bps": 0, "jitter_us": 5_000 }),
        json!({ "loss_ppm": 200_000, "delay_us": 30_000 }),
        json!({ "loss_ppm": 0, "delay_us": 100 }),
    ];
    json!({ "c": "link", "a": a, "b": b, "setting": of(&setting, what) })
}

fn switch(scene: &Scene, number: u16, what: u16) -> Value {
    let (switch, port) = of(&scene.switches, number);
    let setting = [
        json!({ "s": "stp", "on": true }),
        json!({ "s": "stp", "on": false }),
        json!({ "s": "priority", "value": 4_096 }),
        json!({ "s": "ageing", "secs": 2 }),
        json!({ "s": "forward-delay", "secs": 4 }),
        json!({ "s": "open", "port": port }),
        json!({ "s": "cost", "port": port, "cost": 100 }),
        json!({ "s": "port-priority", "port": port, "value": 8 }),
        json!({ "s": "security", "port": port, "security": { "violation": "shutdown" } }),
        json!({ "s": "security", "port": port, "security": { "violation": "protect", "max": 2 } }),
        json!({ "s": "security", "port": port }),
    ];
    json!({ "c": "switch", "switch": switch, "setting": of(&setting, what) })
}

fn hypervisor(what: u16) -> Value {
    let change = [
        json!({ "h": "add-vm", "name": "vm9" }),
        json!({ "h": "add-nic", "vm": "vm9", "adapter": 1, "change": { "mode": "nat" } }),
        json!({ "h": "start-vm", "name": "vm9" }),
        json!({ "h": "power-off", "name": "vm9" }),
        json!({ "h": "remove-nic", "vm": "vm9", "adapter": 1 }),
        json!({ "h": "remove-vm", "name": "vm9" }),
        json!({ "h": "set-nic", "vm": "vm1", "adapter": 1, "change": { "promiscuous": "allow-vms", "cable": true } }),
        json!({ "h": "add-host-only" }),
        json!({ "h": "power-off", "name": "vm1" }),
        json!({ "h": "start-vm", "name": "vm1" }),
        json!({ "h": "run-nat-network", "name": "NatNetwork", "start": true }),
    ];
    json!({ "c": "hypervisor", "change": of(&change, what) })
}

fn command(scene: &Scene, step: &Step, started: &[(String, u32)]) -> Command {
    let value = match step {
        Step::Line(who, text, tty) => {
            // VMs are where students are.
            let place = if who % 4 == 0 { of(&scene.machines, who / 4) } else { of(&scene.vms, who / 4) };
            line(place, of::<&str>(LINES, *text), *tty)
        }
        Step::HostLine(text) => line("host", of::<&str>(HOST_LINES, *text), false),
        Step::Job(number, what) => job(scene, started, *number, *what),
        Step::Attach(vm, mode) => {
            let (mode, network) = of(&MODES, *mode);
            json!({ "c": "attach", "vm": of(&scene.vms, *vm), "adapter": 1, "mode": mode, "network": network })
        }
        Step::Cable(card, state) => {
            let (machine, iface) = of(&scene.cards, *card);
            let state = of(&["on", "on", "off", "mute", "mute-tx"], *state);
            json!({ "c": "cable", "machine": machine, "iface": iface, "state": state })
        }
        Step::Link(cable, what) => link(scene, *cable, *what),
        Step::Switch(port, what) => switch(scene, *port, *what),
        Step::Service(which, start) => {
            let (machine, service) = of(&scene.services, *which);
            json!({ "c": "service", "machine": machine, "service": service, "start": start })
        }
        Step::Scope(which, what) => {
            let (machine, service) = of(&scene.services, *which);
            let to = json!({ "dev": "eth0", "first": "192.168.0.201", "last": "192.168.0.209", "lease_secs": 60 });
            match what % 4 {
                // Refused where it is the only one, or where there is no such scope.
                0 => json!({ "c": "scope", "machine": machine, "service": service, "scope": what / 4 % 2 }),
                at => json!({ "c": "scope", "machine": machine, "service": service, "scope": at / 2, "to": to }),
            }
        }
        Step::Hypervisor(what) => hypervisor(*what),
        Step::Pass(_) => unreachable!("time is no command"),
    };
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{value}: {error}"))
}

/// Events of one walk after which it ends, and before which every one is checked.
const EVENTS_MAX: u32 = 6_000;
const CHECKED_ALL: u32 = 1_500;

struct Walk {
    world: World,
    view: LabView,
    scene: Scene,
    inputs: Vec<SessionInput>,
    started: Vec<(String, u32)>,
    events: u32,
    /// Time passes in slices of so many microseconds, besides the world's own wake-ups.
    slice: u64,
}

impl Walk {
    fn new(lab: &Lab, seed: u64, slice: u64) -> Self {
        let world = World::new(lab, seed).unwrap();
        let (view, scene) = (LabView::default(), Scene::of(lab));
        let mut walk = Self { world, view, scene, inputs: Vec::new(), started: Vec::new(), events: 0, slice };
        walk.drain();
        walk
    }

    fn drain(&mut self) {
        while let Some(output) = self.world.poll_output() {
            if let Output::Event(event) = output {
                self.view.apply(&event);
            }
        }
    }

    /// The world is sound.
    fn check(&mut self) -> Result<(), TestCaseError> {
        self.events += 1;
        if self.events > CHECKED_ALL && !self.events.is_multiple_of(32) {
            return Ok(());
        }
        let now = self.world.now();
        self.world.check().map_err(|violation| TestCaseError::fail(format!("{violation:?} at {now}")))
    }

    fn pass(&mut self, micros: u64) -> Result<(), TestCaseError> {
        let until = SimTime::from_micros(self.world.now().as_micros() + micros);
        while self.world.now() < until && self.events < EVENTS_MAX {
            let slice = SimTime::from_micros(self.world.now().as_micros() + self.slice);
            let own = self.world.next_wakeup();
            let next = own.unwrap_or(until).min(until).min(slice);
            self.world.handle(next, Input::Time).unwrap();
            self.drain();
            // A slice in which nothing happened is no event: walks of all slices end at the same one.
            if own.is_some_and(|own| own <= next) {
                self.check()?;
            }
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        if let Step::Pass(micros) = step {
            return self.pass(*micros);
        }
        let command = command(&self.scene, step, &self.started);
        let (at, job, before) = (self.world.now(), self.world.next_job(), self.world.fingerprint());
        // A refusal is legal too: it must only leave the world as sound as it was.
        let done = self.world.handle(at, Input::Command(&command)).is_ok();
        self.drain();
        if done {
            if let Command::Run { machine, .. } = &command {
                self.started.push((machine.clone(), job.0));
            }
            self.inputs.push(SessionInput { at, command, fingerprint: self.world.fingerprint() });
        } else {
            prop_assert_eq!(self.world.fingerprint(), before, "a refusal changes nothing: {:?}", command);
        }
        self.check()
    }

    /// What a viewer that folded every fact knows is what a query tells.
    fn fold_is_query(&self) -> Result<(), TestCaseError> {
        let mut query = LabView { seq: self.view.seq, time: self.view.time, ..LabView::default() };
        self.world.rows(false).into_iter().for_each(|row| query.put(row));
        let (mut fold, mut query) = (self.view.rows(), query.rows());
        fold.sort_by_key(Row::key);
        query.sort_by_key(Row::key);
        let only = |a: &[Row], b: &[Row]| a.iter().filter(|row| !b.contains(row)).cloned().collect::<Vec<_>>();
        prop_assert_eq!((only(&fold, &query), only(&query, &fold)), (Vec::new(), Vec::new()), "fold, query");
        Ok(())
    }
}

fn runner(name: &str, lab: &Lab) -> Runner {
    let place = "test".to_owned();
    let capabilities = Capabilities { place, pace: true, load: true, rewind: Rewind::World, host_sockets: false };
    let labs = vec![(name.to_owned(), lab.clone())];
    Runner::new(RunnerConfig { capabilities, program: "test".into(), labs, seed: 1 }, lab).unwrap()
}

/// Says one thing to a runner, lets it finish, and gives what it answered.
fn say(runner: &mut Runner, message: &Value) -> Vec<Value> {
    let viewer = runner.connect();
    runner.handle_message(viewer, 0, &json!({ "m": "hello", "version": VERSION }).to_string());
    runner.handle_message(
        viewer,
        0,
        &json!({ "m": "pace", "pace": { "running": false, "speed_ppm": 1_000_000 } }).to_string(),
    );
    while runner.poll_message().is_some() {}
    runner.handle_message(viewer, 0, &message.to_string());
    for frame in 0..20_000 {
        runner.advance(frame);
    }
    let heard =
        std::iter::from_fn(|| runner.poll_message()).map(|(_, text)| serde_json::from_str(&text).unwrap()).collect();
    runner.disconnect(viewer);
    heard
}

/// The session gives the same trace from a page's Load, and from the link that is made of it.
fn can_be_done_again(name: &str, lab: &Lab, walk: &Walk) -> Result<(), TestCaseError> {
    let Some(last) = walk.inputs.last() else { return Ok(()) };
    let mut first = runner(name, lab);
    let seed = walk.world.seed();
    let load = json!({ "m": "load", "lab": { "named": name }, "seed": seed, "inputs": walk.inputs });
    let heard = say(&mut first, &load);
    prop_assert!(heard.iter().all(|message| message["m"] != "error"), "{:?}", heard.last());
    prop_assert_eq!(&first.world().unwrap().fingerprint(), &last.fingerprint);
    let heard = say(&mut first, &json!({ "m": "share" }));
    let link = heard.iter().find(|message| message["m"] == "link").map(|message| message["text"].clone());
    let mut second = runner(name, lab);
    let heard = say(&mut second, &json!({ "m": "open", "link": link }));
    prop_assert!(heard.iter().all(|message| message["m"] != "error"), "{:?}", heard.last());
    prop_assert_eq!(&second.world().unwrap().fingerprint(), &last.fingerprint);
    Ok(())
}

/// Ten seconds of walks, unless `PROPTEST_CASES` asks for more.
fn cases() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(24), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_world_is_sound_after_every_event_of_any_walk(
        name in prop::sample::select(lab_names()),
        seed in 0_u64..1_000,
        slice in 1_000_u64..3_000_000,
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let lab = lab(&name);
        let mut walk = Walk::new(&lab, seed, u64::MAX >> 20);
        for step in &steps {
            walk.step(step)?;
        }
        walk.fold_is_query()?;
        prop_assert!(walk.world.seq() > 0);
        // A walk that was cut short is not one that can be sliced otherwise.
        if walk.events < EVENTS_MAX {
            let mut sliced = Walk::new(&lab, seed, slice);
            for step in &steps {
                sliced.step(step)?;
            }
            prop_assert_eq!(sliced.world.fingerprint(), walk.world.fingerprint());
            can_be_done_again(&name, &lab, &walk)?;
        }
    }

    #[test]
    fn any_text_is_a_script_or_an_error_with_its_line(text in "[ -~\n\\PC]{0,200}") {
        if let Err(error) = Script::parse(&text) {
            prop_assert!(error.line >= 1 && error.line <= text.lines().count().max(1));
        }
    }
}
