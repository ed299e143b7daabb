//! One YAML document configures everything; unknown keys are errors; every problem is told at once, with its path.
//!
//! The order: read YAML; replace `${NAME}` and `${NAME:-default}` in strings by environment variables; replace a key
//! `x_file` by `x` with the file's content where the schema knows `x` and not `x_file`; validate against the JSON Schema
//! that is derived from the types; lay the document over the defaults, key by key; build the types; run their own
//! [`Check`]s.

use std::path::{Path, PathBuf};

use jsonschema::error::ValidationErrorKind;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::{Check, Problem, Problems};

/// Why there is no configuration.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not YAML.
    #[error("the configuration is not valid YAML: {0}")]
    Syntax(String),
    /// It says what it must not.
    #[error("the configuration has {} problem(s):\n{}", .0.len(), list(.0))]
    Invalid(Vec<Problem>),
}

fn list(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|problem| format!("  - {problem}"))
        .collect::<Vec<_>>()
        .join("\n")
}

impl ConfigError {
    /// A stable name for scripts.
    pub const fn kind(&self) -> &'static str {
        match self {
            ConfigError::Read { .. } => "read",
            ConfigError::Syntax(_) => "syntax",
            ConfigError::Invalid(_) => "invalid",
        }
    }
}

/// Reads the configuration file at `path`.
///
/// # Errors
/// See [`ConfigError`]; [`ConfigError::Invalid`] holds every problem.
pub fn load<T: Document>(path: &Path) -> Result<T, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    parse(&text, &|name| std::env::var(name).ok())
}

/// Reads a configuration from text; `environment` answers for `${NAME}`.
///
/// # Errors
/// See [`ConfigError`]; [`ConfigError::Invalid`] holds every problem.
pub fn parse<T: Document>(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<T, ConfigError> {
    let mut document: Value =
        serde_saphyr::from_str(text).map_err(|error| ConfigError::Syntax(error.to_string()))?;
    if document.is_null() {
        document = Value::Object(Map::new());
    }
    let mut problems = Problems::default();
    resolve(&mut document, "", environment, &mut problems);
    let mut wrong = Vec::new();
    match jsonschema::validator_for(&json_schema::<T>()) {
        Ok(validator) => {
            for error in validator.iter_errors(&document) {
                explain(&error, &mut problems, &mut wrong);
            }
        }
        Err(error) => problems.add("", format!("the built-in schema is damaged: {error}")),
    }
    let mut found = problems.into_found();
    let defaults = serde_json::to_value(T::default()).unwrap_or_default();
    if found.is_empty() {
        let config: T = serde_json::from_value(over(defaults, document)).map_err(|error| {
            ConfigError::Invalid(vec![Problem {
                path: String::new(),
                message: error.to_string(),
            }])
        })?;
        let mut problems = Problems::default();
        config.check(&mut problems);
        found = problems.into_found();
        if found.is_empty() {
            return Ok(config);
        }
    } else if let Some((rest, taken)) = without(document, &wrong)
        && let Ok(config) = serde_json::from_value::<T>(over(defaults, rest))
    {
        // What is right in shape is checked, too, so that mending one problem does not bring up the next.
        let mut problems = Problems::default();
        config.check(&mut problems);
        let beside = |problem: &Problem| taken.iter().any(|at| problem.path.starts_with(at));
        found.extend(
            problems
                .into_found()
                .into_iter()
                .filter(|problem| !beside(problem)),
        );
    }
    Err(ConfigError::Invalid(found))
}

/// What a configuration document is read into. Its default is what holds for every key that the document leaves out,
/// at any depth.
pub trait Document: DeserializeOwned + Serialize + Default + JsonSchema + Check {}

impl<T: DeserializeOwned + Serialize + Default + JsonSchema + Check> Document for T {}

/// `given` laid over `defaults`, key by key; lists are taken whole.
fn over(defaults: Value, given: Value) -> Value {
    match (defaults, given) {
        (Value::Object(mut merged), Value::Object(given)) => {
            for (key, value) in given {
                let default = merged.remove(&key).unwrap_or_default();
                merged.insert(key, over(default, value));
            }
            Value::Object(merged)
        }
        (_, given) => given,
    }
}

/// The document without the keys that are wrong, and the places they were taken from; `None` when nothing is left.
/// What is wrong within a list takes the whole list with it.
fn without(mut document: Value, wrong: &[String]) -> Option<(Value, Vec<String>)> {
    let mut taken = Vec::new();
    for pointer in wrong {
        let mut pointer = pointer.as_str();
        loop {
            let (parent, key) = pointer.rsplit_once('/')?;
            match document.pointer_mut(parent) {
                Some(Value::Object(fields)) => {
                    fields.remove(&key.replace("~1", "/").replace("~0", "~"));
                    taken.push(dotted(parent));
                    break;
                }
                _ => pointer = parent,
            }
        }
    }
    // Every path begins with that of the document itself.
    taken.retain(|place| !place.is_empty());
    Some((document, taken))
}

/// The JSON Schema (2020-12) of a configuration type.
pub fn json_schema<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

/// Replaces environment references and secret files, in place.
fn resolve(
    value: &mut Value,
    path: &str,
    environment: &dyn Fn(&str) -> Option<String>,
    problems: &mut Problems,
) {
    match value {
        Value::String(text) => match interpolate(text, environment) {
            Ok(Some(replaced)) => *value = Value::String(replaced),
            Ok(None) => {}
            Err(message) => problems.add(path, message),
        },
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                resolve(item, &format!("{path}[{index}]"), environment, problems);
            }
        }
        Value::Object(fields) => {
            let names: Vec<String> = fields.keys().cloned().collect();
            for name in names {
                let below = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                let Some(field) = fields.get_mut(&name) else {
                    continue;
                };
                resolve(field, &below, environment, problems);
                let Some(stem) = name
                    .strip_suffix("_file")
                    .filter(|stem| SECRET_KEYS.contains(stem))
                else {
                    continue;
                };
                let Some(file) = field.as_str().map(PathBuf::from) else {
                    continue;
                };
                if fields.contains_key(stem) {
                    problems.add(
                        &below,
                        format!("give either `{stem}` or `{name}`, not both"),
                    );
                    continue;
                }
                match std::fs::read_to_string(&file) {
                    Ok(content) => {
                        fields.remove(&name);
                        fields.insert(
                            stem.to_owned(),
                            Value::String(content.trim_end().to_owned()),
                        );
                    }
                    Err(error) => {
                        problems.add(&below, format!("cannot read {}: {error}", file.display()))
                    }
                }
            }
        }
        _ => {}
    }
}

/// Keys that may be given as `<key>_file`, the path of a file that holds the secret.
const SECRET_KEYS: [&str; 5] = ["token", "secret", "password", "url", "pseudonym_key"];

/// `${NAME}` and `${NAME:-default}`; `$${` is a literal `${`. `None` when there is nothing to replace.
fn interpolate(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<String>, String> {
    if !text.contains("${") {
        return Ok(None);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let inner = &rest[at + 2..];
        let end = inner.find('}').ok_or("`${` without `}`")?;
        let (name, default) = match inner[..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&inner[..end], None),
        };
        match (environment(name), default) {
            (Some(value), _) => out.push_str(&value),
            (None, Some(default)) => out.push_str(default),
            (None, None) => {
                return Err(format!(
                    "the environment variable {name} is not set; set it, or write ${{{name}:-default}}"
                ));
            }
        }
        rest = &inner[end + 1..];
    }
    out.push_str(rest);
    Ok(Some(out))
}

/// Adds the problems of one schema error; of a choice between variants, those of the variant that was meant.
fn explain(
    error: &jsonschema::ValidationError<'_>,
    problems: &mut Problems,
    wrong: &mut Vec<String>,
) {
    let pointer = error.instance_path().to_string();
    let path = dotted(&pointer);
    match error.kind() {
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
            let meant = context
                .iter()
                .filter(|branch| !branch.iter().any(is_wrong_tag))
                .min_by_key(|branch| branch.len())
                .filter(|branch| !branch.is_empty());
            match meant {
                Some(branch) => branch
                    .iter()
                    .for_each(|error| explain(error, problems, wrong)),
                None => {
                    wrong_choice(&path, context, problems);
                    wrong.push(pointer);
                }
            }
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                let at = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                problems.add(
                    &at,
                    "unknown key; see `wensheng schema` for those that exist",
                );
                wrong.push(format!("{pointer}/{name}"));
            }
        }
        _ => {
            problems.add(&path, error.to_string());
            wrong.push(pointer);
        }
    }
}

/// Whether the error says that this variant was not the one meant: its tag, or its JSON type, is another.
fn is_wrong_tag(error: &jsonschema::ValidationError<'_>) -> bool {
    match error.kind() {
        ValidationErrorKind::Constant { .. } => true,
        ValidationErrorKind::Type { .. } => error.instance_path().to_string().is_empty(),
        _ => false,
    }
}

/// Says what may stand here, when none of the variants was meant.
fn wrong_choice(
    path: &str,
    context: &[Vec<jsonschema::ValidationError<'_>>],
    problems: &mut Problems,
) {
    let tags: Vec<(String, String)> = context
        .iter()
        .flatten()
        .filter_map(|error| match error.kind() {
            ValidationErrorKind::Constant { expected_value } => Some((
                dotted(&error.instance_path().to_string()),
                expected_value.to_string(),
            )),
            _ => None,
        })
        .collect();
    match tags.first() {
        Some((at, _)) => {
            let allowed: Vec<&str> = tags.iter().map(|(_, tag)| tag.as_str()).collect();
            problems.add(at, format!("must be one of {}", allowed.join(", ")));
        }
        None => problems.add(path, "does not fit any of the allowed forms"),
    }
}

/// `/connect/sources/0/path` as `connect.sources[0].path`.
fn dotted(pointer: &str) -> String {
    let mut out = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if part.bytes().all(|b| b.is_ascii_digit()) && !part.is_empty() {
            out.push_str(&format!("[{part}]"));
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(&part);
        }
    }
    out
}

#[cfg(test)]
mod tests;
