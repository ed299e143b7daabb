//! Survey tools that send until they are told success, over a bus that goes away.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::site::Site;
use crate::wire::fixture;

const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SECRET: &str = "demo_typeform_secret";

fn mac(key: &[u8], parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    for part in parts {
        mac.update(part);
    }
    BASE64.encode(mac.finalize().into_bytes())
}

/// One attempt of Formbricks: the id stays, time and signature are those of the attempt, `ago` seconds before now.
async fn formbricks(base: &str, id: &str, body: &Value, ago: i64) -> StatusCode {
    let (body, at) = (
        body.to_string(),
        (jiff::Timestamp::now().as_second() - ago).to_string(),
    );
    let key = BASE64.decode(&WHSEC["whsec_".len()..]).unwrap();
    let parts = [id.as_bytes(), b".", at.as_bytes(), b".", body.as_bytes()];
    let request = Client::new()
        .post(format!("{base}/ingest/formbricks"))
        .header("webhook-id", id)
        .header("webhook-timestamp", &at)
        .header("webhook-signature", format!("v1,{}", mac(&key, &parts)))
        .body(body);
    request.send().await.unwrap().status()
}

async fn typeform(base: &str, body: &Value) -> StatusCode {
    let body = body.to_string();
    let signature = mac(SECRET.as_bytes(), &[body.as_bytes()]);
    let request = Client::new()
        .post(format!("{base}/ingest/typeform"))
        .header("typeform-signature", format!("sha256={signature}"))
        .body(body);
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn what_is_sent_until_it_succeeds_is_one_event_and_what_is_replayed_later_is_refused() {
    let site = Site::new().await;
    let mut run = site.start(json!([
        {"kind": "formbricks", "name": "formbricks", "brand": "鹿汀茶饮", "secrets": [WHSEC]},
        {
            "kind": "typeform", "name": "typeform", "brand": "鹿汀茶饮", "secrets": ["an old secret of 2025", SECRET],
            "questions": [{"question": "NPS", "kind": "nps"}],
        },
    ]));
    let base = format!("http://{}", run.address().await);
    let (response, _) = fixture("formbricks.responseFinished");
    let (form, _) = fixture("typeform.form_response");
    site.shut_the_door();
    assert_eq!(
        typeform(&base, &form).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    site.open_the_door();
    let minute = Duration::from_secs(60);
    let taken = async {
        while typeform(&base, &form).await != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(minute, taken).await.unwrap();
    for _ in 0..3 {
        assert_eq!(typeform(&base, &form).await, StatusCode::OK);
        assert_eq!(
            formbricks(&base, "msg_1", &response, 0).await,
            StatusCode::OK
        );
    }
    assert_eq!(
        formbricks(&base, "msg_1", &response, 400).await,
        StatusCode::UNAUTHORIZED,
        "it was signed more than 300 s ago"
    );
    run.stop().await.unwrap();
    let mut seen: Vec<_> = site
        .events()
        .await
        .into_iter()
        .map(|event| (event.native_id, event.revision, event.scores.nps))
        .collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!(seen[1].2, Some(2));
    assert!(site.dead_letters().await.is_empty());
}
