//! An item's fields are what its configured paths lead to; a path that leads nowhere leaves its field empty.

use jiff::Timestamp;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use super::config::HttpPullConfig;
use crate::draft::{Draft, DraftRules, Place};
use crate::field::Field;
use crate::json_path::JsonPath;
use crate::scalar::scalar;
use crate::scale::range_of;
use crate::staging::Staging;

/// Stages an item as an event, or as a dead letter.
pub(super) fn stage_item(
    config: &HttpPullConfig,
    rules: &DraftRules,
    item: &Value,
    place: Place<'_>,
    now: Timestamp,
    staging: &mut Staging,
) {
    let event = draft(config, item).and_then(|draft| {
        // Keys are in order, so that the same content is the same id.
        let content = || format!("{:032x}", xxh3_128(item.to_string().as_bytes()));
        draft.into_event(rules, place, now, content)
    });
    match event {
        Ok(event) => staging.event(event),
        Err(reason) => {
            let payload = item.to_string();
            let paths = config.fields.get(&Field::Author);
            let authors = paths.iter().flat_map(|paths| paths.each());
            let authors = authors.flat_map(|path| texts(path, item).unwrap_or_default());
            let authors: Vec<String> = authors.collect();
            let authors: Vec<&str> = authors.iter().map(String::as_str).collect();
            let refused = payload.as_bytes();
            staging.dead_letter_by(&authors, place.place, place.line, &reason, refused, now);
        }
    }
}

/// The draft of an item.
fn draft(config: &HttpPullConfig, item: &Value) -> Result<Draft<'static>, String> {
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
