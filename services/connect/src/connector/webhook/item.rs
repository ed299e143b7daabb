//! One posted event becomes a draft; fields are named as in the contract, and platforms' habits (numbers as texts,
//! `author` as a bare id) are taken as they come.

use serde_json::{Map, Value};

use crate::draft::Draft;
use crate::field::Field;
use crate::scalar::scalar;

/// The draft of an item, and the names of fields that nothing is known of.
pub(super) fn draft(item: &Value) -> Result<(Draft<'static>, Vec<String>), String> {
    let Value::Object(fields) = item else {
        return Err("the item is no JSON object".to_owned());
    };
    let mut draft = Draft::default();
    let mut ignored = Vec::new();
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("author", Value::Object(author)) => {
                nested(
                    author,
                    name,
                    &mut ignored,
                    |field| match field {
                        "id" | "key" => Some(Field::Author),
                        "followers" => Some(Field::Followers),
                        _ => None,
                    },
                    &mut draft,
                )?;
            }
            ("scores", Value::Object(scores)) => {
                nested(
                    scores,
                    name,
                    &mut ignored,
                    |field| match field {
                        "nps" => Some(Field::Nps),
                        "csat" => Some(Field::Csat),
                        "ces" => Some(Field::Ces),
                        _ => None,
                    },
                    &mut draft,
                )?;
            }
            ("reach", Value::Object(reach)) => {
                nested(
                    reach,
                    name,
                    &mut ignored,
                    |field| match field {
                        "likes" => Some(Field::Likes),
                        "reposts" => Some(Field::Reposts),
                        "comments" => Some(Field::Comments),
                        _ => None,
                    },
                    &mut draft,
                )?;
            }
            ("attributes", Value::Object(attributes)) => {
                for (name, value) in attributes {
                    match value {
                        Value::Null => {}
                        Value::String(text) => draft.attribute(name.as_str(), text),
                        other => draft.attribute(name.as_str(), &other.to_string()),
                    }
                }
            }
            ("author" | "scores" | "reach" | "attributes", Value::Null) => {}
            ("scores" | "reach" | "attributes", _) => {
                return Err(format!("{name} must be an object"));
            }
            (name, value) => match Field::from_name(name).or(alias(name)) {
                Some(field) => set(&mut draft, field, value, name)?,
                None => ignored.push(name.to_owned()),
            },
        }
    }
    Ok((draft, ignored))
}

/// Fields of the contract that a sender may copy from an event read elsewhere.
fn alias(name: &str) -> Option<Field> {
    (name == "native_id").then_some(Field::Id)
}

fn nested(
    fields: &Map<String, Value>,
    within: &str,
    ignored: &mut Vec<String>,
    field_of: impl Fn(&str) -> Option<Field>,
    draft: &mut Draft<'static>,
) -> Result<(), String> {
    for (name, value) in fields {
        let path = format!("{within}.{name}");
        match field_of(name) {
            Some(field) => set(draft, field, value, &path)?,
            None => ignored.push(path),
        }
    }
    Ok(())
}

fn set(draft: &mut Draft<'static>, field: Field, value: &Value, name: &str) -> Result<(), String> {
    if let Some(text) = scalar(Some(value), name)? {
        draft.set(field, text);
    }
    Ok(())
}
