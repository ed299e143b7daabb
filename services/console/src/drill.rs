//! A drill is a synthetic crisis that is marked in every record, so that statistics leave it out and nobody takes it for real.
//!
//! Its posts go the way of all feedback, from the first topic on; beside them one signal raises the alert, so that a drill
//! rings whatever the rules in force are.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use wensheng_bus::OutRecord;
use wensheng_runtime::encode;
use wensheng_schemas::{
    Alert, AlertId, Author, Channel, EventId, FeedbackEvent, Provenance, Reach, Sample, Scores,
    SentimentLabel, Severity, Signal, SignalKind, SignalTimes, derived_id,
};

/// What a drill plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drill {
    /// About whom.
    pub brand: String,
    /// About what.
    pub topic: String,
    /// How grave the alert is.
    pub severity: Severity,
    /// Who started it.
    pub actor: String,
}

/// The topics of the scenarios, each with what its customers say. Invented.
const SCENARIOS: &[(&str, &[&str])] = &[
    (
        "food_safety",
        &[
            "喝到一半发现杯底有虫子，打电话没人接",
            "我和同事喝完都拉肚子，已经去医院了",
            "店员说换一杯就行，这是换一杯的事吗",
            "有没有人和我一样，喝完上吐下泻",
            "已经打 12315 了，坐等回复",
        ],
    ),
    (
        "data_leak",
        &[
            "刚注册完会员就接到诈骗电话，对方知道我的订单",
            "我的手机号和地址全被泄露了，谁负责",
            "客服说系统没问题，那骗子怎么知道我买了什么",
            "建议大家都去改密码，这家泄露信息",
        ],
    ),
    (
        "service",
        &[
            "店员当着孩子的面骂人，全程录像了",
            "投诉三天没人理，官方账号还在发广告",
            "排队两小时，轮到我说卖完了，还说爱买不买",
            "这种态度还敢开连锁店",
        ],
    ),
];
const CHANNELS: [Channel; 4] = [
    Channel::Weibo,
    Channel::Wechat,
    Channel::Review,
    Channel::Hotline,
];
/// Posts of a drill: enough to look like the first minutes of a crisis.
const POSTS: usize = 24;

impl Drill {
    /// The scenarios that there are, by topic.
    pub fn topics() -> impl Iterator<Item = &'static str> {
        SCENARIOS.iter().map(|(topic, _)| *topic)
    }

    /// The alert that the drill raises, and the records that raise it. The same drill at the same instant is the same.
    pub fn records(&self, now: Timestamp) -> (AlertId, Vec<OutRecord>) {
        let id = derived_id(&[
            "drill",
            &self.brand,
            &self.topic,
            &self.actor,
            &now.to_string(),
        ]);
        let lines = SCENARIOS
            .iter()
            .find(|(topic, _)| *topic == self.topic)
            .or(SCENARIOS.first())
            .map_or(&[][..], |(_, lines)| *lines);
        let posts: Vec<FeedbackEvent> = lines
            .iter()
            .cycle()
            .take(POSTS)
            .enumerate()
            .map(|(number, text)| self.post(&id, number, text, now))
            .collect();
        let signal = self.signal(&id, &posts, now);
        let alert = AlertId::of(&self.brand, &self.topic, &signal.id);
        let mut records: Vec<OutRecord> = posts.iter().map(|post| encode(post, None)).collect();
        records.push(encode(&signal, None));
        (alert, records)
    }

    fn post(&self, id: &str, number: usize, text: &str, now: Timestamp) -> FeedbackEvent {
        let source = format!("drill-{id}");
        let native_id = number.to_string();
        // The last post is a second old, the first some minutes.
        let age = SignedDuration::from_secs(1 + 10 * (POSTS - number) as i64);
        FeedbackEvent {
            id: EventId::of(&source, &native_id),
            occurred_at: now.saturating_sub(age).unwrap_or(now),
            observed_at: now,
            text: format!("【演练】{text}"),
            author: Some(Author {
                key: derived_id(&[&source, "author", &native_id]),
                followers: Some(100 * (number as u64 + 1)),
            }),
            reach: Some(Reach {
                likes: 3 * number as u64,
                reposts: number as u64,
                comments: 2 * number as u64,
            }),
            channel: CHANNELS[number % CHANNELS.len()],
            brand: self.brand.clone(),
            source,
            native_id,
            revision: 0,
            product: None,
            store: None,
            region: None,
            scores: Scores::default(),
            url: None,
            reply_to: None,
            repost_of: None,
            call: None,
            ratings: Default::default(),
            immutable: false,
            withdrawn: false,
            attributes: BTreeMap::new(),
            provenance: Provenance {
                connector: "drill".to_owned(),
                place: None,
                line: None,
            },
            drill: true,
        }
    }

    fn signal(&self, id: &str, posts: &[FeedbackEvent], now: Timestamp) -> Signal {
        let samples = posts.iter().rev().take(5).map(|post| Sample {
            event: post.id.clone(),
            channel: post.channel,
            occurred_at: post.occurred_at,
            text: post.text.chars().take(Sample::MAX_CHARS).collect(),
            label: SentimentLabel::Negative,
            author: post.author.clone(),
            url: None,
            reactions: post.reach.as_ref().map_or(0, Reach::reactions),
        });
        let first = posts.iter().map(|post| post.occurred_at).min();
        let last = posts.iter().map(|post| post.occurred_at).max();
        Signal {
            id: id.to_owned(),
            kind: SignalKind::Drill {
                actor: self.actor.clone(),
            },
            severity: self.severity,
            brand: self.brand.clone(),
            topic: self.topic.clone(),
            channels: CHANNELS.to_vec(),
            samples: samples.collect(),
            times: SignalTimes {
                first_post_at: first.unwrap_or(now),
                occurred_at: last.unwrap_or(now),
                observed_at: now,
                enriched_at: now,
                detected_at: now,
            },
            drill: true,
        }
    }
}

/// How a team did against the clock, in points of 100.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Score {
    /// 100 where everything was done in time; `None` while nothing was due and nothing done.
    pub points: Option<u32>,
    /// Each deadline, in the order of the process.
    pub deadlines: Vec<Kept>,
}

/// How one deadline was kept.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Kept {
    /// Which.
    pub kind: wensheng_schemas::DeadlineKind,
    /// `in_time`, `late`, `missed` or `running`.
    pub standing: &'static str,
    /// By when (UTC).
    pub due_at: Timestamp,
    /// When it was done (UTC), if it was.
    pub met_at: Option<Timestamp>,
    /// Seconds it took from when its time began.
    pub took_seconds: Option<i64>,
}

impl Score {
    /// Scores the clock of an alert as it stands at `now`: a deadline met in time counts whole, one met late half, one
    /// missed nothing; one that still runs does not count.
    pub fn of(alert: &Alert, now: Timestamp) -> Self {
        let clock = alert.clock.as_ref();
        let deadlines: Vec<Kept> = clock
            .into_iter()
            .flat_map(|clock| clock.deadlines.iter().map(move |d| (clock, d)))
            .map(|(clock, deadline)| {
                let began = deadline.started_at.unwrap_or(clock.started_at);
                let over = !alert.state.is_open()
                    && deadline.kind != wensheng_schemas::DeadlineKind::Review;
                Kept {
                    kind: deadline.kind,
                    standing: match deadline.met_at {
                        Some(met) if met <= deadline.due_at => "in_time",
                        Some(_) => "late",
                        None if deadline.due_at <= now || over => "missed",
                        None => "running",
                    },
                    due_at: deadline.due_at,
                    met_at: deadline.met_at,
                    took_seconds: deadline
                        .met_at
                        .map(|met| met.duration_since(began).as_secs()),
                }
            })
            .collect();
        let worth = |kept: &Kept| match kept.standing {
            "in_time" => Some(100),
            "late" => Some(50),
            "missed" => Some(0),
            _ => None,
        };
        let counted: Vec<u32> = deadlines.iter().filter_map(worth).collect();
        let points = u32::try_from(counted.len())
            .ok()
            .and_then(|number| counted.iter().sum::<u32>().checked_div(number));
        Self { points, deadlines }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_of_a_drill_is_marked_and_a_drill_is_the_same_when_sent_twice() {
        let drill = Drill {
            brand: "青柚茶饮".to_owned(),
            topic: "food_safety".to_owned(),
            severity: Severity::Crisis,
            actor: "周经理".to_owned(),
        };
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24);
        let (alert, records) = drill.records(now);
        assert_eq!(records.len(), POSTS + 1);
        for record in &records {
            let json: serde_json::Value =
                serde_json::from_slice(record.value.as_ref().unwrap()).unwrap();
            assert_eq!(json["drill"], true, "{json}");
        }
        let (again, repeated) = drill.records(now);
        assert_eq!(alert, again);
        assert!(records.iter().zip(&repeated).all(|(a, b)| a.key == b.key));
    }
}
