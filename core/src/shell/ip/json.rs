//! JSON as iproute2's writer lays it out (lib/json_writer.c), plain and with `-p`.

use std::fmt::Write as _;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Json {
    Text(String),
    Number(u64),
    Bool(bool),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    pub(super) fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    /// The whole document with its last line feed.
    pub(super) fn render(&self, pretty: bool) -> String {
        let mut out = String::new();
        self.write(&mut out, pretty, 0);
        out.push('\n');
        out
    }

    fn write(&self, out: &mut String, pretty: bool, depth: usize) {
        match self {
            Self::Text(text) => out.push_str(&serde_json::Value::from(text.as_str()).to_string()),
            Self::Number(number) => {
                let _ = write!(out, "{number}");
            }
            Self::Bool(value) => {
                let _ = write!(out, "{value}");
            }
            Self::List(items) => {
                out.push_str(if pretty { "[ " } else { "[" });
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    item.write(out, pretty, depth + 1);
                }
                out.push_str(if pretty && !items.is_empty() { " ]" } else { "]" });
            }
            Self::Object(fields) => {
                out.push('{');
                for (i, (name, value)) in fields.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    new_line(out, pretty, depth + 1);
                    let _ = write!(out, "\"{name}\":{}", if pretty { " " } else { "" });
                    value.write(out, pretty, depth + 1);
                }
                if !fields.is_empty() {
                    new_line(out, pretty, depth);
                }
                out.push('}');
            }
        }
    }
}

fn new_line(out: &mut String, pretty: bool, depth: usize) {
    if pretty {
        out.push('\n');
        out.extend(core::iter::repeat_n("    ", depth));
    }
}
