//! What a person does to an alert becomes a command, durable before it is answered; the same key acts once.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use wensheng_schemas::{Action, Actor, AlertId, Command, derived_id};
use wensheng_store::{AuditEntry, Role};

use super::alerts::no_such_alert;
use crate::Console;
use crate::auth::Visitor;
use crate::commit::NotCommitted;
use crate::problem::Problem;

/// A note is a line or two; the report is written elsewhere.
pub(super) const LONGEST_NOTE: usize = 1_000;
const LONGEST_KEY: usize = 200;
/// Looks within this time are one look; `respond` sees it the same.
const LOOK_SECONDS: i64 = 600;

#[derive(Serialize)]
pub(crate) struct Accepted {
    command: Command,
}

/// `POST /api/v1/alerts/{id}/{action}`
pub(crate) async fn act(
    State(console): State<Console>,
    visitor: Visitor,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Option<Json<Map<String, Value>>>, JsonRejection>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let body = body?.map(|Json(body)| body).unwrap_or_default();
    let (mut action, note) = asked(&name, body)?;
    let note = (console.mask)(&note);
    if let Action::Dismiss { reason }
    | Action::LowerSeverity { reason, .. }
    | Action::Pause { reason, .. } = &mut action
    {
        *reason = (console.mask)(reason);
    }
    let looks = action == Action::View;
    if !looks {
        visitor.require(Role::Responder)?;
    }
    let now = Timestamp::now();
    let key = idempotency_key(&headers, looks.then_some(now))?;
    let alert = console
        .store
        .alert(&AlertId::from(id))
        .await?
        .ok_or_else(no_such_alert)?
        .alert;
    let command = Command {
        id: derived_id(&[&visitor.0.id, alert.id.as_str(), action.name(), &key]),
        alert: alert.id.clone(),
        brand: alert.brand.clone(),
        action,
        actor: Actor(visitor.0.name.clone()),
        note,
        at: now,
    };
    // What the store shows may be a moment old: whoever is refused for that looks again, and what is wrongly let through
    // is refused by the stage, and noted as refused.
    let refusal = alert.refusal(&command.action, &command.actor, now);
    let committed = console.commits.commit(command.clone(), refusal).await;
    let (outcome, problem) = match committed {
        // What took effect is noted with the line of the alert's timeline that says so, and not before.
        Ok(()) => return Ok((StatusCode::ACCEPTED, Json(Accepted { command }))),
        Err(NotCommitted::Refused(why)) => ("refused", Problem::conflict(why)),
        Err(NotCommitted::Unconfirmed(why)) => (
            "unconfirmed",
            Problem::unavailable(format!(
                "the command may not be recorded ({why}); send it again with the same Idempotency-Key, it acts once"
            )),
        ),
    };
    if !looks {
        console
            .store
            .append_audit(&AuditEntry {
                at: command.at,
                actor: command.actor.0.clone(),
                action: format!("alert.{}.{outcome}", command.action.name()),
                object: command.alert.to_string(),
                detail: format!("command {}: {}", command.id, command.note),
            })
            .await?;
    }
    Err(problem)
}

/// The action of that name with what the body says of it, and the note.
fn asked(name: &str, mut body: Map<String, Value>) -> Result<(Action, String), Problem> {
    let known = |name: &&str| Action::NAMES.contains(name) || *name == Action::View.name();
    if !known(&name) {
        return Err(Problem::not_found(format!(
            "an alert knows no action {name:?}; it knows {}",
            Action::NAMES.join(", ")
        )));
    }
    let note = match body.remove("note").unwrap_or_default() {
        Value::Null => String::new(),
        Value::String(note) => note.trim().to_owned(),
        _ => return Err(Problem::bad_request("a note is a text")),
    };
    if note.chars().count() > LONGEST_NOTE {
        return Err(Problem::bad_request(format!(
            "a note has at most {LONGEST_NOTE} characters"
        )));
    }
    body.retain(|_, value| !value.is_null());
    body.insert("action".to_owned(), Value::from(name));
    let action: Action = serde_json::from_value(Value::Object(body.clone()))
        .map_err(|error| Problem::bad_request(format!("{name}: {error}")))?;
    // Whatever the action does not have, it did not take.
    let taken = serde_json::to_value(&action).unwrap_or_default();
    match body.keys().find(|key| taken.get(key).is_none()) {
        Some(unknown) => Err(Problem::bad_request(format!(
            "{name} has no field {unknown:?}"
        ))),
        None => Ok((action, note)),
    }
}

/// Without a key every request acts by itself; looks have one per ten minutes.
pub(super) fn idempotency_key(
    headers: &HeaderMap,
    look: Option<Timestamp>,
) -> Result<String, Problem> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(match look {
            Some(at) => (at.as_second() / LOOK_SECONDS).to_string(),
            None => format!("{:032x}", rand::random::<u128>()),
        });
    };
    match key.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= LONGEST_KEY => Ok(key.to_owned()),
        _ => Err(Problem::bad_request(format!(
            "Idempotency-Key must be 1 to {LONGEST_KEY} visible ASCII characters"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(name: &str, body: Value) -> Result<(Action, String), Problem> {
        let Value::Object(body) = body else {
            panic!("{body} is no object");
        };
        asked(name, body)
    }

    #[test]
    fn an_action_takes_its_own_fields_and_no_others() {
        let dismiss = parsed("dismiss", json!({"reason": "是广告", "note": " 已核实 "})).unwrap();
        let reason = "是广告".to_owned();
        assert_eq!(dismiss, (Action::Dismiss { reason }, "已核实".to_owned()));
        assert!(parsed("acknowledge", json!({})).is_ok());
        for (name, body) in [
            ("dismiss", json!({})),
            ("acknowledge", json!({"reason": "x"})),
            ("lower_severity", json!({"severity": "mild", "reason": "x"})),
            ("note", json!({"note": 1})),
            ("delete", json!({})),
        ] {
            assert!(parsed(name, body).is_err(), "{name}");
        }
    }
}
