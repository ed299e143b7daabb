//! What is answered with 200 is durable; who may not post, and what is no feedback, is refused with a reason.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use wensheng_connect::Error;

use crate::site::{Run, Site};

const TOKEN: &str = "0123456789abcdef";
const KEY: &[u8] = b"a key of twenty-five bytes";

fn sources() -> Value {
    let secret = format!("whsec_{}", BASE64.encode(KEY));
    json!([{
        "kind": "webhook", "name": "desk", "token": TOKEN, "secrets": [secret], "brand": "鹿汀茶饮",
        "max_body_bytes": 4_096,
    }])
}

struct Answer {
    status: StatusCode,
    retry_after: Option<String>,
    body: Value,
}

async fn send(request: RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    Answer {
        status: answer.status(),
        retry_after: answer
            .headers()
            .get("retry-after")
            .map(|value| value.to_str().unwrap().to_owned()),
        body: answer.json().await.unwrap(),
    }
}

async fn to(run: &mut Run, source: &str) -> RequestBuilder {
    let address = run.address().await;
    Client::new().post(format!("http://{address}/ingest/{source}"))
}

async fn post(run: &mut Run, body: impl Into<String>) -> Answer {
    send(to(run, "desk").await.bearer_auth(TOKEN).body(body.into())).await
}

#[tokio::test]
async fn what_is_answered_with_200_is_on_the_bus() {
    let site = Site::new().await;
    let mut run = site.start(sources());
    let item = json!({
        "id": 42, "text": "杯子漏水,电话13800138000", "channel": "wechat", "occurred_at": "2026-01-31 08:30:00",
        "scores": {"nps": "3"}, "reach": {"likes": 7}, "attributes": {"order": 9}, "occured_at": "typo",
    });
    let answer = post(&mut run, item.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.body,
        json!({ "accepted": 1, "rejected": [], "ignored_fields": ["occured_at"] })
    );
    let events = site.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].native_id, "42");
    assert_eq!(events[0].brand, "鹿汀茶饮");
    assert_eq!(events[0].text, "杯子漏水,电话[手机号]");
    assert_eq!(events[0].scores.nps, Some(3));
    assert_eq!(events[0].attributes["order"], "9");
    assert_eq!(events[0].attributes["masked"], "mobile=1");
    assert_eq!(
        events[0].occurred_at,
        "2026-01-31T00:30:00Z".parse().unwrap()
    );
    assert!(run.progress.borrow().all_through);
    run.stop().await.unwrap();
}

#[tokio::test]
async fn answers_on_scales_are_kept_with_their_scales() {
    let site = Site::new().await;
    let mut run = site.start(sources());
    let item = json!({ "id": 1, "ratings": {
        "口味": {"value": "4.5", "from": 1, "to": 5, "label": "好"}, "环境": {"value": 9, "from": 0, "to": 10},
        "服务": {"value": null, "from": 1, "to": 5}, "价格": null,
    } });
    let answer = post(&mut run, item.to_string()).await;
    assert_eq!(answer.body["accepted"], 1, "{}", answer.body);
    assert_eq!(answer.body["ignored_fields"], json!(["ratings.口味.label"]));
    let events = site.events().await;
    let scale = |value, from, to| wensheng_schemas::Rating { value, from, to };
    let expected = [("口味", scale(4.5, 1, 5)), ("环境", scale(9.0, 0, 10))];
    assert_eq!(
        events[0].ratings,
        expected
            .map(|(name, rating)| (name.to_owned(), rating))
            .into()
    );
    let wrong = [
        (json!({"口味": 4}), "ratings.口味 must be an object"),
        (
            json!({"口味": {"value": 6, "from": 1, "to": 5}}),
            "does not lie on the scale",
        ),
        (
            json!({"口味": {"value": 1, "from": 5, "to": 1}}),
            "does not lie on the scale",
        ),
        (
            json!({"口味": {"value": "好", "from": 1, "to": 5}}),
            "is no number",
        ),
        (json!({"口味": {"value": 4, "to": 5}}), "ratings.口味.from"),
        (
            json!({"nps": {"value": 4, "from": 0, "to": 10}}),
            "scores.nps",
        ),
        (json!({" ": {"value": 4, "from": 0, "to": 10}}), "1 to 200"),
        (json!([4]), "ratings must be an object"),
    ];
    let items: Vec<Value> = wrong
        .iter()
        .map(|(ratings, _)| json!({ "text": "慢", "ratings": ratings }))
        .collect();
    let answer = post(&mut run, json!(items).to_string()).await;
    assert_eq!(answer.body["accepted"], 0);
    for (told, (ratings, says)) in answer.body["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .zip(&wrong)
    {
        let reason = told["reason"].as_str().unwrap();
        assert!(reason.contains(says), "{ratings}: {reason}");
    }
    run.stop().await.unwrap();
}

#[tokio::test]
async fn wrong_items_are_told_by_index_and_the_others_are_taken() {
    let site = Site::new().await;
    let mut run = site.start(sources());
    let array = json!([{ "text": "好" }, { "text": "好", "csat": 6 }, 3, { "text": "好", "author": "u1" }, { "text": "好" }]);
    let answer = post(&mut run, array.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["accepted"], 2);
    for (rejected, (index, part)) in answer.body["rejected"].as_array().unwrap().iter().zip([
        (1, "csat"),
        (2, "no JSON object"),
        (3, "pseudonym_key"),
    ]) {
        assert_eq!(rejected["index"], index);
        assert!(
            rejected["reason"].as_str().unwrap().contains(part),
            "{rejected}"
        );
    }
    let lines = "{\"id\":\"n1\",\"text\":\"慢\"}\n\nnot json\r\n{\"id\":\"n2\",\"text\":\"慢\"}\n";
    let request = to(&mut run, "desk").await.bearer_auth(TOKEN);
    let answer = send(
        request
            .header("content-type", "application/x-ndjson")
            .body(lines),
    )
    .await;
    assert_eq!(
        (
            &answer.body["accepted"],
            &answer.body["rejected"][0]["index"]
        ),
        (&json!(2), &json!(1))
    );
    run.stop().await.unwrap();
    assert_eq!(site.events().await.len(), 4);
    assert_eq!(site.dead_letters().await.len(), 4);
}

#[tokio::test]
async fn a_request_sent_again_makes_the_same_ids() {
    let site = Site::new().await;
    let mut run = site.start(sources());
    let array = json!([{ "text": "好" }, { "text": "好" }]).to_string();
    for _ in 0..2 {
        assert_eq!(post(&mut run, array.clone()).await.status, StatusCode::OK);
    }
    run.stop().await.unwrap();
    let mut ids: Vec<_> = site.events().await.into_iter().map(|e| e.id).collect();
    assert_eq!(ids.len(), 4);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 2);
}

#[tokio::test]
async fn a_signature_lets_in_while_it_is_fresh() {
    let site = Site::new().await;
    let mut run = site.start(sources());
    let body = json!({ "type": "feedback.created", "data": { "text": "很满意" } }).to_string();
    let now = Timestamp::now().as_second();
    for (at, signed, status) in [
        (now, body.as_str(), StatusCode::OK),
        (now - 400, body.as_str(), StatusCode::UNAUTHORIZED),
        (now, "something else", StatusCode::UNAUTHORIZED),
    ] {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY).unwrap();
        mac.update(format!("m1.{at}.{signed}").as_bytes());
        let signature = BASE64.encode(mac.finalize().into_bytes());
        let request = to(&mut run, "desk")
            .await
            .header("webhook-id", "m1")
            .header("webhook-timestamp", at)
            .header("webhook-signature", format!("v1,{signature}"))
            .body(body.clone());
        assert_eq!(send(request).await.status, status, "{at} {signed}");
    }
    run.stop().await.unwrap();
    let events = site.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].native_id, "m1#0");
}

/// Posts `count` chunks of `size` bytes without announcing the length of the whole; gives the answer as it comes.
async fn raw_chunks(address: &str, count: usize, size: usize) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let chunk = format!("{size:x}\r\n{}\r\n", "x".repeat(size));
    let request = format!(
        "POST /ingest/desk HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {TOKEN}\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n{}0\r\n\r\n",
        chunk.repeat(count)
    );
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn what_is_no_feedback_is_refused_with_a_reason() {
    let site = Site::new().await;
    let mut run = site.start(sources());
    let nobody = send(to(&mut run, "desk").await.body("{}")).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    let wrong = to(&mut run, "desk").await.bearer_auth("0123456789abcdeF");
    assert_eq!(
        send(wrong.body("{}")).await.status,
        StatusCode::UNAUTHORIZED
    );
    let nowhere = to(&mut run, "other").await.bearer_auth(TOKEN);
    assert_eq!(send(nowhere.body("{}")).await.status, StatusCode::NOT_FOUND);

    let large = post(&mut run, "x".repeat(4_097)).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(
        large.body["error"].as_str().unwrap().contains("4096"),
        "{}",
        large.body
    );
    let unannounced = raw_chunks(&run.address().await, 5, 1_000).await;
    assert!(unannounced.starts_with("HTTP/1.1 413"), "{unannounced}");

    let broken = post(&mut run, "{\"text\":\n \"a\",}").await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    let reason = broken.body["error"].as_str().unwrap();
    assert!(reason.contains("line 2 column"), "{reason}");
    for body in ["3", "\"text\"", "", "{\"type\":\"feedback.created\"}"] {
        assert_eq!(
            post(&mut run, body).await.status,
            StatusCode::BAD_REQUEST,
            "{body:?}"
        );
    }
    let deep = "[".repeat(2_000);
    assert_eq!(post(&mut run, deep).await.status, StatusCode::BAD_REQUEST);
    run.stop().await.unwrap();
    assert_eq!(
        site.events().await.len() + site.dead_letters().await.len(),
        0
    );
}

#[tokio::test]
async fn whoever_is_refused_while_sending_reads_the_reason() {
    // More than the buffers between two sockets hold: without being read on, the sender would meet a closed connection.
    let body = "x".repeat(12 << 20);
    let site = Site::new().await;
    let mut run = site.start(sources());
    for (source, token, status) in [
        ("desk", TOKEN, StatusCode::PAYLOAD_TOO_LARGE),
        ("desk", "0123456789abcdeF", StatusCode::UNAUTHORIZED),
        ("other", TOKEN, StatusCode::NOT_FOUND),
    ] {
        let request = to(&mut run, source).await.bearer_auth(token);
        let answer = send(request.body(body.clone())).await;
        assert_eq!(answer.status, status);
        assert!(answer.body["error"].is_string(), "{}", answer.body);
    }
    run.stop().await.unwrap();
}

#[tokio::test]
async fn while_the_bus_is_away_senders_are_told_to_come_again() {
    let site = Site::new().await;
    let mut run = site.start(sources());
    site.shut_the_door();
    let item = json!({ "id": "1", "text": "慢" }).to_string();
    // The first one finds out, and is not answered before its time; the next one is turned away at once.
    for _ in 0..2 {
        let answer = post(&mut run, item.clone()).await;
        assert_eq!(
            answer.status,
            StatusCode::SERVICE_UNAVAILABLE,
            "{}",
            answer.body
        );
        assert_eq!(answer.retry_after.as_deref(), Some("5"));
    }
    site.open_the_door();
    let minute = tokio::time::Duration::from_secs(60);
    let taken = async {
        while post(&mut run, item.clone()).await.status != StatusCode::OK {
            tokio::time::sleep(tokio::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(minute, taken).await.unwrap();
    run.stop().await.unwrap();
    let events = site.events().await;
    assert!(
        events.iter().all(|event| event.native_id == "1"),
        "{events:?}"
    );
}

#[tokio::test]
async fn posts_that_come_together_share_a_commit() {
    let site = Site::new().await;
    let mut run = site.start(sources());
    let address = run.address().await;
    let client = Client::new();
    let posts = (0..200).map(|number| {
        let url = format!("http://{address}/ingest/desk");
        let item = json!({ "id": number, "text": "慢" }).to_string();
        send(client.post(url).bearer_auth(TOKEN).body(item))
    });
    for answer in futures::future::join_all(posts).await {
        assert_eq!(answer.status, StatusCode::OK);
    }
    run.stop().await.unwrap();
    assert_eq!(site.events().await.len(), 200);
    assert!(site.publishes() < 200, "{} publishes", site.publishes());
}

#[tokio::test]
async fn a_body_larger_than_the_memory_bound_is_read_alone() {
    let site = Site::new().await;
    let mut sources = sources();
    sources[0]["max_body_bytes"] = json!(4 << 20);
    let config =
        json!({ "listen": "127.0.0.1:0", "max_pending_bytes": 1 << 20, "sources": sources });
    let mut run = site.start_with(config);
    let items: Vec<Value> = (0..1_000)
        .map(|number| json!({ "id": number, "text": "长".repeat(500) }))
        .collect();
    let body = json!(items).to_string();
    // Such a batch needs all of the memory: it is sent again while anything else waits, such as a heartbeat.
    let minute = tokio::time::Duration::from_secs(60);
    let taken = async {
        loop {
            let answer = post(&mut run, body.clone()).await;
            if answer.status != StatusCode::SERVICE_UNAVAILABLE {
                break answer;
            }
        }
    };
    let answer = tokio::time::timeout(minute, taken).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.body["accepted"], 1_000);
    run.stop().await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_told_with_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let site = Site::new().await;
    let run = site.start_with(json!({ "listen": address, "sources": sources() }));
    let error = run.ended().await.unwrap_err();
    assert!(matches!(error, Error::Listen { .. }), "{error:?}");
    assert_eq!(error.kind(), "listen");
    let told = error.to_string();
    assert!(
        told.contains(&address) && told.contains("connect.listen"),
        "{told}"
    );
}
