//! One posted event becomes a draft; fields are named as in the contract, and platforms' habits (numbers as texts,
//! `author` as a bare id) are taken as they come.

use serde_json::{Map, Value};
use wensheng_schemas::{Rating, RatingSum};

use crate::draft::Draft;
use crate::field::Field;
use crate::scalar::scalar;

/// What was asked is a name that figures are kept under, not a text.
const LONGEST_QUESTION: usize = 200;

/// No more answers on scales per event: each is a row of its own in the figures of its hour and day.
const MAX_RATINGS: usize = 64;

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
            ("ratings", Value::Object(ratings)) => {
                for (asked, answer) in ratings {
                    rate(&mut draft, asked, answer, &mut ignored)?;
                }
            }
            ("author" | "scores" | "reach" | "ratings" | "attributes", Value::Null) => {}
            ("scores" | "reach" | "ratings" | "attributes", _) => {
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

/// Takes an answer on a scale of its own: `{value, from, to}`, as the contract has it.
fn rate(
    draft: &mut Draft<'static>,
    asked: &str,
    answer: &Value,
    ignored: &mut Vec<String>,
) -> Result<(), String> {
    let path = format!("ratings.{asked}");
    let asked = asked.trim();
    if !(1..=LONGEST_QUESTION).contains(&asked.chars().count()) {
        return Err(format!(
            "{path}: what was asked must have 1 to {LONGEST_QUESTION} characters"
        ));
    }
    if ["nps", "csat", "ces"].contains(&asked) {
        return Err(format!("{path}: give it as scores.{asked}"));
    }
    let fields = match answer {
        Value::Null => return Ok(()),
        Value::Object(fields) => fields,
        _ => {
            return Err(format!(
                "{path} must be an object: {{\"value\": 4, \"from\": 1, \"to\": 5}}"
            ));
        }
    };
    for name in fields.keys() {
        if !["value", "from", "to"].contains(&name.as_str()) {
            ignored.push(format!("{path}.{name}"));
        }
    }
    let written = |name: &str| scalar(fields.get(name), &format!("{path}.{name}"));
    let Some(value) = written("value")? else {
        return Ok(());
    };
    let number = |name: &str| -> Result<i32, String> {
        let text = written(name)?.unwrap_or_default();
        let number = text.trim().parse();
        number.map_err(|_| format!("{path}.{name} must be a whole number, the end of the scale"))
    };
    let rating = Rating {
        value: value
            .trim()
            .parse()
            .map_err(|_| format!("{path}.value {value:?} is no number"))?,
        from: number("from")?,
        to: number("to")?,
    };
    if RatingSum::of(&rating).is_none() {
        let Rating { value, from, to } = rating;
        return Err(format!(
            "{path}: {value} does not lie on the scale from {from} to {to}; more must be better, so turn a reversed scale round"
        ));
    }
    if draft.rate(asked, rating) > MAX_RATINGS {
        return Err(format!("ratings: more than {MAX_RATINGS} are given"));
    }
    Ok(())
}

fn set(draft: &mut Draft<'static>, field: Field, value: &Value, name: &str) -> Result<(), String> {
    if let Some(text) = scalar(Some(value), name)? {
        draft.set(field, text);
    }
    Ok(())
}
