//! The page trades its token for a cookie that scripts cannot read.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wensheng_store::{AuditEntry, Role, Token};

use crate::Console;
use crate::auth::{Peer, Visitor, cookie, verify};
use crate::problem::Problem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    token: String,
}

/// Who the visitor is, and what the visitor may do.
#[derive(Serialize)]
pub(crate) struct Me {
    now: Timestamp,
    name: String,
    role: Role,
    may_act: bool,
    time_zone: String,
    version: &'static str,
}

impl Me {
    fn of(token: Token, console: &Console) -> Self {
        Self {
            now: Timestamp::now(),
            name: token.name,
            may_act: token.role >= Role::Responder,
            role: token.role,
            time_zone: console.zone_name.to_string(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// `POST /api/v1/login`
pub(crate) async fn login(
    State(console): State<Console>,
    Peer(peer): Peer,
    body: Result<Json<Login>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(Login { token: secret }) = body?;
    let entry = |actor: &str, action: &str| AuditEntry {
        at: Timestamp::now(),
        actor: actor.to_owned(),
        action: action.to_owned(),
        object: "console".to_owned(),
        detail: format!("from {peer}"),
    };
    let token = match verify(&console, peer, secret.trim()).await {
        Ok(token) => token,
        Err(problem) => {
            console
                .store
                .append_audit(&entry("unknown", "login.refused"))
                .await?;
            return Err(problem);
        }
    };
    console
        .store
        .append_audit(&entry(&token.name, "login"))
        .await?;
    let kept = cookie(Some(secret.trim()), console.secure_cookie);
    let me = Json(Me::of(token, &console));
    Ok(([(header::SET_COOKIE, kept)], me).into_response())
}

/// `POST /api/v1/logout`
pub(crate) async fn logout(State(console): State<Console>) -> impl IntoResponse {
    let cleared = cookie(None, console.secure_cookie);
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cleared)])
}

/// `GET /api/v1/me`
pub(crate) async fn me(State(console): State<Console>, Visitor(token): Visitor) -> Json<Me> {
    Json(Me::of(token, &console))
}
