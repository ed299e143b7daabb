//! Receivers beyond the chat robots: people by name, pagers, mails; and who is told when one of them fails.

use wensheng_notify::{ReceiverConfig, ReceiverKind};
use wensheng_runtime::Secret;

use crate::mail::{MailServer, NOBODY};
use crate::mock::{Mock, Script};
use crate::pushes::{states, words};
use crate::world::{World, config, notification, receiver};

#[tokio::test(flavor = "multi_thread")]
async fn every_further_platform_takes_a_push_as_it_wants() {
    let mut mock = Mock::start().await;
    let mut world = World::new().await;
    world.start(config(
        [
            ReceiverKind::Slack,
            ReceiverKind::Pagerduty,
            ReceiverKind::Alertmanager,
            ReceiverKind::WecomApp,
            ReceiverKind::AliyunSms,
        ]
        .map(|kind| receiver(kind, &mock)),
    ));
    world.tell(&notification("n1")).await;
    let rows = world.ended(5).await;
    let mut answers: Vec<(&str, &str)> = rows
        .iter()
        .filter(|row| row.state.name() != "queued")
        .map(|row| (row.provider.as_str(), words(row)))
        .collect();
    answers.sort_unstable();
    assert_eq!(
        answers,
        [
            ("alertmanager", "HTTP 200"),
            ("aliyun-sms", "OK OK"),
            (
                "pagerduty",
                r#"HTTP 202 {"status":"success","message":"Event processed"}"#
            ),
            ("slack", "HTTP 200 ok"),
            ("wecom-app", "0 ok"),
        ]
    );
    // One for each, and one for the token, which the next push uses again.
    assert_eq!(mock.left(), 6);
    world.tell(&notification("n2")).await;
    // The number that was just told waits a minute.
    world.ended(9).await;
    assert_eq!(mock.left(), 4);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expired_is_fetched_anew_and_neither_it_nor_the_secret_shows() {
    let mock = Mock::start().await;
    mock.script(
        "/cgi-bin/message/send",
        [Script::Say(
            200,
            &[],
            r#"{"errcode":42001,"errmsg":"access_token expired: token-of-the-application"}"#,
        )],
    );
    let mut world = World::new().await;
    world.start(config([receiver(ReceiverKind::WecomApp, &mock)]));
    world.tell(&notification("n1")).await;
    let rows = world.ended(1).await;
    let told: Vec<&str> = rows.iter().map(words).collect();
    assert_eq!(
        told,
        [
            "",
            "0 token",
            "42001 access_token expired: ***",
            "0 token",
            "0 ok"
        ]
    );
    world.stop().await;
}

fn mail(server: &MailServer, to: &[&str]) -> ReceiverConfig {
    ReceiverConfig {
        url: Secret::new(format!("smtp://{}", server.address)),
        from: "闻声 <voc@example.com>".to_owned(),
        to: to.iter().map(|to| (*to).to_owned()).collect(),
        ..ReceiverConfig::new(ReceiverKind::Email, "mail")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_reaches_whom_the_server_knows_and_names_whom_it_does_not() {
    let mut server = MailServer::start().await;
    let mut world = World::new().await;
    world.start(config([mail(
        &server,
        &["pr@example.com", NOBODY, "gm@example.com"],
    )]));
    world.tell(&notification("n1")).await;
    let rows = world.ended(1).await;
    assert_eq!(states(&rows), ["queued", "delivered"]);
    let told = words(&rows[1]);
    assert!(
        told.starts_with("250 taken for 2; refused: nobody@example.com: ")
            && told.contains("no such user"),
        "{told}"
    );
    let (first, second) = (server.letter().await, server.letter().await);
    assert_eq!(
        [first.to.clone(), second.to.clone()].concat(),
        ["pr@example.com", "gm@example.com"]
    );
    let id = format!("<{}@example.com>", rows[0].id);
    assert_eq!(first.header("Message-ID"), id);
    assert_eq!(second.header("Message-ID"), id);
    assert_eq!(first.header("References"), "<alert-alert-n1@example.com>");
    assert_eq!(first.header("Auto-Submitted"), "auto-generated");
    assert!(
        first
            .header("Content-Type")
            .starts_with("multipart/alternative"),
        "{}",
        first.data
    );
    assert!(first.header("Subject").is_ascii(), "{}", first.data);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_nobody_can_be_sent_is_failed_and_the_fallback_is_told() {
    let mut mock = Mock::start().await;
    let server = MailServer::start().await;
    let mut world = World::new().await;
    let team = ReceiverConfig {
        standby: true,
        ..receiver(ReceiverKind::Wecom, &mock)
    };
    let mail = ReceiverConfig {
        fallback: Some(team.name.clone()),
        ..mail(&server, &[NOBODY])
    };
    world.start(config([mail, team]));
    world.tell(&notification("n1")).await;
    let rows = world.ended(2).await;
    let failed = rows.iter().find(|row| row.state.name() == "failed");
    assert!(
        words(failed.unwrap()).starts_with("550 nobody@example.com: "),
        "{rows:?}"
    );
    let told = rows
        .iter()
        .find(|row| row.state.name() == "delivered")
        .unwrap();
    assert_eq!(
        (told.receiver.as_str(), told.instead_of.as_deref()),
        ("wecom", Some("mail"))
    );
    assert_eq!(mock.left(), 1);
    world.stop().await;
}
