use std::collections::BTreeMap;

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use aes::{Aes128, Aes256};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::WjxConfig;
use super::sign::{SignatureHash, payload, sha1_of, sign};
use super::submission::answers;
use crate::push::PushInput;
use crate::push::seal::Seal;
use crate::push::testing::{self, Taken, build};

const DOCUMENT: &str = include_str!("../../../tests/wire/surveys-and-social.json");
const TOKEN: &str = "0123456789abcdef";
const REDIRECT_KEY: &str = "822861f9c5114dc2bda214cd9567d0dc";

fn parameters(input: &Value) -> BTreeMap<String, Value> {
    serde_json::from_value(input["params"].clone()).unwrap()
}

/// Every vector of this platform, published and derived.
#[test]
fn every_vector_holds() {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let mut seen = 0;
    for vector in document["vectors"].as_array().unwrap() {
        let id = vector["id"].as_str().unwrap();
        let (input, output) = (&vector["input"], vector["output"].as_str().unwrap());
        let text = |name: &str| input[name].as_str().unwrap();
        let bytes = |name: &str| text(name).as_bytes();
        if id.starts_with("wjx.openapi.sign") {
            let signed = sign(&parameters(input), text("appkey"), SignatureHash::Sha1);
            assert_eq!(signed, output, "{id}");
        } else if id.starts_with("wjx.openapi.payload") {
            assert_eq!(payload(&parameters(input), text("appkey")), output, "{id}");
        } else if id == "wjx.push.sign" {
            let parts = [bytes("activity"), bytes("index"), bytes("push_key")];
            assert_eq!(sha1_of(&parts), output);
        } else if id == "wjx.legacy.getjoinlist.sign" {
            let parts = [
                bytes("appid"),
                bytes("appkey"),
                bytes("activity"),
                bytes("ts"),
            ];
            assert_eq!(sha1_of(&parts), output);
        } else if id == "wjx.redirect.aes" {
            let opened = Seal::new(text("aes_key")).unwrap().open(output.as_bytes());
            assert_eq!(opened.unwrap(), bytes("plaintext"));
        } else if id == "wjx.aikit.push.aes" {
            let opened = Seal::of_app_key(text("app_key")).open(output.as_bytes());
            assert_eq!(opened.unwrap(), bytes("plaintext"));
        } else {
            continue;
        }
        seen += 1;
    }
    assert_eq!(seen, 14);
}

fn input(push: &str, key: &str) -> Box<dyn PushInput> {
    let config: WjxConfig = serde_json::from_value(json!({
        "name": "survey", "brand": "鹿汀茶饮", "push": push, "push_key": key, "token": TOKEN,
        "questions": [
            {"question": "q12", "kind": "nps"},
            {"question": "q1", "kind": "csat", "scale": {"from": 1, "to": 5, "reversed": true}},
            {"question": "q4_*", "kind": "scale"},
        ],
    }))
    .unwrap();
    build(&config)
}

fn deliver(input: &dyn PushInput, query: &str, signature: Option<&str>, body: &[u8]) -> Taken {
    let headers = signature.map(|signature| ("x-wjx-signature", signature));
    testing::deliver(input, query, headers.as_slice(), body, 1_700_000_000)
}

fn fixture() -> (Value, Value) {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let fixtures = document["fixtures"].as_array().unwrap();
    let fixture = fixtures.iter().find(|f| f["id"] == "wjx.push").unwrap();
    let mut body = fixture["body"].clone();
    body["sign"] = json!(sha1_of(&[b"5657754", b"3", b"demo_push_key"]));
    (body, fixture["expect"].clone())
}

#[test]
fn the_sample_push_is_one_event_with_typed_scores() {
    let input = input("json", "demo_push_key");
    let (body, expect) = fixture();
    let query = format!("token={TOKEN}");
    let taken = deliver(input.as_ref(), &query, None, body.to_string().as_bytes());
    assert_eq!(taken.outcome.unwrap().body, "success");
    let [event] = taken.events.as_slice() else {
        panic!("{:?}", taken.letters)
    };
    assert_eq!(event.native_id, expect["dedupe_key"].as_str().unwrap());
    assert_eq!(
        event.occurred_at.to_string(),
        expect["ts_utc"].as_str().unwrap()
    );
    assert_eq!(event.text, expect["answers"]["q2"].as_str().unwrap());
    assert_eq!(
        event.scores.nps.map(u64::from),
        expect["answers"]["q12"].as_u64()
    );
    assert_eq!(event.scores.csat, Some(5));
    let ratings: Vec<_> = event
        .ratings
        .iter()
        .map(|(q, r)| (q.as_str(), r.value))
        .collect();
    assert_eq!(ratings, [("q4_1", 1.0), ("q4_2", 1.0)]);
    let chosen: Vec<&str> = event.attributes["q3"].split(',').collect();
    assert_eq!(json!(chosen), expect["answers"]["q3"]);
    assert_eq!(event.attributes["parameter"], "order-991");
    assert!(
        !event.attributes.values().any(|v| v == "1.2.3.4"),
        "no address is kept"
    );
    // An answer that was changed replaces the first, and one that comes again does not.
    let again = deliver(input.as_ref(), &query, None, body.to_string().as_bytes());
    assert_eq!(again.events[0].revision, event.revision);
    let mut changed = body;
    changed["submittime"] = json!("2016-08-23 10:02:00");
    changed["q2"] = json!("改了");
    let changed = deliver(input.as_ref(), &query, None, changed.to_string().as_bytes());
    assert_eq!(changed.events[0].id, event.id);
    assert!(changed.events[0].revision > event.revision);
}

#[test]
fn a_stranger_is_refused_and_a_push_that_is_no_answer_is_kept() {
    let input = input("json", "demo_push_key");
    let (body, _) = fixture();
    let query = format!("token={TOKEN}");
    let status = |taken: Taken| taken.outcome.unwrap_err().status;
    let body_bytes = body.to_string().into_bytes();
    assert_eq!(
        status(deliver(input.as_ref(), "", None, &body_bytes)),
        StatusCode::UNAUTHORIZED
    );
    for (name, value) in [
        ("sign", json!("0")),
        ("sign", Value::Null),
        ("index", json!("4")),
        ("activity", json!("5657755")),
    ] {
        let mut forged = body.clone();
        forged[name] = value;
        let taken = deliver(input.as_ref(), &query, None, forged.to_string().as_bytes());
        assert_eq!(status(taken), StatusCode::UNAUTHORIZED, "{name}");
    }
    let taken = deliver(input.as_ref(), &query, None, b"{\"activity\":");
    assert_eq!(status(taken), StatusCode::BAD_REQUEST);
    let mut odd = body;
    odd["q12"] = json!("11");
    let taken = deliver(input.as_ref(), &query, None, odd.to_string().as_bytes());
    assert_eq!(taken.outcome.unwrap().body, "success");
    assert!(
        taken.letters[0].reason.contains("q12"),
        "{:?}",
        taken.letters
    );
}

/// As the platform does it.
fn seal(key: &str, plain: &str) -> String {
    let iv: [u8; 16] = std::array::from_fn(|i| i as u8);
    let mut buffer = vec![0; plain.len() + 16];
    buffer[..plain.len()].copy_from_slice(plain.as_bytes());
    let sealed = match key.len() {
        16 => cbc::Encryptor::<Aes128>::new_from_slices(key.as_bytes(), &iv)
            .unwrap()
            .encrypt_padded::<Pkcs7>(&mut buffer, plain.len()),
        _ => cbc::Encryptor::<Aes256>::new_from_slices(key.as_bytes(), &iv)
            .unwrap()
            .encrypt_padded::<Pkcs7>(&mut buffer, plain.len()),
    };
    BASE64.encode([&iv, sealed.unwrap()].concat())
}

#[test]
fn a_sealed_push_comes_as_a_form_and_again_as_a_bare_body() {
    let input = input("redirect", REDIRECT_KEY);
    let query = format!("token={TOKEN}");
    let sealed = seal(
        REDIRECT_KEY,
        r#"{"activity":"5657754","joinid":"101812480275","index":"3","q1":"1","q2":"测试"}"#,
    );
    let form: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("content", &sealed)
        .finish();
    for body in [form, format!("content={sealed}"), sealed] {
        let taken = deliver(input.as_ref(), &query, None, body.as_bytes());
        assert_eq!(
            taken.events[0].native_id, "wjx:5657754:101812480275",
            "{taken:?}"
        );
        assert_eq!(taken.events[0].text, "测试");
    }
    let wrong = seal("00000000000000000000000000000000", "{}");
    let taken = deliver(input.as_ref(), &query, None, wrong.as_bytes());
    assert!(taken.outcome.is_err() || !taken.letters.is_empty());
}

#[test]
fn a_push_of_the_software_kit_is_signed_over_what_is_sealed() {
    let app_key = "test-app-key-123";
    let input = input("sdk", app_key);
    let query = format!("token={TOKEN}");
    let key = crate::hex::hex(&<md5::Md5 as md5::Digest>::digest(app_key));
    let body = seal(
        &key[..16],
        r#"{"vid":12345,"jid":67890,"submitdata":"1$2}2$等太久, 不来了}3$1|3}4$1!2,2!5}12$9"}"#,
    );
    let signature = sha1_of(&[body.as_bytes(), app_key.as_bytes()]);
    let taken = deliver(input.as_ref(), &query, Some(&signature), body.as_bytes());
    let event = &taken.events[0];
    assert_eq!(event.native_id, "wjx:12345:67890");
    assert_eq!(event.text, "等太久, 不来了");
    assert_eq!(
        (event.scores.csat, event.scores.nps),
        (Some(4), Some(9)),
        "1 is the best of five"
    );
    assert_eq!(event.attributes["q3"], "1,3");
    assert_eq!(event.ratings["q4_2"].value, 5.0);
    let taken = deliver(input.as_ref(), &query, Some("0"), body.as_bytes());
    assert_eq!(taken.outcome.unwrap_err().status, StatusCode::UNAUTHORIZED);
}

#[test]
fn answers_are_in_the_order_of_their_questions_and_skipped_ones_left_out() {
    let submission = json!({"q10": "a", "q2": "(跳过)", "q1_2": "b", "q1": "3", "quality": "x", "q3": "https://f/1"});
    let found = answers(&submission, &["(跳过)".to_owned()]);
    let found: Vec<_> = found.iter().map(|a| (a.id.as_str(), a.is_words)).collect();
    assert_eq!(
        found,
        [("q1", false), ("q1_2", true), ("q3", false), ("q10", true)]
    );
}

proptest! {
    #[test]
    fn no_input_breaks_the_opening(body in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
        let query = format!("token={TOKEN}");
        for (push, key) in [("json", "k"), ("redirect", REDIRECT_KEY), ("sdk", "k")] {
            let input = input(push, key);
            let signature = sha1_of(&[&body, b"k"]);
            deliver(input.as_ref(), &query, Some(&signature), &body);
            deliver(input.as_ref(), &query, None, BASE64.encode(&body).as_bytes());
        }
        answers(&json!({"submitdata": text}), &[]);
    }
}
