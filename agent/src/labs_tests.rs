//! Tests of the program's labs.

use proptest::prelude::*;

use super::*;
use crate::lab_text::{from_json, from_toml};

const NAT: &str = include_str!("../../static/labs/nat.toml");

/// Of a text with faults: code, line and column of each.
fn faults(text: &str) -> Vec<(String, usize, usize)> {
    let found = from_toml(text).expect_err("a fault").into_iter();
    found.map(|fault| (fault.error.code, fault.at.unwrap_or_default().0, fault.at.unwrap_or_default().1)).collect()
}

/// The line and column where a text begins the `nth` time, from 0.
fn place(text: &str, wanted: &str, nth: usize) -> (usize, usize) {
    let at = text.match_indices(wanted).nth(nth).unwrap_or_else(|| panic!("{wanted}")).0;
    crate::lab_place::line_and_column(text, at)
}

fn texts() -> Texts {
    Texts::of_language("en")
}

#[test]
fn every_built_in_lab_is_sound() {
    for file in BUILT_IN.files().filter(|file| file.path().extension().is_some_and(|end| end == "toml")) {
        let text = file.contents_utf8().unwrap();
        let lab = from_toml(text).unwrap();
        assert_eq!(file.path().file_stem().unwrap().to_str(), Some(lab.name.as_str()));
    }
    assert!(built_in().iter().any(|(name, _)| name == DEFAULT));
}

#[test]
fn every_lab_survives_the_way_to_json_and_back() {
    for (name, lab) in built_in() {
        let back = from_json(&lab.to_json()).unwrap();
        assert_eq!(back, lab, "{name}");
        assert_eq!(from_toml(&to_toml(&back).unwrap()).unwrap(), lab, "{name}");
    }
}

#[test]
fn every_syntax_error_names_its_line() {
    let found = faults("format_version = 1\nname = \"x\nprofile = 3 4\nkind ! 5\n");
    let lines: std::collections::BTreeSet<_> = found.iter().map(|fault| fault.1).collect();
    assert!(lines.is_superset(&[2, 3, 4].into()), "{found:?}");
    assert!(found.iter().all(|fault| fault.0 == "lab-malformed"));
}

#[test]
fn what_the_format_does_not_know_is_named_with_what_it_knows() {
    let line = NAT.lines().position(|line| line.starts_with("kind = \"host\"")).unwrap() + 1;
    let text = NAT.replacen("kind = \"host\"", "kind = \"host\"\nkindness = 1", 1);
    assert_eq!(faults(&text), [("lab-field-unknown".to_owned(), line + 1, 1)]);
    let error = from_toml(&text).unwrap_err().remove(0).error;
    assert!(texts().error(&error).contains("masquerade"), "{error:?}");
    let text = NAT.replacen("kind = \"host\"", "kind = \"hots\"", 1);
    assert_eq!(faults(&text), [("lab-choice".to_owned(), line, 8)]);
    let text = NAT.replacen("192.168.0.111/24", "192.168.0/24", 1);
    let (line, column) = place(&text, "[\"192.168.0/24", 0);
    assert_eq!(faults(&text), [("addr-cidr-invalid".to_owned(), line, column)]);
    let text = NAT.replacen("host = \"host\"\n", "", 1);
    let (line, _) = place(&text, "[[vm]]", 0);
    let found = faults(&text);
    assert_eq!((found[0].0.as_str(), found[0].1), ("lab-field-missing", line));
}

#[test]
fn every_fault_of_sense_names_the_very_value() {
    // What is put in the place of what, and the code, and where it is then complained of.
    for (old, new, code, at) in [
        ("192.168.0.50/24", "192.168.0.255/24", "lab-address", "\"192.168.0.255/24"),
        ("name = \"nat\"", "name = \"Nat\"", "lab-name", "\"Nat\""),
        ("name = \"pc\"", "name = \"web\"", "lab-name-twice", ""),
        ("via = \"198.51.100.9\"", "via = \"10.0.0.1\"", "lab-gateway", "\"10.0.0.1\""),
        ("host = \"host\"", "host = \"router\"", "lab-host-kind", "\"router\""),
        ("adapter = 1", "adapter = 9", "lab-adapter", "9\nmac"),
        ("mac = \"08:00", "mac = \"09:00", "lab-mac", "\"09:00"),
        ("masquerade = [\"wan\"]", "masquerade = [\"vlan\"]", "lab-iface-unknown", "\"vlan\""),
        ("last = \"192.168.0.199\"", "last = \"192.168.9.199\"", "lab-scope-network", "\"eth0\"\nfirst"),
        ("lease_secs = 604800", "lease_secs = 0", "lab-scope-lease", "0\nrouter"),
        ("kind = \"dns\"", "kind = \"echo\"", "lab-service-field", "records"),
        ("a = \"pc:eth0\"", "a = \"pc:eth7\"", "lab-cable-iface", "\"pc:eth7"),
        ("delay_us = 1800", "delay_us = 0", "lab-cable-delay", "0\n\n[[cable]]\na = \"exchange"),
        ("ru = \"Одна", "de = \"Одна", "lab-title", ""),
    ] {
        let text = NAT.replacen(old, new, 1);
        assert_ne!(text, NAT, "{old}");
        let found = faults(&text);
        let fault = found.iter().find(|fault| fault.0 == code).unwrap_or_else(|| panic!("{new}: {found:?}"));
        if at.is_empty() {
            assert!(fault.1 > 1, "{new}: {found:?}");
        } else {
            assert_eq!((fault.1, fault.2), place(&text, at, 0), "{new}: {found:?}");
        }
    }
}

#[test]
fn all_faults_come_at_once_in_both_forms() {
    let text = NAT.replacen("lease_secs = 604800", "lease_secs = 0", 1).replacen("adapter = 1", "adapter = 0", 1);
    let found = faults(&text);
    assert_eq!(found.iter().map(|fault| fault.0.as_str()).collect::<Vec<_>>(), ["lab-scope-lease", "lab-adapter"]);
    let json = from_toml(NAT).unwrap().to_json();
    let json =
        json.replace("\"lease_secs\":604800", "\"lease_secs\":\n0").replace("\"adapter\":1", "\"adapter\":\n\n0");
    let found = from_json(&json).unwrap_err();
    assert_eq!(found.iter().filter_map(|fault| fault.at).collect::<Vec<_>>(), [(2, 1), (4, 1)], "{found:?}");
}

#[test]
fn a_newer_format_is_named_before_its_fields() {
    let found = faults("# newer\nformat_version = 2\nnews = true\n");
    assert_eq!(found, [("lab-format-version".to_owned(), 2, 18)]);
    let found = from_json("{\"format_version\": 2, \"news\": 1}").unwrap_err();
    assert_eq!((found[0].error.code.as_str(), found[0].at), ("lab-format-version", Some((1, 20))));
}

#[test]
fn a_fault_is_one_line_that_editors_can_read_in_the_user_s_language() {
    let text = NAT.replacen("adapter = 1", "adapter = 9", 1);
    let fault = from_toml(&text).unwrap_err().remove(0);
    let (at, column) = place(&text, "9\nmac", 0);
    for (lang, words) in [("en", "there is no adapter 9"), ("ru", "адаптера 9 нет")] {
        let line = line("x.toml", &fault, Texts::of_language(lang));
        assert!(line.starts_with(&format!("x.toml:{at}:{column}: ")), "{line}");
        assert!(line.to_lowercase().contains(words) || lang == "ru", "{line}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any text, and any lab with a piece cut out or another character put in, is refused with a place or read; and
    /// what is read builds a world that is sound.
    #[test]
    fn damaged_labs_are_refused_or_sound(from in 0..NAT.len(), count in 0_usize..40, with in "\\PC{0,3}", any in "\\PC{0,60}") {
        let _ = (from_toml(&any), from_json(&any));
        let whole: Vec<char> = NAT.chars().collect();
        let from = from.min(whole.len());
        let to = (from + count).min(whole.len());
        let text: String = whole[..from].iter().copied().chain(with.chars()).chain(whole[to..].iter().copied()).collect();
        for found in [from_toml(&text), from_json(&text)] {
            match found {
                Ok(lab) => {
                    if let Ok(world) = netmodes_core::world::World::new(&lab, 1) {
                        prop_assert!(world.check().is_ok());
                    }
                }
                Err(faults) => prop_assert!(!faults.is_empty() && faults.iter().all(|fault| fault.at.is_some()), "{faults:?}"),
            }
        }
    }

    #[test]
    fn any_bytes_as_json_are_refused_or_read(text in "[\\[\\]{}:,\"a0 \\\\]{0,60}") {
        let _ = crate::lab_place::Tree::of_json(&text);
        let _ = from_json(&text);
    }
}

#[test]
fn an_unknown_lab_is_a_usage_error() {
    let failure = find("no-such-lab", Texts::of_language("en")).unwrap_err();
    assert_eq!(failure.exit, 2);
    assert!(failure.text.contains("no-such-lab"));
}
