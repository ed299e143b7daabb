//! Prometheus Alertmanager, or whatever takes its JSON (`POST /api/v2/alerts`): the labels are the alert's identity, so that
//! every later push about it updates the same one, and a resolved one ends it.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use wensheng_schemas::AlertState;

use super::{
    Endpoint, HttpAnswer, HttpRequest, Message, Verdict, http_words, post_json, retry_after,
};
use crate::card::Card;

/// Where a base address alone is configured.
const PATH: &str = "/api/v2/alerts";

/// An alert that nobody resolves ends there after this long; without an end, Alertmanager would take it for over within
/// minutes, unless it is told again and again.
const OPEN_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

pub(super) fn request(endpoint: &Endpoint, message: Message<'_>, card: &Card) -> HttpRequest {
    let alert = &message.notification.alert;
    let raised_at = alert.times.raised_at;
    let ends_at = match &alert.state {
        AlertState::Resolved { at, .. } => *at,
        _ => raised_at + OPEN_FOR,
    };
    let mut annotations = json!({
        "summary": card.title,
        "description": card.text(),
        "samples": card.quotes.join("\n"),
    });
    let link = card.link.as_deref().unwrap_or_default();
    if !link.is_empty() {
        annotations["link"] = json!(link);
    }
    let mut url = endpoint.url.clone();
    if matches!(url.path(), "" | "/") {
        url.set_path(PATH);
    }
    // Nothing that changes while the alert lives may be a label, its severity excepted: Alertmanager routes by it, and a
    // raised severity is meant to page anew.
    post_json(
        url,
        &json!([{
            "labels": {
                "alertname": "WenshengAlert",
                "alert": alert.id,
                "brand": alert.brand,
                "topic": alert.topic,
                "severity": alert.severity.name(),
                "drill": alert.drill.to_string(),
            },
            "annotations": annotations,
            "startsAt": raised_at,
            "endsAt": ends_at,
            "generatorURL": link,
        }]),
    )
}

/// As Prometheus' own client: 2xx is taken, 5xx is tried again, everything else is for good.
pub(super) fn verdict(answer: &HttpAnswer, now: Timestamp) -> (Verdict, String) {
    let verdict = match answer.status {
        200..=299 => Verdict::Ok,
        429 => Verdict::Throttle(retry_after(answer, now)),
        408 | 500..=599 => Verdict::Retry,
        400 | 422 => Verdict::FatalItem,
        _ => Verdict::FatalConfig("check the address; a base address gets /api/v2/alerts added"),
    };
    (verdict, http_words(answer))
}

#[cfg(test)]
mod tests {
    use reqwest::Url;
    use serde_json::Value;
    use wensheng_schemas::{Actor, NotificationKind};

    use super::*;
    use crate::Language;
    use crate::testing::{notification, now};

    fn sent(told: &wensheng_schemas::Notification) -> (String, Value) {
        let endpoint = Endpoint {
            url: Url::parse("http://alertmanager:9093").unwrap(),
            secret: String::new(),
        };
        let card = crate::testing::card(told, Language::Zh, now());
        let message = Message {
            id: "p1",
            notification: told,
            others: &[],
            receiver: "r",
            links: &crate::testing::links(),
            again: false,
        };
        let request = request(&endpoint, message, &card);
        (
            request.url.to_string(),
            serde_json::from_slice(request.body.as_ref().unwrap()).unwrap(),
        )
    }

    #[test]
    fn a_resolved_alert_ends_the_one_with_the_same_labels() {
        let mut told = notification("n1");
        let (url, open) = sent(&told);
        assert_eq!(url, "http://alertmanager:9093/api/v2/alerts");
        told.kind = NotificationKind::Resolved;
        told.alert.state = AlertState::Resolved {
            by: Actor("小李".to_owned()),
            at: now(),
        };
        let (_, over) = sent(&told);
        assert_eq!(open[0]["labels"], over[0]["labels"]);
        assert_eq!(open[0]["labels"]["severity"], "crisis");
        assert_eq!(open[0]["startsAt"], "2026-11-22T06:05:00Z");
        assert_eq!(open[0]["endsAt"], "2026-12-22T06:05:00Z");
        assert_eq!(over[0]["endsAt"], "2026-11-22T06:06:00Z");
    }
}
