//! What was perhaps meant, and what can be typed on.

use super::field::FIELDS;

/// Names that Wireshark or habit has for ours.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("bootp", "dhcp"),
    ("ipv4", "ip"),
    ("ethernet", "eth"),
    ("mac", "eth.addr"),
    ("port", "tcp.port"),
    ("src", "ip.src"),
    ("dst", "ip.dst"),
    ("host", "ip.addr"),
    ("ping", "icmp"),
    ("discover", "dhcp.option.dhcp"),
    ("dhcp.msg", "dhcp.option.dhcp"),
    ("dhcp.message", "dhcp.option.dhcp"),
    ("tcp.seq", "tcp.seq_raw"),
    ("tcp.ack", "tcp.ack_raw"),
    ("tcp.flags.rst", "tcp.flags.reset"),
    ("tcp.flags.psh", "tcp.flags.push"),
    ("dropped", "nm.dropped"),
    ("node", "nm.node"),
    ("ip.port", "tcp.port"),
];

/// The known name nearest to `word`, when one is near enough.
pub(super) fn near(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    if let Some((_, name)) = OTHER_NAMES.iter().find(|(other, _)| *other == word) {
        return Some(name);
    }
    if let Some(rest) = word.strip_prefix("bootp.") {
        let name = format!("dhcp.{rest}");
        if let Some(def) = FIELDS.iter().find(|def| def.name == name) {
            return Some(def.name);
        }
    }
    // The last part alone: `syn`, `ttl`, `opcode`.
    let tail = FIELDS.iter().find(|def| def.name.rsplit('.').next() == Some(word.as_str()));
    if let Some(def) = tail {
        return Some(def.name);
    }
    let allowed = (word.chars().count() / 3).clamp(1, 4);
    let scored = FIELDS.iter().map(|def| (distance(&word, def.name), def.name));
    scored.filter(|(score, _)| *score <= allowed).min_by_key(|(score, _)| *score).map(|(_, name)| name)
}

/// Levenshtein's distance with swapped neighbours counted once; words are short by the filter's cap.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut older: Vec<usize> = Vec::new();
    let mut old: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = old[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = changed.min(row[j - 1] + 1).min(old[j] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(older[j - 2] + 1);
            }
            row.push(best);
        }
        older = core::mem::replace(&mut old, row);
    }
    old[b.len()]
}

/// The word being typed before byte `cursor` of `text`, where it begins, and the names that go on from it: those that
/// begin with it, then those of which a later part does. At most `max`.
pub fn complete(text: &str, cursor: usize, max: usize) -> (usize, Vec<&'static str>) {
    let Some(before) = text.get(..cursor) else { return (cursor, Vec::new()) };
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
    let start = before.char_indices().rev().take_while(|(_, c)| is_part(*c)).last().map_or(cursor, |(at, _)| at);
    let word = before[start..].to_lowercase();
    let head = before[..start].trim_end();
    // After a comparison stands a value, inside quotation marks anything.
    let value = head.ends_with(['=', '<', '>', '{', ',', '&']) && !head.ends_with("&&");
    let worded = ["contains", "eq", "ne", "gt", "lt", "ge", "le", "matches"].iter().any(|op| head.ends_with(op));
    let in_quotes = before.matches('"').count() % 2 == 1;
    if word.is_empty() || value || worded || in_quotes || word.starts_with(|c: char| c.is_ascii_digit()) {
        return (start, Vec::new());
    }
    let begins = FIELDS.iter().filter(|def| def.name.starts_with(&word));
    let later = FIELDS
        .iter()
        .filter(|def| !def.name.starts_with(&word) && def.name.split('.').skip(1).any(|part| part.starts_with(&word)));
    (start, begins.chain(later).map(|def| def.name).take(max).collect())
}
