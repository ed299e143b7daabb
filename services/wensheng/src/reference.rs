//! The configuration reference is written from the types, so that it cannot tell what is not so.

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
    reference.table(&mut out, "", plain.into_iter(), Some(defaults));
    for (name, field) in sections {
        let description = text(field, "description");
        out.push_str(&format!("\n## `{name}`\n\n{description}\n\n"));
        if let Some(fields) = reference
            .resolve(field)
            .get("properties")
            .and_then(Value::as_object)
        {
            reference.table(&mut out, "", fields.iter(), defaults.get(name));
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
    /// What a `$ref` stands for; anything else is itself.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let name = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|path| path.strip_prefix("#/$defs/"));
        name.and_then(|name| self.definitions?.get(name))
            .unwrap_or(schema)
    }

    /// A row a key; keys of what lies within follow with their path in front, variants with their tag.
    fn table(
        &self,
        out: &mut String,
        path: &str,
        fields: impl Iterator<Item = (&'a String, &'a Value)>,
        defaults: Option<&Value>,
    ) {
        if path.is_empty() {
            out.push_str("| key | default | what |\n|---|---|---|\n");
        }
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
            let shown = default(here.or_else(|| field.get("default")), below);
            row(out, &format!("`{path}`"), &shown, &cell(described, below));
            self.within(out, &path, below, here);
        }
    }

    fn within(&self, out: &mut String, path: &str, schema: &'a Value, defaults: Option<&Value>) {
        if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
            self.table(out, path, fields.iter(), defaults);
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
                row(
                    out,
                    &format!("`{path}` **`kind: {tag}`**"),
                    "",
                    &text(variant, "description"),
                );
                let fields = fields.iter().filter(|(name, _)| *name != "kind");
                self.table(out, path, fields, None);
            }
        }
    }
}

fn row(out: &mut String, key: &str, default: &str, what: &str) {
    out.push_str(&format!("| {key} | {default} | {what} |\n"));
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
