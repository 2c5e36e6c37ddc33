//! Where the lab runs: in this page's worker ([`local`]) or at an agent ([`remote`]). Both speak the core's protocol as
//! text; nothing else on the page knows which of them is there.

mod local;
mod remote;

use std::rc::Rc;

use web_sys::Worker;

use crate::dom;

/// What a source says about its connection, and the messages it brings.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceEvent {
    /// It can be spoken to.
    Open,
    /// A message of the protocol.
    Message(String),
    /// The connection is gone; it will come back by itself if it can.
    Lost,
    /// It cannot be used; the code of the reason.
    Failed(&'static str),
}

/// Whoever runs the lab.
pub trait Source {
    /// Sends a message of the protocol. Without a connection it is lost: after the connection has come back a snapshot
    /// tells what is.
    fn send(&self, text: &str);
}

/// Takes what the source says.
pub type Listen = Rc<dyn Fn(SourceEvent)>;

/// Where the token is kept while the tab lives.
const TOKEN: &str = "netmodes.token";

/// Opens the source this page was opened for: the worker that `static/boot.js` started, else the agent at the page's own
/// address, for which the page was opened with a token.
pub fn open(worker: Option<Worker>, listen: Listen) -> Box<dyn Source> {
    match (worker, token()) {
        (Some(worker), _) => Box::new(local::Local::open(worker, listen)),
        (None, Some(token)) => Box::new(remote::Remote::open(&token, listen)),
        (None, None) => {
            listen(SourceEvent::Failed("page-worker-failed"));
            Box::new(Nobody)
        }
    }
}

/// There is nobody to speak to.
struct Nobody;

impl Source for Nobody {
    fn send(&self, _text: &str) {}
}

/// The token from the address, which is erased there, or from an earlier visit of this tab.
fn token() -> Option<String> {
    let window = dom::window()?;
    let hash = window.location().hash().unwrap_or_default();
    let (token, rest) = split_token(&hash);
    let storage = dom::session_storage();
    let Some(token) = token else {
        return storage?.get_item(TOKEN).ok()?;
    };
    if let Some(storage) = storage {
        let _ = storage.set_item(TOKEN, &token);
    }
    let path = window.location().pathname().unwrap_or_default();
    let search = window.location().search().unwrap_or_default();
    if let Ok(history) = window.history() {
        let address = format!("{path}{search}{rest}");
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address));
    }
    Some(token)
}

/// The token in a fragment `#token=…&other=…`, and the fragment without it.
fn split_token(hash: &str) -> (Option<String>, String) {
    let mut token = None;
    let mut rest = Vec::new();
    for part in hash.trim_start_matches('#').split('&').filter(|part| !part.is_empty()) {
        match part.strip_prefix("token=") {
            Some(value) if is_token(value) => token = Some(value.to_owned()),
            // A token that cannot be one is erased as well: it might be a mistyped secret.
            Some(_) => {}
            None => rest.push(part),
        }
    }
    let rest = if rest.is_empty() { String::new() } else { format!("#{}", rest.join("&")) };
    (token, rest)
}

/// Whether a WebSocket sub-protocol can carry it (RFC 9110 5.6.2, narrowed to what agents make).
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() <= 256 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_taken_out_of_the_fragment() {
        assert_eq!(split_token("#token=abc"), (Some("abc".into()), String::new()));
        assert_eq!(split_token("#lab=nat&token=a_b-1&x"), (Some("a_b-1".into()), "#lab=nat&x".into()));
        assert_eq!(split_token(""), (None, String::new()));
    }

    #[test]
    fn a_token_that_cannot_be_one_is_erased_and_not_used() {
        assert_eq!(split_token("#token=a,b"), (None, String::new()));
        assert_eq!(split_token("#token="), (None, String::new()));
    }
}
