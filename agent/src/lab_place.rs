//! Where in a lab's text something stands: the text as a tree of keys and values with their offsets, from TOML or JSON,
//! and the way from an error's place (`machine "host", interface "eth0"`) and words into it.

use netmodes_core::error::UserError;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Lists inside lists that are followed in a JSON text; more is no lab.
const DEPTH_MAX: usize = 64;

/// A value and where it begins, in bytes.
#[derive(Debug)]
pub(crate) struct Tree {
    at: usize,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Scalar(String),
    List(Vec<Tree>),
    Table(Vec<Field>),
}

#[derive(Debug)]
struct Field {
    at: usize,
    key: String,
    tree: Tree,
}

/// Line and column of an offset, both from 1; columns in characters.
pub(crate) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

impl Tree {
    /// Of a TOML text; of one with mistakes, what could be read.
    pub(crate) fn of_toml(text: &str) -> Self {
        Self::of_table(DeTable::parse_recoverable(text).0)
    }

    fn of_table(table: Spanned<DeTable<'_>>) -> Self {
        let at = table.span().start;
        let fields = table.into_inner().into_iter();
        let fields = fields.map(|(key, value)| Field {
            at: key.span().start,
            key: key.into_inner().into_owned(),
            tree: Self::of_value(value),
        });
        Self { at, value: Value::Table(fields.collect()) }
    }

    fn of_value(value: Spanned<DeValue<'_>>) -> Self {
        let span = value.span();
        let at = span.start;
        let value = match value.into_inner() {
            DeValue::Table(table) => return Self::of_table(Spanned::new(span, table)),
            DeValue::Array(list) => Value::List(list.into_iter().map(Self::of_value).collect()),
            DeValue::String(text) => Value::Scalar(text.into_owned()),
            DeValue::Integer(number) => Value::Scalar(number.as_str().to_owned()),
            DeValue::Float(number) => Value::Scalar(number.as_str().to_owned()),
            DeValue::Boolean(flag) => Value::Scalar(flag.to_string()),
            DeValue::Datetime(time) => Value::Scalar(time.to_string()),
        };
        Self { at, value }
    }

    /// Of a JSON text that has been read already; none where it has not.
    pub(crate) fn of_json(text: &str) -> Option<Self> {
        Json { text, at: 0 }.value(0)
    }

    fn field(&self, wanted: impl Fn(&str) -> bool) -> Option<&Field> {
        match &self.value {
            Value::Table(fields) => fields.iter().find(|field| wanted(&field.key)),
            _ => None,
        }
    }

    /// Whether this is the text, or a list with it.
    fn says(&self, wanted: &str) -> Option<usize> {
        match &self.value {
            Value::Scalar(text) => (text == wanted).then_some(self.at),
            Value::List(items) => items.iter().find_map(|item| item.says(wanted)),
            Value::Table(_) => None,
        }
    }

    /// Whether one of the table's own fields says so, or the key itself is so.
    fn has(&self, wanted: &str) -> bool {
        self.field(|key| key == wanted).is_some()
            || matches!(&self.value, Value::Table(fields) if fields.iter().any(|field| field.tree.says(wanted).is_some()))
    }

    /// Where the thing is that an error is about: the value it complains of, else the table it is in.
    pub(crate) fn find(&self, error: &UserError) -> Option<usize> {
        let place = argument(error, "place").unwrap_or_default();
        let last = error.code.ends_with("-twice");
        let mut here = self;
        let mut at = None;
        for step in place.split(", ") {
            let Some((key_at, next)) = here.step(step, last) else { break };
            at = Some(key_at);
            here = next;
        }
        here.value_of(error).or(at).or_else(|| self.value_of(error))
    }

    /// One step of a place: `machine "host"`, `adapter 1`, `route to default`, `cable host:eth0 – office`, `forward`.
    fn step(&self, step: &str, last: bool) -> Option<(usize, &Self)> {
        let step = step.trim_matches(['[', ']']);
        let mut words = step.split([' ', '"', '–']).filter(|word| !word.is_empty() && *word != "to");
        let kind = match words.next()? {
            "adapter" => "nic",
            kind => kind,
        };
        let names: Vec<&str> = words.collect();
        let field = self.field(|key| key == kind)?;
        let items = match &field.tree.value {
            Value::List(items) => items,
            _ => return Some((field.at, &field.tree)),
        };
        let mut fit = items.iter().filter(|item| names.iter().all(|name| item.has(name)));
        let found = if last { fit.next_back() } else { fit.next() };
        // A list of plain values has no such items: the list itself then.
        Some(found.map_or((field.at, &field.tree), |item| (item.at, item)))
    }

    /// Where among the fields the value stands that an error complains of.
    fn value_of(&self, error: &UserError) -> Option<usize> {
        let words: Vec<(&str, &str)> = error
            .args
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| !matches!(*name, "place" | "known" | "max" | "message"))
            .collect();
        let fields = match &self.value {
            Value::Table(fields) => fields,
            Value::List(_) => return words.iter().find_map(|(_, value)| self.says(value)),
            Value::Scalar(_) => return Some(self.at),
        };
        let named = words.iter().find_map(|(name, value)| {
            let mut like = fields.iter().filter(|field| field.key.starts_with(name));
            like.find_map(|field| field.tree.says(value))
        });
        let said = || words.iter().find_map(|(_, value)| fields.iter().find_map(|field| field.tree.says(value)));
        let key = || words.iter().find_map(|(_, value)| Some(self.field(|key| key == *value)?.at));
        let by_name = || words.iter().find_map(|(name, _)| Some(self.field(|key| key.starts_with(name))?.tree.at));
        // `lab-scope-lease` is about `lease_secs`.
        let by_code = || {
            let words = error.code.rsplit('-').filter(|word| word.len() > 2 && *word != "lab");
            { words }.find_map(|word| Some(self.field(|key| key.starts_with(word))?.tree.at))
        };
        named.or_else(said).or_else(key).or_else(by_name).or_else(by_code)
    }
}

/// An error's argument.
pub(crate) fn argument<'a>(error: &'a UserError, name: &str) -> Option<&'a str> {
    error.args.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Goes through a JSON text that serde has found to be well-formed.
struct Json<'a> {
    text: &'a str,
    at: usize,
}

impl Json<'_> {
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        self.at += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.text.as_bytes().get(self.at).copied()
    }

    fn value(&mut self, depth: usize) -> Option<Tree> {
        let first = self.peek()?;
        let at = self.at;
        if depth > DEPTH_MAX {
            return None;
        }
        let value = match first {
            b'{' | b'[' => self.items(first == b'{', depth)?,
            b'"' => Value::Scalar(self.string()?),
            _ => {
                let rest = self.text.get(at..)?;
                let end = rest.find([',', '}', ']', ' ', '\n', '\r', '\t']).unwrap_or(rest.len());
                self.at += end.max(1);
                Value::Scalar(rest.get(..end)?.to_owned())
            }
        };
        Some(Tree { at, value })
    }

    fn items(&mut self, table: bool, depth: usize) -> Option<Value> {
        let (mut fields, mut list) = (Vec::new(), Vec::new());
        self.at += 1;
        loop {
            match self.peek()? {
                b'}' | b']' => break,
                b',' => self.at += 1,
                _ if table => {
                    let at = self.at;
                    let key = self.string()?;
                    self.peek().filter(|byte| *byte == b':')?;
                    self.at += 1;
                    fields.push(Field { at, key, tree: self.value(depth + 1)? });
                }
                _ => list.push(self.value(depth + 1)?),
            }
        }
        self.at += 1;
        Some(if table { Value::Table(fields) } else { Value::List(list) })
    }

    fn string(&mut self) -> Option<String> {
        let rest = self.text.get(self.at..)?;
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        let end = end?.0 + 1;
        self.at += end;
        serde_json::from_str(rest.get(..end)?).ok()
    }
}
