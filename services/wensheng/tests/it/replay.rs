//! Dead letters get their second chance once: what can go back to its topic does, the rest is written out.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use wensheng_bus::{Bus as _, EmbeddedBus, EmbeddedConfig, OutRecord};
use wensheng_runtime::encode;
use wensheng_schemas::{DeadLetter, EventId, Origin, Topic};
use wensheng_store::{Store, StoreConfig};

const CONFIG: &str = r#"
data_dir: data
topics: { partitions: 2 }
connect:
  listen: 127.0.0.1:0
  pseudonym_key: only for this test
  sources:
  - { kind: files, name: shop, path: rows.csv, channel: review, brand: 山岚茶饮,
      columns: { id: id, text: text, occurred_at: said } }
ops: { listen: "127.0.0.1:0" }
"#;

fn wensheng(folder: &Path, arguments: &[&str]) -> Output {
    let done = Command::new(env!("CARGO_BIN_EXE_wensheng"))
        .args(arguments)
        .args(["--config", "wensheng.yaml"])
        .current_dir(folder)
        .env_remove("WENSHENG_CONFIG")
        .env_remove("WENSHENG_DATA")
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{log}");
    done
}

fn run_through(folder: &Path) {
    let roles = "connect,enrich,publish";
    wensheng(folder, &["up", "--until-idle", "--roles", roles]);
}

/// The last line that the replay says.
fn replay(folder: &Path) -> String {
    let done = wensheng(folder, &["replay", "--rows", "rows.ndjson"]);
    let log = String::from_utf8(done.stderr).unwrap();
    log.lines().last().unwrap().to_owned()
}

/// What was written out so far.
fn written_out(folder: &Path) -> Vec<Value> {
    std::fs::read_to_string(folder.join("rows.ndjson"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Pieces of feedback and dead letters in the store.
async fn stored(folder: &Path) -> (u64, u64) {
    let store = Store::open(&StoreConfig::default(), &folder.join("data"))
        .await
        .unwrap();
    let figures = (
        store.feedback_count().await.unwrap(),
        store.dead_letter_count().await.unwrap(),
    );
    store.close().await;
    figures
}

async fn publish(folder: &Path, records: Vec<OutRecord>) {
    let bus = EmbeddedBus::open(folder.join("data/bus.db"), EmbeddedConfig::default()).unwrap();
    let mut publisher = bus.publisher("test").await.unwrap();
    publisher.publish(records).await.unwrap();
    bus.close();
}

/// A letter of a record that a stage refused.
fn letter(topic: Topic, offset: u64, key: &str, payload: &Value) -> OutRecord {
    let letter = DeadLetter {
        id: format!("{offset:032x}"),
        origin: Origin::Topic {
            topic: topic.name().to_owned(),
            partition: 0,
            offset,
        },
        stage: "enrich".to_owned(),
        reason: "a fault that was mended since".to_owned(),
        key: key.to_owned(),
        payload: Some(payload.to_string()),
        payload_base64: None,
        at: jiff::Timestamp::now(),
    };
    encode(&letter, None)
}

#[tokio::test]
async fn records_go_back_to_their_topics_once_and_the_rest_is_written_out() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("wensheng.yaml"), CONFIG).unwrap();
    let now = jiff::Timestamp::now();
    let rows = format!("id,text,said\n1,味道不错,{now}\n2,等了很久,不是时间\n");
    std::fs::write(folder.join("rows.csv"), rows).unwrap();
    run_through(folder);
    assert_eq!(stored(folder).await, (1, 1), "a row of the source is bad");

    let id = EventId::of("shop", "mended");
    let mended = json!({
        "id": id, "source": "shop", "native_id": "mended", "channel": "review", "brand": "山岚茶饮",
        "occurred_at": now, "observed_at": now, "text": "包装用心", "provenance": { "connector": "files" },
    });
    let unreadable = OutRecord {
        topic: Topic::Feedback.shared_name(),
        key: "unreadable".into(),
        partition_key: None,
        value: Some("{\"id\": 3}".into()),
        headers: Vec::new(),
    };
    let records = vec![
        unreadable,
        letter(Topic::Feedback, 1_000, id.as_str(), &mended),
        // The alert as it was must not take the place of the alert as it is.
        letter(Topic::Alerts, 1_001, "alert", &json!({ "id": "alert" })),
    ];
    publish(folder, records).await;
    run_through(folder);
    assert_eq!(stored(folder).await, (1, 4));

    let said = "2 record(s) sent back to their topics, 2 written out, 0 unreadable";
    assert_eq!(replay(folder), said);
    let out = written_out(folder);
    let mut origins: Vec<&Value> = out.iter().map(|letter| &letter["origin"]).collect();
    origins.sort_by_key(|origin| origin["from"].to_string());
    assert_eq!(origins.len(), 2);
    assert_eq!(origins[0]["source"], "shop");
    assert_eq!(origins[0]["line"], 3);
    assert_eq!(origins[1]["topic"], Topic::Alerts.name());

    let nothing = "0 record(s) sent back to their topics, 0 written out, 0 unreadable";
    assert_eq!(replay(folder), nothing, "each has one second chance");
    assert_eq!(written_out(folder).len(), 2);

    run_through(folder);
    // The mended one is counted; the other was refused again, which is a letter of its own.
    assert_eq!(stored(folder).await, (2, 5));
    let said = "1 record(s) sent back to their topics, 0 written out, 0 unreadable";
    assert_eq!(replay(folder), said);
}
