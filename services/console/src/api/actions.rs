//! What a person does to an alert becomes a command, durable before it is answered; the same key acts once.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wensheng_schemas::{Action, Actor, AlertId, AlertState, Command, derived_id};
use wensheng_store::{AuditEntry, Role};

use super::alerts::no_such_alert;
use crate::Console;
use crate::auth::Visitor;
use crate::commit::NotCommitted;
use crate::problem::Problem;

/// A note is a line or two; the report is written elsewhere.
const LONGEST_NOTE: usize = 1_000;
const LONGEST_KEY: usize = 200;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Body {
    note: String,
}

#[derive(Serialize)]
pub(crate) struct Accepted {
    command: Command,
}

/// `POST /api/v1/alerts/{id}/{action}`
pub(crate) async fn act(
    State(console): State<Console>,
    visitor: Visitor,
    Path((id, action)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Option<Json<Body>>, JsonRejection>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    visitor.require(Role::Responder)?;
    let action = action_named(&action).ok_or_else(|| {
        Problem::not_found("an alert can be acknowledged, responded to, or resolved")
    })?;
    let Body { note } = body?.map(|Json(body)| body).unwrap_or_default();
    if note.chars().count() > LONGEST_NOTE {
        return Err(Problem::bad_request(format!(
            "a note has at most {LONGEST_NOTE} characters"
        )));
    }
    let key = idempotency_key(&headers)?;
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
        note: note.trim().to_owned(),
        at: Timestamp::now(),
    };
    // Told before it is done: no action is without its line, and a line without its action says that it was tried.
    console
        .store
        .append_audit(&AuditEntry {
            at: command.at,
            actor: command.actor.0.clone(),
            action: format!("alert.{}", action.name()),
            object: command.alert.to_string(),
            detail: format!("command {}: {}", command.id, command.note),
        })
        .await?;
    let refusal = refusal(&alert.state, action);
    match console.commits.commit(command.clone(), refusal).await {
        Ok(()) => Ok((StatusCode::ACCEPTED, Json(Accepted { command }))),
        Err(NotCommitted::Refused(why)) => Err(Problem::conflict(why)),
        Err(NotCommitted::Unconfirmed(why)) => Err(Problem::unavailable(format!(
            "the command may not be recorded ({why}); send it again with the same Idempotency-Key, it acts once"
        ))),
    }
}

fn action_named(name: &str) -> Option<Action> {
    [Action::Acknowledge, Action::Respond, Action::Resolve]
        .into_iter()
        .find(|action| action.name() == name)
}

/// Without a key every request acts by itself.
fn idempotency_key(headers: &HeaderMap) -> Result<String, Problem> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(format!("{:032x}", rand::random::<u128>()));
    };
    match key.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= LONGEST_KEY => Ok(key.to_owned()),
        _ => Err(Problem::bad_request(format!(
            "Idempotency-Key must be 1 to {LONGEST_KEY} visible ASCII characters"
        ))),
    }
}

/// Why the action can have no effect. What the store shows may be a moment old, but an alert never goes back, so what
/// is refused here is refused for good.
fn refusal(state: &AlertState, action: Action) -> Option<String> {
    let (done, by, at) = match (state, action) {
        (AlertState::Raised, _) => return None,
        (AlertState::Acknowledged { by, at }, Action::Acknowledge) => ("acknowledged", by, at),
        (AlertState::Responding { by, at }, Action::Acknowledge | Action::Respond) => {
            ("responded to", by, at)
        }
        (AlertState::Resolved { by, at }, _) => ("resolved", by, at),
        (AlertState::Acknowledged { .. } | AlertState::Responding { .. }, _) => return None,
    };
    Some(format!("already {done} by {} at {at}", by.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_goes_forward_only() {
        let by = Actor("wang".to_owned());
        let at = Timestamp::UNIX_EPOCH;
        let responding = AlertState::Responding { by, at };
        assert!(refusal(&AlertState::Raised, Action::Resolve).is_none());
        assert!(refusal(&responding, Action::Resolve).is_none());
        assert_eq!(
            refusal(&responding, Action::Acknowledge).unwrap(),
            "already responded to by wang at 1970-01-01T00:00:00Z"
        );
    }
}
