//! `curl` 7.88.1, as Debian 12 has it: HTTP only.

use core::net::Ipv4Addr;
use core::time::Duration;

use super::resolve::{Resolved, Resolver};
use super::{Kernel, Signal, Step, TcpStatus};
use crate::addr::Endpoint;
use crate::event::{Span, Stream};
use crate::id::SocketId;
use crate::time::SimTime;

/// Bytes of an answer that are kept.
const ANSWER_MAX: usize = 4 << 20;
/// `--connect-timeout` when none is given, in curl's own words 300 s.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(300);

#[derive(Clone, Debug, Default)]
struct Options {
    silent: bool,
    show_error: bool,
    include: bool,
    head: bool,
    verbose: bool,
    output: Option<String>,
    max_time: Option<Duration>,
    connect_timeout: Option<Duration>,
    host: String,
    port: u16,
    path: String,
}

#[derive(Clone, Debug)]
enum State {
    Begin,
    Resolving(Resolver),
    Connecting(SocketId),
    Receiving(SocketId),
}

/// The program.
#[derive(Clone, Debug)]
pub struct Curl {
    argv: Vec<String>,
    options: Options,
    state: State,
    began: SimTime,
    addr: Ipv4Addr,
    answer: Vec<u8>,
    /// The meter's head and first line are out.
    metered: bool,
    /// Bytes of the body that came first.
    first_body: usize,
}

impl Curl {
    /// From its words.
    pub fn new(argv: &[String]) -> Self {
        Self {
            argv: argv.to_vec(),
            options: Options::default(),
            state: State::Begin,
            began: SimTime::ZERO,
            addr: Ipv4Addr::UNSPECIFIED,
            answer: Vec::new(),
            metered: false,
            first_body: 0,
        }
    }

    /// Lets it act.
    pub fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        if let State::Begin = self.state {
            match parse(self.argv.get(1..).unwrap_or_default()) {
                Ok(options) => self.options = options,
                Err((text, status)) => {
                    kernel.write(Stream::Stderr, vec![Span::plain(text)]);
                    return Step::Exited(status);
                }
            }
            self.began = kernel.now();
            self.state = State::Resolving(Resolver::address_of(kernel, &self.options.host));
        }
        if kernel.take_signal() == Some(Signal::Int) {
            return Step::Exited(130);
        }
        if let Some(step) = self.timed_out(kernel) {
            return step;
        }
        if let State::Resolving(resolver) = &mut self.state {
            match resolver.poll(kernel) {
                None => return self.wait(kernel),
                Some(Resolved::Addr(addr)) => {
                    self.addr = addr;
                    self.begin_meter(kernel);
                    self.talk(kernel, &format!("*   Trying {addr}:{}...\n", self.options.port));
                    match kernel.tcp_connect(Endpoint::new(addr, self.options.port)) {
                        Ok(socket) => self.state = State::Connecting(socket),
                        Err(_) => return self.no_connection(kernel),
                    }
                }
                Some(_) => {
                    let text = format!("Could not resolve host: {}", self.options.host);
                    return self.fail(kernel, 6, &text);
                }
            }
        }
        if let State::Connecting(socket) = self.state {
            match kernel.tcp_status(socket) {
                TcpStatus::Connecting => return self.wait(kernel),
                TcpStatus::Connected => {
                    let text = format!(
                        "* Connected to {} ({}) port {} (#0)\n",
                        self.options.host, self.addr, self.options.port
                    );
                    self.talk(kernel, &text);
                    let request = self.request();
                    let shown: String = request.lines().map(|line| format!("> {line}\r\n")).collect();
                    self.talk(kernel, &shown);
                    let _ = kernel.tcp_send(socket, request.as_bytes());
                    self.state = State::Receiving(socket);
                }
                TcpStatus::Closed(_) => {
                    kernel.close(socket);
                    return self.no_connection(kernel);
                }
            }
        }
        if let State::Receiving(socket) = self.state {
            return self.receive(kernel, socket);
        }
        Step::Running
    }

    fn request(&self) -> String {
        let Options { host, port, path, head, .. } = &self.options;
        let method = if *head { "HEAD" } else { "GET" };
        let port = if *port == 80 { String::new() } else { format!(":{port}") };
        format!("{method} {path} HTTP/1.1\r\nHost: {host}{port}\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n")
    }

    fn receive(&mut self, kernel: &mut dyn Kernel, socket: SocketId) -> Step {
        loop {
            match kernel.tcp_recv(socket, 16_384) {
                Ok(Some(bytes)) if !bytes.is_empty() && self.answer.len() < ANSWER_MAX => {
                    self.answer.extend_from_slice(&bytes);
                    if self.first_body == 0 {
                        self.first_body = self.head_len().map_or(0, |head| self.answer.len() - head);
                    }
                    if self.complete() {
                        break;
                    }
                }
                Ok(None) => return self.wait(kernel),
                Ok(Some(_)) => break,
                Err(_) => {
                    kernel.close(socket);
                    return self.fail(kernel, 56, "Recv failure: Connection reset by peer");
                }
            }
        }
        kernel.close(socket);
        if self.answer.is_empty() {
            return self.fail(kernel, 52, "Empty reply from server");
        }
        self.print(kernel)
    }

    /// Where the head ends.
    fn head_len(&self) -> Option<usize> {
        self.answer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
    }

    /// The whole answer is here, by its own word.
    fn complete(&self) -> bool {
        let Some(head) = self.head_len() else { return false };
        let length = content_length(&String::from_utf8_lossy(&self.answer[..head]));
        self.options.head || length.is_some_and(|length| self.answer.len() >= head.saturating_add(length))
    }

    fn print(&mut self, kernel: &mut dyn Kernel) -> Step {
        let split = self.head_len().unwrap_or(0);
        let (head, body) = self.answer.split_at(split);
        let (head, body) = (String::from_utf8_lossy(head).into_owned(), String::from_utf8_lossy(body).into_owned());
        if self.options.verbose {
            let shown: String = head.lines().map(|line| format!("< {line}\r\n")).collect();
            self.talk(kernel, &shown);
            // tool_cb_dbg.c: said unless the data itself is seen at a terminal.
            if self.first_body > 0 && !self.options.head && kernel.tty_columns().is_none() {
                let text = format!("{{ [{} bytes data]\n", self.first_body);
                self.talk(kernel, &text);
            }
        }
        let mut text = String::new();
        if self.options.include || self.options.head {
            text.push_str(&head);
        }
        if !self.options.head {
            text.push_str(&body);
        }
        if self.shows_meter(kernel) {
            self.begin_meter(kernel);
            let meter = self.meter(kernel.now(), &head, body.len());
            kernel.write(Stream::Stderr, vec![Span::plain(meter)]);
        }
        match &self.options.output {
            Some(path) => drop(kernel.write_file(path, text)),
            None => kernel.write(Stream::Stdout, vec![Span::new(text, "http-body")]),
        }
        if self.options.verbose {
            let host = self.options.host.clone();
            self.talk(kernel, &format!("* Connection #0 to host {host} left intact\n"));
        }
        Step::Exited(0)
    }

    /// The meter is shown unless the body goes to a terminal.
    fn shows_meter(&self, kernel: &dyn Kernel) -> bool {
        !self.options.silent && (self.options.output.is_some() || kernel.tty_columns().is_none())
    }

    /// The progress meter's head and first line, which come before the first word of a connection.
    fn begin_meter(&mut self, kernel: &mut dyn Kernel) {
        if !core::mem::replace(&mut self.metered, true) && self.shows_meter(kernel) {
            kernel.write(Stream::Stderr, vec![Span::plain(METER_HEAD), Span::plain(METER_LINE)]);
        }
    }

    /// The meter's last line: of an answer without its body, only how long that would be.
    fn meter(&self, now: SimTime, head: &str, bytes: usize) -> String {
        if self.options.head {
            let length = content_length(head).unwrap_or(0);
            return format!("\r  0 {length:>5}    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0\n");
        }
        let millis = now.since(self.began).as_millis().max(1) as usize;
        let speed = bytes * 1_000 / millis;
        format!("\r100 {bytes:>5}  100 {bytes:>5}    0     0 {speed:>6}      0 --:--:-- --:--:-- --:--:-- {speed:>5}\n")
    }

    fn wait(&self, kernel: &mut dyn Kernel) -> Step {
        let limits = [self.options.max_time, self.connect_limit()];
        if let Some(limit) = limits.into_iter().flatten().min() {
            kernel.wake_at(self.began + limit);
        }
        Step::Running
    }

    fn connect_limit(&self) -> Option<Duration> {
        let connecting = matches!(self.state, State::Resolving(_) | State::Connecting(_));
        connecting.then(|| self.options.connect_timeout.unwrap_or(CONNECT_TIMEOUT))
    }

    fn timed_out(&mut self, kernel: &mut dyn Kernel) -> Option<Step> {
        let waited = kernel.now().since(self.began);
        let connect = self.connect_limit().is_some_and(|limit| waited >= limit);
        let whole = self.options.max_time.is_some_and(|limit| waited >= limit);
        if !connect && !whole {
            return None;
        }
        let millis = waited.as_millis();
        let text = match self.state {
            State::Resolving(_) => format!("Resolving timed out after {millis} milliseconds"),
            State::Connecting(_) if connect => "Connection timeout was reached".to_owned(),
            State::Connecting(_) => format!("Connection timed out after {millis} milliseconds"),
            _ => format!("Operation timed out after {millis} milliseconds with {} bytes received", self.answer.len()),
        };
        if let State::Connecting(socket) | State::Receiving(socket) = self.state {
            kernel.close(socket);
        }
        Some(self.fail(kernel, 28, &text))
    }

    fn no_connection(&mut self, kernel: &mut dyn Kernel) -> Step {
        let millis = kernel.now().since(self.began).as_millis();
        let Options { host, port, .. } = &self.options;
        let text = format!("Failed to connect to {host} port {port} after {millis} ms: Couldn't connect to server");
        self.fail(kernel, 7, &text)
    }

    fn fail(&mut self, kernel: &mut dyn Kernel, code: i32, text: &str) -> Step {
        if !self.options.silent || self.options.show_error {
            // A name that is not known is said before there is a meter.
            if code != 6 && self.shows_meter(kernel) {
                self.begin_meter(kernel);
                kernel.write(Stream::Stderr, vec![Span::plain(METER_LINE), Span::plain("\n")]);
            }
            kernel.write(Stream::Stderr, vec![Span::plain(format!("curl: ({code}) {text}\n"))]);
        }
        Step::Exited(code)
    }

    fn talk(&self, kernel: &mut dyn Kernel, text: &str) {
        if self.options.verbose {
            kernel.write(Stream::Stderr, vec![Span::plain(text)]);
        }
    }
}

const METER_HEAD: &str = "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 Dload  Upload   Total   Spent    Left  Speed\n";
/// The meter before anything came.
const METER_LINE: &str = "\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0";

/// What an answer's head says of its body's length.
fn content_length(head: &str) -> Option<usize> {
    let head = head.to_ascii_lowercase();
    head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
}

fn parse(words: &[String]) -> Result<Options, (String, i32)> {
    let mut options = Options { port: 80, ..Options::default() };
    let mut url = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = |name: &str| {
            let missing = format!(
                "curl: option {name}: requires parameter\ncurl: try 'curl --help' or 'curl --manual' for more information\n"
            );
            words.next().cloned().ok_or((missing, 2))
        };
        match word.as_str() {
            "--silent" => options.silent = true,
            "--show-error" => options.show_error = true,
            "--include" => options.include = true,
            "--head" => options.head = true,
            "--verbose" => options.verbose = true,
            "-o" | "--output" => options.output = Some(value(word)?),
            "-m" | "--max-time" => options.max_time = Some(seconds(word, &value(word)?)?),
            "--connect-timeout" => options.connect_timeout = Some(seconds(word, &value(word)?)?),
            _ if word.starts_with("--") => return Err((unknown(word), 2)),
            _ => match word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
                Some(letters) => letters.chars().try_for_each(|letter| options.letter(letter, word))?,
                None => url = Some(word.clone()),
            },
        }
    }
    let Some(url) = url else {
        return Err(("curl: try 'curl --help' or 'curl --manual' for more information\n".to_owned(), 2));
    };
    options.url(&url)?;
    Ok(options)
}

fn unknown(word: &str) -> String {
    format!("curl: option {word}: is unknown\ncurl: try 'curl --help' or 'curl --manual' for more information\n")
}

fn seconds(name: &str, text: &str) -> Result<Duration, (String, i32)> {
    let whole: Option<u64> = text.split('.').next().and_then(|secs| secs.parse().ok());
    let millis = text.split_once('.').map_or(Some(0), |(_, part)| format!("{part:0<3}").get(..3)?.parse().ok());
    match (whole, millis) {
        (Some(secs), Some(millis)) => {
            Ok(Duration::from_secs(secs.min(u32::MAX.into())) + Duration::from_millis(millis))
        }
        _ => Err((
            format!(
                "curl: option {name}: expected a proper numerical parameter\ncurl: try 'curl --help' or 'curl --manual' for more information\n"
            ),
            2,
        )),
    }
}

impl Options {
    fn letter(&mut self, letter: char, word: &str) -> Result<(), (String, i32)> {
        match letter {
            's' => self.silent = true,
            'S' => self.show_error = true,
            'i' => self.include = true,
            'I' => self.head = true,
            'v' => self.verbose = true,
            '4' => {}
            _ => return Err((unknown(word), 2)),
        }
        Ok(())
    }

    fn url(&mut self, url: &str) -> Result<(), (String, i32)> {
        let bad = || ("curl: (3) URL using bad/illegal format or missing URL\n".to_owned(), 3);
        let rest = match url.split_once("://") {
            Some(("http", rest)) => rest,
            Some((scheme, _)) => {
                let text = format!("curl: (1) Protocol \"{scheme}\" not supported or disabled in libcurl\n");
                return Err((text, 1));
            }
            None => url,
        };
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(at);
        let (host, port) = match host.split_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| bad())?),
            None => (host, 80),
        };
        if host.is_empty() || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(bad());
        }
        self.host = host.to_owned();
        self.port = port;
        self.path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_url_has_a_host_a_port_and_a_path() {
        let options = parse(&["-sv".into(), "http://example.com:8080/a?b".into()]).unwrap();
        assert_eq!((options.host.as_str(), options.port, options.path.as_str()), ("example.com", 8080, "/a?b"));
        assert!(options.silent && options.verbose);
        assert_eq!(parse(&["ftp://x/".into()]).unwrap_err().1, 1);
        assert_eq!(parse(&["http:///".into()]).unwrap_err().1, 3);
    }

    proptest! {
        #[test]
        fn arbitrary_words_never_panic(words in proptest::collection::vec(".{0,14}", 0..4)) {
            let _ = parse(&words);
        }
    }
}
