//! Text to tokens, as nft's scanner (src/scanner.l of nftables 1.0.6) tells words, numbers, strings and signs apart.

use core::ops::Range;

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A word; maybe a keyword.
    Word,
    /// A word with `*` at its end.
    Aster,
    /// In quotes.
    Quoted,
    Number,
    /// An address, or anything else that begins with a digit.
    Address,
    /// A sign.
    Sign,
    Newline,
    End,
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Quotes are taken off.
    pub(super) text: String,
    /// Where it stands, in bytes.
    pub(super) at: Range<usize>,
}

/// Words that have a meaning of their own wherever they stand, so that nothing can be called so. Found by asking nft
/// 1.0.6 for a chain of each name.
const KEYWORDS: &[&str] = &[
    "accept",
    "add",
    "ah",
    "all",
    "and",
    "arp",
    "auto-merge",
    "bridge",
    "cgroup",
    "chain",
    "comment",
    "comp",
    "constant",
    "continue",
    "counter",
    "cpu",
    "create",
    "ct",
    "day",
    "dccp",
    "define",
    "delete",
    "describe",
    "device",
    "devices",
    "dnat",
    "drop",
    "dst",
    "dup",
    "dynamic",
    "ecn",
    "element",
    "elements",
    "esp",
    "ether",
    "exists",
    "expires",
    "export",
    "exthdr",
    "fib",
    "flags",
    "flow",
    "flowtable",
    "flush",
    "frag",
    "fwd",
    "gc-interval",
    "get",
    "goto",
    "handle",
    "hbh",
    "hook",
    "hour",
    "ibriport",
    "ibrname",
    "icmp",
    "icmpv6",
    "igmp",
    "iif",
    "iifgroup",
    "iifname",
    "iiftype",
    "import",
    "include",
    "index",
    "inet",
    "insert",
    "interval",
    "ip",
    "ip6",
    "ipsec",
    "jhash",
    "jump",
    "le",
    "limit",
    "list",
    "log",
    "lt",
    "map",
    "mark",
    "masquerade",
    "meta",
    "meter",
    "mh",
    "missing",
    "monitor",
    "netdev",
    "nftrace",
    "not",
    "notrack",
    "numgen",
    "obriport",
    "obrname",
    "offload",
    "oif",
    "oifgroup",
    "oifname",
    "oiftype",
    "or",
    "osf",
    "pkttype",
    "policy",
    "position",
    "priority",
    "queue",
    "quota",
    "random",
    "redefine",
    "redirect",
    "reject",
    "rename",
    "replace",
    "reset",
    "return",
    "rt",
    "rt0",
    "rt2",
    "rtclassid",
    "rule",
    "ruleset",
    "sctp",
    "secmark",
    "set",
    "size",
    "skgid",
    "skuid",
    "snat",
    "socket",
    "srh",
    "symhash",
    "synproxy",
    "table",
    "tcp",
    "th",
    "time",
    "timeout",
    "tproxy",
    "type",
    "typeof",
    "udp",
    "udplite",
    "undefine",
    "update",
    "vlan",
    "vmap",
    "xt",
];

/// Whether nothing can be called so.
pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.binary_search(&word).is_ok()
}

impl Token {
    /// As a syntax error names it.
    pub(super) fn name(&self) -> String {
        match self.kind {
            Kind::Word if is_keyword(&self.text) => self.text.clone(),
            Kind::Word | Kind::Address => "string".to_owned(),
            Kind::Aster => "string with a trailing asterisk".to_owned(),
            Kind::Quoted => "quoted string".to_owned(),
            Kind::Number => "number".to_owned(),
            Kind::Newline => "newline".to_owned(),
            Kind::End => "end of file".to_owned(),
            Kind::Sign => match self.text.as_str() {
                "," => "comma".to_owned(),
                ";" => "semicolon".to_owned(),
                "{" | "}" | "(" | ")" | "|" | "@" | "$" => format!("'{}'", self.text),
                other => other.to_owned(),
            },
        }
    }

    /// Whether it is that sign.
    pub(super) fn is(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    /// Whether it is that word.
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }
}

/// Signs, longer ones first.
const SIGNS: &[&str] = &[
    "==", "!=", "<=", ">=", "<<", ">>", "{", "}", "(", ")", ",", ";", ":", "/", "-", "+", "*", "|", "&", "^", "=", "<",
    ">", "!", "@", "$", "~", ".",
];

/// All tokens; the last is [`Kind::End`]. `Err`: where something stands that is no token.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Range<usize>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or(' ');
        let (kind, length, word) = match first {
            ' ' | '\t' | '\r' => {
                at += 1;
                continue;
            }
            '\\' if rest.starts_with("\\\n") => {
                at += 2;
                continue;
            }
            '#' => {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            '\n' => (Kind::Newline, 1, ""),
            '"' => match rest.get(1..).and_then(|rest| rest.find('"')) {
                Some(end) => (Kind::Quoted, end + 2, rest.get(1..=end).unwrap_or("")),
                None => return Err(at..at + 1),
            },
            ':' if rest.starts_with("::") => {
                let end = rest.find(|c: char| !(c.is_ascii_hexdigit() || c == ':')).unwrap_or(rest.len());
                (Kind::Address, end, rest.get(..end).unwrap_or(""))
            }
            c if c.is_ascii_alphabetic() || c == '_' => word_at(rest),
            c if c.is_ascii_digit() => number_at(rest),
            _ => match SIGNS.iter().find(|sign| rest.starts_with(*sign)) {
                Some(sign) => (Kind::Sign, sign.len(), *sign),
                None => return Err(at..at + first.len_utf8()),
            },
        };
        tokens.push(Token { kind, text: word.to_owned(), at: at..at + length });
        at += length;
    }
    let end = text.len();
    tokens.push(Token { kind: Kind::End, text: String::new(), at: end..end });
    Ok(tokens)
}

/// A word; a MAC or IPv6 address may begin with a letter too.
fn word_at(rest: &str) -> (Kind, usize, &str) {
    let address = rest.find(|c: char| !(c.is_ascii_hexdigit() || c == ':')).unwrap_or(rest.len());
    let text = rest.get(..address).unwrap_or("");
    if text.matches(':').count() >= 2 {
        return (Kind::Address, address, text);
    }
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '-' | '.');
    let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
    if rest.get(end..).is_some_and(|rest| rest.starts_with('*')) {
        return (Kind::Aster, end + 1, rest.get(..=end).unwrap_or(""));
    }
    (Kind::Word, end, rest.get(..end).unwrap_or(""))
}

fn number_at(rest: &str) -> (Kind, usize, &str) {
    if rest.starts_with("0x") {
        let end = rest.get(2..).and_then(|hex| hex.find(|c: char| !c.is_ascii_hexdigit()));
        let end = end.map_or(rest.len(), |end| end + 2);
        return (Kind::Number, end, rest.get(..end).unwrap_or(""));
    }
    let address = rest.find(|c: char| !(c.is_ascii_hexdigit() || matches!(c, ':' | '.'))).unwrap_or(rest.len());
    let text = rest.get(..address).unwrap_or("");
    if text.contains('.') || text.matches(':').count() >= 2 {
        let text = text.trim_end_matches([':', '.']);
        // `1.2.3.4:80` is an address, a colon and a port.
        let text = if text.contains('.') { text.split(':').next().unwrap_or(text) } else { text };
        return (Kind::Address, text.len(), text);
    }
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    (Kind::Number, digits, rest.get(..digits).unwrap_or(""))
}

/// A number, decimal or hexadecimal; what is too large for 64 bits is the largest.
pub(super) fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None if text.bytes().all(|b| b.is_ascii_digit()) => Some(text.parse().unwrap_or(u64::MAX)),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<String> {
        tokens(text).unwrap().into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn words_addresses_and_signs_are_told_apart() {
        assert_eq!(texts("ip saddr 10.0.0.1-10.0.0.9"), ["ip", "saddr", "10.0.0.1", "-", "10.0.0.9", ""]);
        assert_eq!(texts("dnat to 1.2.3.4:80"), ["dnat", "to", "1.2.3.4", ":", "80", ""]);
        assert_eq!(texts("iifname \"a b\" eth* # x\n5/second"), ["iifname", "a b", "eth*", "", "5", "/", "second", ""]);
        assert_eq!(texts("ether saddr 08:00:27:aa:bb:cc {22,80}")[2..5], ["08:00:27:aa:bb:cc", "{", "22"]);
        assert!(KEYWORDS.is_sorted());
    }

    proptest! {
        #[test]
        fn any_text_is_cut_into_tokens_within_it(text in any::<String>()) {
            for token in tokens(&text).unwrap_or_default() {
                prop_assert!(text.get(token.at).is_some());
            }
        }
    }
}
