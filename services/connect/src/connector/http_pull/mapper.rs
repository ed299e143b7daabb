//! An item's fields are what its configured paths lead to; a path that leads nowhere leaves its field empty.

use serde_json::Value;

use super::config::HttpPullConfig;
use crate::draft::Draft;
use crate::field::Field;
use crate::json_path::JsonPath;
use crate::scalar::scalar;
use crate::scale::range_of;

/// The draft of an item.
pub(super) fn draft(config: &HttpPullConfig, item: &Value) -> Result<Draft<'static>, String> {
    let mut draft = Draft::default();
    for (field, paths) in &config.fields {
        let mut values = Vec::new();
        for path in paths.each() {
            values.extend(texts(path, item)?);
        }
        if values.is_empty() {
            continue;
        }
        let written = match field {
            Field::Text => values.join("\n"),
            // Of several paths the first that leads to something.
            _ => values.swap_remove(0),
        };
        let written = match (config.scales.get(field), range_of(*field)) {
            (Some(scale), Some((least, most))) => scale
                .onto(&written, least, most)
                .ok_or_else(|| {
                    format!(
                        "{} is {written:?}, but must be from {} to {}, as `scales` says",
                        field.name(),
                        scale.from,
                        scale.to
                    )
                })?
                .to_string(),
            _ => written,
        };
        draft.set(*field, written);
    }
    for (name, path) in &config.attributes {
        draft.attribute(name.as_str(), &texts(path, item)?.join(","));
    }
    Ok(draft)
}

/// What a path leads to, as texts.
pub(super) fn texts(path: &JsonPath, item: &Value) -> Result<Vec<String>, String> {
    let mut texts = Vec::new();
    for value in path.all(item) {
        if let Some(text) = scalar(Some(value), &path.to_string())? {
            texts.push(text);
        }
    }
    texts.retain(|text| !text.trim().is_empty());
    Ok(texts)
}
