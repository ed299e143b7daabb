//! Two processes of one installation take in from the same sources: one does at a time, and when it dies the other goes
//! on from the committed cursors, at the same address; each piece counts once.

use serde_json::{Value, json};

use super::traffic::quiet_port;
use crate::engines::site_on_kafka;
use crate::input::{self, Crowd, Truth};
use crate::process::{Process, eventually};
use crate::site::Site;
use crate::webhook::{self, Desk};

/// Pieces in each file and in each request.
const PIECES: usize = 300;

#[tokio::test]
async fn another_process_goes_on_taking_in_where_one_was_killed() {
    let Some(mut site) = site_on_kafka() else {
        return;
    };
    let seed = input::seed();
    let mut crowd = Crowd::new(seed);
    let mut truth = Truth::default();
    let rules = site.write("rules.yaml", input::RULES);
    let folder = site.path().join("in");
    std::fs::create_dir(&folder).expect("a folder");
    let address = format!("127.0.0.1:{}", quiet_port());
    let desk = Desk::new();
    site.configure(json!({
        "enrich": { "starter_rules": false, "rules": [rules] },
        "aggregate": { "volume_rules": [], "silence": { "enabled": false } },
        // A process without a name is missed soonest.
        "bus": { "kafka": { "instance": null } },
        "connect": { "listen": address, "sources": [
            input::source("files", folder),
            webhook::source("hook"),
        ] },
    }));

    let rest = "enrich,aggregate,respond,notify,publish,console";
    let rest = site.up(&["--roles", rest]);
    let mut members: Vec<Process> = (0..2).map(|_| site.up(&["--roles", "connect"])).collect();
    let mut leading = leader(&mut members).await;
    for number in 0..2 {
        let voices = crowd.speak(PIECES);
        truth.add(&voices);
        site.write(&format!("in/{number}.ndjson"), input::ndjson_file(&voices));
        let voices = crowd.speak(PIECES);
        truth.add(&voices);
        let batch: Value = voices.iter().map(input::event).collect();
        // Sent twice: that it was taken before is for the service to see.
        eventually("an answer", async || {
            let url = format!("http://{address}/ingest/hook");
            reqwest::get(url).await.ok()
        })
        .await;
        desk.post(&address, "hook", &batch).await.taken();
        desk.post(&address, "hook", &batch).await.taken();
        stored(&site, truth.rows()).await;
        if number == 0 {
            members.remove(leading).kill();
            leading = leader(&mut members).await;
        }
    }
    let ledger = site.ledger().await;
    ledger.holds(&truth).await;
    let figures = ledger.figures().await;
    assert_eq!(figures.dead_letters, 0, "{figures:?}");
    assert_eq!(leading, 0);
    for member in members {
        member.stop().await;
    }
    rest.stop().await;
}

/// Which of them takes in; the others must be ready all the same, and say what they wait for.
async fn leader(members: &mut [Process]) -> usize {
    eventually("one that takes in", async || {
        let mut leading = Vec::new();
        for (nth, member) in members.iter_mut().enumerate() {
            let address = member.operations().await;
            let url = format!("http://{address}/readyz");
            let answer = reqwest::get(url).await.ok()?;
            if !answer.status().is_success() {
                return None;
            }
            let report: Value = answer.json().await.ok()?;
            let lead = &report["tasks"]["connect-lead"];
            match lead["state"].as_str()? {
                "running" => leading.push(nth),
                "waiting" => assert!(lead.to_string().contains("another process"), "{report}"),
                _ => return None,
            }
        }
        match leading.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    })
    .await
}

async fn stored(site: &Site, rows: i64) {
    eventually("all rows in the store and in the windows", async || {
        let ledger = site.ledger().await;
        let figures = ledger.figures().await;
        let counted = figures.windows.values().all(|counted| *counted >= rows);
        (figures.feedback >= rows && counted).then_some(())
    })
    .await;
}
