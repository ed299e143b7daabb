//! The platform's own verdict decides whether a page is taken; then every item of it is an event or a dead letter.

use jiff::Timestamp;
use serde_json::Value;

use super::config::{HttpPullConfig, SinceBy};
use super::mapper::{stage_item, texts};
use super::paging::State;
use crate::draft::{DraftRules, Place as Origin};
use crate::field::Field;
use crate::pull::{Answer, Next, PullConnector, Request, Token, Trouble};
use crate::staging::Staging;

/// A configured API.
pub(super) struct HttpPull {
    config: HttpPullConfig,
    rules: DraftRules,
}

impl HttpPull {
    pub(super) fn new(config: HttpPullConfig, rules: DraftRules) -> Self {
        Self { config, rules }
    }

    /// What grows from item to item, for the watermark.
    fn saw(&self, state: &mut State, item: &Value) {
        let since = &self.config.since;
        let field = match since.by {
            SinceBy::Time => Field::OccurredAt,
            SinceBy::Id => Field::Id,
        };
        let mapped = self.config.fields.get(&field);
        let path = since
            .path
            .as_ref()
            .or_else(|| mapped.and_then(|paths| paths.each().first()));
        let written = path.and_then(|path| texts(path, item).ok()?.into_iter().next());
        let Some(written) = written else { return };
        match since.by {
            SinceBy::Time => state.saw(self.rules.times.read(&written), None),
            SinceBy::Id => state.saw(None, Some(&written)),
        }
    }
}

impl PullConnector for HttpPull {
    type State = State;

    fn streams(&self) -> Vec<String> {
        vec![String::new()]
    }

    fn token_request(&self, _now: Timestamp) -> Option<Request> {
        self.config.auth.token_request()
    }

    fn token(&self, answer: &Answer) -> Result<Token, Trouble> {
        self.config.auth.token(answer)
    }

    fn request(
        &self,
        _stream: &str,
        state: &State,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Request>, Trouble> {
        self.config.ask().request(state, token, now).map(Some)
    }

    fn take(
        &self,
        _stream: &str,
        state: &mut State,
        answer: &Answer,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<Next, Trouble> {
        let body = self.config.ask().judged(answer)?;
        let items = self.config.ask().items(&self.config.items, &body, answer)?;
        for (index, item) in items.iter().enumerate() {
            let line = Some(index as u64 + 1);
            let place = Origin {
                place: &answer.place,
                line,
            };
            stage_item(&self.config, &self.rules, item, place, now, staging);
            self.saw(state, item);
        }
        state.page(&self.config.ask(), &body, answer, items.len())
    }
}
