//! Links: short, whole or refused.

use proptest::prelude::*;

use super::*;
use crate::programs::Signal;
use crate::world::CableState;

/// Numbers without a pattern (Knuth's MMIX generator).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 ^ (self.0 >> 29)) % bound
    }
}

fn run(machine: &str, line: &str) -> Command {
    Command::Run { machine: machine.into(), line: line.into(), tty: Some(93), stdin: false }
}

/// A lesson of 50 commands at two machines' terminals, with modes switched, a cable pulled, and a dialogue by `nc`.
fn lesson() -> Vec<Command> {
    let attach = |vm: &str, mode: &str, network: &str| Command::Attach {
        vm: vm.into(),
        adapter: 1,
        mode: serde_json::from_value(mode.into()).unwrap(),
        network: network.into(),
    };
    let cable = |state| Command::Cable { machine: "vm1".into(), iface: "enp0s3".into(), state };
    let job = crate::id::JobId;
    let mut all: Vec<Command> = "ip addr|dhclient -v enp0s3|ip a show enp0s3|ip route|ping -c 3 8.8.8.8|ip neigh|curl -v http://example.com/|ss -tan|cat /etc/resolv.conf|traceroute -n 8.8.8.8"
        .split('|').map(|line| run("vm1", line)).collect();
    all.push(attach("vm1", "bridged", ""));
    all.push(attach("vm2", "internal", "intnet7"));
    all.extend("dhclient -r enp0s3|dhclient -v enp0s3|ip route get 93.184.215.14|ping -c 2 192.168.0.50|ping -c 1 192.168.0.111|ip neigh show dev enp0s3"
        .split('|').map(|line| run("vm1", line)));
    all.push(cable(CableState::Off));
    all.push(run("vm1", "ip link show enp0s3"));
    all.push(cable(CableState::On));
    all.extend("ip addr add 192.168.56.7/24 dev enp0s3|ip link set enp0s3 up|ip route add default via 192.168.56.1|ping 192.168.56.1|ip route del default|arp -n"
        .split('|').map(|line| run("vm2", line)));
    all.push(Command::Signal { machine: "vm2".into(), job: job(24), signal: Signal::Int });
    all.push(run("pc", "nc -l 9000"));
    all.push(run("host", "nc 192.168.0.50 9000"));
    for text in ["hello from the host\n", "it is raining here\n", "bye\n"] {
        all.push(Command::Input { machine: "host".into(), job: job(29), text: text.into() });
    }
    all.push(Command::InputEnd { machine: "host".into(), job: job(29) });
    all.push(Command::Service { machine: "dhcp-server".into(), service: "dhcpd".into(), start: false });
    all.extend("sysctl -w net.ipv4.ip_forward=1|iptables -t nat -A POSTROUTING -o enp0s3 -j MASQUERADE|iptables -A FORWARD -s 10.7.0.0/24 -j ACCEPT|iptables -L -n -v|conntrack -L|ss -ltnp"
        .split('|').map(|line| run("vm1", line)));
    all.extend("ip addr flush dev enp0s3|ip addr add 10.7.0.2/24 dev enp0s3|ip route add default via 10.7.0.1|ping -c 3 10.7.0.1|ping -c 3 8.8.8.8|host example.com|curl -s http://example.com/ | head -n 3|ip -s link show enp0s3|bridge fdb show"
        .split('|').map(|line| run("vm2", line)));
    all
}

fn session(commands: Vec<Command>) -> Session {
    let mut random = Random(7);
    let mut at = 0;
    let inputs = commands.into_iter().map(|command| {
        // People type every few seconds, at no round time.
        at += 1_000_000_000 + random.below(9_000_000_000);
        SessionInput { at: SimTime::from_nanos(at), command, fingerprint: format!("{:016x}", random.below(u64::MAX)) }
    });
    let inputs = inputs.collect();
    let (lab, lab_hash) = (LabChoice::Named("modes".into()), "0123456789abcdef".into());
    Session { core: env!("CARGO_PKG_VERSION").into(), lab, lab_hash, seed: 1, inputs }
}

fn short_fingerprints(mut session: Session) -> Session {
    let last = session.inputs.len().saturating_sub(1);
    session.inputs.iter_mut().take(last).for_each(|input| input.fingerprint.truncate(FINGERPRINT_DIGITS));
    session
}

#[test]
fn a_session_of_fifty_commands_fits_in_two_thousand_characters() {
    let session = session(lesson().into_iter().take(50).collect());
    assert_eq!(session.inputs.len(), 50);
    let text = write(&session).unwrap();
    assert!(text.len() <= 2_000, "{} characters", text.len());
    assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)), "{text}");
    assert_eq!(read(&text), Ok(short_fingerprints(session.clone())));
    let json = serde_json::to_string(&session).unwrap();
    println!("50 commands: {} characters, JSON {} bytes", text.len(), json.len());
    // What stands around the text in a message.
    assert_eq!(read(&format!(" {text}\n")).unwrap().inputs.len(), 50);
}

#[test]
fn a_link_carries_a_lab_of_its_own() {
    let mut session = session(lesson().into_iter().take(3).collect());
    let path = format!("{}/../static/labs/modes.toml", env!("CARGO_MANIFEST_DIR"));
    let lab: crate::lab::Lab = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    session.lab = LabChoice::Inline(Box::new(serde_json::from_str(&lab.to_json()).unwrap()));
    let text = write(&session).unwrap();
    println!("a whole lab: {} characters, JSON {} bytes", text.len(), lab.to_json().len());
    assert_eq!(read(&text), Ok(short_fingerprints(session)));
    assert!(text.len() < 4_000, "{}", text.len());
}

fn code(text: &str) -> String {
    read(text).expect_err("refused").code
}

#[test]
fn a_text_that_is_no_link_or_not_whole_says_so() {
    let text = write(&session(lesson().into_iter().take(9).collect())).unwrap();
    assert_eq!(code(""), "link-malformed");
    assert_eq!(code("lab=nat"), "link-malformed");
    assert_eq!(code("x.AAAA"), "link-malformed");
    assert_eq!(code("+1.AAAA"), "link-malformed");
    assert_eq!(code("1."), "link-damaged");
    assert_eq!(code(&text[..text.len() - 1]), "link-damaged");
    assert_eq!(code(&text.replacen(&text[20..21], "*", 1)), "link-damaged");
    assert_eq!(code(&text.replacen("1.", "2.", 1)), "link-version");
    assert_eq!(code(&"1".repeat(LINK_CHARS_MAX + 1)), "link-too-long");
}

#[test]
fn a_command_that_this_program_does_not_know_is_named() {
    let mut out = Writer::default();
    out.text("9.0.0");
    out.number(0);
    out.text("nat");
    out.text("0123456789abcdef");
    out.number(1);
    out.text(r#"[{"c":"teleport","vm":"vm1"}]"#);
    let packed = pack::pack(&out.bytes);
    let body = [checksum(&packed).as_slice(), &packed].concat();
    let error = read(&format!("1.{}", base64::encode(&body))).unwrap_err();
    assert_eq!(error.code, "link-unreadable");
    assert!(error.args[0].1.contains("teleport"), "{error:?}");
}

#[test]
fn a_session_that_is_too_long_for_a_link_is_refused() {
    let mut random = Random(1);
    let mut line = || (0..60).map(|_| char::from(b'a' + random.below(26) as u8)).collect::<String>();
    let session = session((0..4_000).map(|_| run("vm1", &line())).collect());
    assert_eq!(write(&session).unwrap_err().code, "link-too-long");
}

fn command() -> impl Strategy<Value = Command> {
    let text = "\\PC{0,40}";
    prop_oneof![
        (text, text, any::<Option<u16>>(), any::<bool>()).prop_map(|(machine, line, tty, stdin)| Command::Run {
            machine,
            line,
            tty,
            stdin
        }),
        (text, any::<u32>(), text).prop_map(|(machine, job, text)| Command::Input {
            machine,
            job: crate::id::JobId(job),
            text
        }),
        (text, text, any::<bool>()).prop_map(|(machine, service, start)| Command::Service { machine, service, start }),
    ]
}

fn any_session() -> impl Strategy<Value = Session> {
    let input = (any::<u64>(), command(), "[0-9a-f]{16}|[0-9a-f]{4}|");
    (prop::collection::vec(input, 0..20), any::<u64>(), "\\PC{0,9}").prop_map(|(inputs, seed, core)| Session {
        core,
        lab: LabChoice::Named("nat".into()),
        lab_hash: "00".into(),
        seed,
        inputs: inputs
            .into_iter()
            .map(|(at, command, fingerprint)| SessionInput { at: SimTime::from_nanos(at), command, fingerprint })
            .collect(),
    })
}

proptest! {
    #[test]
    fn any_session_comes_back_from_its_link(session in any_session()) {
        let text = write(&session).unwrap();
        prop_assert_eq!(read(&text).unwrap(), short_fingerprints(session));
    }

    #[test]
    fn any_text_is_refused_or_read(text in "\\PC{0,80}|1\\.[A-Za-z0-9_-]{0,200}") {
        let _ = read(&text);
    }

    /// One changed character never passes for another session.
    #[test]
    fn a_changed_link_is_refused(at in 2_usize..400, digit in "[A-Za-z0-9_-]") {
        let text = write(&session(lesson().into_iter().take(20).collect())).unwrap();
        let at = 2 + at % (text.len() - 2);
        let mut changed = text.clone();
        changed.replace_range(at..=at, &digit);
        prop_assume!(changed != text);
        prop_assert_eq!(read(&changed).unwrap_err().code, "link-damaged");
    }

    /// Bytes that are packed rightly and mean nothing.
    #[test]
    fn any_packed_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let packed = pack::pack(&bytes);
        let body = [checksum(&packed).as_slice(), &packed].concat();
        let _ = read(&format!("1.{}", base64::encode(&body)));
    }
}
