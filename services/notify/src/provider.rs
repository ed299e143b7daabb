//! What each platform wants to be sent, and what its answers mean. Pure: a request and a verdict are functions of their
//! arguments. Success is what the body says, not the HTTP status; and neither URL nor secret ever leaves in an answer.

mod alertmanager;
mod aliyun_sms;
mod dingtalk;
mod email;
mod feishu;
mod pagerduty;
mod slack;
mod webhook;
mod wecom;
mod wecom_app;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use serde_json::Value;
use wensheng_schemas::Notification;

use crate::card::{Card, is_urgent};
use crate::escape::cut_chars;
use crate::links::Links;
use crate::{Error, ReceiverConfig, ReceiverKind, SmsConfig, sign};

pub(crate) use self::email::Mail;
use self::wecom_app::WecomApp;

/// As much of a provider's words as the ledger keeps.
const ANSWER_CHARS: usize = 300;

/// A request as it goes out: a POST, or a GET where there is no body. Shown without its URL.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct HttpRequest {
    pub(crate) url: Url,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}

/// What one attempt sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payload {
    Http(HttpRequest),
    Mail(Box<Mail>),
    Log(String),
}

/// An HTTP answer. Header names are in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// How one attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Answered(HttpAnswer),
    /// A mail server answered with this code and these words.
    Mailed(u16, String),
    /// No connection was made, so that nothing arrived.
    Unreachable(String),
    /// The request went out, but no answer came back: it may have arrived.
    Unanswered(String),
    /// The target is not one that may be called.
    Refused(String),
    /// The card stands in the log.
    Printed,
}

/// What an attempt's end means for its push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It arrived.
    Ok,
    /// What was needed to send it is there now: send it.
    Renewed,
    /// Something passing: try again.
    Retry,
    /// Too fast: the whole receiver waits, for that long if it said so.
    Throttle(Option<Duration>),
    /// It may have arrived, and the platform cannot recognise a repeat.
    Unanswered,
    /// The receiver's settings are wrong; what the operator can do.
    FatalConfig(&'static str),
    /// This message can never succeed.
    FatalItem,
    /// The receiver will never come back; what the operator can do.
    Gone(&'static str),
}

impl Verdict {
    /// Its stable name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Renewed => "renewed",
            Verdict::Retry => "retry",
            Verdict::Throttle(_) => "throttle",
            Verdict::Unanswered => "unanswered",
            Verdict::FatalConfig(_) => "fatal_config",
            Verdict::FatalItem => "fatal_item",
            Verdict::Gone(_) => "gone",
        }
    }
}

/// A verdict, and the provider's own code and words behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) verdict: Verdict,
    pub(crate) answer: String,
}

/// Where and how one receiver is reached.
#[derive(Debug, Clone)]
pub(crate) enum Provider {
    Wecom(Endpoint),
    WecomApp(Endpoint, WecomApp),
    Dingtalk(Endpoint),
    Feishu(Endpoint),
    Slack(Endpoint),
    Email(Endpoint),
    AliyunSms(Endpoint, SmsConfig),
    Pagerduty(Endpoint),
    Alertmanager(Endpoint),
    Webhook(Endpoint, Vec<u8>),
    Log,
}

/// The secret half of a receiver.
#[derive(Clone)]
pub(crate) struct Endpoint {
    url: Url,
    secret: String,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint(***)")
    }
}

/// What is to be sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    /// The push's id: the idempotency key, the same over all attempts. Of several that are merged, a function of theirs.
    pub(crate) id: &'a str,
    pub(crate) notification: &'a Notification,
    /// Further notifications that go out in the same message.
    pub(crate) others: &'a [Arc<Notification>],
    /// The receiver's configured name.
    pub(crate) receiver: &'a str,
    pub(crate) links: &'a Links,
    /// It may have arrived already.
    pub(crate) again: bool,
}

impl Provider {
    /// The provider of a configured receiver.
    ///
    /// # Errors
    /// When its URL or secret is not what a loaded configuration was checked for.
    pub(crate) fn new(config: &ReceiverConfig) -> Result<Self, Error> {
        let wrong = |problem: &str| Error::Receiver {
            name: config.name.clone(),
            problem: problem.to_owned(),
        };
        if config.kind == ReceiverKind::Log {
            return Ok(Provider::Log);
        }
        let endpoint = Endpoint {
            url: Url::parse(config.address())
                .map_err(|_| wrong("`url` is not an http or https address"))?,
            secret: config.secret.expose().to_owned(),
        };
        Ok(match config.kind {
            ReceiverKind::Log => Provider::Log,
            ReceiverKind::Wecom => Provider::Wecom(endpoint),
            ReceiverKind::WecomApp => {
                let app = config.app.clone().ok_or_else(|| wrong("has no `app`"))?;
                Provider::WecomApp(endpoint, WecomApp::new(app))
            }
            ReceiverKind::Slack => Provider::Slack(endpoint),
            ReceiverKind::Email => Provider::Email(endpoint),
            ReceiverKind::AliyunSms => {
                let sms = config.sms.clone().ok_or_else(|| wrong("has no `sms`"))?;
                Provider::AliyunSms(endpoint, sms)
            }
            ReceiverKind::Pagerduty => Provider::Pagerduty(endpoint),
            ReceiverKind::Alertmanager => Provider::Alertmanager(endpoint),
            ReceiverKind::Dingtalk => Provider::Dingtalk(endpoint),
            ReceiverKind::Feishu => Provider::Feishu(endpoint),
            ReceiverKind::Webhook => {
                let key = sign::webhook_key(&endpoint.secret)
                    .map_err(|problem| wrong(&format!("`secret` {problem}")))?;
                Provider::Webhook(endpoint, key)
            }
        })
    }

    /// What an attempt at `now` sends.
    pub(crate) fn request(
        &self,
        config: &ReceiverConfig,
        message: Message<'_>,
        now: Timestamp,
    ) -> Payload {
        let card = Card::of(message, config.language, now);
        let everybody = config.mention_all
            && std::iter::once(message.notification)
                .chain(message.others.iter().map(AsRef::as_ref))
                .any(is_urgent);
        Payload::Http(match self {
            Provider::Log => return Payload::Log(card.for_readers().text()),
            Provider::Email(_) => {
                return Payload::Mail(Box::new(email::mail(config, message, &card)));
            }
            Provider::Wecom(endpoint) => wecom::request(endpoint, &card, everybody),
            Provider::WecomApp(endpoint, app) => app.request(endpoint, &config.to, &card, now),
            Provider::Dingtalk(endpoint) => {
                dingtalk::request(endpoint, message.id, &card, everybody, now)
            }
            Provider::Feishu(endpoint) => feishu::request(endpoint, &card, everybody, now),
            Provider::Slack(endpoint) => slack::request(endpoint, &card, everybody),
            Provider::AliyunSms(endpoint, sms) => aliyun_sms::request(
                endpoint,
                sms,
                &config.to,
                config.language,
                message,
                &card,
                now,
            ),
            Provider::Pagerduty(endpoint) => pagerduty::request(endpoint, message, &card),
            Provider::Alertmanager(endpoint) => {
                alertmanager::request(endpoint, message, &card.for_readers())
            }
            Provider::Webhook(endpoint, key) => webhook::request(endpoint, key, message, now),
        })
    }

    /// What the end of an attempt means. `known` says whether the platform recognises a repeat of that attempt.
    pub(crate) fn judge(&mut self, reply: &Reply, known: bool, now: Timestamp) -> Judged {
        let (verdict, answer) = match (reply, &mut *self) {
            (Reply::Printed, _) => (Verdict::Ok, "printed".to_owned()),
            (Reply::Unreachable(reason), _) => (Verdict::Retry, reason.clone()),
            (Reply::Refused(reason), _) => (
                Verdict::FatalConfig(
                    "give a public address, or set `notify.allow_private_targets`",
                ),
                reason.clone(),
            ),
            (Reply::Unanswered(reason), _) if known => (Verdict::Retry, reason.clone()),
            (Reply::Unanswered(reason), _) => (Verdict::Unanswered, reason.clone()),
            (Reply::Mailed(code, words), _) => (email::verdict(*code), format!("{code} {words}")),
            (Reply::Answered(answer), Provider::Wecom(_)) => wecom::verdict(answer, now),
            (Reply::Answered(answer), Provider::WecomApp(_, app)) => app.verdict(answer, now),
            (Reply::Answered(answer), Provider::Dingtalk(_)) => dingtalk::verdict(answer, now),
            (Reply::Answered(answer), Provider::Feishu(_)) => feishu::verdict(answer, now),
            (Reply::Answered(answer), Provider::Slack(_)) => slack::verdict(answer, now),
            (Reply::Answered(answer), Provider::AliyunSms(..)) => aliyun_sms::verdict(answer),
            (Reply::Answered(answer), Provider::Pagerduty(_)) => pagerduty::verdict(answer, now),
            (Reply::Answered(answer), Provider::Alertmanager(_)) => {
                alertmanager::verdict(answer, now)
            }
            (
                Reply::Answered(answer),
                Provider::Webhook(..) | Provider::Email(_) | Provider::Log,
            ) => webhook::verdict(answer, now),
        };
        Judged {
            verdict,
            answer: cut_chars(&self.redact(answer), ANSWER_CHARS),
        }
    }

    const fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Provider::Wecom(endpoint)
            | Provider::WecomApp(endpoint, _)
            | Provider::Dingtalk(endpoint)
            | Provider::Feishu(endpoint)
            | Provider::Slack(endpoint)
            | Provider::Email(endpoint)
            | Provider::AliyunSms(endpoint, _)
            | Provider::Pagerduty(endpoint)
            | Provider::Alertmanager(endpoint)
            | Provider::Webhook(endpoint, _) => Some(endpoint),
            Provider::Log => None,
        }
    }

    /// Takes the receiver's URL and secret out of words that come from outside.
    fn redact(&self, words: String) -> String {
        let Some(endpoint) = self.endpoint() else {
            return words;
        };
        /// Shorter parts are words such as `send` or `hook`.
        const SECRET_BYTES: usize = 12;
        let url = &endpoint.url;
        let mut secrets = vec![url.to_string(), endpoint.secret.clone()];
        secrets.extend(url.password().map(str::to_owned));
        if let Provider::WecomApp(_, app) = self {
            secrets.extend(app.token().map(str::to_owned));
        }
        secrets.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
        secrets.extend(url.path_segments().into_iter().flatten().map(str::to_owned));
        secrets.retain(|secret| secret.len() >= SECRET_BYTES);
        secrets
            .iter()
            .fold(words, |words, secret| words.replace(secret, "***"))
    }
}

/// A JSON POST.
fn post_json(url: Url, body: &Value) -> HttpRequest {
    HttpRequest {
        url,
        headers: vec![("content-type", "application/json; charset=utf-8".to_owned())],
        body: Some(body.to_string().into_bytes()),
    }
}

/// The code and words of a chat robot's answer, under the names that this platform uses; or the verdict, where there is no
/// such body.
fn robot_answer(
    answer: &HttpAnswer,
    now: Timestamp,
    codes: &[&str],
    words: &[&str],
) -> Result<(i64, String), (Verdict, String)> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let code = codes.iter().find_map(|name| body.get(name));
    // Some gateways write numbers as strings.
    let code = code.and_then(|code| code.as_i64().or_else(|| code.as_str()?.parse().ok()));
    if let Some(code) = code {
        let said = words.iter().find_map(|name| body.get(name)?.as_str());
        return Ok((code, format!("{code} {}", said.unwrap_or_default())));
    }
    let said = http_words(answer);
    Err(match answer.status {
        429 => (Verdict::Throttle(retry_after(answer, now)), said),
        200..=299 => (Verdict::Retry, format!("{said}: not the answer of a robot")),
        500..=599 | 408 => (Verdict::Retry, said),
        _ => (
            Verdict::FatalConfig("check the robot's URL, and any proxy on the way"),
            said,
        ),
    })
}

/// Status and the beginning of the body.
fn http_words(answer: &HttpAnswer) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    let body = body.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("HTTP {} {body}", answer.status)
        .trim_end()
        .to_owned()
}

/// How long the answer asks to wait: seconds or an HTTP date.
fn retry_after(answer: &HttpAnswer, now: Timestamp) -> Option<Duration> {
    let value = ["retry-after", "x-ogw-ratelimit-reset"]
        .iter()
        .find_map(|name| answer.headers.get(*name))?
        .trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(value)
        .ok()?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::now;
    use wensheng_runtime::Secret;

    pub(super) fn answer(status: u16, body: &str) -> HttpAnswer {
        HttpAnswer {
            status,
            body: body.as_bytes().to_vec(),
            ..HttpAnswer::default()
        }
    }

    fn provider(kind: ReceiverKind, url: &str) -> Provider {
        Provider::new(&ReceiverConfig {
            url: Secret::new(url),
            secret: Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            ..ReceiverConfig::new(kind, "r")
        })
        .unwrap()
    }

    #[test]
    fn neither_url_nor_secret_shows_in_answers_or_dumps() {
        let mut robot = provider(
            ReceiverKind::Wecom,
            "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa",
        );
        let judged = robot.judge(
            &Reply::Answered(answer(
                200,
                r#"{"errcode":93000,"errmsg":"invalid key 693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa"}"#,
            )),
            false,
            now(),
        );
        assert_eq!(judged.answer, "93000 invalid key ***");
        let mut bot = provider(
            ReceiverKind::Feishu,
            "https://open.feishu.cn/open-apis/bot/v2/hook/0123456789abcdef",
        );
        let judged = bot.judge(
            &Reply::Unreachable("error for hook/0123456789abcdef".to_owned()),
            false,
            now(),
        );
        assert_eq!(judged.answer, "error for hook/***");
        let request = bot.request(
            &ReceiverConfig::new(ReceiverKind::Feishu, "r"),
            Message {
                id: "p1",
                notification: &crate::testing::notification("n1"),
                others: &[],
                receiver: "r",
                links: &crate::testing::links(),
                again: false,
            },
            now(),
        );
        let dump = format!("{bot:?} {request:?}");
        assert!(
            !dump.contains("0123456789abcdef") && !dump.contains("whsec"),
            "{dump}"
        );
    }

    #[test]
    fn an_unanswered_attempt_is_repeated_freely_only_where_repeats_are_known() {
        let timeout = Reply::Unanswered("no answer within 15 s".to_owned());
        for (kind, verdict) in [
            (ReceiverKind::Wecom, Verdict::Unanswered),
            (ReceiverKind::Feishu, Verdict::Unanswered),
            (ReceiverKind::Dingtalk, Verdict::Retry),
            (ReceiverKind::Webhook, Verdict::Retry),
        ] {
            let judged = provider(kind, "https://x.example/hook").judge(
                &timeout,
                kind.manners().knows_repeats,
                now(),
            );
            assert_eq!(judged.verdict, verdict, "{kind:?}");
        }
    }

    #[test]
    fn the_wait_an_answer_asks_for_is_seconds_or_a_date() {
        let with = |name: &str, value: &str| HttpAnswer {
            status: 429,
            headers: [(name.to_owned(), value.to_owned())].into(),
            body: Vec::new(),
        };
        for (header, value, wait) in [
            ("retry-after", "120", Some(120)),
            ("x-ogw-ratelimit-reset", "7", Some(7)),
            ("retry-after", "Sun, 22 Nov 2026 06:07:30 GMT", Some(90)),
            ("retry-after", "Sun, 22 Nov 2026 05:00:00 GMT", Some(0)),
            ("retry-after", "soon", None),
            ("date", "1", None),
        ] {
            assert_eq!(
                retry_after(&with(header, value), now()),
                wait.map(Duration::from_secs),
                "{header}: {value}"
            );
        }
    }
}
