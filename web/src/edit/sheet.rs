//! What a sheet consists of: words, fields, lists, buttons. Owns the parts and nothing of what they are for.

use netmodes_core::error::fill;

use crate::i18n::Texts;
use crate::store::EditTarget;
use crate::store::edit::Plan;

/// Words of the page: a key below `[ui]` and what its placeholders stand for, or plain data such as a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Words {
    /// A text by its key.
    Key(&'static str, Vec<(&'static str, String)>),
    /// A text that counts, by its key and the number.
    Count(&'static str, u64),
    /// Data: a name, an address.
    Plain(String),
    /// Several, one after another, with this between them.
    Joined(Vec<Words>, &'static str),
}

impl Words {
    /// A text without placeholders.
    pub const fn key(key: &'static str) -> Self {
        Self::Key(key, Vec::new())
    }

    /// A text with one placeholder.
    pub fn with(self, name: &'static str, value: impl ToString) -> Self {
        match self {
            Self::Key(key, mut args) => {
                args.push((name, value.to_string()));
                Self::Key(key, args)
            }
            other => other,
        }
    }

    /// In the language of `texts`.
    pub fn text(&self, texts: &Texts) -> String {
        match self {
            Self::Key(key, args) => fill(&texts.ui(key), args),
            Self::Count(key, n) => texts.ui_count(key, *n).to_string(),
            Self::Plain(text) => text.clone(),
            Self::Joined(parts, between) => parts.iter().map(|part| part.text(texts)).collect::<Vec<_>>().join(between),
        }
    }
}

impl From<String> for Words {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

/// A sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// Its title.
    pub title: Words,
    /// What the thing is, in a sentence or two.
    pub what: Words,
    /// What has to be said of it as it is now.
    pub notes: Vec<Words>,
    /// Buttons that act at once.
    pub buttons: Vec<Button>,
    /// Its fields.
    pub form: Option<Form>,
    /// What belongs to it.
    pub lists: Vec<List>,
    /// Removes it.
    pub remove: Option<Button>,
}

impl Sheet {
    /// A sheet with nothing in it.
    pub fn new(title: Words, what: Words) -> Self {
        Self { title, what, notes: Vec::new(), buttons: Vec::new(), form: None, lists: Vec::new(), remove: None }
    }
}

/// Fields that are applied together.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// The fields, from top to bottom.
    pub fields: Vec<Field>,
    /// The key of the words on its button.
    pub apply: &'static str,
    /// Why nothing of it can be changed.
    pub locked: Option<Words>,
}

/// One field.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Names it in drafts, in refusals, in ids.
    pub key: &'static str,
    /// The key of its label.
    pub label: &'static str,
    /// How it is typed.
    pub kind: Kind,
    /// The value in force, as it would be typed.
    pub value: String,
    /// The key of its unit.
    pub unit: Option<&'static str>,
    /// What it means, and its range.
    pub hint: Option<Words>,
    /// Why it cannot be changed.
    pub locked: Option<Words>,
    /// A suggestion, shown while the field is empty.
    pub example: String,
}

impl Field {
    /// A field.
    pub fn new(key: &'static str, label: &'static str, kind: Kind, value: impl ToString) -> Self {
        let value = value.to_string();
        Self { key, label, kind, value, unit: None, hint: None, locked: None, example: String::new() }
    }

    /// With a hint.
    #[must_use]
    pub fn hint(mut self, hint: Words) -> Self {
        self.hint = Some(hint);
        self
    }

    /// With a unit.
    #[must_use]
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = Some(unit);
        self
    }

    /// With something to show while it is empty.
    #[must_use]
    pub fn example(mut self, example: impl ToString) -> Self {
        self.example = example.to_string();
        self
    }

    /// Locked, where there is a reason.
    #[must_use]
    pub fn locked(mut self, why: Option<Words>) -> Self {
        self.locked = why;
        self
    }
}

/// How a field is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Words: a name.
    Text,
    /// Addresses, MACs: the mono face.
    Mono,
    /// Several lines in the mono face.
    Lines,
    /// A number.
    Number,
    /// Yes (`on`) or no (empty).
    Check,
    /// One of these.
    Choice(Vec<Choice>),
}

/// One of several values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The value.
    pub value: String,
    /// What it is called.
    pub label: Words,
    /// It cannot be chosen here.
    pub disabled: bool,
}

impl Choice {
    /// A choice that can be made.
    pub fn new(value: impl ToString, label: Words) -> Self {
        Self { value: value.to_string(), label, disabled: false }
    }
}

/// Things that belong to the target.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// The key of its heading.
    pub title: &'static str,
    /// The things.
    pub items: Vec<Item>,
    /// The key of what is said when there are none.
    pub empty: &'static str,
    /// Adds one.
    pub add: Option<Button>,
}

/// A thing in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its name.
    pub name: Words,
    /// What else is to be said of it.
    pub detail: Words,
    /// Its own sheet.
    pub open: Option<EditTarget>,
    /// What can be done with it at once.
    pub buttons: Vec<Button>,
}

/// A button.
#[derive(Clone, Debug, PartialEq)]
pub struct Button {
    /// What it says.
    pub label: Words,
    /// What it does.
    pub press: Press,
    /// Why it cannot be pressed.
    pub locked: Option<Words>,
}

impl Button {
    /// A button that opens a sheet above this one.
    pub const fn open(label: Words, target: EditTarget) -> Self {
        Self { label, press: Press::Open(target), locked: None }
    }

    /// A button that does something at once.
    pub const fn apply(label: Words, plan: Plan) -> Self {
        Self { label, press: Press::Apply(plan), locked: None }
    }

    /// Locked, where there is a reason.
    #[must_use]
    pub fn locked(mut self, why: Option<Words>) -> Self {
        self.locked = why;
        self
    }
}

/// What a button does.
#[allow(clippy::large_enum_variant, reason = "one is alive at a time, and it is taken apart at once")]
#[derive(Clone, Debug, PartialEq)]
pub enum Press {
    /// Opens a sheet above this one.
    Open(EditTarget),
    /// Changes something at once.
    Apply(Plan),
}
