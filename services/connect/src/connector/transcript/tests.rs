use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use wensheng_runtime::Secret;
use wensheng_schemas::{Direction, FeedbackEvent, Role};

use super::{TranscriptConfig, VconConfig};
use crate::hotline::RoleChoice;
use crate::push::PushInput;
use crate::push::testing::{self, Taken, build};
use crate::wechat::crypto::tests::VECTORS;

const TOKEN: &str = "0123456789abcdef";

fn config() -> TranscriptConfig {
    TranscriptConfig {
        name: "line".to_owned(),
        brand: "鹿汀茶饮".to_owned(),
        token: Secret::new(TOKEN),
        roles: BTreeMap::from([
            ("0".to_owned(), RoleChoice::Agent),
            ("1".to_owned(), RoleChoice::Customer),
        ]),
        satisfaction: BTreeMap::from([("不满意".to_owned(), 1)]),
        ..TranscriptConfig::default()
    }
}

fn deliver(input: &dyn PushInput, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Taken {
    testing::deliver(input, query, headers, body, 1_800_000_000)
}

fn fixture(id: &str) -> (Vec<u8>, Value) {
    let document: Value = serde_json::from_str(VECTORS).unwrap();
    let all = document["fixtures"].as_array().unwrap();
    let found = all.iter().find(|fixture| fixture["id"] == id).unwrap();
    let body = match &found["body"] {
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    (body.into_bytes(), found["expect"].clone())
}

/// The one event of a published document, after a resend that changes nothing.
fn event_of(id: &str, query: &str) -> (FeedbackEvent, Value) {
    let input = build(&config());
    let (body, expect) = fixture(id);
    let query = format!("token={TOKEN}&{query}");
    let first = deliver(input.as_ref(), &query, &[], &body);
    assert!(first.letters.is_empty(), "{id}");
    assert!(first.outcome.is_ok(), "{id}");
    let again = deliver(input.as_ref(), &query, &[], &body);
    assert_eq!(first.events, again.events, "{id}");
    assert_eq!(first.events.len(), 1, "{id}");
    (first.events.into_iter().next().unwrap(), expect)
}

fn turns(event: &FeedbackEvent) -> Vec<(Role, u64, u64, &str)> {
    let call = event.call.as_ref().unwrap();
    let turn = |t: &'_ wensheng_schemas::Turn| (t.role, t.begin_ms, t.end_ms);
    call.turns
        .iter()
        .map(|t| {
            let (role, begin, end) = turn(t);
            (role, begin, end, t.text.as_str())
        })
        .collect()
}

#[test]
fn alibaba_analysis_is_read() {
    let (event, expect) = event_of("aliyun.sca.GetResult", "");
    assert_eq!(
        event.native_id,
        format!("sca:{}", expect["call_id"].as_str().unwrap())
    );
    assert_eq!(event.text, "我要投诉");
    assert_eq!(turns(&event).len(), 2);
    assert_eq!(event.occurred_at, "2019-10-24T02:00:00Z".parse().unwrap());
    let call = event.call.unwrap();
    assert_eq!(call.duration_ms, Some(33_000));
    assert_eq!(call.agent.as_deref(), Some("1"));
}

#[test]
fn alibaba_reports_are_read_with_overlap() {
    let (event, expect) = event_of("aliyun.asr.secretAsrReport", "");
    assert_eq!(event.native_id, "axb:44611dd0c30****");
    assert_eq!(
        turns(&event).len() as u64,
        expect["segments"].as_u64().unwrap()
    );
    assert_eq!(event.text, "喂,你好。\n哎。");
    assert_eq!(event.call.as_ref().unwrap().talk_over_ms, Some(2_040));
    assert_eq!(event.call.unwrap().duration_ms, Some(9_140));
}

#[test]
fn alibaba_sentences_are_parts_of_one_call() {
    let (event, expect) = event_of("aliyun.ccc.TextStream", "");
    let begin = expect["begin_ms"].as_u64().unwrap();
    let end = expect["end_ms"].as_u64().unwrap();
    assert_eq!(
        turns(&event),
        [(Role::Customer, begin, end, "你好，hello。")]
    );
    let call = event.call.as_ref().unwrap();
    assert_eq!(call.direction, Some(Direction::Inbound));
    assert!(!event.author.as_ref().unwrap().key.contains("138"));

    let input = build(&config());
    let mut sentence: Value = serde_json::from_slice(&fixture("aliyun.ccc.TextStream").0).unwrap();
    let send = |sentence: &Value| {
        let body = sentence.to_string();
        let query = format!("token={TOKEN}");
        deliver(input.as_ref(), &query, &[], body.as_bytes()).events
    };
    send(&sentence);
    sentence["channelType"] = json!("agent");
    sentence["beginOffsetMS"] = json!("2500");
    sentence["endOffsetMS"] = json!("3100");
    sentence["text"] = json!("您好");
    assert_eq!(send(&sentence)[0].revision, 1);
    sentence["finished"] = json!(0);
    sentence["beginOffsetMS"] = json!(4_000);
    assert!(send(&sentence).is_empty());
    let rating = json!({
        "eventType": "SatisfactionSurveyResponse", "instanceId": sentence["instanceId"],
        "contactId": sentence["contactId"], "rating": "不满意",
    });
    let last = send(&rating);
    assert_eq!((last[0].revision, last[0].scores.csat), (2, Some(1)));
    assert_eq!(last[0].text, "你好，hello。");
}

#[test]
fn tencent_callbacks_are_read_and_answered_as_asked() {
    let (event, expect) = event_of("tencent.asr.callback", "call_id=t-1");
    let lines = expect["lines"].as_array().unwrap();
    let read = turns(&event);
    assert_eq!(read.len(), lines.len());
    for (turn, line) in read.iter().zip(lines) {
        assert_eq!(json!([turn.1, turn.2, turn.3]), *line);
    }
    assert_eq!(event.native_id, "call:t-1");
    assert_eq!(event.text, "我在马上上夜班。\n明天早上说哈。");
    assert_eq!(event.call.as_ref().unwrap().duration_ms, Some(8_420));
    let input = build(&config());
    let (body, _) = fixture("tencent.asr.callback");
    let reply = deliver(input.as_ref(), &format!("token={TOKEN}"), &[], &body).outcome;
    let reply: Value = serde_json::from_str(&reply.unwrap().body).unwrap();
    assert_eq!(
        (&reply["code"], &reply["message"]),
        (&json!(0), &json!("success"))
    );
}

#[test]
fn tencent_details_and_tasks_are_read() {
    let input = build(&config());
    let detail = json!([
        {"FinalSentence": "我要投诉", "StartMs": 1500, "EndMs": 2600, "SpeakerId": 1},
        {"FinalSentence": "您好", "StartMs": 0, "EndMs": 1200, "SpeakerId": 0},
    ]);
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("code", "0"),
            ("requestId", "9"),
            ("resultDetail", &detail.to_string()),
        ])
        .finish();
    let task = json!({"Response": {"Data": {"TaskId": 1, "Status": 2, "ResultDetail": detail}}});
    let query = format!("token={TOKEN}&call_id=t-2&started_at=2026-01-02T03:04:05Z");
    for body in [form, task.to_string()] {
        let taken = deliver(input.as_ref(), &query, &[], body.as_bytes());
        let event = &taken.events[0];
        assert_eq!((event.text.as_str(), event.revision), ("我要投诉", 0));
        assert_eq!(event.occurred_at, "2026-01-02T03:04:05Z".parse().unwrap());
    }
    let failed = json!({"Response": {"Data": {"Status": 3, "ErrorMsg": "audio too long"}}});
    let taken = deliver(input.as_ref(), &query, &[], failed.to_string().as_bytes());
    assert!(
        taken.letters[0].reason.contains("audio too long"),
        "{:?}",
        taken.letters
    );
}

#[test]
fn a_checksum_lets_in_what_it_was_made_of() {
    let document: Value = serde_json::from_str(VECTORS).unwrap();
    let all = document["vectors"].as_array().unwrap();
    let vector = all
        .iter()
        .find(|v| v["id"] == "tencent.asr.stream.checksum")
        .unwrap();
    let text = |name: &str| vector["input"][name].as_str().unwrap().to_owned();
    let input = build(&TranscriptConfig {
        token: Secret::default(),
        sign_token: Secret::new(text("sign_token")),
        sign_app_id: text("appid"),
        ..config()
    });
    let headers = [("checksum", vector["output"].as_str().unwrap())];
    let body = text("body");
    let taken = deliver(input.as_ref(), "call_id=s-1", &headers, body.as_bytes());
    assert_eq!(taken.events[0].text, "测试", "{:?}", taken.letters);
    let changed = body.replace("测试", "测式");
    let refused = deliver(input.as_ref(), "call_id=s-1", &headers, changed.as_bytes());
    assert_eq!(refused.outcome.unwrap_err().status, 401);
    let unsigned = deliver(input.as_ref(), "call_id=s-1&token=", &[], body.as_bytes());
    assert_eq!(unsigned.outcome.unwrap_err().status, 401);
}

#[test]
fn iflytek_results_are_unpacked_twice() {
    let (event, expect) = event_of("iflytek.lfasr.orderResult", "");
    let read = turns(&event);
    let expected = &expect["turns"][0];
    assert_eq!(json!([read[0].1, read[0].2, "1", read[0].3]), *expected);
    assert_eq!(
        event.call.as_ref().unwrap().turns[0].track.as_deref(),
        Some("1")
    );
    assert_eq!(event.native_id, "xf:DKHJQ202209021522090215490FAAE7DD0008C");
}

#[test]
fn amazon_analyses_are_read() {
    let (event, expect) = event_of("aws.contact_lens", "call_id=contact-1");
    assert_eq!(
        turns(&event).len() as u64,
        expect["turns"].as_u64().unwrap()
    );
    assert_eq!(
        event.text,
        "I need to cancel. I want to cancel my plan subscription."
    );
    let (event, _) = event_of("aws.transcribe_call_analytics", "call_id=job-1");
    assert_eq!(turns(&event)[0].0, Role::Customer);
}

#[test]
fn vcon_conversations_are_read() {
    let (event, expect) = event_of("vcon.text", "");
    assert_eq!(
        turns(&event).len() as u64,
        expect["turns"].as_u64().unwrap()
    );
    assert_eq!(turns(&event)[0].0, Role::Customer);
    assert_eq!(event.native_id, "vcon:018bcfe5-6800-8000-8000-000000000001");
    assert_eq!(event.occurred_at, "2023-11-14T22:13:21Z".parse().unwrap());
    assert!(!event.author.unwrap().key.contains("139"));

    let input = build(&VconConfig(config()));
    let analysis = json!({
        "vcon": "0.3.0", "uuid": "u-1", "created_at": "2026-01-02T03:04:05Z",
        "parties": [{"tel": "+8613900000000", "role": "customer"}, {"role": "agent"}],
        "dialog": [{"type": "recording", "start": "2026-01-02T03:04:00Z", "duration": 12.5, "parties": [0, 1]}],
        "analysis": [{"type": "transcript", "dialog": 0, "encoding": "json",
            "body": "{\"segments\":[{\"speaker\":1,\"start\":0.5,\"end\":1,\"text\":\"您好\"},\
                     {\"speaker\":0,\"start\":1.2,\"end\":3,\"text\":\"漏水\"}]}"}],
    });
    let query = format!("token={TOKEN}");
    let send = |body: Value| {
        let body = body.to_string();
        deliver(input.as_ref(), &query, &[], body.as_bytes())
    };
    let taken = send(analysis.clone());
    let event = &taken.events[0];
    assert_eq!(event.text, "漏水");
    assert_eq!(event.call.as_ref().unwrap().duration_ms, Some(12_500));
    use base64::Engine as _;
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(analysis.to_string());
    let signed = send(json!({"payload": payload, "signatures": [{"signature": "x"}]}));
    assert_eq!(&signed.events[0], event);
    let sealed = send(json!({"ciphertext": "x", "protected": "y"}));
    assert!(
        sealed.letters[0].reason.contains("encrypted"),
        "{:?}",
        sealed.letters
    );
    let other = send(json!({"Transcript": []}));
    assert!(
        other.letters[0].reason.contains("no vCon"),
        "{:?}",
        other.letters
    );
}

#[test]
fn holds_are_told_by_the_events_of_a_vcon() {
    let input = build(&VconConfig(config()));
    let query = format!("token={TOKEN}");
    let held = |history: Value| {
        let at = "2026-01-02T03:04:00Z";
        let body = json!({
            "vcon": "0.3.0", "uuid": "u-2", "created_at": at,
            "parties": [{"tel": "+8613900000000", "role": "customer"}, {"role": "agent"}],
            "dialog": [
                {"type": "recording", "start": at, "duration": 300, "parties": [0, 1], "party_history": history},
                {"type": "text", "start": at, "duration": 1, "parties": [0], "originator": 0, "body": "漏水"},
            ],
        });
        let taken = deliver(input.as_ref(), &query, &[], body.to_string().as_bytes());
        taken.events[0].call.as_ref().unwrap().hold_ms
    };
    let event = |party: u64, event: &str, second: u64| json!({"party": party, "event": event, "time": format!("2026-01-02T03:04:{second:02}Z")});
    assert_eq!(held(json!([])), None);
    assert_eq!(
        held(json!([event(0, "join", 0), event(1, "mute", 5)])),
        None
    );
    assert_eq!(
        held(json!([
            event(0, "join", 0),
            event(0, "hold", 10),
            event(1, "hold", 10),
            event(0, "unhold", 30),
            event(0, "hold", 40),
            event(1, "unhold", 50),
            event(0, "drop", 45),
        ])),
        Some(25_000)
    );
    assert_eq!(
        held(json!([event(1, "hold", 10), event(1, "unhold", 12)])),
        Some(2_000)
    );
}

#[test]
fn a_call_of_the_contract_is_read_with_its_facts() {
    let input = build(&config());
    let body = json!({
        "call_id": 9_007_199_254_740_993_u64, "started_at": "2026-01-02 11:04:05", "customer": "13800138000",
        "satisfaction": "不满意", "wait_ms": 42_000, "hold_ms": 9_000, "queue": "售后", "direction": "inbound", "whole": true,
        "turns": [{"role": "customer", "begin_ms": 0, "end_ms": 900, "text": "漏水"}],
    });
    let query = format!("token={TOKEN}");
    let taken = deliver(input.as_ref(), &query, &[], body.to_string().as_bytes());
    let event = &taken.events[0];
    assert_eq!(event.native_id, "call:9007199254740993");
    assert_eq!(event.scores.csat, Some(1));
    assert_eq!(event.occurred_at, "2026-01-02T03:04:05Z".parse().unwrap());
    let call = event.call.as_ref().unwrap();
    assert_eq!(
        (call.wait_ms, call.hold_ms, call.queue.as_deref()),
        (Some(42_000), Some(9_000), Some("售后"))
    );
    assert!(
        !serde_json::to_string(event)
            .unwrap()
            .contains("13800138000")
    );
}

#[test]
fn strangers_are_refused_and_what_is_no_transcript_is_a_dead_letter() {
    let input = build(&config());
    let (body, _) = fixture("vcon.text");
    let good = format!("Bearer {TOKEN}");
    // `u:0123456789abcdef`
    let basic = [("authorization", "Basic dTowMTIzNDU2Nzg5YWJjZGVm")];
    let bearer = [("authorization", good.as_str())];
    let wrong = [("authorization", "Bearer 0123456789abcdeF")];
    for (query, headers, good) in [
        ("", &basic[..], true),
        ("", &bearer, true),
        ("", &wrong, false),
        ("token=0123456789abcdeg", &[], false),
        ("token=", &[], false),
        ("", &[], false),
    ] {
        let taken = deliver(input.as_ref(), query, headers, &body);
        assert_eq!(taken.outcome.is_ok(), good, "{query}");
        assert_eq!(taken.events.len(), usize::from(good), "{query}");
    }
    for body in [
        "",
        "{}",
        "[[]]",
        "[1]",
        "{\"turns\":3}",
        "hello=1",
        "{\"vcon\":1}",
        "\u{1}",
    ] {
        let taken = deliver(input.as_ref(), "", &bearer, body.as_bytes());
        assert_eq!((taken.letters.len(), taken.events.len()), (1, 0), "{body}");
    }
}

proptest! {
    #[test]
    fn random_documents_never_break(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let input = build(&config());
        let taken = deliver(input.as_ref(), &format!("token={TOKEN}"), &[], &bytes);
        prop_assert!(taken.outcome.is_ok());
    }

    /// A published document with one value replaced by another kind of value is read or refused, and never breaks.
    #[test]
    fn documents_with_a_wrong_value_never_break(number in 0_usize..9, place in 0_usize..60, value in 0_usize..6) {
        let ids = ["aliyun.sca.GetResult", "aliyun.asr.secretAsrReport", "aliyun.ccc.TextStream", "iflytek.lfasr.orderResult",
            "aws.contact_lens", "aws.transcribe_call_analytics", "vcon.text", "tencent.tccc.cdr", "tencent.tccc.asr"];
        let (body, _) = fixture(ids[number]);
        let mut document: Value = serde_json::from_slice(&body).unwrap();
        let wrong = [json!(null), json!(-1), json!("x"), json!([]), json!({}), json!(1e300)];
        replace(&mut document, &mut place.clone(), &wrong[value]);
        let input = build(&config());
        let body = document.to_string();
        let query = format!("token={TOKEN}&call_id=p");
        prop_assert!(deliver(input.as_ref(), &query, &[], body.as_bytes()).outcome.is_ok());
    }
}

/// Replaces the value at the `left`-th place, counted depth first.
fn replace(value: &mut Value, left: &mut usize, with: &Value) {
    if *left == 0 {
        *value = with.clone();
    }
    *left = left.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, left, with)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|item| replace(item, left, with)),
        _ => {}
    }
}
