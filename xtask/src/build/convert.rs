//! TOML to JSON: people write TOML with comments, the page reads JSON, so no TOML reader is carried to the browser.

use serde_json::{Value, json};

use crate::error::UserError;
use crate::exercise::text::ExerciseText;
use crate::fault::Fault;

/// A TOML file's content as a JSON value. `name` stands in the error.
///
/// # Errors
/// What is wrong, with the file's name and the line.
pub fn value(name: &str, text: &str) -> Result<Value, Fault> {
    toml::from_str::<Value>(text).map_err(|error| {
        let line = error.span().map(|span| text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1);
        let place = line.map(|line| format!(":{line}")).unwrap_or_default();
        Fault::new(format!("{name}{place}: {}", error.message().trim()))
    })
}

/// Puts what `more` has to `all`, table by table. That no key is in two files is a rule of `xtask check`.
pub fn merge(all: &mut Value, more: Value) {
    match (all, more) {
        (Value::Object(all), Value::Object(more)) => {
            for (key, value) in more {
                merge(all.entry(key).or_insert(Value::Null), value);
            }
        }
        (all, more) => *all = more,
    }
}

/// An exercise's text as the page reads it: `{title, sections: {name: {heading, html}}}`.
///
/// # Errors
/// What is wrong, with the file's name and the line.
pub fn exercise_text(name: &str, text: &str) -> Result<Value, Fault> {
    let words = ExerciseText::parse(text).map_err(|error| Fault::new(place(name, &error)))?;
    let sections = words.sections.iter().map(|(key, section)| {
        let rendered = json!({ "heading": section.heading, "html": section.html() });
        (key.clone(), rendered)
    });
    Ok(json!({ "title": words.title, "sections": sections.collect::<serde_json::Map<_, _>>() }))
}

/// One entry of `exercises/index.json`.
pub fn course_entry(exercise: &Value, title: Value) -> Value {
    let part = |key: &str| exercise.get(key).cloned().unwrap_or(Value::Null);
    json!({ "id": part("id"), "chapter": part("chapter"), "minutes": part("minutes"), "lab": part("lab"), "title": title })
}

fn place(name: &str, error: &UserError) -> String {
    let arg = |key: &str| error.args.iter().find(|(arg, _)| arg == key).map(|(_, value)| value.as_str());
    match (arg("line"), arg("found")) {
        (Some(line), Some(found)) => format!("{name}:{line}: no text of an exercise looks like this: {found:?}"),
        _ => format!("{name}: {error}"),
    }
}

/// One line of `labs/index.json`.
pub fn lab_entry(name: &str, lab: &Value) -> Value {
    let part = |key: &str| lab.get(key).cloned().unwrap_or(Value::Null);
    json!({ "name": name, "title": part("title"), "summary": part("summary") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_becomes_json_with_its_tables_and_lists() {
        let read = value("x.toml", "a = 1\n[t]\nb = [\"c\", \"d\"]\n").unwrap();
        assert_eq!(read, json!({ "a": 1, "t": { "b": ["c", "d"] } }));
    }

    #[test]
    fn a_fault_in_toml_names_file_and_line() {
        let fault = value("static/x.toml", "a = 1\nb = \nc = 3\n").unwrap_err();
        assert!(fault.text.starts_with("static/x.toml:2: "), "{}", fault.text);
    }

    #[test]
    fn an_exercise_s_text_is_rendered_and_escaped() {
        let read = exercise_text("t.md", "# T\n\n## H {intro}\n\nsee **this** <script>\n").unwrap();
        assert_eq!(read["title"], "T");
        assert_eq!(read["sections"]["intro"]["heading"], "H");
        let html = read["sections"]["intro"]["html"].as_str().unwrap();
        assert!(html.contains("<strong>this</strong>") || html.contains("<b>this</b>"), "{html}");
        assert!(!html.contains("<script"), "{html}");
    }

    #[test]
    fn a_fault_in_an_exercise_s_text_names_file_and_line() {
        let fault = exercise_text("t.md", "# T\n\n## no name\n").unwrap_err();
        assert!(fault.text.starts_with("t.md:3: "), "{}", fault.text);
    }
}
