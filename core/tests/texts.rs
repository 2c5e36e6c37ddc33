//! Every word a user reads exists in English and Russian, and nothing that the core can say is without words.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its files has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use netmodes_core::addr::{Endpoint, L4Proto};
use netmodes_core::drop_reason::DropReason;
use netmodes_core::event::{Decision, RuleName};
use netmodes_core::id::FlowId;
use netmodes_core::reach::Cause;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All texts of a TOML file, or of all files of a folder, by their dotted keys.
fn texts(path: &str) -> BTreeMap<String, String> {
    fn flatten(prefix: &str, value: &toml::Value, into: &mut BTreeMap<String, String>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                    flatten(&key, value, into);
                }
            }
            toml::Value::String(text) => {
                into.insert(prefix.to_owned(), text.clone());
            }
            other => panic!("{prefix} is no text: {other}"),
        }
    }
    let path = root().join("static").join(path);
    let mut files = vec![path.clone()];
    if path.is_dir() {
        files = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    }
    let mut map = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        flatten("", &toml::Value::Table(text.parse().unwrap()), &mut map);
    }
    map
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    let names = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
    names.filter(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')).collect()
}

/// Plural forms differ from language to language: Russian has two more.
fn without_plurals(map: &BTreeMap<String, String>) -> BTreeSet<&str> {
    map.keys()
        .map(|key| key.strip_suffix(".few").or(key.strip_suffix(".many")).unwrap_or(key))
        .map(plural_base)
        .collect()
}

fn plural_base(key: &str) -> &str {
    key.strip_suffix(".one").or(key.strip_suffix(".other")).unwrap_or(key)
}

#[test]
fn both_languages_have_the_same_keys_and_placeholders() {
    for (folder, end) in [("locales", ""), ("explain", ".toml")] {
        let (en, ru) = (texts(&format!("{folder}/en{end}")), texts(&format!("{folder}/ru{end}")));
        assert_eq!(without_plurals(&en), without_plurals(&ru), "{folder}");
        for (key, text) in &en {
            assert!(!text.trim().is_empty(), "{folder}: {key} is empty");
            let Some(other) = ru.get(key) else { continue };
            assert!(!other.trim().is_empty(), "{folder}: {key} is empty");
            // A name in braces may also be part of a sentence about braces; it is then the same in neither language.
            if key != "errors.exercise-text" {
                assert_eq!(placeholders(text), placeholders(other), "{folder}: {key}");
            }
        }
    }
}

#[test]
fn russian_plurals_are_complete() {
    let ru = texts("locales/ru");
    for base in ru.keys().filter_map(|key| key.strip_suffix(".one")) {
        for form in ["few", "many", "other"] {
            assert!(ru.contains_key(&format!("{base}.{form}")), "{base}.{form}");
        }
    }
}

#[test]
fn every_drop_reason_is_explained() {
    let en = texts("explain/en.toml");
    for reason in DropReason::ALL {
        for part in ["title", "text"] {
            let key = format!("drops.{}.{part}", reason.code());
            assert!(en.contains_key(&key), "{key} is missing in static/explain");
        }
    }
}

#[test]
fn every_decision_is_explained_with_its_own_fields() {
    let end: Endpoint = "10.0.2.15:1".parse().unwrap();
    let (flow, proto, text) = (FlowId(1), L4Proto::Icmp, String::new);
    let rule = RuleName { table: text(), chain: text(), number: text(), text: text() };
    let all = [
        Decision::Tracked { state: text() },
        Decision::Filtered { hook: text(), verdict: text(), rule: rule.clone() },
        Decision::NatRule { rule },
        Decision::Forwarded { port: 1 },
        Decision::Flooded { ports: 1 },
        Decision::Delivered { socket: None, to: text() },
        Decision::Routed { route: text(), next_hop: text(), iface: text() },
        Decision::WaitsForNeighbour { next_hop: text() },
        Decision::TtlDecremented { ttl: 1 },
        Decision::TranslatedOut { flow, proto, inside: end, outside: end, remote: end },
        Decision::TranslatedIn { flow, proto, inside: end, outside: end, remote: end },
        Decision::Fragmented { pieces: 3, mtu: 1500 },
        Decision::WaitsForFragments,
        Decision::Reassembled { fragments: 3 },
        Decision::Answered { by: text() },
    ];
    let explained = all.len();
    let en = texts("explain/en.toml");
    for decision in all {
        let json = serde_json::to_value(&decision).unwrap();
        let tag = json["d"].as_str().unwrap();
        let text = en.get(&format!("decisions.{tag}.text")).unwrap_or_else(|| panic!("decisions.{tag} is missing"));
        for name in placeholders(text) {
            assert!(json.get(name).is_some(), "decisions.{tag} speaks of {{{name}}}");
        }
    }
    let known = en.keys().filter(|key| key.starts_with("decisions.") && key.ends_with(".title")).count();
    assert_eq!(known, explained, "a decision is explained that does not exist, or is missing in this test");
}

#[test]
fn every_cause_of_a_failed_try_has_words() {
    let en = texts("locales/en");
    let causes = [
        Cause::Real,
        Cause::NoAddress,
        Cause::OwnAddress,
        Cause::NoRoute,
        Cause::AnsweredByAnother,
        Cause::NoAnswer,
        Cause::Dropped(DropReason::Storm),
        Cause::Lost,
    ];
    for cause in causes {
        assert!(en.contains_key(&format!("reach.{}", cause.code())), "{cause:?}");
    }
    assert_eq!(en.keys().filter(|key| key.starts_with("reach.")).count(), causes.len());
}

/// Codes that stand in the core's sources, outside of its tests.
fn codes_in_sources(call: &str) -> BTreeSet<String> {
    fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                into.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&root().join("core/src"), &mut files);
    let mut codes = BTreeSet::new();
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for rest in source.split(call).skip(1) {
            if let Some((code, _)) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"')) {
                codes.insert(code.to_owned());
            }
        }
    }
    codes
}

#[test]
fn every_error_and_every_goals_note_of_the_core_has_words() {
    let en = texts("locales/en");
    for (call, section) in [("UserError::new(", "errors"), ("Note::new(", "goals"), ("self.error(", "errors")] {
        let codes = codes_in_sources(call);
        assert!(!codes.is_empty());
        for code in codes {
            assert!(en.contains_key(&format!("{section}.{code}")), "{section}.{code} is missing in static/locales");
        }
    }
    for code in codes_in_sources("self.error_with(") {
        assert!(en.contains_key(&format!("errors.{code}")), "errors.{code} is missing in static/locales");
    }
}
