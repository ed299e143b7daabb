//! What the crate's tests share: one invented crisis.

use jiff::Timestamp;
use wensheng_schemas::Notification;

use crate::card::Card;
use crate::links::Links;
use crate::provider::Message;
use crate::{Config, Language};

/// A minute after the alert was raised.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T06:06:00Z".parse().unwrap()
}

/// A crisis was raised; `id` is the notification's.
pub(crate) fn notification(id: &str) -> Notification {
    serde_json::from_value(serde_json::json!({
        "id": id,
        "kind": "raised",
        "audience": "front_line",
        "decided_at": "2026-11-22T06:05:00Z",
        "alert": {
            "id": "a1",
            "revision": 1,
            "brand": "云岭茶饮",
            "topic": "food_safety",
            "title": "疑似食品安全：多人反映喝完腹泻",
            "severity": "crisis",
            "state": {"name": "raised"},
            "clock": {
                "started_at": "2026-11-22T06:05:00Z",
                "deadlines": [
                    {"kind": "acknowledge", "due_at": "2026-11-22T06:20:00Z"},
                    {"kind": "respond", "due_at": "2026-11-22T07:05:00Z"}
                ],
                "escalation": "front_line"
            },
            "signals": 12,
            "causes": {"负面占比": 3, "食品安全": 9},
            "channels": ["weibo", "hotline"],
            "samples": [
                {"event": "e1", "channel": "weibo", "occurred_at": "2026-11-22T06:04:00Z",
                 "text": "喝完就拉肚子，<@all>\n大家别买", "label": "negative"},
                {"event": "e2", "channel": "hotline", "occurred_at": "2026-11-22T06:03:00Z",
                 "text": "客服电话打不通", "label": "negative"}
            ],
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

/// Links to a console, without actions.
pub(crate) fn links() -> Links {
    Links::new(&Config {
        console_url: "https://voc.example.com/".to_owned(),
        ..Config::default()
    })
}

/// The card of a notification, with the link to its alert.
pub(crate) fn card(told: &Notification, language: Language, now: Timestamp) -> Card {
    let message = Message {
        id: "p1",
        notification: told,
        others: &[],
        receiver: "r",
        links: &links(),
        again: false,
    };
    Card::of(message, language, now)
}
