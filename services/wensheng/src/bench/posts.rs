//! Posts to measure with: a file of them, or invented ones.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use wensheng_schemas::{Channel, EventId, FeedbackEvent, Provenance, Scores};

/// At least one text: the lines of `file`, or `count` invented posts.
pub(crate) fn texts(file: Option<&Path>, count: usize) -> Result<Vec<String>> {
    let Some(path) = file else {
        return Ok(wensheng_connect::invented_texts(count));
    };
    let content =
        std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let texts: Vec<String> = content
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    if texts.is_empty() {
        bail!("{} has no line with a text", path.display());
    }
    Ok(texts)
}

/// A post as a connector writes it to the bus, said and observed `at` an instant.
pub(crate) fn event(number: u64, brand: String, text: String, at: Timestamp) -> FeedbackEvent {
    FeedbackEvent {
        id: EventId::of("bench", &number.to_string()),
        revision: 0,
        source: "bench".to_owned(),
        native_id: number.to_string(),
        channel: Channel::Weibo,
        brand,
        product: None,
        store: None,
        region: None,
        occurred_at: at,
        observed_at: at,
        text,
        author: None,
        reach: None,
        scores: Scores::default(),
        url: None,
        reply_to: None,
        repost_of: None,
        attributes: BTreeMap::new(),
        call: None,
        provenance: Provenance::default(),
        drill: false,
        ratings: Default::default(),
        immutable: true,
        withdrawn: false,
    }
}
