//! A source that is asked over HTTP is walked page by page: a page's events and how far the source was read are committed
//! together before the next page is asked for, so that a crash anywhere neither loses nor doubles an event.
//!
//! One runner keeps the manners for all of them: a token bucket ([`Pace`](pace::Pace)), waits with full jitter and a
//! circuit breaker ([`patience`]), `Retry-After`, one shared access token that is renewed early and once when it is
//! refused ([`token`]), an address guard and a bound on answers ([`http`]). What a platform's answer means is one of six
//! classes: `ok`, or a [`Trouble`].
//!
//! # How to use it
//!
//! A pull connector is a pure module: given the state, the next request; given the answer, events and the next state.
//!
//! 1. Derive `Serialize, Deserialize, Clone, Default, PartialEq` for its state. It is all that is kept of a stream, the
//!    place within a walk included.
//! 2. Implement [`PullConnector`]. `request` says what to ask next; `take` judges the answer, stages what it holds, moves
//!    the state on, and says whether there is [`More`](Next::More). Start `take` with `answer.judged()?` unless the
//!    platform puts its verdict into the body of refusals, too. What `take` changed is thrown away when it returns a
//!    [`Trouble`], except for [`Trouble::FatalItem`], which commits the state it left and a dead letter.
//! 3. Give the configuration a key `pull: PullConfig`, check it, and build the runner:
//!
//! ```text
//! let plan = self.pull.plan(&Defaults { every: Duration::from_secs(300), per_minute: 60, ..Defaults::DEFAULT });
//! let (runner, hints) = PullRunner::new(&self.name, connector, plan)?;
//! Ok(Input::Pull(Box::new(runner)))                   // or, for a source that is pushed to as well:
//! Ok(Input::Both { push: Box::new(push), pull: Box::new(runner) })
//! ```
//!
//! A push that only says that there is something keeps `hints` and calls [`Hints::send`]: the stream is walked at once,
//! and [`PullConnector::hint`] may put what the push said into the state. Hints that come while one waits are folded into
//! it. A hint is no event: until it is taken up it is only in memory, and the walk on the schedule finds the same.

mod config;
pub(crate) mod http;
mod pace;
mod patience;
mod runner;
mod schedule;
mod telling;
#[cfg(test)]
mod tests;
mod token;
mod trouble;
mod walk;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use config::PullConfig;
pub(crate) use config::{Defaults, check_url};
pub(crate) use http::{Answer, Request, Validators};
pub(crate) use runner::Hints;
pub(crate) use runner::PullRunner;
pub(crate) use token::Token;
pub(crate) use trouble::{Class, Trouble};

use crate::staging::Staging;

/// Whether a walk goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// There is another page to ask for, at once.
    More,
    /// All that is there was read; the next walk begins on the schedule.
    Through,
}

/// A source that is asked over HTTP. Pure: no clock, no network.
pub(crate) trait PullConnector: Send + Sync + 'static {
    /// How far a stream was read.
    type State: Serialize + DeserializeOwned + Clone + Default + PartialEq + Send + Sync;

    /// The streams, each walked for itself: accounts, surveys, timelines. Their names are part of their cursors' keys.
    fn streams(&self) -> Vec<String>;

    /// Takes up what it committed beside its streams' states, before the first request.
    fn restore(&self, _positions: &BTreeMap<String, Value>) {}

    /// The request for an access token, where there is such a thing.
    fn token_request(&self, _now: Timestamp) -> Option<Request> {
        None
    }

    /// The token in the answer to [`Self::token_request`].
    fn token(&self, _answer: &Answer) -> Result<Token, Trouble> {
        Err(Trouble::FatalConfig("has no token".to_owned()))
    }

    /// What to ask next; `None` when there is nothing to ask. `token` is empty where there is none.
    fn request(
        &self,
        stream: &str,
        state: &Self::State,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Request>, Trouble>;

    /// Judges an answer, stages what it holds, and moves the state on.
    fn take(
        &self,
        stream: &str,
        state: &mut Self::State,
        answer: &Answer,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<Next, Trouble>;

    /// What a request that brought no answer comes to, where the walk is to go on without it: the state is moved on, and what is
    /// staged is committed. `None`, and nothing changed, where it is to be asked again or stops the stream, as `trouble` says.
    fn unanswered(
        &self,
        _stream: &str,
        _state: &mut Self::State,
        _trouble: &Trouble,
        _now: Timestamp,
        _staging: &mut Staging,
    ) -> Option<Next> {
        None
    }

    /// Takes up what a push said of a stream.
    fn hint(&self, _stream: &str, _state: &mut Self::State, _hint: &Value) {}
}
