use std::collections::BTreeMap;

use axum::http::HeaderMap;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use wensheng_runtime::Secret;
use wensheng_schemas::{Direction, Role};

use super::reconcile::{Reconcile, ReconcileState};
use super::{ReconcileConfig, TcccConfig};
use crate::pull::{Answer, Next, PullConnector};
use crate::push::testing::{self, Taken, build};
use crate::push::{Head, PushInput};
use crate::staging::Staging;
use crate::wechat::crypto::tests::VECTORS;

const TOKEN: &str = "0123456789abcdef";

fn push() -> Box<dyn PushInput> {
    let config = TcccConfig {
        name: "line".to_owned(),
        brand: "鹿汀茶饮".to_owned(),
        token: Secret::new(TOKEN),
        satisfaction: BTreeMap::from([("非常满意".to_owned(), 5), ("满意".to_owned(), 4)]),
        ..TcccConfig::default()
    };
    build(&config)
}

fn deliver(input: &dyn PushInput, query: &str, body: &str) -> Taken {
    let query = format!("token={TOKEN}&{query}");
    testing::deliver(input, &query, &[], body.as_bytes(), 1_800_000_000)
}

fn fixture(id: &str) -> (Value, Value) {
    let document: Value = serde_json::from_str(VECTORS).unwrap();
    let all = document["fixtures"].as_array().unwrap();
    let found = all.iter().find(|fixture| fixture["id"] == id).unwrap();
    (found["body"].clone(), found["expect"].clone())
}

/// The words as a push that names its session.
fn words() -> Value {
    let mut body = fixture("tencent.tccc.asr").0["Response"].clone();
    body["SdkAppId"] = json!(1_400_000_214);
    body["SessionId"] = fixture("tencent.tccc.cdr").0["SessionId"].clone();
    // Within the call of the record.
    for sentence in body["AsrDataList"].as_array_mut().unwrap() {
        for name in ["Start", "End", "Timestamp"] {
            let at = sentence[name].as_u64().unwrap();
            sentence[name] = json!(at - 1_700_000_000_000 + 1_608_130_642_000);
        }
    }
    body
}

#[test]
fn record_recording_and_words_are_one_call_in_any_order() {
    let (cdr, expect) = fixture("tencent.tccc.cdr");
    let (mut record, _) = fixture("tencent.tccc.record");
    record["SdkAppId"] = cdr["SdkAppId"].clone();
    let pushes = [
        ("action=cdr&version=1", cdr.to_string()),
        ("action=record&version=1", record.to_string()),
        ("action=asr&version=1", words().to_string()),
    ];
    let mut ends = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
        let input = push();
        let mut last = None;
        for number in order {
            // The platform sends again until it is told ErrCode 0, and may do so after that.
            for _ in 0..3 {
                let (query, body) = &pushes[number];
                let taken = deliver(input.as_ref(), query, body);
                let reply: Value = serde_json::from_str(&taken.outcome.unwrap().body).unwrap();
                assert_eq!(reply, expect["reply"]);
                assert!(taken.letters.is_empty(), "{:?}", taken.letters);
                assert_eq!(taken.cursors.len(), 1);
                last = taken.events.into_iter().next().or(last);
            }
        }
        ends.push(last.unwrap());
    }
    let event = &ends[0];
    let call_id = expect["call_id"].as_str().unwrap();
    assert_eq!(event.native_id, format!("tccc:1400000214:{call_id}"));
    assert_eq!(event.text, "我要投诉");
    assert_eq!(event.scores.csat, Some(5));
    assert_eq!(
        event.occurred_at,
        Timestamp::from_second(1_608_130_636).unwrap()
    );
    let call = event.call.as_ref().unwrap();
    assert_eq!(call.satisfaction.as_deref(), expect["csat_label"].as_str());
    assert_eq!(call.direction, Some(Direction::Inbound));
    assert_eq!(
        (call.wait_ms, call.duration_ms),
        (Some(5_000), Some(310_000))
    );
    assert_eq!(
        (call.agent.as_deref(), call.queue.as_deref()),
        (Some("007"), Some("lulu"))
    );
    let turns: Vec<(Role, u64, u64)> = call
        .turns
        .iter()
        .map(|t| (t.role, t.begin_ms, t.end_ms))
        .collect();
    assert_eq!(
        turns,
        [(Role::Agent, 6_000, 7_200), (Role::Customer, 7_500, 8_600)]
    );
    assert!(event.attributes["recording_agent"].starts_with("http://recorder"));
    let written = serde_json::to_string(event).unwrap();
    assert!(
        !written.contains("18600000000") && !written.contains("lululing@"),
        "{written}"
    );
    for other in &ends[1..] {
        assert_eq!(
            (&other.text, &other.call, &other.scores),
            (&event.text, &event.call, &event.scores)
        );
        assert_eq!(
            (&other.occurred_at, &other.attributes),
            (&event.occurred_at, &event.attributes)
        );
    }
}

#[test]
fn a_record_with_a_duplicated_key_is_read_and_waits_for_words() {
    let (mut cdr, _) = fixture("tencent.tccc.cdr");
    cdr["PostIVRKeyPressed"] = json!(null);
    let body = cdr
        .to_string()
        .replace("\"Duration\":310", "\"Duration\":310,\"Duration\":310");
    assert!(body.matches("\"Duration\"").count() == 2);
    let input = push();
    let taken = deliver(input.as_ref(), "action=cdr&version=1", &body);
    assert_eq!(
        (taken.events.len(), taken.letters.len(), taken.cursors.len()),
        (0, 0, 1)
    );
    let taken = deliver(input.as_ref(), "action=asr", &words().to_string());
    assert_eq!(taken.events[0].revision, 0);
    assert_eq!(
        taken.events[0].call.as_ref().unwrap().duration_ms,
        Some(310_000)
    );
}

#[test]
fn a_chat_is_kept_by_its_satisfaction() {
    let (body, expect) = fixture("tencent.tccc.imcdr");
    let taken = deliver(push().as_ref(), "action=imcdr&version=1", &body.to_string());
    let event = &taken.events[0];
    assert_eq!(
        event.call.as_ref().unwrap().satisfaction.as_deref(),
        expect["csat"].as_str()
    );
    assert_eq!(event.scores.csat, Some(4));
    assert_eq!(event.attributes["session"], "chat");
    assert!(!serde_json::to_string(event).unwrap().contains("oZB6q5c"));
}

#[test]
fn what_is_no_call_is_told_in_the_platforms_words() {
    let input = push();
    let taken = deliver(
        input.as_ref(),
        "action=voicemail",
        &json!({"SdkAppId": 1, "SessionId": "s"}).to_string(),
    );
    assert!(taken.outcome.is_ok() && taken.events.is_empty() && taken.letters.is_empty());
    for body in ["", "{}", "[]", "{\"SdkAppId\":1}"] {
        let taken = deliver(input.as_ref(), "action=cdr", body);
        assert_eq!(taken.letters.len(), 1, "{body}");
    }
    let uri = "/ingest/line?action=cdr&token=wrong".parse().unwrap();
    let headers = HeaderMap::new();
    let head = Head::new(&uri, &headers, Timestamp::UNIX_EPOCH);
    let refusal = input.admit(&head).unwrap_err();
    let reply: Value = serde_json::from_str(&input.refuse(&refusal).body).unwrap();
    assert_eq!(
        (refusal.status.as_u16(), &reply["ErrCode"]),
        (401, &json!(401))
    );
}

/// What the platform answers in turn, to one source; the classes of what was none, and how many dead letters there were.
fn reconciled(answers: &[Value]) -> (ReconcileState, Vec<Result<Next, &'static str>>, u64) {
    let config = TcccConfig {
        name: "line".to_owned(),
        brand: "鹿汀茶饮".to_owned(),
        ..TcccConfig::default()
    };
    let (line, calls) = config.line(&testing::shared()).unwrap();
    let reconcile = Reconcile::new(ReconcileConfig::default(), line, calls);
    let (mut state, mut staging) = (ReconcileState::default(), Staging::new("line"));
    let now = Timestamp::from_second(1_700_001_000).unwrap();
    let told = answers.iter().map(|body| {
        let mut after = state.clone();
        let taken = reconcile.take(
            "reconcile",
            &mut after,
            &Answer::of(body),
            now,
            &mut staging,
        );
        if taken.is_ok() {
            state = after;
        }
        taken.map_err(|trouble| trouble.class().name())
    });
    let told = told.collect();
    (state, told, staging.take().dead_letters)
}

fn listed(session: &str) -> Value {
    json!({"SessionId": session, "Direction": 0, "Caller": "008613800138000", "Duration": 60,
        "StartTimestamp": 1_700_000_000, "AsrStatus": "Complete"})
}

#[test]
fn an_answer_that_is_not_the_platforms_own_is_not_a_day_without_calls() {
    for body in [
        json!({}),
        json!([]),
        json!({"Response": null}),
        json!({"Response": {}}),
        json!({"Response": {"TelCdrs": null}}),
    ] {
        assert_eq!(
            reconciled(std::slice::from_ref(&body)).1,
            [Err("retry")],
            "{body}"
        );
    }
    let none = json!({"Response": {"TotalCount": 0, "TelCdrs": null}});
    assert_eq!(reconciled(&[none]).1, [Ok(Next::Through)]);
}

#[test]
fn without_a_count_a_walk_goes_on_until_a_page_is_empty() {
    let page = |sessions: &[&str]| {
        let calls: Vec<Value> = sessions
            .iter()
            .map(|session| {
                let mut call = listed(session);
                call["AsrStatus"] = json!("Processing");
                call
            })
            .collect();
        json!({"Response": {"TelCdrs": calls}})
    };
    let (_, told, _) = reconciled(&[page(&["a"]), page(&["b"]), page(&[])]);
    assert_eq!(told, [Ok(Next::More), Ok(Next::More), Ok(Next::Through)]);
}

#[test]
fn words_that_are_not_there_are_asked_for_once() {
    let list = json!({"Response": {"TotalCount": 1, "TelCdrs": [listed("s")]}});
    let refused = json!({"Response": {"Error": {"Code": "ResourceNotFound", "Message": "no asr"}}});
    let (state, told, letters) = reconciled(&[list.clone(), refused, list.clone(), list.clone()]);
    assert_eq!(
        told,
        [
            Ok(Next::More),
            Ok(Next::Through),
            Ok(Next::Through),
            Ok(Next::Through)
        ]
    );
    assert_eq!(letters, 1);
    // It is known after a restart, too.
    let kept: ReconcileState =
        serde_json::from_value(serde_json::to_value(&state).unwrap()).unwrap();
    assert_eq!(kept, state);
    assert_ne!(state, ReconcileState::default());
    let silent = json!({"Response": {"AsrDataList": []}});
    let (_, told, letters) = reconciled(&[list.clone(), silent, list]);
    assert_eq!(
        (told, letters),
        (
            vec![Ok(Next::More), Ok(Next::Through), Ok(Next::Through)],
            0
        )
    );
}

#[test]
fn an_agent_on_a_telephone_is_no_customer() {
    let list = |session: &str| {
        let mut call = listed(session);
        call["SeatUser"] = json!({"Phone": "008613911112222"});
        call["SdkAppId"] = json!(14);
        call["EndStatusString"] = json!("ok");
        call
    };
    let said = |user: Value, message: &str, at: u64| json!({"User": user, "Message": message, "Start": at, "End": at + 1_000});
    let words = json!({"SdkAppId": 14, "SessionId": "s", "AsrDataList": [
        said(json!("+8613911112222"), "非常抱歉给您添麻烦了", 1_700_000_001_000),
        said(json!("+8613800138000"), "杯子漏水", 1_700_000_003_000),
        said(json!(""), "嘟嘟", 1_700_000_005_000),
        said(json!(null), "嘟嘟", 1_700_000_007_000),
    ]});
    let input = push();
    deliver(input.as_ref(), "action=cdr", &list("s").to_string());
    let taken = deliver(input.as_ref(), "action=asr", &words.to_string());
    let event = &taken.events[0];
    assert_eq!(event.text, "杯子漏水");
    let roles: Vec<Role> = event
        .call
        .as_ref()
        .unwrap()
        .turns
        .iter()
        .map(|turn| turn.role)
        .collect();
    assert_eq!(
        roles,
        [Role::Agent, Role::Customer, Role::Unknown, Role::Unknown]
    );
}

proptest! {
    #[test]
    fn records_with_a_wrong_value_never_break(number in 0_usize..3, key in 0_usize..26, value in 0_usize..6) {
        let ids = ["tencent.tccc.cdr", "tencent.tccc.record", "tencent.tccc.imcdr"];
        let (mut body, _) = fixture(ids[number]);
        let wrong = [json!(null), json!(-1), json!("x"), json!([3]), json!({}), json!(u64::MAX)];
        let keys: Vec<String> = body.as_object().unwrap().keys().cloned().collect();
        body[&keys[key % keys.len()]] = wrong[value].clone();
        prop_assert!(deliver(push().as_ref(), "action=cdr", &body.to_string()).outcome.is_ok());
        let mut body = words();
        body["AsrDataList"][0]["Start"] = wrong[value].clone();
        body["AsrDataList"][1]["End"] = wrong[value].clone();
        prop_assert!(deliver(push().as_ref(), "", &body.to_string()).outcome.is_ok());
    }
}
