//! Senders with a scheme of their own: their published vectors and payloads, over the source as it is configured.

use serde_json::{Value, json};
use wensheng_runtime::{Check, Problems};

use super::HttpPullConfig;
use crate::push::testing::{Taken, build, deliver};

const DOCUMENT: &str = include_str!("../../../tests/wire/own-schemes.json");

fn entry(list: &str, id: &str) -> Value {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let entries = document[list].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["id"] == id);
    entry.unwrap_or_else(|| panic!("there is no {id}")).clone()
}

fn source(push: Value) -> HttpPullConfig {
    serde_json::from_value(json!({
        "name": "line", "brand": "山岚茶饮", "channel": "social", "push": push,
        "fields": { "id": "$.comment_id", "text": "$.text", "occurred_at": "$.at" },
    }))
    .unwrap()
}

fn problems(config: &HttpPullConfig) -> String {
    let mut problems = Problems::default();
    config.check(&mut problems);
    format!("{problems:?}")
}

fn send(push: &Value, headers: &[(&str, &str)], body: &[u8], second: i64) -> Taken {
    deliver(
        build(&source(push.clone())).as_ref(),
        "",
        headers,
        body,
        second,
    )
}

fn slack(input: &Value) -> Value {
    json!({
        "items": "$.none",
        "signature": {
            "header": "X-Slack-Signature", "prefix": "v0=", "secret": input["signing_secret"],
            "over": "v0:{{X-Slack-Request-Timestamp}}:{{body}}", "timestamp": "X-Slack-Request-Timestamp",
        },
    })
}

#[test]
fn slack_s_vector_verifies_within_its_window() {
    let vector = entry("vectors", "slack.v0");
    let (input, signature) = (&vector["input"], vector["output"].as_str().unwrap());
    let (body, at) = (
        input["body"].as_str().unwrap(),
        input["timestamp"].as_str().unwrap(),
    );
    let second: i64 = at.parse().unwrap();
    let headers = [
        ("x-slack-signature", signature),
        ("x-slack-request-timestamp", at),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let is_taken = |headers: &[(&str, &str)], body: &str, second| {
        let taken = send(&slack(input), headers, body.as_bytes(), second);
        taken.outcome.is_ok()
    };
    assert!(is_taken(&headers, body, second));
    assert!(is_taken(&headers, body, second + 300));
    assert!(!is_taken(&headers, body, second + 301));
    assert!(!is_taken(
        &headers,
        &body.replace("roadrunner", "coyote"),
        second
    ));
    assert!(!is_taken(&headers[1..], body, second));
    // The time is signed.
    let later = (second + 200).to_string();
    let moved = [headers[0], (headers[1].0, later.as_str()), headers[2]];
    assert!(!is_taken(&moved, body, second + 400));
}

#[test]
fn surveymonkey_s_vector_verifies() {
    let vector = entry("vectors", "surveymonkey.sig");
    let input = &vector["input"];
    let secret = format!(
        "{}&{}",
        input["client_id"].as_str().unwrap(),
        input["client_secret"].as_str().unwrap()
    );
    let push = json!({
        "items": "$.none",
        "signature": { "header": "Sm-Signature", "algorithm": "hmac-sha1", "encoding": "base64", "secret": secret },
    });
    let body = input["body"].as_str().unwrap();
    let good = [("sm-signature", vector["output"].as_str().unwrap())];
    assert!(send(&push, &good, body.as_bytes(), 0).outcome.is_ok());
    let changed = body.replace("987654321", "987654322");
    assert!(send(&push, &good, changed.as_bytes(), 0).outcome.is_err());
}

fn douyin(secret: &Value) -> Value {
    json!({
        "items": "$.content", "challenge": "$.content.challenge",
        "signature": { "header": "X-Douyin-Signature", "algorithm": "sha1", "secret": secret },
    })
}

#[test]
fn douyin_s_vector_verifies_and_its_trial_is_answered() {
    let vector = entry("vectors", "douyin.webhook.sig");
    let body = vector["input"]["body"].as_str().unwrap();
    let push = douyin(&vector["input"]["client_secret"]);
    let signature = vector["output"].as_str().unwrap();
    let taken = send(
        &push,
        &[("x-douyin-signature", signature)],
        body.as_bytes(),
        0,
    );
    assert_eq!(taken.outcome.unwrap().body, r#"{"challenge":12345}"#);
    assert!(taken.events.is_empty() && taken.letters.is_empty());
    let wrong = signature.replace('a', "b");
    let taken = send(&push, &[("x-douyin-signature", &wrong)], body.as_bytes(), 0);
    assert!(taken.outcome.is_err());
}

#[test]
fn the_trial_of_the_platform_s_page_gets_back_what_it_sent() {
    let fixture = entry("fixtures", "douyin.verify");
    let push = json!({ "token": "0123456789abcdef", "items": "$.content", "challenge": "$.content.challenge" });
    let body = fixture["body"].to_string();
    let input = build(&source(push));
    let taken = deliver(
        input.as_ref(),
        "token=0123456789abcdef",
        &[],
        body.as_bytes(),
        0,
    );
    let answered: Value = serde_json::from_str(&taken.outcome.unwrap().body).unwrap();
    assert_eq!(answered, fixture["expect"]["reply"]);
    let taken = deliver(
        input.as_ref(),
        "token=0123456789abcdeg",
        &[],
        body.as_bytes(),
        0,
    );
    assert!(taken.outcome.is_err());
}

#[test]
fn items_are_mapped_as_those_of_a_page_also_where_they_are_json_in_a_text() {
    let push = json!({ "token": "0123456789abcdef", "items": "$.content" });
    let item = json!({ "comment_id": "c1", "text": "杯子漏水", "at": "2026-01-31 08:30:00" });
    for content in [item.clone(), Value::from(item.to_string())] {
        let body = json!({ "event": "comment", "content": content }).to_string();
        let bearer = [("authorization", "Bearer 0123456789abcdef")];
        let taken = send(&push, &bearer, body.as_bytes(), 1_770_000_000);
        assert!(taken.outcome.is_ok());
        let [event] = taken.events.as_slice() else {
            panic!("{taken:?}");
        };
        assert_eq!(
            (event.text.as_str(), event.brand.as_str()),
            ("杯子漏水", "山岚茶饮")
        );
        assert!(event.id.to_string().contains("c1"), "{}", event.id);
    }
    // An item without words is kept, and the platform is told that it was taken.
    let body = json!({ "content": { "comment_id": "c2" } }).to_string();
    let bearer = [("authorization", "Bearer 0123456789abcdef")];
    let taken = send(&push, &bearer, body.as_bytes(), 1_770_000_000);
    assert!(taken.outcome.is_ok());
    assert_eq!((taken.events.len(), taken.letters.len()), (0, 1));
}

#[test]
fn feishu_s_vector_is_opened() {
    let vector = entry("vectors", "feishu.event.decrypt");
    let seal =
        crate::push::seal::Seal::of_encrypt_key(vector["input"]["encrypt_key"].as_str().unwrap());
    let opened = seal.open(vector["input"]["encrypt"].as_str().unwrap().as_bytes());
    assert_eq!(
        opened.unwrap(),
        vector["output"].as_str().unwrap().as_bytes()
    );
    // Through the source: what is inside is no JSON, which only who opened it can say.
    let push = json!({ "token": "0123456789abcdef", "items": "$.event", "encrypt_key": vector["input"]["encrypt_key"] });
    let bearer = [("authorization", "Bearer 0123456789abcdef")];
    let sealed = json!({ "encrypt": vector["input"]["encrypt"] }).to_string();
    let reason = send(&push, &bearer, sealed.as_bytes(), 0)
        .outcome
        .unwrap_err()
        .reason;
    assert!(reason.contains("not valid JSON"), "{reason}");
    let mut wrong = push;
    wrong["encrypt_key"] = json!("another key");
    let reason = send(&wrong, &bearer, sealed.as_bytes(), 0)
        .outcome
        .unwrap_err()
        .reason;
    assert!(reason.contains("cannot be opened"), "{reason}");
    let clear = send(&wrong, &bearer, br#"{"event":{}}"#, 0);
    assert!(clear.outcome.is_err(), "what is not sealed is nobody's");
}

#[test]
fn what_does_not_fit_together_is_told() {
    assert!(problems(&source(json!({ "items": "$" }))).contains("nobody may send"));
    assert!(problems(&source(json!({ "token": "0123456789abcdef" }))).contains("where to ask"));
    assert!(problems(&source(json!({ "token": "short", "items": "$" }))).contains("16 characters"));
    let signed = |over: Value| {
        let mut signature = json!({ "header": "X-S", "secret": "s" });
        for (key, value) in over.as_object().unwrap() {
            signature[key] = value.clone();
        }
        problems(&source(json!({ "items": "$", "signature": signature })))
    };
    assert!(
        !signed(json!({})).contains("signature"),
        "{}",
        signed(json!({}))
    );
    for (over, told) in [
        (json!({ "over": "v0:" }), "must have {{body}}"),
        (json!({ "over": "{{body" }), "without `}}`"),
        (json!({ "over": "{{no header}}{{body}}" }), "nor a header"),
        (
            json!({ "algorithm": "sha1", "over": "{{body}}" }),
            "must have {{secret}}",
        ),
        (json!({ "timestamp": "X-T" }), "proves nothing"),
        (json!({ "secret": "" }), "must be given"),
        (json!({ "header": "a b" }), "name of a header"),
    ] {
        let problems = signed(over.clone());
        assert!(problems.contains(told), "{over} {problems}");
    }
}
