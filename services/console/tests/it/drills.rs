//! A drill rings, and everything of it is marked.

use std::ops::Range;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use wensheng_bus::{Bus as _, TopicPartition};
use wensheng_runtime::decode;
use wensheng_schemas::{AlertId, FeedbackEvent, Severity, Signal, Topic};
use wensheng_store::Role;

use crate::running::{PARTITIONS, Running};

#[tokio::test]
async fn a_drill_is_started_by_an_administrator_and_all_its_records_are_marked() {
    let console = Running::start().await;
    let responder = console.token("值班", Role::Responder).await;
    let start = |token: &str, body: Value| {
        console
            .request(Method::POST, "/drills", token)
            .json(&body)
            .send()
    };
    let refused = start(&responder, json!({ "brand": "青柚茶饮" }))
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let nameless = start(&console.admin, json!({ "brand": " " }))
        .await
        .unwrap();
    assert_eq!(nameless.status(), StatusCode::BAD_REQUEST);
    let started = start(
        &console.admin,
        json!({ "brand": "青柚茶饮", "severity": "alert" }),
    )
    .await
    .unwrap();
    assert_eq!(started.status(), StatusCode::ACCEPTED);
    let told: Value = started.json().await.unwrap();

    let (mut posts, mut signals) = (0, Vec::new());
    for partition in 0..PARTITIONS {
        let whole: Range<u64> = 0..u64::MAX;
        for topic in [Topic::Feedback, Topic::Signals] {
            let at = TopicPartition::new(topic.shared_name(), partition);
            console
                .bus
                .replay(&at, whole.clone(), &mut |record| match topic {
                    Topic::Feedback => {
                        let post: FeedbackEvent = decode(&record).unwrap();
                        assert!(post.drill && post.text.starts_with("【演练】"));
                        posts += 1;
                    }
                    _ => signals.push(decode::<Signal>(&record).unwrap()),
                })
                .await
                .unwrap();
        }
    }
    assert_eq!((posts, signals.len()), (24, 1));
    let signal = &signals[0];
    assert!(signal.drill);
    assert_eq!(signal.severity, Severity::Alert);
    let alert = AlertId::of(&signal.brand, &signal.topic, &signal.id);
    assert_eq!(told["alert"], alert.as_str());
    let audit = console.get("/audit").await;
    assert_eq!(audit["entries"][0]["action"], "drill.start");
    console.stop().await;
}
