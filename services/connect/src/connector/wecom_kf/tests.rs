use axum::http::HeaderMap as PushHeaders;
use jiff::Timestamp;
use proptest::prelude::*;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use wensheng_runtime::Secret;
use wensheng_schemas::{Channel, FeedbackEvent};

use super::WecomKfConfig;
use super::callback::KfCallback;
use super::sync::{KfState, KfSync};
use crate::draft::DraftRules;
use crate::pull::{Answer, Defaults, Next, PullConnector, PullRunner, Trouble};
use crate::push::testing::shared;
use crate::push::{Head, PushInput, Reply, stage};
use crate::staging::Staging;
use crate::wechat::Door;
use crate::wechat::crypto::tests::VECTORS;
use crate::wechat::crypto::{CallbackKey, sign};

const AT: i64 = 1_700_000_000;

fn config() -> WecomKfConfig {
    WecomKfConfig {
        name: "kf".to_owned(),
        brand: "鹿汀茶饮".to_owned(),
        corp_id: "ww12345678910".to_owned(),
        secret: Secret::new("corp secret"),
        ..WecomKfConfig::default()
    }
}

fn sync(config: WecomKfConfig) -> KfSync {
    let rules = DraftRules::of_platform("kf", "wecom-kf", "鹿汀茶饮", Channel::Wechat, &shared());
    KfSync::new(config, rules.unwrap())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn answer(body: &Value) -> Answer {
    Answer {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: body.to_string().into_bytes(),
        place: "https://qyapi.weixin.qq.com/cgi-bin/kf/sync_msg".to_owned(),
    }
}

fn fixture(id: &str) -> (Value, Value) {
    let document: Value = serde_json::from_str(VECTORS).unwrap();
    let all = document["fixtures"].as_array().unwrap();
    let found = all.iter().find(|fixture| fixture["id"] == id).unwrap();
    (found["body"].clone(), found["expect"].clone())
}

fn take(
    sync: &KfSync,
    state: &mut KfState,
    body: &Value,
) -> (Result<Next, Trouble>, Vec<FeedbackEvent>, Vec<String>) {
    let mut staging = Staging::new("kf");
    let next = sync.take("", state, &answer(body), at(AT + 60), &mut staging);
    let records = staging.take().records;
    let values = |topic: &str| -> Vec<String> {
        let of_topic = records.iter().filter(|record| record.topic.contains(topic));
        of_topic
            .filter_map(|record| String::from_utf8(record.value.as_ref()?.to_vec()).ok())
            .collect()
    };
    let events = values("feedback");
    let events = events
        .iter()
        .map(|e| serde_json::from_str(e).unwrap())
        .collect();
    (next, events, values("dead-letters"))
}

#[test]
fn a_page_gives_what_customers_wrote_and_moves_the_cursor() {
    let (body, expect) = fixture("wecom.kf.sync_msg.page1");
    let sync = sync(config());
    let mut state = KfState::default();
    let (next, events, letters) = take(&sync, &mut state, &body);
    assert_eq!((next, letters.len()), (Ok(Next::More), 0));
    assert_eq!(state.cursor, expect["next_cursor"].as_str().unwrap());
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(
        event.native_id,
        "kf:wkAJ2GCAAASSm4_FhToWMFea0xAFfd3Q:from_msgid_0001"
    );
    assert_eq!(event.text, "充电器发烫，怎么退货？");
    assert_eq!(event.occurred_at, at(1_700_000_001));
    assert!(
        !serde_json::to_string(event)
            .unwrap()
            .contains("wmAJ2GCAAAme1XQRC")
    );
    // The page read again is the same events.
    let (_, again, _) = take(&sync, &mut KfState::default(), &body);
    assert_eq!(again[0].id, event.id);
}

#[test]
fn an_empty_page_is_not_the_end_and_a_cursor_that_stands_is_no_page() {
    let (body, expect) = fixture("wecom.kf.sync_msg.empty_but_more");
    let sync = sync(config());
    let mut state = KfState {
        cursor: "CURSOR_A".to_owned(),
        ..KfState::default()
    };
    let (next, events, _) = take(&sync, &mut state, &body);
    assert_eq!((next, events.len()), (Ok(Next::More), 0));
    assert_eq!(state.cursor, expect["save_cursor"].as_str().unwrap());
    let (next, ..) = take(&sync, &mut state, &body);
    assert_eq!(next.unwrap_err().class().name(), "retry");
    let end = json!({"errcode": 0, "next_cursor": "CURSOR_C", "has_more": 0, "msg_list": []});
    assert_eq!(take(&sync, &mut state, &end).0, Ok(Next::Through));
    assert_eq!(state.cursor, "CURSOR_C");
}

#[test]
fn every_error_code_has_its_class() {
    let sync = sync(config());
    for (code, class) in [
        (-1, "retry"),
        (40_001, "fatal-config"),
        (40_013, "fatal-config"),
        (40_014, "reauth"),
        (41_001, "reauth"),
        (42_001, "reauth"),
        (45_009, "throttle"),
        (45_033, "throttle"),
        (48_002, "fatal-config"),
        (60_020, "fatal-config"),
        (95_000, "fatal-config"),
        (95_004, "fatal-config"),
        (95_011, "fatal-config"),
        (95_012, "fatal-config"),
        (95_017, "fatal-config"),
        (301_002, "fatal-config"),
        (12_345, "retry"),
    ] {
        let body = json!({"errcode": code, "errmsg": "hint: [x]"});
        let (next, ..) = take(&sync, &mut KfState::default(), &body);
        assert_eq!(next.unwrap_err().class().name(), class, "{code}");
        let token = sync.token(&answer(&body));
        assert_eq!(token.unwrap_err().class().name(), class, "{code}");
    }
    let (body, _) = fixture("wecom.errcode.expired");
    assert_eq!(
        take(&sync, &mut KfState::default(), &body)
            .0
            .unwrap_err()
            .class()
            .name(),
        "reauth"
    );
}

#[test]
fn what_has_no_verdict_is_not_nothing_new() {
    let sync = sync(config());
    for body in [
        json!({}),
        json!([]),
        json!({"errcode": null, "msg_list": []}),
        json!({"errcode": "ok", "msg_list": []}),
        json!({"errcode": 0}),
        json!({"status": "login required"}),
    ] {
        let (next, ..) = take(&sync, &mut KfState::default(), &body);
        assert_eq!(next.unwrap_err().class().name(), "retry", "{body}");
    }
    let ended = json!({"errcode": "42001", "errmsg": "access_token expired"});
    let (next, ..) = take(&sync, &mut KfState::default(), &ended);
    assert_eq!(next.unwrap_err().class().name(), "reauth");
    let fine = json!({"errcode": "0", "next_cursor": "c", "has_more": "0", "msg_list": []});
    assert_eq!(
        take(&sync, &mut KfState::default(), &fine).0,
        Ok(Next::Through)
    );
}

#[test]
fn blocks_in_a_row_are_waited_out_ever_longer_up_to_an_hour() {
    let sync = sync(config());
    let blocked = json!({"errcode": 45009, "errmsg": "api freq out of limit"});
    let wait = |answer: &Answer| {
        let mut staging = Staging::new("kf");
        match sync.take("", &mut KfState::default(), answer, at(AT), &mut staging) {
            Err(Trouble::Throttle { wait, .. }) => wait.unwrap().as_secs(),
            other => panic!("{other:?}"),
        }
    };
    let waits = [(); 5].map(|()| wait(&answer(&blocked)));
    assert_eq!(waits, [60, 240, 960, 3_600, 3_600]);
    let mut told = answer(&blocked);
    told.headers.insert("retry-after", 90.into());
    assert_eq!(wait(&told), 90);
    let fine = json!({"errcode": 0, "next_cursor": "c", "has_more": 0, "msg_list": []});
    assert_eq!(
        take(&sync, &mut KfState::default(), &fine).0,
        Ok(Next::Through)
    );
    assert_eq!(wait(&answer(&blocked)), 60);
}

#[test]
fn a_callbacks_token_is_sent_while_it_is_good_and_dropped_when_it_is_not() {
    let sync = sync(config());
    let mut state = KfState::default();
    sync.hint("", &mut state, &json!({"token": "ENC1", "at": AT}));
    let body_at = |state: &KfState, second: i64| -> Value {
        let request = sync.request("", state, "tok", at(second)).unwrap().unwrap();
        assert!(request.url.as_str().contains("access_token=tok"));
        serde_json::from_slice(&request.body).unwrap()
    };
    assert_eq!(body_at(&state, AT + 1)["token"], "ENC1");
    assert!(body_at(&state, AT + 600).get("token").is_none());
    let invalid = json!({"errcode": 95007, "errmsg": "invalid msg token"});
    assert_eq!(take(&sync, &mut state, &invalid).0, Ok(Next::More));
    assert!(body_at(&state, AT + 1).get("token").is_none());
    assert_eq!(
        take(&sync, &mut state, &invalid)
            .0
            .unwrap_err()
            .class()
            .name(),
        "retry"
    );
    let first = body_at(&KfState::default(), AT);
    assert_eq!(first, json!({"limit": 1000, "voice_format": 0}));
}

#[test]
fn a_token_is_asked_for_with_the_corporations_secret() {
    let sync = sync(config());
    let request = sync.token_request(at(AT)).unwrap();
    assert_eq!(request.url.path(), "/cgi-bin/gettoken");
    assert!(
        request
            .url
            .query()
            .unwrap()
            .contains("corpsecret=corp+secret")
    );
    let token = sync
        .token(&answer(
            &json!({"errcode": 0, "access_token": "t", "expires_in": 7200}),
        ))
        .unwrap();
    assert_eq!(token.secret.expose(), "t");
    assert_eq!(token.lasts.unwrap().as_secs(), 7_200);
}

#[test]
fn a_wrong_message_is_a_dead_letter_and_the_others_are_taken() {
    let sync = sync(config());
    let message = |id: Value, kind: &str| {
        json!({"msgid": id, "open_kfid": "wk1", "external_userid": "wm-secret", "send_time": AT, "origin": 3,
            "msgtype": kind, "text": {"content": "慢"}, "image": {"media_id": "m"}})
    };
    let body = json!({"errcode": 0, "next_cursor": "c", "has_more": 0, "msg_list": [
        message(json!(null), "text"), message(json!("m1"), "text"), message(json!("m2"), "image"), 3,
    ]});
    let (next, events, letters) = take(&sync, &mut KfState::default(), &body);
    assert_eq!(next, Ok(Next::Through));
    assert_eq!((events.len(), letters.len()), (1, 2));
    assert!(
        letters.iter().all(|letter| !letter.contains("wm-secret")),
        "{letters:?}"
    );
}

#[test]
fn the_published_callbacks_wake_the_right_account() {
    let document: Value = serde_json::from_str(VECTORS).unwrap();
    let vector = |id: &str| -> Value {
        let all = document["vectors"].as_array().unwrap();
        all.iter().find(|v| v["id"] == id).unwrap().clone()
    };
    let (made, signed) = (
        vector("wecom.kf.callback.enc"),
        vector("wecom.kf.callback.sig"),
    );
    let text = |v: &Value, name: &str| v["input"][name].as_str().unwrap().to_owned();
    let sealed = made["output"].as_str().unwrap();
    let config = config();
    let plan = config.pull.plan(&Defaults::DEFAULT);
    let (_runner, hints) = PullRunner::new("kf", sync(config.clone()), plan).unwrap();
    let callback = KfCallback {
        door: Door {
            token: Secret::new(text(&signed, "token")),
            window: std::time::Duration::from_secs(300),
        },
        key: CallbackKey::new(&text(&made, "encoding_aes_key")).unwrap(),
        corp_id: text(&made, "receive_id"),
        accounts: Vec::new(),
        hints,
    };
    let query = |signature: &str| {
        format!(
            "msg_signature={signature}&timestamp={}&nonce={}",
            text(&signed, "timestamp"),
            text(&signed, "nonce")
        )
    };
    let headers = PushHeaders::new();
    let deliver = |query: &str, body: &str, second: i64| {
        let uri = format!("/ingest/kf?{query}").parse().unwrap();
        let head = Head::new(&uri, &headers, at(second));
        let mut staging = Staging::new("kf");
        let content = callback.open(&head, body.as_bytes())?;
        stage(&callback, "kf", &head, &content, &mut staging)
    };
    let body =
        format!("<xml><ToUserName>ww</ToUserName><Encrypt>{sealed}</Encrypt><AgentID/></xml>");
    let good = query(signed["output"].as_str().unwrap());
    assert_eq!(deliver(&good, &body, AT), Ok(Reply::text("")));
    assert_eq!(deliver(&good, &body, AT + 301).unwrap_err().status, 401);
    assert_eq!(
        deliver(&query(&"0".repeat(40)), &body, AT)
            .unwrap_err()
            .status,
        401
    );
    assert_eq!(deliver(&good, "<xml/>", AT).unwrap_err().status, 400);

    let echo = vector("wecom.official.echo.sig");
    let plain = vector("wecom.official.echo.dec");
    let official = KfCallback {
        door: Door {
            token: Secret::new(text(&echo, "token")),
            window: std::time::Duration::from_secs(300),
        },
        key: CallbackKey::new(&text(&plain, "encoding_aes_key")).unwrap(),
        corp_id: plain["output"]["receive_id"].as_str().unwrap().to_owned(),
        accounts: Vec::new(),
        hints: callback.hints.clone(),
    };
    let encoded = text(&echo, "encrypt")
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let timestamp = text(&echo, "timestamp");
    let uri = format!(
        "/ingest/kf?msg_signature={}&timestamp={timestamp}&nonce={}&echostr={encoded}",
        echo["output"].as_str().unwrap(),
        text(&echo, "nonce")
    );
    let uri = uri.parse().unwrap();
    let head = Head::new(&uri, &headers, at(timestamp.parse().unwrap()));
    assert_eq!(
        official.answer_check(&head),
        Ok(Reply::text("1616140317555161061"))
    );
    let signature = sign(&[
        "other",
        &timestamp,
        &text(&echo, "nonce"),
        &text(&echo, "encrypt"),
    ]);
    let forged = format!(
        "/ingest/kf?msg_signature={signature}&timestamp={timestamp}&nonce=1&echostr={encoded}"
    );
    let forged = forged.parse().unwrap();
    let head = Head::new(&forged, &headers, at(timestamp.parse().unwrap()));
    assert_eq!(official.answer_check(&head).unwrap_err().status, 401);
}

proptest! {
    #[test]
    fn random_answers_never_break(bytes in prop::collection::vec(any::<u8>(), 0..120), value in 0_usize..6) {
        let sync = sync(config());
        let mut answer = answer(&Value::Null);
        answer.body = bytes;
        let mut staging = Staging::new("kf");
        sync.take("", &mut KfState::default(), &answer, at(AT), &mut staging).ok();
        let wrong = [json!(null), json!(-1), json!("x"), json!([]), json!({}), json!(1e300)];
        for field in ["msgid", "open_kfid", "send_time", "origin", "msgtype", "text", "external_userid"] {
            let (mut body, _) = fixture("wecom.kf.sync_msg.page1");
            body["msg_list"][0][field] = wrong[value].clone();
            prop_assert!(take(&sync, &mut KfState::default(), &body).0.is_ok());
        }
    }
}
