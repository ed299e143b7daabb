//! The platform's own verdict decides whether a page is taken; then every item of it is an event or a dead letter.

use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::HeaderName;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use super::config::{HttpPullConfig, MethodChoice, SinceBy};
use super::mapper::{draft, texts};
use super::paging::State;
use super::template::{Place, fill};
use crate::draft::{DraftRules, Place as Origin};
use crate::field::Field;
use crate::json_path::{JsonPath, code, items};
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

    /// The body of an answer that is success in the platform's own words.
    fn judged(&self, answer: &Answer) -> Result<Value, Trouble> {
        let body = answer.json();
        if let (Some(errors), Ok(body)) = (&self.config.errors, &body) {
            let given = errors.path.first(body).map(code);
            let is_one_of = |codes: &[Value]| {
                given
                    .as_deref()
                    .is_some_and(|given| codes.iter().any(|listed| code(listed) == given))
            };
            let reason = || self.refusal(answer, body);
            for (codes, trouble) in [
                (&errors.retry, Trouble::Retry as fn(String) -> Trouble),
                (&errors.reauth, Trouble::Reauth),
                (&errors.fatal, Trouble::FatalConfig),
                (&errors.item, Trouble::FatalItem),
            ] {
                if is_one_of(codes) {
                    return Err(trouble(reason()));
                }
            }
            if is_one_of(&errors.throttle) {
                return Err(Trouble::Throttle {
                    wait: answer.retry_after(),
                    reason: reason(),
                });
            }
        }
        answer.judged()?;
        let body = body?;
        if let Some(success) = &self.config.success {
            let verdict = success.path.first(&body).map(code);
            if verdict != Some(code(&success.equals)) {
                return Err(Trouble::Retry(self.refusal(answer, &body)));
            }
        }
        Ok(body)
    }

    fn refusal(&self, answer: &Answer, body: &Value) -> String {
        let words = |path: Option<&JsonPath>| {
            path.and_then(|path| path.first(body))
                .map(|value| code(value).into_owned())
        };
        let errors = self.config.errors.as_ref();
        let code = words(errors.map(|errors| &errors.path));
        let message = words(errors.and_then(|errors| errors.message.as_ref()));
        match (code, message) {
            (None, None) => format!("{} answered no success: {:?}", answer.place, answer.head()),
            (code, message) => format!(
                "{} refused: {} {}",
                answer.place,
                code.unwrap_or_default(),
                message.unwrap_or_default()
            ),
        }
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
        let config = &self.config;
        let value = |name: &str| state.value(config, name, now);
        let url = match state.link(config) {
            Some(link) => Url::parse(link),
            None => Url::parse(&fill(&config.url, Place::Url, value)),
        };
        let url = url.map_err(|error| Trouble::FatalConfig(format!("url: {error}")))?;
        let mut request = match config.method {
            MethodChoice::Get => Request::get(url),
            MethodChoice::Post => {
                let body = fill(&config.body, Place::Json, value);
                Request::post_text(url, body)
            }
        };
        for (name, value) in &config.headers {
            let header = HeaderName::try_from(name)
                .map_err(|error| Trouble::FatalConfig(format!("headers.{name}: {error}")))?;
            request = request.header(header, value.expose())?;
        }
        config.auth.sign(request, token).map(Some)
    }

    fn take(
        &self,
        _stream: &str,
        state: &mut State,
        answer: &Answer,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<Next, Trouble> {
        let body = self.judged(answer)?;
        let items = items(&self.config.items, &body);
        for (index, item) in items.iter().enumerate() {
            let line = Some(index as u64 + 1);
            let place = Origin {
                place: &answer.place,
                line,
            };
            let event = draft(&self.config, item).and_then(|draft| {
                // Keys are in order, so that the same content is the same id.
                let content = || format!("{:032x}", xxh3_128(item.to_string().as_bytes()));
                draft.into_event(&self.rules, place, now, content)
            });
            match event {
                Ok(event) => staging.event(event),
                Err(reason) => {
                    let payload = item.to_string();
                    staging.dead_letter(place.place, line, &reason, payload.as_bytes(), now);
                }
            }
            self.saw(state, item);
        }
        state.page(&self.config, &body, answer, items.len())
    }
}
