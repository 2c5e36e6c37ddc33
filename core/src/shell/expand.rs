//! Expansion: words as they were read to the arguments that a command gets. Knows variables; nothing of files.

use std::collections::BTreeMap;

use super::lex::{Piece, Word};

/// What a line's variables stand for.
#[derive(Clone, Debug)]
pub(super) struct Env {
    variables: BTreeMap<String, String>,
    /// `$?`
    pub(super) status: i32,
    /// The directory that relative names start from.
    pub(super) directory: String,
}

/// Where a root shell starts.
pub(super) const HOME: &str = "/root";

impl Env {
    pub(super) fn new(hostname: String) -> Self {
        let pairs = [
            ("HOME", HOME.to_owned()),
            ("HOSTNAME", hostname),
            ("USER", "root".to_owned()),
            ("LOGNAME", "root".to_owned()),
            ("PWD", HOME.to_owned()),
            ("SHELL", "/bin/bash".to_owned()),
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
        ];
        let variables = pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { variables, status: 0, directory: HOME.to_owned() }
    }

    pub(super) fn set(&mut self, name: &str, value: String) {
        self.variables.insert(name.to_owned(), value);
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    fn get(&self, name: &str) -> String {
        match name {
            "?" => self.status.to_string(),
            name => self.variables.get(name).cloned().unwrap_or_default(),
        }
    }

    /// Bytes that `word` becomes at most.
    pub(super) fn expanded_len(&self, word: &Word) -> usize {
        let len = |name: &str| self.variables.get(name).map_or(4, String::len);
        let lens = word.iter().map(|piece| match piece {
            Piece::Literal { text, .. } => text.len(),
            Piece::Variable { name, .. } => len(name),
            Piece::Home => len("HOME"),
        });
        lens.fold(0, usize::saturating_add)
    }

    /// The value of an assignment: expanded, never split.
    pub(super) fn value(&self, word: &Word) -> String {
        word.iter()
            .map(|piece| match piece {
                Piece::Literal { text, .. } => text.clone(),
                Piece::Variable { name, .. } => self.get(name),
                Piece::Home => self.get("HOME"),
            })
            .collect()
    }

    /// The arguments that `word` becomes: none when it is an empty variable, several when a value has blanks.
    pub(super) fn arguments(&self, word: &Word) -> Vec<String> {
        let mut done = Vec::new();
        let mut current: Option<String> = None;
        for piece in word {
            match piece {
                Piece::Literal { text, .. } => current.get_or_insert_default().push_str(text),
                Piece::Home => current.get_or_insert_default().push_str(&self.get("HOME")),
                Piece::Variable { name, quoted: true } => {
                    current.get_or_insert_default().push_str(&self.get(name));
                }
                Piece::Variable { name, quoted: false } => {
                    // A blank ends what stands before it; other characters go on with it.
                    for c in self.get(name).chars() {
                        if matches!(c, ' ' | '\t' | '\n') {
                            done.extend(current.take());
                        } else {
                            current.get_or_insert_default().push(c);
                        }
                    }
                }
            }
        }
        done.extend(current);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::lex;

    fn expand(env: &Env, line: &str) -> Vec<String> {
        lex::parse(line).unwrap()[0].words.iter().flat_map(|word| env.arguments(word)).collect()
    }

    #[test]
    fn variables_are_expanded_and_split_only_when_not_quoted() {
        let mut env = Env::new("vm1".to_owned());
        env.set("two", "a b".to_owned());
        env.set("same", "a b a".to_owned());
        env.status = 7;
        assert_eq!(
            expand(&env, "x $two \"$two\" '$two' \\$two $none \"$none\""),
            ["x", "a", "b", "a b", "$two", "$two", ""]
        );
        assert_eq!(expand(&env, "x$two-y $? ${HOSTNAME}x ~/f \"~\""), ["xa", "b-y", "7", "vm1x", "/root/f", "~"]);
        assert_eq!(expand(&env, "$same"), ["a", "b", "a"]);
    }
}
