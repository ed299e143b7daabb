//! Alerts as they stand, the most pressing first.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wensheng_schemas::{
    Actor, Alert, AlertId, AlertState, Deadline, DeadlineKind, Severity, Statement, TimelineRecord,
};
use wensheng_store::{AlertDetail, AlertFilter, Role};

use super::{Params, given, named, page_size};
use crate::Console;
use crate::auth::Visitor;
use crate::problem::Problem;

#[derive(Deserialize)]
pub(crate) struct Query {
    brand: Option<String>,
    open: Option<bool>,
    severity: Option<String>,
    limit: Option<u32>,
}

#[derive(Serialize)]
pub(crate) struct Alerts {
    now: Timestamp,
    counts: AlertCounts,
    alerts: Vec<Alert>,
}

/// What is open, and what is due next.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AlertCounts {
    pub(crate) open: usize,
    /// With a clock that waits for somebody: a `watch` has none and waits for nobody.
    pub(crate) unacknowledged: usize,
    /// With a deadline that passed unmet and still is.
    pub(crate) overdue: usize,
    pub(crate) next_deadline: Option<NextDeadline>,
}

/// The deadline that comes first, among those that have not passed.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct NextDeadline {
    alert: AlertId,
    title: String,
    severity: Severity,
    kind: DeadlineKind,
    due_at: Timestamp,
}

fn running(alert: &Alert) -> impl Iterator<Item = &Deadline> {
    let open = alert.state.is_open();
    alert
        .clock
        .iter()
        .flat_map(|clock| &clock.deadlines)
        .filter(move |deadline| open && deadline.met_at.is_none())
}

impl AlertCounts {
    pub(crate) fn of(alerts: &[Alert], now: Timestamp) -> Self {
        let open = alerts.iter().filter(|alert| alert.state.is_open());
        let next_deadline = open
            .clone()
            .flat_map(|alert| running(alert).map(move |deadline| (alert, deadline)))
            .filter(|(_, deadline)| deadline.due_at > now)
            .min_by_key(|(_, deadline)| deadline.due_at)
            .map(|(alert, deadline)| NextDeadline {
                alert: alert.id.clone(),
                title: alert.title.clone(),
                severity: alert.severity,
                kind: deadline.kind,
                due_at: deadline.due_at,
            });
        Self {
            open: open.clone().count(),
            unacknowledged: open
                .clone()
                .filter(|alert| alert.state == AlertState::Raised && alert.clock.is_some())
                .count(),
            overdue: open
                .filter(|alert| running(alert).any(|deadline| deadline.due_at <= now))
                .count(),
            next_deadline,
        }
    }
}

/// `GET /api/v1/alerts`
pub(crate) async fn alerts(
    State(console): State<Console>,
    _: Visitor,
    Params(query): Params<Query>,
) -> Result<Json<Alerts>, Problem> {
    let limit = page_size(query.limit, 100, 500)?;
    let filter = AlertFilter {
        brand: given(query.brand),
        open: query.open,
        severity: named("severity", query.severity, severity, "watch, alert, crisis")?,
    };
    let alerts = console.store.alerts(&filter, limit).await?;
    let now = Timestamp::now();
    Ok(Json(Alerts {
        now,
        counts: AlertCounts::of(&alerts, now),
        alerts,
    }))
}

fn severity(name: &str) -> Option<Severity> {
    Some(match name {
        "watch" => Severity::Watch,
        "alert" => Severity::Alert,
        "crisis" => Severity::Crisis,
        _ => return None,
    })
}

#[derive(Serialize)]
pub(crate) struct Detail {
    now: Timestamp,
    /// What the visitor can do to it as it stands, by name.
    allowed: Vec<&'static str>,
    /// What may be said now.
    statement: Option<Statement>,
    #[serde(flatten)]
    detail: AlertDetail,
}

/// `GET /api/v1/alerts/{id}`
pub(crate) async fn one(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Json<Detail>, Problem> {
    let detail = console
        .store
        .alert(&AlertId::from(id))
        .await?
        .ok_or_else(no_such_alert)?;
    let now = Timestamp::now();
    let actor = Actor(visitor.0.name.clone());
    Ok(Json(Detail {
        now,
        allowed: match visitor.require(Role::Responder) {
            Ok(()) => detail.alert.allowed(&actor, now),
            Err(_) => Vec::new(),
        },
        statement: detail.alert.handling.statement(now).cloned(),
        detail,
    }))
}

#[derive(Deserialize)]
pub(crate) struct Lines {
    after: Option<u64>,
    limit: Option<u32>,
}

/// The whole timeline, with the chain that proves it.
#[derive(Serialize)]
pub(crate) struct Timeline {
    now: Timestamp,
    lines: Vec<TimelineRecord>,
    /// Lines proved; `null` where something is wrong.
    proved: Option<u64>,
    /// What is wrong with the chain.
    fault: Option<String>,
}

/// `GET /api/v1/alerts/{id}/timeline`
pub(crate) async fn timeline(
    State(console): State<Console>,
    _: Visitor,
    Path(id): Path<String>,
    Params(query): Params<Lines>,
) -> Result<Json<Timeline>, Problem> {
    let limit = page_size(query.limit, 200, 1_000)?;
    let id = AlertId::from(id);
    let proof = console.store.prove(&id).await?.ok_or_else(no_such_alert)?;
    let lines = console
        .store
        .timeline(&id, query.after.unwrap_or(0), limit)
        .await?;
    Ok(Json(Timeline {
        now: Timestamp::now(),
        lines,
        proved: proof.result.as_ref().ok().copied(),
        fault: proof.result.err().map(|fault| fault.to_string()),
    }))
}

pub(crate) fn no_such_alert() -> Problem {
    Problem::not_found("no alert with this id is stored")
}
