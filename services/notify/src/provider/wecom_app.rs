//! WeCom application messages to people by name. A token is fetched first and kept until the platform no longer takes it;
//! `enable_duplicate_check` lets the platform know a repeat.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Endpoint, HttpAnswer, HttpRequest, Verdict, post_json, robot_answer, wecom};
use crate::WecomAppConfig;
use crate::card::Card;

/// The platform counts by the minute.
const THROTTLED: Duration = Duration::from_secs(60);

/// A token lasts two hours; it is renewed this much earlier.
const EARLY_SECONDS: i64 = 300;

/// A repeat within this many seconds is the same message: the longest that the platform allows.
const REPEATED_WITHIN: u32 = 14_400;

/// The application, and its token while it has one.
#[derive(Debug, Clone)]
pub(crate) struct WecomApp {
    config: WecomAppConfig,
    token: Option<Token>,
}

#[derive(Clone)]
struct Token {
    value: String,
    until: Timestamp,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(***)")
    }
}

impl WecomApp {
    pub(super) fn new(config: WecomAppConfig) -> Self {
        Self {
            config,
            token: None,
        }
    }

    /// The secret that an answer could quote.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_ref().map(|token| token.value.as_str())
    }

    /// The message; or the request for a token, where there is none that is good for a while.
    pub(super) fn request(
        &self,
        endpoint: &Endpoint,
        to: &[String],
        card: &Card,
        now: Timestamp,
    ) -> HttpRequest {
        let mut url = endpoint.url.clone();
        let Some(token) = self.token.as_ref().filter(|token| token.until > now) else {
            url.set_path("/cgi-bin/gettoken");
            url.query_pairs_mut()
                .clear()
                .append_pair("corpid", &self.config.corp_id)
                .append_pair("corpsecret", &endpoint.secret);
            return HttpRequest {
                url,
                headers: Vec::new(),
                body: None,
            };
        };
        url.set_path("/cgi-bin/message/send");
        url.query_pairs_mut()
            .clear()
            .append_pair("access_token", &token.value);
        post_json(
            url,
            &json!({
                "touser": to.join("|"),
                "msgtype": "markdown",
                "agentid": self.config.agent_id,
                "markdown": {"content": wecom::markdown(card, wecom::TEXT_BYTES)},
                "enable_duplicate_check": 1,
                "duplicate_check_interval": REPEATED_WITHIN,
            }),
        )
    }

    /// Keeps the token that an answer brings, and drops the one that an answer refuses.
    pub(super) fn verdict(&mut self, answer: &HttpAnswer, now: Timestamp) -> (Verdict, String) {
        let (code, said) = match robot_answer(answer, now, &["errcode"], &["errmsg"]) {
            Ok(answer) => answer,
            Err(judged) => return judged,
        };
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        if let (0, Some(value)) = (code, body["access_token"].as_str()) {
            let seconds = body["expires_in"].as_i64().unwrap_or(7_200) - EARLY_SECONDS;
            self.token = Some(Token {
                value: value.to_owned(),
                until: now + jiff::SignedDuration::from_secs(seconds.clamp(60, 7_200)),
            });
            return (Verdict::Renewed, "0 token".to_owned());
        }
        let verdict = match code {
            0 => match body["invaliduser"].as_str().unwrap_or_default() {
                "" => Verdict::Ok,
                unknown => {
                    // Some got it: what is wrong is told, and the push is done.
                    return (Verdict::Ok, format!("{said}; not known: {unknown}"));
                }
            },
            -1 => Verdict::Retry,
            40_014 | 42_001 => {
                // Over, and still to be kept out of what the ledger quotes.
                if let Some(token) = &mut self.token {
                    token.until = Timestamp::MIN;
                }
                Verdict::Retry
            }
            45_009 | 45_033 => Verdict::Throttle(Some(THROTTLED)),
            40_001 | 40_013 | 40_056 | 60_020 | 301_002 => Verdict::FatalConfig(
                "compare corp_id, agent_id and secret with the application's page, and add this machine's address to its trusted addresses",
            ),
            81_013 | 60_011 | 40_003 => Verdict::FatalConfig(
                "nobody in `to` is known to the application: compare the user ids, and who may see it",
            ),
            _ => Verdict::FatalItem,
        };
        (verdict, said)
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::super::tests::answer;
    use super::*;
    use crate::Language;
    use crate::testing::{notification, now};

    #[test]
    fn a_token_is_fetched_used_and_fetched_anew_when_it_is_refused() {
        let mut app = WecomApp::new(WecomAppConfig {
            corp_id: "ww1".to_owned(),
            agent_id: 1_000_002,
        });
        let endpoint = Endpoint {
            url: Url::parse("https://qyapi.weixin.qq.com").unwrap(),
            secret: "corp-secret".to_owned(),
        };
        let card = Card::new(&notification("n1"), Language::Zh, false, now());
        let to = ["zhang".to_owned(), "li".to_owned()];
        let asked = app.request(&endpoint, &to, &card, now());
        assert_eq!(
            asked.url.as_str(),
            "https://qyapi.weixin.qq.com/cgi-bin/gettoken?corpid=ww1&corpsecret=corp-secret"
        );
        assert_eq!(asked.body, None);
        let token = r#"{"errcode":0,"errmsg":"ok","access_token":"T1","expires_in":7200}"#;
        assert_eq!(
            app.verdict(&answer(200, token), now()),
            (Verdict::Renewed, "0 token".to_owned())
        );
        let sent = app.request(&endpoint, &to, &card, now());
        assert!(
            sent.url
                .as_str()
                .ends_with("/cgi-bin/message/send?access_token=T1")
        );
        let body: Value = serde_json::from_slice(sent.body.as_ref().unwrap()).unwrap();
        assert_eq!(body["touser"], "zhang|li");
        assert_eq!(body["enable_duplicate_check"], 1);
        let (verdict, _) = app.verdict(
            &answer(200, r#"{"errcode":42001,"errmsg":"access_token expired"}"#),
            now(),
        );
        assert_eq!(verdict, Verdict::Retry);
        let asked = app.request(&endpoint, &to, &card, now());
        assert!(asked.url.path().ends_with("gettoken"));
        // Before it is over, too.
        app.verdict(&answer(200, token), now());
        let later = now() + jiff::SignedDuration::from_secs(6_901);
        let asked = app.request(&endpoint, &to, &card, later);
        assert!(asked.url.path().ends_with("gettoken"));
    }

    #[test]
    fn the_code_in_the_body_decides() {
        for (body, verdict) in [
            (r#"{"errcode":0,"errmsg":"ok"}"#, "ok"),
            (r#"{"errcode":0,"errmsg":"ok","invaliduser":"li"}"#, "ok"),
            (r#"{"errcode":-1,"errmsg":"system busy"}"#, "retry"),
            (
                r#"{"errcode":40001,"errmsg":"invalid credential"}"#,
                "fatal_config",
            ),
            (
                r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#,
                "throttle",
            ),
            (
                r#"{"errcode":81013,"errmsg":"user & party & tag all invalid"}"#,
                "fatal_config",
            ),
            (
                r#"{"errcode":44004,"errmsg":"empty content"}"#,
                "fatal_item",
            ),
        ] {
            let mut app = WecomApp::new(WecomAppConfig {
                corp_id: "ww1".to_owned(),
                agent_id: 1,
            });
            let (judged, _) = app.verdict(&answer(200, body), now());
            assert_eq!(judged.name(), verdict, "{body}");
        }
    }
}
