//! A web server as a service: HTTP/1.1 (RFC 9112), GET and HEAD of the pages its lab file lists, connections kept open.

use std::collections::BTreeMap;

use super::{Kernel, Step};
use crate::addr::Endpoint;
use crate::id::SocketId;

/// Connections at once.
const CONNECTIONS_MAX: usize = 512;
/// Bytes of a request before it is refused (nginx: `large_client_header_buffers` 8k).
const REQUEST_MAX: usize = 8_192;
/// What the server calls itself.
const SERVER: &str = "nginx/1.22.1";

/// The service.
#[derive(Clone, Debug)]
pub struct Httpd {
    at: Endpoint,
    backlog: u32,
    pages: BTreeMap<String, String>,
    socket: Option<SocketId>,
    open: Vec<Connection>,
}

#[derive(Clone, Debug)]
struct Connection {
    socket: SocketId,
    request: Vec<u8>,
    answer: Vec<u8>,
    /// Nothing more comes after the answer.
    last: bool,
}

/// What was asked for, as far as it matters.
struct Request<'a> {
    method: &'a str,
    path: &'a str,
    close: bool,
}

impl Httpd {
    /// A server of these pages, by path.
    pub fn new(at: Endpoint, backlog: u32, pages: BTreeMap<String, String>) -> Self {
        Self { at, backlog, pages, socket: None, open: Vec::new() }
    }

    /// Lets it act.
    pub fn poll(&mut self, kernel: &mut dyn Kernel) -> Step {
        let socket = match self.socket {
            Some(socket) => socket,
            None => match kernel.tcp_listen(self.at, self.backlog) {
                Ok(socket) => *self.socket.insert(socket),
                Err(_) => return Step::Exited(1),
            },
        };
        while self.open.len() < CONNECTIONS_MAX
            && let Some((connection, _)) = kernel.tcp_accept(socket)
        {
            self.open.push(Connection { socket: connection, request: Vec::new(), answer: Vec::new(), last: false });
        }
        let pages = &self.pages;
        self.open.retain_mut(|connection| connection.serve(kernel, pages));
        Step::Running
    }
}

impl Connection {
    /// Goes on; `false` when it is over.
    fn serve(&mut self, kernel: &mut dyn Kernel, pages: &BTreeMap<String, String>) -> bool {
        loop {
            if !self.answer.is_empty() {
                match kernel.tcp_send(self.socket, &self.answer) {
                    Ok(0) => return true,
                    Ok(sent) => drop(self.answer.drain(..sent)),
                    Err(_) => break,
                }
                continue;
            }
            if self.last {
                break;
            }
            if let Some(end) = end_of_head(&self.request) {
                let head: Vec<u8> = self.request.drain(..end).collect();
                (self.answer, self.last) = answer(&head, pages);
                continue;
            }
            if self.request.len() > REQUEST_MAX {
                (self.answer, self.last) = (page("400 Bad Request", &error_page("400 Bad Request"), true, true), true);
                continue;
            }
            match kernel.tcp_recv(self.socket, 4_096) {
                Ok(None) => return true,
                Ok(Some(bytes)) if !bytes.is_empty() => self.request.extend_from_slice(&bytes),
                _ => break,
            }
        }
        kernel.close(self.socket);
        false
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    // A line may end with LF alone (RFC 9112 2.2; nginx takes it): what somebody types into nc ends so.
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let empty = |rest: &[u8]| rest.starts_with(b"\n") || rest.starts_with(b"\r\n");
    let at = ends.into_iter().find(|at| bytes.get(*at..).is_some_and(empty))?;
    Some(at + if bytes.get(at) == Some(&b'\n') { 1 } else { 2 })
}

fn parse(head: &str) -> Option<Request<'_>> {
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ');
    let (method, path, version) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !version.starts_with("HTTP/1.") || !path.starts_with('/') {
        return None;
    }
    let header = |wanted: &str| {
        lines.clone().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    };
    // HTTP/1.1 wants a host (RFC 9112 3.2).
    if version == "HTTP/1.1" && header("host").is_none() {
        return None;
    }
    let close = match header("connection") {
        Some(value) => value.eq_ignore_ascii_case("close"),
        None => version == "HTTP/1.0",
    };
    Some(Request { method, path: path.split('?').next().unwrap_or(path), close })
}

/// The answer to a request's head, and whether the connection ends with it.
fn answer(head: &[u8], pages: &BTreeMap<String, String>) -> (Vec<u8>, bool) {
    let Some(request) = core::str::from_utf8(head).ok().and_then(parse) else {
        return (page("400 Bad Request", &error_page("400 Bad Request"), true, true), true);
    };
    let body = request.method == "GET";
    if !body && request.method != "HEAD" {
        let status = "405 Not Allowed";
        return (page(status, &error_page(status), true, request.close), request.close);
    }
    let bytes = match pages.get(request.path) {
        Some(text) => page("200 OK", text, body, request.close),
        None => page("404 Not Found", &error_page("404 Not Found"), body, request.close),
    };
    (bytes, request.close)
}

fn error_page(status: &str) -> String {
    format!(
        "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n<hr><center>{SERVER}</center>\r\n</body>\r\n</html>\r\n"
    )
}

fn page(status: &str, text: &str, body: bool, close: bool) -> Vec<u8> {
    let connection = if close { "close" } else { "keep-alive" };
    let head = format!(
        "HTTP/1.1 {status}\r\nServer: {SERVER}\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: {connection}\r\n\r\n",
        text.len()
    );
    if body { (head + text).into_bytes() } else { head.into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ask(head: &str) -> (String, bool) {
        let pages = BTreeMap::from([("/".to_owned(), "hello\n".to_owned())]);
        let (bytes, close) = answer(head.as_bytes(), &pages);
        (String::from_utf8(bytes).unwrap(), close)
    }

    #[test]
    fn a_page_is_served_and_the_connection_kept_unless_told_otherwise() {
        let (text, close) = ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\nhello\n") && !close, "{text}");
        assert!(ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").1);
        assert!(ask("GET / HTTP/1.0\r\n\r\n").1);
        assert!(ask("GET / HTTP/1.0\n\n").0.starts_with("HTTP/1.1 200 OK\r\n"), "typed into nc");
    }

    #[test]
    fn what_is_not_there_or_not_http_is_said_so() {
        assert!(ask("GET /x HTTP/1.1\r\nHost: x\r\n\r\n").0.starts_with("HTTP/1.1 404 Not Found"));
        assert!(ask("POST / HTTP/1.1\r\nHost: x\r\n\r\n").0.starts_with("HTTP/1.1 405 Not Allowed"));
        assert!(ask("GET / HTTP/1.1\r\n\r\n").0.starts_with("HTTP/1.1 400 Bad Request"), "no host");
        assert!(ask("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").0.ends_with("\r\n\r\n"), "no body");
    }

    proptest! {
        #[test]
        fn arbitrary_heads_never_panic(head in proptest::collection::vec(any::<u8>(), 0..300)) {
            answer(&head, &BTreeMap::new());
        }
    }
}
