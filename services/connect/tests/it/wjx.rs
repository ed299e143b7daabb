//! 问卷星 by its contract: a signature that is good for 30 s by its own clock, pages that silently become short, and answers
//! that a push lost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::mock::{Asked, Mock, Reply};
use crate::site::Site;
use crate::wire::fixture;

const TOKEN: &str = "0123456789abcdef";
const APP_KEY: &str = "demo-key";

fn sha1(text: &str) -> String {
    let digest = Sha1::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The answer to a signed request that is not good: by its signature, or by its time. `ahead`: how many seconds the
/// platform's clock is before ours.
fn refusal(asked: &Asked, ahead: i64) -> Option<Reply> {
    let no = |words: String| Some(Reply::json(json!({"result": false, "errormsg": words})));
    let body: BTreeMap<String, Value> = serde_json::from_str(&asked.body).unwrap();
    let mut text = String::new();
    for (name, value) in &body {
        match value {
            Value::String(value) if name != "sign" => text.push_str(value),
            Value::String(_) | Value::Null => {}
            other => text.push_str(&other.to_string()),
        }
    }
    if body["sign"] != json!(sha1(&format!("{text}{APP_KEY}"))) {
        return no("签名错误".to_owned());
    }
    let now = jiff::Timestamp::now().as_second() + ahead;
    let at: i64 = body["ts"].as_str().unwrap().parse().unwrap();
    match (now - at).abs() <= 30 {
        true => None,
        false => no(format!("请求已过期，服务器时间：{now}")),
    }
}

fn answer(index: u64) -> Value {
    json!({
        "index": index, "joinid": (101_812_480_275 + index).to_string(), "submittime": "2026-01-31 08:30:00",
        "q1": format!("第{index}份"), "q12": "9",
    })
}

/// A page of a survey with `total` answers, as action 1001002 gives it.
fn page(body: &Value, total: u64) -> Value {
    let number = |name: &str| body[name].as_u64().unwrap();
    let size = match number("page_size") {
        size if size > 50 => 10,
        size => size,
    };
    let from = number("min_index") + (number("page_index") - 1) * size;
    let answers = (from + 1..=total).take(usize::try_from(size).unwrap());
    let answers: serde_json::Map<String, Value> = answers
        .map(|index| ((101_812_480_275 + index).to_string(), answer(index)))
        .collect();
    json!({"result": true, "data": {"vid": body["vid"], "total_count": total, "answers": answers}})
}

fn config(mock: &Mock, more: Value) -> Value {
    let mut source = json!({
        "kind": "wjx", "name": "survey", "brand": "鹿汀茶饮", "token": TOKEN, "push_key": "demo_push_key",
        "questions": [{"question": "q12", "kind": "nps"}],
        "api": {
            "app_id": "demo-app", "app_key": APP_KEY, "host": mock.address,
            "pull": {"allow_private": true, "every_seconds": 3_600, "per_minute": 60_000},
        },
    });
    for (name, value) in more.as_object().unwrap() {
        source[name] = value.clone();
    }
    json!({"listen": "127.0.0.1:0", "sources": [source]})
}

async fn through(site: &Site, config: &Value) {
    let mut run = site.start_with(config.clone());
    run.until(|progress| progress.all_through).await;
    run.stop().await.unwrap();
}

fn asked_for(mock: &Mock, action: &str) -> Vec<Value> {
    let asked = mock.asked();
    let asked = asked
        .iter()
        .filter(|asked| asked.query("action").as_deref() == Some(action));
    asked.map(Asked::json).collect()
}

#[tokio::test]
async fn all_pages_are_read_by_a_clock_that_was_set_by_the_platforms() {
    let mock = Mock::start(|asked| {
        assert_eq!(asked.uri.path(), "/openapi/default.aspx");
        refusal(asked, 500).unwrap_or_else(|| Reply::json(page(&asked.json(), 120)))
    })
    .await;
    let site = Site::new().await;
    let config = config(&mock, json!({"surveys": [{"id": "99709"}]}));
    through(&site, &config).await;
    let events = site.events().await;
    assert_eq!(events.len(), 120);
    assert!(
        events
            .iter()
            .all(|e| e.scores.nps == Some(9) && e.text.starts_with('第'))
    );
    let from: Vec<_> = asked_for(&mock, "1001002")
        .iter()
        .map(|body| (body["min_index"].clone(), body["page_size"].clone()))
        .collect();
    let expected = [0, 0, 50, 100, 120].map(|index| (json!(index), json!(50)));
    assert_eq!(from, expected, "the first request is out of its 30 s");
    // The next run goes on behind the last number, by the clock that is known.
    through(&site, &config).await;
    assert_eq!(site.events().await.len(), 120);
    let asked = asked_for(&mock, "1001002");
    assert_eq!(asked.len(), 6);
    assert_eq!(asked[5]["min_index"], 120);
}

#[tokio::test]
async fn pages_that_come_shorter_than_asked_end_nothing() {
    let mock = Mock::start(|asked| {
        let mut body = asked.json();
        body["page_size"] = json!(51);
        refusal(asked, 0).unwrap_or_else(|| Reply::json(page(&body, 33)))
    })
    .await;
    let site = Site::new().await;
    through(&site, &config(&mock, json!({"surveys": [{"id": "99709"}]}))).await;
    assert_eq!(site.events().await.len(), 33);
}

#[tokio::test]
async fn without_surveys_named_those_of_the_account_are_read() {
    let (list, expect) = fixture("wjx.openapi.list");
    let mock = Mock::start(move |asked| {
        assert_eq!(asked.header("authorization"), Some("Bearer api-key"));
        let body = asked.json();
        assert!(body.get("sign").is_none() && body.get("ts").is_none());
        match asked.query("action").as_deref() {
            Some("1000002") => Reply::json(list.clone()),
            _ => Reply::json(page(&body, 3)),
        }
    })
    .await;
    let site = Site::new().await;
    let mut config = config(&mock, json!({}));
    config["sources"][0]["api"]["api_key"] = json!("api-key");
    through(&site, &config).await;
    let surveys: Vec<Value> = asked_for(&mock, "1001002")
        .iter()
        .map(|body| json!(body["vid"].as_str().unwrap().parse::<u64>().unwrap()))
        .collect();
    assert_eq!(surveys[0], expect["surveys"][0]);
    let events = site.events().await;
    assert_eq!(events.len(), 3);
    assert!(events[0].native_id.starts_with("wjx:99709:"));
}

#[tokio::test]
async fn what_was_pushed_and_what_was_read_are_one_answer() {
    let mock = Mock::start(|asked| {
        refusal(asked, 0).unwrap_or_else(|| Reply::json(page(&asked.json(), 2)))
    })
    .await;
    let site = Site::new().await;
    let mut run = site.start_with(config(&mock, json!({"surveys": [{"id": "5657754"}]})));
    let address = run.address().await;
    let mut body = answer(1);
    body["activity"] = json!("5657754");
    body["sign"] = json!(sha1("56577541demo_push_key"));
    let client = Client::new();
    let url = format!("http://{address}/ingest/survey?token={TOKEN}");
    for _ in 0..3 {
        let reply = client
            .post(&url)
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(reply.status(), StatusCode::OK);
        assert_eq!(reply.text().await.unwrap(), "success");
    }
    run.until(|progress| progress.all_through).await;
    run.stop().await.unwrap();
    let mut seen: Vec<_> = site
        .events()
        .await
        .into_iter()
        .map(|event| (event.id, event.revision, event.text))
        .collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 2, "{seen:?}");
}

#[tokio::test]
async fn refusals_are_told_and_a_crash_between_page_and_cursor_loses_nothing() {
    let (expired, _) = fixture("wjx.openapi.error");
    // Without a time in its words, the date of the answer is the platform's clock; once is enough.
    let count = AtomicUsize::new(0);
    let mock = Mock::start(move |asked| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::json(expired.clone()).header("date", "Sat, 31 Jan 2026 00:30:00 GMT"),
        1 => {
            let at: i64 = asked.json()["ts"].as_str().unwrap().parse().unwrap();
            assert!((at - 1_769_819_400).abs() < 30, "{at}");
            Reply::json(page(&asked.json(), 1))
        }
        _ => Reply::json(page(&asked.json(), 1)),
    })
    .await;
    let site = Site::new().await;
    let config_of = config(&mock, json!({"surveys": [{"id": "1"}]}));
    through(&site, &config_of).await;
    assert_eq!(site.events().await.len(), 1);

    let mock = Mock::start(|_| Reply::json(json!({"result": false, "errormsg": "权限不足"}))).await;
    let run = site.start_with(config(&mock, json!({"surveys": [{"id": "2"}]})));
    let told = run.until_waiting("connect-survey").await;
    assert!(
        told.contains("权限不足") && told.contains("app_key"),
        "{told}"
    );
    run.stop().await.unwrap();

    let mock = Mock::start(|asked| Reply::json(page(&asked.json(), 1))).await;
    let site = Site::new().await;
    site.shut_the_door();
    let config = config(&mock, json!({"surveys": [{"id": "1"}]}));
    let run = site.start_with(config.clone());
    run.until_waiting("connect").await;
    run.stop().await.unwrap();
    assert!(site.events().await.is_empty());
    site.open_the_door();
    through(&site, &config).await;
    assert_eq!(site.events().await.len(), 1);
}

#[tokio::test]
async fn titles_are_read_with_the_walk_and_known_to_pushes_after_a_restart() {
    let mock = Mock::start(|asked| match asked.uri.path() {
        "/handler/IllustrateApi.ashx" => match asked.query("activityID").as_deref() {
            Some("99709") => Reply::json(json!({
                "q1": "哪里最让您不满？", "q12": "您会把我们推荐给朋友吗？", "q12#1": "0",
            })),
            // A survey whose map is not to be had is read all the same.
            _ => Reply::new(404, "<html>"),
        },
        _ => Reply::json(page(&asked.json(), 1)),
    })
    .await;
    let site = Site::new().await;
    let over = json!({
        "surveys": [{"id": "99709"}, {"id": "5657754"}],
        "questions": [{"question": "*推荐给朋友*", "kind": "nps"}, {"question": "q2", "kind": "ignore"}],
        "api": {
            "api_key": "k", "host": mock.address, "titles": true,
            "pull": {"allow_private": true, "every_seconds": 3_600, "per_minute": 60_000},
        },
    });
    let config = config(&mock, over);
    through(&site, &config).await;
    let events = site.events().await;
    let of = |survey: &str| {
        let mut events = events.iter();
        events
            .find(|event| event.attributes["survey"] == survey)
            .unwrap()
    };
    assert_eq!(of("99709").scores.nps, Some(9));
    assert_eq!(
        (
            of("5657754").scores.nps,
            of("5657754").attributes["q12"].as_str()
        ),
        (None, "9")
    );

    // The map is gone, and what was read of it is still known.
    drop(mock);
    let mut run = site.start_with(config);
    let base = format!("http://{}", run.address().await);
    let pushed = json!({
        "activity": "99709", "index": "7", "joinid": "7", "submittime": "2026-01-31 09:30:00", "q12": "3", "q3": "1",
        "sign": sha1("997097demo_push_key"),
    });
    let url = format!("{base}/ingest/survey?token={TOKEN}");
    let answer = Client::new()
        .post(url)
        .body(pushed.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    run.stop().await.unwrap();
    let events = site.events().await;
    let pushed = events.iter().find(|event| event.native_id == "wjx:99709:7");
    assert_eq!(pushed.unwrap().scores.nps, Some(3));
}

#[tokio::test]
async fn answers_do_not_wait_for_titles_that_do_not_come() {
    let mock = Mock::start(|asked| match asked.uri.path() {
        "/handler/IllustrateApi.ashx" => Reply::new(200, "长".repeat(500_000)),
        _ => Reply::json(page(&asked.json(), 1)),
    })
    .await;
    let site = Site::new().await;
    let over = json!({
        "surveys": [{"id": "99709"}],
        "api": {
            "api_key": "k", "host": mock.address, "titles": true,
            "pull": {
                "allow_private": true, "every_seconds": 3_600, "per_minute": 60_000, "max_answer_bytes": 1_000_000,
            },
        },
    });
    through(&site, &config(&mock, over)).await;
    assert!(!site.events().await.is_empty());
}
