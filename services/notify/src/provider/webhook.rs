//! Webhooks with Standard Webhooks signatures: `webhook-id` and body stay the same over all attempts, timestamp and
//! signature are renewed with each; the body stays below 20 KB.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Endpoint, HttpAnswer, HttpRequest, Message, Verdict, http_words, retry_after};
use crate::sign;

/// The standard's recommendation.
const BODY_BYTES: usize = 20_000;

pub(super) fn request(
    endpoint: &Endpoint,
    key: &[u8],
    message: Message<'_>,
    now: Timestamp,
) -> HttpRequest {
    let body = body(message);
    let timestamp = now.as_second();
    let signature = sign::standard_webhook(key, message.id, timestamp, &body);
    HttpRequest {
        url: endpoint.url.clone(),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("webhook-id", message.id.to_owned()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signature),
        ],
        body: Some(body),
    }
}

/// `{"type", "timestamp", "data"}`, where `data` is the notification and the link to its alert. What makes it too long
/// goes, and `data.shortened` says so: the oldest half of the timeline as often as needed, then samples.
fn body(message: Message<'_>) -> Vec<u8> {
    let notification = message.notification;
    let mut body = json!({
        "type": format!("alert.{}", notification.kind.name()),
        "timestamp": notification.decided_at,
        "data": notification,
    });
    if let Some(link) = message.links.alert(notification) {
        body["data"]["link"] = json!(link);
    }
    loop {
        let bytes = body.to_string().into_bytes();
        if bytes.len() <= BODY_BYTES || !shorten(&mut body["data"]) {
            return bytes;
        }
    }
}

/// Whether there was anything to take away.
fn shorten(data: &mut Value) -> bool {
    data["shortened"] = json!(true);
    let alert = &mut data["alert"];
    if let Some(timeline) = alert["timeline"].as_array_mut().filter(|t| !t.is_empty()) {
        timeline.drain(..timeline.len().div_ceil(2));
        return true;
    }
    alert["samples"]
        .as_array_mut()
        .is_some_and(|samples| samples.pop().is_some())
}

pub(super) fn verdict(answer: &HttpAnswer, now: Timestamp) -> (Verdict, String) {
    let verdict = match answer.status {
        200..=299 => Verdict::Ok,
        410 => Verdict::Gone("the endpoint says that it is gone for good: remove the receiver"),
        429 | 502 | 504 => Verdict::Throttle(retry_after(answer, now)),
        503 => match retry_after(answer, now) {
            Some(wait) => Verdict::Throttle(Some(wait)),
            None => Verdict::Retry,
        },
        // The standard asks for a retry of everything else: a receiver's mistake is often mended within its schedule.
        _ => Verdict::Retry,
    };
    (verdict, http_words(answer))
}

#[cfg(test)]
mod tests {
    use reqwest::Url;
    use wensheng_schemas::Notification;

    use super::super::tests::answer;
    use super::*;
    use crate::testing::{notification, now};

    fn sent(notification: &Notification, at: Timestamp) -> HttpRequest {
        let key = sign::webhook_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let endpoint = Endpoint {
            url: Url::parse("https://tickets.example.com/hook").unwrap(),
            secret: String::new(),
        };
        let message = Message {
            id: "p1",
            notification,
            others: &[],
            receiver: "r",
            links: &crate::testing::links(),
            again: false,
        };
        request(&endpoint, &key, message, at)
    }

    #[test]
    fn id_and_body_stay_while_timestamp_and_signature_change() {
        let told = notification("n1");
        let first = sent(&told, now());
        let second = sent(&told, now() + jiff::SignedDuration::from_secs(300));
        let header = |request: &HttpRequest, name: &str| {
            let found = request.headers.iter().find(|(n, _)| *n == name);
            found.unwrap().1.clone()
        };
        assert_eq!(first.body, second.body);
        assert_eq!(header(&first, "webhook-id"), "p1");
        assert_eq!(header(&second, "webhook-id"), "p1");
        for name in ["webhook-timestamp", "webhook-signature"] {
            assert_ne!(header(&first, name), header(&second, name));
        }
        let body: Value = serde_json::from_slice(first.body.as_ref().unwrap()).unwrap();
        assert_eq!(body["type"], "alert.raised");
        assert_eq!(body["data"]["link"], "https://voc.example.com/#/alerts/a1");
        let back: Notification = serde_json::from_value(body["data"].clone()).unwrap();
        assert_eq!(back, told);
    }

    #[test]
    fn a_long_alert_is_shortened_from_its_oldest_end_and_says_so() {
        let mut told = notification("n1");
        for index in 0..1000 {
            told.alert.timeline.push(
                serde_json::from_value(json!({
                    "at": now(), "actor": "系统", "event": "acknowledged", "note": index.to_string()
                }))
                .unwrap(),
            );
        }
        let request = sent(&told, now());
        let sent = request.body.unwrap();
        assert!(sent.len() <= BODY_BYTES, "{}", sent.len());
        let body: Value = serde_json::from_slice(&sent).unwrap();
        assert_eq!(body["data"]["shortened"], true);
        let timeline = body["data"]["alert"]["timeline"].as_array().unwrap();
        assert_eq!(timeline.last().unwrap()["note"], "999");
        assert_eq!(
            body["data"]["alert"]["samples"].as_array().unwrap().len(),
            2
        );
    }

    #[test]
    fn only_two_hundreds_are_a_success() {
        for (status, verdict) in [
            (200, "ok"),
            (204, "ok"),
            (302, "retry"),
            (401, "retry"),
            (410, "gone"),
            (429, "throttle"),
            (500, "retry"),
            (502, "throttle"),
            (503, "retry"),
            (504, "throttle"),
        ] {
            let (judged, _) = super::verdict(&answer(status, ""), now());
            assert_eq!(judged.name(), verdict, "{status}");
        }
    }
}
