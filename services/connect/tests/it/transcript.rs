//! Calls in parts over real HTTP and from a directory, across restarts and a bus that is away.

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use wensheng_schemas::FeedbackEvent;

use crate::site::Site;

const TOKEN: &str = "0123456789abcdef";

fn config(over: Value) -> Value {
    let mut source =
        json!({"kind": "transcript", "name": "line", "brand": "鹿汀茶饮", "poll_ms": 20});
    for (key, value) in over.as_object().unwrap() {
        source[key] = value.clone();
    }
    json!({"listen": "127.0.0.1:0", "pseudonym_key": "0123456789abcdef", "sources": [source]})
}

fn sentence(role: &str, begin: u64, text: &str) -> String {
    json!({
        "call_id": "c-1", "started_at": "2026-01-02T03:04:05Z",
        "turns": [{"role": role, "begin_ms": begin, "end_ms": begin + 900, "text": text}],
    })
    .to_string()
}

async fn post(base: &str, body: String) -> StatusCode {
    let url = format!("{base}/ingest/line?token={TOKEN}");
    let answer = Client::new().post(url).body(body).send().await.unwrap();
    answer.status()
}

/// The last revision of the only call.
async fn last(site: &Site) -> FeedbackEvent {
    let events = site.events().await;
    assert!(events.iter().all(|event| event.id == events[0].id));
    events
        .into_iter()
        .max_by_key(|event| event.revision)
        .unwrap()
}

#[tokio::test]
async fn a_call_in_parts_is_one_event_across_restarts_and_lost_answers() {
    let site = Site::new().await;
    let config = || config(json!({"token": TOKEN}));
    let mut run = site.start_with(config());
    let base = format!("http://{}", run.address().await);
    assert_eq!(
        post(&base, sentence("customer", 0, "杯子漏水")).await,
        StatusCode::OK
    );
    // The answer to this one is lost: it is refused while the bus is away, and sent again after a restart.
    site.shut_the_door();
    let agent = || sentence("agent", 1_000, "请问订单号");
    assert_eq!(post(&base, agent()).await, StatusCode::SERVICE_UNAVAILABLE);
    run.stop().await.unwrap();
    site.open_the_door();

    let mut run = site.start_with(config());
    let base = format!("http://{}", run.address().await);
    for _ in 0..2 {
        assert_eq!(post(&base, agent()).await, StatusCode::OK);
    }
    let call = last(&site).await;
    assert_eq!((call.revision, call.text.as_str()), (1, "杯子漏水"));
    assert_eq!(call.call.as_ref().unwrap().turns.len(), 2);
    assert_eq!(
        post(&base, sentence("customer", 2_000, "不知道")).await,
        StatusCode::OK
    );
    run.stop().await.unwrap();
    let call = last(&site).await;
    assert_eq!((call.revision, call.text.as_str()), (2, "杯子漏水\n不知道"));
    // Each part that came again came to the same revision.
    let mut revisions: Vec<_> = site
        .events()
        .await
        .into_iter()
        .map(|e| (e.revision, e.text))
        .collect();
    revisions.sort();
    revisions.dedup();
    assert_eq!(revisions.len(), 3);
}

#[tokio::test]
async fn a_directory_is_read_once_and_a_changed_document_is_a_revision() {
    let site = Site::new().await;
    let path = site.path().join("calls");
    let config = || config(json!({"path": path}));
    let analysis = |text: &str| {
        json!({
            "JobStatus": "COMPLETED", "Participants": [],
            "Transcript": [{"BeginOffsetMillis": 0, "EndOffsetMillis": 900, "ParticipantId": "CUSTOMER", "Content": text}],
        })
        .to_string()
    };
    site.write(
        "calls/2026/01/contact-1_analysis_2026-01-02T03:04:05Z.json",
        analysis("杯子漏水"),
    );
    site.write("calls/broken.json", "{\"Transcript\": ");
    site.write("calls/notes.txt", "not a document");
    for _ in 0..2 {
        let mut run = site.start_with(config());
        run.until(|progress| progress.all_through).await;
        run.stop().await.unwrap();
    }
    let call = last(&site).await;
    assert_eq!(
        (call.revision, call.native_id.as_str()),
        (0, "connect:contact-1")
    );
    assert_eq!(site.events().await.len(), 1);
    assert_eq!(site.dead_letters().await.len(), 1);

    let mut run = site.start_with(config());
    run.until(|progress| progress.all_through).await;
    let name = "calls/2026/01/contact-1_analysis_2026-01-02T03:04:05Z.json";
    site.write(name, analysis("杯子漏水了"));
    run.until(|progress| progress.rows_read == 1).await;
    run.stop().await.unwrap();
    let call = last(&site).await;
    assert_eq!((call.revision, call.text.as_str()), (1, "杯子漏水了"));
}
