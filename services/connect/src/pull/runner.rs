//! What one source is asked with: its connector, its plan, the way out and the clock, all of which a test may replace.

use std::collections::BTreeMap;
use std::time::Instant;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::PullConnector;
use super::config::Plan;
use super::http::{HttpTransport, Transport};
use super::schedule::Turn;
use super::telling::Telling;
use super::walk::Walk;
use crate::connector::{PullContext, PullInput};
use crate::ingest::Submitter;
use crate::staging::Batch;

/// Hints that wait at most. More come only while the source is held up, and its next walk finds what they speak of.
const MAX_HINTS: usize = 1_024;

/// What a push says of a stream.
#[derive(Debug)]
pub(super) struct Hint {
    pub(super) stream: String,
    pub(super) said: Value,
}

/// Where pushes say that there is news.
#[derive(Debug, Clone)]
pub(crate) struct Hints {
    to: mpsc::Sender<Hint>,
}

impl Hints {
    /// The stream is walked at once, with what the push said of it. A hint that finds no room is dropped: the walk on the
    /// schedule finds the same.
    pub(crate) fn send(&self, stream: &str, said: Value) {
        let hint = Hint {
            stream: stream.to_owned(),
            said,
        };
        if self.to.try_send(hint).is_err() {
            tracing::debug!(
                stream,
                "dropped a hint, the walk on the schedule finds the same"
            );
        }
    }
}

/// A stream's cursor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Position<S> {
    /// The connector's own state.
    pub(super) state: S,
    /// When an answer was taken last (UTC).
    pub(super) last_ok_at: Option<Timestamp>,
}

/// A stream and where it stands.
pub(super) struct Stream<S> {
    pub(super) name: String,
    pub(super) turn: Turn,
    pub(super) position: Position<S>,
    pub(super) committed_at: Option<Instant>,
    /// Whether the last request was refused for its token, and the token renewed since.
    pub(super) renewed: bool,
    /// The last answer that could never succeed and was not passed: it is a dead letter already.
    pub(super) refused: Option<String>,
}

/// Where batches become durable.
#[async_trait]
pub(super) trait Sink: Send + Sync {
    /// Whether the batch is durable now; if not, the service is ending.
    async fn commit(&self, batch: Batch) -> bool;
}

#[async_trait]
impl Sink for Submitter {
    async fn commit(&self, batch: Batch) -> bool {
        match self.submit(batch).await {
            Some(acknowledgement) => acknowledgement.await.is_ok(),
            None => false,
        }
    }
}

/// What tells the time, and waits.
#[async_trait]
pub(super) trait Time: Send + Sync {
    /// The clock that never jumps.
    fn instant(&self) -> Instant;

    /// The clock on the wall.
    fn now(&self) -> Timestamp;

    /// Waits until then.
    async fn sleep_until(&self, at: Instant);
}

struct RealTime;

#[async_trait]
impl Time for RealTime {
    fn instant(&self) -> Instant {
        Instant::now()
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep_until(&self, at: Instant) {
        tokio::time::sleep_until(at.into()).await;
    }
}

/// The runner of one source.
pub(crate) struct PullRunner<C: PullConnector> {
    pub(super) name: String,
    pub(super) connector: C,
    pub(super) plan: Plan,
    pub(super) transport: Box<dyn Transport>,
    pub(super) hints: mpsc::Receiver<Hint>,
    pub(super) time: Box<dyn Time>,
}

impl<C: PullConnector> PullRunner<C> {
    /// The runner of the source `name`, and the way for pushes to tell it that there is news.
    pub(crate) fn new(name: &str, connector: C, plan: Plan) -> Result<(Self, Hints), String> {
        let transport = HttpTransport::new(plan.within, plan.max_answer_bytes, plan.allow_private)?;
        let transport = Box::new(transport);
        Ok(Self::over(
            name,
            connector,
            plan,
            transport,
            Box::new(RealTime),
        ))
    }

    pub(super) fn over(
        name: &str,
        connector: C,
        plan: Plan,
        transport: Box<dyn Transport>,
        time: Box<dyn Time>,
    ) -> (Self, Hints) {
        let (to, hints) = mpsc::channel(MAX_HINTS);
        let runner = Self {
            name: name.to_owned(),
            connector,
            plan,
            transport,
            hints,
            time,
        };
        (runner, Hints { to })
    }

    /// Walks until shutdown.
    pub(super) async fn walk(
        self,
        positions: &BTreeMap<String, Value>,
        sink: &dyn Sink,
        tell: Telling,
        shutdown: &CancellationToken,
    ) {
        self.connector.restore(positions);
        let now = self.time.instant();
        let streams = self
            .connector
            .streams()
            .into_iter()
            .map(|stream| self.restored(stream, positions, now))
            .collect();
        Walk::new(self, streams, sink, tell).run(shutdown).await;
    }

    fn restored(
        &self,
        name: String,
        positions: &BTreeMap<String, Value>,
        now: Instant,
    ) -> Stream<C::State> {
        let position = positions.get(&name).and_then(|value| {
            serde_json::from_value(value.clone())
                .inspect_err(|error| {
                    tracing::warn!(source = %self.name, stream = %name, %error,
                        "the cursor cannot be read; the stream starts over, repeats are recognised by their ids");
                })
                .ok()
        });
        Stream {
            turn: Turn::new(now),
            position: position.unwrap_or_else(|| Position {
                state: C::State::default(),
                last_ok_at: None,
            }),
            committed_at: None,
            renewed: false,
            refused: None,
            name,
        }
    }
}

#[async_trait]
impl<C: PullConnector> PullInput for PullRunner<C> {
    fn is_remote(&self) -> bool {
        true
    }

    async fn run(self: Box<Self>, context: PullContext) {
        let tell = Telling {
            source: self.name.clone(),
            progress: context.progress,
            health: context.health,
        };
        self.walk(
            &context.positions,
            &context.submitter,
            tell,
            &context.shutdown,
        )
        .await;
    }

    #[cfg(test)]
    fn classes(&self, content: &[u8]) -> Vec<&'static str> {
        let answer = answered(content);
        let mut staging = crate::staging::Staging::new(&self.name);
        let streams = self.connector.streams().into_iter();
        let taken = streams.map(|stream| {
            let (mut state, now) = (C::State::default(), crate::fuzzing::AT);
            let connector = &self.connector;
            connector.take(&stream, &mut state, &answer, now, &mut staging)
        });
        taken
            .map(|taken| taken.map_or_else(|trouble| trouble.class().name(), |_| "ok"))
            .collect()
    }

    #[cfg(any(test, feature = "fuzzing"))]
    fn digest(&self, content: &[u8], staging: &mut crate::staging::Staging) {
        let answer = answered(content);
        // As a token, and as a page of each stream, with its state moved on by the page before.
        drop(self.connector.token(&answer));
        let now = crate::fuzzing::AT;
        for stream in self.connector.streams() {
            let mut state = C::State::default();
            for _ in 0..2 {
                drop(
                    self.connector
                        .take(&stream, &mut state, &answer, now, staging),
                );
                drop(self.connector.request(&stream, &state, "token", now));
            }
        }
    }
}

#[cfg(any(test, feature = "fuzzing"))]
fn answered(content: &[u8]) -> super::Answer {
    super::Answer {
        status: reqwest::StatusCode::OK,
        headers: reqwest::header::HeaderMap::new(),
        body: content.to_vec(),
        place: "https://platform.example.com/".to_owned(),
    }
}
