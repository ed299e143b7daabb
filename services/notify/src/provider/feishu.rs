//! Feishu and Lark custom bots: an interactive card of at most 20 KB, signed in the body. No idempotency key.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{Endpoint, HttpAnswer, HttpRequest, Verdict, post_json, retry_after, robot_answer};
use crate::card::{Card, Tone};
use crate::escape::{cut_bytes, fit};
use crate::sign;

/// The whole body may have 20 KB; JSON doubles some characters, and the frame takes under 1 KB.
const TEXT_BYTES: usize = 8 * 1024;
const TITLE_BYTES: usize = 512;

/// The limits are 5 a second and 100 a minute.
const THROTTLED: Duration = Duration::from_secs(10);

pub(super) fn request(
    endpoint: &Endpoint,
    card: &Card,
    everybody: bool,
    now: Timestamp,
) -> HttpRequest {
    let template = match card.tone {
        Tone::Crisis => "red",
        Tone::Alert => "orange",
        Tone::Watch => "blue",
        Tone::AllClear => "green",
    };
    let mut tail: Vec<String> = card
        .deadlines
        .iter()
        .map(|line| format!("**{line}**"))
        .collect();
    if everybody {
        tail.push("<at id=all></at>".to_owned());
    }
    let text = fit(
        &card.fact_lines("**").join("\n"),
        &card.quotes.join("\n"),
        &tail.join("\n"),
        TEXT_BYTES,
    );
    let mut elements = vec![json!({"tag": "div", "text": {"tag": "lark_md", "content": text}})];
    let buttons: Vec<_> = card
        .links()
        .map(|(words, url)| {
            json!({
                "tag": "button", "type": "primary", "url": url,
                "text": {"tag": "plain_text", "content": words},
            })
        })
        .collect();
    if !buttons.is_empty() {
        elements.push(json!({"tag": "action", "actions": buttons}));
    }
    let title = cut_bytes(&card.title, TITLE_BYTES);
    let mut body = json!({
        "msg_type": "interactive",
        "card": {
            "config": {"wide_screen_mode": true},
            "header": {"title": {"tag": "plain_text", "content": title}, "template": template},
            "elements": elements,
        },
    });
    if !endpoint.secret.is_empty() {
        let timestamp = now.as_second();
        body["timestamp"] = json!(timestamp.to_string());
        body["sign"] = json!(sign::feishu(timestamp, &endpoint.secret));
    }
    post_json(endpoint.url.clone(), &body)
}

pub(super) fn verdict(answer: &HttpAnswer, now: Timestamp) -> (Verdict, String) {
    let throttled = || Verdict::Throttle(Some(retry_after(answer, now).unwrap_or(THROTTLED)));
    let judged = robot_answer(
        answer,
        now,
        &["code", "StatusCode"],
        &["msg", "StatusMessage"],
    );
    let (code, said) = match judged {
        Ok(answer) => answer,
        Err((Verdict::Throttle(_), said)) => return (throttled(), said),
        Err(judged) => return judged,
    };
    let verdict = match code {
        0 => Verdict::Ok,
        11_232 | 99_991_400 => throttled(),
        _ if answer.status == 429 => throttled(),
        19_021 => Verdict::FatalConfig(
            "the signature does not match: compare the bot's secret, and this machine's clock",
        ),
        19_022 => Verdict::FatalConfig("add this machine's address to the bot's allowed addresses"),
        19_001 => {
            Verdict::FatalConfig("the URL is wrong or the bot was removed: copy the URL anew")
        }
        _ if answer.status >= 500 => Verdict::Retry,
        // 9499, 19024 (a keyword that is not that of our titles) and what is not known.
        _ => Verdict::FatalItem,
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
    use crate::testing::notification;

    fn body(secret: &str, everybody: bool) -> (Value, usize) {
        // The instant and the secret of the vector that go-lark/lark publishes.
        let now = Timestamp::from_second(1_661_860_880).unwrap();
        let card = crate::testing::card(&notification("n1"), Language::Zh, now);
        let endpoint = Endpoint {
            url: Url::parse("https://open.feishu.cn/open-apis/bot/v2/hook/t").unwrap(),
            secret: secret.to_owned(),
        };
        let request = request(&endpoint, &card, everybody, now);
        let bytes = request.body.as_ref().unwrap().len();
        (
            serde_json::from_slice(request.body.as_ref().unwrap()).unwrap(),
            bytes,
        )
    }

    #[test]
    fn the_body_is_signed_with_both_fields_as_strings() {
        let (signed, _) = body("xxx", false);
        assert_eq!(signed["timestamp"], "1661860880");
        assert_eq!(
            signed["sign"],
            "QnWVTSBe6FmQDE0bG6X0mURbI+DnvVyu1h+j5dHOjrU="
        );
        let (unsigned, _) = body("", false);
        assert_eq!(unsigned.get("sign"), None);
    }

    #[test]
    fn a_card_is_red_for_a_crisis_and_small_enough() {
        let (body, bytes) = body("xxx", true);
        assert!(bytes < 20 * 1024, "{bytes}");
        assert_eq!(body["card"]["header"]["template"], "red");
        let elements = &body["card"]["elements"];
        let text = elements[0]["text"]["content"].as_str().unwrap();
        assert!(text.ends_with("**\n<at id=all></at>"), "{text}");
        assert_eq!(text.matches("<at").count(), 1);
        assert_eq!(
            elements[1]["actions"][0]["url"],
            "https://voc.example.com/#/alerts/a1"
        );
    }

    #[test]
    fn the_published_answers_are_judged() {
        let document: Value =
            serde_json::from_str(include_str!("../../tests/wire/chats-and-messages.json")).unwrap();
        let fixture = &document["fixtures"][0];
        assert_eq!(fixture["id"], "feishu.errors");
        let answers = fixture["body"].as_array().unwrap();
        let actions = fixture["expect"]["actions"].as_array().unwrap();
        assert_eq!((answers.len(), actions.len()), (5, 5));
        for (body, action) in answers.iter().zip(actions) {
            let expected = match action.as_str().unwrap() {
                "ok" => "ok",
                "fatal_config_or_clock" | "fatal_config" => "fatal_config",
                "fatal_content" => "fatal_item",
                "backoff" => "throttle",
                other => panic!("{other}"),
            };
            let answer = answer(200, &body.to_string());
            let (judged, said) = super::verdict(&answer, Timestamp::UNIX_EPOCH);
            assert_eq!(judged.name(), expected, "{body}: {said}");
        }
    }

    #[test]
    fn the_verdict_is_in_the_body() {
        for (status, body, verdict) in [
            (200, r#"{"code":0,"msg":"success","data":{}}"#, "ok"),
            (200, r#"{"StatusCode":0,"StatusMessage":"success"}"#, "ok"),
            (
                200,
                r#"{"code":11232,"msg":"frequency limited"}"#,
                "throttle",
            ),
            (
                400,
                r#"{"code":99991400,"msg":"request trigger frequency limit"}"#,
                "throttle",
            ),
            (429, "", "throttle"),
            (
                200,
                r#"{"code":19021,"msg":"sign match fail"}"#,
                "fatal_config",
            ),
            (
                200,
                r#"{"code":19022,"msg":"ip not allowed"}"#,
                "fatal_config",
            ),
            (
                200,
                r#"{"code":19024,"msg":"key words not found"}"#,
                "fatal_item",
            ),
            (400, r#"{"code":9499,"msg":"bad request"}"#, "fatal_item"),
            (500, r#"{"code":1,"msg":"internal"}"#, "retry"),
            (503, "", "retry"),
        ] {
            let (judged, said) = super::verdict(&answer(status, body), Timestamp::UNIX_EPOCH);
            assert_eq!(judged.name(), verdict, "{status} {body}: {said}");
        }
    }
}
