//! An embedded bus, the role on it, and the ledger as others read it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use wensheng_bus::{Bus, EmbeddedBus, EmbeddedConfig, Record, TopicPartition};
use wensheng_notify::{
    Config, Error, LinksConfig, ReceiverConfig, ReceiverKind, SmsConfig, SmsFact, WecomAppConfig,
};
use wensheng_runtime::{Handle, Secret, decode, encode, topic_specs};
use wensheng_schemas::{Delivery, Notification, Topic};

use crate::mock::{
    DINGTALK_SECRET, FEISHU_SECRET, Mock, PAGERDUTY_KEY, SMS_SECRET, WEBHOOK_SECRET,
    WECOM_APP_SECRET,
};

const PARTITIONS: u32 = 2;

pub(crate) struct World {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) handle: Handle,
    role: Option<JoinHandle<Result<(), Error>>>,
    _folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bus: Arc<dyn Bus> =
            EmbeddedBus::open(folder.path().join("bus.db"), EmbeddedConfig::default()).unwrap();
        bus.create_topics(&topic_specs(PARTITIONS, &BTreeMap::new()))
            .await
            .unwrap();
        Self {
            bus,
            handle: Handle::default(),
            role: None,
            _folder: folder,
        }
    }

    pub(crate) fn start(&mut self, config: Config) {
        self.handle = Handle::default();
        let role = wensheng_notify::run(config, self.bus.clone(), self.handle.clone());
        self.role = Some(tokio::spawn(role));
    }

    /// The process dies.
    pub(crate) async fn kill(&mut self) {
        let role = self.role.take().unwrap();
        role.abort();
        assert!(role.await.unwrap_err().is_cancelled());
    }

    /// The process is asked to end.
    pub(crate) async fn stop(&mut self) {
        self.handle.shutdown.cancel();
        self.role.take().unwrap().await.unwrap().unwrap();
    }

    pub(crate) async fn tell(&self, notification: &Notification) {
        let mut publisher = self.bus.publisher("test").await.unwrap();
        let record = encode(notification, None);
        publisher.publish(vec![record]).await.unwrap();
    }

    /// The ledger's rows so far; those of one push are in order.
    pub(crate) async fn ledger(&self) -> Vec<Delivery> {
        let mut rows = Vec::new();
        for partition in 0..PARTITIONS {
            let at = TopicPartition::new(Topic::Deliveries.name(), partition);
            let mut visit = |record: Record| rows.push(decode::<Delivery>(&record).unwrap());
            self.bus.replay(&at, 0..u64::MAX, &mut visit).await.unwrap();
        }
        rows
    }

    /// Waits until that many pushes have ended, and gives the ledger.
    pub(crate) async fn ended(&self, count: usize) -> Vec<Delivery> {
        let wait = async {
            loop {
                let rows = self.ledger().await;
                let ended = rows.iter().filter(|row| row.state.name() != "queued");
                if ended.count() >= count {
                    return rows;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait)
            .await
            .expect("the pushes end")
    }
}

/// One receiver of that kind at the mock, with the right secret.
pub(crate) fn receiver(kind: ReceiverKind, mock: &Mock) -> ReceiverConfig {
    let base = format!("http://{}", mock.address);
    let (url, secret) = match kind {
        ReceiverKind::Wecom => (format!("{base}/wecom?key=693a-secret-key"), ""),
        ReceiverKind::Dingtalk => (
            format!("{base}/dingtalk?access_token=secret-access-token"),
            DINGTALK_SECRET,
        ),
        ReceiverKind::Feishu => (format!("{base}/feishu"), FEISHU_SECRET),
        ReceiverKind::Webhook => (format!("{base}/webhook"), WEBHOOK_SECRET),
        ReceiverKind::Slack => (format!("{base}/slack"), ""),
        ReceiverKind::Pagerduty => (format!("{base}/pagerduty"), PAGERDUTY_KEY),
        ReceiverKind::Alertmanager => (format!("{base}/alertmanager/api/v2/alerts"), ""),
        ReceiverKind::WecomApp => (base, WECOM_APP_SECRET),
        ReceiverKind::AliyunSms => (format!("{base}/sms"), SMS_SECRET),
        // Its server is another one; see `mail`.
        ReceiverKind::Email | ReceiverKind::Log => (String::new(), ""),
    };
    let mut receiver = ReceiverConfig {
        url: Secret::new(url),
        secret: Secret::new(secret),
        ..ReceiverConfig::new(kind, kind.name())
    };
    match kind {
        ReceiverKind::WecomApp => {
            receiver.to = vec!["zhang".to_owned()];
            receiver.app = Some(WecomAppConfig {
                corp_id: "ww1".to_owned(),
                agent_id: 1_000_002,
            });
        }
        ReceiverKind::AliyunSms => {
            receiver.to = vec!["13900000000".to_owned()];
            receiver.sms = Some(SmsConfig {
                access_key_id: "id-of-the-key".to_owned(),
                sign_name: "闻声".to_owned(),
                template_code: "SMS_1".to_owned(),
                params: [("what".to_owned(), SmsFact::Title)].into(),
            });
        }
        _ => {}
    }
    receiver
}

pub(crate) fn config(receivers: impl IntoIterator<Item = ReceiverConfig>) -> Config {
    Config {
        receivers: receivers.into_iter().collect(),
        console_url: "https://voc.example.com".to_owned(),
        links: LinksConfig {
            secret: Secret::new("a secret of both roles"),
            ..LinksConfig::default()
        },
        allow_private_targets: true,
        timeout_seconds: 30,
        ..Config::default()
    }
}

/// A crisis of an invented brand was raised.
pub(crate) fn notification(id: &str) -> Notification {
    serde_json::from_value(serde_json::json!({
        "id": id,
        "kind": "raised",
        "audience": "front_line",
        "decided_at": jiff::Timestamp::now(),
        "alert": {
            "id": format!("alert-{id}"),
            "revision": 1,
            "brand": "云岭茶饮",
            "topic": "food_safety",
            "title": "疑似食品安全：多人反映喝完腹泻",
            "severity": "crisis",
            "state": {"name": "raised"},
            "signals": 12,
            "causes": {"食品安全": 9},
            "channels": ["weibo"],
            "samples": [],
            "times": {
                "first_post_at": "2026-11-22T05:58:00Z",
                "occurred_at": "2026-11-22T06:04:00Z",
                "observed_at": "2026-11-22T06:04:59Z",
                "enriched_at": "2026-11-22T06:04:59.2Z",
                "detected_at": "2026-11-22T06:04:59.4Z",
                "raised_at": "2026-11-22T06:05:00Z",
                "updated_at": "2026-11-22T06:05:00Z"
            },
            "last_signal_at": "2026-11-22T06:04:59.4Z",
            "timeline": []
        }
    }))
    .unwrap()
}
