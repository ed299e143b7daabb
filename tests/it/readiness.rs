//! A process that has much left to read says so and takes no traffic until it has caught up.

use reqwest::StatusCode;
use serde_json::json;

use crate::input::{self, Crowd};
use crate::process::{Process, eventually};
use crate::site::Site;

/// More than a look at the lag comes too late for: an unoptimised build analyses some thousand in a second.
const ROWS: usize = 20_000;

#[tokio::test]
async fn a_process_that_is_behind_is_not_ready_and_says_how_far() {
    let mut site = Site::new();
    let voices = Crowd::new(input::seed()).speak(ROWS);
    let file = site.write("in.ndjson", input::ndjson_file(&voices));
    site.configure(json!({
        "connect": { "sources": [input::source("files", file)] },
        "ops": { "ready_lag": 500 },
    }));
    let taken_in = site
        .up(&[
            "--roles",
            "connect,publish",
            "--until-idle",
            "--output",
            "json",
        ])
        .ended()
        .await;
    assert_eq!(taken_in.code, Some(0), "{taken_in:?}");

    let mut behind = site.up(&["--roles", "enrich"]);
    let told = eventually("that it catches up", async || {
        let (status, told) = ready(&mut behind).await?;
        told.contains("catching up").then_some((status, told))
    })
    .await;
    assert_eq!(told.0, StatusCode::SERVICE_UNAVAILABLE, "{told:?}");
    assert!(told.1.contains("ops.ready_lag"), "{told:?}");
    let caught_up = eventually("that it has caught up", async || {
        let (status, told) = ready(&mut behind).await?;
        status.is_success().then_some(told)
    })
    .await;
    assert!(!caught_up.contains("catching up"), "{caught_up}");
    behind.stop().await;
}

async fn ready(process: &mut Process) -> Option<(StatusCode, String)> {
    let address = process.operations().await;
    let answer = reqwest::get(format!("http://{address}/readyz"))
        .await
        .ok()?;
    Some((answer.status(), answer.text().await.ok()?))
}
