//! Surveys are read through the OpenAPI from the last number that was seen until a page is empty: a page that comes
//! shorter than asked for (the platform gives 10 where it does not like the size) ends nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::WjxApiConfig;
use super::sign::sign;
use super::submission::{Reader, index_of};
use super::titles;
use crate::draft::Place;
use crate::hotline::read::{field, number, text};
use crate::json_path::{JsonPath, items};
use crate::pull::{Answer, Next, PullConnector, Request, Trouble};
use crate::staging::Staging;

/// A page; asked for more than 50, the platform silently gives 10.
const PAGE: u64 = 50;

/// The actions: the list of surveys, and the answers to one.
const LIST: &str = "1000002";
const ANSWERS: &str = "1001002";

/// The platform counts requests by the second.
const CROWDED: Duration = Duration::from_secs(10);

/// How far surveys were read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WjxState {
    /// The last number that was seen of each survey.
    #[serde(default)]
    seen: BTreeMap<String, u64>,
    /// Surveys that are still to be read in the walk under way.
    #[serde(default)]
    pending: Vec<String>,
    /// Pages of the list of surveys that were read in it.
    #[serde(default)]
    listed_pages: u64,
    /// Surveys that were on them.
    #[serde(default)]
    listed_surveys: u64,
    /// Whether the list was read to its end.
    #[serde(default)]
    listed: bool,
    /// The survey whose titles were read in the walk under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    titled: Option<String>,
    /// The platform's clock less ours, in seconds.
    #[serde(default)]
    clock: i64,
    /// Whether the clock was taken from the last answer.
    #[serde(default)]
    reset: bool,
}

impl WjxState {
    /// The survey whose turn it is; `None`: surveys are to be listed first.
    fn current<'a>(&'a self, stream: &'a str) -> Option<&'a str> {
        if !stream.is_empty() {
            return Some(stream);
        }
        let last = self.pending.last().map(String::as_str);
        last.filter(|_| self.listed)
    }

    /// The walk goes on with what is pending, or is at its end.
    fn next(&mut self) -> Next {
        if !self.listed || !self.pending.is_empty() {
            return Next::More;
        }
        self.listed = false;
        self.listed_pages = 0;
        self.listed_surveys = 0;
        Next::Through
    }

    /// The survey whose turn it was is read to its end.
    fn done(&mut self, stream: &str) -> Next {
        self.titled = None;
        if !stream.is_empty() {
            return Next::Through;
        }
        self.pending.pop();
        self.next()
    }
}

pub(super) struct WjxApi {
    pub(super) config: WjxApiConfig,
    pub(super) surveys: Vec<String>,
    pub(super) reader: Arc<Reader>,
}

impl WjxApi {
    fn call(
        &self,
        action: &str,
        parameters: Value,
        state: &WjxState,
        now: Timestamp,
    ) -> Result<Request, Trouble> {
        let config = &self.config;
        let base = config.host.trim_end_matches('/');
        let url = Url::parse_with_params(
            &format!("{base}/openapi/default.aspx"),
            [("action", action)],
        )
        .map_err(|error| Trouble::FatalConfig(format!("`host` is not an address: {error}")))?;
        let mut body: BTreeMap<String, Value> = match parameters {
            Value::Object(parameters) => parameters.into_iter().collect(),
            _ => BTreeMap::new(),
        };
        body.insert("action".to_owned(), json!(action));
        if !config.api_key.is_empty() {
            let bearer = format!("Bearer {}", config.api_key.expose());
            return Request::post_json(url, &json!(body)).header(AUTHORIZATION, &bearer);
        }
        // Good for 30 s, so that it is signed by the platform's clock where that differs from ours.
        let at = now.as_second().saturating_add(state.clock);
        body.insert("appid".to_owned(), json!(config.app_id));
        body.insert("ts".to_owned(), json!(at.to_string()));
        if let Some(encode) = config.hash.encode() {
            body.insert("encode".to_owned(), json!(encode));
        }
        let signature = sign(&body, config.app_key.expose(), config.hash);
        body.insert("sign".to_owned(), json!(signature));
        Ok(Request::post_json(url, &json!(body)))
    }

    /// Whether the titles of this survey are to be read before its answers.
    fn asks_for_titles(&self, state: &WjxState, survey: &str) -> bool {
        self.config.titles && state.titled.as_deref() != Some(survey)
    }

    fn titles_of(&self, survey: &str) -> Result<Request, Trouble> {
        let base = self.config.host.trim_end_matches('/');
        let url = Url::parse_with_params(
            &format!("{base}/handler/IllustrateApi.ashx"),
            [("activityID", survey), ("JSON", "1")],
        );
        url.map(Request::get)
            .map_err(|error| Trouble::FatalConfig(format!("`host` is not an address: {error}")))
    }

    /// Takes the titles of a survey. Answers do not wait for what gives none.
    fn take_titles(
        &self,
        survey: &str,
        answer: &Answer,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<(), Trouble> {
        let map = match answer.judged().and_then(Answer::json) {
            Ok(map) => titles::read(&map),
            Err(trouble @ Trouble::Throttle { .. }) => return Err(trouble),
            Err(trouble) => {
                tracing::warn!(
                    survey,
                    ?trouble,
                    "the titles of its questions are not to be had; questions go by their keys"
                );
                return Ok(());
            }
        };
        if !map.is_empty() && self.reader.titles.put(survey, map.clone()) {
            staging.cursor(&titles::stream_of(survey), json!(map), now);
        }
        Ok(())
    }

    /// What the platform says of itself, HTTP 200 or not.
    fn judged(&self, answer: &Answer) -> Result<Verdict, Trouble> {
        let body = answer.judged()?.json()?;
        if text(&body, "result").is_some_and(|result| matches!(result.as_str(), "true" | "1")) {
            return Ok(Verdict::Good(body));
        }
        let words = text(&body, "errormsg").unwrap_or_else(|| answer.head());
        let told = |what: &str| format!("WJX answered {words:?}: {what}");
        let says = |texts: &[String]| texts.iter().any(|text| words.contains(text.as_str()));
        if says(&self.config.expired_errors) {
            return Ok(Verdict::Expired(words));
        }
        Err(if says(&self.config.fatal_errors) {
            Trouble::FatalConfig(told(
                "check `app_id`, `app_key` or `api_key`, and what they may read",
            ))
        } else if says(&self.config.throttle_errors) {
            Trouble::Throttle {
                wait: Some(answer.retry_after().unwrap_or(CROWDED)),
                reason: told("too many requests"),
            }
        } else {
            Trouble::Retry(told("it is asked again"))
        })
    }

    /// The platform's clock: in its words, or else in the answer's date.
    fn clock(&self, words: &str, answer: &Answer) -> Option<Timestamp> {
        let from = words.find(|c: char| c.is_ascii_digit());
        let to = words.rfind(|c: char| c.is_ascii_digit());
        let written = from.zip(to).and_then(|(from, to)| words.get(from..=to));
        written
            .and_then(|written| self.reader.rules.times.read(written))
            .or_else(|| answer.date())
    }
}

/// What an answer is.
enum Verdict {
    Good(Value),
    /// Our clock and the platform's differ; its words.
    Expired(String),
}

impl PullConnector for WjxApi {
    type State = WjxState;

    fn streams(&self) -> Vec<String> {
        match self.surveys.is_empty() {
            true => vec![String::new()],
            false => self.surveys.clone(),
        }
    }

    fn restore(&self, positions: &BTreeMap<String, Value>) {
        self.reader.titles.restore(positions);
    }

    fn request(
        &self,
        stream: &str,
        state: &WjxState,
        _token: &str,
        now: Timestamp,
    ) -> Result<Option<Request>, Trouble> {
        let request = match state.current(stream) {
            None => {
                let page = json!({"page_index": state.listed_pages + 1, "page_size": PAGE});
                self.call(LIST, page, state, now)
            }
            Some(survey) if self.asks_for_titles(state, survey) => self.titles_of(survey),
            Some(survey) => {
                let seen = state.seen.get(survey).copied().unwrap_or(0);
                let page = json!({
                    "vid": survey, "page_index": 1, "page_size": PAGE, "sort": 0, "min_index": seen,
                });
                self.call(ANSWERS, page, state, now)
            }
        };
        request.map(Some)
    }

    /// Answers do not wait for titles.
    fn unanswered(
        &self,
        stream: &str,
        state: &mut WjxState,
        trouble: &Trouble,
        _now: Timestamp,
        _staging: &mut Staging,
    ) -> Option<Next> {
        let survey = state.current(stream)?.to_owned();
        let asked = self.asks_for_titles(state, &survey);
        if !asked || !matches!(trouble, Trouble::Retry(_) | Trouble::TooLong(_)) {
            return None;
        }
        state.titled = Some(survey);
        Some(Next::More)
    }

    fn take(
        &self,
        stream: &str,
        state: &mut WjxState,
        answer: &Answer,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<Next, Trouble> {
        let current = state.current(stream).map(str::to_owned);
        if let Some(survey) = current.filter(|survey| self.asks_for_titles(state, survey)) {
            self.take_titles(&survey, answer, now, staging)?;
            state.titled = Some(survey);
            return Ok(Next::More);
        }
        let body = match self.judged(answer)? {
            Verdict::Good(body) => body,
            Verdict::Expired(words) => {
                let told =
                    format!("WJX answered {words:?}: set the clock of this machine, or use NTP");
                let Some(theirs) = self.clock(&words, answer).filter(|_| !state.reset) else {
                    return Err(Trouble::Retry(told));
                };
                state.clock = theirs.as_second().saturating_sub(now.as_second());
                state.reset = true;
                return Ok(Next::More);
            }
        };
        state.reset = false;
        let data = field(&body, "data").filter(|data| data.is_object());
        let missing = |what: &str| {
            let (place, head) = (&answer.place, answer.head());
            Trouble::Retry(format!("{place} answered without {what}: {head:?}"))
        };
        let data = data.ok_or_else(|| missing("data"))?;
        let total = number(data, "total_count");
        let Some(survey) = state.current(stream).map(str::to_owned) else {
            if field(data, "activitys").is_none() && total != Some(0) {
                return Err(missing("data.activitys"));
            }
            let listed = items(&JsonPath::of("$.data.activitys"), &body);
            for survey in &listed {
                let is_answered = text(survey, "answer_total").as_deref() != Some("0");
                state
                    .pending
                    .extend(text(survey, "vid").filter(|_| is_answered));
            }
            state.listed_pages += 1;
            state.listed_surveys += listed.len() as u64;
            let all = total.is_some_and(|total| state.listed_surveys >= total);
            state.listed = listed.is_empty() || all;
            return Ok(state.next());
        };
        let answers = field(data, "answers");
        if answers.is_none() && total != Some(0) {
            return Err(missing("data.answers"));
        }
        let answers: Vec<(Option<&str>, &Value)> = match answers {
            Some(Value::Object(keyed)) => {
                keyed.iter().map(|(k, v)| (Some(k.as_str()), v)).collect()
            }
            Some(Value::Array(list)) => list.iter().map(|value| (None, value)).collect(),
            _ => Vec::new(),
        };
        if answers.is_empty() {
            return Ok(state.done(stream));
        }
        let place = Place::of(&answer.place);
        let before = state.seen.get(&survey).copied().unwrap_or(0);
        let mut seen = before;
        for (key, submission) in answers {
            seen = seen.max(index_of(submission).unwrap_or(0));
            match self
                .reader
                .event(submission, Some(&survey), key, place, now)
            {
                Ok(event) => staging.event(event),
                Err(reason) => {
                    let refused = submission.to_string();
                    staging.dead_letter(place.place, None, &reason, refused.as_bytes(), now);
                }
            }
        }
        if seen == before {
            tracing::warn!(
                survey,
                "the answers have no higher `index`; this survey is read no further"
            );
            return Ok(state.done(stream));
        }
        state.seen.insert(survey, seen);
        Ok(Next::More)
    }
}
