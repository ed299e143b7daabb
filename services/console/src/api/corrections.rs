//! What a person corrects is durable before it is answered; the same key corrects once.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wensheng_runtime::encode;
use wensheng_schemas::{Actor, AspectJudgement, Correction, EventId, SentimentLabel, derived_id};
use wensheng_store::Role;

use super::actions::{LONGEST_NOTE, idempotency_key};
use super::{Params, given, page_size};
use crate::Console;
use crate::auth::Visitor;
use crate::commit::NotCommitted;
use crate::problem::Problem;

/// A text speaks of a handful of aspects.
const MOST_ASPECTS: usize = 32;
/// Characters of an aspect's name.
const LONGEST_ASPECT: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    label: SentimentLabel,
    #[serde(default)]
    aspects: Vec<AspectJudgement>,
    #[serde(default)]
    note: String,
}

#[derive(Serialize)]
pub(crate) struct Accepted {
    correction: Correction,
}

/// `POST /api/v1/feedback/{id}/correction`
pub(crate) async fn correct(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<Body>, JsonRejection>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    visitor.require(Role::Responder)?;
    let Json(body) = body?;
    check(&body)?;
    let key = idempotency_key(&headers, None)?;
    let piece = console
        .store
        .feedback_by_id(&EventId::from(id))
        .await?
        .filter(|piece| !piece.feedback.withdrawn)
        .ok_or_else(|| Problem::not_found("no feedback with this id is stored"))?;
    let feedback = piece.feedback;
    let correction = Correction {
        id: derived_id(&[&visitor.0.id, feedback.id.as_str(), "correct", &key]),
        feedback: feedback.id,
        revision: feedback.revision,
        label: body.label,
        aspects: body.aspects,
        before: piece.sentiment.label,
        model_version: piece.model_version,
        actor: Actor(visitor.0.name.clone()),
        note: (console.mask)(body.note.trim()),
        at: Timestamp::now(),
    };
    let records = vec![encode(&correction, None)];
    match console
        .commits
        .publish(correction.id.clone(), "correct", records)
        .await
    {
        Ok(()) => Ok((StatusCode::ACCEPTED, Json(Accepted { correction }))),
        Err(NotCommitted::Refused(why)) => Err(Problem::conflict(why)),
        Err(NotCommitted::Unconfirmed(why)) => Err(Problem::unavailable(format!(
            "the correction may not be recorded ({why}); send it again with the same Idempotency-Key, it acts once"
        ))),
    }
}

fn check(body: &Body) -> Result<(), Problem> {
    if body.note.chars().count() > LONGEST_NOTE {
        return Err(Problem::bad_request(format!(
            "a note has at most {LONGEST_NOTE} characters"
        )));
    }
    if body.aspects.len() > MOST_ASPECTS {
        return Err(Problem::bad_request(format!(
            "give at most {MOST_ASPECTS} aspects"
        )));
    }
    let fits = |judged: &AspectJudgement| {
        let length = judged.aspect.chars().count();
        (1..=LONGEST_ASPECT).contains(&length)
    };
    if !body.aspects.iter().all(fits) {
        return Err(Problem::bad_request(format!(
            "an aspect has 1 to {LONGEST_ASPECT} characters"
        )));
    }
    Ok(())
}

#[derive(Deserialize)]
pub(crate) struct Query {
    after: Option<String>,
    limit: Option<u32>,
}

#[derive(Serialize)]
pub(crate) struct Page {
    rows: Vec<Row>,
    /// Give it as `after` for the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<EventId>,
}

#[derive(Serialize)]
pub(crate) struct Row {
    correction: Correction,
    text: String,
    channel: &'static str,
}

/// `GET /api/v1/corrections`
pub(crate) async fn corrections(
    State(console): State<Console>,
    _: Visitor,
    Params(query): Params<Query>,
) -> Result<Json<Page>, Problem> {
    let limit = page_size(query.limit, 100, 500)?;
    let after = given(query.after).map(EventId::from);
    let (corrected, next) = console.store.corrections(after.as_ref(), limit).await?;
    let rows = corrected
        .into_iter()
        .map(|corrected| Row {
            channel: corrected.piece.feedback.channel.name(),
            text: corrected.piece.feedback.text,
            correction: corrected.correction,
        })
        .collect();
    Ok(Json(Page { rows, next }))
}
