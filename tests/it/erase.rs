//! A person who asked for it is gone from every row, also from a store that is built anew, and the trail tells that it was
//! done.

use serde_json::{Value, json};

use crate::main_job::run_through;
use crate::process::eventually;
use crate::site::Site;
use crate::webhook::{self, Desk};

#[tokio::test]
async fn a_person_is_removed_everywhere_and_stays_removed() {
    let mut site = Site::new();
    site.configure(json!({ "connect": { "sources": [webhook::source("hook")] } }));
    let said: Value = (0..6)
        .map(|number| {
            json!({
                "id": format!("e{number}"), "text": format!("等位太久了,服务一般,第{number}次"),
                "author": { "id": format!("person-{}", number % 2) },
            })
        })
        .collect();
    let mut process = site.up(&[]);
    let address = process.ingest().await;
    Desk::new().post(&address, "hook", &said).await.taken();
    process.stop().await;
    run_through(&site).await;
    site.ledger().await.figures().await.hold_each_once(6);

    let config = site.config_file();
    let of_person = [
        "--source",
        "hook",
        "--author",
        "person-1",
        "--by",
        "数据保护官",
    ];
    let erase = |more: &[&str]| {
        let arguments = [
            &["erase", "--config", &config, "--output", "json"],
            &of_person[..],
            more,
        ];
        site.run(&arguments.concat())
    };
    let asked = erase(&["--dry-run"]).ended().await;
    let asked: Value = serde_json::from_str(&asked.stdout).unwrap_or_else(|_| panic!("{asked:?}"));
    assert_eq!(asked["feedback"], 3);
    let done = erase(&["--reason", "申请 2026-18"]).ended().await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let done: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(done["feedback"], 3);
    let subject = done["subject"].as_str().unwrap();
    assert!(!subject.contains("person"));

    let gone = async |site: &Site| {
        let ledger = site.ledger().await;
        let shown = ledger
            .rows("SELECT native_id FROM v_feedback ORDER BY native_id")
            .await;
        assert_eq!(shown.concat(), ["e0", "e2", "e4"]);
        let named = format!("(SELECT COUNT(*) FROM feedback WHERE document LIKE '%{subject}%')");
        assert_eq!(ledger.figure(&named).await, 0);
    };
    gone(&site).await;
    let trail = site.ledger().await;
    let trail = trail
        .rows("SELECT actor, action, object, detail FROM audit WHERE action = 'subject.erase'")
        .await;
    let detail = "申请 2026-18; feedback=3 alerts=0 dead_letters=0";
    assert_eq!(
        trail,
        [["数据保护官", "subject.erase", subject, detail]
            .map(str::to_owned)
            .to_vec()]
    );

    // The withdrawals that went to the bus are taken back from the figures …
    run_through(&site).await;
    gone(&site).await;
    let volume = "(SELECT SUM(volume) FROM windows WHERE topic = 'all' AND size = '1d')";
    assert_eq!(site.ledger().await.figure(volume).await, 3);
    // … and a store that is built from the log does not know the person either.
    for file in ["store.db", "store.db-wal", "store.db-shm"] {
        std::fs::remove_file(site.data_dir().join(file)).ok();
    }
    let mut process = site.up(&[]);
    process.console_address().await;
    eventually("the store that is built anew", async || {
        let withdrawn = "(SELECT COUNT(*) FROM feedback WHERE withdrawn)";
        (site.ledger().await.figure(withdrawn).await == 3).then_some(())
    })
    .await;
    process.stop().await;
    gone(&site).await;
}

/// Of a call whose words have not come yet, no store knows anything.
#[tokio::test]
async fn what_is_known_of_a_call_in_hand_is_removed_with_the_person() {
    const TOKEN: &str = "token-of-the-hotline";
    let mut site = Site::new();
    let line = json!({ "kind": "transcript", "name": "line", "brand": "云岭茶饮", "token": TOKEN });
    site.configure(json!({ "connect": { "sources": [line] } }));
    let call = |customer: &str, turns: Value| {
        json!({
            "call_id": customer, "started_at": "2026-01-02T03:04:05Z", "customer": customer, "queue": "售后",
            "turns": turns,
        })
    };
    let post = async |address: &str, body: Value| {
        let url = format!("http://{address}/ingest/line?token={TOKEN}");
        let posted = reqwest::Client::new().post(url).body(body.to_string());
        let answer = posted.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
    };
    let mut process = site.up(&[]);
    let address = process.ingest().await;
    for customer in ["13800138000", "13900139000"] {
        post(&address, call(customer, json!([]))).await;
    }
    process.stop().await;

    let config = site.config_file();
    let erase = async || {
        let arguments = [
            ["erase", "--config", &config, "--output", "json"],
            ["--source", "line", "--author", "13800138000", "--by=dpo"],
        ];
        let done = site.run(&arguments.concat()).ended().await;
        assert_eq!(done.code, Some(0), "{done:?}");
        let done: Value = serde_json::from_str(&done.stdout).unwrap();
        (done["feedback"].clone(), done["calls"].clone())
    };
    assert_eq!(erase().await, (json!(0), json!(1)));
    assert_eq!(erase().await, (json!(0), json!(0)), "it is gone");

    // The other call's words meet what was known of it; of the first nothing is.
    let said =
        |text: &str| json!([{ "role": "customer", "begin_ms": 0, "end_ms": 900, "text": text }]);
    let mut process = site.up(&[]);
    let address = process.ingest().await;
    for (customer, text) in [("13800138000", "等位太久了"), ("13900139000", "漏水")] {
        let mut words = call(customer, said(text));
        words.as_object_mut().unwrap().remove("queue");
        post(&address, words).await;
    }
    process.stop().await;
    run_through(&site).await;
    let ledger = site.ledger().await;
    let queues = ledger
        .rows("SELECT native_id FROM v_feedback WHERE native_id IN (SELECT native_id FROM feedback WHERE document LIKE '%售后%')")
        .await;
    assert_eq!(queues.concat(), ["call:13900139000"]);
}
