//! From a post to people and back: a rule of level red raises an alert, its clock runs on absolute instants through any
//! restart, and each thing is told once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::process::eventually;
use crate::receiver::{Push, Receiver};
use crate::site::Site;
use crate::webhook::{self, Desk};

/// A site with a webhook source, a receiver at each level, and a clock of seconds.
fn site(receiver: &Receiver, acknowledge_seconds: u32, respond_seconds: u32) -> Site {
    let mut site = Site::new();
    let policy =
        json!({ "acknowledge_seconds": acknowledge_seconds, "respond_seconds": respond_seconds });
    site.configure(receiver.settings(&["front_line"]))
        .configure(json!({
            "connect": { "sources": [webhook::source("hook")] },
            "respond": { "policies": { "crisis": policy } },
        }));
    site
}

fn post(id: &str) -> Value {
    json!([{ "id": id, "brand": "鹿汀火锅", "channel": "weibo", "text": "昨晚在你们店吃完全家上吐下泻,食物中毒了" }])
}

fn deadline<'a>(alert: &'a Value, kind: &str) -> &'a Value {
    let deadlines = alert["clock"]["deadlines"]
        .as_array()
        .expect("a running clock");
    deadlines
        .iter()
        .find(|deadline| deadline["kind"] == kind)
        .expect("the deadline")
}

fn instant(value: &Value) -> Timestamp {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("{value} is no instant"))
}

#[tokio::test]
async fn a_red_rule_raises_an_alert_that_is_pushed_and_acknowledged() {
    let receiver = Receiver::start().await;
    let site = site(&receiver, 900, 3_600);
    let mut process = site.up(&[]);
    let console = process.first_console().await;
    let ingest = process.ingest().await;
    Desk::new().post(&ingest, "hook", &post("p1")).await.taken();

    let raised = receiver
        .push("the push of the alert", |push| {
            push.kind() == "alert.raised"
        })
        .await;
    assert!(raised.signature_is_valid, "{raised:?}");
    let alert = eventually("the alert in the console", async || {
        console.alerts().await.into_iter().next()
    })
    .await;
    assert_eq!(alert["id"], raised.alert()["id"]);
    assert_eq!(alert["brand"], "鹿汀火锅");
    assert_eq!(alert["severity"], "crisis");
    assert_eq!(alert["state"]["name"], "raised");
    let started = instant(&alert["clock"]["started_at"]);
    let due = instant(&deadline(&alert, "acknowledge")["due_at"]);
    assert_eq!(due.duration_since(started), SignedDuration::from_mins(15));
    let due = instant(&deadline(&alert, "respond")["due_at"]);
    assert_eq!(due.duration_since(started), SignedDuration::from_mins(60));

    let id = alert["id"].as_str().unwrap();
    let (status, answer) = console.act(id, "acknowledge", "key-1").await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    let taken = eventually("the acknowledgement", async || {
        let alert = console.alerts().await.into_iter().next()?;
        (alert["state"]["name"] == "acknowledged").then_some(alert)
    })
    .await;
    let met = instant(&deadline(&taken, "acknowledge")["met_at"]);
    assert!(met >= started && met < instant(&deadline(&taken, "acknowledge")["due_at"]));
    assert_eq!(deadline(&taken, "acknowledge")["breached_at"], Value::Null);
    assert_eq!(deadline(&taken, "respond")["met_at"], Value::Null);

    // The same click again acts once; another click comes too late.
    let (again, answer) = console.act(id, "acknowledge", "key-1").await;
    assert!(
        again == StatusCode::ACCEPTED || again == StatusCode::CONFLICT,
        "{answer}"
    );
    let (late, answer) = console.act(id, "acknowledge", "key-2").await;
    assert_eq!(late, StatusCode::CONFLICT, "{answer}");

    // A second complaint folds into the open alert, and nobody is told again.
    Desk::new().post(&ingest, "hook", &post("p2")).await.taken();
    eventually("the folded signal", async || {
        let alerts = console.alerts().await;
        assert_eq!(alerts.len(), 1, "{alerts:#?}");
        (alerts[0]["signals"] == 2).then_some(())
    })
    .await;
    let (status, _) = console.act(id, "resolve", "key-3").await;
    assert_eq!(status, StatusCode::ACCEPTED);
    receiver
        .push("the push of the end", |push| {
            push.kind() == "alert.resolved"
        })
        .await;
    let raised: Vec<Push> = receiver
        .pushes()
        .into_iter()
        .filter(|push| push.kind() == "alert.raised")
        .collect();
    assert_eq!(raised.len(), 1, "{raised:#?}");
    process.stop().await;
}

#[tokio::test]
async fn a_restart_moves_no_deadline_and_what_fell_due_meanwhile_is_told_once() {
    let receiver = Receiver::start().await;
    let site = site(&receiver, 8, 3_600);
    let mut process = site.up(&[]);
    let console = process.first_console().await;
    let ingest = process.ingest().await;
    Desk::new().post(&ingest, "hook", &post("p1")).await.taken();
    let before = receiver
        .push("the push of the alert", |push| {
            push.kind() == "alert.raised"
        })
        .await;
    let token = console.token.clone();
    process.kill();

    // The deadline passes while nothing runs.
    let due = instant(&deadline(before.alert(), "acknowledge")["due_at"]);
    eventually("the deadline", async || {
        (Timestamp::now() > due).then_some(())
    })
    .await;
    let mut process = site.up(&[]);
    let console = process.console(&token).await;
    let breach = receiver
        .push("the breach", |push| push.kind() == "alert.breach")
        .await;
    assert!(breach.signature_is_valid);
    assert!(breach.came_at >= due);

    let alert = eventually("the breach in the console", async || {
        let alert = console.alerts().await.into_iter().next()?;
        (alert["clock"]["escalation"] == "specialists").then_some(alert)
    })
    .await;
    for kind in ["acknowledge", "respond"] {
        assert_eq!(
            deadline(&alert, kind)["due_at"],
            deadline(before.alert(), kind)["due_at"],
            "the restart moved the deadline to {kind}"
        );
    }
    assert_eq!(
        alert["clock"]["started_at"],
        before.alert()["clock"]["started_at"]
    );
    assert!(instant(&deadline(&alert, "acknowledge")["breached_at"]) >= due);
    process.stop().await;

    // A further restart has nothing left to tell.
    let mut process = site.up(&[]);
    process.console(&token).await;
    Desk::new()
        .post(&process.ingest().await, "hook", &post("p2"))
        .await
        .taken();
    let console = process.console(&token).await;
    eventually("the folded signal", async || {
        (console.alerts().await[0]["signals"] == 2).then_some(())
    })
    .await;
    process.stop().await;
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for push in receiver.pushes() {
        let detail = push.body["data"]["percent"]
            .as_u64()
            .map(|percent| format!(" {percent}"));
        let kind = format!("{}{}", push.kind(), detail.unwrap_or_default());
        told.entry(kind).or_default().insert(push.id);
    }
    // A push whose answer was lost comes again, under the same id.
    let told: Vec<(&str, usize)> = told
        .iter()
        .map(|(kind, ids)| (kind.as_str(), ids.len()))
        .collect();
    assert_eq!(
        told,
        [
            ("alert.breach", 1),
            ("alert.nudge 50", 1),
            ("alert.nudge 75", 1),
            ("alert.nudge 90", 1),
            ("alert.raised", 1),
        ]
    );
}
