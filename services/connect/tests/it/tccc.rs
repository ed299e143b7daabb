//! A contact centre that sends again until it is told `ErrCode: 0`, over a bus that goes away.

use reqwest::Client;
use serde_json::{Value, json};

use crate::mock::{Mock, Reply};
use crate::site::Site;

const TOKEN: &str = "0123456789abcdef";

/// Pushes once; whether it was told that it is done.
async fn push(base: &str, action: &str, body: &Value) -> bool {
    let url = format!("{base}/ingest/line?action={action}&version=1");
    let request = Client::new().post(url).basic_auth("tccc", Some(TOKEN));
    let answer = request.body(body.to_string()).send().await.unwrap();
    let reply: Value = answer.json().await.unwrap();
    reply["ErrCode"] == 0
}

#[tokio::test]
async fn a_resend_storm_over_a_bus_that_goes_away_is_one_call() {
    let site = Site::new().await;
    let mut run = site.start_with(json!({
        "listen": "127.0.0.1:0",
        "pseudonym_key": "0123456789abcdef",
        "sources": [{
            "kind": "tccc", "name": "line", "brand": "鹿汀茶饮", "token": TOKEN, "satisfaction": {"不满意": 1},
        }],
    }));
    let base = format!("http://{}", run.address().await);
    let cdr = json!({
        "SdkAppId": 14, "SessionId": "s-1", "Direction": 0, "Duration": 310, "StartTimestamp": 1_700_000_000,
        "AcceptTimestamp": 1_700_000_020, "EndedTimestamp": 1_700_000_330, "EndStatusString": "ok",
        "Caller": "008613800138000", "PostIVRKeyPressed": [{"Key": "3", "Label": "不满意"}],
    });
    let words = json!({
        "SdkAppId": 14, "SessionId": "s-1",
        "AsrDataList": [
            {"User": "agent@example.com", "Message": "您好", "Start": 1_700_000_021_000_u64, "End": 1_700_000_022_000_u64},
            {"User": "+8613800138000", "Message": "杯子漏水", "Start": 1_700_000_023_000_u64, "End": 1_700_000_024_000_u64},
        ],
    });
    site.shut_the_door();
    assert!(!push(&base, "cdr", &cdr).await, "nothing is durable");
    site.open_the_door();
    let minute = std::time::Duration::from_secs(60);
    let taken = async {
        while !push(&base, "cdr", &cdr).await {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(minute, taken).await.unwrap();
    for _ in 0..3 {
        assert!(push(&base, "asr", &words).await);
        assert!(push(&base, "cdr", &cdr).await);
    }
    run.stop().await.unwrap();
    let events = site.events().await;
    assert!(events.iter().all(|event| event.id == events[0].id));
    let last = events.iter().max_by_key(|event| event.revision).unwrap();
    assert_eq!((last.revision, last.text.as_str()), (1, "杯子漏水"));
    assert_eq!(last.scores.csat, Some(1));
    assert_eq!(last.call.as_ref().unwrap().wait_ms, Some(20_000));
}

/// A page of calls and the words of those that were recognised, signed as the platform asks.
#[tokio::test]
async fn what_pushes_lost_is_read_again_with_its_words() {
    let mock = Mock::start(|asked| {
        let header = |name: &str| asked.header(name).unwrap_or_default().to_owned();
        assert!(header("authorization").starts_with("TC3-HMAC-SHA256 Credential=AKID/"));
        assert_eq!(header("x-tc-version"), "2020-02-10");
        let body = asked.json();
        let call = |number: u64, recognised: bool| {
            json!({
                "SessionId": format!("s-{number}"), "Direction": 0, "Duration": 60, "Caller": "008613800138000",
                "StartTimestamp": 1_700_000_000 + number, "EndedTimestamp": 1_700_000_100,
                "AsrStatus": if recognised { "Complete" } else { "Processing" },
            })
        };
        let response = match (header("x-tc-action").as_str(), body["PageNumber"].as_u64()) {
            ("DescribeTelCdr", Some(0)) => json!({"TotalCount": 102, "TelCdrs": [call(1, true), call(2, false)]}),
            ("DescribeTelCdr", _) => json!({"TotalCount": 102, "TelCdrs": [call(3, true)]}),
            ("DescribeTelRecordAsr", _) if body["SessionId"] == "s-3" => {
                json!({"Error": {"Code": "ResourceNotFound", "Message": "no asr"}})
            }
            ("DescribeTelRecordAsr", _) => json!({"AsrDataList": [
                {"User": "+8613800138000", "Message": "杯子漏水", "Start": 1_700_000_005_000_u64, "End": 1_700_000_006_000_u64},
            ]}),
            (other, _) => panic!("{other}"),
        };
        Reply::json(json!({"Response": response}))
    })
    .await;
    let site = Site::new().await;
    let config = json!({
        "listen": "127.0.0.1:0",
        "pseudonym_key": "0123456789abcdef",
        "sources": [{
            "kind": "tccc", "name": "line", "brand": "鹿汀茶饮", "token": TOKEN,
            "reconcile": {
                "sdk_app_id": 14, "secret_id": "AKID", "secret_key": "k", "host": mock.address,
                "pull": {"allow_private": true, "every_seconds": 3_600, "per_minute": 60_000},
            },
        }],
    });
    for _ in 0..2 {
        let mut run = site.start_with(config.clone());
        run.until(|progress| progress.all_through).await;
        run.stop().await.unwrap();
    }
    let events = site.events().await;
    assert!(
        events
            .iter()
            .all(|event| event.native_id == "tccc:14:s-1" && event.revision == 0),
        "{events:?}"
    );
    assert_eq!(events[0].text, "杯子漏水");
    let call = events[0].call.as_ref().unwrap();
    assert_eq!(
        (call.duration_ms, call.turns[0].begin_ms),
        (Some(60_000), 4_000)
    );
    assert!(
        !site.dead_letters().await.is_empty(),
        "the words that cannot be read are told"
    );
    let asked = mock.asked();
    let words_of_first = asked
        .iter()
        .filter(|asked| asked.json()["SessionId"] == "s-1")
        .count();
    assert_eq!(words_of_first, 1, "known words are not read again");
}
