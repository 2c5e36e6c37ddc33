//! As much of JSON Schema as the lab's schema uses, except patterns, which the program's own parsers stand for.

use serde_json::Value;

/// What does not fit, each with its path.
pub fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    check(schema, schema, value, "", &mut out);
    out
}

fn check(root: &Value, schema: &Value, value: &Value, path: &str, out: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let found = root.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("{name}"));
        return check(root, found, value, path, out);
    }
    if let Some(all) = schema["oneOf"].as_array() {
        let fits = |one: &&Value| {
            let mut inner = Vec::new();
            check(root, one, value, path, &mut inner);
            inner.is_empty()
        };
        if all.iter().filter(fits).count() != 1 {
            out.push(format!("{path}: {value} is none of them"));
        }
        return;
    }
    if !schema["const"].is_null() && schema["const"] != *value {
        return out.push(format!("{path}: {value}"));
    }
    let right = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        _ => true,
    };
    if !right {
        return out.push(format!("{path}: {value} is no {}", schema["type"]));
    }
    let number = value.as_f64();
    if number.is_some_and(|n| {
        schema["minimum"].as_f64().is_some_and(|min| n < min) || schema["maximum"].as_f64().is_some_and(|max| n > max)
    }) {
        out.push(format!("{path}: {value} is out of range"));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        check(root, &schema["items"], item, &format!("{path}/{index}"), out);
    }
    if let Some(map) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !map.contains_key(name) {
                out.push(format!("{path}/{name} is missing"));
            }
        }
        for (key, item) in map {
            let path = format!("{path}/{key}");
            match (&schema["properties"][key], &schema["additionalProperties"]) {
                (Value::Null, Value::Bool(false)) => out.push(format!("{path} is unknown")),
                (Value::Null, other) => check(root, other, item, &path, out),
                (known, _) => check(root, known, item, &path, out),
            }
        }
    }
}
