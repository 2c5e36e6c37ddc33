//! What the table of the lecture's statements names is there: labs, and lines that run in them.

use std::collections::BTreeSet;

use netmodes_core::runner::run_script;
use netmodes_core::script::Script;
use netmodes_core::world::World;
use netmodes_tests::content::{exercise_names, lab, lab_names, read};
use netmodes_tests::paths::root;

fn rows() -> Vec<toml::Table> {
    let text = read(&root().join("static/lecture.toml"));
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{error}"));
    let rows = table["row"].as_array().cloned().unwrap_or_default();
    rows.into_iter().filter_map(|row| row.as_table().cloned()).collect()
}

fn text<'a>(row: &'a toml::Table, key: &str) -> Option<&'a str> {
    row.get(key)?.as_str()
}

#[test]
fn every_line_to_try_runs_in_the_lab_of_its_statement() {
    let mut tried = 0;
    for row in rows() {
        let id = text(&row, "id").unwrap_or_default();
        let lines: Vec<_> = row
            .get("try")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(toml::Value::as_str)
            .collect();
        let Some(name) = text(&row, "lab") else {
            assert!(lines.is_empty(), "{id} has lines to try but no lab");
            continue;
        };
        assert!(lab_names().iter().any(|known| known == name), "{id}: no lab {name}");
        let script = Script::parse(&lines.join("\n")).unwrap_or_else(|error| panic!("{id}: {error}"));
        let world = World::new(&lab(name), 1).unwrap_or_else(|error| panic!("{id}: {error}"));
        let report = run_script(world, &script, false);
        assert_eq!(report.failure, None, "{id}");
        for result in &report.results {
            assert_ne!(result.exit, 127, "{id}: {}: {}", result.command, result.stderr);
        }
        tried += usize::from(!lines.is_empty());
    }
    assert!(tried > 30, "{tried}");
}

#[test]
fn statements_have_names_of_their_own_and_name_exercises_that_exist() {
    let mut seen = BTreeSet::new();
    for row in rows() {
        let id = text(&row, "id").unwrap_or_default().to_owned();
        assert!(["en", "ru"].iter().all(|lang| text(&row, lang).is_some_and(|text| !text.is_empty())), "{id}");
        for key in ["exercise", "test"] {
            if let Some(exercise) = text(&row, key) {
                assert!(exercise_names().iter().any(|known| known == exercise), "{id}: no exercise {exercise}");
            }
        }
        assert!(seen.insert(id.clone()), "{id} is there twice");
    }
}
