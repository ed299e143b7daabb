//! A refused sender gets the reason, also while it still sends; of the requests being read, no more than the bound is
//! in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::StreamExt;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use wensheng_bus::StageState;

use crate::ingest::{NotTaken, Submitter};
use crate::metrics::REQUESTS;
use crate::push::{Head, PushInput, Refusal, Reply, stage};
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
            .route("/ingest/{source}", get(check).post(take))
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

/// A platform asks whether this address is ours.
async fn check(
    State(server): State<Arc<PushServer>>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Some(source) = server.sources.get(&name) else {
        return unknown_source();
    };
    let head = Head::new(&uri, &headers, Timestamp::now());
    let outcome = source.input.answer_check(&head);
    source.answer(outcome)
}

async fn take(
    State(server): State<Arc<PushServer>>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let mut body = body.into_data_stream();
    let Some(source) = server.sources.get(&name) else {
        discard(&headers, &mut body).await;
        return unknown_source();
    };
    let outcome = server.take(source, &uri, &headers, &mut body).await;
    if outcome.is_err() {
        discard(&headers, &mut body).await;
    }
    source.answer(outcome)
}

impl PushSource {
    /// The answer, counted.
    fn answer(&self, outcome: Result<Reply, Refusal>) -> Response {
        let (status, reply) = match outcome {
            Ok(reply) => (StatusCode::OK, reply),
            Err(refusal) => {
                tracing::debug!(source = %self.name, status = refusal.status.as_u16(), reason = %refusal.reason, "refused a push");
                (refusal.status, self.input.refuse(&refusal))
            }
        };
        let label = status.as_u16().to_string();
        metrics::counter!(REQUESTS, "source" => self.name.clone(), "status" => label).increment(1);
        respond(status, reply)
    }
}

impl PushServer {
    async fn take(
        &self,
        source: &PushSource,
        uri: &Uri,
        headers: &HeaderMap,
        body: &mut BodyDataStream,
    ) -> Result<Reply, Refusal> {
        source
            .input
            .admit(&Head::new(uri, headers, Timestamp::now()))?;
        let (body, memory) = self.read(source, headers, body).await?;
        let head = Head::new(uri, headers, Timestamp::now());
        let content = source.input.open(&head, &body)?;
        let (reply, acknowledgement) = source.submitter.in_order(|submitter| {
            let mut staging = Staging::new(&source.name);
            let input = source.input.as_ref();
            let reply = stage(input, &source.name, &head, &content, &mut staging)?;
            if staging.is_untouched() {
                return Ok((reply, None));
            }
            let submitted = submitter.try_submit(staging.take());
            let acknowledgement = submitted.map_err(|not_taken| {
                unavailable(match not_taken {
                    NotTaken::Waiting => "the bus is away; send again later",
                    NotTaken::Full => "too much is waiting to be stored; send again later",
                    NotTaken::Ending => "the service is ending; send again later",
                })
            })?;
            Ok((reply, Some(acknowledgement)))
        })?;
        drop(content);
        drop(body);
        drop(memory);
        let Some(acknowledgement) = acknowledgement else {
            return Ok(reply);
        };
        match tokio::time::timeout(ANSWER_WITHIN, acknowledgement).await {
            Ok(Ok(())) => Ok(reply),
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
                let chunk = chunk
                    .map_err(|error| Refusal::unreadable(format!("the body broke off: {error}")))?;
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

/// Not counted: the label would be whatever a stranger sends.
fn unknown_source() -> Response {
    let body =
        serde_json::json!({"error": "no source of that name; use the `name` of a pushed source"});
    respond(StatusCode::NOT_FOUND, Reply::json(&body))
}

fn respond(status: StatusCode, reply: Reply) -> Response {
    let mut response = (status, reply.body).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(reply.content_type),
    );
    match status {
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
