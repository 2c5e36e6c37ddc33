//! A DHCP message (RFC 2131 section 2, options by RFC 2132, long options by RFC 3396).

use core::fmt;
use core::net::Ipv4Addr;
use std::borrow::Cow;

use super::option;
use crate::addr::MacAddr;

/// BOOTREQUEST.
pub const REQUEST: u8 = 1;
/// BOOTREPLY.
pub const REPLY: u8 = 2;
/// Fixed part, before the options.
const HEADER_LEN: usize = 236;
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// `sname` and `file` in the fixed part.
const SNAME: core::ops::Range<usize> = 44..108;
const FILE: core::ops::Range<usize> = 108..HEADER_LEN;
/// The IP packet that every client takes (RFC 2131 2), and the largest that we send: an Ethernet frame's.
const PACKET_MIN: usize = 576;
const PACKET_MAX: usize = 1500;
/// IPv4's and UDP's headers.
const PACKET_HEADERS: usize = 28;
/// Bytes of a client identifier that tell clients apart.
const CLIENT_ID_MAX: usize = 255;
/// The least that a BOOTP relay or server takes (RFC 1542 2.1).
const LEN_MIN: usize = 300;

/// What kind of message it is (RFC 2132 9.6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum MessageType {
    /// Who can give me an address?
    Discover = 1,
    /// I can give you this one.
    Offer = 2,
    /// I want this one.
    Request = 3,
    /// No, somebody else uses it.
    Decline = 4,
    /// It is yours.
    Ack = 5,
    /// You cannot have it.
    Nak = 6,
    /// I do not need it any more.
    Release = 7,
    /// I have an address; tell me the rest.
    Inform = 8,
}

impl MessageType {
    fn from_code(code: u8) -> Option<Self> {
        use MessageType::*;
        [Discover, Offer, Request, Decline, Ack, Nak, Release, Inform].into_iter().find(|kind| *kind as u8 == code)
    }
}

/// Why bytes are not a DHCP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageError {
    /// The byte at which it went wrong.
    pub at: usize,
    /// What was wrong there.
    pub what: Malformed,
}

/// What can be wrong with a DHCP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It ends before its options.
    TooShort,
    /// Neither a request nor a reply, or not of Ethernet.
    Header,
    /// The magic cookie is missing: plain BOOTP.
    Cookie,
    /// An option is longer than the message.
    OptionLength,
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at byte {}", self.what, self.at)
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// [`REQUEST`] or [`REPLY`].
    pub op: u8,
    /// Relays passed.
    pub hops: u8,
    /// Chosen by the client; answers have the same.
    pub xid: u32,
    /// Seconds since the client began.
    pub secs: u16,
    /// The client cannot take unicast yet.
    pub broadcast: bool,
    /// The client's address, when it has one.
    pub ciaddr: Ipv4Addr,
    /// "Your" address.
    pub yiaddr: Ipv4Addr,
    /// The next server of the boot.
    pub siaddr: Ipv4Addr,
    /// The relay.
    pub giaddr: Ipv4Addr,
    /// The client's MAC.
    pub chaddr: MacAddr,
    /// The server's name (`sname`), at most 63 bytes; empty where the field holds options.
    pub sname: Vec<u8>,
    /// The boot file's name (`file`), at most 127 bytes; empty where the field holds options.
    pub file: Vec<u8>,
    /// Options in order; each code once.
    pub options: Vec<(u8, Vec<u8>)>,
}

impl Message {
    /// A client's message of this kind.
    pub fn request(kind: MessageType, xid: u32, chaddr: MacAddr) -> Self {
        Self {
            op: REQUEST,
            hops: 0,
            xid,
            secs: 0,
            broadcast: false,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: Ipv4Addr::UNSPECIFIED,
            siaddr: Ipv4Addr::UNSPECIFIED,
            giaddr: Ipv4Addr::UNSPECIFIED,
            chaddr,
            sname: Vec::new(),
            file: Vec::new(),
            options: vec![(option::MESSAGE_TYPE, vec![kind as u8])],
        }
    }

    /// The beginning of an answer to this message.
    pub fn answer(&self, kind: MessageType, server: Ipv4Addr) -> Self {
        let mut answer = Self {
            op: REPLY,
            hops: 0,
            secs: 0,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            ..Self::request(kind, self.xid, self.chaddr)
        };
        answer.broadcast = self.broadcast;
        answer.giaddr = self.giaddr;
        answer.set(option::SERVER_IDENTIFIER, &server.octets());
        answer
    }

    /// Sets an option.
    pub fn set(&mut self, code: u8, value: &[u8]) {
        match self.options.iter_mut().find(|(known, _)| *known == code) {
            Some((_, bytes)) => value.clone_into(bytes),
            None => self.options.push((code, value.to_vec())),
        }
    }

    /// An option's bytes.
    pub fn get(&self, code: u8) -> Option<&[u8]> {
        self.options.iter().find(|(known, _)| *known == code).map(|(_, bytes)| bytes.as_slice())
    }

    fn address(&self, code: u8) -> Option<Ipv4Addr> {
        option::addresses(self.get(code)?).first().copied()
    }

    fn u32(&self, code: u8) -> Option<u32> {
        self.get(code)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// What kind of message it is.
    pub fn kind(&self) -> Option<MessageType> {
        MessageType::from_code(*self.get(option::MESSAGE_TYPE)?.first()?)
    }

    /// The address the client asks for.
    pub fn requested_ip(&self) -> Option<Ipv4Addr> {
        self.address(option::REQUESTED_ADDRESS)
    }

    /// Which server it is for or from.
    pub fn server_id(&self) -> Option<Ipv4Addr> {
        self.address(option::SERVER_IDENTIFIER)
    }

    /// How long the lease is, in seconds.
    pub fn lease_secs(&self) -> Option<u32> {
        self.u32(option::LEASE_TIME)
    }

    /// T1 in seconds, when the server sets it.
    pub fn t1(&self) -> Option<u32> {
        self.u32(option::RENEWAL_TIME)
    }

    /// T2 in seconds, when the server sets it.
    pub fn t2(&self) -> Option<u32> {
        self.u32(option::REBINDING_TIME)
    }

    /// The mask.
    pub fn netmask(&self) -> Option<Ipv4Addr> {
        self.address(option::SUBNET_MASK)
    }

    /// The first router.
    pub fn router(&self) -> Option<Ipv4Addr> {
        self.address(option::ROUTERS)
    }

    /// The name servers.
    pub fn dns(&self) -> Vec<Ipv4Addr> {
        self.get(option::DOMAIN_NAME_SERVERS).map(option::addresses).unwrap_or_default()
    }

    /// The client's host name.
    pub fn hostname(&self) -> Option<Cow<'_, str>> {
        self.get(option::HOST_NAME).map(String::from_utf8_lossy)
    }

    /// The domain.
    pub fn domain(&self) -> Option<Cow<'_, str>> {
        self.get(option::DOMAIN_NAME).map(String::from_utf8_lossy)
    }

    /// The options the client wants to hear of.
    pub fn param_list(&self) -> &[u8] {
        self.get(option::PARAMETER_REQUEST_LIST).unwrap_or_default()
    }

    /// Reads a message.
    ///
    /// # Errors
    /// Where and why it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, MessageError> {
        let error = |at, what| MessageError { at, what };
        let options_at = HEADER_LEN + COOKIE.len();
        if bytes.len() < options_at {
            return Err(error(bytes.len(), Malformed::TooShort));
        }
        if !matches!(bytes[0], REQUEST | REPLY) || bytes[1] != 1 || bytes[2] != 6 {
            return Err(error(0, Malformed::Header));
        }
        if bytes[HEADER_LEN..options_at] != COOKIE {
            return Err(error(HEADER_LEN, Malformed::Cookie));
        }
        let address = |at: usize| Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
        let mut message = Self {
            op: bytes[0],
            hops: bytes[3],
            xid: u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            secs: u16::from_be_bytes([bytes[8], bytes[9]]),
            broadcast: bytes[10] & 0x80 != 0,
            ciaddr: address(12),
            yiaddr: address(16),
            siaddr: address(20),
            giaddr: address(24),
            chaddr: MacAddr::from_slice(&bytes[28..]).unwrap_or_default(),
            sname: Vec::new(),
            file: Vec::new(),
            options: Vec::new(),
        };
        message.read_options(bytes, options_at..bytes.len())?;
        // The fields for names may hold more options (RFC 2132 9.3).
        let overload = message.get(option::OVERLOAD).and_then(|b| b.first().copied()).unwrap_or(0);
        if overload & 1 != 0 {
            message.read_options(bytes, FILE)?;
        } else {
            message.file = text_field(&bytes[FILE]);
        }
        if overload & 2 != 0 {
            message.read_options(bytes, SNAME)?;
        } else {
            message.sname = text_field(&bytes[SNAME]);
        }
        Ok(message)
    }

    /// Which client this is (RFC 2131 4.2): its identifier, else its MAC.
    pub fn client(&self) -> ClientKey {
        match self.get(option::CLIENT_IDENTIFIER) {
            Some(id) if id.len() >= 2 => ClientKey::Id(id[..id.len().min(CLIENT_ID_MAX)].to_vec()),
            _ => ClientKey::Mac(self.chaddr),
        }
    }

    fn read_options(&mut self, bytes: &[u8], range: core::ops::Range<usize>) -> Result<(), MessageError> {
        let (mut at, end) = (range.start, range.end);
        while at < end {
            let code = bytes[at];
            match code {
                0 => at += 1,
                255 => return Ok(()),
                _ => {
                    let cut = MessageError { at, what: Malformed::OptionLength };
                    let len = usize::from(*bytes[..end].get(at + 1).ok_or(cut)?);
                    let value = bytes[..end].get(at + 2..at + 2 + len).ok_or(cut)?;
                    // An option that comes again goes on (RFC 3396).
                    match self.options.iter_mut().find(|(known, _)| *known == code) {
                        Some((_, whole)) => whole.extend_from_slice(value),
                        None => self.options.push((code, value.to_vec())),
                    }
                    at += 2 + len;
                }
            }
        }
        Ok(())
    }

    /// The bytes, padded to the 300 that BOOTP wants. Options that do not fit into a packet of 1500 bytes go into the
    /// fields for names (option 52).
    pub fn emit(&self) -> Vec<u8> {
        self.emit_within(PACKET_MAX).0
    }

    /// The bytes for a client that takes IP packets of `max` bytes (option 57), 576 at least; and the options that found
    /// no room.
    pub fn emit_within(&self, max: usize) -> (Vec<u8>, Vec<u8>) {
        let mut bytes = vec![0; HEADER_LEN];
        bytes[0] = self.op;
        bytes[1] = 1;
        bytes[2] = 6;
        bytes[3] = self.hops;
        bytes[4..8].copy_from_slice(&self.xid.to_be_bytes());
        bytes[8..10].copy_from_slice(&self.secs.to_be_bytes());
        bytes[10] = if self.broadcast { 0x80 } else { 0 };
        for (at, address) in [(12, self.ciaddr), (16, self.yiaddr), (20, self.siaddr), (24, self.giaddr)] {
            bytes[at..at + 4].copy_from_slice(&address.octets());
        }
        bytes[28..34].copy_from_slice(&self.chaddr.0);
        for (field, text) in [(SNAME, &self.sname), (FILE, &self.file)] {
            let len = text.len().min(field.len() - 1);
            bytes[field][..len].copy_from_slice(&text[..len]);
        }
        bytes.extend_from_slice(&COOKIE);
        let left_out = self.emit_options(&mut bytes, max.clamp(PACKET_MIN, PACKET_MAX) - PACKET_HEADERS);
        bytes.resize(bytes.len().max(LEN_MIN), 0);
        (bytes, left_out)
    }

    /// Options, in order, split where they are longer than 255 bytes (RFC 3396); first behind the header, up to `len_max`
    /// bytes in all, then in the fields for names that are free.
    fn emit_options(&self, bytes: &mut Vec<u8>, len_max: usize) -> Vec<u8> {
        let parts: Vec<(u8, &[u8])> = self.options.iter().flat_map(|(code, value)| split(*code, value)).collect();
        let whole: usize = parts.iter().map(|(_, part)| part.len() + 2).sum();
        let mut rooms: Vec<(core::ops::Range<usize>, u8)> = Vec::new();
        if bytes.len() + whole + 1 > len_max {
            rooms.extend(self.file.is_empty().then_some((FILE, 1)));
            rooms.extend(self.sname.is_empty().then_some((SNAME, 2)));
        }
        // Each room ends with the mark 255; the first has to hold option 52 too.
        let main = len_max - 1 - if rooms.is_empty() { 0 } else { 3 };
        let (mut overload, mut left_out) = (0, Vec::new());
        let mut rest = parts.into_iter().peekable();
        while let Some((code, part)) = rest.next_if(|(_, part)| bytes.len() + part.len() + 2 <= main) {
            bytes.extend([code, part.len() as u8]);
            bytes.extend_from_slice(part);
        }
        for (room, flag) in rooms {
            let mut at = room.start;
            while let Some((code, part)) = rest.next_if(|(_, part)| at + part.len() + 3 <= room.end) {
                bytes[at..at + 2].copy_from_slice(&[code, part.len() as u8]);
                bytes[at + 2..at + 2 + part.len()].copy_from_slice(part);
                at += part.len() + 2;
            }
            if at > room.start {
                bytes[at] = 255;
                overload |= flag;
            }
        }
        for (code, part) in rest {
            if bytes.len() + part.len() + 2 <= main && !left_out.contains(&code) {
                bytes.extend([code, part.len() as u8]);
                bytes.extend_from_slice(part);
            } else {
                left_out.push(code);
            }
        }
        if overload != 0 {
            bytes.extend([option::OVERLOAD, 1, overload]);
        }
        bytes.push(255);
        left_out.dedup();
        left_out
    }
}

/// Which client a message is from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientKey {
    /// By its identifier (option 61).
    Id(Vec<u8>),
    /// By its MAC.
    Mac(MacAddr),
}

fn split(code: u8, value: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let empty = value.is_empty().then_some((code, value));
    empty.into_iter().chain(value.chunks(255).map(move |part| (code, part)))
}

/// A field of fixed length: its bytes up to the first 0.
fn text_field(field: &[u8]) -> Vec<u8> {
    field.iter().copied().take_while(|byte| *byte != 0).take(field.len() - 1).collect()
}
