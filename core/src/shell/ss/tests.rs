use core::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::shell::fake::Fake;
use crate::view::*;

/// What `ss` of iproute2 6.1.0 printed for the sockets of [`lab`]: `== WIDTH COMMAND` (or `pipe`), then its lines, each
/// with a bar behind it.
const RECORDED: &str = include_str!("recorded.txt");

fn row(
    id: u64,
    kind: SocketKind,
    state: SocketState,
    local: (&str, u16),
    peer: (&str, u16),
    queues: (u32, u32),
) -> SocketRow {
    let end = |(addr, port): (&str, u16)| {
        let (addr, iface) = addr.split_once('%').map_or((addr, None), |(addr, iface)| (addr, Some(iface.to_owned())));
        SocketEnd { addr: addr.parse::<IpAddr>().unwrap(), port, iface }
    };
    let owner = |fd| SocketOwner::Processes(vec![SocketProcess { name: "python3".to_owned(), pid: 26_392, fd }]);
    SocketRow {
        node: None,
        id,
        kind,
        v6: local.0.contains(':'),
        v6_only: false,
        state,
        local: end(local),
        peer: end(peer),
        owner: if id < 100 { owner(u32::try_from(id).unwrap()) } else { SocketOwner::Nobody },
        uid: 0,
        queues: Some(SocketQueues { recv: queues.0, send: queues.1 }),
    }
}

/// The sockets of the recording; the id of a row that a process holds is its descriptor.
fn lab() -> Vec<SocketRow> {
    use SocketKind::{PRaw, Raw, Tcp, Udp};
    use SocketState::{CloseWait, Established, FinWait2, Listen, TimeWait, Unconnected};
    let any = ("0.0.0.0", 0);
    let any6 = ("::", 0);
    let mut only6 = row(5, Tcp, Listen, ("::", 22), any6, (0, 128));
    only6.v6_only = true;
    vec![
        row(6, Tcp, Listen, ("127.0.0.1", 5432), any, (0, 128)),
        row(3, Tcp, Listen, ("0.0.0.0", 22), any, (0, 128)),
        row(7, Tcp, Listen, ("10.0.2.15%enp0s3", 8080), any, (0, 128)),
        row(4, Tcp, Listen, ("::", 80), any6, (1, 511)),
        only6,
        row(13, Tcp, Established, ("127.0.0.1", 45920), ("127.0.0.1", 80), (0, 0)),
        row(14, Tcp, Established, ("127.0.0.1", 5432), ("127.0.0.1", 56044), (0, 0)),
        row(101, Tcp, FinWait2, ("127.0.0.1", 56962), ("127.0.0.1", 22), (0, 0)),
        row(102, Tcp, TimeWait, ("127.0.0.1", 22), ("127.0.0.1", 56968), (0, 0)),
        row(15, Tcp, Established, ("127.0.0.1", 56044), ("127.0.0.1", 5432), (100, 0)),
        row(16, Tcp, CloseWait, ("127.0.0.1", 22), ("127.0.0.1", 56962), (1, 0)),
        row(103, Tcp, Established, ("::ffff:127.0.0.1", 80), ("::ffff:127.0.0.1", 45920), (0, 0)),
        row(17, Udp, Established, ("127.0.0.1", 49851), ("127.0.0.1", 53), (0, 0)),
        row(9, Udp, Unconnected, ("127.0.0.1", 53), any, (0, 0)),
        row(12, Udp, Unconnected, ("10.0.2.15%enp0s3", 67), any, (0, 0)),
        row(8, Udp, Unconnected, ("0.0.0.0", 68), any, (0, 0)),
        row(11, Udp, Unconnected, ("::", 5353), any6, (0, 0)),
        row(18, Raw, Unconnected, ("0.0.0.0", 1), any, (0, 0)),
        row(19, PRaw, Unconnected, ("0.0.0.0%enp0s3", 0x800), any, (0, 0)),
    ]
}

fn words(line: &str) -> Vec<String> {
    line.replace('\'', "").split_whitespace().skip(1).map(str::to_owned).collect()
}

#[test]
fn output_equals_what_the_real_ss_printed() {
    let rows = lab();
    let mut commands = 0;
    for section in RECORDED.split("== ").filter(|section| !section.is_empty()) {
        let (head, body) = section.split_once('\n').unwrap();
        let (width, command) = head.split_once(' ').unwrap();
        let expected = body.replace("|\n", "\n");
        let options = parse(&words(command)).unwrap();
        let printed = render(&options, &rows, width.parse().ok(), &DebianNames).to_plain();
        assert_eq!(printed, expected, "{head}");
        commands += 1;
    }
    assert!(commands > 50, "{commands} commands");
}

#[test]
fn errors_are_those_of_the_real_ss() {
    for (line, exit, message) in [
        ("ss -tn state foo", 255, "ss: wrong state name: foo"),
        ("ss -tan sport = foo", 1, "Error: \"foo\" does not look like a port.\nCannot parse dst/src address."),
        ("ss -tan foo", 1, "Error: an inet prefix is expected rather than \"foo\".\nCannot parse dst/src address."),
        ("ss -z", 1, "ss: SELinux is not enabled."),
        (
            "ss -tn dst",
            255,
            "ss: bison bellows (while parsing filter): \"syntax error!\" Sorry.\nUsage: ss [ OPTIONS ]",
        ),
        ("ss -A foo", 255, "ss: \"foo\" is illegal socket table id\nUsage: ss [ OPTIONS ]"),
        ("ss -f foo", 255, "ss: \"foo\" is invalid family\nUsage: ss [ OPTIONS ]"),
        ("ss -y", 255, "ss: invalid option -- 'y'\nUsage: ss [ OPTIONS ]"),
        ("ss --nope", 255, "ss: unrecognized option '--nope'\nUsage: ss [ OPTIONS ]"),
    ] {
        let error = parse(&words(line)).expect_err(line);
        assert_eq!(error.exit, exit, "{line}");
        assert!(error.message.starts_with(message) && !error.to_stdout, "{line}: {}", error.message);
    }
    assert!(parse(&words("ss -V")).is_err_and(|error| error.to_stdout && error.exit == 0));
}

#[test]
fn totals_are_laid_out_as_the_real_ones() {
    let sum = SsSummary {
        used: 18,
        tcp_alloc: 11,
        tcp_estab: 5,
        tcp_orphaned: 0,
        tcp_timewait: 2,
        raw: [1, 0],
        udp: [4, 1],
        tcp: [7, 3],
        frag: [0, 0],
    };
    let expected = "Total: 18\nTCP:   13 (estab 5, closed 3, orphaned 0, timewait 2)\n\nTransport Total     IP        IPv6\n\
                    RAW\t  1         1         0        \nUDP\t  5         4         1        \nTCP\t  10        7         3        \n\
                    INET\t  16        12        4        \nFRAG\t  0         0         0        \n\n";
    assert_eq!(render_summary(&sum).to_plain(), expected);
    let of_rows = SsSummary::of(&lab());
    assert_eq!((of_rows.tcp_timewait, of_rows.udp, of_rows.raw), (1, [4, 1], [1, 0]));
}

#[test]
fn the_simulated_command_prints_the_machines_sockets() {
    let mut fake = Fake::debian();
    fake.sockets = lab();
    let (status, out, err) = fake.run("ss -ltn");
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(out.starts_with("State  Recv-Q Send-Q") && out.lines().count() == 6, "{out}");
    assert!(fake.run("ss -as").1.starts_with("Total: 18\nTCP:   "));
    assert_eq!(fake.run("ss -y").0, 255);
}

#[test]
fn extended_shows_user_and_identity() {
    let mut rows = lab();
    rows.truncate(1);
    rows[0].uid = 33;
    let out = render(&parse(&words("ss -lntepH")).unwrap(), &rows, None, &DebianNames).to_plain();
    assert!(out.ends_with(" users:((\"python3\",pid=26392,fd=6)) uid:33 ino:6 sk:6 <->\n"), "{out}");
}

proptest! {
    #[test]
    fn any_arguments_are_read_or_refused(args in proptest::collection::vec("(-[a-zA-Z0-9]{0,4}|--[a-z=]{0,8}|state|exclude|all|sport|dport|src|dst|not|and|or|[()!=<>:]{1,3}|[0-9.:/*\\[\\]]{0,8}|é)", 0..8), width in 0_u16..200) {
        if let Ok(options) = parse(&args) {
            let _ = render(&options, &lab(), Some(width), &DebianNames);
            let _ = render(&options, &lab(), None, &DebianNames);
        }
    }

    #[test]
    fn deep_brackets_are_refused_in_bounded_time(depth in 0_usize..5_000) {
        let _ = parse(&["(".repeat(depth), "not ".repeat(depth)]);
    }
}
