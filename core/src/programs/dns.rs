//! DNS messages (RFC 1035), as far as a stub resolver and a small server need them: A, PTR and CNAME. Safe on hostile
//! bytes: names are bounded, compression pointers may only point backwards.

use core::net::Ipv4Addr;

/// Type A.
pub const A: u16 = 1;
/// Type CNAME.
pub const CNAME: u16 = 5;
/// Type PTR.
pub const PTR: u16 = 12;
/// Type AAAA.
pub const AAAA: u16 = 28;
/// No such name.
pub const NXDOMAIN: u8 = 3;
/// The server could not.
pub const SERVFAIL: u8 = 2;
/// Characters of a name (RFC 1035 2.3.4).
const NAME_MAX: usize = 255;
/// Records that are read of one message.
const RECORDS_MAX: u16 = 64;

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// An address.
    A(Ipv4Addr),
    /// Another name: of PTR and CNAME.
    Name(String),
    /// Something else.
    Other,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whose.
    pub name: String,
    /// Type.
    pub kind: u16,
    /// What it says.
    pub data: Data,
}

/// A message with one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsMessage {
    /// Its number.
    pub id: u16,
    /// It is an answer.
    pub response: bool,
    /// Response code.
    pub rcode: u8,
    /// The question's name, without a dot at its end.
    pub name: String,
    /// The question's type.
    pub kind: u16,
    /// Answers.
    pub answers: Vec<Answer>,
}

impl DnsMessage {
    /// A question.
    pub fn query(id: u16, name: &str, kind: u16) -> Self {
        Self { id, response: false, rcode: 0, name: name.to_owned(), kind, answers: Vec::new() }
    }

    /// The name under which an address's name is asked for (RFC 1035 3.5).
    pub fn reverse_name(addr: Ipv4Addr) -> String {
        let [a, b, c, d] = addr.octets();
        format!("{d}.{c}.{b}.{a}.in-addr.arpa")
    }

    /// The bytes; none when a name cannot be one.
    pub fn emit(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(&self.id.to_be_bytes());
        let flags: u16 = if self.response { 0x8580 | u16::from(self.rcode & 15) } else { 0x0100 };
        for word in [flags, 1, self.answers.len() as u16, 0, 0] {
            bytes.extend_from_slice(&word.to_be_bytes());
        }
        put_name(&mut bytes, &self.name)?;
        bytes.extend_from_slice(&self.kind.to_be_bytes());
        bytes.extend_from_slice(&1u16.to_be_bytes());
        for answer in &self.answers {
            put_name(&mut bytes, &answer.name)?;
            bytes.extend_from_slice(&answer.kind.to_be_bytes());
            bytes.extend_from_slice(&1u16.to_be_bytes());
            bytes.extend_from_slice(&300u32.to_be_bytes());
            let mut data = Vec::new();
            match &answer.data {
                Data::A(addr) => data.extend_from_slice(&addr.octets()),
                Data::Name(name) => put_name(&mut data, name)?,
                Data::Other => {}
            }
            bytes.extend_from_slice(&(data.len() as u16).to_be_bytes());
            bytes.extend_from_slice(&data);
        }
        Some(bytes)
    }

    /// Reads a message; none when it is cut short or has no question.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        let flags = word(2)?;
        if word(4)? != 1 {
            return None;
        }
        let (name, mut at) = get_name(bytes, 12)?;
        let kind = word(at)?;
        at += 4;
        let mut answers = Vec::new();
        for _ in 0..word(6)?.min(RECORDS_MAX) {
            let (name, next) = get_name(bytes, at)?;
            let (kind, len) = (word(next)?, usize::from(word(next + 8)?));
            let data = bytes.get(next + 10..next + 10 + len)?;
            let data = match (kind, data.len()) {
                (A, 4) => Data::A(Ipv4Addr::new(data[0], data[1], data[2], data[3])),
                (PTR | CNAME, _) => Data::Name(get_name(bytes, next + 10)?.0),
                _ => Data::Other,
            };
            answers.push(Answer { name, kind, data });
            at = next + 10 + len;
        }
        Some(Self { id: word(0)?, response: flags & 0x8000 != 0, rcode: (flags & 15) as u8, name, kind, answers })
    }
}

fn put_name(bytes: &mut Vec<u8>, name: &str) -> Option<()> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.len() >= NAME_MAX {
        return None;
    }
    for label in name.split('.').filter(|_| !name.is_empty()) {
        if label.is_empty() || label.len() > 63 {
            return None;
        }
        bytes.push(label.len() as u8);
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    Some(())
}

/// A name, and where what follows it begins.
fn get_name(bytes: &[u8], start: usize) -> Option<(String, usize)> {
    let mut name = String::new();
    let mut at = start;
    let mut end = None;
    // A pointer must point before where the name began: so it comes to an end.
    let mut limit = start;
    loop {
        let len = *bytes.get(at)?;
        match len {
            0 => return Some((name, end.unwrap_or(at + 1))),
            0xc0.. => {
                let to = usize::from(len & 0x3f) << 8 | usize::from(*bytes.get(at + 1)?);
                if to >= limit {
                    return None;
                }
                end = end.or(Some(at + 2));
                (limit, at) = (to, to);
            }
            1..=63 => {
                let label = bytes.get(at + 1..at + 1 + usize::from(len))?;
                if !name.is_empty() {
                    name.push('.');
                }
                name.extend(
                    label.iter().map(|b| if b.is_ascii_graphic() && *b != b'.' { char::from(*b) } else { '?' }),
                );
                if name.len() > NAME_MAX {
                    return None;
                }
                at += 1 + usize::from(len);
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pointer_that_points_at_itself_is_refused() {
        let mut bytes = DnsMessage::query(1, "a.example", A).emit().unwrap();
        bytes[12..14].copy_from_slice(&[0xc0, 12]);
        assert_eq!(DnsMessage::parse(&bytes), None);
    }

    proptest! {
        #[test]
        fn parsing_what_was_emitted_gives_the_message_back(id: u16, name in "[a-z]{1,9}(\\.[a-z]{1,9}){0,3}", addr: u32) {
            let answers = vec![
                Answer { name: name.clone(), kind: CNAME, data: Data::Name("x.example".into()) },
                Answer { name: "x.example".into(), kind: A, data: Data::A(Ipv4Addr::from_bits(addr)) },
            ];
            let message = DnsMessage { response: true, answers, ..DnsMessage::query(id, &name, A) };
            prop_assert_eq!(DnsMessage::parse(&message.emit().unwrap()), Some(message));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = DnsMessage::parse(&bytes);
        }
    }
}
