//! Who may use the agent: which names it answers to (DNS rebinding), which pages may connect, and the token.

use std::net::SocketAddr;

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName, ORIGIN, SEC_WEBSOCKET_PROTOCOL};

/// The protocol that a session speaks, as the page asks for it and the agent answers.
pub(crate) const PROTOCOL: &str = "netmodes.v1";
/// Prefix of the second "protocol", which carries the token: a browser lets a page set no other header.
const TOKEN_PREFIX: &str = "netmodes.token.";
/// 192 bits.
const TOKEN_BYTES: usize = 24;

/// Why somebody is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Asked for under a name that is not the agent's own.
    Host,
    /// A page from elsewhere, or something that does not say where it is from.
    Origin(String),
    /// No token, or a wrong one.
    Token,
}

/// What the agent answers to.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    hosts: Vec<String>,
    origins: Vec<String>,
    token: String,
}

impl Access {
    /// The rules for an agent that listens at `addr` and also lets pages of `allowed` in.
    pub(crate) fn new(addr: SocketAddr, allowed: &[String], token: String) -> Self {
        let port = addr.port();
        let mut hosts = vec![format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")];
        if !hosts.contains(&addr.to_string()) {
            hosts.push(addr.to_string());
        }
        let origins = hosts.iter().map(|host| format!("http://{host}")).chain(allowed.iter().cloned()).collect();
        Self { hosts, origins, token }
    }

    /// Whether a request is meant for this agent. A page that made some name of its own resolve to this computer
    /// still sends that name.
    pub(crate) fn check_host(&self, headers: &HeaderMap) -> Result<(), Refused> {
        match only(headers, &HOST) {
            Some(host) if self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host)) => Ok(()),
            _ => Err(Refused::Host),
        }
    }

    /// Whether a WebSocket may be opened.
    pub(crate) fn check_session(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let origin = only(headers, &ORIGIN).unwrap_or_default();
        if !self.origins.iter().any(|own| own == origin) {
            return Err(Refused::Origin(origin.to_owned()));
        }
        let lists = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
        let (mut speaks, mut token) = (false, None);
        for word in lists.flat_map(|list| list.split(',')).map(str::trim) {
            speaks |= word == PROTOCOL;
            token = token.or(word.strip_prefix(TOKEN_PREFIX));
        }
        if speaks && token.is_some_and(|token| equal(token.as_bytes(), self.token.as_bytes())) {
            Ok(())
        } else {
            Err(Refused::Token)
        }
    }
}

/// The value of a header that may come only once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

/// Compares without telling by its duration how much was right.
fn equal(a: &[u8], b: &[u8]) -> bool {
    let differs = a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b));
    a.len() == b.len() && std::hint::black_box(differs) == 0
}

/// A new token, in hexadecimal.
///
/// # Errors
/// When the computer has no random numbers.
pub(crate) fn new_token() -> Result<String, getrandom::Error> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether this is an origin as browsers send it (RFC 6454, 7): scheme and host, no path.
pub(crate) fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|host| !host.is_empty() && !host.contains(['/', '@', '?', '#', ' ', '*']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "00112233";

    fn access() -> Access {
        let allowed = ["https://example.org".to_owned()];
        Access::new("127.0.0.1:8600".parse().unwrap(), &allowed, TOKEN.to_owned())
    }

    fn headers(list: &[(HeaderName, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in list {
            map.append(name, value.parse().unwrap());
        }
        map
    }

    fn session(origin: Option<&str>, protocols: &str) -> Result<(), Refused> {
        let mut list = vec![(SEC_WEBSOCKET_PROTOCOL, protocols)];
        list.extend(origin.map(|origin| (ORIGIN, origin)));
        access().check_session(&headers(&list))
    }

    #[test]
    fn only_own_names_are_answered_to() {
        let check = |list: &[(HeaderName, &str)]| access().check_host(&headers(list));
        for host in ["127.0.0.1:8600", "localhost:8600", "LOCALHOST:8600", "[::1]:8600"] {
            assert_eq!(check(&[(HOST, host)]), Ok(()), "{host}");
        }
        for host in ["127.0.0.1", "localhost:8601", "evil.example:8600", "localhost:8600.evil.example", ""] {
            assert_eq!(check(&[(HOST, host)]), Err(Refused::Host), "{host}");
        }
        assert_eq!(check(&[]), Err(Refused::Host));
        assert_eq!(check(&[(HOST, "localhost:8600"), (HOST, "localhost:8600")]), Err(Refused::Host));
    }

    #[test]
    fn only_own_and_allowed_pages_connect() {
        let right = "netmodes.v1, netmodes.token.00112233";
        for origin in ["http://127.0.0.1:8600", "http://localhost:8600", "http://[::1]:8600", "https://example.org"] {
            assert_eq!(session(Some(origin), right), Ok(()), "{origin}");
        }
        for origin in ["https://127.0.0.1:8600", "http://example.org", "null", "", "https://example.org.evil"] {
            assert_eq!(session(Some(origin), right), Err(Refused::Origin(origin.to_owned())));
        }
        assert_eq!(session(None, right), Err(Refused::Origin(String::new())));
    }

    #[test]
    fn the_token_must_be_whole_and_right() {
        let own = Some("http://127.0.0.1:8600");
        for wrong in [
            "netmodes.v1",
            "netmodes.v1, netmodes.token.",
            "netmodes.v1, netmodes.token.0011223",
            "netmodes.v1, netmodes.token.001122333",
            "netmodes.token.00112233",
            "netmodes.v1, 00112233",
            "",
        ] {
            assert_eq!(session(own, wrong), Err(Refused::Token), "{wrong}");
        }
    }

    #[test]
    fn tokens_are_long_and_differ() {
        let [a, b] = [new_token().unwrap(), new_token().unwrap()];
        assert_eq!(a.len(), 2 * TOKEN_BYTES);
        assert_ne!(a, b);
    }

    #[test]
    fn origins_have_no_path() {
        assert!(is_origin("https://example.org") && is_origin("http://localhost:8080"));
        for wrong in ["example.org", "https://", "https://example.org/", "*", "https://*.org"] {
            assert!(!is_origin(wrong), "{wrong}");
        }
    }
}
