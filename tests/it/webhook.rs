//! What the webhook answers with 200 is durable; it is counted once however often it is sent; whoever may not post is
//! refused before anything is read.

use jiff::Timestamp;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::main_job::run_through;
use crate::signature;
use crate::site::Site;

const TOKEN: &str = "token-of-the-front-desk";
const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const MAX_BODY: usize = 64 << 10;

/// The settings of a webhook source.
pub(crate) fn source(name: &str) -> Value {
    json!({
        "kind": "webhook", "name": name, "token": TOKEN, "secrets": [SECRET], "max_body_bytes": MAX_BODY,
        "brand": "云岭茶饮",
    })
}

/// A sender of feedback.
pub(crate) struct Desk {
    client: Client,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    /// Insists that all was taken.
    pub(crate) fn taken(&self) {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        assert_eq!(self.body["rejected"], json!([]), "{self:?}");
    }
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            client: Client::new(),
        }
    }

    fn request(&self, address: &str, source: &str, body: &[u8]) -> RequestBuilder {
        self.client
            .post(format!("http://{address}/ingest/{source}"))
            .header("content-type", "application/json")
            .body(body.to_vec())
    }

    async fn send(request: RequestBuilder) -> Answer {
        let answer = request.send().await.expect("the webhook answers");
        Answer {
            status: answer.status(),
            body: answer.json().await.unwrap_or(Value::Null),
        }
    }

    /// Posts with the bearer token.
    pub(crate) async fn post(&self, address: &str, source: &str, items: &Value) -> Answer {
        let body = items.to_string();
        Self::send(
            self.request(address, source, body.as_bytes())
                .bearer_auth(TOKEN),
        )
        .await
    }

    /// Posts with a signature made with `secret` at `at`.
    async fn post_signed(
        &self,
        address: &str,
        items: &Value,
        secret: &str,
        id: &str,
        at: i64,
    ) -> Answer {
        let (body, at) = (items.to_string(), at.to_string());
        let signature = signature::of(secret, id, &at, body.as_bytes());
        let request = self.request(address, "hook", body.as_bytes());
        let request = request
            .header("webhook-id", id)
            .header("webhook-timestamp", &at);
        Self::send(request.header(
            "webhook-signature",
            format!("v1,bm90IHRoaXMgb25l {signature}"),
        ))
        .await
    }
}

fn site() -> Site {
    let mut site = Site::new();
    site.configure(json!({ "connect": { "sources": [source("hook")] } }));
    site
}

fn items(first: u32, count: u32) -> Value {
    (first..first + count)
        .map(|number| json!({ "id": format!("n{number}"), "text": "等位太久了,服务一般" }))
        .collect()
}

#[tokio::test]
async fn a_token_or_a_signature_lets_in_and_nothing_else_does() {
    let site = site();
    let mut process = site.up(&[]);
    let address = process.ingest().await;
    let desk = Desk::new();
    let now = Timestamp::now().as_second();
    desk.post(&address, "hook", &items(0, 1)).await.taken();
    desk.post_signed(&address, &items(1, 2), SECRET, "m1", now)
        .await
        .taken();
    // The type of Standard Webhooks around one event.
    let envelope = json!({ "type": "feedback.created", "data": { "id": "n3", "text": "很满意" } });
    desk.post_signed(&address, &envelope, SECRET, "m2", now)
        .await
        .taken();

    let body = items(100, 1).to_string();
    let anonymous = Desk::send(desk.request(&address, "hook", body.as_bytes())).await;
    assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED, "{anonymous:?}");
    let stranger = Desk::send(
        desk.request(&address, "hook", body.as_bytes())
            .bearer_auth("a-token-of-nobody"),
    )
    .await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "{stranger:?}");
    let other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let forged = desk
        .post_signed(&address, &items(100, 1), other, "m3", now)
        .await;
    assert_eq!(forged.status, StatusCode::UNAUTHORIZED, "{forged:?}");
    let replayed = desk
        .post_signed(&address, &items(100, 1), SECRET, "m4", now - 3_600)
        .await;
    assert_eq!(replayed.status, StatusCode::UNAUTHORIZED, "{replayed:?}");
    let nowhere = desk.post(&address, "no-such-source", &items(100, 1)).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND, "{nowhere:?}");
    let large = desk
        .post(
            &address,
            "hook",
            &json!([{ "id": "n100", "text": "长".repeat(MAX_BODY / 3) }]),
        )
        .await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE, "{large:?}");
    let broken = Desk::send(desk.request(&address, "hook", b"[{").bearer_auth(TOKEN)).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST, "{broken:?}");

    process.stop().await;
    run_through(&site).await;
    let figures = site.ledger().await.figures().await;
    figures.hold_each_once(4);
    assert_eq!(figures.dead_letters, 0);
}

#[tokio::test]
async fn what_is_sent_again_is_counted_once() {
    let site = site();
    let mut process = site.up(&[]);
    let address = process.ingest().await;
    let desk = Desk::new();
    desk.post(&address, "hook", &items(0, 30)).await.taken();
    desk.post(&address, "hook", &items(0, 30)).await.taken();
    desk.post(&address, "hook", &items(20, 20)).await.taken();
    // Without ids of their own, a request sent again under its id is the same request.
    let nameless = json!([{ "text": "杯子漏水" }, { "text": "杯子漏水" }]);
    let now = Timestamp::now().as_second();
    desk.post_signed(&address, &nameless, SECRET, "same", now)
        .await
        .taken();
    desk.post_signed(&address, &nameless, SECRET, "same", now)
        .await
        .taken();
    process.stop().await;
    run_through(&site).await;
    site.ledger().await.figures().await.hold_each_once(42);
}

#[tokio::test]
async fn a_wrong_item_of_an_array_is_told_and_the_others_are_taken() {
    let site = site();
    let mut process = site.up(&[]);
    let address = process.ingest().await;
    let mut array = items(0, 3);
    array
        .as_array_mut()
        .unwrap()
        .insert(1, json!({ "id": "w1", "text": "评分太高", "nps": 11 }));
    array.as_array_mut().unwrap().push(json!("no object"));
    let answer = Desk::new().post(&address, "hook", &array).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["accepted"], 3, "{answer:?}");
    let told: Vec<&Value> = answer.body["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["index"])
        .collect();
    assert_eq!(told, [1, 4], "{answer:?}");
    process.stop().await;
    run_through(&site).await;
    let ledger = site.ledger().await;
    let figures = ledger.figures().await;
    figures.hold_each_once(3);
    assert_eq!(figures.dead_letters, 2);
    let mut lines: Vec<String> = ledger
        .rows("SELECT document FROM dead_letters")
        .await
        .iter()
        .map(|row| serde_json::from_str::<Value>(&row[0]).unwrap()["origin"]["line"].to_string())
        .collect();
    lines.sort();
    assert_eq!(lines, ["2", "5"]);
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_kill() {
    let site = site();
    for life in 0..5 {
        let mut process = site.up(&[]);
        let address = process.ingest().await;
        let desk = Desk::new();
        desk.post(&address, "hook", &items(life * 10, 10))
            .await
            .taken();
        process.kill();
    }
    run_through(&site).await;
    site.ledger().await.figures().await.hold_each_once(50);
}

#[tokio::test]
async fn an_interrupt_drains_and_ends_well() {
    let site = site();
    let mut process = site.up(&[]);
    let address = process.ingest().await;
    process.console_address().await;
    Desk::new()
        .post(&address, "hook", &items(0, 200))
        .await
        .taken();
    process.signal("INT");
    let ended = process.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("draining"), "{}", ended.stderr);
    run_through(&site).await;
    site.ledger().await.figures().await.hold_each_once(200);
}
