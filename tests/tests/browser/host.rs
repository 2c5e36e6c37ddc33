//! The page of a running agent: its connection, the real host's sockets, a real TAP's frames.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use netmodes_tests::agent::Agent;
use netmodes_tests::browser::Browser;

#[tokio::test]
async fn the_agents_page_says_where_it_is_and_shows_a_new_socket_of_this_computer() {
    let agent = Agent::start(&[]);
    let browser = Browser::start().await;
    browser.open(&agent.url).await;
    browser.wait("document.querySelector('header .pill.on')").await;
    assert_eq!(browser.look("location.hash").await, "", "the token stays in the address bar");
    browser.look("document.getElementById('look-tab-sockets').click()").await;
    browser.wait("document.getElementById('this-computer')").await;
    assert_eq!(browser.look("document.getElementById('this-computer').disabled").await, false);
    browser.click("#this-computer").await;
    browser.wait("document.querySelectorAll('#look-panel tbody tr').length > 0").await;

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let end = listener.local_addr().unwrap().to_string();
    let row = format!(
        "[...document.querySelectorAll('#look-panel tbody tr')].find((row) => row.innerText.includes('{end}'))"
    );
    let shown = browser.wait(&format!("{row}?.innerText")).await;
    let shown = shown.as_str().unwrap();
    assert!(shown.contains("LISTEN") && shown.contains(&format!("({})", std::process::id())), "{shown}");
    drop(listener);
    browser.wait(&format!("!({row})")).await;
    browser.run("dhclient enp0s3").await;
    browser.assert_console_clean();
}

/// A network namespace that goes with its process.
struct Namespace(Child);

impl Namespace {
    fn new() -> Self {
        let mut child = Command::new("unshare")
            .args(["--net", "sh", "-c", "ip link set lo up; echo ready; exec sleep 600"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare starts");
        let mut line = String::new();
        std::io::BufRead::read_line(
            &mut std::io::BufReader::new(child.stdout.take().expect("its output is a pipe")),
            &mut line,
        )
        .expect("it says when it is ready");
        assert_eq!(line, "ready\n", "a namespace needs root");
        Self(child)
    }

    /// Runs a shell's line in it.
    fn run(&self, line: &str) -> String {
        let pid = self.0.id().to_string();
        let output =
            Command::new("nsenter").args(["-t", &pid, "-n", "sh", "-c", line]).output().expect("nsenter starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {text}");
        text
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[tokio::test]
async fn frames_of_a_real_tap_appear_in_the_page() {
    let device = format!("nmb{}", std::process::id() % 100_000);
    let agent = Agent::start(&["--tap", &format!("{device}=vm1:1")]);
    let browser = Browser::start().await;
    browser.open(&agent.url).await;
    browser.wait("document.querySelector('header .pill.on')").await;

    let guest = Namespace::new();
    let moved = Command::new("ip").args(["link", "set", &device, "netns", &guest.0.id().to_string()]).status().unwrap();
    assert!(moved.success());
    guest.run(&format!(
        "ip link set {device} up; ip addr add 10.0.2.15/24 dev {device}; ip route add default via 10.0.2.1"
    ));
    let ping = guest.run("ping -n -c 3 -i 0.3 8.8.8.8");
    assert!(ping.contains("3 received"), "{ping}");

    browser.wait("document.querySelectorAll('.rows .row').length > 5").await;
    browser.keys("input.filter", "icmp").await;
    let from =
        "[...document.querySelectorAll('.rows .row .where')].filter((w) => w.textContent === 'vm1 → NAT').length";
    // The list shows its newest rows; the first are at its top.
    browser.wait(&format!("(document.querySelector('.rows').scrollTop = 0, {from} > 0)")).await;
    assert_eq!(
        browser.look("document.querySelector('.typed')").await,
        serde_json::Value::Null,
        "vm1 is real: no prompt"
    );
    browser.assert_console_clean();
}
