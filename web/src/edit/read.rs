//! Reading fields: what was typed against what is in force, and what is wrong with it.

use netmodes_core::error::UserError;

use super::{Change, Draft};

/// Fields of one form as they are read. A field that was not touched reads as not changed, whatever is in force.
pub(super) struct Reader<'a> {
    draft: &'a Draft,
    /// What could not be read.
    pub wrong: Vec<(&'static str, UserError)>,
}

impl<'a> Reader<'a> {
    pub fn new(draft: &'a Draft) -> Self {
        Self { draft, wrong: Vec::new() }
    }

    /// What was typed into a field, trimmed, where it differs from what is in force.
    pub fn changed(&self, key: &'static str, now: &str) -> Option<&'a str> {
        self.draft.get(key).map(|text| text.trim()).filter(|text| *text != now)
    }

    /// A switch that was turned.
    pub fn turned(&self, key: &'static str, now: bool) -> Option<bool> {
        let on = !self.draft.get(key)?.is_empty();
        (on != now).then_some(on)
    }

    pub fn refuse(&mut self, key: &'static str, error: UserError) {
        self.wrong.push((key, error));
    }

    /// What comes of it: nothing to do where something is wrong.
    pub fn finish(self, change: Change) -> Change {
        if self.wrong.is_empty() { change } else { Change { wrong: self.wrong, ..Change::default() } }
    }
}

/// The value of a field as it stands: typed, else in force.
pub(super) fn stands(draft: &Draft, key: &'static str, now: &str) -> String {
    draft.get(key).map_or(now, |text| text.trim()).to_owned()
}
