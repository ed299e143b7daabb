//! WeChat customer service against a platform that answers by its contract: tokens that end early, empty pages with more
//! behind them, an answer that is lost between page and cursor, and callbacks that wake the fetching.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aes::Aes256;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD as BASE64};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::mock::{Mock, Reply};
use crate::site::Site;

const TOKEN: &str = "QDG6eK";
const KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
const CORP: &str = "ww12345678910";

fn config(mock: &Mock) -> Value {
    json!({
        "listen": "127.0.0.1:0",
        "pseudonym_key": "0123456789abcdef",
        "sources": [{
            "kind": "wecom-kf", "name": "kf", "brand": "鹿汀茶饮", "corp_id": CORP, "secret": "s",
            "token": TOKEN, "encoding_aes_key": KEY, "host": mock.address,
            "pull": {"allow_private": true, "every_seconds": 3_600, "per_minute": 60_000},
        }],
    })
}

fn message(number: usize) -> Value {
    json!({
        "msgid": format!("m{number}"), "open_kfid": "wk1", "external_userid": "wm1", "send_time": 1_700_000_000 + number,
        "origin": 3, "msgtype": "text", "text": {"content": format!("第{number}句")},
    })
}

fn page(messages: &[usize], next: &str, more: u8) -> Reply {
    let list: Vec<Value> = messages.iter().map(|number| message(*number)).collect();
    Reply::json(json!({
        "errcode": 0, "errmsg": "ok", "next_cursor": next, "has_more": more, "msg_list": list,
    }))
}

fn token(number: usize) -> Reply {
    Reply::json(json!({"errcode": 0, "access_token": format!("t{number}"), "expires_in": 7_200}))
}

fn refused(code: i64) -> Reply {
    Reply::json(json!({"errcode": code, "errmsg": "refused"}))
}

fn sign(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    let digest = Sha1::digest(parts.concat().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As the platform seals a message.
fn seal(message: &str) -> String {
    let lenient = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let decoded = GeneralPurpose::new(&alphabet::STANDARD, lenient).decode(format!("{KEY}="));
    let key: [u8; 32] = decoded.unwrap().try_into().unwrap();
    let iv: [u8; 16] = key[..16].try_into().unwrap();
    let mut plain = b"0123456789abcdef".to_vec();
    plain.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    plain.extend_from_slice(message.as_bytes());
    plain.extend_from_slice(CORP.as_bytes());
    let padding = 32 - plain.len() % 32;
    plain.resize(plain.len() + padding, u8::try_from(padding).unwrap());
    let length = plain.len();
    let cipher = cbc::Encryptor::<Aes256>::new(&key.into(), &iv.into());
    BASE64.encode(
        cipher
            .encrypt_padded::<NoPadding>(&mut plain, length)
            .unwrap(),
    )
}

fn ids(events: &[wensheng_schemas::FeedbackEvent]) -> Vec<String> {
    let mut ids: Vec<String> = events.iter().map(|event| event.native_id.clone()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn tokens_that_end_early_and_empty_pages_lose_nothing() {
    let asked = Arc::new(AtomicUsize::new(0));
    let tokens = AtomicUsize::new(0);
    let count = asked.clone();
    let mock = Mock::start(move |asked| {
        if asked.uri.path() == "/cgi-bin/gettoken" {
            assert_eq!(asked.query("corpid").as_deref(), Some(CORP));
            return token(tokens.fetch_add(1, Ordering::SeqCst));
        }
        let fresh = asked.query("access_token").as_deref() != Some("t0");
        let cursor = asked.json()["cursor"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        match (count.fetch_add(1, Ordering::SeqCst), fresh, cursor.as_str()) {
            (0, ..) => page(&[1, 2], "c1", 1),
            (_, false, _) => refused(42_001),
            (2, ..) => refused(-1),
            (_, true, "c1") => page(&[], "c2", 1),
            (_, true, "c2") => page(&[3], "c3", 0),
            (_, true, _) => page(&[], "c3", 0),
        }
    })
    .await;
    let site = Site::new().await;
    for _ in 0..2 {
        let mut run = site.start_with(config(&mock));
        run.until(|progress| progress.all_through).await;
        run.stop().await.unwrap();
    }
    assert_eq!(
        ids(&site.events().await),
        ["kf:wk1:m1", "kf:wk1:m2", "kf:wk1:m3"]
    );
    let cursors: Vec<Value> = mock
        .asked()
        .iter()
        .filter(|asked| asked.uri.path() == "/cgi-bin/kf/sync_msg")
        .map(|asked| asked.json()["cursor"].clone())
        .collect();
    assert_eq!(cursors[0], Value::Null);
    assert_eq!(
        cursors.last(),
        Some(&json!("c3")),
        "the second run goes on where the first ended"
    );
}

#[tokio::test]
async fn what_was_fetched_but_not_committed_is_fetched_again() {
    let mock = Mock::start(|asked| match asked.uri.path() {
        "/cgi-bin/gettoken" => token(0),
        _ => match asked.json()["cursor"].as_str() {
            None => page(&[1], "c1", 0),
            Some(_) => page(&[], "c1", 0),
        },
    })
    .await;
    let site = Site::new().await;
    site.shut_the_door();
    let run = site.start_with(config(&mock));
    run.until_waiting("connect").await;
    run.stop().await.unwrap();
    assert!(site.events().await.is_empty());
    site.open_the_door();
    for _ in 0..2 {
        let mut run = site.start_with(config(&mock));
        run.until(|progress| progress.all_through).await;
        run.stop().await.unwrap();
    }
    assert_eq!(ids(&site.events().await), ["kf:wk1:m1"]);
    let without_cursor = mock.asked().into_iter().filter(|asked| {
        asked.uri.path() == "/cgi-bin/kf/sync_msg" && asked.json().get("cursor").is_none()
    });
    assert_eq!(
        without_cursor.count(),
        2,
        "before and after the crash, and never once it was committed"
    );
}

#[tokio::test]
async fn a_callback_wakes_the_fetching_with_its_token() {
    let mock = Mock::start(|asked| match asked.uri.path() {
        "/cgi-bin/gettoken" => token(0),
        _ => match asked.json()["token"].as_str() {
            Some("ENC1") => page(&[1], "c1", 0),
            _ => page(&[], "c0", 0),
        },
    })
    .await;
    let site = Site::new().await;
    let mut run = site.start_with(config(&mock));
    run.until(|progress| progress.all_through).await;
    let base = format!("http://{}/ingest/kf", run.address().await);
    let sealed = seal(
        "<xml><MsgType>event</MsgType><Event>kf_msg_or_event</Event><Token>ENC1</Token><OpenKfId>wk1</OpenKfId></xml>",
    );
    let at = jiff::Timestamp::now().as_second().to_string();
    let signature = sign(&[TOKEN, &at, "n", &sealed]);
    let url = format!("{base}?msg_signature={signature}&timestamp={at}&nonce=n");
    let body = format!("<xml><ToUserName>{CORP}</ToUserName><Encrypt>{sealed}</Encrypt></xml>");
    let client = Client::new();
    for _ in 0..3 {
        let answer = client.post(&url).body(body.clone()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.text().await.unwrap(), "");
    }
    let forged = client
        .post(url.replace("nonce=n", "nonce=m"))
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(forged.status(), StatusCode::UNAUTHORIZED);
    run.until(|progress| progress.rows_read >= 1).await;
    run.stop().await.unwrap();
    let mut seen = ids(&site.events().await);
    seen.dedup();
    assert_eq!(seen, ["kf:wk1:m1"]);
}

#[tokio::test]
async fn a_wrong_secret_stops_this_source_and_says_what_to_mend() {
    let mock = Mock::start(|_| refused(40_001)).await;
    let site = Site::new().await;
    let run = site.start_with(config(&mock));
    let told = run.until_waiting("connect-kf").await;
    assert!(told.contains("`secret` is wrong"), "{told}");
    run.stop().await.unwrap();
}
