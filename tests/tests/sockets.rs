//! `netmodes ss` against iproute2's `ss`, on the same sockets at the same time, in a namespace of the test's own.
//! Needs root, iproute2 and python3.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod agent_process;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use agent_process::{Namespace, binary};

/// Opens sockets of every lasting kind, says so, and holds them until its standard input ends.
const HOLDER: &str = r#"
import socket, sys
def listen(family, addr, port, v6only=None):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if v6only is not None:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    s.bind((addr, port)); s.listen(5)
    return s
V4, V6 = socket.AF_INET, socket.AF_INET6
kept = [listen(V4, "127.0.0.1", 8080), listen(V4, "0.0.0.0", 22), listen(V6, "::", 8081, 1), listen(V6, "::", 8082, 0),
    listen(V6, "::1", 443)]
def connect(family, addr, port, at):
    c = socket.socket(family, socket.SOCK_STREAM)
    c.connect((addr, port))
    s, _ = kept[at].accept()
    return c, s
for family, addr, port, at in [(V4, "127.0.0.1", 8080, 0), (V4, "127.0.0.1", 8082, 3), (V6, "::1", 8081, 2)]:
    kept.extend(connect(family, addr, port, at))
# Data that nobody reads: a receive queue.
kept[5].sendall(b"hello")
# Whoever closes first waits.
for family, addr, port, at in [(V4, "127.0.0.1", 22, 1), (V6, "::1", 443, 4)]:
    c, s = connect(family, addr, port, at)
    c.close(); s.recv(1); s.close()
# Half closed: FIN-WAIT-2 here, CLOSE-WAIT there.
c, s = connect(V4, "127.0.0.1", 8080, 0)
c.shutdown(socket.SHUT_WR); s.recv(1); kept.extend([c, s])
for family, addr, port in [(V4, "0.0.0.0", 68), (V4, "127.0.0.1", 5353), (V6, "::1", 53), (V6, "::", 5000)]:
    u = socket.socket(family, socket.SOCK_DGRAM); u.bind((addr, port)); kept.append(u)
u = socket.socket(V4, socket.SOCK_DGRAM); u.connect(("127.0.0.1", 53)); kept.append(u)
kept.append(socket.socket(V4, socket.SOCK_RAW, socket.IPPROTO_ICMP))
bound = socket.socket(V4, socket.SOCK_DGRAM)
bound.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo"); bound.bind(("0.0.0.0", 69)); kept.append(bound)
print("ready", flush=True)
sys.stdin.read()
"#;

/// How often the two tools look before they are said to disagree.
const LOOKS_MAX: usize = 10;

/// A namespace with sockets in it.
struct Held {
    inside: Namespace,
    holder: Child,
}

impl Held {
    fn new(test: &str) -> Self {
        let inside = Namespace::new(test);
        let holder =
            inside.command(&["python3", "-c", HOLDER]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut held = Self { inside, holder };
        let mut line = String::new();
        BufReader::new(held.holder.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        held
    }

    /// What the real tool and ours print for the same arguments.
    fn both(&self, args: &str) -> [String; 2] {
        let ours = binary().to_string_lossy().into_owned();
        [&["ss"][..], &[&ours, "ss"]].map(|tool| {
            let words: Vec<_> = tool.iter().copied().chain(args.split_whitespace()).collect();
            self.inside.run(&words)
        })
    }

    #[track_caller]
    fn agree(&self, args: &str) -> String {
        // A state may change between the two looks (a FIN that is being acknowledged): then they look again.
        let mut looks = (0..LOOKS_MAX).map(|_| self.both(args));
        let agreed = looks.find(|[real, ours]| {
            let same = real == ours;
            if !same {
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
            same
        });
        let [real, ours] = agreed.unwrap_or_else(|| self.both(args));
        assert_eq!(ours, real, "ss {args}\n--- ours\n{ours}\n--- real\n{real}");
        real
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

#[test]
fn tcp_sockets_are_those_of_the_real_tool() {
    let held = Held::new("tcp");
    let shown = held.agree("-tan");
    for state in ["LISTEN", "ESTAB", "TIME-WAIT", "FIN-WAIT-2", "CLOSE-WAIT"] {
        assert!(shown.contains(state), "{state} is not among\n{shown}");
    }
    assert!(shown.contains("[::1]:") && shown.contains("*:8082"), "{shown}");
}

#[test]
fn every_option_shows_what_the_real_tool_shows() {
    let held = Held::new("options");
    // Not `-a` nor `-l` alone: the real tool then also lists sockets of other families (netlink, unix).
    for args in [
        "",
        "-n",
        "-t",
        "-ta",
        "-tl",
        "-tln",
        "-u",
        "-ua",
        "-uan",
        "-uln",
        "-tuan",
        "-tuwan",
        "-tulnp",
        "-tanp",
        "-tan4",
        "-tan -6",
        "-Htan",
        "-tanH -4",
        "-wan",
        "-w",
        "-4an",
        "-6a",
        "-tn state time-wait",
        "-tan state listening",
        "-tan state established",
        "-n state connected",
        "-tuln state all",
        "-4",
    ] {
        held.agree(args);
    }
}

#[test]
fn what_it_cannot_show_it_refuses() {
    let output = Command::new(binary()).args(["ss", "-tane"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("-e"));
}

#[test]
fn totals_are_those_of_the_real_tool() {
    Held::new("totals").agree("-s");
}

#[test]
fn a_wrong_option_ends_as_the_real_tools_does() {
    let run = |command: &mut Command| {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut out = String::new();
        child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        (child.wait().unwrap().code(), out)
    };
    let [real, ours] = [run(Command::new("ss").arg("-y")), run(Command::new(binary()).args(["ss", "-y"]))];
    assert_eq!(ours, real);
}
