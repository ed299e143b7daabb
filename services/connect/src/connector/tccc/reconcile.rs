//! The calls of the last hours are listed again and again, and of those whose words are not known yet, the words are read;
//! what is known already changes nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::{Line, ReconcileConfig};
use super::part::{cdr, native_id};
use crate::draft::Place;
use crate::field::Field;
use crate::hotline::read::{field, list, number, text};
use crate::hotline::{Calls, Part, Side};
use crate::pull::{Answer, Next, PullConnector, Request, Trouble};
use crate::staging::Staging;
use crate::tc3::{Asked, Signer};

/// Calls a page, the platform's most.
const PAGE: u64 = 100;

/// The version of the API.
const VERSION: &str = "2020-02-10";

/// Where a walk stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ReconcileState {
    /// The end of what is walked, in epoch seconds; 0 between two walks.
    #[serde(default)]
    until: i64,
    /// The page that comes next; the platform counts from 0.
    #[serde(default)]
    page: u64,
    /// Sessions whose words are to be read before the next page.
    #[serde(default)]
    words_of: Vec<String>,
    /// Whether the last page was read.
    #[serde(default)]
    listed: bool,
    /// Sessions that have no words, with the epoch second in which that was told: they are not asked for again while they
    /// are listed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    wordless: BTreeMap<String, i64>,
}

impl ReconcileState {
    /// The walk is at its end; what is no longer listed is forgotten.
    fn end(&mut self, listed_since: i64) {
        let mut wordless = std::mem::take(&mut self.wordless);
        wordless.retain(|_, told| *told > listed_since);
        *self = Self {
            wordless,
            ..Self::default()
        };
    }
}

pub(super) struct Reconcile {
    config: ReconcileConfig,
    line: Arc<Line>,
    calls: Arc<Mutex<Calls>>,
}

impl Reconcile {
    pub(super) fn new(config: ReconcileConfig, line: Arc<Line>, calls: Arc<Mutex<Calls>>) -> Self {
        Self {
            config,
            line,
            calls,
        }
    }

    fn signed(&self, action: &str, body: &Value, now: Timestamp) -> Result<Request, Trouble> {
        let url = Url::parse(&self.config.host)
            .map_err(|error| Trouble::FatalConfig(format!("`host` is not an address: {error}")))?;
        let signer = Signer {
            secret_id: &self.config.secret_id,
            secret_key: self.config.secret_key.expose(),
            service: "ccc",
        };
        let asked = Asked {
            action,
            version: VERSION,
            region: &self.config.region,
        };
        signer.signed(asked, Request::post_json(url, body), now)
    }

    fn take_part(
        &self,
        mut part: Part,
        session: &str,
        place: &str,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<(), String> {
        let app = self.config.sdk_app_id.to_string();
        part.draft.set(Field::Id, native_id(&app, session));
        let place = Place { place, line: None };
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let part = self.line.completed(part);
        calls.take(part, &self.line.rules, place, Side::Pull, now, staging)
    }

    /// A page of calls.
    fn list(
        &self,
        state: &mut ReconcileState,
        response: &Value,
        place: &str,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<(), Trouble> {
        let total = number(response, "TotalCount");
        // Null is the platform's word for none.
        let is_list = match field(response, "TelCdrs") {
            Some(Value::Array(_)) => true,
            Some(Value::Null) => total.is_some(),
            _ => false,
        };
        if !is_list {
            let told = "the answer to DescribeTelCdr has no TelCdrs";
            return Err(Trouble::Retry(told.to_owned()));
        }
        let items = list(response, "TelCdrs");
        let app = self.config.sdk_app_id.to_string();
        for item in items {
            let Some(session) = text(item, "SessionId") else {
                let refused = item.to_string();
                staging.dead_letter(
                    place,
                    None,
                    "a call has no SessionId",
                    refused.as_bytes(),
                    now,
                );
                continue;
            };
            self.line.parties.note(&session, item);
            let part = cdr(item, self.line.rules.pseudonyms.as_ref());
            if let Err(reason) = self.take_part(part, &session, place, now, staging) {
                staging.dead_letter(place, None, &reason, item.to_string().as_bytes(), now);
            }
            let recognised = text(item, "AsrStatus").as_deref() == Some("Complete");
            let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            let is_wordless = state.wordless.contains_key(&session);
            if recognised && !is_wordless && !calls.has_turns(&native_id(&app, &session)) {
                state.words_of.push(session);
            }
        }
        if state.until == 0 {
            state.until = now.as_second();
        }
        state.page += 1;
        let is_all = total.is_some_and(|total| state.page * PAGE >= total);
        state.listed = items.is_empty() || is_all;
        Ok(())
    }
}

impl PullConnector for Reconcile {
    type State = ReconcileState;

    fn streams(&self) -> Vec<String> {
        vec!["reconcile".to_owned()]
    }

    fn request(
        &self,
        _stream: &str,
        state: &ReconcileState,
        _token: &str,
        now: Timestamp,
    ) -> Result<Option<Request>, Trouble> {
        let app = self.config.sdk_app_id;
        if let Some(session) = state.words_of.last() {
            let body = json!({"SdkAppId": app, "SessionId": session});
            return self.signed("DescribeTelRecordAsr", &body, now).map(Some);
        }
        let until = match state.until {
            0 => now.as_second(),
            until => until,
        };
        let body = json!({
            "SdkAppId": app,
            "StartTimeStamp": until - i64::from(self.config.hours) * 3_600,
            "EndTimeStamp": until,
            "PageSize": PAGE,
            "PageNumber": state.page,
        });
        self.signed("DescribeTelCdr", &body, now).map(Some)
    }

    fn take(
        &self,
        _stream: &str,
        state: &mut ReconcileState,
        answer: &Answer,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<Next, Trouble> {
        let body = answer.judged()?.json()?;
        let response = field(&body, "Response").filter(|response| response.is_object());
        let response = response.ok_or_else(|| {
            Trouble::Retry(format!(
                "{} answered without a Response: {:?}",
                answer.place,
                answer.head()
            ))
        })?;
        let session = state.words_of.last().cloned();
        let trouble = field(response, "Error").map(|error| judge(error, session.as_deref()));
        // Words that cannot be read hold up no others.
        let unread = match (trouble, &session) {
            (None, Some(_)) if field(response, "AsrDataList").is_none() => {
                Some("the answer to DescribeTelRecordAsr has no AsrDataList".to_owned())
            }
            (None, Some(session)) => {
                let part = self.line.words(session, response);
                if part.call.turns.is_empty() {
                    state.wordless.insert(session.clone(), now.as_second());
                }
                let taken = self.take_part(part, session, &answer.place, now, staging);
                taken.err()
            }
            (None, None) => {
                self.list(state, response, &answer.place, now, staging)?;
                None
            }
            (Some(Trouble::FatalItem(reason)), _) => Some(reason),
            (Some(trouble), _) => return Err(trouble),
        };
        if let Some(session) = &session {
            state.words_of.pop();
            if let Some(reason) = unread {
                state.wordless.insert(session.clone(), now.as_second());
                staging.dead_letter(&answer.place, None, &reason, session.as_bytes(), now);
            }
        }
        if state.listed && state.words_of.is_empty() {
            let until = state.until;
            state.end(until - i64::from(self.config.hours) * 3_600);
            return Ok(Next::Through);
        }
        Ok(Next::More)
    }
}

/// What an error of the API means.
fn judge(error: &Value, session: Option<&str>) -> Trouble {
    let code = text(error, "Code").unwrap_or_default();
    let words = text(error, "Message").unwrap_or_default();
    let told = |what: &str| format!("Tencent Cloud answered {code} ({words}): {what}");
    let kind = code.split('.').next().unwrap_or_default();
    match (kind, session) {
        ("RequestLimitExceeded" | "LimitExceeded", _) => Trouble::Throttle {
            wait: None,
            reason: told("too many requests"),
        },
        ("InternalError" | "FailedOperation" | "ResourceUnavailable", None)
        | ("InternalError", _) => Trouble::Retry(told("it is asked again")),
        ("AuthFailure", _) => Trouble::FatalSource(told(
            "check `secret_id`, `secret_key` and the clock of this machine",
        )),
        ("UnauthorizedOperation", _) => Trouble::FatalSource(told(
            "the key may not read the contact centre; grant it QcloudCCCReadOnlyAccess",
        )),
        (_, Some(session)) => Trouble::FatalItem(told(&format!(
            "the words of the session {session} cannot be read"
        ))),
        _ => Trouble::FatalConfig(told("check `sdk_app_id` and `hours`")),
    }
}
