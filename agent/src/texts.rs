//! The program's words in the user's language: sections `cli` and `errors` of `static/locales`, inside the binary.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::sync::OnceLock;

use netmodes_core::error::{UserError, fill};

const EN: [&str; 3] = [
    include_str!("../../static/locales/en/cli.toml"),
    include_str!("../../static/locales/en/errors.toml"),
    include_str!("../../static/locales/en/reach.toml"),
];
const RU: [&str; 3] = [
    include_str!("../../static/locales/ru/cli.toml"),
    include_str!("../../static/locales/ru/errors.toml"),
    include_str!("../../static/locales/ru/reach.toml"),
];
const EXPLAIN_EN: &str = include_str!("../../static/explain/en.toml");
const EXPLAIN_RU: &str = include_str!("../../static/explain/ru.toml");

type Section = BTreeMap<String, String>;

#[derive(Debug, Default, serde::Deserialize)]
struct Locale {
    #[serde(default)]
    cli: Section,
    #[serde(default)]
    errors: Section,
    #[serde(default)]
    reach: Section,
    /// Titles of drop reasons, from `static/explain`.
    #[serde(default)]
    drops: BTreeMap<String, Section>,
}

/// The words of one language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Texts {
    locale: &'static Locale,
}

impl Texts {
    /// In the language of `--lang`, else of the environment, else in English.
    pub(crate) fn of_environment(args: impl Iterator<Item = OsString>) -> Self {
        let asked = lang_argument(args).or_else(|| {
            // The first of them that is set decides, as setlocale(3) says.
            ["LC_ALL", "LC_MESSAGES", "LANG"].iter().filter_map(std::env::var_os).find(|value| !value.is_empty())
        });
        Self::of_language(&asked.unwrap_or_default().to_string_lossy())
    }

    /// In the language whose name begins so: `ru`, `ru_RU.UTF-8`; English for any other.
    pub(crate) fn of_language(name: &str) -> Self {
        static LOCALES: OnceLock<[Locale; 2]> = OnceLock::new();
        // Tests read all files; one that could not be read leaves the codes to speak for themselves.
        let locales = LOCALES.get_or_init(|| {
            [(EN, EXPLAIN_EN), (RU, EXPLAIN_RU)].map(|(words, explain)| {
                let [cli, errors, reach] = words.map(|text| toml::from_str::<Locale>(text).unwrap_or_default());
                let explain: Locale = toml::from_str(explain).unwrap_or_default();
                Locale { drops: explain.drops, errors: errors.errors, reach: reach.reach, ..cli }
            })
        });
        let [english, russian] = locales;
        Self { locale: if name.starts_with("ru") { russian } else { english } }
    }

    /// The text of the program's own under `key`, filled in.
    pub(crate) fn say(&self, key: &str, args: &[(&str, &str)]) -> String {
        fill(self.locale.cli.get(key).map_or(key, String::as_str), args)
    }

    /// Why one machine does not reach another, by the cause's code.
    pub(crate) fn reach(&self, code: &str) -> String {
        self.locale.reach.get(code).cloned().unwrap_or_else(|| code.to_owned())
    }

    /// The title of a drop reason.
    pub(crate) fn drop(&self, code: &str) -> String {
        self.locale.drops.get(code).and_then(|texts| texts.get("title")).cloned().unwrap_or_else(|| code.to_owned())
    }

    /// What the user reads of a refusal.
    pub(crate) fn error(&self, error: &UserError) -> String {
        match self.locale.errors.get(&error.code) {
            Some(template) => error.fill(template),
            None => error.to_string(),
        }
    }
}

/// The value of `--lang`, wherever it stands, so that even a complaint about the words before it is in that language.
fn lang_argument(mut args: impl Iterator<Item = OsString>) -> Option<OsString> {
    while let Some(arg) = args.next() {
        if arg == OsStr::new("--lang") {
            return args.next();
        }
        if let Some(value) = arg.to_str().and_then(|arg| arg.strip_prefix("--lang=")) {
            return Some(value.into());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_texts_of_the_program() {
        let read = |texts: [&'static str; 3]| texts.map(|text| toml::from_str::<Locale>(text).unwrap());
        let ([cli, errors, reach], [cli_ru, ..]) = (read(EN), read(RU));
        assert!(cli.cli.keys().eq(cli_ru.cli.keys()));
        assert!(!cli.cli.is_empty() && !errors.errors.is_empty() && !reach.reach.is_empty());
    }

    #[test]
    fn the_language_is_asked_for_anywhere() {
        let words = |line: &str| lang_argument(line.split(' ').map(OsString::from).collect::<Vec<_>>().into_iter());
        assert_eq!(words("sim --lang ru"), Some("ru".into()));
        assert_eq!(words("--lang=ru sim"), Some("ru".into()));
        assert_eq!(words("sim"), None);
        assert_ne!(Texts::of_language("ru_RU.UTF-8").say("about", &[]), Texts::of_language("C").say("about", &[]));
    }
}
