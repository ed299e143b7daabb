//! A timeline is proved, a tampered one found, and the review pack says what happened.

use std::path::Path;
use std::process::{Command, Output};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wensheng_schemas::{Alert, TimelineEntry, TimelineRecord, Topic};
use wensheng_store::{Entry, PartitionProgress, Store, StoreConfig, WriteBatch};

fn wensheng(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wensheng"))
        .args(["alert", "--data-dir"])
        .arg(folder)
        .args(arguments)
        .current_dir(folder)
        .env_remove("WENSHENG_CONFIG")
        .output()
        .unwrap()
}

fn at(minutes: i64) -> Timestamp {
    let start: Timestamp = "2026-03-02T04:00:00Z".parse().unwrap();
    start + SignedDuration::from_mins(minutes)
}

/// A crisis that was acknowledged in time and answered late.
fn crisis() -> Alert {
    serde_json::from_value(json!({
        "id": "a1", "revision": 9, "brand": "青柚茶饮", "topic": "food_safety", "title": "青柚茶饮：出现「食品异物」类反馈",
        "severity": "crisis", "state": { "name": "resolved", "by": "周经理", "at": at(120) },
        "clock": { "started_at": at(0), "escalation": "specialists", "deadlines": [
            { "kind": "acknowledge", "due_at": at(15), "met_at": at(5) },
            { "kind": "respond", "due_at": at(60), "met_at": at(70), "breached_at": at(60) },
        ] },
        "signals": 4, "causes": { "食品异物": 4 }, "channels": ["weibo"],
        "samples": [{ "event": "e1", "channel": "weibo", "occurred_at": at(0), "text": "<b>杯子里有虫子</b>", "label": "negative" }],
        "times": { "first_post_at": at(-4), "occurred_at": at(0), "observed_at": at(0), "enriched_at": at(0),
            "detected_at": at(0), "raised_at": at(0), "updated_at": at(120) },
        "last_signal_at": at(3), "timeline": [],
        "handling": { "owner": "林值班", "statements": [
            { "version": 1, "text": "门店已停业自查", "by": "林值班", "at": at(20), "approved": { "by": "周经理", "at": at(30) } },
        ] },
    }))
    .unwrap()
}

async fn stored(folder: &Path) {
    let mut alert = crisis();
    let events = [
        json!({ "at": at(0), "actor": "system", "event": "raised", "signal": "s1", "kind": "rule_hit" }),
        json!({ "at": at(3), "actor": "system", "event": "signals", "signals": [
            { "id": "s2", "kind": "rule_hit", "severity": "crisis", "at": at(2) },
            { "id": "s3", "kind": "rule_hit", "severity": "crisis", "at": at(3) },
        ] }),
        json!({ "at": at(5), "actor": "林值班", "event": "acknowledged", "note": "已联系门店", "command": "c1" }),
        json!({ "at": at(70), "actor": "周经理", "event": "responded", "command": "c2" }),
    ];
    let (id, brand) = (alert.id.clone(), alert.brand.clone());
    let lines = events.map(|event| {
        let entry: TimelineEntry = serde_json::from_value(event).unwrap();
        TimelineRecord::append(&id, &brand, false, &mut alert.chain, entry)
    });
    let entries = (0..).zip(lines).map(|(offset, value)| Entry {
        partition: 0,
        offset,
        value,
    });
    let progress = |topic: Topic, next_offset| PartitionProgress {
        topic: topic.name().to_owned(),
        partition: 0,
        next_offset,
    };
    let batch = WriteBatch {
        alerts: vec![Entry {
            partition: 0,
            offset: 0,
            value: alert,
        }],
        timeline: entries.collect(),
        progress: vec![progress(Topic::Alerts, 1), progress(Topic::Timeline, 4)],
        ..WriteBatch::default()
    };
    let store = Store::open(&StoreConfig::default(), folder).await.unwrap();
    store.writer("test").apply(&batch, at(121)).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_tampered_timeline_is_found_and_the_review_pack_tells_how_the_clock_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    stored(folder.path()).await;
    let proved = wensheng(folder.path(), &["verify", "--output", "json"]);
    assert!(proved.status.success());
    let told: Value = serde_json::from_slice(&proved.stdout).unwrap();
    assert_eq!(
        (&told[0]["lines"], &told[0]["fault"]),
        (&4.into(), &Value::Null)
    );
    let other = wensheng(folder.path(), &["verify", "a1", "--head", "0000"]);
    assert_eq!(other.status.code(), Some(65));

    let report = wensheng(folder.path(), &["report", "a1", "--out", "packs"]);
    assert!(report.status.success(), "{report:?}");
    let read = |extension: &str| {
        let path = folder.path().join(format!("packs/review-a1.{extension}"));
        std::fs::read_to_string(path).unwrap()
    };
    let (markdown, html) = (read("md"), read("html"));
    for text in [&markdown, &html] {
        for words in [
            "得分 75/100",
            "按时",
            "迟到",
            "门店已停业自查",
            "已联系门店",
            "4 条记录逐条验证无误",
        ] {
            assert!(text.contains(words), "{words}");
        }
    }
    assert!(html.contains("&lt;b&gt;杯子里有虫子") && !html.contains("<b>"));
    assert!(html.contains("<rect") && !html.contains("://"));

    let database = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    database
        .execute_batch(
            "DROP TRIGGER timeline_is_not_changed;
             UPDATE timeline SET document = replace(document, '已联系门店', '没有联系') WHERE number = 3;",
        )
        .unwrap();
    drop(database);
    let tampered = wensheng(folder.path(), &["verify", "a1"]);
    assert_eq!(tampered.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&tampered.stdout).contains("line 3 was changed"));
}
