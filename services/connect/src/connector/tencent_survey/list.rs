//! A survey's answers are listed from the last one that was read; answers that a push named are looked up before.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wensheng_runtime::Secret;

use super::answer::Reader;
use super::config::TencentSurveyConfig;
use super::hook::stream_of;
use crate::draft::Place;
use crate::hotline::read::{field, list, number, text};
use crate::pull::{Answer, Next, PullConnector, Request, Token, Trouble};
use crate::staging::Staging;

/// Answers a page.
const PAGE: &str = "20";

/// How far a survey was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SurveyState {
    /// The last answer that was read.
    #[serde(default)]
    last: u64,
    /// Answers that are to be looked up.
    #[serde(default)]
    named: Vec<Named>,
}

/// What a push says of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Named {
    /// Its id.
    pub(super) answer: String,
    /// When it was changed, in epoch seconds.
    pub(super) at: i64,
    /// Whether it was deleted.
    pub(super) deleted: bool,
}

pub(super) struct AnswerList {
    pub(super) config: TencentSurveyConfig,
    pub(super) reader: Reader,
}

impl AnswerList {
    fn url(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Url, Trouble> {
        let base = format!("{}{path}", self.config.host.trim_end_matches('/'));
        Url::parse_with_params(&base, parameters)
            .map_err(|error| Trouble::FatalConfig(format!("`host` is not an address: {error}")))
    }
}

impl PullConnector for AnswerList {
    type State = SurveyState;

    fn streams(&self) -> Vec<String> {
        self.config.surveys.iter().map(|s| s.id.clone()).collect()
    }

    fn token_request(&self, _now: Timestamp) -> Option<Request> {
        let parameters = [
            ("appid", self.config.app_id.as_str()),
            ("secret", self.config.secret.expose()),
            ("grant_type", "client_credential"),
        ];
        let url = self.url("/api/oauth2/access_token", &parameters).ok()?;
        Some(Request::get(url))
    }

    fn token(&self, answer: &Answer) -> Result<Token, Trouble> {
        let data = judged(answer)?;
        let token = text(&data, "access_token")
            .ok_or_else(|| Trouble::Retry("there is no access_token in the answer".to_owned()))?;
        Ok(Token {
            secret: Secret::new(token),
            lasts: number(&data, "expires_in").map(Duration::from_secs),
        })
    }

    fn request(
        &self,
        stream: &str,
        state: &SurveyState,
        token: &str,
        _now: Timestamp,
    ) -> Result<Option<Request>, Trouble> {
        let last = state.last.to_string();
        let app = [
            ("appid", self.config.app_id.as_str()),
            ("access_token", token),
        ];
        let url = match state.named.last() {
            Some(named) => {
                let path = format!("/api/surveys/{stream}/answers/{}", named.answer);
                self.url(&path, &app)?
            }
            None => {
                let page = [("per_page", PAGE), ("last_answer_id", last.as_str())];
                let path = format!("/api/surveys/{stream}/answers");
                self.url(&path, &[app, page].concat())?
            }
        };
        Ok(Some(Request::get(url)))
    }

    fn take(
        &self,
        stream: &str,
        state: &mut SurveyState,
        answer: &Answer,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<Next, Trouble> {
        let place = Place::of(&answer.place);
        let judged = judged(answer);
        if let Some(named) = state.named.last().cloned() {
            let looked_up = match (judged, named.deleted) {
                (Ok(data), _) => Some(self.reader.event(stream, &data, named.at, place, now)),
                (Err(Trouble::FatalItem(_)), true) => {
                    let at = named.at;
                    let gone = self.reader.withdrawn(stream, &named.answer, at, place, now);
                    Some(gone)
                }
                // It was deleted since; a push of its own says so.
                (Err(Trouble::FatalItem(_)), false) => {
                    staging.leave_out("gone");
                    None
                }
                (Err(trouble), _) => return Err(trouble),
            };
            match looked_up {
                Some(Ok(event)) => staging.event(event),
                Some(Err(reason)) => {
                    staging.dead_letter(place.place, None, &reason, &answer.body, now);
                }
                None => {}
            }
            state.named.pop();
            staging.forget(&stream_of(stream, &named.answer));
            return Ok(Next::More);
        }
        let data = judged.map_err(|trouble| match trouble {
            Trouble::FatalItem(reason) => Trouble::FatalConfig(format!(
                "{reason}; check the survey's id, and that the account may read it"
            )),
            other => other,
        })?;
        if !matches!(field(&data, "list"), Some(Value::Array(_))) {
            return Err(Trouble::Retry(format!(
                "{} answered without a list: {:?}",
                answer.place,
                answer.head()
            )));
        }
        let answers = list(&data, "list");
        let mut last = number(&data, "last_answer_id").unwrap_or(0);
        for (index, item) in answers.iter().enumerate() {
            last = last.max(number(item, "answer_id").unwrap_or(0));
            let line = Some(index as u64 + 1);
            let place = Place { line, ..place };
            match self.reader.event(stream, item, 0, place, now) {
                Ok(event) => staging.event(event),
                Err(reason) => {
                    let refused = item.to_string();
                    staging.dead_letter(place.place, line, &reason, refused.as_bytes(), now);
                }
            }
        }
        if answers.is_empty() {
            return Ok(Next::Through);
        }
        state.last = state.last.max(last);
        Ok(Next::More)
    }

    fn hint(&self, _stream: &str, state: &mut SurveyState, hint: &Value) {
        let Ok(named) = serde_json::from_value::<Named>(hint.clone()) else {
            return;
        };
        state.named.retain(|other| other.answer != named.answer);
        state.named.push(named);
    }
}

/// What the answer holds, or what the platform's verdict means; refusals come with HTTP 200 and others.
fn judged(answer: &Answer) -> Result<Value, Trouble> {
    let body = answer.json();
    let code = body.as_ref().ok().and_then(|body| text(body, "code"));
    let (Ok(body), Some(code)) = (&body, code) else {
        answer.judged()?;
        return Err(Trouble::Retry(format!(
            "{} answered without a code: {:?}",
            answer.place,
            answer.head()
        )));
    };
    if code == "OK" {
        return Ok(field(body, "data").cloned().unwrap_or_default());
    }
    let error = field(body, "error").unwrap_or(&Value::Null);
    let kind = text(error, "type").unwrap_or_else(|| code.clone());
    let words = text(error, "message").unwrap_or_default();
    let request = text(body, "request_id").unwrap_or_default();
    let told = |what: &str| format!("腾讯问卷 answered {kind} {words} (request {request}): {what}");
    Err(match kind.to_ascii_lowercase().as_str() {
        "request_rate_limited" | "resource_exhausted" => Trouble::Throttle {
            wait: answer.retry_after(),
            reason: told("too many requests"),
        },
        "not_found" => Trouble::FatalItem(told("there is no such survey or answer")),
        "permission_denied" | "invalid_org_subscription" => Trouble::FatalConfig(told(
            "the app may not read this; check its permissions and the subscription",
        )),
        "invalid_argument" => Trouble::FatalConfig(told("check `app_id`, `secret` and `surveys`")),
        kind if kind.contains("token") || kind.contains("unauth") => {
            Trouble::Reauth(told("the access token is no longer good"))
        }
        _ => match answer.judged() {
            Err(trouble) => trouble,
            Ok(_) => Trouble::Retry(told("it is asked again")),
        },
    })
}
