use axum::http::HeaderMap;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use wensheng_runtime::Secret;
use wensheng_schemas::Channel;

use super::WechatOaConfig;
use crate::push::testing::{self, Taken, build};
use crate::push::{Head, PushInput, Reply};
use crate::wechat::crypto::sign;
use crate::wechat::crypto::tests::{VECTORS, encrypt};

const TOKEN: &str = "pamtest";
const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const APP: &str = "wxb11529c136998cb6";
const AT: i64 = 1_700_000_001;

fn input(encrypted: bool) -> Box<dyn PushInput> {
    let config = WechatOaConfig {
        name: "oa".to_owned(),
        token: Secret::new(TOKEN),
        app_id: APP.to_owned(),
        encoding_aes_key: Secret::new(if encrypted { KEY } else { "" }),
        brand: "鹿汀茶饮".to_owned(),
        ..WechatOaConfig::default()
    };
    build(&config)
}

fn deliver(input: &dyn PushInput, query: &str, body: &[u8], now: i64) -> Taken {
    testing::deliver(input, query, &[], body, now)
}

fn plain_query(at: i64) -> String {
    let at = at.to_string();
    let signature = sign(&[TOKEN, &at, "n0nce"]);
    format!("signature={signature}&timestamp={at}&nonce=n0nce&openid=x")
}

fn sealed(message: &str, receive_id: &str) -> (String, String) {
    let sealed = encrypt(KEY, "0123456789abcdef", message, receive_id);
    let signature = sign(&[TOKEN, &AT.to_string(), "n0nce", &sealed]);
    let query = format!(
        "{}&encrypt_type=aes&msg_signature={signature}",
        plain_query(AT)
    );
    (
        query,
        format!(
            "<xml><ToUserName><![CDATA[gh]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
        ),
    )
}

fn fixture(id: &str) -> (String, Value) {
    let document: Value = serde_json::from_str(VECTORS).unwrap();
    let all = document["fixtures"].as_array().unwrap();
    let found = all.iter().find(|fixture| fixture["id"] == id).unwrap();
    (
        found["body"].as_str().unwrap().to_owned(),
        found["expect"].clone(),
    )
}

#[test]
fn the_address_is_ours_when_the_signature_is_and_the_echo_is_verbatim() {
    for encrypted in [false, true] {
        let input = input(encrypted);
        let ask = |query: String, now: i64| {
            let uri = format!("/ingest/oa?{query}").parse().unwrap();
            let headers = HeaderMap::new();
            input.answer_check(&Head::new(
                &uri,
                &headers,
                Timestamp::from_second(now).unwrap(),
            ))
        };
        let good = format!("{}&echostr=5927782489442352469%2B%2F", plain_query(AT));
        let echo = ask(good.clone(), AT).unwrap();
        assert_eq!(echo, Reply::text("5927782489442352469+/"));
        assert!(ask(good.clone(), AT + 301).is_err());
        assert!(ask(good.replace("n0nce", "n0nc3"), AT).is_err());
        assert!(ask(plain_query(AT), AT).is_err(), "without an echo");
    }
}

#[test]
fn published_messages_become_what_they_say() {
    let input = input(false);
    let (body, expect) = fixture("wx.oa.text");
    let taken = deliver(input.as_ref(), &plain_query(AT), body.as_bytes(), AT);
    assert_eq!(taken.outcome, Ok(Reply::text("success")));
    let event = &taken.events[0];
    assert_eq!(event.text, expect["text"].as_str().unwrap());
    assert_eq!(
        event.occurred_at.as_second(),
        expect["ts"].as_i64().unwrap()
    );
    assert_eq!(event.native_id, "wx:toUser:1234567890123456");
    assert_eq!(event.channel, Channel::Wechat);
    let author = event.author.as_ref().unwrap();
    assert!(!author.key.contains("fromUser") && author.key.len() == 32);

    let (body, expect) = fixture("wx.oa.voice.recognition");
    let taken = deliver(input.as_ref(), &plain_query(AT), body.as_bytes(), AT);
    assert_eq!(taken.events[0].text, expect["text"].as_str().unwrap());
    assert_eq!(taken.events[0].attributes["media_id"], "media_id");

    let (body, _) = fixture("wx.oa.event.subscribe");
    let taken = deliver(input.as_ref(), &plain_query(AT), body.as_bytes(), AT);
    assert_eq!(taken.outcome, Ok(Reply::text("success")));
    assert!(taken.events.is_empty() && taken.letters.is_empty());
}

#[test]
fn the_encrypted_vector_and_its_resends_are_one_event() {
    let document: Value = serde_json::from_str(VECTORS).unwrap();
    let vector = |id: &str| -> Value {
        let all = document["vectors"].as_array().unwrap();
        all.iter().find(|v| v["id"] == id).unwrap().clone()
    };
    let (made, signed) = (vector("wx.oa.text.enc"), vector("wx.oa.text.sig"));
    let sealed = made["output"].as_str().unwrap();
    let at = signed["input"]["timestamp"].as_str().unwrap();
    let query = format!(
        "{}&encrypt_type=aes&msg_signature={}",
        plain_query(at.parse().unwrap()),
        signed["output"].as_str().unwrap()
    );
    let body = format!("<xml><ToUserName>gh</ToUserName><Encrypt>{sealed}</Encrypt></xml>");
    let input = input(true);
    let first = deliver(input.as_ref(), &query, body.as_bytes(), AT);
    let again = deliver(input.as_ref(), &query, body.as_bytes(), AT + 10);
    assert_eq!(first.outcome, Ok(Reply::text("success")));
    assert_eq!(first.events.len(), 1);
    assert_eq!(first.events[0].id, again.events[0].id);
}

#[test]
fn json_is_read_as_xml_is_and_an_id_keeps_every_digit() {
    let message = json!({
        "ToUserName": "gh_1", "FromUserName": "o1", "CreateTime": AT, "MsgType": "text",
        "Content": "杯子漏水", "MsgId": 9_007_199_254_740_993_u64,
    });
    let (query, _) = sealed("", APP);
    let sealed = encrypt(KEY, "0123456789abcdef", &message.to_string(), APP);
    let signature = sign(&[TOKEN, &AT.to_string(), "n0nce", &sealed]);
    let query = query.split("&msg_signature").next().unwrap().to_owned()
        + &format!("&msg_signature={signature}");
    let body = json!({ "ToUserName": "gh_1", "Encrypt": sealed }).to_string();
    let taken = deliver(input(true).as_ref(), &query, body.as_bytes(), AT);
    assert_eq!(taken.outcome, Ok(Reply::text("success")));
    assert_eq!(taken.events[0].native_id, "wx:gh_1:9007199254740993");
}

#[test]
fn what_was_not_sealed_for_us_is_refused() {
    let text = fixture("wx.oa.text").0;
    let safe = input(true);
    let (query, body) = sealed(&text, APP);
    assert!(
        deliver(safe.as_ref(), &query, body.as_bytes(), AT)
            .outcome
            .is_ok()
    );
    let (other_query, other) = sealed(&text, "wx_another");
    for (query, body, now, status) in [
        (other_query.as_str(), other.as_str(), AT, 400),
        (query.as_str(), text.as_str(), AT, 400),
        (query.as_str(), body.as_str(), AT + 301, 401),
        (query.split("&msg_").next().unwrap(), body.as_str(), AT, 401),
        (other_query.as_str(), body.as_str(), AT, 401),
        ("", body.as_str(), AT, 401),
        (query.as_str(), "<!DOCTYPE a><xml/>", AT, 400),
    ] {
        let refused = deliver(safe.as_ref(), query, body.as_bytes(), now);
        let status_of = refused.outcome.map_err(|r| r.status.as_u16());
        assert_eq!(status_of, Err(status), "{query} {body}");
        assert!(refused.events.is_empty() && refused.letters.is_empty());
    }
    let plain = deliver(input(false).as_ref(), &query, body.as_bytes(), AT);
    assert!(
        plain
            .outcome
            .unwrap_err()
            .reason
            .contains("encoding_aes_key")
    );
}

#[test]
fn a_wrong_message_is_a_dead_letter_without_the_follower() {
    let body = "<xml><ToUserName>gh</ToUserName><FromUserName>o-secret-id</FromUserName><MsgType>text</MsgType>\
                <Content>漏水,电话13800138000</Content><CreateTime>1</CreateTime></xml>";
    let taken = deliver(input(false).as_ref(), &plain_query(AT), body.as_bytes(), AT);
    assert_eq!(taken.outcome, Ok(Reply::text("success")));
    let letter = serde_json::to_string(&taken.letters[0]).unwrap();
    assert!(letter.contains("no MsgId"), "{letter}");
    assert!(
        !letter.contains("o-secret-id") && !letter.contains("13800138000"),
        "{letter}"
    );
}

proptest! {
    #[test]
    fn random_bodies_are_answered_or_refused_and_never_break(
        body in prop::collection::vec(any::<u8>(), 0..300), encrypted in any::<bool>(),
    ) {
        let taken = deliver(input(encrypted).as_ref(), &plain_query(AT), &body, AT);
        prop_assert!(taken.events.is_empty());
        prop_assert_eq!(taken.outcome.is_err(), encrypted);
    }
}
