//! The configuration reference is written from the types, so that it cannot tell what is not so.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::config::Config;

const HEAD: &str = "\
# Configuration

One YAML file configures every role; each key has the default that is shown, and a file may hold only what differs.
`wensheng validate --config FILE` tells every problem at once, each with its path; `wensheng schema config` prints the JSON
Schema, for editors. [wensheng.example.yaml](../wensheng.example.yaml) shows a whole installation.

In every string `${NAME}` is replaced by the environment variable, and `${NAME:-default}` by its default where it is not
set. A secret (`token`, `secret`, `password`, `url`, `pseudonym_key`) may be given as a file: `token_file: /run/secrets/t`.

This page is written from the program's own types.
";

/// The reference as Markdown.
fn markdown(schema: &Value, defaults: &Value) -> String {
    let reference = Reference {
        definitions: schema.get("$defs").and_then(Value::as_object),
    };
    let mut out = HEAD.to_owned();
    let Some(fields) = schema.get("properties").and_then(Value::as_object) else {
        return out;
    };
    let (sections, plain): (Vec<_>, Vec<_>) = fields
        .iter()
        .partition(|(_, field)| reference.resolve(field).get("properties").is_some());
    out.push_str("\n## The whole service\n\n");
    let mut rows = Vec::new();
    reference.rows(&mut rows, "", plain.into_iter(), Some(defaults));
    table(&mut out, &rows);
    for (name, field) in sections {
        let description = text(field, "description");
        out.push_str(&format!("\n## `{name}`\n\n{description}\n\n"));
        if let Some(fields) = reference
            .resolve(field)
            .get("properties")
            .and_then(Value::as_object)
        {
            let mut rows = Vec::new();
            reference.rows(&mut rows, "", fields.iter(), defaults.get(name));
            table(&mut out, &rows);
        }
    }
    out
}

/// The reference of this version's configuration.
pub(crate) fn of_config() -> Result<String, serde_json::Error> {
    let defaults = serde_json::to_value(Config::default())?;
    Ok(markdown(
        &wensheng_runtime::json_schema::<Config>(),
        &defaults,
    ))
}

struct Reference<'a> {
    definitions: Option<&'a Map<String, Value>>,
}

impl<'a> Reference<'a> {
    /// What a `$ref` stands for, also where it may be left out (`anyOf` it and null); anything else is itself.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let choices = schema.get("anyOf").and_then(Value::as_array);
        let mut choices = choices.into_iter().flatten();
        let schema = choices
            .find(|choice| choice.get("$ref").is_some())
            .unwrap_or(schema);
        let name = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|path| path.strip_prefix("#/$defs/"));
        name.and_then(|name| self.definitions?.get(name))
            .unwrap_or(schema)
    }

    /// A row a key; keys of what lies within follow with their path in front, variants with their tag.
    fn rows(
        &self,
        out: &mut Vec<Row>,
        path: &str,
        fields: impl Iterator<Item = (&'a String, &'a Value)>,
        defaults: Option<&Value>,
    ) {
        for (name, field) in fields {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            let below = self.resolve(field);
            let described = if field.get("description").is_some() {
                field
            } else {
                below
            };
            // What holds at this place, which may differ from what the type alone has.
            let here = defaults.and_then(|defaults| defaults.get(name));
            out.push(Row {
                key: path.clone(),
                kind: None,
                default: default(here.or_else(|| field.get("default")), below),
                what: cell(described, below),
            });
            self.within(out, &path, below, here);
        }
    }

    fn within(&self, out: &mut Vec<Row>, path: &str, schema: &'a Value, defaults: Option<&Value>) {
        if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
            self.rows(out, path, fields.iter(), defaults);
        } else if let Some(items) = schema.get("items") {
            self.within(out, &format!("{path}[]"), self.resolve(items), None);
        } else if let Some(variants) = schema.get("oneOf").and_then(Value::as_array) {
            for variant in variants {
                let Some(fields) = variant.get("properties").and_then(Value::as_object) else {
                    continue;
                };
                let Some(tag) = fields
                    .get("kind")
                    .and_then(|kind| kind.get("const"))
                    .and_then(Value::as_str)
                else {
                    continue;
                };
                out.push(Row {
                    key: path.to_owned(),
                    kind: Some(tag.to_owned()),
                    default: String::new(),
                    what: text(variant, "description"),
                });
                let fields = fields.iter().filter(|(name, _)| *name != "kind");
                self.rows(out, path, fields, None);
            }
        }
    }
}

/// A key of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    /// Its path.
    pub(crate) key: String,
    /// The variant that begins here.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// Its default, as it would be written; empty where there is none.
    default: String,
    /// What it is.
    what: String,
}

/// The keys of one variant of a tagged configuration.
pub(crate) fn options(variant: &Value, definitions: &Value) -> Vec<Row> {
    let reference = Reference {
        definitions: definitions.as_object(),
    };
    let mut rows = Vec::new();
    let fields = variant.get("properties").and_then(Value::as_object);
    let fields = fields.into_iter().flatten();
    reference.rows(
        &mut rows,
        "",
        fields.filter(|(name, _)| *name != "kind"),
        None,
    );
    rows
}

fn table(out: &mut String, rows: &[Row]) {
    out.push_str("| key | default | what |\n|---|---|---|\n");
    for row in rows {
        let kind = row.kind.as_ref().map(|tag| format!(" **`kind: {tag}`**"));
        out.push_str(&format!(
            "| `{}`{} | {} | {} |\n",
            row.key,
            kind.unwrap_or_default(),
            row.default,
            row.what
        ));
    }
}

/// The default as it would be written in the file; none for what has keys of its own.
fn default(default: Option<&Value>, below: &Value) -> String {
    match default {
        Some(Value::Null) | None => String::new(),
        Some(Value::Object(_)) if below.get("properties").is_some() => String::new(),
        Some(value) if value.to_string().len() > 60 => "(see below)".to_owned(),
        Some(value) => format!("`{value}`"),
    }
}

/// The description on one line, with the words that may stand here.
fn cell(described: &Value, below: &Value) -> String {
    let mut cell = text(described, "description").replace('|', "\\|");
    let words: Vec<&str> = below
        .get("oneOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|variant| variant.get("const").and_then(Value::as_str))
        .chain(
            below
                .get("enum")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str),
        )
        .collect();
    if !words.is_empty() {
        cell.push_str(&format!(" One of `{}`.", words.join("`, `")));
    }
    cell
}

fn text(schema: &Value, key: &str) -> String {
    schema
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
    }

    #[test]
    fn the_reference_is_as_the_types_are() {
        let path = root().join("docs/configuration.md");
        let written = of_config().unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &written).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == committed,
            "docs/configuration.md has drifted: run `UPDATE_DOCS=1 cargo test -p wensheng`"
        );
    }

    #[test]
    fn the_example_configuration_is_valid() {
        let text = std::fs::read_to_string(root().join("wensheng.example.yaml")).unwrap();
        let environment = |name: &str| {
            let scheme = if name.ends_with("_URL") {
                "https://example.com/?key=1&access_token="
            } else {
                ""
            };
            Some(format!("{scheme}a-secret-that-is-long-enough-{name}"))
        };
        let config: Config = wensheng_runtime::parse(&text, &environment).unwrap();
        assert!(config.connect.sources.len() > 1);
    }
}
