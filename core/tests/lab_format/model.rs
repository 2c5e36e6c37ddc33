//! The structures of the lab format, read from their sources: fields with names, types, defaults and words.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::{Attribute, Expr, Fields, GenericArgument, Item, Lit, PathArguments, Stmt, Type};

/// A type as files know it.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Named(String),
    List(Box<Kind>),
    Map(Box<Kind>),
}

pub struct Field {
    pub name: String,
    pub kind: Kind,
    pub words: String,
    /// What it is when the file leaves it out; none where it must be there.
    pub default: Option<String>,
}

/// A variant's name, its words, and what it holds.
pub type Variant = (String, String, Option<Kind>);

pub enum Shape {
    Struct(Vec<Field>),
    Enum(Vec<Variant>),
}

pub struct Named {
    pub words: String,
    pub shape: Shape,
}

/// Everything that can stand in a lab file, by the type's name, and the order of first mention.
pub struct Model {
    pub types: BTreeMap<String, Named>,
    pub order: Vec<String>,
}

/// Types that are texts or numbers.
pub const SCALARS: [&str; 14] = [
    "String", "bool", "u8", "u16", "u32", "u64", "i32", "i64", "Ipv4Addr", "IpAddr", "MacAddr", "Cidr", "RouteTo",
    "CableEnd",
];

struct Sources {
    items: BTreeMap<String, Item>,
    functions: BTreeMap<String, String>,
    aliases: BTreeMap<String, Type>,
}

impl Model {
    /// From `Lab` on.
    pub fn read(core: &Path) -> Self {
        let sources = Sources::read(core);
        let mut model = Self { types: BTreeMap::new(), order: Vec::new() };
        model.add("Lab", &sources);
        model
    }

    fn add(&mut self, name: &str, sources: &Sources) {
        if SCALARS.contains(&name) || self.types.contains_key(name) {
            return;
        }
        let item = sources.items.get(name).unwrap_or_else(|| panic!("a type of labs that is not found: {name}"));
        let mut inner = BTreeSet::new();
        let mut order = Vec::new();
        let named = sources.named(item, &mut |kind| {
            if inner.insert(kind.to_owned()) {
                order.push(kind.to_owned());
            }
        });
        self.types.insert(name.to_owned(), named);
        self.order.push(name.to_owned());
        order.iter().for_each(|kind| self.add(kind, sources));
    }

    /// The tables and their fields.
    pub fn structs(&self) -> Vec<(String, Vec<String>)> {
        let of = |name: &String| match &self.types[name].shape {
            Shape::Struct(fields) => Some((name.clone(), fields.iter().map(|field| field.name.clone()).collect())),
            Shape::Enum(_) => None,
        };
        self.order.iter().filter_map(of).collect()
    }
}

impl Sources {
    fn read(core: &Path) -> Self {
        let mut sources = Self { items: BTreeMap::new(), functions: BTreeMap::new(), aliases: BTreeMap::new() };
        // What is defined nearer to the format goes before what is elsewhere under the same name.
        let mut files = Vec::new();
        walk(core, &mut files);
        files.sort();
        let (lab, other): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.starts_with(core.join("lab")));
        for file in lab.iter().chain(&other) {
            let text = std::fs::read_to_string(file).unwrap();
            for item in syn::parse_file(&text).unwrap().items {
                sources.item(item, lab.contains(file));
            }
        }
        sources
    }

    fn item(&mut self, item: Item, of_lab: bool) {
        match item {
            Item::Struct(ref found) => drop(self.items.entry(found.ident.to_string()).or_insert(item)),
            Item::Enum(ref found) => drop(self.items.entry(found.ident.to_string()).or_insert(item)),
            Item::Type(found) if of_lab => drop(self.aliases.insert(found.ident.to_string(), *found.ty)),
            Item::Fn(found) if of_lab => {
                if let [Stmt::Expr(Expr::Lit(lit), None)] = found.block.stmts.as_slice() {
                    self.functions.insert(found.sig.ident.to_string(), literal(&lit.lit));
                }
            }
            _ => {}
        }
    }

    fn named(&self, item: &Item, mention: &mut impl FnMut(&str)) -> Named {
        match item {
            Item::Struct(found) => {
                let Fields::Named(fields) = &found.fields else { panic!("{} has no named fields", found.ident) };
                let fields = fields.named.iter().map(|field| {
                    let serde = Serde::of(&field.attrs);
                    let (kind, optional) = self.kind(&field.ty, mention);
                    let default = match &serde.default {
                        Some(function) if !function.is_empty() => {
                            let known = self.functions.get(function.rsplit("::").next().unwrap_or_default());
                            Some(known.cloned().unwrap_or_else(|| format!("see `{function}`")))
                        }
                        _ if optional => Some(String::new()),
                        Some(_) => Some(self.empty(&kind)),
                        None => None,
                    };
                    let own = field.ident.as_ref().unwrap().to_string();
                    Field { name: serde.rename.unwrap_or(own), kind, words: words(&field.attrs), default }
                });
                Named { words: words(&found.attrs), shape: Shape::Struct(fields.collect()) }
            }
            Item::Enum(found) => {
                let case = Serde::of(&found.attrs).rename_all;
                let variants = found.variants.iter().map(|variant| {
                    let held = variant.fields.iter().next().map(|field| self.kind(&field.ty, mention).0);
                    let serde = Serde::of(&variant.attrs);
                    let name = serde.rename.unwrap_or_else(|| cased(&variant.ident.to_string(), &case));
                    (name, words(&variant.attrs), held)
                });
                Named { words: words(&found.attrs), shape: Shape::Enum(variants.collect()) }
            }
            _ => panic!("neither a struct nor an enum"),
        }
    }

    /// The type, and whether it may be left out by itself.
    fn kind(&self, ty: &Type, mention: &mut impl FnMut(&str)) -> (Kind, bool) {
        let Type::Path(path) = ty else { panic!("a type of labs that this test does not know") };
        let last = path.path.segments.last().unwrap();
        let inner: Vec<&Type> = match &last.arguments {
            PathArguments::AngleBracketed(args) => args
                .args
                .iter()
                .filter_map(|arg| match arg {
                    GenericArgument::Type(ty) => Some(ty),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        let name = last.ident.to_string();
        match (name.as_str(), inner.as_slice()) {
            ("Option", [ty]) => (self.kind(ty, mention).0, true),
            ("Box" | "Rc", [ty]) => self.kind(ty, mention),
            ("Vec", [ty]) => (Kind::List(Box::new(self.kind(ty, mention).0)), false),
            ("BTreeMap", [_, ty]) => (Kind::Map(Box::new(self.kind(ty, mention).0)), false),
            _ => {
                if let Some(alias) = self.aliases.get(&name) {
                    return self.kind(alias, mention);
                }
                if !SCALARS.contains(&name.as_str()) {
                    mention(&name);
                }
                (Kind::Named(name), false)
            }
        }
    }

    fn empty(&self, kind: &Kind) -> String {
        match kind {
            Kind::List(_) => "[]".to_owned(),
            Kind::Map(_) => "{}".to_owned(),
            Kind::Named(name) => match name.as_str() {
                "String" => "\"\"".to_owned(),
                "bool" => "false".to_owned(),
                "u8" | "u16" | "u32" | "u64" | "i32" | "i64" => "0".to_owned(),
                _ => self.default_variant(name),
            },
        }
    }

    fn default_variant(&self, name: &str) -> String {
        let Some(Item::Enum(found)) = self.items.get(name) else { return String::new() };
        let is_default = |attr: &Attribute| attr.path().is_ident("default");
        let variant = found.variants.iter().find(|variant| variant.attrs.iter().any(is_default));
        let case = Serde::of(&found.attrs).rename_all;
        variant.map_or_else(String::new, |variant| format!("\"{}\"", cased(&variant.ident.to_string(), &case)))
    }
}

fn literal(lit: &Lit) -> String {
    match lit {
        Lit::Bool(flag) => flag.value.to_string(),
        Lit::Int(number) => number.base10_digits().to_owned(),
        Lit::Str(text) => format!("\"{}\"", text.value()),
        _ => String::new(),
    }
}

#[derive(Default)]
struct Serde {
    rename: Option<String>,
    rename_all: String,
    /// The function's path, or empty for the type's own default.
    default: Option<String>,
}

impl Serde {
    fn of(attrs: &[Attribute]) -> Self {
        let mut serde = Self::default();
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
            attr.parse_nested_meta(|meta| {
                let value = match meta.value() {
                    Ok(value) => value.parse::<syn::LitStr>()?.value(),
                    Err(_) => String::new(),
                };
                if meta.path.is_ident("rename") {
                    serde.rename = Some(value);
                } else if meta.path.is_ident("rename_all") {
                    serde.rename_all = value;
                } else if meta.path.is_ident("default") {
                    serde.default = Some(value);
                }
                Ok(())
            })
            .unwrap();
        }
        serde
    }
}

fn cased(name: &str, case: &str) -> String {
    match case {
        "lowercase" => name.to_lowercase(),
        "kebab-case" | "snake_case" => {
            let dash = if case == "kebab-case" { '-' } else { '_' };
            let mut out = String::new();
            for c in name.chars() {
                if c.is_uppercase() && !out.is_empty() {
                    out.push(dash);
                }
                out.extend(c.to_lowercase());
            }
            out
        }
        _ => name.to_owned(),
    }
}

/// The doc comment on one line; links to items become their names.
fn words(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter(|attr| attr.path().is_ident("doc")).filter_map(|attr| match &attr.meta {
        syn::Meta::NameValue(pair) => match &pair.value {
            Expr::Lit(lit) => match &lit.lit {
                Lit::Str(text) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    let text = lines.collect::<Vec<_>>().join(" ");
    text.replace("[`super::FORMAT_VERSION`]", "The version").replace("[`", "`").replace("`]", "`").replace('|', "\\|")
}

fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push(path);
        }
    }
}
