//! Invented alerts at every stage of their life, with their pushes.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::{
    Actor, Alert, AlertId, AlertState, AlertTimes, Channel, Deadline, DeadlineKind, Delivery,
    DeliveryState, Escalation, Notification, NotificationKind, ResponseClock, Sample,
    SentimentLabel, Severity, SignalTimes, TimelineEntry, TimelineEvent,
};

use crate::seed::{BRAND, earlier, voice};

/// What an alert is about, and how far it has come.
pub(crate) struct Story {
    pub(crate) title: &'static str,
    pub(crate) brand: &'static str,
    pub(crate) topic: &'static str,
    pub(crate) severity: Severity,
    pub(crate) minutes_ago: i64,
    pub(crate) acknowledged: bool,
    pub(crate) resolved: bool,
}

pub(crate) fn alert(story: &Story, now: Timestamp) -> Alert {
    let raised_at = earlier(now, story.minutes_ago * 60);
    let minutes = |n| raised_at + SignedDuration::from_mins(n);
    let by = Actor("王芳".to_owned());
    let system = |at, event| TimelineEntry {
        at,
        actor: Actor::system(),
        event,
        note: String::new(),
        command: None,
    };
    let person = |at, event, note: &str| TimelineEntry {
        at,
        actor: by.clone(),
        event,
        note: note.to_owned(),
        command: None,
    };
    let mut timeline = vec![system(
        raised_at,
        TimelineEvent::Raised {
            signal: "s".to_owned(),
            kind: "rule_hit".to_owned(),
        },
    )];
    let overdue = !story.acknowledged && story.minutes_ago > 15;
    if overdue {
        timeline.push(system(
            minutes(15),
            TimelineEvent::Breached {
                deadline: DeadlineKind::Acknowledge,
            },
        ));
        timeline.push(system(
            minutes(15),
            TimelineEvent::Escalated {
                to: Escalation::Specialists,
            },
        ));
    }
    if story.acknowledged {
        timeline.push(person(
            minutes(4),
            TimelineEvent::Acknowledged,
            "已联系门店核实情况",
        ));
    }
    if story.resolved {
        timeline.push(person(minutes(22), TimelineEvent::Responded, "已发布说明"));
        timeline.push(person(
            minutes(41),
            TimelineEvent::Resolved,
            "顾客已接受道歉",
        ));
    }
    let state = match (story.resolved, story.acknowledged) {
        (true, _) => AlertState::Resolved {
            by: by.clone(),
            at: minutes(41),
        },
        (false, true) => AlertState::Acknowledged {
            by: by.clone(),
            at: minutes(4),
        },
        (false, false) => AlertState::Raised,
    };
    let deadline = |kind, after, met_at: Option<Timestamp>, breached: bool| Deadline {
        kind,
        due_at: minutes(after),
        met_at,
        breached_at: breached.then(|| minutes(after)),
        nudged: if breached { vec![50, 75, 90] } else { vec![] },
        started_at: None,
        reminders: Vec::new(),
    };
    let samples: Vec<Sample> = (0..60)
        .map(|n| voice(n, raised_at, 30 + n as i64))
        .filter(|row| {
            row.sentiment.label == SentimentLabel::Negative && row.feedback.brand == story.brand
        })
        .take(3)
        .map(|row| Sample::of(&row))
        .collect();
    Alert {
        id: AlertId::of(story.brand, story.topic, story.title),
        revision: timeline.len() as u32,
        brand: story.brand.to_owned(),
        topic: story.topic.to_owned(),
        topic_name: String::new(),
        title: story.title.to_owned(),
        severity: story.severity,
        state,
        clock: (story.severity > Severity::Watch).then(|| ResponseClock {
            started_at: raised_at,
            deadlines: vec![
                deadline(
                    DeadlineKind::Acknowledge,
                    15,
                    story.acknowledged.then(|| minutes(4)),
                    overdue,
                ),
                deadline(
                    DeadlineKind::Respond,
                    60,
                    story.resolved.then(|| minutes(22)),
                    false,
                ),
            ],
            escalation: if overdue {
                Escalation::Specialists
            } else {
                Escalation::FrontLine
            },
            paused: None,
            paused_seconds: 0,
        }),
        signals: 7,
        causes: BTreeMap::from([("食品异物".to_owned(), 5), ("burst".to_owned(), 2)]),
        channels: vec![Channel::Weibo, Channel::Wechat, Channel::Hotline],
        samples,
        times: AlertTimes {
            signal: SignalTimes {
                first_post_at: earlier(raised_at, 250),
                occurred_at: raised_at - SignedDuration::from_millis(1_900),
                observed_at: raised_at - SignedDuration::from_millis(640),
                enriched_at: raised_at - SignedDuration::from_millis(410),
                detected_at: raised_at - SignedDuration::from_millis(180),
            },
            raised_at,
            updated_at: raised_at,
        },
        last_signal_at: raised_at,
        timeline,
        chain: Default::default(),
        handling: Default::default(),
        spread: Default::default(),
        brand_wide: false,
        drill: false,
    }
}

pub(crate) fn deliveries(alert: &Alert, now: Timestamp) -> Vec<Delivery> {
    let at = alert.times.raised_at + SignedDuration::from_millis(350);
    let notification = Notification {
        id: format!("n-{}", alert.id),
        kind: NotificationKind::Raised,
        audience: Escalation::FrontLine,
        on_call: Vec::new(),
        alert: alert.clone(),
        decided_at: alert.times.raised_at,
    };
    let states = [
        (
            "公关值班群",
            "wecom",
            DeliveryState::Delivered {
                delivered_at: at,
                answer: "errcode 0: ok".to_owned(),
            },
        ),
        (
            "客服主管群",
            "dingtalk",
            DeliveryState::Failed {
                failed_at: at,
                reason: "errcode 310000: sign not match; check the robot's secret".to_owned(),
            },
        ),
        (
            "舆情中台",
            "webhook",
            DeliveryState::Queued {
                next_attempt_at: now + SignedDuration::from_secs(20),
                notification: Box::new(notification),
                last_answer: "HTTP 503".to_owned(),
            },
        ),
    ];
    states
        .into_iter()
        .map(|(receiver, provider, state)| Delivery {
            id: format!("{}-{receiver}", alert.id),
            notification: format!("n-{}", alert.id),
            kind: "raised".to_owned(),
            alert: alert.id.clone(),
            alert_revision: 1,
            brand: alert.brand.clone(),
            receiver: receiver.to_owned(),
            provider: provider.to_owned(),
            instead_of: None,
            attempts: 1,
            observed_at: alert.times.signal.observed_at,
            at,
            state,
        })
        .collect()
}

pub(crate) fn stories() -> [Story; 5] {
    [
        Story {
            title: "云雀咖啡：多名顾客反映蛋糕中有异物，微博讨论快速升温",
            brand: BRAND,
            topic: "hygiene",
            severity: Severity::Crisis,
            minutes_ago: 3,
            acknowledged: false,
            resolved: false,
        },
        Story {
            title: "迅达快送：签收未收到的投诉占比过半",
            brand: "迅达快送",
            topic: "logistics",
            severity: Severity::Alert,
            minutes_ago: 19,
            acknowledged: false,
            resolved: false,
        },
        Story {
            title: "青禾酒店：卫生差评突增",
            brand: "青禾酒店",
            topic: "hygiene",
            severity: Severity::Alert,
            minutes_ago: 34,
            acknowledged: true,
            resolved: false,
        },
        Story {
            title: "云雀咖啡：「第二杯半价」被质疑虚假宣传",
            brand: BRAND,
            topic: "promotion",
            severity: Severity::Watch,
            minutes_ago: 12,
            acknowledged: false,
            resolved: false,
        },
        Story {
            title: "青禾酒店：前台服务态度投诉",
            brand: "青禾酒店",
            topic: "service_attitude",
            severity: Severity::Alert,
            minutes_ago: 150,
            acknowledged: true,
            resolved: true,
        },
    ]
}
