//! Which words of VBoxManage's output mean something: keys, addresses, MACs, attachments, policies.

use crate::addr::{Cidr, MacAddr};
use crate::shell::meaning;
use crate::shell::out::Text;
use crate::view::Promiscuous;

/// Between the words of a value.
const BETWEEN: &[char] = &[' ', ',', '"', '\'', '[', ']', '=', '\n'];

/// Output with its meanings.
pub(super) fn marked(plain: &str) -> Text {
    let mut text = Text::new();
    for line in plain.split_inclusive('\n') {
        let rest = match line.split_once(": ") {
            Some((key, rest)) if !key.starts_with([' ', '"']) && !rest.is_empty() => {
                text.word(key, meaning::HEADING).put(": ");
                rest
            }
            _ => line,
        };
        match rest.split_once("Attachment: ").and_then(|(before, after)| Some((before, after.split_once(", ")?))) {
            Some((before, (attachment, after))) => {
                values(&mut text, before);
                text.put("Attachment: ").word(attachment, meaning::ATTACHMENT).put(", ");
                values(&mut text, after);
            }
            None => values(&mut text, rest),
        }
    }
    text
}

/// Words and what stands between them.
fn values(text: &mut Text, mut rest: &str) {
    while !rest.is_empty() {
        let word = rest.split(BETWEEN).next().unwrap_or_default();
        let (word, after) = rest.split_at(word.len());
        text.word(word, meaning_of(word));
        let gap = after.len() - after.trim_start_matches(BETWEEN).len();
        let (gap, after) = after.split_at(gap);
        text.put(gap);
        rest = after;
    }
}

fn meaning_of(word: &str) -> &'static str {
    let bare_mac = || word.len() == 12 && word.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
    if word.contains('.') && (word.parse::<Cidr>().is_ok() || word.parse::<core::net::Ipv4Addr>().is_ok()) {
        meaning::IP_ADDRESS
    } else if word.parse::<MacAddr>().is_ok() || bare_mac() {
        meaning::MAC_ADDRESS
    } else if Promiscuous::from_name(word).is_some() {
        meaning::PROMISC_POLICY
    } else {
        ""
    }
}
