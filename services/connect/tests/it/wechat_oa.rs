//! An Official Account over real HTTP: the address check, a message that is sent three times, and strangers.

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::site::Site;

const TOKEN: &str = "pamtest";

/// The query that WeChat appends.
fn query(nonce: &str) -> String {
    let at = jiff::Timestamp::now().as_second().to_string();
    let mut parts = [TOKEN, &at, nonce];
    parts.sort_unstable();
    let digest = Sha1::digest(parts.concat().as_bytes());
    let signature: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    format!("signature={signature}&timestamp={at}&nonce={nonce}")
}

fn config() -> Value {
    json!({
        "listen": "127.0.0.1:0",
        "pseudonym_key": "0123456789abcdef",
        "sources": [{"kind": "wechat-oa", "name": "oa", "token": TOKEN, "brand": "鹿汀茶饮"}],
    })
}

#[tokio::test]
async fn the_address_is_checked_and_a_message_sent_three_times_is_one_event() {
    let site = Site::new().await;
    let mut run = site.start_with(config());
    let base = format!("http://{}/ingest/oa", run.address().await);
    let client = Client::new();

    let check = format!("{base}?{}&echostr=59277%2B", query("n1"));
    let answer = client.get(&check).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.text().await.unwrap(), "59277+");
    let stranger = client.get(check.replace("nonce=n1", "nonce=n2"));
    let answer = stranger.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);

    let body = "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[oABC]]></FromUserName>\
                <CreateTime>1700000000</CreateTime><MsgType><![CDATA[text]]></MsgType>\
                <Content><![CDATA[杯子漏水]]></Content><MsgId>23456789012345678</MsgId></xml>";
    for nonce in ["n3", "n4", "n5"] {
        let url = format!("{base}?{}", query(nonce));
        let answer = client.post(url).body(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.text().await.unwrap(), "success");
    }
    let unsigned = client.post(&base).body(body).send().await.unwrap();
    assert_eq!(unsigned.status(), StatusCode::UNAUTHORIZED);
    run.stop().await.unwrap();
    let mut ids: Vec<_> = site.events().await.into_iter().map(|e| e.id).collect();
    assert_eq!(ids.len(), 3);
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn while_the_bus_is_away_nothing_is_answered_with_success() {
    let site = Site::new().await;
    let mut run = site.start_with(config());
    let base = format!("http://{}/ingest/oa", run.address().await);
    site.shut_the_door();
    let body = "<xml><ToUserName>gh</ToUserName><FromUserName>o</FromUserName><CreateTime>1700000000</CreateTime>\
                <MsgType>text</MsgType><Content>慢</Content><MsgId>1</MsgId></xml>";
    let client = Client::new();
    let url = format!("{base}?{}", query("n"));
    let answer = client.post(url).body(body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    site.open_the_door();
    run.stop().await.unwrap();
}
