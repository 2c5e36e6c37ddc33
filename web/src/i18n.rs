//! Texts by key, in the language of the page. The files are JSON objects of objects; a key is their names joined by
//! dots: `ui.play`, `errors.no-such-machine`, `drops.no-route`.

use std::collections::BTreeMap;
use std::rc::Rc;

use netmodes_core::error::{UserError, fill};

use crate::store::Lang;

/// All texts of one language.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    /// The language.
    pub lang: Lang,
    texts: BTreeMap<String, Rc<str>>,
}

impl Texts {
    /// Texts of `lang` from the files' contents. A file that is no JSON object adds nothing: its keys show as they are.
    pub fn new(lang: Lang, files: &[&str]) -> Self {
        let mut texts = BTreeMap::new();
        for file in files {
            if let Ok(value) = serde_json::from_str(file) {
                flatten(String::new(), &value, &mut texts);
            }
        }
        Self { lang, texts }
    }

    /// The text of `key`, if there is one.
    pub fn find(&self, key: &str) -> Option<Rc<str>> {
        self.texts.get(key).cloned()
    }

    /// The text of `key`; the key itself when it is missing, so that a hole is seen and nothing breaks.
    pub fn get(&self, key: &str) -> Rc<str> {
        self.find(key).unwrap_or_else(|| key.into())
    }

    /// A text of the page itself.
    pub fn ui(&self, key: &str) -> Rc<str> {
        self.find(&format!("ui.{key}")).unwrap_or_else(|| key.into())
    }

    /// A text of the page with its `{name}`s filled in.
    pub fn ui_with(&self, key: &str, args: &[(&str, String)]) -> Rc<str> {
        fill(&self.ui(key), args).into()
    }

    /// A text of the page that counts: `key.one`, `key.few`, `key.many` or `key.other` by the language's rule, with
    /// `{n}` filled in.
    pub fn ui_count(&self, key: &str, n: u64) -> Rc<str> {
        let form = plural(self.lang, n);
        let text = self.find(&format!("ui.{key}.{form}")).or_else(|| self.find(&format!("ui.{key}.other")));
        fill(&text.unwrap_or_else(|| key.into()), &[("n", n.to_string())]).into()
    }

    /// The words of a refusal.
    pub fn error(&self, error: &UserError) -> Rc<str> {
        match self.find(&format!("errors.{}", error.code)) {
            Some(template) => error.fill(&template).into(),
            None => error.to_string().into(),
        }
    }
}

fn flatten(prefix: String, value: &serde_json::Value, texts: &mut BTreeMap<String, Rc<str>>) {
    match value {
        serde_json::Value::String(text) => {
            texts.insert(prefix, text.as_str().into());
        }
        serde_json::Value::Object(object) => {
            for (name, value) in object {
                let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(key, value, texts);
            }
        }
        _ => {}
    }
}

/// The plural form of a whole number (Unicode CLDR, cardinal rules of English and Russian).
fn plural(lang: Lang, n: u64) -> &'static str {
    match lang {
        Lang::En if n == 1 => "one",
        Lang::En => "other",
        Lang::Ru => match (n % 10, n % 100) {
            (1, tail) if tail != 11 => "one",
            (2..=4, tail) if !(12..=14).contains(&tail) => "few",
            _ => "many",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_paths_and_a_missing_one_shows_itself() {
        let texts = Texts::new(Lang::En, &[r#"{"ui":{"play":"Play"},"errors":{"x":"no {a}"}}"#, "not json"]);
        assert_eq!(&*texts.ui("play"), "Play");
        assert_eq!(&*texts.ui("stop"), "stop");
        assert_eq!(&*texts.error(&UserError::new("x").with("a", "way")), "no way");
        assert_eq!(&*texts.error(&UserError::new("y").with("a", "way")), r#"y a="way""#);
    }

    #[test]
    fn russian_counts_by_its_own_rule() {
        let forms: Vec<_> = [1, 2, 5, 11, 12, 21, 22, 111].iter().map(|n| plural(Lang::Ru, *n)).collect();
        assert_eq!(forms, ["one", "few", "many", "many", "many", "one", "few", "many"]);
    }
}
