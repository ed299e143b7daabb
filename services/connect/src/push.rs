//! A push is answered with success only once it is durable: size → signature → parse → publish → answer. A refused
//! sender gets the reason, also while it still sends.
//!
//! All pushed sources share one server, one bound on the bytes of requests being read, and this one way through; a
//! source says only how it verifies and parses.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::StreamExt;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use wensheng_bus::StageState;

use crate::ingest::{NotTaken, Submitter};
use crate::metrics::REQUESTS;
use crate::staging::Staging;

/// A sender has this long to send its body; a slower one holds memory that others need.
const BODY_WITHIN: Duration = Duration::from_secs(30);

/// A push is answered within this time, durable or not. Chinese platforms send again after 5 s.
const ANSWER_WITHIN: Duration = Duration::from_millis(4_500);

/// Of a request that is refused, no more than this is still read …
const DISCARD_BYTES: usize = 16 << 20;

/// … for no longer than this. Most senders read the answer only once they have sent their body; of a connection that is
/// closed while they still send, they see a broken pipe instead of the reason.
const DISCARD_WITHIN: Duration = Duration::from_secs(5);

/// Seconds after which a sender may try again while the bus is away.
const RETRY_AFTER: &str = "5";

/// A pushed source: how it verifies and parses.
pub(crate) trait PushInput: Send + Sync {
    /// No body may be longer.
    fn max_body_bytes(&self) -> usize;

    /// Refuses a sender by its headers alone, before the body is read.
    fn admit(&self, headers: &HeaderMap) -> Result<(), Refusal>;

    /// Verifies the body.
    fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), Refusal>;

    /// Stages what the body holds: events, and dead letters for wrong items.
    fn parse(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<Accepted, Refusal>;
}

/// Why a push is refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// What was wrong and what to do.
    pub(crate) reason: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.into(),
        }
    }
}

/// What became of a push, item by item: the answer's body.
#[derive(Debug, Default, Serialize, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// Items taken in.
    pub(crate) accepted: u64,
    /// Items that went to dead-letters.
    pub(crate) rejected: Vec<Rejected>,
    /// Names of fields that nothing is known of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) ignored_fields: Vec<String>,
}

/// An item that was refused.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// Its place in the array, from 0.
    pub(crate) index: usize,
    /// What was wrong and what to do.
    pub(crate) reason: String,
}

/// A source behind the server.
pub(crate) struct PushSource {
    name: String,
    input: Box<dyn PushInput>,
    submitter: Submitter,
}

impl PushSource {
    pub(crate) fn new(name: &str, input: Box<dyn PushInput>, submitter: Submitter) -> Self {
        Self {
            name: name.to_owned(),
            input,
            submitter,
        }
    }
}

/// The server of all pushed sources.
pub(crate) struct PushServer {
    sources: BTreeMap<String, PushSource>,
    memory: Arc<Semaphore>,
    max_bytes: usize,
}

impl PushServer {
    /// Serves these sources; bodies of at most `max_bytes` together are in memory.
    pub(crate) fn new(sources: impl Iterator<Item = PushSource>, max_bytes: usize) -> Self {
        Self {
            sources: sources
                .map(|source| (source.name.clone(), source))
                .collect(),
            memory: Arc::new(Semaphore::new(max_bytes.min(Semaphore::MAX_PERMITS))),
            max_bytes: max_bytes.min(Semaphore::MAX_PERMITS),
        }
    }

    /// Serves until shutdown; requests in hand are answered.
    pub(crate) async fn serve(
        self,
        listener: tokio::net::TcpListener,
        health: watch::Sender<StageState>,
        shutdown: CancellationToken,
    ) {
        let router = Router::new()
            .route("/ingest/{source}", post(take))
            .with_state(Arc::new(self));
        health.send_replace(StageState::Running);
        let served = axum::serve(listener, router)
            .with_graceful_shutdown(shutdown.cancelled_owned())
            .await;
        health.send_replace(match served {
            Ok(()) => StageState::Stopped,
            Err(error) => StageState::Failed(error.to_string()),
        });
    }
}

async fn take(
    State(server): State<Arc<PushServer>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let mut body = body.into_data_stream();
    let Some(source) = server.sources.get(&name) else {
        discard(&headers, &mut body).await;
        // Not counted: the label would be whatever a stranger sends.
        return refuse(&Refusal::new(
            StatusCode::NOT_FOUND,
            "no source of that name; use the `name` of a webhook source",
        ));
    };
    let response = match server.take(source, &headers, &mut body).await {
        Ok(accepted) => answer(StatusCode::OK, &accepted),
        Err(refusal) => {
            tracing::debug!(source = %name, status = refusal.status.as_u16(), reason = %refusal.reason, "refused a push");
            discard(&headers, &mut body).await;
            refuse(&refusal)
        }
    };
    let status = response.status().as_u16().to_string();
    metrics::counter!(REQUESTS, "source" => name, "status" => status).increment(1);
    response
}

impl PushServer {
    async fn take(
        &self,
        source: &PushSource,
        headers: &HeaderMap,
        body: &mut BodyDataStream,
    ) -> Result<Accepted, Refusal> {
        source.input.admit(headers)?;
        let (body, memory) = self.read(source, headers, body).await?;
        let now = Timestamp::now();
        source.input.verify(headers, &body, now)?;
        let mut staging = Staging::new(&source.name);
        let accepted = source.input.parse(headers, &body, now, &mut staging)?;
        drop(body);
        drop(memory);
        if staging.is_empty() {
            return Ok(accepted);
        }
        let acknowledgement = source
            .submitter
            .try_submit(staging.take())
            .map_err(|not_taken| {
                unavailable(match not_taken {
                    NotTaken::Waiting => "the bus is away; send again later",
                    NotTaken::Full => "too much is waiting to be stored; send again later",
                    NotTaken::Ending => "the service is ending; send again later",
                })
            })?;
        match tokio::time::timeout(ANSWER_WITHIN, acknowledgement).await {
            Ok(Ok(())) => Ok(accepted),
            Ok(Err(_)) => Err(unavailable("the service is ending; send again later")),
            // It may still become durable: sent again, its ids are the same.
            Err(_) => Err(unavailable("not stored in time; send again later")),
        }
    }

    /// The body, and the memory it takes.
    async fn read(
        &self,
        source: &PushSource,
        headers: &HeaderMap,
        body: &mut BodyDataStream,
    ) -> Result<(Vec<u8>, OwnedSemaphorePermit), Refusal> {
        let limit = source.input.max_body_bytes();
        let too_large = || {
            Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "the body has more than {limit} bytes; send fewer events at once, or raise `max_body_bytes`"
                ),
            )
        };
        let announced = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        // A body that may be larger than the bound is read alone.
        let bytes = announced.unwrap_or(limit).clamp(1, self.max_bytes.max(1));
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        let memory = self.memory.clone();
        let memory = memory
            .try_acquire_many_owned(permits)
            .map_err(|_| unavailable("too many requests at once; send again later"))?;
        let mut bytes = Vec::with_capacity(announced.unwrap_or(0));
        let read = async {
            while let Some(chunk) = body.next().await {
                let chunk = chunk.map_err(|error| {
                    Refusal::new(
                        StatusCode::BAD_REQUEST,
                        format!("the body broke off: {error}"),
                    )
                })?;
                if bytes.len() + chunk.len() > limit {
                    return Err(too_large());
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok(())
        };
        match tokio::time::timeout(BODY_WITHIN, read).await {
            Ok(outcome) => outcome?,
            Err(_) => {
                return Err(Refusal::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "the body took too long; send it faster",
                ));
            }
        }
        Ok((bytes, memory))
    }
}

/// Reads on what a refused sender still sends, and keeps nothing of it. Who asks before sending (`Expect:
/// 100-continue`) has sent nothing yet, and is not asked to.
async fn discard(headers: &HeaderMap, body: &mut BodyDataStream) {
    if headers.contains_key(header::EXPECT) {
        return;
    }
    let read = async {
        let mut left = DISCARD_BYTES;
        while let Some(Ok(chunk)) = body.next().await {
            match left.checked_sub(chunk.len()) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    // What is still to come after this ends the connection.
    tokio::time::timeout(DISCARD_WITHIN, read).await.ok();
}

fn unavailable(reason: &str) -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason)
}

fn refuse(refusal: &Refusal) -> Response {
    let mut response = answer(
        refusal.status,
        &serde_json::json!({"error": refusal.reason}),
    );
    let headers = response.headers_mut();
    match refusal.status {
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        }
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        _ => {}
    }
    response
}

fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    (status, axum::Json(body)).into_response()
}
