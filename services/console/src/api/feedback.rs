//! Feedback, newest first; a page goes on exactly where the one before ended, whatever comes in between.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wensheng_schemas::{Channel, Enriched, EventId, SentimentLabel};
use wensheng_store::{FeedbackCursor, FeedbackFilter};

use super::{CHANNELS, Params, given, named, page_size};
use crate::Console;
use crate::auth::Visitor;
use crate::problem::Problem;

#[derive(Deserialize)]
pub(crate) struct Query {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    brand: Option<String>,
    channel: Option<String>,
    label: Option<String>,
    topic: Option<String>,
    rule: Option<String>,
    source: Option<String>,
    term: Option<String>,
    text: Option<String>,
    drill: Option<bool>,
    after: Option<String>,
    limit: Option<u32>,
}

#[derive(Serialize)]
pub(crate) struct Page {
    rows: Vec<Enriched>,
    /// Give it as `after` for the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// `GET /api/v1/feedback`
pub(crate) async fn feedback(
    State(console): State<Console>,
    _: Visitor,
    Params(query): Params<Query>,
) -> Result<Json<Page>, Problem> {
    let limit = page_size(query.limit, 50, 500)?;
    let after: Option<FeedbackCursor> = match given(query.after) {
        None => None,
        Some(cursor) => Some(cursor.parse().map_err(|_| {
            Problem::bad_request("after is not a cursor that this console gave out")
        })?),
    };
    let filter = FeedbackFilter {
        from: query.from,
        to: query.to,
        brand: given(query.brand),
        channel: named("channel", query.channel, Channel::from_name, CHANNELS)?,
        label: named("label", query.label, label, "positive, neutral, negative")?,
        topic: given(query.topic),
        rule: given(query.rule),
        term: given(query.term),
        text: given(query.text),
        source: given(query.source),
        drill: query.drill,
    };
    let page = console
        .store
        .feedback(&filter, after.as_ref(), limit)
        .await?;
    Ok(Json(Page {
        rows: page.rows,
        next: page.next.map(|cursor| cursor.to_string()),
    }))
}

fn label(name: &str) -> Option<SentimentLabel> {
    Some(match name {
        "positive" => SentimentLabel::Positive,
        "neutral" => SentimentLabel::Neutral,
        "negative" => SentimentLabel::Negative,
        _ => return None,
    })
}

/// `GET /api/v1/feedback/{id}`
pub(crate) async fn one(
    State(console): State<Console>,
    _: Visitor,
    Path(id): Path<String>,
) -> Result<Json<Enriched>, Problem> {
    console
        .store
        .feedback_by_id(&EventId::from(id))
        .await?
        .map(Json)
        .ok_or_else(|| Problem::not_found("no feedback with this id is stored"))
}
