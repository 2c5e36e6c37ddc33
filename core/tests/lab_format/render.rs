//! The JSON schema and the document's tables, from the model.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::model::{Kind, Model, Named, SCALARS, Shape};

/// The schema (JSON Schema 2020-12).
pub fn schema(model: &Model) -> Value {
    let defs: Map<String, Value> = model
        .types
        .iter()
        .filter(|(name, _)| *name != "Lab")
        .map(|(name, named)| (name.clone(), of_named(named)))
        .collect();
    let mut schema = of_named(&model.types["Lab"]);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "A lab of Netmodes".into();
    schema["$defs"] = Value::Object(defs);
    schema
}

fn of_named(named: &Named) -> Value {
    match &named.shape {
        Shape::Struct(fields) => {
            let properties: Map<String, Value> = fields
                .iter()
                .map(|field| {
                    let mut value = of_kind(&field.kind);
                    value["description"] = field.words.clone().into();
                    if let Some(default) =
                        field.default.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok())
                    {
                        value["default"] = default;
                    }
                    (field.name.clone(), value)
                })
                .collect();
            let required: Vec<&str> =
                fields.iter().filter(|field| field.default.is_none()).map(|field| field.name.as_str()).collect();
            json!({
                "type": "object", "description": named.words, "properties": properties, "required": required,
                "additionalProperties": false,
            })
        }
        Shape::Enum(variants) => {
            let of = |(name, words, held): &crate::model::Variant| match held {
                None => json!({ "const": name, "description": words }),
                Some(kind) => json!({
                    "type": "object", "description": words, "properties": { name: of_kind(kind) },
                    "required": [name], "additionalProperties": false,
                }),
            };
            json!({ "description": named.words, "oneOf": variants.iter().map(of).collect::<Vec<_>>() })
        }
    }
}

fn of_kind(kind: &Kind) -> Value {
    let octet = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    let address = format!("{octet}(\\.{octet}){{3}}");
    let whole = |max: u64| json!({ "type": "integer", "minimum": 0, "maximum": max });
    match kind {
        Kind::List(inner) => json!({ "type": "array", "items": of_kind(inner) }),
        Kind::Map(inner) => json!({ "type": "object", "additionalProperties": of_kind(inner) }),
        Kind::Named(name) => match name.as_str() {
            "String" => json!({ "type": "string" }),
            "bool" => json!({ "type": "boolean" }),
            "u8" => whole(u8::MAX.into()),
            "u16" => whole(u16::MAX.into()),
            "u32" => whole(u32::MAX.into()),
            "u64" => json!({ "type": "integer", "minimum": 0 }),
            "i32" | "i64" => json!({ "type": "integer" }),
            "Ipv4Addr" => json!({ "type": "string", "pattern": format!("^{address}$") }),
            "MacAddr" => json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$" }),
            "Cidr" => json!({ "type": "string", "pattern": format!("^{address}/(3[0-2]|[12]?[0-9])$") }),
            "RouteTo" => json!({ "type": "string", "pattern": format!("^(default|{address}/(3[0-2]|[12]?[0-9]))$") }),
            "CableEnd" => json!({ "type": "string", "pattern": "^[^:]+(:.+)?$" }),
            name if SCALARS.contains(&name) => json!({ "type": "string" }),
            name => json!({ "$ref": format!("#/$defs/{name}") }),
        },
    }
}

/// The document with its tables made anew: they stand between two comments.
pub fn document(model: &Model, text: &str) -> String {
    const BEGIN: &str = "<!-- fields: made by core/tests/lab_format.rs -->\n";
    const END: &str = "<!-- end of fields -->\n";
    let (head, rest) = text.split_once(BEGIN).expect("the comment that begins the tables");
    let (_, tail) = rest.split_once(END).expect("the comment that ends the tables");
    format!("{head}{BEGIN}\n{}{END}{tail}", tables(model))
}

fn tables(model: &Model) -> String {
    let headings = headings(model);
    let mut out = String::new();
    for name in &model.order {
        let named = &model.types[name];
        match &named.shape {
            Shape::Struct(fields) => {
                let places = headings.get(name).cloned().unwrap_or_default();
                let title = if name == "Lab" { "The file itself".to_owned() } else { places.join(", ") };
                out += &format!(
                    "### {title}\n\n{}\n\n| field | type | when left out | what it is |\n|---|---|---|---|\n",
                    named.words
                );
                for field in fields {
                    let default = match field.default.as_deref() {
                        None => "**needed**".to_owned(),
                        Some("") => "–".to_owned(),
                        Some(text) => format!("`{text}`"),
                    };
                    out += &format!(
                        "| `{}` | {} | {default} | {} |\n",
                        field.name,
                        kind_words(model, &field.kind),
                        field.words
                    );
                }
                out += "\n";
            }
            Shape::Enum(variants) => {
                out += &format!(
                    "### {} {{#{}}}\n\n{}\n\n| value | what it is |\n|---|---|\n",
                    title_of(name),
                    name.to_lowercase(),
                    named.words
                );
                for (value, words, held) in variants {
                    let value = match held {
                        None => format!("`\"{value}\"`"),
                        Some(kind) => format!("`{{ {value} = … }}`: {}", kind_words(model, kind)),
                    };
                    out += &format!("| {value} | {words} |\n");
                }
                out += "\n";
            }
        }
    }
    out
}

/// `MachineKind`: `Machine kind`.
fn title_of(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push(' ');
            out.extend(c.to_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}

fn kind_words(model: &Model, kind: &Kind) -> String {
    match kind {
        Kind::List(inner) => format!("list of {}", kind_words(model, inner)),
        Kind::Map(inner) => format!("table of {}", kind_words(model, inner)),
        Kind::Named(name) => match name.as_str() {
            "String" => "text".into(),
            "bool" => "`true`, `false`".into(),
            "u8" => "0–255".into(),
            "u16" => "0–65535".into(),
            "u32" | "u64" => "whole number".into(),
            "i32" | "i64" => "whole number, may be negative".into(),
            "Ipv4Addr" | "IpAddr" => "address, `\"10.0.2.1\"`".into(),
            "MacAddr" => "MAC, `\"08:00:27:a1:b2:c3\"`".into(),
            "Cidr" => "address and prefix, `\"10.0.2.1/24\"`".into(),
            "RouteTo" => "`\"default\"` or a network".into(),
            "CableEnd" => "`\"machine:interface\"` or a switch".into(),
            name => match &model.types[name].shape {
                Shape::Struct(_) => "table".into(),
                Shape::Enum(_) => format!("[{}](#{})", title_of(name).to_lowercase(), name.to_lowercase()),
            },
        },
    }
}

/// Under which headings of a TOML file each structure stands.
fn headings(model: &Model) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut open = vec![("Lab".to_owned(), String::new())];
    while let Some((name, prefix)) = open.pop() {
        let Shape::Struct(fields) = &model.types[&name].shape else { continue };
        for field in fields.iter().rev() {
            let (inner, list) = match &field.kind {
                Kind::List(inner) => (inner.as_ref(), true),
                other => (other, false),
            };
            let Kind::Named(inner) = inner else { continue };
            if model.types.get(inner).is_some_and(|named| matches!(named.shape, Shape::Struct(_))) {
                let path = if prefix.is_empty() { field.name.clone() } else { format!("{prefix}.{}", field.name) };
                let heading = if list { format!("`[[{path}]]`") } else { format!("`[{path}]`") };
                found.entry(inner.clone()).or_default().push(heading);
                open.push((inner.clone(), path));
            }
        }
    }
    found.values_mut().for_each(|headings| headings.sort());
    found
}
