//! A receiver that could never be reached, or that would leak its key, is refused before anything starts.

mod kind;
mod receiver;

use reqwest::Url;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, Secret, SessionConfig, guard};

use crate::worker::ALLOW;

pub use kind::ReceiverKind;
pub use receiver::{Language, ReceiverConfig, SmsConfig, SmsFact, WecomAppConfig};

/// Pushes to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Who is told, and how. When empty, cards go to the process's log alone.
    pub receivers: Vec<ReceiverConfig>,
    /// Where people open the console, such as `https://voc.example.com`; cards link to an alert's page below it. Empty:
    /// cards have no link.
    pub console_url: String,
    /// Buttons on cards that act without logging in.
    pub links: LinksConfig,
    /// The longest wait for a receiver's answer, in seconds. 15 by default.
    pub timeout_seconds: u64,
    /// A push to a chat robot is given up this many seconds after it was decided. One day by default. A webhook's push is
    /// given up when its schedule of about three days ends.
    pub give_up_after_seconds: u64,
    /// A push that is still under way this many seconds after it was decided goes to its receiver's `fallback` as well. 120 by
    /// default: more than a robot's hiccup and its next tries, little of the time to acknowledge.
    pub fallback_after_seconds: u64,
    /// What no receiver has taken this many seconds after it was decided goes to the receivers of last resort. 300 by
    /// default: a third of the time to acknowledge is left for whoever is reached that way.
    pub last_resort_after_seconds: u64,
    /// Whether receivers of kind `webhook` may be on private, loopback or link-local addresses. Off by default, so that a
    /// URL cannot be used to reach into the network that this service stands in.
    pub allow_private_targets: bool,
    /// How notifications are read. The pace per robot is kept by one session, so `sessions` must be 1; with *k* processes
    /// of this role, set each robot's `per_minute` to a *k*th.
    pub session: SessionConfig,
}

/// Links on cards that acknowledge, escalate or dismiss an alert: signed, good for one action once, and until they expire.
/// Whoever opens one sees a page with one button and says who they are; a look alone, as chat programs take to preview,
/// does nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LinksConfig {
    /// The secret they are signed with, at least 16 characters; every process with the role `notify` or `console` needs the
    /// same. Default: none; then a process that has both roles draws one at each start, so that its links last until its
    /// end, and others make none.
    pub secret: Secret,
    /// For how many minutes after its notification a link is good. 1440 by default: one day.
    pub valid_minutes: u32,
}

impl Default for LinksConfig {
    fn default() -> Self {
        Self {
            secret: Secret::default(),
            valid_minutes: 24 * 60,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            receivers: Vec::new(),
            console_url: String::new(),
            links: LinksConfig::default(),
            timeout_seconds: 15,
            give_up_after_seconds: 24 * 60 * 60,
            fallback_after_seconds: 120,
            last_resort_after_seconds: 300,
            allow_private_targets: false,
            session: SessionConfig {
                // A push waits for its batch; few notifications come, so that nothing is gained by waiting for more.
                max_wait_ms: 10,
                ..SessionConfig::with_sessions(1)
            },
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
                if let Some(fallback) = &receiver.fallback {
                    let known = self.receivers.iter().any(|other| &other.name == fallback);
                    if !known || *fallback == receiver.name {
                        problems.add("fallback", "must name another receiver");
                    }
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
        if (1..16).contains(&self.links.secret.expose().chars().count()) {
            problems.within("links", |problems| {
                problems.add("secret", "must have at least 16 characters");
            });
        }
        if self.links.valid_minutes == 0 {
            problems.within("links", |problems| {
                problems.add("valid_minutes", "must be at least 1");
            });
        }
        if !(1..=120).contains(&self.timeout_seconds) {
            problems.add("timeout_seconds", "must be 1 to 120");
        }
        if self.give_up_after_seconds < 60 {
            problems.add("give_up_after_seconds", "must be at least 60");
        }
        for (path, seconds) in [
            ("fallback_after_seconds", self.fallback_after_seconds),
            ("last_resort_after_seconds", self.last_resort_after_seconds),
        ] {
            if seconds < 5 {
                problems.add(path, "must be at least 5");
            }
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

fn check_public(url: &Secret, problems: &mut Problems) {
    let Ok(url) = Url::parse(url.expose()) else {
        return;
    };
    if let Err(refused) = guard::check_host(&url) {
        problems.add("url", format!("{refused}; {ALLOW}"));
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
