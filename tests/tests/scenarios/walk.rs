//! Whatever legal things a student does, in whatever order, the world stays sound.

use netmodes_core::script::Script;
use netmodes_core::time::SimTime;
use netmodes_core::view::Mode;
use netmodes_core::world::{CableState, Command, Input, World};
use netmodes_tests::content::lab;
use proptest::prelude::*;

const LINES: [&str; 26] = [
    "VBoxManage list dhcpservers && VBoxManage showvminfo vm1",
    "VBoxManage controlvm vm1 nic1 hostonly vboxnet0 || VBoxManage hostonlyif create",
    "VBoxManage controlvm vm1 poweroff || VBoxManage startvm vm1",
    "VBoxManage controlvm vm1 nic1 bridged eth0",
    "dhclient enp0s3",
    "dhclient -v -1 enp0s3",
    "dhclient -r enp0s3",
    "ip link set enp0s3 up",
    "ip link set enp0s3 down",
    "ip addr add 10.0.2.15/24 dev enp0s3",
    "ip address delete 10.0.2.15/24 dev enp0s3",
    "ip addr flush dev enp0s3",
    "ip route add default via 10.0.2.1",
    "ip route del default",
    "ip neigh flush dev enp0s3",
    "ip neigh add 10.0.2.1 lladdr 02:00:00:00:00:01 dev enp0s3",
    "ping -c 3 8.8.8.8",
    "ping -c 2 10.0.2.77",
    "ping -c 2 -t 2 8.8.8.8",
    "ping -c 20 -i 0.01 -s 3000 10.0.2.1",
    "curl -s http://example.com/",
    "curl -s -m 2 http://93.184.215.14:81/",
    "nc -l 9000",
    "nc -u -w 1 8.8.8.8 9",
    "ss -tuan",
    "ping -c 1 10.0.2.15 && ip addr | cat",
];

#[derive(Clone, Debug)]
enum Step {
    Do(Command),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let machines = prop::sample::select(vec!["vm1", "vm1", "vm1", "host", "pc", "web"]);
    let run = (machines, prop::sample::select(LINES.to_vec()), any::<bool>()).prop_map(|(machine, line, tty)| {
        let tty = tty.then_some(80);
        Step::Do(Command::Run { machine: machine.to_owned(), line: line.to_owned(), tty, stdin: false })
    });
    let modes = prop::sample::select(vec![Mode::NotAttached, Mode::Nat, Mode::Nat]);
    let attach = modes
        .prop_map(|mode| Step::Do(Command::Attach { vm: "vm1".to_owned(), adapter: 1, mode, network: String::new() }));
    let states = prop::sample::select(vec![CableState::On, CableState::On, CableState::Off, CableState::Mute]);
    let ends = prop::sample::select(vec![("vm1", "enp0s3"), ("host", "eth0"), ("router", "wan")]);
    let cable = (ends, states).prop_map(|((machine, iface), state)| {
        Step::Do(Command::Cable { machine: machine.to_owned(), iface: iface.to_owned(), state })
    });
    let service = any::<bool>()
        .prop_map(|start| Step::Do(Command::Service { machine: "web".to_owned(), service: "http".to_owned(), start }));
    let pass = prop_oneof![0_u64..2_000, 0_u64..5_000_000, Just(61_000_000)].prop_map(Step::Pass);
    prop_oneof![6 => run, 1 => attach, 1 => cable, 1 => service, 6 => pass]
}

/// One input, full drain, and the world must be sound.
fn hand(world: &mut World, at: SimTime, input: Input<'_>) -> Result<(), TestCaseError> {
    // A refusal is legal too: it must only leave the world as sound as it was.
    let _ = world.handle(at, input);
    while world.poll_output().is_some() {}
    world.check().map_err(|violation| TestCaseError::fail(format!("{violation:?} at {at}")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_world_is_sound_after_every_event_of_any_walk(seed in 0_u64..1_000, steps in prop::collection::vec(step(), 1..25)) {
        let mut world = World::new(&lab("nat"), seed).unwrap();
        while world.poll_output().is_some() {}
        for step in &steps {
            match step {
                Step::Do(command) => {
                    let now = world.now();
                    hand(&mut world, now, Input::Command(command))?;
                }
                Step::Pass(micros) => {
                    let until = SimTime::from_micros(world.now().as_micros() + micros);
                    while world.now() < until {
                        let next = world.next_wakeup().unwrap_or(until).min(until);
                        hand(&mut world, next, Input::Time)?;
                        if next == until { break; }
                    }
                }
            }
        }
        prop_assert!(world.seq() > 0);
    }

    #[test]
    fn any_text_is_a_script_or_an_error_with_its_line(text in "[ -~\n\\PC]{0,200}") {
        if let Err(error) = Script::parse(&text) {
            prop_assert!(error.line >= 1 && error.line <= text.lines().count().max(1));
        }
    }
}
