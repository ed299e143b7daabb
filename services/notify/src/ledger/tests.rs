//! One push at a time.

use wensheng_bus::TopicPartition;
use wensheng_runtime::Secret;
use wensheng_schemas::{Escalation, Severity, Topic};

use super::*;
use crate::provider::HttpAnswer;
use crate::testing::{notification, now};
use crate::{ReceiverConfig, ReceiverKind};

pub(super) fn config() -> Config {
    let receiver = |kind, name: &str, url: &str, secret: &str| ReceiverConfig {
        url: Secret::new(url),
        secret: Secret::new(secret),
        ..ReceiverConfig::new(kind, name)
    };
    let whsec = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    Config {
        receivers: vec![
            receiver(
                ReceiverKind::Wecom,
                "front",
                "https://w.example/send?key=k",
                "",
            ),
            ReceiverConfig {
                level: Escalation::Management,
                ..receiver(
                    ReceiverKind::Dingtalk,
                    "management",
                    "https://d.example/send?access_token=t",
                    "s",
                )
            },
            ReceiverConfig {
                min_severity: Severity::Crisis,
                ..receiver(
                    ReceiverKind::Webhook,
                    "tickets",
                    "https://h.example/hook",
                    whsec,
                )
            },
            ReceiverConfig {
                brands: vec!["另一品牌".to_owned()],
                ..ReceiverConfig::new(ReceiverKind::Log, "other")
            },
        ],
        ..Config::default()
    }
}

fn ledger(config: &Config) -> Ledger {
    let receivers = config.receivers.iter().map(Receiver::new);
    Ledger::new(receivers.collect::<Result<_, _>>().unwrap(), config)
}

fn record(topic: Topic, partition: u32) -> Record {
    Record {
        at: TopicPartition::new(topic.name(), partition),
        offset: 0,
        appended_at: now(),
        key: Default::default(),
        value: None,
        headers: vec![("traceparent".to_owned(), "00-a-b-01".into())],
    }
}

pub(super) fn answered(status: u16, body: &str) -> Reply {
    Reply::Answered(HttpAnswer {
        status,
        body: body.as_bytes().to_vec(),
        ..HttpAnswer::default()
    })
}

/// A ledger with the topic that it writes.
pub(super) struct World {
    pub(super) config: Config,
    pub(super) ledger: Ledger,
    pub(super) log: Vec<Delivery>,
    pub(super) under_way: Vec<Attempt>,
    now: Timestamp,
}

impl World {
    pub(super) fn new(config: Config) -> Self {
        Self {
            ledger: ledger(&config),
            config,
            log: Vec::new(),
            under_way: Vec::new(),
            now: now(),
        }
    }

    pub(super) fn commit(&mut self, rows: Vec<Row>) {
        for row in rows {
            // As it stands on the topic.
            let json = serde_json::to_vec(&row.delivery).unwrap();
            self.log.push(serde_json::from_slice(&json).unwrap());
            assert_eq!(self.log.last(), Some(&row.delivery));
        }
        self.under_way.extend(self.ledger.due(self.now));
    }

    pub(super) fn accept(&mut self, told: Notification) {
        let record = record(Topic::Notifications, 3);
        let rows = self.ledger.accept(told, &record, self.now);
        self.commit(rows.unwrap_or_default());
    }

    pub(super) fn end(&mut self, attempt: &Attempt, reply: Reply) -> Vec<Row> {
        let ended = Ended {
            pushes: attempt.pushes.clone(),
            number: attempt.number,
            receiver: attempt.receiver,
            reply,
        };
        self.ledger.end(ended, self.now)
    }

    /// Answers the oldest attempt.
    pub(super) fn answer(&mut self, reply: Reply) {
        let attempt = self.under_way.remove(0);
        let rows = self.end(&attempt, reply);
        self.commit(rows);
    }

    pub(super) fn advance(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
        let mut rows = self.ledger.end_hopeless(self.now);
        rows.extend(self.ledger.mind(self.now));
        self.commit(rows);
    }

    /// Only the log survives; answers under way come too late.
    pub(super) fn crash(&mut self) {
        self.under_way.clear();
        self.ledger = ledger(&self.config);
        for row in &self.log {
            self.ledger
                .restore(row.clone(), &record(Topic::Deliveries, 3));
        }
    }

    fn states(&self) -> Vec<&'static str> {
        self.log.iter().map(|row| row.state.name()).collect()
    }

    fn reason(&self) -> &str {
        match &self.log.last().unwrap().state {
            DeliveryState::Failed { reason, .. } => reason,
            other => panic!("{other:?}"),
        }
    }
}

/// A world with one receiver of that kind.
fn one(kind: ReceiverKind) -> World {
    let mut config = config();
    config.receivers.retain(|receiver| receiver.kind == kind);
    for receiver in &mut config.receivers {
        *receiver = ReceiverConfig {
            url: receiver.url.clone(),
            secret: receiver.secret.clone(),
            ..ReceiverConfig::new(kind, "r")
        };
    }
    World::new(config)
}

pub(super) const WECOM_OK: &str = r#"{"errcode":0,"errmsg":"ok"}"#;

#[test]
fn a_repeated_notification_adds_nothing_also_after_a_restart() {
    let mut world = one(ReceiverKind::Wecom);
    world.accept(notification("n1"));
    world.accept(notification("n1"));
    assert_eq!((world.log.len(), world.under_way.len()), (1, 1));
    world.answer(answered(200, WECOM_OK));
    world.accept(notification("n1"));
    world.crash();
    world.accept(notification("n1"));
    assert_eq!(world.states(), ["queued", "delivered"]);
    assert_eq!(world.under_way, []);
}

#[test]
fn a_crash_between_send_and_commit_sends_again_under_the_same_id() {
    for kind in [
        ReceiverKind::Wecom,
        ReceiverKind::Dingtalk,
        ReceiverKind::Webhook,
    ] {
        let mut world = one(kind);
        world.accept(notification("n1"));
        let sent = world.under_way.remove(0);
        let lost = world.end(&sent, answered(200, WECOM_OK));
        assert_eq!(lost.len(), 1);
        world.crash();
        world.advance(0);
        assert_eq!(world.under_way[0].pushes, sent.pushes, "{kind:?}");
        world.answer(answered(200, WECOM_OK));
        assert_eq!(world.states(), ["queued", "delivered"], "{kind:?}");
    }
}

#[test]
fn an_answer_from_before_a_lost_session_is_booked_rather_than_sent_for_again() {
    let mut world = one(ReceiverKind::Wecom);
    world.accept(notification("n1"));
    let sent = world.under_way.remove(0);
    world.ledger.revoke(&[3]);
    for row in &world.log {
        world
            .ledger
            .restore(row.clone(), &record(Topic::Deliveries, 3));
    }
    world.advance(1);
    assert_eq!(world.under_way, [], "the robot has an attempt under way");
    let rows = world.end(&sent, answered(200, WECOM_OK));
    world.commit(rows);
    assert_eq!(world.states(), ["queued", "delivered"]);
    world.advance(3600);
    assert_eq!(world.under_way, []);
}

#[test]
fn a_failing_robot_is_tried_quickly_and_given_up_after_a_day() {
    let mut world = one(ReceiverKind::Wecom);
    world.accept(notification("n1"));
    let mut tries = 0;
    while !world.under_way.is_empty() {
        world.answer(Reply::Unreachable("not reached".to_owned()));
        tries += 1;
        for _ in 0..61 {
            if world.under_way.is_empty() {
                world.advance(1);
            }
        }
    }
    assert!((1_400..3_000).contains(&tries), "{tries}");
    assert_eq!(
        world.reason(),
        format!("not reached; given up after {tries} attempts")
    );
    let early = world.log[4].at.duration_since(world.log[0].at);
    assert!(early <= SignedDuration::from_secs(15), "{early}");
}

#[test]
fn a_failing_webhook_is_given_up_when_its_schedule_ends() {
    let mut world = one(ReceiverKind::Webhook);
    world.accept(notification("n1"));
    let mut tries = 0;
    while !world.under_way.is_empty() {
        world.answer(answered(500, "oops"));
        tries += 1;
        world.advance(30 * 3600);
    }
    assert_eq!(tries, 10);
    assert_eq!(world.reason(), "HTTP 500 oops; given up after 10 attempts");
}

#[test]
fn a_throttled_robot_holds_everything_back_and_loses_nothing() {
    let mut world = one(ReceiverKind::Dingtalk);
    for index in 0..30 {
        world.accept(notification(&format!("n{index}")));
    }
    world.answer(answered(
        200,
        r#"{"errcode":130101,"errmsg":"send too fast"}"#,
    ));
    for _ in 0..599 {
        world.advance(1);
        assert_eq!(world.under_way, []);
    }
    let mut sent = Vec::new();
    for _ in 0..600 {
        world.advance(1);
        while !world.under_way.is_empty() {
            sent.push(world.under_way[0].pushes.len());
            world.answer(answered(200, WECOM_OK));
        }
    }
    assert_eq!(sent.iter().sum::<usize>(), 30, "{sent:?}");
    let delivered = world
        .log
        .iter()
        .filter(|row| row.state.name() == "delivered");
    assert_eq!(delivered.count(), 30);
}

#[test]
fn crises_go_first() {
    let mut world = one(ReceiverKind::Wecom);
    for (index, severity) in [
        Severity::Watch,
        Severity::Watch,
        Severity::Alert,
        Severity::Crisis,
    ]
    .into_iter()
    .enumerate()
    {
        let mut told = notification(&format!("n{index}"));
        told.alert.severity = severity;
        world.accept(told);
    }
    for _ in 0..4 {
        world.answer(answered(200, WECOM_OK));
    }
    let order: Vec<&str> = world
        .log
        .iter()
        .filter(|row| row.state.name() == "delivered")
        .map(|row| row.notification.as_str())
        .collect();
    assert_eq!(
        order,
        ["n0", "n3", "n2", "n1"],
        "the first was under way already"
    );
}

#[test]
fn an_unanswered_push_is_sent_once_more_and_says_so() {
    let mut world = one(ReceiverKind::Wecom);
    world.accept(notification("n1"));
    world.answer(Reply::Unanswered("no answer within 15 s".to_owned()));
    world.crash();
    world.advance(29);
    assert_eq!(world.under_way, []);
    world.advance(1);
    let Payload::Http(request) = &world.under_way[0].payload else {
        panic!("not HTTP");
    };
    let body = String::from_utf8(request.body.clone().unwrap()).unwrap();
    assert!(body.contains("（重发）"), "{body}");
    world.answer(Reply::Unanswered("no answer within 15 s".to_owned()));
    assert_eq!(world.states(), ["queued", "queued", "failed"]);
    assert!(
        world.reason().contains("may have arrived"),
        "{}",
        world.reason()
    );
}

#[test]
fn an_endpoint_that_is_gone_is_not_called_again() {
    let mut world = one(ReceiverKind::Webhook);
    world.accept(notification("n1"));
    world.answer(answered(410, ""));
    world.accept(notification("n2"));
    world.advance(1);
    assert_eq!(world.under_way, []);
    assert_eq!(world.states(), ["queued", "failed", "queued", "failed"]);
}

#[test]
fn pushes_to_a_receiver_that_was_taken_out_fail_and_say_why() {
    let mut world = one(ReceiverKind::Wecom);
    world.accept(notification("n1"));
    world.config.receivers[0].name = "renamed".to_owned();
    world.crash();
    world.advance(1);
    assert_eq!(world.states(), ["queued", "failed"]);
    assert_eq!(world.reason(), "the receiver is not configured any more");
    world.crash();
    world.advance(1);
    assert_eq!(world.log.len(), 2);
}

#[test]
fn a_row_carries_the_trace_of_its_notification() {
    let mut world = one(ReceiverKind::Wecom);
    let cause = record(Topic::Notifications, 0);
    let rows = world
        .ledger
        .accept(notification("n1"), &cause, now())
        .unwrap();
    assert_eq!(rows[0].cause.header("traceparent"), Some(&b"00-a-b-01"[..]));
}

#[test]
fn a_level_is_told_of_what_reaches_it() {
    let world = World::new(config());
    let told = |audience, severity, brand: &str| {
        let mut notification = notification("n1");
        notification.audience = audience;
        notification.alert.severity = severity;
        notification.alert.brand = brand.to_owned();
        let receivers = world.ledger.receivers.iter();
        receivers
            .filter(|receiver| receiver.is_told(&notification))
            .map(|receiver| receiver.config.name.clone())
            .collect::<Vec<_>>()
    };
    let brand = "云岭茶饮";
    assert_eq!(
        told(Escalation::FrontLine, Severity::Alert, brand),
        ["front"]
    );
    assert_eq!(
        told(Escalation::Specialists, Severity::Crisis, brand),
        ["front", "tickets"]
    );
    assert_eq!(
        told(Escalation::Management, Severity::Alert, brand),
        ["front", "management"]
    );
    assert_eq!(
        told(Escalation::FrontLine, Severity::Watch, "另一品牌"),
        ["front", "other"]
    );
}
