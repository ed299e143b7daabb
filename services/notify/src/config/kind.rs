//! What holds for every receiver of a kind, in one table: how fast it may be told, how many at once, whether it knows a
//! repeat, whether messages to it may be merged, and how long it is asked again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kinds of receivers.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiverKind {
    /// A WeCom (企业微信) group robot.
    Wecom,
    /// A WeCom application, which writes to people by name.
    WecomApp,
    /// A DingTalk (钉钉) custom robot.
    Dingtalk,
    /// A Feishu (飞书) or Lark custom bot.
    Feishu,
    /// A Slack incoming webhook.
    Slack,
    /// E-mail over SMTP.
    Email,
    /// Short messages by Alibaba Cloud (阿里云短信).
    AliyunSms,
    /// PagerDuty Events v2.
    Pagerduty,
    /// Prometheus Alertmanager, or whatever takes its JSON.
    Alertmanager,
    /// Any HTTP endpoint, with Standard Webhooks signatures.
    Webhook,
    /// The process's own log.
    Log,
}

/// How receivers of a kind want to be dealt with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Manners {
    /// Pushes a minute unless the operator says otherwise …
    pub(crate) per_minute: u32,
    /// … and how many of them may come at once.
    pub(crate) burst: f64,
    /// Attempts under way at the same time. One for a chat, so that it shows pushes in their order.
    pub(crate) under_way: usize,
    /// Whether it recognises the same push sent again by its id.
    pub(crate) knows_repeats: bool,
    /// Whether pushes that wait for its pace may go out as one message. Not where a program reads them.
    pub(crate) merges: bool,
    /// Whether a push is tried on the schedule of Standard Webhooks, some three days, instead of every minute at last.
    pub(crate) slow_schedule: bool,
}

impl ReceiverKind {
    /// Its stable name, as it is written in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            ReceiverKind::Wecom => "wecom",
            ReceiverKind::WecomApp => "wecom-app",
            ReceiverKind::Dingtalk => "dingtalk",
            ReceiverKind::Feishu => "feishu",
            ReceiverKind::Slack => "slack",
            ReceiverKind::Email => "email",
            ReceiverKind::AliyunSms => "aliyun-sms",
            ReceiverKind::Pagerduty => "pagerduty",
            ReceiverKind::Alertmanager => "alertmanager",
            ReceiverKind::Webhook => "webhook",
            ReceiverKind::Log => "log",
        }
    }

    /// WeCom and DingTalk robots allow 20 a minute, and DingTalk blocks for ten minutes beyond: 15 and a burst of 5 is just
    /// that. Feishu allows 100 a minute and 5 a second, Slack about one a second, PagerDuty about 120 a minute. One number is sent one short message a
    /// minute at most with the usual settings; other numbers are other receivers. The others' paces protect endpoints
    /// that nobody measured.
    pub(crate) const fn manners(self) -> Manners {
        let chat = Manners {
            per_minute: 15,
            burst: 5.0,
            under_way: 1,
            knows_repeats: false,
            merges: true,
            slow_schedule: false,
        };
        match self {
            ReceiverKind::Wecom => chat,
            // Asked for with `enable_duplicate_check`.
            ReceiverKind::WecomApp => Manners {
                per_minute: 30,
                knows_repeats: true,
                ..chat
            },
            // Knows `msgUuid`.
            ReceiverKind::Dingtalk => Manners {
                knows_repeats: true,
                ..chat
            },
            ReceiverKind::Feishu => Manners {
                per_minute: 90,
                burst: 3.0,
                ..chat
            },
            ReceiverKind::Slack => Manners {
                per_minute: 50,
                burst: 3.0,
                ..chat
            },
            // A repeat has the same `Message-ID`, by which mail programs fold it away.
            ReceiverKind::Email => Manners {
                per_minute: 20,
                knows_repeats: true,
                ..chat
            },
            ReceiverKind::AliyunSms => Manners {
                per_minute: 1,
                burst: 1.0,
                merges: false,
                ..chat
            },
            // Knows `dedup_key`; the order is that of the alert.
            ReceiverKind::Pagerduty => Manners {
                per_minute: 100,
                knows_repeats: true,
                merges: false,
                ..chat
            },
            // The same labels are the same alert.
            ReceiverKind::Alertmanager => Manners {
                per_minute: 600,
                burst: 20.0,
                knows_repeats: true,
                merges: false,
                ..chat
            },
            // Its receiver orders by the alert's revision.
            ReceiverKind::Webhook => Manners {
                per_minute: 600,
                burst: 20.0,
                under_way: 8,
                knows_repeats: true,
                merges: false,
                slow_schedule: true,
            },
            ReceiverKind::Log => Manners {
                per_minute: 60_000,
                burst: 1_000.0,
                under_way: 8,
                knows_repeats: true,
                merges: false,
                slow_schedule: false,
            },
        }
    }
}
