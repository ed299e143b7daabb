//! How the service itself fares: what is stored, what was refused, what was pushed, and who did what.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::try_join;
use wensheng_bus::StageState;
use wensheng_schemas::{Channel, DeadLetter, Delivery, SourceRhythm, SourceTrouble, WindowSize};
use wensheng_store::{AuditEntry, DeadLetterCursor, Role};

use super::{Params, given, page_size};
use crate::Console;
use crate::auth::Visitor;
use crate::problem::Problem;

#[derive(Deserialize)]
pub(crate) struct Paging {
    after: Option<String>,
    limit: Option<u32>,
}

#[derive(Serialize)]
pub(crate) struct Totals {
    now: Timestamp,
    feedback: u64,
    /// The volume that the windows of each size add up to. Each equals `feedback` less drills once all input is through.
    windows: BTreeMap<&'static str, i64>,
    dead_letters: u64,
    deliveries: BTreeMap<String, u64>,
    brands: Vec<String>,
    topics: Vec<String>,
}

/// `GET /api/v1/totals`
pub(crate) async fn totals(
    State(console): State<Console>,
    _: Visitor,
) -> Result<Json<Totals>, Problem> {
    let store = &console.store;
    let (feedback, minutes, hours, days, dead_letters, deliveries, brands, topics) = try_join!(
        store.feedback_count(),
        store.window_volume(WindowSize::Minute),
        store.window_volume(WindowSize::Hour),
        store.window_volume(WindowSize::Day),
        store.dead_letter_count(),
        store.delivery_counts(),
        store.brands(),
        store.topics(),
    )?;
    Ok(Json(Totals {
        now: Timestamp::now(),
        feedback,
        windows: BTreeMap::from([
            (WindowSize::Minute.name(), minutes),
            (WindowSize::Hour.name(), hours),
            (WindowSize::Day.name(), days),
        ]),
        dead_letters,
        deliveries,
        brands,
        topics,
    }))
}

#[derive(Serialize)]
pub(crate) struct DeadLetters {
    rows: Vec<DeadLetter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// `GET /api/v1/dead-letters`
pub(crate) async fn dead_letters(
    State(console): State<Console>,
    _: Visitor,
    Params(paging): Params<Paging>,
) -> Result<Json<DeadLetters>, Problem> {
    let limit = page_size(paging.limit, 50, 500)?;
    let after: Option<DeadLetterCursor> = match given(paging.after) {
        None => None,
        Some(cursor) => Some(cursor.parse().map_err(|_| {
            Problem::bad_request("after is not a cursor that this console gave out")
        })?),
    };
    let page = console.store.dead_letters(after.as_ref(), limit).await?;
    Ok(Json(DeadLetters {
        rows: page.rows,
        next: page.next.map(|cursor| cursor.to_string()),
    }))
}

#[derive(Serialize)]
pub(crate) struct Deliveries {
    counts: BTreeMap<String, u64>,
    deliveries: Vec<Delivery>,
}

/// How one source fares.
#[derive(Serialize)]
pub(crate) struct Source {
    source: String,
    connector: String,
    brand: String,
    channel: Option<Channel>,
    /// Pieces taken in since the service was started.
    taken: u64,
    last_ok_at: Option<Timestamp>,
    last_event_at: Option<Timestamp>,
    lag_seconds: Option<u64>,
    trouble: Option<SourceTrouble>,
    /// How grave its silence is: `none`, `watch` or `alert`.
    silence: &'static str,
    /// Pieces are expected in so many of the slots of ten minutes of a day; null until it was watched for a day.
    slots_a_day: Option<f32>,
    /// Its last heartbeat.
    at: Timestamp,
}

impl From<SourceRhythm> for Source {
    fn from(rhythm: SourceRhythm) -> Self {
        let share = |[watched, heard]: [f32; 2]| heard / watched.max(1.0);
        let working_days = rhythm.hours.iter().take(24).copied();
        let status = rhythm.status;
        Self {
            source: rhythm.source,
            connector: status.connector,
            brand: status.brand,
            channel: status.channel,
            taken: status.taken,
            last_ok_at: status.last_ok_at,
            last_event_at: rhythm.last_event_at.or(status.last_event_at),
            lag_seconds: status.lag_seconds,
            trouble: status.trouble,
            silence: match rhythm.told {
                _ if rhythm.away => "alert",
                0 => "none",
                1 => "watch",
                _ => "alert",
            },
            slots_a_day: (rhythm.watched >= 144)
                .then(|| working_days.map(share).sum::<f32>() * 6.0),
            at: status.at,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Sources {
    now: Timestamp,
    sources: Vec<Source>,
}

/// `GET /api/v1/sources`
pub(crate) async fn sources(
    State(console): State<Console>,
    _: Visitor,
) -> Result<Json<Sources>, Problem> {
    let sources = console.store.sources().await?;
    Ok(Json(Sources {
        now: Timestamp::now(),
        sources: sources.into_iter().map(Source::from).collect(),
    }))
}

/// `GET /api/v1/deliveries`
pub(crate) async fn deliveries(
    State(console): State<Console>,
    _: Visitor,
    Params(paging): Params<Paging>,
) -> Result<Json<Deliveries>, Problem> {
    let limit = page_size(paging.limit, 50, 500)?;
    let (counts, deliveries) = try_join!(
        console.store.delivery_counts(),
        console.store.deliveries(limit)
    )?;
    Ok(Json(Deliveries { counts, deliveries }))
}

#[derive(Serialize)]
pub(crate) struct Audit {
    entries: Vec<AuditEntry>,
}

/// `GET /api/v1/audit`
pub(crate) async fn audit(
    State(console): State<Console>,
    visitor: Visitor,
    Params(paging): Params<Paging>,
) -> Result<Json<Audit>, Problem> {
    visitor.require(Role::Admin)?;
    let limit = page_size(paging.limit, 100, 1_000)?;
    let entries = console.store.audit(limit).await?;
    Ok(Json(Audit { entries }))
}

/// `GET /api/v1/health`: how every task of this process fares. For machines there is `/healthz` of the operations port.
pub(crate) async fn health(State(console): State<Console>, _: Visitor) -> Json<Value> {
    let report = console.health.report();
    let tasks: Vec<Value> = report
        .tasks
        .iter()
        .map(|(name, state)| {
            let (state, reason) = match state {
                StageState::Starting => ("starting", ""),
                StageState::Running => ("running", ""),
                StageState::Waiting(reason) => ("waiting", reason.as_str()),
                StageState::Stopped => ("stopped", ""),
                StageState::Failed(reason) => ("failed", reason.as_str()),
            };
            json!({ "name": name, "state": state, "reason": reason })
        })
        .collect();
    Json(json!({
        "alive": report.is_alive(),
        "ready": report.is_ready(),
        "tasks": tasks,
    }))
}
