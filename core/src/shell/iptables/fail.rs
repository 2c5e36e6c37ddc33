//! How `iptables` ends with an error: `xtables_error` and its exit statuses.

/// An error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fail {
    /// What is said, without the last line feed.
    pub(super) kind: Kind,
    pub(super) exit: i32,
}

/// How it is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Behind the tool's name and version.
    Versioned(String),
    /// Behind the tool's name.
    Named(String),
    /// As it stands.
    Plain(String),
}

impl Fail {
    /// A wrong parameter (`PARAMETER_PROBLEM`).
    pub(super) fn param(text: impl Into<String>) -> Self {
        Self { kind: Kind::Versioned(text.into()), exit: 2 }
    }

    /// A word that belongs nowhere.
    pub(super) fn argument(word: &str) -> Self {
        Self { kind: Kind::Plain(format!("Bad argument `{word}'")), exit: 2 }
    }

    /// Something too new or too old (`VERSION_PROBLEM`).
    pub(super) fn version(text: impl Into<String>) -> Self {
        Self { kind: Kind::Versioned(text.into()), exit: 3 }
    }

    /// The kernel refused (`RESOURCE_PROBLEM`).
    pub(super) fn kernel(what: &str, errno: &str, whom: &str) -> Self {
        Self { kind: Kind::Versioned(format!(" {what} failed ({errno}): {whom}")), exit: 4 }
    }

    /// A reason without the version (`nft_strerror`).
    pub(super) fn reason(text: impl Into<String>) -> Self {
        Self { kind: Kind::Named(text.into()), exit: 1 }
    }

    /// What Debian 12 has and this lab does not.
    pub(super) fn absent(what: &str) -> Self {
        Self::reason(format!("{what} is not available in this lab"))
    }

    /// All lines, for a tool of that name; `line`: where in a file it happened.
    pub(super) fn render(&self, tool: &str, line: Option<usize>) -> String {
        let mut out = match &self.kind {
            Kind::Versioned(text) => format!("{tool} {}: {text}", super::VERSION),
            Kind::Named(text) => match line {
                Some(line) => format!("{tool}: line {line} failed: {text}"),
                None => format!("{tool}: {text}"),
            },
            Kind::Plain(text) => text.clone(),
        };
        if let (Some(line), Kind::Versioned(_)) = (line, &self.kind) {
            out.push_str(&format!("\nError occurred at line: {line}"));
        }
        if out.is_empty() {
            return format!("Try `{tool} -h' or '{tool} --help' for more information.");
        }
        match self.exit {
            2 => out.push_str(&format!("\nTry `{tool} -h' or '{tool} --help' for more information.")),
            3 => out.push_str("\nPerhaps iptables or your kernel needs to be upgraded."),
            _ => {}
        }
        out
    }
}
