//! 腾讯问卷 by its contract: only the newest token is good, answers are listed by the last id, and pushes have no signature.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::mock::{Asked, Mock, Reply};
use crate::site::Site;
use crate::wire::fixture;

const TOKEN: &str = "0123456789abcdef";
const SURVEY: &str = "5356056";

/// The platform: its answers by id, and which token is good.
#[derive(Default)]
struct Platform {
    answers: BTreeMap<u64, Value>,
    tokens: usize,
    /// How many requests a token is good for, where that is fewer than it says.
    good_for: Option<usize>,
    used: usize,
    /// So many requests are refused as too many.
    crowded: usize,
}

fn ok(data: Value) -> Reply {
    Reply::json(json!({"code": "OK", "data": data, "request_id": "r1"}))
}

fn refused(kind: &str) -> Reply {
    Reply::json(
        json!({"code": "Error", "error": {"type": kind, "message": "no"}, "request_id": "r1"}),
    )
}

impl Platform {
    fn answer(&mut self, asked: &Asked) -> Reply {
        if asked.uri.path() == "/api/oauth2/access_token" {
            assert_eq!(asked.query("appid").as_deref(), Some("app"));
            assert_eq!(
                asked.query("grant_type").as_deref(),
                Some("client_credential")
            );
            if asked.query("secret").as_deref() != Some("s3cret") {
                return refused("invalid_argument");
            }
            self.tokens += 1;
            self.used = 0;
            return ok(json!({"access_token": format!("t{}", self.tokens), "expires_in": 7_200}));
        }
        if asked.query("access_token") != Some(format!("t{}", self.tokens)) {
            return refused("invalid_access_token");
        }
        if self.good_for.is_some_and(|good_for| self.used >= good_for) {
            self.good_for = None;
            return refused("access_token_expired");
        }
        self.used += 1;
        if self.crowded > 0 {
            self.crowded -= 1;
            return refused("request_rate_limited").header("retry-after", "0");
        }
        let list = format!("/api/surveys/{SURVEY}/answers");
        let Some(rest) = asked.uri.path().strip_prefix(&list) else {
            return refused("not_found");
        };
        if let Some(id) = rest.strip_prefix('/') {
            let found = self.answers.get(&id.parse().unwrap());
            return found.map_or_else(|| refused("not_found"), |answer| ok(answer.clone()));
        }
        let number = |name: &str| asked.query(name).unwrap().parse::<u64>().unwrap();
        let last = number("last_answer_id");
        let page: Vec<(&u64, &Value)> = self
            .answers
            .range(last + 1..)
            .take(usize::try_from(number("per_page")).unwrap())
            .collect();
        let last = page.last().map_or(last, |(id, _)| **id);
        let page: Vec<&Value> = page.into_iter().map(|(_, answer)| answer).collect();
        ok(json!({"total": self.answers.len(), "last_answer_id": last, "list": page}))
    }
}

fn answer(id: u64, words: &str) -> Value {
    json!({
        "answer_id": id, "respondent_id": 60_000_000_001_u64, "started_at": "2026-01-31 08:29:00",
        "ended_at": "2026-01-31 08:30:00",
        "answer": [{"id": "1", "questions": [
            {"id": "q-1", "type": "radio", "options": [
                {"id": "o-1", "text": "满意", "checked": 0}, {"id": "o-2", "text": "不满意", "checked": 1},
            ]},
            {"id": "q-2", "type": "textarea", "text": words},
            {"id": "q-3", "type": "matrix_radio", "groups": [
                {"id": "g-1", "text": "口味", "options": [{"id": "a", "text": "4", "checked": 1}]},
            ]},
            {"id": "q-4", "type": "nps", "text": "9"},
        ]}],
    })
}

async fn platform(answers: impl Iterator<Item = (u64, Value)>) -> (Mock, Arc<Mutex<Platform>>) {
    let platform = Arc::new(Mutex::new(Platform {
        answers: answers.collect(),
        ..Platform::default()
    }));
    let shared = platform.clone();
    let mock = Mock::start(move |asked| shared.lock().unwrap().answer(asked)).await;
    (mock, platform)
}

fn config(mock: &Mock) -> Value {
    json!({
        "listen": "127.0.0.1:0",
        "pseudonym_key": "0123456789abcdef",
        "sources": [{
            "kind": "tencent-survey", "name": "survey", "brand": "鹿汀茶饮", "token": TOKEN, "host": mock.address,
            "app_id": "app", "secret": "s3cret", "surveys": [{"id": SURVEY, "product": "轻乳茶"}],
            "questions": [
                {"question": "q-1*", "kind": "csat", "labels": {"满意": 4, "不满意": 2}},
                {"question": "口味", "kind": "scale"},
                {"question": "q-4", "kind": "nps"},
            ],
            "pull": {"allow_private": true, "every_seconds": 3_600, "per_minute": 60_000},
        }],
    })
}

async fn through(site: &Site, config: &Value) {
    let mut run = site.start_with(config.clone());
    run.until(|progress| progress.all_through).await;
    run.stop().await.unwrap();
}

#[tokio::test]
async fn all_answers_are_listed_over_tokens_that_end_and_requests_that_are_too_many() {
    let (mock, state) = platform((1..=45).map(|id| (id, answer(id, "等太久")))).await;
    {
        let mut state = state.lock().unwrap();
        state.good_for = Some(2);
        state.crowded = 1;
    }
    let site = Site::new().await;
    through(&site, &config(&mock)).await;
    through(&site, &config(&mock)).await;
    let events = site.events().await;
    assert_eq!(events.len(), 45, "and none is read twice");
    let event = events
        .iter()
        .find(|e| e.native_id == "wjqq:5356056:1")
        .unwrap();
    assert_eq!(event.text, "等太久");
    assert_eq!((event.scores.csat, event.scores.nps), (Some(2), Some(9)));
    assert_eq!(event.ratings["口味"].value, 4.0);
    assert_eq!(event.product.as_deref(), Some("轻乳茶"));
    assert_eq!(event.occurred_at.to_string(), "2026-01-31T00:30:00Z");
    assert!(event.author.is_some());
    assert_eq!(state.lock().unwrap().tokens, 3, "one renewed, one a run");
}

#[tokio::test]
async fn the_sample_push_wakes_the_reading_and_what_it_says_itself_is_not_believed() {
    let (hook, expect) = fixture("tencent.survey.webhook");
    let (mock, state) = platform(std::iter::empty()).await;
    let site = Site::new().await;
    let mut run = site.start_with(config(&mock));
    run.until(|progress| progress.all_through).await;
    let address = run.address().await;
    let url = format!("http://{address}/ingest/survey");
    let client = Client::new();
    let stranger = client.post(&url).body(hook.to_string()).send().await;
    assert_eq!(stranger.unwrap().status(), StatusCode::UNAUTHORIZED);
    let true_answer = hook["payload"].clone();
    let mut forged = hook.clone();
    forged["payload"]["answer"] = json!([]);
    state.lock().unwrap().answers.insert(7, true_answer);
    for body in [forged.to_string(), hook.to_string(), "{}".to_owned()] {
        let reply = client
            .post(format!("{url}?token={TOKEN}"))
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(reply.status(), StatusCode::OK);
    }
    run.until(|progress| progress.rows_read >= 1).await;
    run.stop().await.unwrap();
    let events = site.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        json!(events[0].native_id),
        expect["dedupe_key"],
        "{:?}",
        expect["action"]
    );
    assert_eq!(events[0].text, "等太久");
    assert_eq!(events[0].region.as_deref(), Some("广东省 深圳市"));
    assert!(
        !events[0]
            .attributes
            .values()
            .any(|value| value == "127.0.0.1"),
        "no address is kept"
    );
}

#[tokio::test]
async fn what_was_changed_or_deleted_is_looked_up_also_after_a_crash() {
    let (mock, state) = platform([(1, answer(1, "一")), (2, answer(2, "二"))].into_iter()).await;
    let site = Site::new().await;
    through(&site, &config(&mock)).await;
    let hook = |action: &str, id: u64| {
        json!({
            "id": "h", "object": "Answer", "action": action, "created_at": "2026-02-01 10:00:00",
            "payload": {"survey_id": 5_356_056, "answer_id": id},
        })
    };
    // While the platform is crowded nothing can be looked up; what the pushes said outlives the run.
    {
        let mut state = state.lock().unwrap();
        state.answers.insert(1, answer(1, "改了"));
        state.answers.remove(&2);
        state.crowded = usize::MAX;
    }
    let mut run = site.start_with(config(&mock));
    let url = format!("http://{}/ingest/survey?token={TOKEN}", run.address().await);
    for body in [hook("answer.update", 1), hook("answer.delete", 2)] {
        let reply = Client::new().post(&url).body(body.to_string()).send();
        assert_eq!(reply.await.unwrap().status(), StatusCode::OK);
    }
    run.stop().await.unwrap();
    state.lock().unwrap().crowded = 0;
    let mut run = site.start_with(config(&mock));
    run.until(|progress| progress.rows_read >= 2).await;
    run.stop().await.unwrap();
    let events = site.events().await;
    let newest = |id: &str| {
        let of_id = events.iter().filter(|event| event.native_id == id);
        of_id.max_by_key(|event| event.revision).unwrap()
    };
    assert_eq!(newest("wjqq:5356056:1").text, "改了");
    assert!(newest("wjqq:5356056:2").withdrawn);
    assert_eq!(events.len(), 4);
    // It is not looked up for ever.
    let asked = mock.asked().len();
    through(&site, &config(&mock)).await;
    let later = &mock.asked()[asked..];
    assert!(
        later
            .iter()
            .all(|asked| !asked.uri.path().ends_with("/answers/1")),
        "{later:?}"
    );
}

#[tokio::test]
async fn a_wrong_secret_stops_this_source_and_says_what_to_mend() {
    let (mock, _) = platform(std::iter::empty()).await;
    let mut config = config(&mock);
    config["sources"][0]["secret"] = json!("wrong");
    let site = Site::new().await;
    let run = site.start_with(config);
    let told = run.until_waiting("connect-survey").await;
    assert!(told.contains("`secret`"), "{told}");
    run.stop().await.unwrap();
}
