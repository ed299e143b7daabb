//! A JSON value becomes the text of a field without losing a digit, or is refused.

use serde_json::Value;

/// A JSON text, number or truth value as text; platforms send numbers as texts and texts as numbers.
pub(crate) fn scalar(value: Option<&Value>, what: &str) -> Result<Option<String>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Bool(truth)) => Ok(Some(truth.to_string())),
        // A whole number beyond 64 bits has lost digits by now, and an id must not.
        Some(Value::Number(number))
            if number
                .as_f64()
                .is_some_and(|n| number.is_f64() && n.abs() > 9e15) =>
        {
            Err(format!(
                "{what} is too large a number to be exact; write it as a string"
            ))
        }
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::Array(_) | Value::Object(_)) => Err(format!(
            "{what} is a list or an object, but must be a text or a number"
        )),
    }
}

/// A JSON value as text, whatever it is: lists become `a,b`, objects `key: a; other: b`.
pub(crate) fn written(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(written).collect();
            items.join(",")
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{key}: {}", written(value)))
                .collect();
            fields.join("; ")
        }
        other => scalar(Some(other), "value")
            .ok()
            .flatten()
            .unwrap_or_default(),
    }
}
