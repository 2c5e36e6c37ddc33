//! DNS (RFC 1035): the header, questions and answers.

use super::Layer;
use super::reader::{Reader, address, hex16, number};

/// Most questions and records that are read: a hostile message must not cost more.
const RECORDS_MAX: u16 = 64;
/// Most labels of a name, and most jumps of its compression (RFC 1035, 3.1: a name has 255 bytes).
const LABELS_MAX: usize = 128;

/// DNS; where it ends.
pub(super) fn dns(bytes: &[u8], start: usize, layers: &mut Vec<Layer>) -> usize {
    let mut r = Reader::new("DNS", bytes, start);
    r.u16("dns.id", hex16);
    r.u16("dns.flags", flags);
    let questions = r.u16("dns.count.queries", |v| v.to_string()).unwrap_or(0);
    let answers = r.u16("dns.count.answers", |v| v.to_string()).unwrap_or(0);
    r.u16("dns.count.auth_rr", |v| v.to_string());
    r.u16("dns.count.add_rr", |v| v.to_string());
    let whole = (0..questions.min(RECORDS_MAX)).all(|_| question(&mut r, bytes, start))
        && (0..answers.min(RECORDS_MAX)).all(|_| answer(&mut r, bytes, start));
    let read = r.finish(layers);
    // What follows belongs to the message whether it was understood or not.
    if let Some(layer) = layers.last_mut().filter(|_| bytes.len() > read) {
        layer.range.end = bytes.len();
        layer.cut |= !whole && questions > 0 && read < bytes.len() && questions <= RECORDS_MAX;
    }
    bytes.len().max(read)
}

fn question(r: &mut Reader<'_>, bytes: &[u8], start: usize) -> bool {
    named(r, "dns.qry.name", bytes, start)
        && r.u16("dns.qry.type", kind).is_some()
        && r.u16("dns.qry.class", class).is_some()
}

fn answer(r: &mut Reader<'_>, bytes: &[u8], start: usize) -> bool {
    if !named(r, "dns.resp.name", bytes, start) {
        return false;
    }
    let of = r.u16("dns.resp.type", kind);
    r.u16("dns.resp.class", class);
    r.u32("dns.resp.ttl", |v| format!("{v} s"));
    let Some(len) = r.u16("dns.resp.len", |v| v.to_string()) else { return false };
    match (of, len) {
        (Some(1), 4) => r.take("dns.a", 4, address).is_some(),
        _ => {
            r.skip(len.into());
            true
        }
    }
}

fn named(r: &mut Reader<'_>, key: &'static str, bytes: &[u8], start: usize) -> bool {
    let Some((name, len)) = name_at(bytes, start, r.at()) else { return false };
    r.take(key, len, |_| name).is_some()
}

/// The name at `at` of a message that begins at `start`, and how many bytes it takes there.
fn name_at(bytes: &[u8], start: usize, at: usize) -> Option<(String, usize)> {
    let (mut labels, mut here, mut taken) = (Vec::new(), at, None);
    for _ in 0..LABELS_MAX {
        let len = usize::from(*bytes.get(here)?);
        match len {
            0 => {
                let name = if labels.is_empty() { "<Root>".to_owned() } else { labels.join(".") };
                return Some((name, taken.unwrap_or_else(|| here + 1 - at)));
            }
            1..=63 => {
                labels.push(String::from_utf8_lossy(bytes.get(here + 1..=here + len)?).into_owned());
                here += 1 + len;
            }
            // Two bits say: the rest stands elsewhere (4.1.4).
            0xc0.. => {
                taken.get_or_insert_with(|| here + 2 - at);
                here = start + (number(bytes.get(here..here + 2)?) as usize & 0x3fff);
            }
            _ => return None,
        }
    }
    None
}

fn flags(value: u16) -> String {
    let kind = if value & 0x8000 == 0 { "query" } else { "response" };
    match value & 0x000f {
        0 => kind.to_owned(),
        3 => format!("{kind}, no such name"),
        code => format!("{kind}, error {code}"),
    }
}

fn kind(value: u16) -> String {
    match value {
        1 => "A (1)".to_owned(),
        5 => "CNAME (5)".to_owned(),
        12 => "PTR (12)".to_owned(),
        28 => "AAAA (28)".to_owned(),
        other => other.to_string(),
    }
}

fn class(value: u16) -> String {
    if value == 1 { "IN (1)".to_owned() } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compressed_answer_is_read() {
        let mut bytes = vec![0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 1, b'a', 2, b'b', b'c', 0, 0, 1, 0, 1];
        bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0x2c, 0, 4, 93, 184, 215, 14]);
        let mut layers = Vec::new();
        assert_eq!(dns(&bytes, 0, &mut layers), bytes.len());
        let get = |key| layers[0].fields.iter().find(|field| field.key == key).map(|field| field.value.as_str());
        assert_eq!((get("dns.qry.name"), get("dns.resp.name")), (Some("a.bc"), Some("a.bc")));
        assert_eq!((get("dns.a"), get("dns.flags")), (Some("93.184.215.14"), Some("response")));
        assert!(!layers[0].cut);
    }

    #[test]
    fn a_name_that_points_at_itself_ends() {
        assert_eq!(name_at(&[0xc0, 0], 0, 0), None);
    }
}
