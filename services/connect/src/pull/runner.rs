//! One task asks for one source: stream by stream, page by page, each page committed before the next is asked for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use wensheng_bus::StageState;
use wensheng_runtime::Secret;

use super::config::Plan;
use super::http::{Answer, HttpTransport, Request, Transport};
use super::pace::Pace;
use super::patience::{Breaker, throttled};
use super::schedule::Turn;
use super::token::TokenCache;
use super::trouble::Trouble;
use super::{Next, PullConnector};
use crate::connector::{PullContext, PullInput};
use crate::ingest::Submitter;
use crate::metrics::{PULL_LAST_OK, PULL_REQUESTS, PULL_STOPPED};
use crate::progress::Tracker;
use crate::staging::{Batch, Staging};

/// Hints that wait at most. More come only while the source is held up, and its next walk finds what they speak of.
const MAX_HINTS: usize = 1_024;

/// A quiet stream commits that it is well no more often than this.
const QUIET_COMMIT: Duration = Duration::from_secs(60);

/// What a push says of a stream.
#[derive(Debug)]
struct Hint {
    stream: String,
    said: Value,
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
struct Position<S> {
    /// The connector's own state.
    state: S,
    /// When an answer was taken last (UTC).
    last_ok_at: Option<Timestamp>,
}

struct Stream<S> {
    name: String,
    turn: Turn,
    position: Position<S>,
    committed_at: Option<Instant>,
    /// Whether the last request was refused for its token, and the token renewed since.
    renewed: bool,
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
    name: String,
    connector: Arc<C>,
    plan: Plan,
    transport: Box<dyn Transport>,
    hints: mpsc::Receiver<Hint>,
    time: Box<dyn Time>,
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
            connector: Arc::new(connector),
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
        let now = self.time.instant();
        let streams = self
            .connector
            .streams()
            .into_iter()
            .map(|stream| self.restored(stream, positions, now))
            .collect();
        let mut walk = Walk {
            streams,
            pace: Pace::new(self.plan.per_minute, now),
            breaker: Breaker::default(),
            token: TokenCache::default(),
            held_until: now,
            runner: self,
            sink,
            tell,
        };
        walk.run(shutdown).await;
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

    #[cfg(any(test, feature = "fuzzing"))]
    fn digest(&self, content: &[u8], staging: &mut crate::staging::Staging) {
        let answer = super::Answer {
            status: reqwest::StatusCode::OK,
            headers: reqwest::header::HeaderMap::new(),
            body: content.to_vec(),
            place: "https://platform.example.com/".to_owned(),
        };
        // As a token, and as a page of each stream, with its state moved on by the page before.
        drop(self.connector.token(&answer));
        let now = Timestamp::UNIX_EPOCH;
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

/// Where a source tells how it fares.
pub(super) struct Telling {
    pub(super) source: String,
    pub(super) progress: Tracker,
    pub(super) health: watch::Sender<StageState>,
}

impl Telling {
    fn requested(&self, class: &'static str) {
        metrics::counter!(PULL_REQUESTS, "source" => self.source.clone(), "class" => class)
            .increment(1);
    }

    fn well(&self, stream: &str, now: Timestamp) {
        metrics::gauge!(PULL_LAST_OK, "source" => self.source.clone(), "stream" => stream.to_owned())
            .set(now.as_millisecond() as f64 / 1e3);
    }

    /// How all streams fare.
    fn all<S>(&self, streams: &[Stream<S>]) {
        let failures: Vec<String> = streams
            .iter()
            .filter_map(|stream| {
                let trouble = stream.turn.trouble()?;
                let stopped = if stream.turn.is_stopped() {
                    "stopped until it is mended and the service started again: "
                } else {
                    ""
                };
                Some(if stream.name.is_empty() {
                    format!("{stopped}{trouble}")
                } else {
                    format!("{}: {stopped}{trouble}", stream.name)
                })
            })
            .collect();
        let stopped = streams.iter().filter(|s| s.turn.is_stopped()).count();
        metrics::gauge!(PULL_STOPPED, "source" => self.source.clone()).set(stopped as f64);
        let state = match failures.as_slice() {
            [] => StageState::Running,
            failures => StageState::Waiting(failures.join("; ")),
        };
        self.health.send_if_modified(|told| {
            let changed = *told != state;
            *told = state;
            changed
        });
        let through = streams
            .iter()
            .all(|stream| stream.turn.is_through || stream.turn.is_stopped());
        self.progress.update(&self.source, |progress| {
            progress.failures = failures;
            progress.through = through;
        });
    }
}

/// What is to be done next.
enum Turned {
    Ending,
    Hint(Hint),
    Serve(usize),
}

struct Walk<'a, C: PullConnector> {
    runner: PullRunner<C>,
    streams: Vec<Stream<C::State>>,
    pace: Pace,
    breaker: Breaker,
    token: TokenCache,
    /// Before this, nothing of the source is asked: the platform said so.
    held_until: Instant,
    sink: &'a dyn Sink,
    tell: Telling,
}

impl<C: PullConnector> Walk<'_, C> {
    async fn run(&mut self, shutdown: &CancellationToken) {
        self.tell.all(&self.streams);
        loop {
            match self.next(shutdown).await {
                Turned::Ending => break,
                Turned::Hint(hint) => self.hint(&hint),
                Turned::Serve(index) => {
                    let served = tokio::select! {
                        biased;
                        // An answer under way is dropped: nothing of it was staged, and it is asked for again.
                        () = shutdown.cancelled() => false,
                        served = self.serve(index) => served,
                    };
                    if !served {
                        break;
                    }
                    self.tell.all(&self.streams);
                }
            }
        }
        self.tell.health.send_replace(StageState::Stopped);
    }

    /// Waits for the stream that is due first, for the platform's sake no earlier than the pace allows.
    async fn next(&mut self, shutdown: &CancellationToken) -> Turned {
        let now = self.runner.time.instant();
        let first = self
            .streams
            .iter()
            .enumerate()
            .filter_map(|(index, stream)| Some((stream.turn.due()?, index)))
            .min();
        let held = self.held_until;
        let open = self.breaker.open_until().unwrap_or(now);
        let paced = now + self.pace.wait(now);
        let time = &self.runner.time;
        let turn = async {
            match first {
                Some((due, index)) => {
                    time.sleep_until(due.max(held).max(open).max(paced)).await;
                    index
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = shutdown.cancelled() => Turned::Ending,
            // Before the turn, so that what is asked next knows of it.
            Some(hint) = self.runner.hints.recv() => Turned::Hint(hint),
            index = turn => Turned::Serve(index),
        }
    }

    fn hint(&mut self, hint: &Hint) {
        let now = self.runner.time.instant();
        for stream in &mut self.streams {
            if stream.name == hint.stream {
                let state = &mut stream.position.state;
                self.runner.connector.hint(&hint.stream, state, &hint.said);
                stream.turn.hinted(now);
            }
        }
    }

    /// One request of a stream. False: the service is ending.
    async fn serve(&mut self, index: usize) -> bool {
        let asked = self.ask(index).await;
        let now = self.runner.time.instant();
        let Some(stream) = self.streams.get_mut(index) else {
            return true;
        };
        let (trouble, token) = match asked {
            Ok(Asked::Nothing) => {
                stream.turn.through(now, self.runner.plan.every);
                return true;
            }
            Ok(Asked::Answered(answer, token)) => match self.take(index, &answer, token).await {
                Ok(durable) => return durable,
                Err((trouble, token)) => (trouble, Some(token)),
            },
            Err(trouble) => (trouble, None),
        };
        self.tell.requested(trouble.class());
        self.trouble(index, trouble, token);
        true
    }

    /// Asks for the next page, and for a token before it where that is needed.
    async fn ask(&mut self, index: usize) -> Result<Asked, Trouble> {
        let now = self.runner.time.now();
        let token = match self.runner.connector.token_request(now) {
            None => Secret::default(),
            Some(request) => match self.token.get(self.runner.time.instant()) {
                Some(token) => token.clone(),
                None => self.renew(request).await?,
            },
        };
        let Some(stream) = self.streams.get(index) else {
            return Ok(Asked::Nothing);
        };
        let state = &stream.position.state;
        let request = self
            .runner
            .connector
            .request(&stream.name, state, token.expose(), now)?;
        let Some(request) = request else {
            return Ok(Asked::Nothing);
        };
        self.pace.take(self.runner.time.instant());
        let answer = self.runner.transport.send(request).await?;
        Ok(Asked::Answered(answer, token))
    }

    async fn renew(&mut self, request: Request) -> Result<Secret, Trouble> {
        self.pace.take(self.runner.time.instant());
        let answer = self.runner.transport.send(request).await?;
        let token = match self.runner.connector.token(&answer) {
            Ok(token) => token,
            // The request for a token has no token that could be renewed.
            Err(Trouble::Reauth(reason)) => return Err(Trouble::FatalConfig(reason)),
            Err(trouble) => return Err(trouble),
        };
        let secret = token.secret.clone();
        self.token
            .put(token, self.runner.time.instant(), rand::random());
        Ok(secret)
    }

    /// Takes an answer, and commits what it holds with the state after it. `Ok(false)`: the service is ending.
    async fn take(
        &mut self,
        index: usize,
        answer: &Answer,
        token: Secret,
    ) -> Result<bool, (Trouble, Secret)> {
        let Some(stream) = self.streams.get_mut(index) else {
            return Ok(true);
        };
        let now = self.runner.time.now();
        let mut staging = Staging::new(&self.runner.name);
        let mut state = stream.position.state.clone();
        let taken = self
            .runner
            .connector
            .take(&stream.name, &mut state, answer, now, &mut staging);
        let next = match taken {
            Ok(next) => next,
            Err(Trouble::FatalItem(reason)) => {
                staging = Staging::new(&self.runner.name);
                staging.dead_letter(&answer.place, None, &reason, &answer.body, now);
                self.tell.requested("fatal-item");
                // A state that stands still would ask for the same again.
                if state == stream.position.state {
                    Next::Through
                } else {
                    Next::More
                }
            }
            Err(trouble) => return Err((trouble, token)),
        };
        let moved = state != stream.position.state;
        let at = self.runner.time.instant();
        let position = Position {
            state,
            last_ok_at: Some(now),
        };
        let told = stream
            .committed_at
            .is_some_and(|committed| at < committed + QUIET_COMMIT);
        if moved || !staging.is_untouched() || !told {
            let value = serde_json::to_value(&position).map_err(|error| {
                let reason = format!("the cursor cannot be written: {error}; please report this");
                (Trouble::FatalConfig(reason), token)
            })?;
            staging.cursor(&stream.name, value, now);
            if !self.sink.commit(staging.take()).await {
                return Ok(false);
            }
            stream.committed_at = Some(self.runner.time.instant());
        }
        stream.position = position;
        stream.renewed = false;
        let at = self.runner.time.instant();
        match next {
            Next::More if moved => stream.turn.goes_on(at),
            Next::More => {
                tracing::warn!(source = %self.runner.name, stream = %stream.name,
                    "the platform says that there is more, but not where; the walk ends here");
                stream.turn.through(at, self.runner.plan.every);
            }
            Next::Through => stream.turn.through(at, self.runner.plan.every),
        }
        self.breaker.answered();
        self.tell.requested("ok");
        self.tell.well(&stream.name, now);
        Ok(true)
    }

    fn trouble(&mut self, index: usize, trouble: Trouble, token: Option<Secret>) {
        let now = self.runner.time.instant();
        let Some(stream) = self.streams.get_mut(index) else {
            return;
        };
        let source = &self.runner.name;
        let random: f64 = rand::random();
        match trouble {
            Trouble::Throttle { wait, reason } => {
                self.pace.lower(now);
                let wait = wait.unwrap_or_else(|| throttled(random));
                self.held_until = self.held_until.max(now + wait);
                tracing::info!(source, stream = %stream.name, wait_s = wait.as_secs(), reason, "throttled");
                stream.turn.held_up(now + wait, reason);
            }
            Trouble::Reauth(reason) => match token.filter(|token| !token.is_empty()) {
                Some(token) if !stream.renewed => {
                    self.token.refused(&token);
                    stream.renewed = true;
                    stream.turn.held_up(now, reason);
                }
                // A new token is refused, too: perhaps somebody else takes tokens of the same account.
                Some(token) => {
                    self.token.refused(&token);
                    self.failed(index, reason, now, random);
                }
                None => self.stop(index, reason),
            },
            Trouble::FatalConfig(reason) => self.stop(index, reason),
            Trouble::Retry(reason) | Trouble::FatalItem(reason) => {
                self.failed(index, reason, now, random);
            }
        }
    }

    fn failed(&mut self, index: usize, reason: String, now: Instant, random: f64) {
        let open = self.breaker.failed(now, random);
        let Some(stream) = self.streams.get_mut(index) else {
            return;
        };
        stream.renewed = false;
        tracing::warn!(source = %self.runner.name, stream = %stream.name, reason, open, "cannot read, trying again");
        stream.turn.failed(now, reason, random);
    }

    fn stop(&mut self, index: usize, reason: String) {
        if let Some(stream) = self.streams.get_mut(index) {
            tracing::error!(source = %self.runner.name, stream = %stream.name, reason,
                "stopped; mend it and start the service again");
            stream.turn.stop(reason);
        }
    }
}

enum Asked {
    Nothing,
    Answered(Answer, Secret),
}
