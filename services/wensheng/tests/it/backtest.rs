//! `wensheng backtest`, on invented histories.

use std::path::Path;
use std::process::{Command, Output};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

fn backtest(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wensheng"))
        .arg("backtest")
        .args(arguments)
        .current_dir(folder)
        .env_remove("WENSHENG_CONFIG")
        .env_remove("WENSHENG_DATA")
        .output()
        .unwrap()
}

fn at(minutes: f64) -> String {
    let start: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    (start + SignedDuration::from_secs_f64(minutes * 60.0)).to_string()
}

fn post(number: usize, minutes: f64, negative: bool) -> String {
    json!({
        "id": format!("p{number}"), "occurred_at": at(minutes), "observed_at": at(minutes + 0.5),
        "brand": "青柚茶饮", "topic": "queue", "channel": "weibo", "author": format!("u{number}"),
        "reach": 100, "negative": negative, "severe": false, "story": format!("s{number}"),
    })
    .to_string()
}

/// Four days at a piece in ten minutes, one in five negative; on the fourth a wave of thirty in fifteen minutes.
fn history() -> Vec<String> {
    let mut rows: Vec<(f64, String)> = (0..4 * 144)
        .map(|n| (n as f64 * 10.0, post(n, n as f64 * 10.0, n % 5 == 0)))
        .collect();
    rows.extend((0..30).map(|n| {
        let minutes = 3.2 * 1_440.0 + n as f64 / 2.0;
        (minutes, post(10_000 + n, minutes, true))
    }));
    // In no order at all: history is sorted by when it was observed.
    rows.sort_by(|a, b| a.1.cmp(&b.1));
    rows.into_iter().map(|(_, row)| row).collect()
}

#[test]
fn a_wave_in_history_is_told_with_its_reasons_and_scored_against_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("posts.ndjson"), history().join("\n")).unwrap();
    let t0 = 3.2 * 1_440.0;
    let truth = json!([{
        "brand": "青柚茶饮", "topic": "queue", "shape": "sudden",
        "t0": at(t0), "t10": at(t0 + 4.5), "end99": at(t0 + 15.0),
    }]);
    std::fs::write(folder.path().join("truth.json"), truth.to_string()).unwrap();
    let done = backtest(
        folder.path(),
        &[
            "--input",
            "posts.ndjson",
            "--truth",
            "truth.json",
            "--warm-up-days",
            "1",
            "--output",
            "json",
        ],
    );
    assert_eq!(
        done.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["posts"], 4 * 144 + 30);
    let incidents = report["incidents"].as_array().unwrap();
    let first = &incidents[0];
    assert_eq!(first["brand"], "青柚茶饮");
    assert_eq!(first["kind"], "burst");
    assert!(first["score"].as_f64().unwrap() > 2.5);
    assert!(first["reasons"][0].as_str().unwrap().contains("负面"));
    assert!(first["zc"].as_f64().is_some() && first["incident"].as_str().is_some());
    assert!(
        incidents.iter().any(|i| i["topic"].is_null())
            && incidents.iter().any(|i| i["topic"] == "queue")
    );
    let watch = &report["scores"]["levels"]["watch"];
    assert_eq!(
        (&watch["found"], &watch["false_alerts"]),
        (&json!(1), &json!(0.0))
    );
    assert_eq!(watch["within_15_minutes"], 1.0);
    // The rise of the brand's volume is told beside, and is no incident.
    let rises = report["rises"].as_array().unwrap();
    assert_eq!(rises.len(), 1, "{rises:?}");
    assert_eq!(rises[0]["brand"], "青柚茶饮");
    assert!(rises[0]["pieces"].as_u64() > rises[0]["usual"].as_u64());
    assert!(
        incidents
            .iter()
            .all(|incident| incident["kind"] != "volume")
    );
}

#[test]
fn a_wrong_line_is_told_and_the_rest_is_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let rows = format!(
        "{}\nno json\n{{\"observed_at\": \"2026-03-01T00:00:00Z\"}}\n",
        post(1, 1.0, true)
    );
    std::fs::write(folder.path().join("posts.ndjson"), rows).unwrap();
    let done = backtest(
        folder.path(),
        &["--input", "posts.ndjson", "--output", "json"],
    );
    assert_eq!(done.status.code(), Some(65));
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(told.contains("line 2"), "{told}");
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["posts"], 1);
}

#[test]
fn a_change_of_rules_tells_what_it_would_have_alerted() {
    let folder = tempfile::tempdir().unwrap();
    let feedback = |id: &str, text: &str| {
        json!({
            "id": id, "source": "shop", "native_id": id, "channel": "review", "brand": "青柚茶饮",
            "occurred_at": at(1.0), "observed_at": at(2.0), "text": text, "provenance": {"connector": "files"},
        })
        .to_string()
    };
    let rows = [
        feedback("1", "杯盖漏了一车"),
        feedback("2", "吸管扎嘴"),
        feedback("3", "好喝"),
    ]
    .join("\n");
    std::fs::write(folder.path().join("rows.ndjson"), rows).unwrap();
    let rule =
        |term: &str| format!("rules:\n- {{id: cup, name: 杯子, level: orange, any: [{term}]}}\n");
    std::fs::write(folder.path().join("new.yaml"), rule("漏了")).unwrap();
    std::fs::write(folder.path().join("old.yaml"), rule("扎嘴")).unwrap();
    let done = backtest(
        folder.path(),
        &[
            "--input",
            "rows.ndjson",
            "--rules",
            "new.yaml",
            "--against",
            "old.yaml",
            "--output",
            "json",
        ],
    );
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(
        (&report["added"], &report["removed"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(report["added_examples"][0]["text"], "杯盖漏了一车");
    assert_eq!(report["rules"]["cup"], json!([1, 1]));
}

#[test]
fn a_volume_series_is_scored_row_by_row() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = "timestamp,value\n".to_owned();
    for n in 0..600 {
        let value = if n == 550 { 500 } else { 20 + n % 7 };
        rows += &format!("{},{value}\n", at(n as f64 * 5.0));
    }
    std::fs::write(folder.path().join("volume.csv"), rows).unwrap();
    let done = backtest(
        folder.path(),
        &["--volume", "volume.csv", "--output", "json"],
    );
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    let scored = report["rows"].as_array().unwrap();
    let score = |n: usize| scored[n]["score"].as_f64().unwrap();
    assert_eq!(scored.len(), 600);
    assert!(score(550) > 2.6, "{}", score(550));
    assert!((100..550).all(|n| score(n) < 1.5));
    assert!((551..600).all(|n| score(n) == 0.0), "once a day");
}
