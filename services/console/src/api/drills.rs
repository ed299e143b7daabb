//! Starting a drill: a marked crisis that rings for real people, and that no figure counts.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wensheng_schemas::{AlertId, Severity};
use wensheng_store::{AuditEntry, Role};

use crate::Console;
use crate::auth::Visitor;
use crate::commit::NotCommitted;
use crate::drill::Drill;
use crate::problem::Problem;

/// Characters of a brand or topic.
const LONGEST: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    brand: String,
    #[serde(default)]
    topic: Option<String>,
    #[serde(default)]
    severity: Option<Severity>,
}

#[derive(Serialize)]
pub(crate) struct Started {
    alert: AlertId,
    topic: String,
    severity: Severity,
}

/// `POST /api/v1/drills`
pub(crate) async fn start(
    State(console): State<Console>,
    visitor: Visitor,
    body: Result<Json<Body>, JsonRejection>,
) -> Result<(StatusCode, Json<Started>), Problem> {
    visitor.require(Role::Admin)?;
    let Json(body) = body?;
    let topic = body.topic.unwrap_or_else(|| "food_safety".to_owned());
    for (field, text) in [("brand", &body.brand), ("topic", &topic)] {
        let length = text.trim().chars().count();
        if length == 0 || length > LONGEST {
            return Err(Problem::bad_request(format!(
                "{field} has 1 to {LONGEST} characters"
            )));
        }
    }
    let drill = Drill {
        brand: body.brand,
        topic,
        severity: body.severity.unwrap_or(Severity::Crisis),
        actor: visitor.0.name.clone(),
    };
    let now = Timestamp::now();
    let (alert, records) = drill.records(now);
    let id = alert.to_string();
    match console.commits.publish(id.clone(), "drill", records).await {
        Ok(()) => {}
        Err(NotCommitted::Refused(why)) => return Err(Problem::conflict(why)),
        Err(NotCommitted::Unconfirmed(why)) => {
            return Err(Problem::unavailable(format!(
                "the drill may not have begun ({why}); look at the alerts before starting another"
            )));
        }
    }
    console
        .store
        .append_audit(&AuditEntry {
            at: now,
            actor: drill.actor.clone(),
            action: "drill.start".to_owned(),
            object: id,
            detail: format!("{} {}", drill.brand, drill.topic),
        })
        .await?;
    Ok((
        StatusCode::ACCEPTED,
        Json(Started {
            alert,
            topic: drill.topic,
            severity: drill.severity,
        }),
    ))
}
