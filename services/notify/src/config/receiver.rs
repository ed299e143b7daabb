//! One receiver's settings: what its kind needs is there, and what it does not know is refused.

use std::collections::BTreeMap;

use reqwest::Url;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, Secret, guard};
use wensheng_schemas::{Escalation, Severity};

use super::kind::ReceiverKind;
use crate::sign;

/// The language of a card.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Chinese.
    #[default]
    Zh,
    /// English.
    En,
}

/// One receiver of pushes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiverConfig {
    /// The kind of receiver.
    pub kind: ReceiverKind,
    /// Its name in the delivery ledger, in metrics and in logs; each once. A push is known by it: renaming a receiver
    /// fails the pushes that wait for the old name.
    pub name: String,
    /// The whole address, as the platform shows it. A secret: for chat robots whoever has it can post. `email`:
    /// `smtps://user:password@host` (465) or `smtp://user:password@host:587?tls=required`, with `@` in the user as `%40`; the
    /// password of Chinese providers is their authorisation code (授权码). Not for `log`; `wecom-app`, `aliyun-sms` and `pagerduty`
    /// have the platform's own by default.
    #[serde(default)]
    pub url: Secret,
    /// The signing secret: of DingTalk and Feishu robots with the security setting "sign" (加签, 签名校验; with the
    /// setting "keyword" leave it empty and choose the keyword `闻声预警`, or `Wensheng alert` for English cards); of a
    /// webhook, `whsec_…`, required; of `wecom-app` the application's secret, of `aliyun-sms` the AccessKey secret, of
    /// `pagerduty` the routing key.
    #[serde(default)]
    pub secret: Secret,
    /// To whom: user ids for `wecom-app` (`@all` for everybody who sees the application), addresses for `email`, telephone
    /// numbers for `aliyun-sms`. Required there, and for no other kind.
    #[serde(default)]
    pub to: Vec<String>,
    /// The sender of `email`, such as `闻声 <voc@example.com>`.
    #[serde(default)]
    pub from: String,
    /// The application of `wecom-app`.
    #[serde(default)]
    pub app: Option<WecomAppConfig>,
    /// The approved signature and template of `aliyun-sms`.
    #[serde(default)]
    pub sms: Option<SmsConfig>,
    /// Which level of the escalation reads it: it is told of everything that reaches that level. `front_line` (the
    /// default) is told of everything, `specialists` once an alert is escalated to them, `management` last.
    #[serde(default = "front_line")]
    pub level: Escalation,
    /// It is told of alerts at least as grave as this. `watch`, the default, is all.
    #[serde(default = "watch")]
    pub min_severity: Severity,
    /// It is told of these brands alone. Empty, the default, is all.
    #[serde(default)]
    pub brands: Vec<String>,
    /// The receiver that is told instead of this one: at once when a push to this one failed for good, and after
    /// `fallback_after_seconds` when it is still under way. Default: none.
    #[serde(default)]
    pub fallback: Option<String>,
    /// Whether it stands by: it is told as another's `fallback`, and — the page of last resort — of what no other receiver
    /// has taken: when all pushes of a notification failed, or none arrived within `last_resort_after_seconds`. Default false.
    #[serde(default)]
    pub standby: bool,
    /// The language of its cards. `zh` by default.
    #[serde(default)]
    pub language: Language,
    /// Whether everybody in the chat is mentioned when a crisis is raised or one of its deadlines passes. Off by default.
    #[serde(default)]
    pub mention_all: bool,
    /// Pushes a minute, below the platform's own limit. By default 15 for WeCom and DingTalk robots (they allow 20), 90 for
    /// Feishu (it allows 100), 50 for Slack, 30 for a WeCom application, 20 for e-mail, 1 for short messages, 100 for PagerDuty, 600 for a webhook and
    /// for Alertmanager. What comes faster waits, crises first; in chats and mails what waits is merged into one message; nothing
    /// is left out.
    #[serde(default)]
    pub per_minute: Option<u32>,
}

/// A WeCom application (自建应用).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WecomAppConfig {
    /// The corporation's id (企业 ID), such as `ww…`.
    pub corp_id: String,
    /// The application's id (AgentId).
    pub agent_id: u64,
}

/// An approved short message of Alibaba Cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SmsConfig {
    /// The AccessKey id.
    pub access_key_id: String,
    /// The approved signature (签名).
    pub sign_name: String,
    /// The approved template's code, such as `SMS_123456789`.
    pub template_code: String,
    /// What the template's variables stand for. Default: none; a template without variables.
    #[serde(default)]
    pub params: BTreeMap<String, SmsFact>,
}

/// What a variable of a short message can say; each is cut at 20 characters, which is what templates allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SmsFact {
    /// 观察, 预警 or 危机.
    Severity,
    /// Whom the alert is about.
    Brand,
    /// What happened: the alert's title.
    Title,
    /// What is told: 新的危机, 认领超时 …
    Event,
    /// By when the next deadline is due, `14:20`; `-` when nothing is due.
    Due,
}

const fn front_line() -> Escalation {
    Escalation::FrontLine
}

const fn watch() -> Severity {
    Severity::Watch
}

impl ReceiverConfig {
    /// A receiver of that kind and name that is told of everything.
    pub fn new(kind: ReceiverKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            url: Secret::default(),
            secret: Secret::default(),
            to: Vec::new(),
            from: String::new(),
            app: None,
            sms: None,
            level: front_line(),
            min_severity: watch(),
            brands: Vec::new(),
            fallback: None,
            standby: false,
            language: Language::Zh,
            mention_all: false,
            per_minute: None,
        }
    }

    /// Its address: the configured one, or the platform's own.
    pub(crate) fn address(&self) -> &str {
        let given = self.url.expose();
        if !given.is_empty() {
            return given;
        }
        match self.kind {
            ReceiverKind::WecomApp => "https://qyapi.weixin.qq.com",
            ReceiverKind::AliyunSms => "https://dysmsapi.aliyuncs.com",
            ReceiverKind::Pagerduty => "https://events.pagerduty.com/v2/enqueue",
            _ => given,
        }
    }
}

impl Check for ReceiverConfig {
    fn check(&self, problems: &mut Problems) {
        if self.name.trim().is_empty() {
            problems.add("name", "must not be empty");
        }
        if self.per_minute == Some(0) {
            problems.add("per_minute", "must be at least 1");
        }
        self.check_parts(problems);
        match self.kind {
            ReceiverKind::Log => {
                if !self.url.is_empty() || !self.secret.is_empty() {
                    problems.add("kind", "`log` takes neither `url` nor `secret`");
                }
                return;
            }
            ReceiverKind::Wecom if !self.secret.is_empty() => {
                problems.add("secret", "WeCom robots have none: the key is in the URL");
            }
            ReceiverKind::Slack | ReceiverKind::Email | ReceiverKind::Alertmanager
                if !self.secret.is_empty() =>
            {
                problems.add("secret", "this kind has none");
            }
            ReceiverKind::WecomApp | ReceiverKind::AliyunSms | ReceiverKind::Pagerduty
                if self.secret.is_empty() =>
            {
                problems.add("secret", "must be given");
            }
            ReceiverKind::Webhook => {
                if let Err(problem) = sign::webhook_key(self.secret.expose()) {
                    problems.add("secret", problem);
                }
            }
            _ => {}
        }
        match Url::parse(self.address()) {
            Ok(url) => self.check_url(&url, problems),
            // The parser's own words could quote the URL.
            Err(_) => problems.add("url", "must be the whole address"),
        }
    }
}

impl ReceiverConfig {
    /// What one kind alone has.
    fn check_parts(&self, problems: &mut Problems) {
        let personal = matches!(
            self.kind,
            ReceiverKind::WecomApp | ReceiverKind::Email | ReceiverKind::AliyunSms
        );
        if personal && self.to.iter().all(|to| to.trim().is_empty()) {
            problems.add("to", "must name at least one person");
        }
        if !personal && !self.to.is_empty() {
            problems.add("to", "this kind has no such key");
        }
        if self.kind == ReceiverKind::Email {
            if self.from.parse::<lettre::message::Mailbox>().is_err() {
                problems.add(
                    "from",
                    "must be an address such as `闻声 <voc@example.com>`",
                );
            }
            for (index, to) in self.to.iter().enumerate() {
                if to.parse::<lettre::message::Mailbox>().is_err() {
                    problems.within_item("to", index, |problems| {
                        problems.add("", "is not an e-mail address");
                    });
                }
            }
        } else if !self.from.is_empty() {
            problems.add("from", "is for `email` alone");
        }
        match (self.kind == ReceiverKind::WecomApp, &self.app) {
            (true, None) => problems.add("app", "must be given: `corp_id` and `agent_id`"),
            (false, Some(_)) => problems.add("app", "is for `wecom-app` alone"),
            _ => {}
        }
        match (self.kind == ReceiverKind::AliyunSms, &self.sms) {
            (true, None) => problems.add(
                "sms",
                "must be given: `access_key_id`, `sign_name` and `template_code`",
            ),
            (false, Some(_)) => problems.add("sms", "is for `aliyun-sms` alone"),
            _ => {}
        }
    }

    fn check_url(&self, url: &Url, problems: &mut Problems) {
        let has = |name: &str| {
            url.query_pairs()
                .any(|(key, value)| key == name && !value.is_empty())
        };
        match (url.scheme(), self.kind) {
            ("smtp" | "smtps", ReceiverKind::Email) => {}
            (_, ReceiverKind::Email) => {
                problems.add("url", "must begin with smtps:// or smtp://");
            }
            ("https", _) => {}
            ("http", ReceiverKind::Webhook | ReceiverKind::Alertmanager) => {}
            ("http", _) if guard::is_loopback(url) => {}
            ("http", _) => problems.add("url", "must be https: it carries a secret"),
            _ => problems.add("url", "must be an http or https address"),
        }
        match self.kind {
            ReceiverKind::Wecom if !has("key") => {
                problems.add("url", "has no `key=`; copy it whole from the robot's page");
            }
            ReceiverKind::Dingtalk if !has("access_token") => {
                problems.add(
                    "url",
                    "has no `access_token=`; copy it whole from the robot's page",
                );
            }
            _ => {}
        }
    }
}
