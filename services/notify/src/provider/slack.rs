//! Slack incoming webhooks: a header, a section and buttons. The URL is the secret; no idempotency key.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{Endpoint, HttpAnswer, HttpRequest, Verdict, http_words, post_json, retry_after};
use crate::card::Card;
use crate::escape::{cut_chars, fit};

/// The limits of Block Kit: 150 characters of a header, 3,000 of a section; a Chinese character has three bytes.
const TITLE_CHARS: usize = 149;
const TEXT_BYTES: usize = 3_000;

/// About one message a second is allowed.
const THROTTLED: Duration = Duration::from_secs(2);

pub(super) fn request(endpoint: &Endpoint, card: &Card, everybody: bool) -> HttpRequest {
    let mut tail: Vec<String> = card
        .deadlines
        .iter()
        .map(|line| format!("*{line}*"))
        .collect();
    if everybody {
        tail.push("<!channel>".to_owned());
    }
    let text = fit(
        &card.fact_lines("*").join("\n"),
        &card.quotes.join("\n"),
        &tail.join("\n"),
        TEXT_BYTES,
    );
    let title = cut_chars(&card.title, TITLE_CHARS);
    let mut blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": title}}),
        json!({"type": "section", "text": {"type": "mrkdwn", "text": text}}),
    ];
    let buttons: Vec<_> = card
        .links()
        .map(|(words, url)| {
            json!({"type": "button", "text": {"type": "plain_text", "text": words}, "url": url})
        })
        .collect();
    if !buttons.is_empty() {
        blocks.push(json!({"type": "actions", "elements": buttons}));
    }
    post_json(
        endpoint.url.clone(),
        &json!({"text": title, "blocks": blocks}),
    )
}

pub(super) fn verdict(answer: &HttpAnswer, now: Timestamp) -> (Verdict, String) {
    let said = http_words(answer);
    let body = String::from_utf8_lossy(&answer.body);
    let verdict = match (answer.status, body.trim()) {
        (200, "ok") => Verdict::Ok,
        (429, _) => Verdict::Throttle(Some(retry_after(answer, now).unwrap_or(THROTTLED))),
        (408 | 500..=599, _) => Verdict::Retry,
        (200..=299, _) => return (Verdict::Retry, format!("{said}: not the answer of Slack")),
        (400, "invalid_payload" | "no_text") => Verdict::FatalItem,
        (403, _) => Verdict::FatalConfig(
            "the workspace forbids it or the address is no longer valid: make a new webhook",
        ),
        (404 | 410, _) => Verdict::FatalConfig(
            "the channel or the webhook is gone or archived: make a new webhook",
        ),
        _ => Verdict::FatalConfig("check the webhook's URL, and any proxy on the way"),
    };
    (verdict, said)
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
    fn a_message_has_a_header_a_section_and_a_button() {
        let card = crate::testing::card(&notification("n1"), Language::En, now());
        let endpoint = Endpoint {
            url: Url::parse("https://hooks.slack.example/services/T/B/x").unwrap(),
            secret: String::new(),
        };
        let body: Value =
            serde_json::from_slice(request(&endpoint, &card, true).body.as_ref().unwrap()).unwrap();
        assert_eq!(body["blocks"][0]["type"], "header");
        let text = body["blocks"][1]["text"]["text"].as_str().unwrap();
        assert!(text.contains("*Channels*: weibo, hotline"), "{text}");
        assert!(text.ends_with("\n<!channel>"), "{text}");
        assert_eq!(
            body["blocks"][2]["elements"][0]["url"],
            "https://voc.example.com/#/alerts/a1"
        );
    }

    #[test]
    fn the_verdict_is_in_status_and_word() {
        for (status, body, verdict) in [
            (200, "ok", "ok"),
            (200, "<html>", "retry"),
            (429, "rate_limited", "throttle"),
            (500, "rollup_error", "retry"),
            (400, "invalid_payload", "fatal_item"),
            (403, "action_prohibited", "fatal_config"),
            (404, "no_service", "fatal_config"),
            (410, "channel_is_archived", "fatal_config"),
        ] {
            let (judged, _) = super::verdict(&answer(status, body), now());
            assert_eq!(judged.name(), verdict, "{status} {body}");
        }
    }
}
