//! The operations endpoint: `/healthz`, `/readyz` and `/metrics` answer as long as the process lives.

use std::net::SocketAddr;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use thiserror::Error;
use wensheng_bus::StageState;

use crate::{Handle, Health, HealthReport, Telemetry};

/// The operations endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OpsConfig {
    /// Where it listens. Open only to those who run the service.
    pub listen: String,
    /// While a role of this process has more records than this to read, `/readyz` says 503 and that it is catching up.
    /// The default, 100000, is some seconds of `enrich` at full speed. `null`: however far it is behind, it is ready;
    /// for a process whose console people should reach while a year of history is read in.
    pub ready_lag: Option<u64>,
}

impl Default for OpsConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:9464".to_owned(),
            ready_lag: Some(100_000),
        }
    }
}

/// Why the endpoint does not answer.
#[derive(Debug, Error)]
#[error("serve operations on {listen}: {source}; set `ops.listen` to a free address")]
pub struct OpsError {
    /// The address tried.
    pub listen: String,
    /// Why.
    pub source: std::io::Error,
}

/// Binds the endpoint, and serves it until shutdown. Returns the address once it is bound.
///
/// # Errors
/// When the address cannot be bound.
pub async fn serve_ops(
    config: &OpsConfig,
    telemetry: Telemetry,
    handle: &Handle,
) -> Result<SocketAddr, OpsError> {
    let failed = |source| OpsError {
        listen: config.listen.clone(),
        source,
    };
    let listener = tokio::net::TcpListener::bind(&config.listen)
        .await
        .map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let health = handle.health.clone();
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(health)
        .route("/metrics", get(move || metrics(telemetry.clone())));
    let shutdown = handle.shutdown.clone();
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router)
            .with_graceful_shutdown(shutdown.cancelled_owned())
            .await
        {
            tracing::error!(%error, "operations endpoint ended");
        }
    });
    Ok(address)
}

async fn healthz(State(health): State<Health>) -> Response {
    let report = health.report();
    answer(report.is_alive(), &report)
}

async fn readyz(State(health): State<Health>) -> Response {
    let report = health.report();
    answer(report.is_ready(), &report)
}

async fn metrics(telemetry: Telemetry) -> Response {
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        telemetry.render(),
    )
        .into_response()
}

fn answer(good: bool, report: &HealthReport) -> Response {
    let status = if good {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let tasks: serde_json::Map<String, serde_json::Value> = report
        .tasks
        .iter()
        .map(|(name, state)| (name.clone(), describe(state)))
        .collect();
    (status, Json(json!({ "ok": good, "tasks": tasks }))).into_response()
}

fn describe(state: &StageState) -> serde_json::Value {
    match state {
        StageState::Starting => json!({ "state": "starting" }),
        StageState::Running => json!({ "state": "running" }),
        StageState::Waiting(reason) => json!({ "state": "waiting", "for": reason }),
        StageState::Stopped => json!({ "state": "stopped" }),
        StageState::Failed(reason) => json!({ "state": "failed", "reason": reason }),
    }
}
