//! JSON Feed 1.0 and 1.1.

use serde_json::Value;

use super::Entry;
use crate::scalar::written;

/// The entries of a JSON feed.
pub(super) fn entries(body: &[u8]) -> Result<Vec<Entry>, String> {
    let feed: Value = serde_json::from_slice(body).map_err(|error| format!("not JSON: {error}"))?;
    let items = feed
        .get("items")
        .and_then(Value::as_array)
        .ok_or("a JSON document without `items` is no feed")?;
    let text = |item: &Value, name: &str| item.get(name).map(written).unwrap_or_default();
    let first = |item: &Value, names: &[&str]| {
        let mut texts = names.iter().map(|name| text(item, name));
        texts.find(|text| !text.is_empty()).unwrap_or_default()
    };
    Ok(items
        .iter()
        .map(|item| Entry {
            id: text(item, "id"),
            title: text(item, "title"),
            content: first(item, &["content_html", "content_text"]),
            summary: text(item, "summary"),
            link: first(item, &["url", "external_url"]),
            author: item
                .pointer("/authors/0/name")
                .or_else(|| item.pointer("/author/name"))
                .map(written)
                .unwrap_or_default(),
            published: text(item, "date_published"),
            updated: text(item, "date_modified"),
        })
        .collect())
}
