//! A contact centre that sends again until it is told `ErrCode: 0`, over a bus that goes away.

use reqwest::Client;
use serde_json::{Value, json};

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
