//! Tests of the program's labs.

use super::*;

const NAT: &str = include_str!("../../static/labs/nat.toml");

fn fault(text: &str) -> Fault {
    from_toml(text).expect_err("a fault")
}

#[test]
fn every_built_in_lab_is_sound() {
    for file in BUILT_IN.files() {
        let text = file.contents_utf8().unwrap();
        let lab = from_toml(text).unwrap();
        assert_eq!(file.path().file_stem().unwrap().to_str(), Some(lab.name.as_str()));
    }
    assert!(built_in().iter().any(|(name, _)| name == DEFAULT));
}

#[test]
fn a_lab_survives_the_way_to_json_and_back() {
    let lab = from_toml(NAT).unwrap();
    let back = from_json(&lab.to_json()).unwrap();
    assert_eq!(back, lab);
    assert_eq!(from_toml(&to_toml(&back).unwrap()).unwrap(), lab);
}

#[test]
fn a_syntax_error_names_its_line() {
    let found = fault("format_version = 1\nname = \"x\nprofile = 3\n");
    assert_eq!((found.error.code.as_str(), found.line), ("lab-malformed", Some(2)));
}

#[test]
fn an_unknown_field_names_its_line() {
    let found = fault(&NAT.replacen("kind = \"host\"", "kind = \"host\"\nkindness = 1", 1));
    let line = NAT.lines().position(|line| line.starts_with("kind = \"host\"")).unwrap() + 2;
    assert_eq!((found.error.code.as_str(), found.line), ("lab-malformed", Some(line)));
}

#[test]
fn an_unsound_lab_names_the_line_of_the_place() {
    let found = fault(&NAT.replacen("93.184.215.14/24", "93.184.215.0/24", 1));
    let line = NAT.lines().position(|line| line == "name = \"web\"").unwrap() + 1;
    assert_eq!(found.error.code, "lab-address");
    // The machine's, or its interface's below.
    assert!(found.line.is_some_and(|found| (line..line + 8).contains(&found)), "{found:?}");
}

#[test]
fn a_newer_format_is_named_before_its_fields() {
    let found = fault("# newer\nformat_version = 2\nnews = true\n");
    assert_eq!((found.error.code.as_str(), found.line), ("lab-format-version", Some(2)));
}

#[test]
fn an_unknown_lab_is_a_usage_error() {
    let failure = find("no-such-lab", Texts::of_language("en")).unwrap_err();
    assert_eq!(failure.exit, 2);
    assert!(failure.text.contains("no-such-lab"));
}
