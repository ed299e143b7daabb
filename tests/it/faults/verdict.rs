//! What is through is held against the truth: pieces, windows, labels, alerts, deadlines, deliveries and pushes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{ACKNOWLEDGE_SECONDS, RESPOND_SECONDS, Trial};
use crate::ledger::{Figures, Ledger};
use crate::receiver::Push;

/// What each alert that nobody answers tells: that it was raised, three reminders before each of its two deadlines, and
/// two breaches.
const TOLD: [(&str, i64); 3] = [("breach", 2), ("nudge", 6), ("raised", 1)];

/// Nothing moved for this long: it has got stuck. Dead members of a group are noticed after seconds, transactions of dead
/// producers end after some more; the rest is for a machine that others share.
const STUCK: Duration = Duration::from_secs(240);

/// Between two looks. Processes tell their lag every five seconds, so two looks in a row see two tellings.
const LOOK_EVERY: Duration = Duration::from_secs(6);

/// Waits until no role has anything left to read, and everything that fell due was told and pushed.
pub(super) async fn settle(trial: &mut Trial) {
    let expected_pushes = pushes_expected(trial);
    let ledger = trial.site.ledger().await;
    let mut last = String::new();
    let mut moved = Instant::now();
    let mut quiet_looks = 0;
    loop {
        let lag = trial.fleet.lag().await;
        let figures = ledger.figures().await;
        let terminal = ledger
            .figure("(SELECT COUNT(*) FROM deliveries WHERE state <> 'queued')")
            .await;
        let is_quiet =
            lag == Some(0) && figures.feedback >= trial.truth.rows() && terminal >= expected_pushes;
        quiet_looks = if is_quiet { quiet_looks + 1 } else { 0 };
        if quiet_looks == 2 {
            return;
        }
        let now = format!(
            "lag {lag:?}, {} of {} stored, {terminal} of {expected_pushes} pushes ended, {figures:?}",
            figures.feedback,
            trial.truth.rows()
        );
        if now != last {
            println!("{now}");
            moved = Instant::now();
            last = now;
        }
        if moved.elapsed() > STUCK {
            panic!(
                "nothing moves any more: {last}\n{}",
                trial.fleet.report().await
            );
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Waits until every piece that came again was recognised.
pub(super) async fn all_repeats_dropped(trial: &mut Trial, before: u64) {
    let all = trial.truth.rows().unsigned_abs();
    let mut last = 0;
    let mut moved = Instant::now();
    loop {
        let dropped = trial.fleet.repeats().await - before;
        if dropped >= all {
            assert_eq!(dropped, all, "more repeats than were sent");
            return;
        }
        if dropped != last {
            (moved, last) = (Instant::now(), dropped);
        }
        if moved.elapsed() > STUCK {
            let report = trial.fleet.report().await;
            panic!("only {dropped} of {all} repeats were recognised\n{report}");
        }
        sleep(Duration::from_millis(500)).await;
    }
}

/// Insists that everything is as it must be; the figures.
pub(super) async fn hold(trial: &mut Trial) -> Figures {
    let ledger = trial.site.ledger().await;
    ledger.holds(&trial.truth).await;
    trial.labels.hold(&ledger).await;
    let figures = ledger.figures().await;
    if figures.dead_letters > 0 {
        let letters = ledger
            .rows("SELECT stage, origin, reason FROM dead_letters")
            .await;
        panic!("{} dead letters, such as {:?}", letters.len(), letters[0]);
    }
    let alerts = hold_alerts(trial, &ledger).await;
    hold_deliveries(trial, &ledger, &alerts).await;
    figures
}

fn pushes_expected(trial: &Trial) -> i64 {
    let alerts = i64::try_from(trial.truth.crises.len()).expect("few alerts");
    alerts * TOLD.iter().map(|(_, count)| count).sum::<i64>()
}

/// One alert for each brand and topic with a crisis, with every signal in it once and its deadlines where they were
/// when people were told of it. Gives the alerts' ids.
async fn hold_alerts(trial: &Trial, ledger: &Ledger) -> BTreeSet<String> {
    let rows = ledger
        .rows(
            "SELECT id, brand, topic, CAST(signals AS TEXT), CAST(raised_at_ms AS TEXT), \
             CAST(acknowledge_due_at_ms AS TEXT), CAST(respond_due_at_ms AS TEXT), document FROM alerts",
        )
        .await;
    let mut signals: BTreeMap<Vec<String>, i64> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for row in rows {
        let [
            id,
            brand,
            topic,
            count,
            raised,
            acknowledge,
            respond,
            document,
        ] = row.as_slice()
        else {
            panic!("{row:?}")
        };
        let number = |text: &String| text.parse::<i64>().expect("a whole number");
        let twice = signals.insert(vec![brand.clone(), topic.clone()], number(count));
        assert_eq!(twice, None, "{brand} has two alerts of {topic}");
        let due = |seconds: u32| number(raised) + i64::from(seconds) * 1_000;
        assert_eq!(number(acknowledge), due(ACKNOWLEDGE_SECONDS), "{document}");
        assert_eq!(number(respond), due(RESPOND_SECONDS), "{document}");
        let document: Value = serde_json::from_str(document).expect("an alert in JSON");
        for push in trial.receiver.pushes() {
            if push.alert()["id"] != id.as_str() {
                continue;
            }
            assert!(push.signature_is_valid, "{push:?}");
            let deadlines = |alert: &Value| -> Vec<Value> {
                let deadlines = alert["clock"]["deadlines"].as_array().expect("deadlines");
                deadlines.iter().map(|d| d["due_at"].clone()).collect()
            };
            assert_eq!(
                deadlines(push.alert()),
                deadlines(&document),
                "{id} was moved"
            );
        }
        ids.insert(id.clone());
    }
    assert_eq!(signals, trial.truth.crises, "signals by brand and topic");
    ids
}

/// Each thing that must be told ended once as delivered, and came to the receiver; what came twice has the same key.
async fn hold_deliveries(trial: &Trial, ledger: &Ledger, alerts: &BTreeSet<String>) {
    let told = ledger
        .sums("SELECT alert, kind, state, CAST(COUNT(*) AS TEXT) FROM deliveries GROUP BY alert, kind, state")
        .await;
    let expected: BTreeMap<Vec<String>, i64> = alerts
        .iter()
        .flat_map(|alert| {
            TOLD.map(|(kind, count)| {
                (
                    vec![alert.clone(), kind.to_owned(), "delivered".to_owned()],
                    count,
                )
            })
        })
        .collect();
    assert_eq!(told, expected, "what was told");
    let ends = ledger
        .sums(
            "SELECT id, CAST(COUNT(*) AS TEXT) FROM delivery_attempts WHERE state <> 'queued' GROUP BY id",
        )
        .await;
    let ended_twice: Vec<_> = ends.iter().filter(|(_, count)| **count != 1).collect();
    assert!(ended_twice.is_empty(), "ended twice: {ended_twice:?}");
    let deliveries: BTreeSet<String> = ends.into_keys().map(|id| id.concat()).collect();
    let mut came: BTreeMap<String, Push> = BTreeMap::new();
    let mut repeated = 0;
    for push in trial.receiver.pushes() {
        if let Some(first) = came.get(&push.id) {
            assert_eq!(
                first.body["data"], push.body["data"],
                "one key, two messages"
            );
            repeated += 1;
        }
        came.entry(push.id.clone()).or_insert(push);
    }
    let keys: BTreeSet<String> = came.into_keys().collect();
    assert_eq!(
        keys, deliveries,
        "pushes that came, and those in the ledger"
    );
    println!("{} pushes came, {repeated} of them again", keys.len());
}
