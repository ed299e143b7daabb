//! A receiver of pushes, as a customer would write one: it verifies the Standard Webhooks signature of whatever comes.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::process::eventually;
use crate::signature;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A push as it came.
#[derive(Debug, Clone)]
pub(crate) struct Push {
    pub(crate) id: String,
    pub(crate) signature_is_valid: bool,
    pub(crate) came_at: Timestamp,
    pub(crate) body: Value,
}

impl Push {
    /// `alert.raised`, `alert.nudge`, …
    pub(crate) fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default()
    }

    /// The alert as it stood.
    pub(crate) fn alert(&self) -> &Value {
        &self.body["data"]["alert"]
    }
}

/// It listens until the test ends.
#[derive(Clone)]
pub(crate) struct Receiver {
    address: String,
    desk: Desk,
}

/// What comes, and what is taken for fresh.
#[derive(Clone)]
struct Desk {
    pushes: Arc<Mutex<Vec<Push>>>,
    tolerance_seconds: Arc<AtomicI64>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("an address");
        let address = listener.local_addr().expect("its address").to_string();
        let desk = Desk {
            pushes: Arc::default(),
            // What Standard Webhooks advises.
            tolerance_seconds: Arc::new(AtomicI64::new(300)),
        };
        let router = Router::new()
            .route("/hook", post(receive))
            .with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, desk }
    }

    /// From now on the sender's clock may be this far from its own.
    pub(crate) fn tolerate(&self, seconds: i64) {
        self.desk
            .tolerance_seconds
            .store(seconds, Ordering::Relaxed);
    }

    /// The part of the configuration that tells the service of it, at each of `levels` once.
    pub(crate) fn settings(&self, levels: &[&str]) -> Value {
        let receivers: Vec<Value> = levels
            .iter()
            .map(|level| {
                json!({
                    "kind": "webhook", "name": format!("desk-{level}"), "level": level,
                    "url": format!("http://{}/hook", self.address), "secret": SECRET, "per_minute": 60_000,
                })
            })
            .collect();
        json!({ "notify": { "allow_private_targets": true, "receivers": receivers } })
    }

    pub(crate) fn pushes(&self) -> Vec<Push> {
        self.desk.pushes.lock().expect("nobody panicked").clone()
    }

    /// Waits for a push that `is_it`.
    pub(crate) async fn push(&self, what: &str, is_it: impl Fn(&Push) -> bool) -> Push {
        eventually(what, async || {
            self.pushes().into_iter().find(|push| is_it(push))
        })
        .await
    }
}

async fn receive(State(desk): State<Desk>, headers: HeaderMap, body: Bytes) {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let (id, seconds) = (header("webhook-id"), header("webhook-timestamp"));
    let expected = signature::of(SECRET, id, seconds, &body);
    let came_at = Timestamp::now();
    let tolerance = desk.tolerance_seconds.load(Ordering::Relaxed);
    let is_fresh = seconds
        .parse::<i64>()
        .is_ok_and(|sent| (came_at.as_second() - sent).abs() <= tolerance);
    let push = Push {
        id: id.to_owned(),
        signature_is_valid: is_fresh
            && header("webhook-signature")
                .split(' ')
                .any(|given| given == expected),
        came_at,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    desk.pushes.lock().expect("nobody panicked").push(push);
}
