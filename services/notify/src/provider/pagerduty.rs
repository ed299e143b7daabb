//! PagerDuty Events v2: one incident per alert (`dedup_key` is the alert's id), triggered, acknowledged and resolved as the
//! alert is. A repeat changes nothing there.

use jiff::Timestamp;
use serde_json::json;
use wensheng_schemas::{NotificationKind, Severity};

use super::{
    Endpoint, HttpAnswer, HttpRequest, Message, Verdict, http_words, post_json, retry_after,
};
use crate::card::Card;
use crate::escape::cut_chars;

/// Of a summary, 1,024 characters are allowed.
const SUMMARY_CHARS: usize = 1_000;

pub(super) fn request(endpoint: &Endpoint, message: Message<'_>, card: &Card) -> HttpRequest {
    let notification = message.notification;
    let alert = &notification.alert;
    let event_action = match notification.kind {
        NotificationKind::Resolved => "resolve",
        NotificationKind::Acknowledged | NotificationKind::Responded => "acknowledge",
        _ => "trigger",
    };
    let severity = match alert.severity {
        Severity::Crisis => "critical",
        Severity::Alert => "error",
        Severity::Watch => "warning",
    };
    let details: serde_json::Map<String, serde_json::Value> = card
        .facts
        .iter()
        .map(|(label, value)| ((*label).to_owned(), json!(value)))
        .chain([
            ("samples".to_owned(), json!(card.quotes)),
            ("deadlines".to_owned(), json!(card.deadlines)),
        ])
        .collect();
    let links: Vec<_> = card
        .links()
        .map(|(words, url)| json!({"href": url, "text": words}))
        .collect();
    let body = json!({
        "routing_key": endpoint.secret,
        "event_action": event_action,
        "dedup_key": format!("wensheng:{}", alert.id),
        "client": "Wensheng",
        "links": links,
        "payload": {
            "summary": cut_chars(&card.title, SUMMARY_CHARS),
            "source": alert.brand,
            "severity": severity,
            "timestamp": alert.times.raised_at,
            "component": alert.topic,
            "class": notification.kind.name(),
            "custom_details": details,
        },
    });
    post_json(endpoint.url.clone(), &body)
}

pub(super) fn verdict(answer: &HttpAnswer, now: Timestamp) -> (Verdict, String) {
    let verdict = match answer.status {
        200..=299 => Verdict::Ok,
        // 403 is a rate limit there.
        403 | 429 => Verdict::Throttle(retry_after(answer, now)),
        408 | 500..=599 => Verdict::Retry,
        400 => Verdict::FatalItem,
        _ => Verdict::FatalConfig("check the address and the routing key"),
    };
    (verdict, http_words(answer))
}

#[cfg(test)]
mod tests {
    use reqwest::Url;
    use serde_json::Value;

    use super::super::tests::answer;
    use super::*;
    use crate::Language;
    use crate::testing::{notification, now};

    #[test]
    fn an_incident_follows_its_alert() {
        let endpoint = Endpoint {
            url: Url::parse("https://events.pagerduty.example/v2/enqueue").unwrap(),
            secret: "r".repeat(32),
        };
        for (kind, action) in [
            (NotificationKind::Raised, "trigger"),
            (NotificationKind::Acknowledged, "acknowledge"),
            (NotificationKind::Resolved, "resolve"),
        ] {
            let mut told = notification("n1");
            told.kind = kind;
            let card = crate::testing::card(&told, Language::En, now());
            let message = Message {
                id: "p1",
                notification: &told,
                others: &[],
                receiver: "r",
                links: &crate::testing::links(),
                again: false,
            };
            let body: Value =
                serde_json::from_slice(request(&endpoint, message, &card).body.as_ref().unwrap())
                    .unwrap();
            assert_eq!(body["event_action"], action);
            assert_eq!(body["dedup_key"], "wensheng:a1");
            assert_eq!(body["payload"]["severity"], "critical");
            assert_eq!(body["payload"]["custom_details"]["Signals"], "12");
            assert_eq!(
                body["links"][0]["href"],
                "https://voc.example.com/#/alerts/a1"
            );
        }
    }

    #[test]
    fn only_two_hundreds_are_a_success() {
        for (status, verdict) in [
            (202, "ok"),
            (400, "fatal_item"),
            (401, "fatal_config"),
            (403, "throttle"),
            (429, "throttle"),
            (500, "retry"),
        ] {
            let (judged, _) = super::verdict(&answer(status, ""), now());
            assert_eq!(judged.name(), verdict, "{status}");
        }
    }
}
