//! The frame list's filter: words that must all be found, `!word` for what must not; a protocol's name means the
//! protocol.

/// A filter, read once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    words: Vec<(bool, String)>,
}

impl Filter {
    /// Reads `text`: words parted by white space or `&&`.
    pub fn new(text: &str) -> Self {
        let words = text
            .split_whitespace()
            .filter(|word| *word != "&&")
            .map(|word| match word.strip_prefix('!') {
                Some(rest) => (false, rest.to_lowercase()),
                None => (true, word.to_lowercase()),
            })
            .filter(|(_, word)| !word.is_empty())
            .collect();
        Self { words }
    }

    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether a frame of protocol `proto` (upper case) passes, whose line reads `text`. `text` is only asked for when
    /// a word is not a protocol's name.
    pub fn passes(&self, proto: &str, text: impl Fn() -> String) -> bool {
        let mut line: Option<String> = None;
        self.words.iter().all(|(wanted, word)| {
            let found = if is_protocol(word) {
                proto.eq_ignore_ascii_case(word)
            } else {
                line.get_or_insert_with(|| text().to_lowercase()).contains(word.as_str())
            };
            found == *wanted
        })
    }
}

fn is_protocol(word: &str) -> bool {
    matches!(word, "arp" | "dhcp" | "icmp" | "udp" | "tcp" | "dns" | "http" | "stp" | "ipv4" | "ipv6" | "eth")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_narrow_and_negation_excludes() {
        let line = || "vm1 → NAT echo request 10.0.2.15 → 8.8.8.8".to_owned();
        let passes = |text| Filter::new(text).passes("ICMP", line);
        assert!(passes(""));
        assert!(passes("icmp && 8.8.8.8"));
        assert!(passes("ECHO vm1 !arp"));
        assert!(!passes("!icmp"));
        assert!(!passes("arp"));
        assert!(!passes("192.168"));
    }

    #[test]
    fn a_protocol_is_not_searched_for_as_text() {
        assert!(!Filter::new("tcp").passes("ICMP", || "unreachable, was tcp".to_owned()));
    }
}
