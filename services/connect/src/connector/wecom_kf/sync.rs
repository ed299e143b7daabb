//! `kf/sync_msg`, walked by its cursor until the platform says that there is no more; an empty page is not the end.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wensheng_runtime::Secret;

use super::config::WecomKfConfig;
use super::message::stage;
use crate::draft::DraftRules;
use crate::hotline::read::{field, list, number, text};
use crate::pull::{Answer, Next, PullConnector, Request, Token, Trouble};
use crate::staging::Staging;

/// Messages a page, the platform's most.
const PAGE: u32 = 1_000;

/// A callback's token is good for ten minutes; one that is older is not sent.
const TOKEN_SECONDS: i64 = 600;

/// A block for too many calls lasts as long as the window that was exceeded, and does not say which it is: the shortest is a
/// minute …
const BLOCKED: Duration = Duration::from_secs(60);

/// … the longest an hour, which is waited from the fourth block in a row on.
const BLOCKED_LONG: Duration = Duration::from_secs(3_600);

/// Too many calls at once pass soon.
const CROWDED: Duration = Duration::from_secs(5);

/// How far an account was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct KfState {
    #[serde(default)]
    pub(super) cursor: String,
    /// The token of the last callback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<String>,
    /// When it came, in epoch seconds.
    #[serde(default)]
    pub(super) token_at: i64,
}

pub(super) struct KfSync {
    config: WecomKfConfig,
    rules: DraftRules,
    /// Blocks for too many calls since the last good answer.
    blocks: AtomicU32,
}

impl KfSync {
    pub(super) fn new(config: WecomKfConfig, rules: DraftRules) -> Self {
        Self {
            config,
            rules,
            blocks: AtomicU32::new(0),
        }
    }

    /// What the platform's verdict means (its table of error codes; for WeCom 40001 is a wrong secret).
    fn judge(&self, answer: &Answer, body: &Value) -> Result<(), Trouble> {
        let Some(code) = text(body, "errcode").and_then(|code| code.parse::<i64>().ok()) else {
            return Err(Trouble::Retry(format!(
                "{} answered without an errcode: {:?}",
                answer.place,
                answer.head()
            )));
        };
        match code {
            0 => self.blocks.store(0, Ordering::Relaxed),
            45_009 => {
                let before = self.blocks.fetch_add(1, Ordering::Relaxed);
                let wait = BLOCKED.saturating_mul(4_u32.saturating_pow(before));
                let wait = answer.retry_after().unwrap_or(wait.min(BLOCKED_LONG));
                return Err(refusal(code, body, Some(wait)));
            }
            _ => return Err(refusal(code, body, answer.retry_after())),
        }
        Ok(())
    }

    fn url(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Url, Trouble> {
        let base = format!("{}{path}", self.config.host.trim_end_matches('/'));
        Url::parse_with_params(&base, parameters)
            .map_err(|error| Trouble::FatalConfig(format!("`host` is not an address: {error}")))
    }
}

impl PullConnector for KfSync {
    type State = KfState;

    fn streams(&self) -> Vec<String> {
        match self.config.accounts.is_empty() {
            true => vec![String::new()],
            false => self.config.accounts.clone(),
        }
    }

    fn token_request(&self, _now: Timestamp) -> Option<Request> {
        let secret = self.config.secret.expose();
        let parameters = [
            ("corpid", self.config.corp_id.as_str()),
            ("corpsecret", secret),
        ];
        let url = self.url("/cgi-bin/gettoken", &parameters).ok()?;
        Some(Request::get(url))
    }

    fn token(&self, answer: &Answer) -> Result<Token, Trouble> {
        let body = answer.judged()?.json()?;
        self.judge(answer, &body)?;
        let token = text(&body, "access_token")
            .ok_or_else(|| Trouble::Retry("gettoken answered without access_token".to_owned()))?;
        Ok(Token {
            secret: Secret::new(token),
            lasts: number(&body, "expires_in").map(Duration::from_secs),
        })
    }

    fn request(
        &self,
        stream: &str,
        state: &KfState,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Request>, Trouble> {
        let mut body = json!({"limit": PAGE, "voice_format": 0});
        if !state.cursor.is_empty() {
            body["cursor"] = json!(state.cursor);
        }
        if !stream.is_empty() {
            body["open_kfid"] = json!(stream);
        }
        let fresh = now.as_second().saturating_sub(state.token_at) < TOKEN_SECONDS;
        if let Some(token) = state.token.as_ref().filter(|_| fresh) {
            body["token"] = json!(token);
        }
        let url = self.url("/cgi-bin/kf/sync_msg", &[("access_token", token)])?;
        Ok(Some(Request::post_json(url, &body)))
    }

    fn take(
        &self,
        _stream: &str,
        state: &mut KfState,
        answer: &Answer,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<Next, Trouble> {
        let body = answer.judged()?.json()?;
        if number(&body, "errcode") == Some(95_007) && state.token.is_some() {
            // The callback's token is no longer good; without it the call is only slower.
            state.token = None;
            return Ok(Next::More);
        }
        self.judge(answer, &body)?;
        if field(&body, "msg_list").is_none() && field(&body, "next_cursor").is_none() {
            return Err(Trouble::Retry(format!(
                "{} answered neither msg_list nor next_cursor: {:?}",
                answer.place,
                answer.head()
            )));
        }
        for message in list(&body, "msg_list") {
            stage(
                &self.rules,
                self.config.product.as_deref(),
                &answer.place,
                message,
                now,
                staging,
            );
        }
        let next = text(&body, "next_cursor");
        let has_more = number(&body, "has_more") == Some(1);
        let stands = next.as_ref().is_none_or(|next| *next == state.cursor);
        if has_more && stands {
            return Err(Trouble::Retry(
                "sync_msg says that there is more, but its cursor does not move".to_owned(),
            ));
        }
        if let Some(next) = next {
            state.cursor = next;
        }
        if has_more {
            return Ok(Next::More);
        }
        state.token = None;
        Ok(Next::Through)
    }

    fn hint(&self, _stream: &str, state: &mut KfState, hint: &Value) {
        if let Some(token) = text(hint, "token") {
            state.token = Some(token);
            state.token_at = hint["at"].as_i64().unwrap_or(0);
        }
    }
}

/// What a code other than 0 means; `wait`: as long as is known.
fn refusal(code: i64, body: &Value, wait: Option<Duration>) -> Trouble {
    let words = text(body, "errmsg").unwrap_or_default();
    let told = |what: &str| format!("WeCom answered {code} ({words}): {what}");
    match code {
        40_014 | 41_001 | 42_001 => Trouble::Reauth(told("the access token is no longer good")),
        45_009 => Trouble::Throttle {
            wait,
            reason: told("too many calls"),
        },
        45_033 => Trouble::Throttle {
            wait: Some(wait.unwrap_or(CROWDED)),
            reason: told("too many calls at once"),
        },
        40_001 => Trouble::FatalSource(told("`secret` is wrong")),
        40_013 => Trouble::FatalSource(told("`corp_id` is wrong")),
        60_020 => Trouble::FatalSource(told(
            "this address is not in the trusted list; add it on the app's page (企业可信IP)",
        )),
        95_000 | 95_004 => Trouble::FatalConfig(told("an open_kfid in `accounts` is wrong")),
        95_011 | 95_012 => Trouble::FatalSource(told(
            "`secret` is of another kind; use that of 微信客服, or of an app that may use it",
        )),
        48_002 | 95_017 | 301_002 => Trouble::FatalSource(told(
            "the app may not use this; switch the API on for it on the page of 微信客服",
        )),
        _ => Trouble::Retry(told("it is asked again")),
    }
}
