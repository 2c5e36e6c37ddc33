//! Sessions that leave the page and come back: as a link, as a file; and what the browser remembers, as a file. Owns
//! what the dialog shows and what is made of a file or an address; must not know the browser.

use std::collections::BTreeMap;

use netmodes_core::error::UserError;
use netmodes_core::lab::Lab;
use netmodes_core::protocol::{ClientMessage, LabChoice, ServerMessage, Session};
use serde_json::{Value, json};

use super::{AppState, Effect};

/// Version of the files that the page writes.
const FILE_VERSION: u64 = 1;
/// What a session's file says it is.
const SESSION_FILE: &str = "netmodes-session";
/// What a file of what the browser remembers says it is.
const PROGRESS_FILE: &str = "netmodes-progress";
/// Files up to this size are read; a session of ten thousand inputs is smaller.
pub const FILE_BYTES_MAX: usize = 4 << 20;
/// Faults of a lab that are listed.
const FAULTS_MAX: usize = 20;
/// Entries of a progress file, and bytes of one, at most.
const ENTRIES_MAX: usize = 500;
const ENTRY_BYTES_MAX: usize = 100_000;

/// What the student does with links and files.
#[derive(Clone, Debug, PartialEq)]
pub enum ShareAction {
    /// A link to the session as it is now is wanted.
    AskLink,
    /// A file of the session is wanted.
    SaveSession,
    /// A file of what the browser remembers is wanted: this, by key.
    SaveProgress(BTreeMap<String, String>),
    /// A file was chosen or dropped.
    OpenFile {
        /// Its name.
        name: String,
        /// What is in it.
        text: String,
    },
    /// A file that is not read: too large, or it could not be read.
    CannotRead {
        /// Its name.
        name: String,
        /// Why.
        error: UserError,
    },
    /// An address was opened, or pasted.
    OpenAddress(String),
    /// The browser does not keep what it is asked to.
    CannotKeep,
    /// What was said is read.
    Dismiss,
}

/// What the dialog shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Share {
    /// The link's text, of the session as it was when it was asked for.
    pub link: Option<String>,
    /// Why there is no link.
    pub no_link: Option<UserError>,
    /// What came of the last file or address.
    pub outcome: Option<Outcome>,
    /// The browser keeps nothing.
    pub cannot_keep: bool,
    /// What the page's address asks for; it is opened once there is a source.
    pub asked: Option<String>,
    waiting: Waiting,
}

/// What came of a file or an address.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is being opened.
    Opened {
        /// The file's name; empty for an address.
        name: String,
    },
    /// What the browser remembered came from a file: so many entries. They count after the page is loaded anew.
    Restored(usize),
    /// It was refused; the lab that runs is left as it is.
    Refused {
        /// The file's name; empty for an address.
        name: String,
        /// What is wrong, in the order of the file.
        errors: Vec<UserError>,
    },
}

/// What the source was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Waiting {
    #[default]
    Nothing,
    Link,
    Session,
    Opening,
    /// A picture has come: its own, whose replay may have gone astray, or that of the lab the page begins with.
    Shown,
}

/// What an address asks for, by its fragment: `#s=TEXT`, `#lab=NAME`, `#exercise=ID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A session: a link's text.
    Session(String),
    /// A built-in lab.
    Lab(String),
    /// An exercise.
    Exercise(String),
}

impl Asked {
    /// From a whole address, its fragment, or the bare text of a session's link.
    pub fn read(address: &str) -> Option<Self> {
        let address = address.trim();
        let fragment = address.split_once('#').map_or(address, |(_, fragment)| fragment);
        let asked = fragment.split('&').find_map(|part| {
            let (key, value) = part.split_once('=')?;
            let value = value.to_owned();
            Some(match key {
                "s" => Self::Session(value),
                "lab" => Self::Lab(value),
                "exercise" => Self::Exercise(value),
                _ => return None,
            })
        });
        asked.or_else(|| {
            let bare = fragment.split_once('.').is_some_and(|(version, _)| version.parse::<u32>().is_ok());
            (bare && !fragment.contains(['/', ' '])).then(|| Self::Session(fragment.to_owned()))
        })
    }
}

impl Share {
    /// At the page's beginning, with what its address asks for.
    pub fn asking(asked: Option<String>) -> Self {
        Self { asked, ..Self::default() }
    }
}

/// Carries an action out.
pub(super) fn act(state: &mut AppState, action: ShareAction) -> Vec<Effect> {
    let can_load = state.capabilities().is_some_and(|c| c.load);
    let share = state.share.edit();
    match action {
        ShareAction::AskLink => {
            share.link = None;
            share.no_link = None;
            share.waiting = Waiting::Link;
            return vec![Effect::Send(ClientMessage::Share)];
        }
        ShareAction::SaveSession => {
            share.waiting = Waiting::Session;
            return vec![Effect::Send(ClientMessage::Session)];
        }
        ShareAction::SaveProgress(kept) => {
            let file = json!({ "format": PROGRESS_FILE, "format_version": FILE_VERSION, "kept": kept });
            return vec![download("netmodes-progress.json", &file)];
        }
        ShareAction::OpenFile { name, text } => {
            return match read_file(&name, &text) {
                Ok(File::Progress(kept)) => {
                    share.outcome = Some(Outcome::Restored(kept.len()));
                    kept.into_iter().map(|(key, value)| Effect::Keep { key, value }).collect()
                }
                Ok(_) if !can_load => refuse(share, name, vec![UserError::new("file-not-here")]),
                Ok(File::Session(session)) => open(share, name, ClientMessage::OpenSession { session }),
                Ok(File::Lab(lab)) => {
                    let message = ClientMessage::Load { lab: LabChoice::Inline(lab), seed: 1, inputs: Vec::new() };
                    open(share, name, message)
                }
                Err(errors) => refuse(share, name, errors),
            };
        }
        ShareAction::CannotRead { name, error } => return refuse(share, name, vec![error]),
        ShareAction::OpenAddress(address) => {
            let name = String::new();
            return match Asked::read(&address) {
                _ if !can_load => refuse(share, name, vec![UserError::new("file-not-here")]),
                Some(Asked::Session(link)) => open(share, name, ClientMessage::Open { link }),
                Some(Asked::Lab(lab)) => {
                    let lab = LabChoice::Named(lab);
                    open(share, name, ClientMessage::Load { lab, seed: 1, inputs: Vec::new() })
                }
                // The panel of exercises loads it.
                Some(Asked::Exercise(_)) => Vec::new(),
                None => refuse(share, name, vec![UserError::new("link-malformed")]),
            };
        }
        ShareAction::CannotKeep => share.cannot_keep = true,
        ShareAction::Dismiss => share.outcome = None,
    }
    Vec::new()
}

fn open(share: &mut Share, name: String, message: ClientMessage) -> Vec<Effect> {
    share.waiting = Waiting::Opening;
    share.outcome = Some(Outcome::Opened { name });
    vec![Effect::Send(message)]
}

fn refuse(share: &mut Share, name: String, errors: Vec<UserError>) -> Vec<Effect> {
    share.outcome = Some(Outcome::Refused { name, errors });
    Vec::new()
}

/// An answer to what was asked here.
pub(super) fn hear(state: &mut AppState, message: ServerMessage) -> Vec<Effect> {
    let share = state.share.edit();
    let waiting = std::mem::take(&mut share.waiting);
    match message {
        ServerMessage::Link { text } => share.link = Some(text),
        ServerMessage::Session(session) if waiting == Waiting::Session => {
            let lab = state.lab.as_ref().map_or("lab", |lab| &lab.name);
            let file = json!({ "format": SESSION_FILE, "format_version": FILE_VERSION, "session": session });
            return vec![download(&format!("{lab}.netmodes.json"), &file)];
        }
        _ => {}
    }
    Vec::new()
}

/// A refusal, if it answers what was asked here; else it comes back.
pub(super) fn hear_refusal(state: &mut AppState, error: UserError) -> Option<UserError> {
    match state.share.waiting {
        Waiting::Nothing => return Some(error),
        Waiting::Shown if !is_of_opening(&error.code) => return Some(error),
        Waiting::Link | Waiting::Session => state.share.edit().no_link = Some(error),
        Waiting::Opening | Waiting::Shown => {
            let share = state.share.edit();
            let name = match share.outcome.take() {
                Some(Outcome::Opened { name }) => name,
                _ => String::new(),
            };
            share.outcome = Some(Outcome::Refused { name, errors: vec![error] });
        }
    }
    state.share.edit().waiting = Waiting::Nothing;
    None
}

/// Whether only the opening of a session can have gone wrong so. (A cable's refusals begin with `link-` too.)
fn is_of_opening(code: &str) -> bool {
    code.starts_with("session-")
        || ["link-malformed", "link-version", "link-damaged", "link-unreadable", "link-too-long", "unknown-lab"]
            .contains(&code)
}

/// What the page's address asks for, once somebody can be asked.
pub(super) fn asked(state: &mut AppState) -> Vec<Effect> {
    if state.share.asked.is_none() {
        return Vec::new();
    }
    let address = state.share.edit().asked.take().unwrap_or_default();
    act(state, ShareAction::OpenAddress(address))
}

/// A new picture came: what was to be opened is.
pub(super) fn overhear(state: &mut AppState, message: &ServerMessage) {
    if state.share.waiting == Waiting::Opening && matches!(message, ServerMessage::Snapshot { .. }) {
        state.share.edit().waiting = Waiting::Shown;
    }
}

fn download(name: &str, file: &Value) -> Effect {
    let text = serde_json::to_string_pretty(file).unwrap_or_default() + "\n";
    Effect::Download { name: name.to_owned(), media: "application/json", bytes: text.into_bytes() }
}

/// What is in a file.
#[derive(Clone, Debug, PartialEq)]
enum File {
    Session(Box<Session>),
    Lab(Box<Value>),
    Progress(BTreeMap<String, String>),
}

/// Reads a file that somebody chose.
fn read_file(name: &str, text: &str) -> Result<File, Vec<UserError>> {
    let one = |error: UserError| Err(vec![error]);
    if name.to_ascii_lowercase().ends_with(".toml") {
        return one(UserError::new("file-toml").with("name", name));
    }
    if text.len() > FILE_BYTES_MAX {
        return one(UserError::new("file-too-large").with("max", FILE_BYTES_MAX >> 20));
    }
    let place = |error: &serde_json::Error, code: &str| {
        let error =
            UserError::new(code).with("line", error.line()).with("column", error.column()).with("message", error);
        vec![error]
    };
    let value: Value = serde_json::from_str(text).map_err(|error| place(&error, "file-not-json"))?;
    let word = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let format = word("format");
    if matches!(format, SESSION_FILE | PROGRESS_FILE) {
        let version = value.get("format_version").and_then(Value::as_u64).unwrap_or(0);
        if version != FILE_VERSION {
            return one(UserError::new("file-version").with("found", version).with("known", FILE_VERSION));
        }
    }
    match format {
        SESSION_FILE => {
            let session = value.get("session").cloned().unwrap_or_default();
            let read = serde_json::from_value(session);
            read.map(File::Session).map_err(|error| vec![UserError::new("file-session").with("message", error)])
        }
        PROGRESS_FILE => progress(value.get("kept")).map(File::Progress),
        // A lab says its name, its title and at least one thing that stands in it.
        _ if value.get("name").is_some() && value.get("format_version").is_some() => {
            Lab::from_json_or_all(text).map_err(|mut errors| {
                errors.truncate(FAULTS_MAX);
                errors
            })?;
            Ok(File::Lab(Box::new(value)))
        }
        _ => one(UserError::new("file-unknown").with("name", name)),
    }
}

fn progress(kept: Option<&Value>) -> Result<BTreeMap<String, String>, Vec<UserError>> {
    let broken = || vec![UserError::new("file-progress")];
    let kept = kept.and_then(Value::as_object).ok_or_else(broken)?;
    let fits = |(key, value): (&String, &Value)| {
        let value = value.as_str()?;
        let name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        let fits = key.len() <= 100 && key.chars().all(name) && value.len() <= ENTRY_BYTES_MAX;
        // A token is never taken from a file.
        (fits && key != "token").then(|| (key.clone(), value.to_owned()))
    };
    let entries: Option<BTreeMap<_, _>> = kept.iter().map(fits).collect();
    entries.filter(|entries| entries.len() <= ENTRIES_MAX).ok_or_else(broken)
}

#[cfg(test)]
#[path = "share_tests.rs"]
mod tests;
