//! Feedback that its source revises is counted as its last revision alone, in whatever order revisions come, however
//! often each is sent, and whenever the process is killed in between.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::input;
use crate::ledger::Ledger;
use crate::main_job::run_through;
use crate::process::eventually;
use crate::site::Site;
use crate::webhook::{self, Desk};

/// Pieces of feedback, of one to four revisions each.
const PIECES: u32 = 120;

/// How often the process is killed; each life is sent a part of the revisions.
const KILLS: usize = 3;

const TEXTS: [&str; 6] = [
    "门店排队两小时,再也不会来了",
    "师傅很准时,推荐给朋友",
    "说好的退款没有到账,客服态度差",
    "App 一直闪退,登录不上",
    "包装很用心,味道不错",
    "整体一般吧",
];
const BRANDS: [&str; 3] = ["云岭茶饮", "鹿汀火锅", "青禾出行"];

/// The revisions of every piece, lowest first.
fn pieces(dice: &mut StdRng) -> Vec<Vec<Value>> {
    let now = Timestamp::now();
    (0..PIECES)
        .map(|number| {
            let mut revision = 0;
            (0..dice.random_range(1..5))
                .map(|_| {
                    let said = now - SignedDuration::from_mins(dice.random_range(10..600));
                    let channel = ["hotline", "survey", "review"][dice.random_range(0..3)];
                    let mut event = json!({
                        "id": format!("p{number}"), "revision": revision, "occurred_at": said,
                        "brand": BRANDS[dice.random_range(0..BRANDS.len())],
                        "channel": channel,
                        "text": TEXTS[dice.random_range(0..TEXTS.len())],
                        "author": { "id": format!("u{}", number % 40) },
                    });
                    if dice.random_bool(0.5) {
                        event["scores"] = json!({ "nps": dice.random_range(0..11), "csat": dice.random_range(1..6) });
                    }
                    if revision > 0 && dice.random_range(0..4) == 0 {
                        event["withdrawn"] = json!(true);
                    }
                    // Sources number revisions as they like, as long as the numbers rise.
                    revision += dice.random_range(1..4);
                    event
                })
                .collect()
        })
        .collect()
}

/// All that must not depend on the way by which the last revisions came to be the last.
#[derive(Debug, PartialEq)]
struct Standing {
    /// Counts and keywords of every window that holds something, by its key.
    windows: BTreeMap<Vec<String>, Vec<String>>,
    /// Answers on scales, by window, brand, channel, product and question.
    ratings: BTreeMap<Vec<String>, Vec<String>>,
    /// What a BI tool sees of each piece.
    feedback: BTreeMap<String, Vec<String>>,
    dead_letters: i64,
}

async fn standing(ledger: &Ledger) -> Standing {
    let counts = [
        "volume",
        "positive",
        "neutral",
        "negative",
        "score_sum",
        "nps_promoters",
        "nps_passives",
        "nps_detractors",
        "csat_count",
        "csat_satisfied",
        "csat_sum",
        "ces_count",
        "ces_sum",
    ]
    .map(|column| format!("CAST({column} AS TEXT)"))
    .join(", ");
    let rows = ledger
        .rows(&format!(
            "SELECT size, CAST(start_ms AS TEXT), topic, brand, channel, keywords, {counts} FROM windows"
        ))
        .await;
    let windows = rows
        .into_iter()
        .filter_map(|mut key| {
            let content = key.split_off(5);
            let is_empty = content[1..].iter().all(|count| count == "0");
            if is_empty {
                assert_eq!(
                    content[0], "{}",
                    "keywords are left in the empty window {key:?}"
                );
            }
            (!is_empty).then_some((key, content))
        })
        .collect();
    let feedback = ledger
        .rows("SELECT native_id, CAST(revision AS TEXT), brand, channel, text, label, topics FROM v_feedback")
        .await
        .into_iter()
        .map(|mut row| (row.remove(0), row))
        .collect();
    let ratings = ledger
        .rows(
            "SELECT size, CAST(start_ms AS TEXT), brand, channel, product, question, CAST(answers AS TEXT), \
             CAST(top AS TEXT), CAST(bottom AS TEXT), CAST(value_sum AS TEXT) FROM ratings",
        )
        .await
        .into_iter()
        .filter_map(|mut key| {
            let content = key.split_off(6);
            content.iter().any(|sum| sum != "0").then_some((key, content))
        })
        .collect();
    Standing {
        windows,
        ratings,
        feedback,
        dead_letters: ledger.figure("(SELECT COUNT(*) FROM dead_letters)").await,
    }
}

/// How often windows changed so far.
async fn changes(site: &Site) -> i64 {
    let store = site.ledger().await;
    store
        .figure("(SELECT COALESCE(SUM(revision), 0) FROM windows)")
        .await
}

fn configure(site: &mut Site) {
    site.configure(json!({
        "enrich": { "starter_rules": false },
        "connect": { "sources": [webhook::source("hook")] },
    }));
}

/// Sends revisions in any order, each once or twice, in lives that end by a kill; then compares with a service that was
/// sent the last revisions alone.
pub(crate) async fn last_revisions_count(mut site: Site) {
    let mut dice = StdRng::seed_from_u64(input::seed());
    let pieces = pieces(&mut dice);
    let mut sent: Vec<&Value> = pieces.iter().flatten().collect();
    let again: Vec<&Value> = sent
        .iter()
        .copied()
        .filter(|_| dice.random_bool(0.3))
        .collect();
    sent.extend(again);
    sent.shuffle(&mut dice);

    configure(&mut site);
    let desk = Desk::new();
    for part in sent.chunks(sent.len().div_ceil(KILLS)) {
        let mut process = site.up(&[]);
        let address = process.ingest().await;
        let before = changes(&site).await;
        let (first, second) = part.split_at(part.len() / 2);
        desk.post(&address, "hook", &json!(first)).await.taken();
        // Every stage has had some of the first half, and is killed in some of the second.
        eventually("a change in the store", async || {
            (changes(&site).await > before).then_some(())
        })
        .await;
        desk.post(&address, "hook", &json!(second)).await.taken();
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..400))).await;
        process.kill();
    }
    run_through(&site).await;

    let mut plain = Site::new();
    configure(&mut plain);
    let mut process = plain.up(&[]);
    let address = process.ingest().await;
    let last: Vec<&Value> = pieces.iter().filter_map(|piece| piece.last()).collect();
    desk.post(&address, "hook", &json!(last)).await.taken();
    process.stop().await;
    run_through(&plain).await;

    let ledger = site.ledger().await;
    let found = standing(&ledger).await;
    let expected = standing(&plain.ledger().await).await;
    for (key, content) in &expected.windows {
        assert_eq!(found.windows.get(key), Some(content), "{key:?}");
    }
    assert_eq!(found, expected);
    let standing: i64 = last
        .iter()
        .filter(|event| event["withdrawn"] != true)
        .count() as i64;
    assert_eq!(found.feedback.len() as i64, standing);
    assert!(standing < i64::from(PIECES), "no piece was withdrawn");
    assert_eq!(found.dead_letters, 0);
    assert!(found.ratings.len() > 10, "{:?}", found.ratings);
    // Terms depend on what was heard before, but their sums are always those of the pieces that stand.
    let mut terms: BTreeMap<Vec<String>, i64> = BTreeMap::new();
    let documents = "SELECT brand, channel, document FROM feedback WHERE NOT withdrawn";
    for mut row in ledger.rows(documents).await {
        let document: Value = serde_json::from_str(&row.pop().unwrap()).unwrap();
        for term in document["terms"].as_array().into_iter().flatten() {
            let term = term.as_str().unwrap().to_owned();
            *terms.entry([row.clone(), vec![term]].concat()).or_default() += 1;
        }
    }
    assert!(terms.len() > 10, "{terms:?}");
    for size in ["1h", "1d"] {
        let sums = format!(
            "SELECT brand, channel, term, CAST(SUM(mentions) AS TEXT) FROM terms WHERE size = '{size}' \
             GROUP BY brand, channel, term HAVING SUM(mentions) <> 0"
        );
        assert_eq!(ledger.sums(&sums).await, terms, "{size}");
    }
    // Of what was withdrawn the rows remember that it was, and nothing else.
    let left =
        "(SELECT COUNT(*) FROM feedback WHERE withdrawn AND (text <> '' OR author IS NOT NULL))";
    assert_eq!(ledger.figure(left).await, 0);
    // Totals are told anew when something is taken back.
    let changed = "(SELECT COUNT(*) FROM windows WHERE revision > 1)";
    assert!(ledger.figure(changed).await > 0);
}

#[tokio::test]
async fn figures_are_those_of_the_last_revisions() {
    last_revisions_count(Site::new()).await;
}
