//! A receiver that could never be reached, or that would leak its key, is refused before anything starts.

use reqwest::Url;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, Secret, SessionConfig};
use wensheng_schemas::{Escalation, Severity};

use crate::{guard, sign};

/// Pushes to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Who is told, and how. When empty, cards go to the process's log alone.
    pub receivers: Vec<ReceiverConfig>,
    /// Where people open the console, such as `https://voc.example.com`; cards link to an alert's page below it. Empty:
    /// cards have no link.
    pub console_url: String,
    /// The longest wait for a receiver's answer, in seconds. 15 by default.
    pub timeout_seconds: u64,
    /// A push to a chat robot is given up this many seconds after it was decided. One day by default. A webhook's push is
    /// given up when its schedule of about three days ends.
    pub give_up_after_seconds: u64,
    /// Whether receivers of kind `webhook` may be on private, loopback or link-local addresses. Off by default, so that a
    /// URL cannot be used to reach into the network that this service stands in.
    pub allow_private_targets: bool,
    /// How notifications are read. The pace per robot is kept by one session, so `sessions` must be 1; with *k* processes
    /// of this role, set each robot's `per_minute` to a *k*th.
    pub session: SessionConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            receivers: Vec::new(),
            console_url: String::new(),
            timeout_seconds: 15,
            give_up_after_seconds: 24 * 60 * 60,
            allow_private_targets: false,
            session: SessionConfig {
                // A push waits for its batch; few notifications come, so that nothing is gained by waiting for more.
                max_wait_ms: 10,
                ..SessionConfig::with_sessions(1)
            },
        }
    }
}

/// The kinds of receivers.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ReceiverKind {
    /// A WeCom (企业微信) group robot.
    Wecom,
    /// A DingTalk (钉钉) custom robot.
    Dingtalk,
    /// A Feishu (飞书) or Lark custom bot.
    Feishu,
    /// Any HTTP endpoint, with Standard Webhooks signatures.
    Webhook,
    /// The process's own log.
    Log,
}

impl ReceiverKind {
    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            ReceiverKind::Wecom => "wecom",
            ReceiverKind::Dingtalk => "dingtalk",
            ReceiverKind::Feishu => "feishu",
            ReceiverKind::Webhook => "webhook",
            ReceiverKind::Log => "log",
        }
    }
}

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
    /// The whole address, as the platform shows it. A secret: for chat robots whoever has it can post. Not for `log`.
    #[serde(default)]
    pub url: Secret,
    /// The signing secret: of DingTalk and Feishu robots with the security setting "sign" (加签, 签名校验; with the
    /// setting "keyword" leave it empty and choose the keyword `闻声预警`, or `Wensheng alert` for English cards); of a
    /// webhook, `whsec_…`, required.
    #[serde(default)]
    pub secret: Secret,
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
    /// The language of its cards. `zh` by default.
    #[serde(default)]
    pub language: Language,
    /// Whether everybody in the chat is mentioned when a crisis is raised or one of its deadlines passes. Off by default.
    #[serde(default)]
    pub mention_all: bool,
    /// Pushes a minute, below the platform's own limit. By default 15 for WeCom and DingTalk (they allow 20), 90 for Feishu
    /// (it allows 100), 600 for a webhook. What comes faster waits, crises first; nothing is left out.
    #[serde(default)]
    pub per_minute: Option<u32>,
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
            level: front_line(),
            min_severity: watch(),
            brands: Vec::new(),
            language: Language::Zh,
            mention_all: false,
            per_minute: None,
        }
    }
}

impl Check for Config {
    fn check(&self, problems: &mut Problems) {
        for (index, receiver) in self.receivers.iter().enumerate() {
            problems.within_item("receivers", index, |problems| {
                receiver.check(problems);
                let taken = self.receivers[..index]
                    .iter()
                    .any(|other| other.name == receiver.name);
                if taken {
                    problems.add("name", "another receiver has this name");
                }
                if receiver.kind == ReceiverKind::Webhook && !self.allow_private_targets {
                    check_public(&receiver.url, problems);
                }
            });
        }
        if !self.console_url.is_empty() {
            match Url::parse(&self.console_url) {
                Ok(url) if matches!(url.scheme(), "http" | "https") => {}
                _ => problems.add("console_url", "must be an http or https URL, or empty"),
            }
        }
        if !(1..=120).contains(&self.timeout_seconds) {
            problems.add("timeout_seconds", "must be 1 to 120");
        }
        if self.give_up_after_seconds < 60 {
            problems.add("give_up_after_seconds", "must be at least 60");
        }
        problems.within("session", |problems| {
            self.session.check(problems);
            if self.session.sessions != 1 {
                problems.add(
                    "sessions",
                    "must be 1: the pace per robot is kept by one session",
                );
            }
        });
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
            ReceiverKind::Webhook => {
                if let Err(problem) = sign::webhook_key(self.secret.expose()) {
                    problems.add("secret", problem);
                }
            }
            ReceiverKind::Wecom | ReceiverKind::Dingtalk | ReceiverKind::Feishu => {}
        }
        match Url::parse(self.url.expose()) {
            Ok(url) => self.check_url(&url, problems),
            // The parser's own words could quote the URL.
            Err(_) => problems.add("url", "must be the whole http or https address"),
        }
    }
}

impl ReceiverConfig {
    fn check_url(&self, url: &Url, problems: &mut Problems) {
        let has = |name: &str| {
            url.query_pairs()
                .any(|(key, value)| key == name && !value.is_empty())
        };
        match url.scheme() {
            "https" => {}
            "http" if self.kind == ReceiverKind::Webhook => {}
            "http" if guard::is_loopback(url) => {}
            "http" => problems.add("url", "must be https: the robot's key is part of it"),
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

fn check_public(url: &Secret, problems: &mut Problems) {
    let Ok(url) = Url::parse(url.expose()) else {
        return;
    };
    if let Err(refused) = guard::check_host(&url) {
        problems.add("url", refused.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(yaml: &str) -> Vec<String> {
        match wensheng_runtime::parse::<Config>(yaml, &|_| None) {
            Ok(_) => Vec::new(),
            Err(wensheng_runtime::ConfigError::Invalid(found)) => {
                found.iter().map(ToString::to_string).collect()
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn every_receiver_kind_is_read() {
        let yaml = r"
console_url: https://voc.example.com
receivers:
  - {kind: wecom, name: 值班群, url: 'https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k', mention_all: true}
  - {kind: dingtalk, name: 专班, url: 'https://oapi.dingtalk.com/robot/send?access_token=t', secret: SECx, level: specialists}
  - {kind: feishu, name: 管理层, url: 'https://open.feishu.cn/open-apis/bot/v2/hook/t', secret: s, level: management, min_severity: crisis}
  - {kind: webhook, name: tickets, url: 'https://tickets.example.com/hook', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, brands: [云岭茶饮], language: en, per_minute: 30}
  - {kind: log, name: log}
";
        assert_eq!(problems(yaml), Vec::<String>::new());
    }

    #[test]
    fn every_problem_is_told_at_once_and_no_secret_with_it() {
        let found = problems(
            r"
timeout_seconds: 0
session: {sessions: 4}
receivers:
  - {kind: wecom, name: a, url: 'http://qyapi.weixin.qq.com/send?key=topsecret', secret: topsecret}
  - {kind: dingtalk, name: a, url: 'topsecret'}
  - {kind: webhook, name: c, url: 'http://169.254.169.254/topsecret', secret: whsec_topsecret}
  - {kind: log, name: '', url: 'https://topsecret.example.com'}
",
        );
        for path in [
            "receivers[0].url",
            "receivers[0].secret",
            "receivers[1].url",
            "receivers[1].name",
            "receivers[2].url",
            "receivers[2].secret",
            "receivers[3].name",
            "receivers[3].kind",
            "timeout_seconds",
            "session.sessions",
        ] {
            assert!(
                found
                    .iter()
                    .any(|line| line.starts_with(&format!("{path}: "))),
                "{path} is missing in {found:#?}"
            );
        }
        assert!(!found.concat().contains("topsecret"), "{found:#?}");
    }

    #[test]
    fn private_webhooks_are_allowed_where_the_operator_says_so() {
        let yaml = "allow_private_targets: true\nreceivers:\n  - {kind: webhook, name: c, url: 'http://10.0.0.5/hook', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}\n";
        assert_eq!(problems(yaml), Vec::<String>::new());
    }
}
