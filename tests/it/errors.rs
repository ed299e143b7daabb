//! What goes wrong is said in one message that names the thing and what to do, with a stable exit code.

use serde_json::json;

use crate::input::{self, Crowd};
use crate::main_job::run_through;
use crate::process::eventually;
use crate::site::Site;
use crate::webhook;

/// An exit code of sysexits.h: wrong configuration.
const BAD_CONFIG: i32 = 78;
const FAILED: i32 = 1;

#[tokio::test]
async fn all_problems_of_a_configuration_are_told_at_once_with_their_paths() {
    let mut site = Site::new();
    site.configure(json!({
        "data_dri": "elsewhere",
        "topics": { "partitions": "eight" },
        "connect": { "sources": [{ "kind": "files", "name": "a", "pth": "x.csv" }, { "kind": "fax" }] },
        "notify": { "timeout_seconds": "${NOT_SET_ANYWHERE}" },
    }));
    let config = site.config_file();
    for arguments in [
        ["up", "--config", &config],
        ["validate", "--config", &config],
    ] {
        site.run(&arguments).ended().await.failed_saying(
            BAD_CONFIG,
            &[
                "data_dri",
                "topics.partitions",
                "connect.sources[0].pth",
                "connect.sources[1].kind",
                "notify.timeout_seconds",
                "NOT_SET_ANYWHERE",
            ],
        );
    }
    assert!(
        !site.data_dir().exists(),
        "nothing is made before the configuration is right"
    );
}

#[tokio::test]
async fn rules_between_settings_are_told_at_once_with_their_paths() {
    let mut site = Site::new();
    site.configure(json!({
        "topics": { "partitions": 0 },
        "connect": { "listen": "nowhere", "sources": [{ "kind": "files", "name": "a", "path": "x.csv" }] },
        "respond": { "policies": { "crisis": { "acknowledge_seconds": 0 } } },
        "aggregate": { "time_zone": "Asia/Nowhere" },
    }));
    site.up(&[]).ended().await.failed_saying(
        BAD_CONFIG,
        &[
            "topics.partitions",
            "connect.listen",
            "connect.sources[0].brand",
            "respond.policies.crisis.acknowledge_seconds",
            "aggregate.time_zone",
        ],
    );
}

#[tokio::test]
async fn a_configuration_that_is_not_there_or_not_yaml_is_named() {
    let site = Site::new();
    let missing = site.path().join("missing.yaml").display().to_string();
    site.run(&["up", "--config", &missing])
        .ended()
        .await
        .failed_saying(BAD_CONFIG, &[&missing]);
    let broken = site
        .write("broken.yaml", "connect: [\n")
        .display()
        .to_string();
    site.run(&["up", "--config", &broken])
        .ended()
        .await
        .failed_saying(BAD_CONFIG, &["YAML"]);
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused() {
    let site = Site::new();
    let mut first = site.up(&[]);
    first.console_address().await;
    let bus = site.data_dir().join("bus.db").display().to_string();
    site.up(&[])
        .ended()
        .await
        .failed_saying(FAILED, &[&bus, "another process uses it"]);
    assert!(first.is_running());
    first.stop().await;
}

#[tokio::test]
async fn a_corrupt_bus_file_is_named() {
    let site = Site::new();
    site.write(
        "data/bus.db",
        "this is not a bus, and longer than the head of a database file. ".repeat(40),
    );
    let bus = site.data_dir().join("bus.db").display().to_string();
    site.up(&[])
        .ended()
        .await
        .failed_saying(FAILED, &[&bus, "restore a copy or move it away"]);
}

#[tokio::test]
async fn a_corrupt_store_file_is_named() {
    let site = Site::new();
    site.write(
        "data/store.db",
        "this is not a store, and longer than the head of a database file. ".repeat(40),
    );
    let store = site.data_dir().join("store.db").display().to_string();
    let ended = site.up(&[]).ended().await;
    ended.failed_saying(FAILED, &[&store]);
    assert!(
        ended.stderr.contains("restore") || ended.stderr.contains("move it"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn an_address_in_use_is_named_with_its_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (settings, setting) in [
        (json!({ "ops": { "listen": address } }), "ops.listen"),
        (
            json!({ "console": { "listen": address } }),
            "console.listen",
        ),
        (
            json!({ "connect": { "listen": address, "sources": [webhook::source("hook")] } }),
            "connect.listen",
        ),
    ] {
        let mut site = Site::new();
        site.configure(settings);
        site.up(&[])
            .ended()
            .await
            .failed_saying(FAILED, &[&address, setting]);
    }
}

#[tokio::test]
async fn a_wrong_rule_file_is_named_with_every_problem() {
    let mut site = Site::new();
    let rules = "rules:\n- {id: A B, name: x, level: red, any: [a]}\n- {id: c, name: '', level: red, any: [c]}\n";
    let path = site.write("rules.yaml", rules);
    site.configure(json!({ "enrich": { "rules": [path] } }));
    let ended = site.up(&[]).ended().await;
    assert!(
        ended
            .code
            .is_some_and(|code| code == FAILED || code == BAD_CONFIG),
        "{ended:?}"
    );
    for word in [&*path.display().to_string(), "rules[0].id", "rules[1].name"] {
        assert!(
            ended.stderr.contains(word),
            "{word} is missing in {}",
            ended.stderr
        );
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_told_and_the_others_are_read() {
    let mut site = Site::new();
    let voices = Crowd::new(3).speak(100);
    site.write("in/good.csv", input::csv_file(&voices));
    // It says that it is compressed, and is not: no permission is needed to make it unreadable, even for root.
    let broken = site.write("in/broken.csv.gz", input::csv_file(&voices));
    site.configure(
        json!({ "connect": { "sources": [input::source("desk", site.path().join("in"))] } }),
    );
    let process = site.up(&["--until-idle", "--output", "json"]);
    let ended = process.ended().await;
    assert!(
        ended.stderr.contains(&broken.display().to_string()),
        "{}",
        ended.stderr
    );
    assert_eq!(site.ledger().await.figures().await.feedback, 100);

    let mut missing = Site::new();
    let path = missing.path().join("missing.csv");
    missing.configure(json!({ "connect": { "sources": [input::source("desk", &path)] } }));
    let mut process = missing.up(&[]);
    let operations = process.operations().await;
    let path = path.display().to_string();
    let (status, body) = ready(&operations, |_, body| body.contains(&path)).await;
    assert_eq!(status, 503, "{body}");
    // Once it is there, it is read.
    missing.write("missing.csv", input::csv_file(&voices));
    ready(&operations, |status, _| status == 200).await;
    process.stop().await;
    run_through(&missing).await;
    assert_eq!(missing.ledger().await.figures().await.feedback, 100);
}

#[tokio::test]
async fn a_broker_that_is_away_is_waited_for_and_named() {
    let mut site = Site::new();
    // A port that nobody listens on: it was free a moment ago, and nothing connects to it but this test.
    let address = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().to_string()
    };
    site.configure(json!({ "bus": { "engine": "kafka", "kafka": { "brokers": address } } }));
    let mut process = site.up(&[]);
    let operations = process.operations().await;
    let (status, body) = ready(&operations, |status, body| {
        status == 503 && body.contains(&address)
    })
    .await;
    assert_eq!(status, 503);
    println!("not ready: {body}");
    let alive = reqwest::get(format!("http://{operations}/healthz"))
        .await
        .unwrap();
    assert_eq!(alive.status(), 200, "waiting is no reason to be restarted");
    process.signal("TERM");
    let ended = process.ended().await;
    assert!(ended.code.is_some(), "{}", ended.stderr);
    assert!(ended.stderr.contains(&address), "{}", ended.stderr);
}

/// Waits until `/readyz` answers as `is_it` wants.
async fn ready(operations: &str, is_it: impl Fn(u16, &str) -> bool) -> (u16, String) {
    let url = format!("http://{operations}/readyz");
    eventually("an answer of /readyz", async || {
        let answer = reqwest::get(&url).await.ok()?;
        let status = answer.status().as_u16();
        let body = answer.text().await.ok()?;
        is_it(status, &body).then_some((status, body))
    })
    .await
}

#[tokio::test]
async fn what_is_valid_and_should_be_known_is_told() {
    let mut site = Site::new();
    site.configure(json!({
        "connect": { "sources": [
            { "kind": "transcript", "name": "calls", "brand": "山岚茶饮", "token": "0123456789abcdef" },
            { "kind": "files", "name": "old", "path": "x.csv", "brand": "山岚茶饮", "columns": { "text": "内容" } },
        ], "pseudonym_key": "0123456789abcdef" },
        "publish": { "sources": { "old": { "purpose": "售后质量改进" }, "gone": { "purpose": "售后质量改进" } } },
    }));
    let said = site.run(&["validate", "--config", &site.config_file()]);
    let ended = said.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let said = ended.stdout;
    let notes: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("note: "))
        .collect();
    assert!(said.contains("is valid"), "{said}");
    assert_eq!(notes.len(), 3, "{said}");
    assert!(
        notes[0].contains("calls") && notes[0].contains("not found again"),
        "{said}"
    );
    assert!(
        notes[1].contains("calls") && notes[1].contains("publish.sources"),
        "{said}"
    );
    assert!(notes[2].contains("publish.sources.gone"), "{said}");
}
