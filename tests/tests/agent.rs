//! The agent's one port: who is let in, what the page is told, what bad messages do. Needs no rights.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod agent_process;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use agent_process::Agent;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::http::Request;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

/// Sends a request as it stands and reads the answer to its end.
fn raw(agent: &Agent, request: &str) -> String {
    let mut stream = TcpStream::connect(agent.addr).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(agent: &Agent, path: &str, host: &str, more: &str) -> String {
    raw(agent, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n"))
}

/// What a request for the WebSocket is answered with: its status.
fn knock(agent: &Agent, host: &str, origin: Option<&str>, protocols: Option<&str>) -> u16 {
    let mut more = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        .to_owned();
    let headers = [("Origin", origin), ("Sec-WebSocket-Protocol", protocols)];
    for (name, value) in headers.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        more.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = TcpStream::connect(agent.addr).unwrap();
    stream.write_all(format!("GET /ws HTTP/1.1\r\nHost: {host}\r\n{more}\r\n").as_bytes()).unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    std::str::from_utf8(&status[9..]).unwrap().parse().unwrap()
}

type Page = WebSocket<TcpStream>;

/// Connects as the agent's own page does.
fn connect(agent: &Agent) -> (Page, Response) {
    let addr = agent.addr;
    let request = Request::builder()
        .uri(format!("ws://{addr}/ws"))
        .header("Host", addr.to_string())
        .header("Origin", format!("http://{addr}"))
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Sec-WebSocket-Protocol", format!("netmodes.v1, netmodes.token.{}", agent.token))
        .body(())
        .unwrap();
    tungstenite::client(request, TcpStream::connect(addr).unwrap()).unwrap()
}

fn say(page: &mut Page, text: impl Into<String>) {
    page.send(Message::text(text.into())).unwrap();
}

/// The next message of that kind.
fn hear(page: &mut Page, kind: &str) -> Value {
    loop {
        let Message::Text(text) = page.read().unwrap() else { continue };
        let message: Value = serde_json::from_str(&text).unwrap();
        if message["m"] == kind {
            return message;
        }
    }
}

fn greet(page: &mut Page) -> Value {
    say(page, json!({"m": "hello", "version": netmodes_core::protocol::VERSION}).to_string());
    hear(page, "hello")
}

#[test]
fn without_the_token_nobody_is_let_in() {
    let agent = Agent::start(&[]);
    let (host, origin) = (agent.addr.to_string(), format!("http://{}", agent.addr));
    let right = format!("netmodes.v1, netmodes.token.{}", agent.token);
    assert_eq!(knock(&agent, &host, Some(&origin), Some(&right)), 101);
    assert!(agent.token.len() >= 32);
    let cut = format!("netmodes.v1, netmodes.token.{}", &agent.token[1..]);
    for protocols in [None, Some("netmodes.v1"), Some("netmodes.v1, netmodes.token.0000"), Some(cut.as_str())] {
        assert_eq!(knock(&agent, &host, Some(&origin), protocols), 403, "{protocols:?}");
    }
}

#[test]
fn pages_from_elsewhere_are_refused_unless_allowed() {
    let agent = Agent::start(&["--allow-origin", "https://lab.example.org"]);
    let (host, port) = (agent.addr.to_string(), agent.addr.port());
    let right = format!("netmodes.v1, netmodes.token.{}", agent.token);
    for origin in [format!("http://localhost:{port}"), "https://lab.example.org".to_owned()] {
        assert_eq!(knock(&agent, &host, Some(&origin), Some(&right)), 101, "{origin}");
    }
    for origin in ["http://evil.example", "null", "https://lab.example.org.evil.example", "http://localhost"] {
        assert_eq!(knock(&agent, &host, Some(origin), Some(&right)), 403, "{origin}");
    }
    assert_eq!(knock(&agent, &host, None, Some(&right)), 403);
}

#[test]
fn a_name_that_was_made_to_lead_here_is_not_answered_to() {
    let agent = Agent::start(&[]);
    let port = agent.addr.port();
    let right = format!("netmodes.v1, netmodes.token.{}", agent.token);
    for host in [format!("evil.example:{port}"), "127.0.0.1".to_owned(), format!("127.0.0.1.evil.example:{port}")] {
        assert_eq!(knock(&agent, &host, Some(&format!("http://{host}")), Some(&right)), 421, "{host}");
        assert!(get(&agent, "/", &host, "").starts_with("HTTP/1.1 421"), "{host}");
    }
    assert!(get(&agent, "/", &format!("localhost:{port}"), "").starts_with("HTTP/1.1 200"));
}

#[test]
fn the_page_comes_with_its_policy() {
    let agent = Agent::start(&[]);
    let host = agent.addr.to_string();
    let page = get(&agent, "/", &host, "").to_ascii_lowercase();
    assert!(page.starts_with("http/1.1 200"), "{page}");
    for header in [
        "content-security-policy: default-src 'self'; script-src 'self' 'wasm-unsafe-eval';",
        "frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "cache-control: no-cache",
        "etag: \"",
        "vary: accept-encoding",
        "content-type: text/html; charset=utf-8",
    ] {
        assert!(page.contains(header), "{header} is not in\n{page}");
    }
    assert!(!page.contains(&agent.token));
    for path in ["/../Cargo.toml", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/nothing"] {
        assert!(get(&agent, path, &host, "").starts_with("HTTP/1.1 404"), "{path}");
    }
    let post =
        raw(&agent, &format!("POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
    assert!(post.starts_with("HTTP/1.1 405"), "{post}");
}

#[test]
fn a_bad_message_is_answered_and_the_connection_goes_on() {
    let agent = Agent::start(&[]);
    let (mut page, response) = connect(&agent);
    assert_eq!(response.headers()["sec-websocket-protocol"], "netmodes.v1");
    for (bad, code) in [
        ("{\"m\":\"hel", "message-malformed"),
        ("", "message-malformed"),
        ("{\"m\":\"launch\"}", "message-malformed"),
        ("{\"m\":\"sample\",\"id\":1}", "hello-first"),
        ("{\"m\":\"hello\",\"version\":4000000000}", "version-mismatch"),
    ] {
        say(&mut page, bad);
        assert_eq!(hear(&mut page, "error")["code"], code, "{bad}");
    }
    let hello = greet(&mut page);
    assert_eq!(hello["capabilities"]["place"], "agent");
    assert_eq!(hear(&mut page, "snapshot")["lab"], "nat");
}

#[test]
fn what_a_real_lab_cannot_do_is_refused_in_words() {
    let agent = Agent::start(&[]);
    let (mut page, _) = connect(&agent);
    greet(&mut page);
    for message in [
        json!({"m": "pace", "pace": {"running": false, "speed_ppm": 1}}),
        json!({"m": "load", "lab": {"named": "nat"}, "seed": 1}),
        json!({"m": "do", "command": {"c": "attach-tap", "vm": "vm1", "adapter": 1, "device": "x"}}),
    ] {
        say(&mut page, message.to_string());
        assert_eq!(hear(&mut page, "error")["code"], "capability-missing", "{message}");
    }
}

#[test]
fn a_command_typed_in_the_page_runs_in_lab_time() {
    let agent = Agent::start(&[]);
    let (mut page, _) = connect(&agent);
    greet(&mut page);
    let run = json!({"c": "run", "machine": "vm1", "line": "dhclient -1 enp0s3 && ping -c 1 8.8.8.8", "tty": 80});
    say(&mut page, json!({"m": "do", "command": run}).to_string());
    let ended = loop {
        let events = hear(&mut page, "events");
        let facts = events["events"].as_array().unwrap().iter().map(|event| event["fact"].clone());
        if let Some(ended) = facts.into_iter().find(|fact| fact["t"] == "job-ended") {
            break ended;
        }
    };
    assert_eq!(ended["status"], 0);
}

#[test]
fn a_new_socket_of_the_host_is_shown() {
    let agent = Agent::start(&[]);
    let (mut page, _) = connect(&agent);
    greet(&mut page);
    say(&mut page, json!({"m": "subscribe", "frames": false, "host_sockets": true}).to_string());
    assert_eq!(hear(&mut page, "host-sockets")["whole"], true);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let row = loop {
        let change = hear(&mut page, "host-sockets");
        let rows = change["put"].as_array().unwrap().clone();
        if let Some(row) = rows.into_iter().find(|row| row["local"]["port"] == port && row["state"] == "LISTEN") {
            break row;
        }
    };
    drop(listener);
    while !hear(&mut page, "host-sockets")["del"].as_array().unwrap().contains(&row["id"]) {}
}

#[test]
fn a_signal_ends_the_agent_in_good_order() {
    let mut agent = Agent::start(&[]);
    let (mut page, _) = connect(&agent);
    greet(&mut page);
    agent_process::ok(Command::new("kill").args(["-TERM", &agent.child.id().to_string()]));
    let farewell = loop {
        if let Message::Close(frame) = page.read().unwrap() {
            break frame.map(|frame| frame.code);
        }
    };
    assert_eq!(farewell, Some(CloseCode::Away));
    assert_eq!(agent.child.wait().unwrap().code(), Some(0));
}

/// Runs `netmodes sim` in English on a script; its exit status, results and complaints.
fn sim(args: &[&str], script: &str) -> (Option<i32>, String, String) {
    let mut child = Command::new(agent_process::binary())
        .args(["sim", "--lang", "en"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its options does not read.
    let _ = child.stdin.take().unwrap().write_all(script.as_bytes());
    let output = child.wait_with_output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.code(), out, err)
}

#[test]
fn a_script_runs_headless_and_is_reported_in_the_order_of_starting() {
    let script = "vm1: dhclient -1 enp0s3\nvm1 &p: ping -c 2 8.8.8.8\n@tty 80 vm1: ip neigh\n@end p\nvm1: false\n";
    let (exit, out, err) = sim(&["--lab", "nat", "--json"], script);
    assert_eq!((exit, err.as_str()), (Some(0), ""));
    let results: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let modes: Vec<_> = results.iter().map(|result| result["mode"].as_str().unwrap()).collect();
    assert_eq!(modes, ["fg", "bg", "tty", "fg"]);
    assert!(results[1]["stdout"].as_str().unwrap().contains(" 0% packet loss"), "{out}");
    assert_eq!(results[3]["exit"], 1);
}

#[test]
fn what_is_not_valid_is_named_by_file_and_line() {
    for (args, script, part) in [
        (&["--lab", "nat"][..], "# fine\nbogus\n", "-:2: "),
        (&["--lab", "nat"], "vm1: ip addr\nvm9: ip addr\n", "-:2: There is no machine “vm9”"),
        (&["--lab", "nat", "--script", "/nonexistent.nms"], "", "/nonexistent.nms"),
        (&["--lab", "no-such-lab"], "", "no-such-lab"),
        (&["--lab", "nat", "--seed", "-1"], "", "--seed"),
        (&["--lab", "nat", "--unknown"], "", "--unknown"),
        (&[], "", "--lab"),
    ] {
        let (exit, _, err) = sim(args, script);
        assert_eq!(exit, Some(2), "{args:?} {script:?}: {err}");
        assert!(err.contains(part), "{part:?} is not in {err:?}");
    }
}
