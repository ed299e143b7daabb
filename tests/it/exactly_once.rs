//! However often and whenever the process is killed, each row is counted once, and each alert is raised once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::input::{self, Crowd, Truth, Voice};
use crate::ledger::Ledger;
use crate::main_job::run_through;
use crate::process::eventually;
use crate::receiver::Receiver;
use crate::site::Site;
use crate::webhook::{self, Desk};

/// How often the process is killed.
const KILLS: u32 = 10;

/// New rows that each life begins with, so that there is always something to be killed in.
const ROWS_PER_LIFE: usize = 2_000;

/// Kills the service at random moments while it reads; then holds all figures against the truth, and reads all again.
pub(crate) async fn survives_kills(mut site: Site) {
    let seed = input::seed();
    let mut dice = StdRng::seed_from_u64(seed);
    let mut crowd = Crowd::new(seed);
    let mut truth = Truth::default();
    let receiver = Receiver::start().await;
    let rules = site.write("rules.yaml", input::RULES);
    let input = site.path().join("in");
    site.configure(receiver.settings(&["front_line"]))
        .configure(json!({
            "enrich": { "starter_rules": false, "rules": [rules] },
            // What a wave is depends on the order in which sources are read; the rules do not.
            "aggregate": { "volume_rules": [] },
            "connect": { "sources": [
                input::source("desk", input),
                webhook::source("hook"),
            ] },
        }));

    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for life in 0..KILLS {
        let voices = crowd.speak(ROWS_PER_LIFE);
        truth.add(&voices);
        let (name, content) = file_of(life, &voices);
        site.write(&format!("in/{name}"), &content);
        files.push((name, content));

        let before = rows_stored(&site).await;
        let mut process = site.up(&[]);
        let moment = Moment::any(&mut dice);
        match moment {
            Moment::Starting => {}
            Moment::Ready => drop(process.console_address().await),
            Moment::Storing => {
                eventually("a row in the store", async || {
                    (rows_stored(&site).await > before).then_some(())
                })
                .await;
            }
        }
        let at_most = match moment {
            Moment::Storing => 300,
            Moment::Starting | Moment::Ready => 1_200,
        };
        let delay = Duration::from_millis(dice.random_range(0..at_most));
        tokio::time::sleep(delay).await;
        assert!(process.is_running(), "{}", process.stderr());
        process.kill();
        println!(
            "killed {} ms after {moment:?}: {before} rows stored before, {} after, of {}",
            delay.as_millis(),
            rows_stored(&site).await,
            truth.rows()
        );
    }

    let summary = run_through(&site).await;
    println!("{summary}");
    let ledger = site.ledger().await;
    ledger.holds(&truth).await;
    holds_each_alert_once(&ledger, &truth, &receiver).await;
    let figures = ledger.figures().await;
    assert_eq!(figures.dead_letters, 0);
    drop(ledger);

    // The same files again, which are known by their names; and copies under other names, whose rows are known by their ids.
    assert_eq!(run_through(&site).await["rows_read"], 0);
    assert_eq!(
        site.ledger().await.figures().await,
        figures,
        "reading the same files again changes a figure"
    );
    for (name, content) in &files {
        site.write(&format!("in/copy-of-{name}"), content);
    }
    assert_eq!(run_through(&site).await["rows_read"], truth.rows());
    assert_eq!(
        site.ledger().await.figures().await,
        figures,
        "reading copies of the files changes a figure"
    );

    // A batch over HTTP counts once, however often it is sent.
    let batch = crowd.speak(40);
    truth.add(&batch);
    let batch: Value = batch.iter().map(input::event).collect();
    let desk = Desk::new();
    let mut process = site.up(&[]);
    let address = process.ingest().await;
    desk.post(&address, "hook", &batch).await.taken();
    desk.post(&address, "hook", &batch).await.taken();
    process.stop().await;
    run_through(&site).await;
    let figures = site.ledger().await.figures().await;
    site.ledger().await.holds(&truth).await;
    let mut process = site.up(&[]);
    let address = process.ingest().await;
    desk.post(&address, "hook", &batch).await.taken();
    process.stop().await;
    run_through(&site).await;
    let ledger = site.ledger().await;
    assert_eq!(
        ledger.figures().await,
        figures,
        "sending the batch again changes a figure"
    );
    holds_each_alert_once(&ledger, &truth, &receiver).await;
}

/// Every life's file has another form.
fn file_of(life: u32, voices: &[Voice]) -> (String, Vec<u8>) {
    match life % 3 {
        0 => (
            format!("{life:02}.csv"),
            input::csv_file(voices).into_bytes(),
        ),
        1 => (
            format!("{life:02}.ndjson"),
            input::ndjson_file(voices).into_bytes(),
        ),
        _ => (
            format!("{life:02}-gb.csv"),
            encoding_rs::GB18030
                .encode(&input::csv_file(voices))
                .0
                .into_owned(),
        ),
    }
}

/// After what a life ends; a little later, that is.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Starting,
    Ready,
    Storing,
}

impl Moment {
    /// Most lives get as far as storing: then every stage is at work.
    fn any(dice: &mut StdRng) -> Self {
        match dice.random_range(0..5) {
            0 => Moment::Starting,
            1 => Moment::Ready,
            _ => Moment::Storing,
        }
    }
}

/// How many rows are in the store, if there is one yet.
async fn rows_stored(site: &Site) -> i64 {
    if !site.data_dir().join("store.db").exists() {
        return 0;
    }
    let ledger = site.ledger().await;
    match ledger
        .figure("(SELECT COUNT(*) FROM sqlite_master WHERE name = 'feedback')")
        .await
    {
        0 => 0,
        _ => ledger.figure("(SELECT COUNT(*) FROM feedback)").await,
    }
}

/// Insists that there is one alert for each brand and topic that the truth knows a crisis of, that every signal was
/// folded into it once, and that people were told once that it was raised.
async fn holds_each_alert_once(ledger: &Ledger, truth: &Truth, receiver: &Receiver) {
    let alerts = ledger
        .rows("SELECT id, brand, topic, CAST(signals AS TEXT) FROM alerts")
        .await;
    let mut signals: BTreeMap<Vec<String>, i64> = BTreeMap::new();
    for row in &alerts {
        let [id, brand, topic, count] = row.as_slice() else {
            panic!("{row:?}")
        };
        let twice = signals.insert(
            vec![brand.clone(), topic.clone()],
            count.parse().expect("a number"),
        );
        assert_eq!(twice, None, "{brand} has two alerts of {topic}");
        let raised: BTreeSet<String> = receiver
            .pushes()
            .into_iter()
            .filter(|push| push.kind() == "alert.raised" && push.alert()["id"] == id.as_str())
            .inspect(|push| assert!(push.signature_is_valid, "{push:?}"))
            .map(|push| push.id)
            .collect();
        // HTTP cannot be told once for certain: a push whose answer was lost comes again, under the same id.
        assert_eq!(raised.len(), 1, "{brand}, {topic} was told as {raised:?}");
    }
    assert_eq!(signals, truth.crises);
    let told = ledger
        .sums("SELECT alert, state, CAST(COUNT(*) AS TEXT) FROM deliveries WHERE kind = 'raised' GROUP BY alert, state")
        .await;
    let once: BTreeMap<Vec<String>, i64> = alerts
        .iter()
        .map(|row| (vec![row[0].clone(), "delivered".to_owned()], 1))
        .collect();
    assert_eq!(told, once);
}

#[tokio::test]
async fn ten_kills_lose_nothing_and_count_nothing_twice() {
    survives_kills(Site::new()).await;
}
