//! What became of alerts by rule, and rises of volume, as tools and people read them.

use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use wensheng_schemas::{Actor, Alert, AlertState, Signal};

use crate::running::Running;
use crate::seed::{BRAND, Seeder};
use crate::webdriver::Browser;

fn rise(at: Timestamp) -> Signal {
    let example = include_str!("../../../../schemas/examples/voc.signals.v1/volume.json");
    let mut rise: Signal = serde_json::from_str(example).unwrap();
    rise.brand = BRAND.to_owned();
    rise.times.occurred_at = at;
    rise
}

fn dismissed(alert: &Alert, now: Timestamp) -> Alert {
    Alert {
        revision: alert.revision + 1,
        state: AlertState::Dismissed {
            by: Actor("林值班".to_owned()),
            at: now,
            reason: "转述旧闻".to_owned(),
        },
        ..alert.clone()
    }
}

async fn get(console: &Running, path: &str) -> (StatusCode, Value) {
    let answer = console
        .request(Method::GET, path, &console.admin)
        .send()
        .await
        .unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn each_rule_shows_how_often_it_was_false_and_rises_are_listed() {
    let console = Running::start().await;
    let mut seeder = Seeder::new(&console.store);
    let now = Timestamp::now();
    let alerts = seeder.everything(now).await;
    let false_one = &alerts[0];
    seeder.alert(dismissed(false_one, now)).await;
    seeder.rise(rise(now - SignedDuration::from_mins(20))).await;
    let cause = false_one.causes.keys().next().unwrap();

    let (status, precision) = get(&console, "/precision").await;
    assert_eq!(
        (status, &precision["range"]),
        (StatusCode::OK, &json!("30d"))
    );
    let rule = precision["rules"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["rule"] == json!(cause) && row["brand"] == json!(false_one.brand))
        .unwrap();
    assert_eq!(rule["dismissed"], 1);
    assert_eq!(
        rule["reasons"],
        json!([{"reason": "转述旧闻", "alerts": 1}])
    );
    let (_, one_brand) = get(&console, &format!("/precision?brand={BRAND}&range=all")).await;
    assert!(
        one_brand["brands"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["brand"] == BRAND)
    );
    let (status, _) = get(&console, "/precision?range=2d").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);

    let (_, rises) = get(&console, "/rises").await;
    assert_eq!(rises["rises"][0]["kind"], "volume");
    assert_eq!(rises["rises"][0]["pieces"], 186);
    let (_, others) = get(&console, "/rises?brand=nobody").await;
    assert_eq!(others["rises"], json!([]));

    for path in ["/precision", "/rises"] {
        let url = console.url(&format!("/api/v1{path}"));
        let bare = console.client.get(&url).send().await.unwrap();
        assert_eq!(bare.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    console.stop().await;
}

#[tokio::test]
async fn the_page_of_alerts_shows_both() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let console = Running::start().await;
    let mut seeder = Seeder::new(&console.store);
    let now = Timestamp::now();
    let alerts = seeder.everything(now).await;
    seeder.alert(dismissed(&alerts[0], now)).await;
    seeder.rise(rise(now - SignedDuration::from_mins(20))).await;
    browser.resize(1440, 900).await;
    let link = wensheng_console::login_link(console.address, &console.admin);
    browser.open(&link).await;
    browser.until_shown("今日声量").await;
    browser.value("location.hash = '#/alerts'").await;
    browser.until_shown("转述旧闻 ×1").await;
    browser.until_shown("15 分钟内 186 条").await;
    browser.screenshot("detection-zh-light").await;
    browser.close().await;
    console.stop().await;
}
