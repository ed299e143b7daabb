//! "No complaints" is not "no data": a source that gave and gives no more raises one alert that is pushed, the console says
//! so, and when it gives again the console says that, too.

use serde_json::{Value, json};

use crate::console::Console;
use crate::process::eventually;
use crate::receiver::Receiver;
use crate::site::Site;
use crate::webhook::{self, Desk};

fn piece(number: u32) -> Value {
    json!([{ "id": format!("n{number}"), "text": format!("第{number}位顾客问几点开门") }])
}

/// What the console says of the source.
async fn source(console: &Console) -> Option<Value> {
    let sources = console.get("/sources").await;
    let sources = sources["sources"].as_array().expect("a list").clone();
    sources
        .into_iter()
        .find(|source| source["source"] == "hook")
}

/// Heartbeats come once a minute, so this takes two of them.
#[tokio::test]
async fn a_source_that_stops_raises_one_alert_and_is_well_again_when_it_gives() {
    let receiver = Receiver::start().await;
    let mut site = Site::new();
    site.configure(receiver.settings(&["front_line"]))
        .configure(json!({ "connect": { "sources": [webhook::source("hook")] } }));
    let desk = Desk::new();
    let mut process = site.up(&[]);
    let console = process.first_console().await;
    let token = console.token.clone();
    let address = process.ingest().await;
    let mut number = 0;
    let giving = eventually("the heartbeat that tells of what was given", async || {
        desk.post(&address, "hook", &piece(number)).await.taken();
        number += 1;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        source(&console)
            .await
            .filter(|source| source["taken"].as_u64() > Some(0))
    })
    .await;
    assert_eq!(giving["silence"], "none", "{giving}");
    assert!(giving["last_event_at"].is_string(), "{giving}");
    assert!(console.alerts().await.is_empty(), "nothing is wrong");
    process.stop().await;

    // From now on a minute without a piece is too long.
    site.configure(json!({ "aggregate": { "silence": { "longest_gap_minutes": { "hook": 1 } } } }));
    let mut process = site.up(&[]);
    let console = process.console(&token).await;
    let raised = receiver
        .push("the push of the silence", |push| {
            push.kind() == "alert.raised"
        })
        .await;
    assert!(raised.signature_is_valid, "{raised:?}");
    let alert = raised.alert();
    assert_eq!(alert["topic"], "source/hook", "{alert}");
    assert_eq!(alert["brand"], "云岭茶饮", "{alert}");
    assert_eq!(alert["severity"], "alert", "{alert}");
    let silent = eventually("the silence in the console", async || {
        source(&console)
            .await
            .filter(|source| source["silence"] == "alert")
    })
    .await;
    // Nothing is wrong with it that is known: it is well, and gives nothing.
    assert_eq!(silent["trouble"], Value::Null, "{silent}");
    assert_eq!(silent["last_event_at"], giving["last_event_at"]);

    let address = process.ingest().await;
    desk.post(&address, "hook", &piece(number)).await.taken();
    let well = eventually("the end of the silence", async || {
        source(&console)
            .await
            .filter(|source| source["silence"] == "none")
    })
    .await;
    assert_ne!(well["last_event_at"], giving["last_event_at"], "{well}");
    let alerts = console.alerts().await;
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    assert_eq!(alerts[0]["signals"], 1, "{alerts:#?}");
    process.stop().await;
    let raised = receiver.pushes();
    let raised = raised.iter().filter(|push| push.kind() == "alert.raised");
    assert_eq!(raised.count(), 1);
}
