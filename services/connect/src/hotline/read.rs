//! Fields of vendors' JSON are read leniently and without loss: names in any case, numbers as texts and texts as numbers.

use serde_json::Value;
use wensheng_schemas::{Role, Turn};

use super::Roles;
use crate::scalar::scalar;

/// The value of a field, whatever the case of its name.
pub(crate) fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = value.as_object()?;
    fields.get(name).or_else(|| {
        let mut all = fields.iter();
        all.find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// A field as text; an empty one is none.
pub(crate) fn text(value: &Value, name: &str) -> Option<String> {
    let text = scalar(field(value, name), name).ok().flatten()?;
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

/// A field as a whole number that is not negative; fractions are cut off.
pub(crate) fn number(value: &Value, name: &str) -> Option<u64> {
    let text = text(value, name)?;
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number: f64 = text.parse().ok()?;
    (0.0..9e15).contains(&number).then_some(number as u64)
}

/// A field that is a list; a single object where a list could be is a list of one.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    match field(value, name) {
        Some(Value::Array(items)) => items,
        Some(object @ Value::Object(_)) => std::slice::from_ref(object),
        _ => &[],
    }
}

/// A turn of `party`, spoken in this span of milliseconds.
pub(crate) fn turn(roles: &Roles, party: Option<String>, span: (u64, u64), text: String) -> Turn {
    let role = party.as_deref().map_or(Role::Unknown, |p| roles.of(p));
    Turn {
        role,
        // A name that stands for a role says nothing more; one that stands for a person is not kept.
        track: party.filter(|party| party.len() <= 2),
        begin_ms: span.0,
        end_ms: span.1.max(span.0),
        text,
    }
}
