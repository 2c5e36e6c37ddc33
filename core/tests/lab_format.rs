//! The lab format's outside: its JSON schema (`static/labs/lab.schema.json`) and the tables of `docs/lab-format.md` are
//! made from the structures themselves. `NETMODES_BLESS=1 cargo test -p netmodes-core --test lab_format` writes both
//! anew after a change of the format.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its files has failed")]

#[path = "lab_format/model.rs"]
mod model;
#[path = "lab_format/render.rs"]
mod render;
#[path = "lab_format/validate.rs"]
mod validate;

use std::path::{Path, PathBuf};

use model::Model;
use netmodes_core::lab::Lab;
use serde_json::Value;
use validate::faults;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Compares a file with what it should be; writes it when told to.
fn same(file: &str, wanted: &str) {
    let path = root().join(file);
    if std::env::var_os("NETMODES_BLESS").is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "{file} is out of date: NETMODES_BLESS=1 cargo test -p netmodes-core --test lab_format");
}

fn schema() -> Value {
    render::schema(&Model::read(&root().join("core/src")))
}

fn labs() -> Vec<(String, Value)> {
    let files = std::fs::read_dir(root().join("static/labs")).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "toml"));
    files.map(|path| (path.display().to_string(), json(&std::fs::read_to_string(&path).unwrap()))).collect()
}

fn json(toml: &str) -> Value {
    serde_json::to_value(toml.parse::<toml::Table>().unwrap()).unwrap()
}

#[test]
fn the_schema_is_up_to_date() {
    same("static/labs/lab.schema.json", &(serde_json::to_string_pretty(&schema()).unwrap() + "\n"));
}

#[test]
fn the_document_lists_every_field() {
    let file = "docs/lab-format.md";
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    same(file, &render::document(&Model::read(&root().join("core/src")), &text));
}

#[test]
fn every_lab_of_ours_fits_the_schema_in_both_forms() {
    let schema = schema();
    let all = labs();
    assert!(!all.is_empty());
    for (name, value) in all {
        assert_eq!(faults(&schema, &value), Vec::<String>::new(), "{name}");
        let lab: Lab = serde_json::from_value(value).unwrap();
        assert_eq!(faults(&schema, &serde_json::to_value(&lab).unwrap()), Vec::<String>::new(), "{name}, JSON");
    }
}

#[test]
fn what_the_program_refuses_by_its_types_does_not_fit_the_schema() {
    let schema = schema();
    let (_, good) = labs().into_iter().find(|(name, _)| name.ends_with("nat.toml")).unwrap();
    let broken: [(&str, Value); 7] = [
        ("/machine/0/kind", "hots".into()),
        ("/vm/0/nic/0/adapter", "one".into()),
        ("/vm/0/nic/0/adapter", 300.into()),
        ("/vm/0/nic/0/mode", 7.into()),
        ("/cable/0/a", Value::Null),
        ("/machine/0/interface", "eth0".into()),
        ("/format_version", (-1).into()),
    ];
    for (pointer, with) in broken {
        let mut lab = good.clone();
        *lab.pointer_mut(pointer).unwrap() = with;
        assert!(!faults(&schema, &lab).is_empty(), "{pointer}");
        assert!(serde_json::from_value::<Lab>(lab).is_err(), "{pointer}");
    }
    let mut lab = good.clone();
    lab["machine"][0]["kindness"] = 1.into();
    assert!(!faults(&schema, &lab).is_empty(), "an unknown field");
    lab = good;
    lab["machine"][0].as_object_mut().unwrap().remove("name");
    assert!(!faults(&schema, &lab).is_empty(), "a missing field");
}

#[test]
fn the_document_s_example_uses_every_field_and_is_read() {
    let text = std::fs::read_to_string(root().join("docs/lab-format.md")).unwrap();
    let blocks: Vec<_> = text.split("```toml\n").skip(1).filter_map(|rest| rest.split_once("\n```")).collect();
    let whole = blocks.iter().map(|(block, _)| *block).find(|block| block.contains("format_version")).unwrap();
    let lab: Lab = toml::from_str(whole).unwrap();
    let value = json(whole);
    assert_eq!(faults(&schema(), &value), Vec::<String>::new());
    assert_eq!(lab.name, "every-field");
    let mut missing = Vec::new();
    for (name, fields) in Model::read(&root().join("core/src")).structs() {
        for field in fields {
            if !mentions(&value, &field) {
                missing.push(format!("{name}.{field}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "no example of these fields in docs/lab-format.md");
}

fn mentions(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(map) => map.contains_key(key) || map.values().any(|value| mentions(value, key)),
        Value::Array(list) => list.iter().any(|value| mentions(value, key)),
        _ => false,
    }
}
