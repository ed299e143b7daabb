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
