//! One task asks for one source: stream by stream, page by page, each page committed before the next is asked for.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use wensheng_bus::StageState;
use wensheng_runtime::Secret;

use super::http::{Answer, Request};
use super::pace::Pace;
use super::patience::{Breaker, throttled};
use super::runner::{Hint, Position, PullRunner, Sink, Stream};
use super::schedule::Stopped;
use super::telling::Telling;
use super::token::TokenCache;
use super::trouble::{Class, Trouble};
use super::{Next, PullConnector};
use crate::staging::Staging;

/// A quiet stream commits that it is well no more often than this.
const QUIET_COMMIT: Duration = Duration::from_secs(60);

/// What is to be done next.
enum Turned {
    Ending,
    Hint(Hint),
    Serve(usize),
}

/// The walks of one source, until the service ends.
pub(super) struct Walk<'a, C: PullConnector> {
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

impl<'a, C: PullConnector> Walk<'a, C> {
    pub(super) fn new(
        runner: PullRunner<C>,
        streams: Vec<Stream<C::State>>,
        sink: &'a dyn Sink,
        tell: Telling,
    ) -> Self {
        let now = runner.time.instant();
        Self {
            streams,
            pace: Pace::new(runner.plan.per_minute, now),
            breaker: Breaker::default(),
            token: TokenCache::default(),
            held_until: now,
            runner,
            sink,
            tell,
        }
    }

    pub(super) async fn run(&mut self, shutdown: &CancellationToken) {
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
            .map(|(index, stream)| (stream.turn.due(), index))
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
            Ok(Asked::Unanswered(trouble, token)) => match self.pass_over(index, &trouble).await {
                Ok(Some(durable)) => return durable,
                Ok(None) => (trouble, Some(token)),
                Err(trouble) => (trouble, Some(token)),
            },
            Err(trouble) => (trouble, None),
        };
        self.tell.requested(trouble.class().name());
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
        Ok(match self.runner.transport.send(request).await {
            Ok(answer) => Asked::Answered(answer, token),
            Err(trouble) => Asked::Unanswered(trouble, token),
        })
    }

    async fn renew(&mut self, request: Request) -> Result<Secret, Trouble> {
        self.pace.take(self.runner.time.instant());
        let answer = self.runner.transport.send(request).await?;
        let token = match self.runner.connector.token(&answer) {
            Ok(token) => token,
            // The request for a token has no token that could be renewed.
            Err(Trouble::Reauth(reason) | Trouble::FatalConfig(reason)) => {
                return Err(Trouble::FatalSource(reason));
            }
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
                self.tell.requested(Class::FatalItem.name());
                if state == stream.position.state {
                    return Ok(self.refused(index, answer, reason, staging, now).await);
                }
                staging.dead_letter(&answer.place, None, &reason, &answer.body, now);
                Next::More
            }
            Err(trouble) => return Err((trouble, token)),
        };
        let durable = self.commit(index, state, staging, next, now).await;
        if matches!(durable, Ok(true)) {
            self.tell.requested("ok");
        }
        durable.map_err(|trouble| (trouble, token))
    }

    /// What can never succeed and was not passed would be asked for again at once: it waits for the next walk, is no sign that
    /// all is well, and is a dead letter once. False: the service is ending.
    async fn refused(
        &mut self,
        index: usize,
        answer: &Answer,
        reason: String,
        mut staging: Staging,
        now: Timestamp,
    ) -> bool {
        let Some(stream) = self.streams.get_mut(index) else {
            return true;
        };
        if stream.refused.as_ref() != Some(&reason) {
            staging.dead_letter(&answer.place, None, &reason, &answer.body, now);
            if !self.sink.commit(staging.take()).await {
                return false;
            }
            stream.refused = Some(reason.clone());
        }
        tracing::warn!(source = %self.runner.name, stream = %stream.name, reason, "cannot be read");
        let until = self.runner.time.instant() + self.runner.plan.every;
        stream.turn.refused(until, Class::FatalItem, reason);
        true
    }

    /// Goes on without what brought no answer, where the connector can. `Some(false)`: the service is ending.
    async fn pass_over(
        &mut self,
        index: usize,
        trouble: &Trouble,
    ) -> Result<Option<bool>, Trouble> {
        let Some(stream) = self.streams.get_mut(index) else {
            return Ok(None);
        };
        let now = self.runner.time.now();
        let mut staging = Staging::new(&self.runner.name);
        let mut state = stream.position.state.clone();
        let connector = &self.runner.connector;
        let Some(next) = connector.unanswered(&stream.name, &mut state, trouble, now, &mut staging)
        else {
            return Ok(None);
        };
        self.tell.requested(trouble.class().name());
        tracing::warn!(source = %self.runner.name, reason = trouble.reason(), "passed over");
        self.commit(index, state, staging, next, now)
            .await
            .map(Some)
    }

    /// Commits what was staged with the state after it, and moves on. `Ok(false)`: the service is ending.
    async fn commit(
        &mut self,
        index: usize,
        state: C::State,
        mut staging: Staging,
        next: Next,
        now: Timestamp,
    ) -> Result<bool, Trouble> {
        let Some(stream) = self.streams.get_mut(index) else {
            return Ok(true);
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
                Trouble::FatalConfig(format!(
                    "the cursor cannot be written: {error}; please report this"
                ))
            })?;
            staging.cursor(&stream.name, value, now);
            if !self.sink.commit(staging.take()).await {
                return Ok(false);
            }
            stream.committed_at = Some(self.runner.time.instant());
        }
        stream.position = position;
        stream.renewed = false;
        stream.refused = None;
        let is_back = stream.turn.stopped() == Some(Stopped::Source);
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
        self.tell.well(&stream.name, now);
        if is_back {
            tracing::info!(source = %self.runner.name, "what stopped it is mended");
            for stream in &mut self.streams {
                stream.turn.source_is_back(at);
            }
        }
        Ok(true)
    }

    fn trouble(&mut self, index: usize, trouble: Trouble, token: Option<Secret>) {
        let now = self.runner.time.instant();
        let Some(stream) = self.streams.get_mut(index) else {
            return;
        };
        let source = &self.runner.name;
        let class = trouble.class();
        match trouble {
            Trouble::Throttle { wait, reason } => {
                self.pace.lower(now);
                let wait = wait.unwrap_or_else(|| throttled(rand::random()));
                self.held_until = self.held_until.max(now + wait);
                tracing::info!(source, stream = %stream.name, wait_s = wait.as_secs(), reason, "throttled");
                stream.turn.held_up(now + wait, class, reason);
            }
            Trouble::Reauth(reason) => match token.filter(|token| !token.is_empty()) {
                Some(token) if !stream.renewed => {
                    self.token.refused(&token);
                    stream.renewed = true;
                    stream.turn.held_up(now, class, reason);
                }
                // A new token is refused, too: perhaps somebody else takes tokens of the same account.
                Some(token) => {
                    self.token.refused(&token);
                    self.failed(index, class, reason, now);
                }
                None => self.stop_all(class, reason),
            },
            Trouble::FatalConfig(reason) | Trouble::TooLong(reason) => {
                self.stop(index, class, reason);
            }
            Trouble::FatalSource(reason) => self.stop_all(class, reason),
            Trouble::Retry(reason) | Trouble::FatalItem(reason) => {
                self.failed(index, class, reason, now);
            }
        }
    }

    fn failed(&mut self, index: usize, class: Class, reason: String, now: Instant) {
        let random: f64 = rand::random();
        let open = self.breaker.failed(now, random);
        let Some(stream) = self.streams.get_mut(index) else {
            return;
        };
        stream.renewed = false;
        tracing::warn!(source = %self.runner.name, stream = %stream.name, reason, open, "cannot read, trying again");
        stream.turn.failed(now, class, reason, random);
    }

    fn stop(&mut self, index: usize, class: Class, reason: String) {
        let now = self.runner.time.instant();
        if let Some(stream) = self.streams.get_mut(index) {
            tracing::error!(source = %self.runner.name, stream = %stream.name, reason,
                "stopped; mend it, it is tried once an hour");
            stream.turn.stop(now, Stopped::Stream, class, reason);
        }
    }

    /// What holds up one stream holds up all of them: none asks with a secret that was refused.
    fn stop_all(&mut self, class: Class, reason: String) {
        let now = self.runner.time.instant();
        tracing::error!(source = %self.runner.name, reason, "stopped; mend it, it is tried once an hour");
        self.token = TokenCache::default();
        for stream in &mut self.streams {
            stream
                .turn
                .stop(now, Stopped::Source, class, reason.clone());
        }
    }
}

enum Asked {
    Nothing,
    /// What went wrong on the way, with the token.
    Unanswered(Trouble, Secret),
    Answered(Answer, Secret),
}
