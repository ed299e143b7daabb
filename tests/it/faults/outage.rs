//! What is away for long is waited for, said aloud at `/readyz`, and nothing is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Trial;
use super::engines::Engines;
use super::fleet::Fleet;
use crate::input;
use crate::process::eventually;

/// How long an engine is away: a minute in the long run.
fn away() -> Duration {
    let is_long = std::env::var_os("WENSHENG_FAULT_SECONDS").is_some();
    Duration::from_secs(if is_long { 60 } else { 20 })
}

const EVENTS: usize = 3_000;

/// Own engines; `None` where nobody asked for any.
async fn own_engines() -> Option<Engines> {
    if std::env::var_os("WENSHENG_FAULT_ENGINES").is_none_or(|value| value != "own") {
        println!("skipped: set WENSHENG_FAULT_ENGINES=own to have engines stopped");
        return None;
    }
    Some(Engines::start().await)
}

/// Waits until every role has had something to do.
async fn first_pieces_are_through(trial: &mut Trial) {
    // A role tells its lag once it runs, so the store has its tables then.
    eventually("the lag of every role", async || trial.fleet.lag().await).await;
    let ledger = trial.site.ledger().await;
    eventually("the first pieces in the store", async || {
        (ledger.figures().await.windows.len() == 3).then_some(())
    })
    .await;
}

/// Everything that was waited for during the outage, by process.
async fn watch(fleet: &mut Fleet) -> BTreeMap<&'static str, Vec<String>> {
    let until = Instant::now() + away();
    let mut seen = BTreeMap::new();
    while Instant::now() < until {
        seen.extend(fleet.waiting().await);
        sleep(Duration::from_millis(500)).await;
    }
    for member in &mut fleet.members {
        member.hold_running();
    }
    seen
}

fn hold_says(seen: &BTreeMap<&'static str, Vec<String>>, name: &str) {
    let reasons = seen.get(name).map(|reasons| reasons.join("; "));
    let said = reasons.is_some_and(|reasons| reasons.contains("\"waiting\""));
    assert!(said, "{name} does not say what it waits for: {seen:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_stops_answering_is_waited_for() {
    let Some(mut engines) = own_engines().await else {
        return;
    };
    let seed = input::seed();
    let mut trial = Trial::prepare(seed, EVENTS, Some(&engines)).await;
    trial.fleet.start_all();
    let flow = trial.traffic.flow(3 * away(), seed);
    first_pieces_are_through(&mut trial).await;
    engines.freeze_broker();
    let seen = watch(&mut trial.fleet).await;
    engines.thaw_broker();
    println!("while the broker was frozen: {seen:#?}");
    hold_says(&seen, "connect");
    flow.finish().await;
    trial.conclude().await;
    trial.fleet.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_gone_is_waited_for() {
    let Some(mut engines) = own_engines().await else {
        return;
    };
    let seed = input::seed();
    let mut trial = Trial::prepare(seed, EVENTS, Some(&engines)).await;
    trial.fleet.start_all();
    let flow = trial.traffic.flow(3 * away(), seed);
    first_pieces_are_through(&mut trial).await;
    engines.kill_database();
    let seen = watch(&mut trial.fleet).await;
    engines.restart_database().await;
    println!("while the database was gone: {seen:#?}");
    hold_says(&seen, "publish");
    flow.finish().await;
    trial.conclude().await;
    trial.fleet.stop_all().await;
}
