//! A session as a text for a link's fragment, and back: `1.` and base64url (RFC 4648 section 5, without padding) of a
//! checksum and a packed session. Owns the format and its version; must not know worlds or viewers.
//!
//! A link comes from anywhere: every text is refused with a reason or read, with bounded work and memory.
//!
//! What is packed, in order: the core's version; the lab's name or its whole JSON form; the lab's hash; the seed; the
//! commands as one JSON list (so that a new kind of command needs nothing here); their times; the first digits of
//! their fingerprints. Of a session of 50 commands, half the link is what was typed.

mod base64;
mod bytes;
mod pack;
#[cfg(test)]
mod tests;

use bytes::{Reader, Writer};

use crate::error::UserError;
use crate::lab::fnv1a;
use crate::limits::{LINK_BYTES_MAX, LINK_CHARS_MAX, SESSION_INPUTS_MAX};
use crate::protocol::{LabChoice, Session, SessionInput};
use crate::time::SimTime;
use crate::world::Command;

/// Version of the format: what stands before the text's point.
pub const VERSION: u32 = 1;

/// Hexadecimal digits of a fingerprint that a link carries for each input but the last: enough for one difference in
/// 65,536 to be missed, and it shows at the next input.
const FINGERPRINT_DIGITS: usize = 4;

/// The text of a session.
///
/// # Errors
/// `link-too-long`.
pub fn write(session: &Session) -> Result<String, UserError> {
    let mut out = Writer::default();
    out.text(&session.core);
    match &session.lab {
        LabChoice::Named(name) => {
            out.number(0);
            out.text(name);
        }
        LabChoice::Inline(json) => {
            out.number(1);
            out.text(&json.to_string());
        }
    }
    out.text(&session.lab_hash);
    out.number(session.seed.into());
    let commands: Vec<&Command> = session.inputs.iter().map(|input| &input.command).collect();
    // Commands are texts, numbers and words: this cannot fail.
    out.text(&serde_json::to_string(&commands).unwrap_or_default());
    let mut before = 0;
    for input in &session.inputs {
        let at = input.at.as_nanos();
        out.number(scaled(at.wrapping_sub(before)));
        before = at;
    }
    let last = session.inputs.len().saturating_sub(1);
    for (index, input) in session.inputs.iter().enumerate() {
        let digits = if index == last { usize::MAX } else { FINGERPRINT_DIGITS };
        out.fingerprint(&input.fingerprint.chars().take(digits).collect::<String>());
    }
    if out.bytes.len() > LINK_BYTES_MAX {
        return Err(UserError::new("link-too-long").with("max", LINK_CHARS_MAX));
    }
    let packed = pack::pack(&out.bytes);
    let mut body = checksum(&packed).to_vec();
    body.extend(packed);
    let text = format!("{VERSION}.{}", base64::encode(&body));
    if text.len() > LINK_CHARS_MAX {
        return Err(UserError::new("link-too-long").with("max", LINK_CHARS_MAX));
    }
    Ok(text)
}

/// The session of a text.
///
/// # Errors
/// `link-too-long`, `link-malformed` (no link at all), `link-version`, `link-damaged` (cut off or changed on the way),
/// `link-unreadable` (whole, but of another program).
pub fn read(text: &str) -> Result<Session, UserError> {
    let text = text.trim();
    if text.len() > LINK_CHARS_MAX {
        return Err(UserError::new("link-too-long").with("max", LINK_CHARS_MAX));
    }
    let malformed = || UserError::new("link-malformed");
    let (version, body) = text.split_once('.').ok_or_else(malformed)?;
    let digits = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
    let version: u32 = version.parse().ok().filter(|_| digits).ok_or_else(malformed)?;
    if version != VERSION {
        return Err(UserError::new("link-version").with("found", version).with("known", VERSION));
    }
    let damaged = || UserError::new("link-damaged");
    let body = base64::decode(body).ok_or_else(damaged)?;
    let (sum, packed) = body.split_first_chunk::<4>().ok_or_else(damaged)?;
    if *sum != checksum(packed) {
        return Err(damaged());
    }
    let bytes = pack::unpack(packed, LINK_BYTES_MAX).ok_or_else(damaged)?;
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Result<Session, UserError> {
    let unreadable = |reason: &str| UserError::new("link-unreadable").with("reason", reason);
    let short = || unreadable("too short");
    let json = |error: serde_json::Error| unreadable(&error.to_string());
    let mut from = Reader::new(bytes);
    let core = from.text().ok_or_else(short)?.to_owned();
    let kind = from.number().ok_or_else(short)?;
    let name = from.text().ok_or_else(short)?;
    let lab = match kind {
        0 => LabChoice::Named(name.to_owned()),
        1 => LabChoice::Inline(Box::new(serde_json::from_str(name).map_err(json)?)),
        _ => return Err(unreadable("kind of lab")),
    };
    let lab_hash = from.text().ok_or_else(short)?.to_owned();
    let seed = from.number().and_then(|seed| seed.try_into().ok()).ok_or_else(short)?;
    let commands: Vec<Command> = serde_json::from_str(from.text().ok_or_else(short)?).map_err(json)?;
    if commands.len() > SESSION_INPUTS_MAX {
        return Err(UserError::new("session-too-long").with("max", SESSION_INPUTS_MAX));
    }
    let mut before = 0_u64;
    let mut inputs = Vec::with_capacity(commands.len());
    for command in commands {
        before = before.wrapping_add(from.number().and_then(unscaled).ok_or_else(short)?);
        inputs.push(SessionInput { at: SimTime::from_nanos(before), command, fingerprint: String::new() });
    }
    for input in &mut inputs {
        input.fingerprint = from.fingerprint().ok_or_else(short)?;
    }
    if !from.is_empty() {
        return Err(unreadable("too long"));
    }
    Ok(Session { core, lab, lab_hash, seed, inputs })
}

/// Nanoseconds as a number that is small for whole microseconds, milliseconds and seconds.
fn scaled(nanos: u64) -> u128 {
    let (mut value, mut unit) = (nanos, 0_u128);
    while unit < 3 && value != 0 && value % 1_000 == 0 {
        value /= 1_000;
        unit += 1;
    }
    u128::from(value) << 2 | unit
}

fn unscaled(number: u128) -> Option<u64> {
    let value = u64::try_from(number >> 2).ok()?;
    value.checked_mul(1_000_u64.pow((number & 3) as u32))
}

/// Tells a text that was cut off or changed on the way from one that is whole.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    let hash = fnv1a(bytes);
    ((hash ^ (hash >> 32)) as u32).to_le_bytes()
}
