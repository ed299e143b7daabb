//! A path into a JSON value is either understood whole or refused when the configuration is read; it never guesses.
//!
//! Two spellings: JSON Pointer (RFC 6901), `/data/list/0/id`; and of JSONPath (RFC 9535) names, indexes and wildcards:
//! `$.data.list[*]['order no']`. A wildcard goes over the elements of a list and over the values of an object, since
//! platforms send one for the other.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A path into a JSON value: `$.data.list[*].id` or `/data/list/0/id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct JsonPath {
    written: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// A key of an object; in JSON Pointer also an index.
    Name(String),
    Index(usize),
    All,
}

impl JsonPath {
    /// A path that is written in this program; one that is not understood leads nowhere.
    pub(crate) fn of(written: &'static str) -> Self {
        Self::try_from(written.to_owned()).unwrap_or_else(|_| Self {
            written: written.to_owned(),
            steps: vec![Step::Index(usize::MAX)],
        })
    }

    /// Every value that the path leads to, in order.
    pub(crate) fn all<'v>(&self, root: &'v Value) -> Vec<&'v Value> {
        let mut found = vec![root];
        for step in &self.steps {
            found = found
                .into_iter()
                .flat_map(|value| step.from(value))
                .collect();
        }
        found
    }

    /// Whether there is what the path leads to, an empty list or null included: what lacks the field that the list stands in
    /// has none of it.
    pub(crate) fn is_in(&self, root: &Value) -> bool {
        let named = self.steps.split(|step| *step == Step::All).next();
        let mut found = vec![root];
        for step in named.unwrap_or_default() {
            found = found
                .into_iter()
                .flat_map(|value| step.from(value))
                .collect();
        }
        !found.is_empty()
    }

    /// The first value that the path leads to; JSON's null is none.
    pub(crate) fn first<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        self.all(root).into_iter().find(|value| !value.is_null())
    }
}

impl Step {
    fn from<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        match (self, value) {
            (Step::Name(name), Value::Object(fields)) => fields.get(name).into_iter().collect(),
            (Step::Name(name), Value::Array(items)) => name
                .parse::<usize>()
                .ok()
                .and_then(|index| items.get(index))
                .into_iter()
                .collect(),
            (Step::Index(index), Value::Array(items)) => items.get(*index).into_iter().collect(),
            (Step::All, Value::Array(items)) => items.iter().collect(),
            (Step::All, Value::Object(fields)) => fields.values().collect(),
            _ => Vec::new(),
        }
    }
}

impl std::fmt::Display for JsonPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.written)
    }
}

impl From<JsonPath> for String {
    fn from(path: JsonPath) -> Self {
        path.written
    }
}

impl TryFrom<String> for JsonPath {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        let steps = match written.strip_prefix('$') {
            Some(rest) => steps(rest),
            None if written.is_empty() => Some(Vec::new()),
            None => written.strip_prefix('/').map(pointer),
        };
        let steps = steps.ok_or_else(|| {
            format!("{written:?} is no path; write `$.data.list[*].id` or `/data/list/0/id`")
        })?;
        Ok(Self { written, steps })
    }
}

fn pointer(rest: &str) -> Vec<Step> {
    rest.split('/')
        .map(|part| Step::Name(part.replace("~1", "/").replace("~0", "~")))
        .collect()
}

/// The steps after `$`.
fn steps(mut rest: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("[*]").or(rest.strip_prefix(".*")) {
            steps.push(Step::All);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            if name.is_empty() || name.contains(['*', ']', '?', '@', '(']) {
                return None;
            }
            steps.push(Step::Name(name.to_owned()));
            rest = after;
        } else {
            let inner = rest.strip_prefix('[')?;
            let (step, after) = match inner.chars().next()? {
                quote @ ('\'' | '"') => {
                    let (name, after) = inner[1..].split_once(quote)?;
                    (Step::Name(name.to_owned()), after.strip_prefix(']')?)
                }
                _ => {
                    let (index, after) = inner.split_once(']')?;
                    (Step::Index(index.parse().ok()?), after)
                }
            };
            steps.push(step);
            rest = after;
        }
    }
    Some(steps)
}

/// The items that a path leads to. A list stands for its elements; so does an object whose values are all objects, as
/// platforms key lists by id; any other object is an item itself.
pub(crate) fn items<'v>(path: &JsonPath, root: &'v Value) -> Vec<&'v Value> {
    let mut items = Vec::new();
    for found in path.all(root) {
        match found {
            Value::Null => {}
            Value::Array(list) => items.extend(list),
            Value::Object(fields) if fields.values().all(Value::is_object) => {
                items.extend(fields.values());
            }
            other => items.push(other),
        }
    }
    items
}

/// A scalar as text, for comparing codes that platforms write as numbers and as texts.
pub(crate) fn code(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text.trim()),
        other => Cow::Owned(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(written: &str) -> JsonPath {
        JsonPath::try_from(written.to_owned()).unwrap()
    }

    #[test]
    fn an_empty_list_is_there_and_a_missing_one_is_not() {
        let value = json!({ "data": { "list": [], "none": null } });
        for (written, is_there) in [
            ("$.data.list", true),
            ("$.data.list[*].id", true),
            ("/data/none", true),
            ("$", true),
            ("$.data.rows", false),
            ("$.rows[*].id", false),
        ] {
            assert_eq!(path(written).is_in(&value), is_there, "{written}");
        }
    }

    #[test]
    fn both_spellings_lead_to_the_same() {
        let value =
            json!({ "data": { "list": [{ "order no": 1 }, { "order no": 2 }], "a/b": null } });
        for (written, found) in [
            ("$.data.list[*]['order no']", json!([1, 2])),
            ("$['data']['list'][1][\"order no\"]", json!([2])),
            ("/data/list/1/order no", json!([2])),
            ("/data/a~1b", json!([null])),
            ("$.data.list[7]", json!([])),
            ("$.nowhere.list[*]", json!([])),
            ("$", json!([value])),
            ("", json!([value])),
        ] {
            assert_eq!(json!(path(written).all(&value)), found, "{written}");
        }
        assert_eq!(path("/data/a~1b").first(&value), None);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for written in [
            "data.list",
            "$data",
            "$.",
            "$.a[",
            "$.a[x]",
            "$.a[?(@.b)]",
            "$..a",
            "$['a'",
        ] {
            assert!(JsonPath::try_from(written.to_owned()).is_err(), "{written}");
        }
    }

    #[test]
    fn an_object_keyed_by_id_is_a_list_and_any_other_object_an_item() {
        let keyed = json!({ "list": { "99709": { "vid": 1 }, "99710": { "vid": 2 } } });
        assert_eq!(items(&path("$.list"), &keyed).len(), 2);
        let single = json!({ "entry": { "id": "1", "title": { "label": "好" } } });
        assert_eq!(items(&path("$.entry"), &single).len(), 1);
        assert_eq!(items(&path("$.entry"), &json!({ "entry": [] })).len(), 0);
        assert_eq!(items(&path("$.entry"), &json!({})).len(), 0);
    }
}
