use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::Sha256;

use super::dialect::Dialect;
use super::{Formbricks, FormsConfig, StandardWebhooks, Typeform};
use crate::push::PushInput;
use crate::push::testing::{self, Taken, build};

const DOCUMENT: &str = include_str!("../../../tests/wire/surveys-and-social.json");
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const FORM_SECRET: &str = "demo_typeform_secret";
const AT: i64 = 1_800_000_000;

fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

fn fixture(id: &str) -> (Value, Value) {
    let document = document();
    let fixtures = document["fixtures"].as_array().unwrap();
    let fixture = fixtures.iter().find(|f| f["id"] == id).unwrap();
    (fixture["body"].clone(), fixture["expect"].clone())
}

fn input<D: Dialect>(secret: &str, questions: &Value) -> Box<dyn PushInput> {
    let config: FormsConfig<D> = serde_json::from_value(json!({
        "name": "form", "brand": "鹿汀茶饮", "secrets": [secret], "questions": questions,
    }))
    .unwrap();
    build(&config)
}

fn deliver(input: &dyn PushInput, headers: &[(&str, &str)], body: &[u8], now: i64) -> Taken {
    testing::deliver(input, "", headers, body, now)
}

fn mac(key: &[u8], parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    for part in parts {
        mac.update(part);
    }
    BASE64.encode(mac.finalize().into_bytes())
}

/// Signed now, as Standard Webhooks say.
fn standard(input: &dyn PushInput, id: &str, body: &Value) -> Taken {
    let body = body.to_string();
    let at = AT.to_string();
    let key = BASE64.decode(&SECRET["whsec_".len()..]).unwrap();
    let parts = [id.as_bytes(), b".", at.as_bytes(), b".", body.as_bytes()];
    let signature = format!("v1,{}", mac(&key, &parts));
    let headers = [
        ("webhook-id", id),
        ("webhook-timestamp", at.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    deliver(input, &headers, body.as_bytes(), AT)
}

fn typeform(input: &dyn PushInput, body: &Value) -> Taken {
    let body = body.to_string();
    let signature = format!("sha256={}", mac(FORM_SECRET.as_bytes(), &[body.as_bytes()]));
    deliver(
        input,
        &[("typeform-signature", signature.as_str())],
        body.as_bytes(),
        AT,
    )
}

/// Every vector of the three, and the verdicts on time and version, through the whole input.
#[test]
fn every_vector_holds() {
    let mut seen = 0;
    for vector in document()["vectors"].as_array().unwrap() {
        let id = vector["id"].as_str().unwrap();
        let (data, output) = (&vector["input"], vector["output"].as_str().unwrap());
        let text = |name: &str| data[name].as_str().unwrap();
        let outcome = if id.starts_with("stdwebhooks.") || id == "formbricks.sig" {
            let input = match id {
                "formbricks.sig" => input::<Formbricks>(text("secret"), &json!([])),
                _ => input::<StandardWebhooks>(text("secret"), &json!([])),
            };
            let at = data["timestamp"].as_i64().unwrap();
            let signed_at = at.to_string();
            let headers = [
                ("webhook-id", text("id")),
                ("webhook-timestamp", signed_at.as_str()),
                (
                    "webhook-signature",
                    data["header"].as_str().unwrap_or(output),
                ),
            ];
            let now = data["now"].as_i64().unwrap_or(at);
            deliver(input.as_ref(), &headers, text("body").as_bytes(), now).outcome
        } else if id == "typeform.sig" {
            let input = input::<Typeform>(text("secret"), &json!([]));
            let headers = [("typeform-signature", output)];
            deliver(input.as_ref(), &headers, text("body").as_bytes(), AT).outcome
        } else {
            continue;
        };
        match output {
            "reject:signature" => {
                assert!(outcome.unwrap_err().reason.contains("signature"), "{id}");
            }
            "reject:timestamp" => {
                assert!(outcome.unwrap_err().reason.contains("timestamp"), "{id}");
            }
            _ => assert!(outcome.is_ok(), "{id} {outcome:?}"),
        }
        seen += 1;
    }
    assert_eq!(seen, 10);
}

#[test]
fn a_finished_response_of_formbricks_is_one_event_and_a_later_change_replaces_it() {
    let (body, expect) = fixture("formbricks.responseFinished");
    let input = input::<Formbricks>(
        SECRET,
        &json!([
            {"question": "welcome_card_cta", "kind": "ignore"},
            {"question": "nps", "kind": "nps"},
        ]),
    );
    let first = standard(input.as_ref(), "msg_1", &body);
    let event = &first.events[0];
    let key = format!(
        "{}:{}",
        event.native_id,
        body["data"]["updatedAt"].as_str().unwrap()
    );
    assert_eq!(json!(key), expect["dedupe_key"]);
    assert_eq!(json!(first.events.len() == 1), expect["emit"]);
    assert_eq!(event.text, "accepted");
    assert_eq!(event.attributes["country"], "DE");
    let again = standard(input.as_ref(), "msg_1", &body);
    assert_eq!(
        (&again.events[0].id, again.events[0].revision),
        (&event.id, event.revision)
    );
    let mut changed = body.clone();
    changed["event"] = json!("responseUpdated");
    changed["data"]["updatedAt"] = json!("2025-07-24T07:48:56.116Z");
    changed["data"]["data"] = json!({"nps": 3, "tags": ["慢", "贵"], "why": "等太久"});
    let changed = standard(input.as_ref(), "msg_2", &changed);
    assert_eq!(changed.events[0].id, event.id);
    assert!(changed.events[0].revision > event.revision);
    assert_eq!(changed.events[0].scores.nps, Some(3));
    assert_eq!(changed.events[0].text, "等太久");
    assert_eq!(changed.events[0].attributes["tags"], "慢,贵");
    let mut unfinished = body;
    unfinished["data"]["finished"] = json!(false);
    let unfinished = standard(input.as_ref(), "msg_3", &unfinished);
    assert!(unfinished.outcome.is_ok() && unfinished.events.is_empty());
}

#[test]
fn a_response_of_typeform_is_known_by_its_titles() {
    let (mut body, expect) = fixture("typeform.form_response");
    let input = input::<Typeform>(FORM_SECRET, &json!([{"question": "NPS", "kind": "nps"}]));
    let taken = typeform(input.as_ref(), &body);
    let event = &taken.events[0];
    assert_eq!(json!(event.native_id), expect["dedupe_key"]);
    assert_eq!(json!([event.text]), expect["texts"]);
    assert_eq!(event.scores.nps, Some(2));
    assert_eq!(event.occurred_at.to_string(), "2018-01-18T18:17:02Z");
    assert_eq!(typeform(input.as_ref(), &body).events[0].id, event.id);
    body["form_response"]["answers"] = json!([
        {"type": "choices", "choices": {"labels": ["慢", "贵"], "other": "远"}, "field": {"id": "f3", "ref": "r3"}},
        {"type": "choice", "choice": {"label": "南山店"}, "field": {"id": "f4"}},
        {"type": "boolean", "boolean": false, "field": {"id": "f5"}},
        {"type": "text", "text": "3", "field": {"id": "f1", "ref": "r1"}},
    ]);
    body["form_response"]["hidden"] = json!({"order": "991"});
    let taken = typeform(input.as_ref(), &body);
    let event = &taken.events[0];
    assert_eq!(event.text, "3");
    for (name, value) in [
        ("r3", "慢,贵,远"),
        ("f4", "南山店"),
        ("f5", "false"),
        ("order", "991"),
    ] {
        assert_eq!(event.attributes[name], value);
    }
    body["event_type"] = json!("form_response_partial");
    assert!(typeform(input.as_ref(), &body).events.is_empty());
}

#[test]
fn a_rating_on_a_senders_own_scale_becomes_satisfaction_unless_it_is_configured() {
    let body = |rating: Value, scale: Value| {
        json!({
            "type": "feedback.created", "timestamp": "2026-01-31T00:30:00Z",
            "data": {
                "id": "f1", "source": "app", "text": "加载慢", "rating": rating, "rating_scale": scale, "author": "u1",
                "lang": "zh", "occurred_at": "2026-01-31T08:30:00+08:00", "attributes": {"version": "8.1", "likely": 9},
            },
        })
    };
    let plain = input::<StandardWebhooks>(SECRET, &json!([{"question": "likely", "kind": "nps"}]));
    for (rating, scale, csat) in [
        (json!(4), Value::Null, Some(4)),
        (json!(10), json!(10), Some(5)),
        (json!("0"), json!("0-10"), Some(1)),
        (Value::Null, Value::Null, None),
    ] {
        let taken = standard(plain.as_ref(), "msg_1", &body(rating, scale));
        let event = &taken.events[0];
        assert_eq!((event.scores.csat, event.scores.nps), (csat, Some(9)));
        assert_eq!(
            (event.text.as_str(), event.native_id.as_str()),
            ("加载慢", "f1")
        );
        assert!(event.author.is_some());
        assert_eq!(event.attributes["version"], "8.1");
    }
    let nps = input::<StandardWebhooks>(SECRET, &json!([{"question": "rating", "kind": "nps"}]));
    let taken = standard(nps.as_ref(), "msg_1", &body(json!(7), json!("0-10")));
    assert_eq!(taken.events[0].scores.nps, Some(7));
    for (rating, scale) in [(json!(11), json!("0-10")), (json!(3), json!("many"))] {
        let taken = standard(plain.as_ref(), "msg_1", &body(rating, scale));
        assert!(taken.events.is_empty() && taken.letters.len() == 1);
    }
    let other = standard(plain.as_ref(), "msg_1", &json!({"type": "ping"}));
    assert!(other.outcome.is_ok() && other.letters.is_empty());
}

#[test]
fn who_does_not_sign_is_refused() {
    let (body, _) = fixture("typeform.form_response");
    let input = input::<Typeform>(FORM_SECRET, &json!([]));
    for headers in [
        &[][..],
        &[("typeform-signature", "sha256=AAAA")],
        &[("typeform-signature", "F3mZ")],
    ] {
        let taken = deliver(input.as_ref(), headers, body.to_string().as_bytes(), AT);
        assert_eq!(taken.outcome.unwrap_err().status, StatusCode::UNAUTHORIZED);
    }
    assert!(Typeform::key("short").is_err());
}

proptest! {
    #[test]
    fn no_input_breaks_the_reading(text in ".{0,300}") {
        let body = json!({"type": "feedback.created", "event": "responseFinished", "event_type": "form_response",
            "data": text, "form_response": {"token": text, "answers": [text, {"type": text, "field": text}]}});
        for body in [body, serde_json::from_str(&text).unwrap_or_default()] {
            StandardWebhooks::read(&body, None).ok();
            Formbricks::read(&body, None).ok();
            Typeform::read(&body, None).ok();
        }
    }
}
