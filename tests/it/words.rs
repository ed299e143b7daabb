//! What is spoken of more than before is found in the stream, shown by the interface and given to BI tools; kills change nothing of it, and what
//! is withdrawn is taken back.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::main_job::run_through;
use crate::site::Site;
use crate::webhook::{self, Desk};

const SUBJECTS: [&str; 7] = ["我", "同事", "大家", "邻居", "朋友", "孩子", "她"];
const PLACES: [&str; 5] = ["在店里", "在公司", "在家", "在路上", "周末"];
const THINGS: [&str; 6] = ["奶茶", "蛋糕", "果汁", "咖啡", "酸奶", "面包"];
const VERDICTS: [&str; 4] = ["味道不错", "有点甜", "很好喝", "一般般"];
const OUTCRIES: usize = 30;

/// What is always said of the brand.
fn everyday(number: usize) -> String {
    format!(
        "{}{}买了{}，{}。",
        SUBJECTS[number % 7],
        PLACES[number / 3 % 5],
        THINGS[number / 2 % 6],
        VERDICTS[number % 4]
    )
}

/// What people say once a thing is known.
fn outcry(number: usize) -> String {
    let before = ["居然", "我也", "刚刚", "天哪，", "朋友"][number % 5];
    let after = ["，太恶心了", "怎么赔？", "没人管", "！", "还不道歉"][number % 5];
    format!("{}{before}喝出蟑螂{after}", SUBJECTS[number % 7])
}

/// The feedback of a day before `now`, and of an hour in which a phrase breaks out.
fn day(now: Timestamp) -> Vec<Value> {
    let item = |id: String, minutes: i64, text: String| {
        let said = now - SignedDuration::from_mins(minutes);
        json!({ "id": id, "occurred_at": said, "text": text, "channel": "weibo", "scores": { "nps": minutes % 11 } })
    };
    let mut items: Vec<Value> = (0..240)
        .map(|n| item(format!("e{n}"), 180 + (n as i64 * 47) % 1_080, everyday(n)))
        .collect();
    for n in 0..OUTCRIES {
        items.push(item(format!("f{n}"), 20, everyday(n * 7)));
        items.push(item(format!("o{n}"), 30 - n as i64, outcry(n)));
    }
    items
}

fn site() -> Site {
    let mut site = Site::new();
    // In one partition the stream has one order, so that two runs can be compared word by word.
    site.configure(json!({
        "topics": { "partitions": 1 },
        "enrich": { "starter_rules": false },
        "connect": { "sources": [webhook::source("hook")] },
    }));
    site
}

/// Mentions, and negative ones, by hour and term.
async fn terms(site: &Site) -> BTreeMap<Vec<String>, Vec<String>> {
    let ledger = site.ledger().await;
    let sql = "SELECT CAST(hour AS TEXT), brand, channel, term, CAST(mentions AS TEXT), CAST(negative AS TEXT) FROM v_hourly_terms";
    let rows = ledger.rows(sql).await.into_iter();
    rows.map(|mut row| {
        let counts = row.split_off(4);
        (row, counts)
    })
    .collect()
}

#[tokio::test]
async fn a_phrase_that_breaks_out_is_found_whatever_is_killed_and_gone_when_it_is_withdrawn() {
    let items = day(Timestamp::now());
    let desk = Desk::new();
    let plain = site();
    let mut process = plain.up(&[]);
    let address = process.ingest().await;
    for part in items.chunks(40) {
        desk.post(&address, "hook", &json!(part)).await.taken();
    }
    process.stop().await;
    run_through(&plain).await;
    let expected = terms(&plain).await;

    let site = site();
    let mut token = None;
    for part in items.chunks(40) {
        let mut process = site.up(&[]);
        let address = process.ingest().await;
        if token.is_none() {
            token = Some(process.first_console().await.token);
        }
        desk.post(&address, "hook", &json!(part)).await.taken();
        process.kill();
    }
    run_through(&site).await;
    assert_eq!(terms(&site).await, expected);

    let token = token.unwrap();
    let mut process = site.up(&[]);
    let console = process.console(&token).await;
    let hot = console.get("/hot-terms?range=1h&brand=云岭茶饮").await;
    let told: Vec<&str> = hot["terms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|term| term["term"].as_str().unwrap())
        .collect();
    assert!(told.contains(&"喝出蟑螂"), "{hot}");
    for usual in ["出蟑螂", "喝出", "奶茶", "味道", "蛋糕"] {
        assert!(!told.contains(&usual), "{usual} in {hot}");
    }
    let terms_of_it = hot["terms"].as_array().unwrap().iter();
    let phrase = terms_of_it
        .clone()
        .find(|t| t["term"] == "喝出蟑螂")
        .unwrap();
    assert_eq!(phrase["mentions_before"], 0);
    let mentions = phrase["mentions"].as_i64().unwrap();
    // The first few are not yet known to be a phrase.
    assert!((20..=OUTCRIES as i64).contains(&mentions), "{phrase}");
    let posts = console.get("/feedback?term=喝出蟑螂&limit=500").await;
    assert_eq!(posts["rows"].as_array().unwrap().len() as i64, mentions);
    let rise =
        "(SELECT COUNT(*) FROM v_daily_terms WHERE term = '喝出蟑螂' AND negative_share > 0.5)";
    assert!(site.ledger().await.figure(rise).await > 0);

    // All of it was a hoax, and is deleted.
    let address = process.ingest().await;
    let withdrawn: Vec<Value> = (0..OUTCRIES)
        .map(|n| json!({ "id": format!("o{n}"), "revision": 1, "withdrawn": true, "occurred_at": Timestamp::now() }))
        .collect();
    desk.post(&address, "hook", &json!(withdrawn)).await.taken();
    process.stop().await;
    run_through(&site).await;
    let left = terms(&site).await;
    assert!(left.keys().all(|key| !key[3].contains("蟑螂")), "{left:?}");
    let mut usual = expected;
    usual.retain(|key, _| left.contains_key(key));
    assert_eq!(left.len(), usual.len(), "what was said besides stays");
}
