//! A real browser: headless Chromium, driven through chromedriver. Nothing of it is left when it is dropped.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

/// Between two looks at a page that is waited for.
const LOOK: Duration = Duration::from_millis(100);
/// Looks after which a page that is waited for has failed: at least a minute. Nothing is asserted about less.
const LOOKS_MAX: u32 = 600;
/// The Enter key in WebDriver's key codes (W3C WebDriver, 17.4.2).
pub const ENTER: &str = "\u{e007}";

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    /// WebDriver's client.
    pub client: Client,
    driver: Child,
    port: u16,
    session: String,
    profile: PathBuf,
}

impl Browser {
    /// Starts chromedriver on a free port and Chromium with an empty profile.
    pub async fn start() -> Self {
        let (driver, port) = start_driver();
        let profile = std::env::temp_dir().join(format!("netmodes-browser-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&profile).expect("a folder for the browser's profile");
        let profile_option = format!("--user-data-dir={}", profile.display());
        let capabilities = json!({
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--lang=en", "--window-size=1280,900", profile_option,
            ] },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("an object is written above") };
        let connected = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await;
        let client = connected.expect("a session of Chromium");
        let session = client.session_id().await.ok().flatten().expect("the session's name");
        Self { client, driver, port, session, profile }
    }

    /// Opens a page.
    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.expect("the page opens");
    }

    /// What an expression of JavaScript is in the page.
    pub async fn look(&self, expression: &str) -> Value {
        let found = self.client.execute(&format!("return {expression};"), Vec::new()).await;
        found.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// Waits until an expression of JavaScript is true (not `null`, `false`, 0 or empty), and returns it.
    pub async fn wait(&self, expression: &str) -> Value {
        for _ in 0..LOOKS_MAX {
            let found = self.look(&format!("({expression}) || null")).await;
            if !found.is_null() {
                return found;
            }
            tokio::time::sleep(LOOK).await;
        }
        let page = self.look("document.body.innerText").await;
        let console = self.console();
        panic!("never true: {expression}\npage: {}\nconsole: {console:#?}", page.as_str().unwrap_or_default());
    }

    /// Clicks the first element that a selector finds.
    pub async fn click(&self, css: &str) {
        let element = self.client.find(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css}: {error}"));
        element.click().await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Chooses a lab in the top bar's menu and waits until it runs.
    pub async fn lab(&self, name: &str) {
        self.click("#lab-menu").await;
        self.wait(&format!("document.querySelector('button[data-lab={name}]')")).await;
        self.look(&format!("document.querySelector('button[data-lab={name}]').click()")).await;
        self.wait(&format!(
            "document.querySelector('.app[data-lab={name}]') && document.querySelector('.typed .prompt')"
        ))
        .await;
    }

    /// Types into the first element that a selector finds.
    pub async fn keys(&self, css: &str, keys: &str) {
        let element = self.client.find(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css}: {error}"));
        element.send_keys(keys).await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Types a command at the terminal in front and waits for the prompt to come back.
    pub async fn run(&self, line: &str) {
        self.wait("document.querySelector('.typed .prompt')").await;
        let before = self.look("document.querySelectorAll('.lines .line .prompt').length").await;
        self.keys(".typed input.command", &format!("{line}{ENTER}")).await;
        self.wait(&format!(
            "document.querySelectorAll('.lines .line .prompt').length > {before} && document.querySelector('.typed .prompt')"
        ))
        .await;
    }

    /// What the terminal in front shows.
    pub async fn terminal(&self) -> String {
        self.look("document.querySelector('.lines').textContent").await.as_str().unwrap_or_default().to_owned()
    }

    /// Makes the page so large, as a phone's is.
    pub fn resize(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", &size);
    }

    /// A command of Chromium's own (Chrome DevTools Protocol), and its answer.
    pub fn cdp(&self, command: &str, params: &Value) -> Value {
        let answer = self.post("goog/cdp/execute", &json!({ "cmd": command, "params": params }));
        answer.get("value").cloned().unwrap_or_default()
    }

    /// Memory of the largest page process, in bytes (proc(5), `VmRSS`).
    pub fn largest_renderer_bytes(&self) -> Option<u64> {
        let profile = self.profile.display().to_string();
        let resident = |process: std::fs::DirEntry| -> Option<u64> {
            let line = std::fs::read(process.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line);
            if !line.contains("--type=renderer") || !line.contains(&profile) {
                return None;
            }
            let status = std::fs::read_to_string(process.path().join("status")).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
            Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
        };
        std::fs::read_dir("/proc").ok()?.flatten().filter_map(resident).max()
    }

    /// What was written to the page's console since the last look, with its level: `SEVERE: …`.
    pub fn console(&self) -> Vec<String> {
        let answer = self.post("se/log", &json!({ "type": "browser" }));
        let entries = answer.get("value").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        entries.iter().map(|entry| format!("{}: {}", text(entry, "level"), text(entry, "message"))).collect()
    }

    /// Fails when the console has an error or a warning.
    pub fn assert_console_clean(&self) {
        let bad: Vec<_> = self
            .console()
            .into_iter()
            .filter(|line| line.starts_with("SEVERE") || line.starts_with("WARNING"))
            .collect();
        assert!(bad.is_empty(), "console: {bad:#?}");
    }

    /// A command of chromedriver's own, which WebDriver's client does not know.
    fn post(&self, command: &str, body: &Value) -> Value {
        let body = body.to_string();
        let request = format!(
            "POST /session/{}/{command} HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.session,
            self.port,
            body.len()
        );
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("chromedriver listens");
        stream.write_all(request.as_bytes()).expect("chromedriver takes a command");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time that is not zero");
        let (head, body) = read_answer(&mut BufReader::new(stream)).expect("chromedriver answers");
        assert!(head.contains(" 200 "), "{command}: {head}{body}");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{command}: {error}: {body}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.driver.kill());
        drop(self.driver.wait());
        kill_with(&self.profile.display().to_string());
        drop(std::fs::remove_dir_all(&self.profile));
    }
}

/// An HTTP answer's head and body. chromedriver keeps its connections open, so the length must be heeded.
fn read_answer(stream: &mut impl BufRead) -> std::io::Result<(String, String)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if line.trim_end().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
        head += &line;
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((head, String::from_utf8_lossy(&body).into_owned()))
}

/// Starts chromedriver; it says itself which port it took.
fn start_driver() -> (Child, u16) {
    let started = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut driver = started.expect("chromedriver starts (Debian package chromium-driver)");
    let output = driver.stdout.take().expect("chromedriver's output is a pipe");
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let port = lines.by_ref().find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    // Somebody must go on reading, or chromedriver would wait at a full pipe.
    std::thread::spawn(move || lines.for_each(drop));
    (driver, port.expect("chromedriver says its port"))
}

/// Kills the processes that were started with `word` in an argument: chromedriver, when killed, leaves its browser.
fn kill_with(word: &str) {
    let Ok(processes) = std::fs::read_dir("/proc") else { return };
    for process in processes.flatten() {
        let name = process.file_name().to_string_lossy().into_owned();
        let Ok(line) = std::fs::read(process.path().join("cmdline")) else { continue };
        if name.parse::<u32>().is_ok() && String::from_utf8_lossy(&line).contains(word) {
            drop(Command::new("kill").args(["-KILL", &name]).stderr(Stdio::null()).status());
        }
    }
}
