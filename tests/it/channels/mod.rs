//! Every connector end to end: one installation with a source of each kind, against platforms that refuse in every documented
//! way, with kills between a page and its cursor and every push sent three times. At the end each piece is in the store and
//! in the windows once, and when everything comes again no figure changes.

mod contracts;
mod platform;
mod pushes;
mod refusals;
mod seal;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::platform::{PLATFORMS, Platform};
use crate::ledger::{Figures, Ledger};
use crate::main_job::run_through;
use crate::process::eventually;
use crate::site::Site;

const TOKEN: &str = "0123456789abcdef";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const AES_KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
const APP: &str = "wxb11529c136998cb6";
const CORP: &str = "ww12345678910";
const WJX_KEY: &str = "demo-key";
const WJX_PUSH_KEY: &str = "demo_push_key";
const KF_MESSAGES: u64 = 4;
const WJX_ANSWERS: u64 = 60;
const WJQQ_ANSWERS: u64 = 26;

/// Platforms whose page is the last thing that a life of the service gets.
const KILLED_AT: [&str; 4] = ["kf", "crm", "wjx", "wjqq"];

/// A page takes about so long from the wire into the log, in a build without optimisation; a kill after less comes before its
/// cursor is durable.
const AFTER_A_PAGE: Duration = Duration::from_millis(3);

/// In how many ways platforms refuse.
const REFUSALS: usize = 15;

/// What each source gives, repeats taken for one.
const EXPECTED: [(&str, i64); 19] = [
    ("calls", 2),
    ("conversations", 1),
    ("crm", 3),
    ("feed", 3),
    ("files", 13),
    ("formbricks", 2),
    ("kf", 4),
    ("oa-aes", 2),
    ("oa-plain", 2),
    ("reviews", 2),
    ("standard", 2),
    ("tccc", 3),
    ("transcript", 2),
    ("typeform", 2),
    ("vcon", 1),
    ("webhook", 5),
    ("weibo", 5),
    ("wjqq", 26),
    ("wjx", 60),
];

/// Where dead letters come from: what is wrong in each of these is wrong by intent.
const WRONG: [&str; 4] = ["calls", "files", "tccc", "webhook"];

/// When piece `number` was said: the same in all of this test, and hours ago.
fn at(number: u64) -> Timestamp {
    static BASE: OnceLock<Timestamp> = OnceLock::new();
    let base = BASE.get_or_init(|| {
        let ago = Timestamp::now() - SignedDuration::from_hours(2);
        Timestamp::from_second(ago.as_second()).expect("a whole second")
    });
    let seconds = i64::try_from(number).expect("a small number");
    *base + SignedDuration::from_secs(seconds)
}

/// The same as Chinese platforms write it.
fn local(number: u64) -> String {
    let china = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let said = at(number).to_zoned(china);
    said.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// What is said in it: unlike anything else here, and no reason for an alert.
fn words(source: &str, number: u64) -> String {
    format!("{source}的第{number}位顾客说等位有点久")
}

fn wjx_answer(index: u64) -> Value {
    json!({
        "index": index, "joinid": (101_000 + index).to_string(), "submittime": local(index),
        "q1": words("wjx", index), "q12": "9",
    })
}

/// What the customer of call `number` was heard to say.
fn tccc_sentence(number: u64) -> Value {
    let start = u64::try_from(at(number).as_millisecond()).expect("after 1970") + 5_000;
    json!({
        "User": "+8613800138000", "Message": words("tccc", number), "Start": start, "End": start + 1_000,
    })
}

async fn by_source(ledger: &Ledger) -> BTreeMap<String, i64> {
    let rows = ledger
        .sums("SELECT source, CAST(COUNT(*) AS TEXT) FROM feedback GROUP BY source")
        .await;
    rows.into_iter()
        .map(|(key, sum)| (key.concat(), sum))
        .collect()
}

/// Insists that each piece is there once: in the store, in the windows of its source's brand, and no other is.
async fn holds_each_once(site: &Site) -> Figures {
    let ledger = site.ledger().await;
    let expected: BTreeMap<String, i64> = EXPECTED
        .iter()
        .map(|(source, count)| ((*source).to_owned(), *count))
        .collect();
    assert_eq!(by_source(&ledger).await, expected);
    let ids = ledger
        .rows("SELECT source, native_id FROM feedback")
        .await
        .into_iter()
        .collect::<BTreeSet<_>>();
    let total: i64 = expected.values().sum();
    assert_eq!(
        i64::try_from(ids.len()).unwrap(),
        total,
        "ids are told apart"
    );
    let windows = ledger
        .sums("SELECT size, brand, CAST(SUM(volume) AS TEXT) FROM windows WHERE topic = 'all' GROUP BY size, brand")
        .await;
    let of_brands: BTreeMap<Vec<String>, i64> = ["1d", "1h", "1m"]
        .iter()
        .flat_map(|size| {
            EXPECTED
                .iter()
                .map(|(source, count)| (vec![(*size).to_owned(), sources::brand(source)], *count))
        })
        .collect();
    assert_eq!(windows, of_brands);
    let letters: BTreeSet<String> = ledger
        .rows("SELECT document FROM dead_letters")
        .await
        .iter()
        .map(|row| {
            let letter: Value = serde_json::from_str(&row[0]).unwrap();
            assert_eq!(letter["origin"]["from"], "source", "{letter}");
            assert!(letter["origin"]["place"].is_string(), "{letter}");
            letter["origin"]["source"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(letters, BTreeSet::from(WRONG.map(str::to_owned)));
    let figures = ledger.figures().await;
    figures.hold_each_once(total);
    assert_eq!(figures.dead_letters, i64::try_from(WRONG.len()).unwrap());
    figures
}

/// Waits until what pushes told of was read.
async fn read_what_was_told(site: &Site) {
    eventually("the message and the answer that pushes told of", async || {
        let ledger = site.ledger().await;
        let told = ledger
            .figure("(SELECT COUNT(*) FROM feedback WHERE native_id IN ('kf:wk1:m4', 'wjqq:5356056:26'))")
            .await;
        (told == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn every_connector_gives_each_piece_once_whatever_platforms_and_power_do() {
    let mut platform = Platform::start().await;
    let mut site = Site::new();
    sources::write_files(&site, "in");
    sources::write_calls(&site);
    site.configure(sources::settings(&site, &platform.address));
    every_kind_is_among_them(&site).await;

    for killed_at in KILLED_AT {
        let mut process = site.up(&[]);
        platform.open(killed_at);
        platform.gave_a_page(killed_at, &mut process).await;
        tokio::time::sleep(AFTER_A_PAGE).await;
        process.kill();
    }
    let before = platform.asked();
    for each in PLATFORMS {
        platform.open(each);
    }
    let mut process = site.up(&[]);
    let address = process.ingest().await;
    platform.hears_more();
    for nonce in ["n1", "n2", "n3"] {
        pushes::send_all(&address, nonce).await;
    }
    read_what_was_told(&site).await;
    process.kill();
    run_through(&site).await;
    let figures = holds_each_once(&site).await;
    assert_eq!(platform.refusals(), REFUSALS);
    println!(
        "asked {before:?} up to the last kill, {:?} in all",
        platform.asked()
    );

    // All of it once more: platforms give all from its beginning, files come under other names, pushes are sent again.
    platform.rewind();
    sources::write_files(&site, "in/again");
    let mut process = site.up(&[]);
    let address = process.ingest().await;
    for nonce in ["n4", "n5"] {
        pushes::send_all(&address, nonce).await;
    }
    process.stop().await;
    run_through(&site).await;
    let asked = platform.asked();
    for each in PLATFORMS {
        assert!(
            asked.contains_key(each),
            "{each} was not asked again: {asked:?}"
        );
    }
    assert_eq!(holds_each_once(&site).await, figures);
}

/// Insists that no kind of source is left out; only what is invented has no platform.
async fn every_kind_is_among_them(site: &Site) {
    let listed = site.run(&["connectors", "--output", "json"]).ended().await;
    let listed: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    let listed: BTreeSet<&str> = listed
        .iter()
        .map(|kind| kind["kind"].as_str().unwrap())
        .filter(|kind| *kind != "demo")
        .collect();
    let configured = sources::settings(site, "http://platform");
    let configured: BTreeSet<&str> = configured["connect"]["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| source["kind"].as_str().unwrap())
        .collect();
    assert_eq!(configured, listed);
}
