//! A server of the built page, as any static host would serve it: GET only, nothing but files.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the page itself asks for (`static/index.html`), and that no other page may frame it.
const CONTENT_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its path, without the first slash.
    pub path: String,
    /// Bytes of its body, as they went over the wire.
    pub bytes: usize,
}

/// A running server; it stops when dropped.
#[derive(Debug)]
pub struct SiteServer {
    addr: SocketAddr,
    stop: Arc<AtomicBool>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl SiteServer {
    /// Serves `folder` on a free loopback port, and `extra` files besides, by their paths without the first slash.
    pub fn start(folder: PathBuf, extra: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let stop = Arc::new(AtomicBool::new(false));
        let extra: BTreeMap<_, _> = extra.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let files = Arc::new((folder, extra));
        let sent = Arc::<Mutex<Vec<Sent>>>::default();
        let (stopped, log) = (stop.clone(), sent.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (files, log) = (files.clone(), log.clone());
                if let Ok(stream) = stream {
                    // A browser that goes away in the middle of an answer is no failure of the test.
                    std::thread::spawn(move || drop(answer(&stream, &files.0, &files.1, &log)));
                }
            }
        });
        Self { addr, stop, sent }
    }

    /// What was sent so far, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().map(|sent| sent.clone()).unwrap_or_default()
    }

    /// The address of a file.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.addr)
    }
}

impl Drop for SiteServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the listener, so that it sees that it is to stop.
        drop(TcpStream::connect(self.addr));
    }
}

fn answer(
    stream: &TcpStream,
    folder: &Path,
    extra: &BTreeMap<String, String>,
    log: &Mutex<Vec<Sent>>,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let mut brotli = false;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        brotli |= name.eq_ignore_ascii_case("accept-encoding") && value.split(',').any(|one| one.trim() == "br");
    }
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_start_matches('/');
    let path = &if path.is_empty() || path.ends_with('/') { format!("{path}index.html") } else { path.to_owned() };
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    // As static hosts do: what lies compressed beside a file is sent instead of it.
    let packed = if brotli && inside { std::fs::read(folder.join(format!("{path}.br"))).ok() } else { None };
    let encoding = if packed.is_some() { "Content-Encoding: br\r\n" } else { "" };
    let (status, body) = match method {
        "GET" if packed.is_some() => ("200 OK", packed.unwrap_or_default()),
        "GET" if inside => match extra.get(path).map(|text| text.clone().into_bytes()) {
            Some(body) => ("200 OK", body),
            None => match std::fs::read(folder.join(path)) {
                Ok(body) => ("200 OK", body),
                Err(_) => ("404 Not Found", Vec::new()),
            },
        },
        "GET" => ("404 Not Found", Vec::new()),
        _ => ("405 Method Not Allowed", Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {}\r\n{encoding}Content-Length: {}\r\nContent-Security-Policy: {CONTENT_POLICY}\r\n\
         X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
        media_type(path),
        body.len()
    );
    if let Ok(mut log) = log.lock() {
        log.push(Sent { path: path.clone(), bytes: body.len() });
    }
    let mut stream = stream;
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        _ => "text/plain; charset=utf-8",
    }
}
