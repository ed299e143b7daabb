//! What becomes of pushes.

use std::collections::BTreeMap;

use wensheng_bus::StageState;
use wensheng_notify::{Config, ReceiverKind};
use wensheng_runtime::Secret;
use wensheng_schemas::{Delivery, DeliveryState};

use crate::mock::{Mock, Script};
use crate::world::{World, config, notification, receiver};

const ALL: [ReceiverKind; 4] = [
    ReceiverKind::Wecom,
    ReceiverKind::Dingtalk,
    ReceiverKind::Feishu,
    ReceiverKind::Webhook,
];

pub(crate) fn states(rows: &[Delivery]) -> Vec<&'static str> {
    rows.iter().map(|row| row.state.name()).collect()
}

pub(crate) fn words(row: &Delivery) -> &str {
    match &row.state {
        DeliveryState::Queued { last_answer, .. } => last_answer,
        DeliveryState::Delivered { answer, .. } => answer,
        DeliveryState::Failed { reason, .. } => reason,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_platform_takes_a_push_signed_as_it_wants() {
    let mut mock = Mock::start().await;
    let mut world = World::new().await;
    world.start(config(ALL.map(|kind| receiver(kind, &mock))));
    world.tell(&notification("n1")).await;
    let rows = world.ended(4).await;
    let answers: BTreeMap<&str, &str> = rows
        .iter()
        .filter(|row| row.state.name() == "delivered")
        .map(|row| (row.provider.as_str(), words(row)))
        .collect();
    assert_eq!(
        answers,
        BTreeMap::from([
            ("wecom", "0 ok"),
            ("dingtalk", "0 ok"),
            ("feishu", "0 success"),
            ("webhook", "HTTP 204"),
        ])
    );
    assert_eq!(mock.left(), 4);
    // The same notification again, and a restart: nothing more is sent.
    world.tell(&notification("n1")).await;
    world.stop().await;
    world.start(config(ALL.map(|kind| receiver(kind, &mock))));
    world.tell(&notification("n2")).await;
    let rows = world.ended(8).await;
    assert_eq!(rows.len(), 16);
    assert_eq!(mock.left(), 4);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_with_an_error_in_the_body_is_a_failure_and_the_key_stays_secret() {
    let mock = Mock::start().await;
    mock.script(
        "/wecom",
        [Script::Say(
            200,
            &[],
            r#"{"errcode":93000,"errmsg":"invalid webhook url, hint: 693a-secret-key"}"#,
        )],
    );
    let mut world = World::new().await;
    world.start(config([receiver(ReceiverKind::Wecom, &mock)]));
    world.tell(&notification("n1")).await;
    let rows = world.ended(1).await;
    assert_eq!(states(&rows), ["queued", "failed"]);
    assert_eq!(
        words(&rows[1]),
        "93000 invalid webhook url, hint: ***; the URL is wrong or the robot was removed: copy the URL anew"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_fails_and_says_what_to_mend() {
    let mock = Mock::start().await;
    let wrong = [ReceiverKind::Dingtalk, ReceiverKind::Feishu].map(|kind| {
        let mut wrong = receiver(kind, &mock);
        wrong.secret = Secret::new("another secret");
        wrong
    });
    let mut world = World::new().await;
    world.start(config(wrong));
    world.tell(&notification("n1")).await;
    let rows = world.ended(2).await;
    let failed: Vec<&str> = rows
        .iter()
        .filter(|row| row.state.name() == "failed")
        .map(words)
        .collect();
    assert_eq!(failed.len(), 2);
    for reason in failed {
        assert!(
            reason.contains("secret") && reason.contains("clock"),
            "{reason}"
        );
        assert!(!reason.contains("another secret"), "{reason}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_robot_that_hiccups_is_tried_again() {
    let mut mock = Mock::start().await;
    mock.script("/feishu", [Script::Say(503, &[], "")]);
    let mut world = World::new().await;
    world.start(config([receiver(ReceiverKind::Feishu, &mock)]));
    world.tell(&notification("n1")).await;
    let rows = world.ended(1).await;
    assert_eq!(states(&rows), ["queued", "queued", "delivered"]);
    assert_eq!(words(&rows[1]), "HTTP 503");
    assert_eq!((rows[2].attempts, mock.left()), (2, 2));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_bot_is_left_alone_as_long_as_it_says() {
    let mut mock = Mock::start().await;
    let wait = &[("x-ogw-ratelimit-reset", "1")];
    let body = r#"{"code":99991400,"msg":"request trigger frequency limit"}"#;
    mock.script("/feishu", [Script::Say(429, wait, body)]);
    let mut world = World::new().await;
    world.start(config([receiver(ReceiverKind::Feishu, &mock)]));
    world.tell(&notification("n1")).await;
    world.tell(&notification("n2")).await;
    let rows = world.ended(2).await;
    let throttled = rows
        .iter()
        .find(|row| row.attempts == 1 && row.state.name() == "queued");
    let DeliveryState::Queued {
        next_attempt_at, ..
    } = throttled.unwrap().state
    else {
        unreachable!("it is queued");
    };
    for row in rows.iter().filter(|row| row.state.name() == "delivered") {
        assert!(row.at >= next_attempt_at);
    }
    // The one that was too fast, and one for both that waited.
    assert_eq!(mock.left(), 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_without_an_answer_goes_again_under_the_same_id() {
    let mut mock = Mock::start().await;
    mock.script("/dingtalk", [Script::Hang]);
    let mut world = World::new().await;
    let mut config = config([receiver(ReceiverKind::Dingtalk, &mock)]);
    config.timeout_seconds = 1;
    world.start(config);
    world.tell(&notification("n1")).await;
    let rows = world.ended(1).await;
    assert_eq!(states(&rows), ["queued", "queued", "delivered"]);
    assert_eq!(words(&rows[1]), "no answer within 1 s");
    let (first, second) = (mock.came().await, mock.came().await);
    assert_eq!(first.json()["msgUuid"], second.json()["msgUuid"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_fails_at_once() {
    let mock = Mock::start().await;
    mock.script("/webhook", [Script::Say(410, &[], "")]);
    let mut world = World::new().await;
    world.start(config([receiver(ReceiverKind::Webhook, &mock)]));
    world.tell(&notification("n1")).await;
    let rows = world.ended(1).await;
    assert_eq!(states(&rows), ["queued", "failed"]);
    assert!(
        words(&rows[1]).contains("remove the receiver"),
        "{}",
        words(&rows[1])
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_inside_is_refused_without_a_call() {
    let mut mock = Mock::start().await;
    let mut world = World::new().await;
    world.start(Config {
        allow_private_targets: false,
        ..config([receiver(ReceiverKind::Webhook, &mock)])
    });
    world.tell(&notification("n1")).await;
    let rows = world.ended(1).await;
    assert_eq!(states(&rows), ["queued", "failed"]);
    assert!(
        words(&rows[1]).contains("allow_private_targets"),
        "{}",
        words(&rows[1])
    );
    assert_eq!(mock.left(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let mut mock = Mock::start().await;
    let elsewhere = &[("location", "/wecom")];
    mock.script("/webhook", [Script::Say(302, elsewhere, "")]);
    let mut world = World::new().await;
    world.start(config([receiver(ReceiverKind::Webhook, &mock)]));
    world.tell(&notification("n1")).await;
    let (first, second) = (mock.came().await, mock.came().await);
    assert_eq!(
        (first.path.as_str(), second.path.as_str()),
        ("/webhook", "/webhook")
    );
    assert_eq!(first.headers["webhook-id"], second.headers["webhook-id"]);
    assert_eq!(first.bytes, second.bytes);
    assert_ne!(
        first.headers["webhook-timestamp"],
        second.headers["webhook-timestamp"]
    );
    world.ended(1).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_between_send_and_commit_sends_again_under_the_same_id() {
    let mut mock = Mock::start().await;
    mock.script("/dingtalk", [Script::Gate]);
    let mut world = World::new().await;
    world.start(config([receiver(ReceiverKind::Dingtalk, &mock)]));
    world.tell(&notification("n1")).await;
    let first = mock.came().await;
    world.kill().await;
    mock.open_gate();
    assert_eq!(states(&world.ledger().await), ["queued"]);
    world.start(config([receiver(ReceiverKind::Dingtalk, &mock)]));
    let rows = world.ended(1).await;
    let second = mock.came().await;
    assert_eq!(first.json()["msgUuid"], second.json()["msgUuid"]);
    assert_eq!(states(&rows), ["queued", "delivered"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_waits_for_the_answer_under_way() {
    let mut mock = Mock::start().await;
    mock.script("/wecom", [Script::Gate]);
    let mut world = World::new().await;
    world.start(config([receiver(ReceiverKind::Wecom, &mock)]));
    world.tell(&notification("n1")).await;
    mock.came().await;
    world.handle.shutdown.cancel();
    mock.open_gate();
    world.stop().await;
    assert_eq!(states(&world.ledger().await), ["queued", "delivered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_receivers_cards_go_to_the_log_and_the_ledger_shows_it() {
    let mut world = World::new().await;
    world.start(Config::default());
    world.tell(&notification("n1")).await;
    let rows = world.ended(1).await;
    assert_eq!(states(&rows), ["queued", "delivered"]);
    assert_eq!(
        (rows[1].provider.as_str(), words(&rows[1])),
        ("log", "printed")
    );
    let tasks = world.handle.health.report().tasks;
    assert_eq!(tasks["notify-0"], StageState::Running);
    world.stop().await;
}
