//! Invented feedback about invented brands, written to the store as `publish` does.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::{
    Alert, AspectMention, Author, Channel, Correction, Counts, DeadLetter, Distinct, Enriched,
    EventId, FeedbackEvent, Keyword, Origin, Provenance, Rating, RatingCount, RatingSum, RuleHit,
    Scores, Sentiment, SentimentLabel, Severity, Signal, Span, TOPIC_ALL, TermCount, TermRank,
    WindowDelta, WindowKey, WindowSize,
};
use wensheng_store::{Entry, Store, WriteBatch};

use crate::stories::{alert, deliveries, stories};

pub(crate) const BRAND: &str = "云雀咖啡";
const BRANDS: [&str; 3] = [BRAND, "青禾酒店", "迅达快送"];

/// Text, sentiment, words that made it (with their weight), aspect, keywords.
type Voice = (
    &'static str,
    SentimentLabel,
    &'static [(&'static str, f32)],
    &'static str,
    &'static [&'static str],
);

use SentimentLabel::{Negative, Neutral, Positive};

const VOICES: [Voice; 12] = [
    (
        "排队快一个小时才拿到咖啡，店员态度还特别差，一脸不耐烦，以后不会再来了。",
        Negative,
        &[
            ("态度还特别差", -0.62),
            ("不耐烦", -0.41),
            ("不会再来", -0.38),
        ],
        "service_attitude",
        &["排队", "店员", "态度"],
    ),
    (
        "燕麦拿铁真的好喝，奶泡很绵密，早上来一杯一整天都精神！",
        Positive,
        &[("真的好喝", 0.58), ("绵密", 0.3)],
        "taste",
        &["燕麦拿铁", "奶泡"],
    ),
    (
        "杯盖没有盖紧，一路洒到家，打客服电话一直占线，退款申请了三天没有人处理。",
        Negative,
        &[("没有盖紧", -0.35), ("没有人处理", -0.5)],
        "after_sales",
        &["杯盖", "客服", "退款"],
    ),
    (
        "请问周末营业到几点？可以提前在小程序上下单吗？",
        Neutral,
        &[],
        "app",
        &["营业", "小程序"],
    ),
    (
        "房间干净，前台小姐姐特别热情，还帮忙免费升级了房型，下次还住这里👍",
        Positive,
        &[("干净", 0.35), ("特别热情", 0.55)],
        "service_attitude",
        &["房间", "前台", "升级"],
    ),
    (
        "床单上有头发，卫生间有异味，反映了两次都没人来打扫，卫生太差了！",
        Negative,
        &[("有异味", -0.45), ("卫生太差", -0.66)],
        "hygiene",
        &["床单", "异味", "卫生"],
    ),
    (
        "快递显示已签收，可是我根本没有收到，打电话给骑手也不接。",
        Negative,
        &[("没有收到", -0.48), ("也不接", -0.3)],
        "logistics",
        &["签收", "骑手"],
    ),
    (
        "送得挺快的，包装也很完整，就是价格比别家贵一点。",
        Neutral,
        &[("挺快", 0.3), ("贵一点", -0.22)],
        "price",
        &["包装", "价格"],
    ),
    (
        "客服响应很及时，十分钟就把问题解决了，点赞。",
        Positive,
        &[("很及时", 0.46), ("点赞", 0.4)],
        "after_sales",
        &["客服", "响应"],
    ),
    (
        "蛋糕吃到一半发现有异物，联系门店说要核实，两天了没有下文，太让人失望。",
        Negative,
        &[("有异物", -0.6), ("失望", -0.52)],
        "hygiene",
        &["蛋糕", "异物", "门店"],
    ),
    (
        "活动页面写着第二杯半价，到店说名额已满，这不是虚假宣传吗？",
        Negative,
        &[("虚假宣传", -0.63)],
        "promotion",
        &["第二杯半价", "虚假宣传"],
    ),
    (
        "已收到发票，谢谢。",
        Neutral,
        &[("谢谢", 0.2)],
        "billing",
        &["发票"],
    ),
];

const CHANNELS: [Channel; 6] = [
    Channel::Weibo,
    Channel::Wechat,
    Channel::Hotline,
    Channel::Survey,
    Channel::Review,
    Channel::Weibo,
];

pub(crate) fn earlier(now: Timestamp, seconds: i64) -> Timestamp {
    now - SignedDuration::from_secs(seconds)
}

fn span(text: &str, (words, weight): (&str, f32)) -> Option<Span> {
    let start = text[..text.find(words)?].chars().count();
    Some(Span {
        start: start as u32,
        end: (start + words.chars().count()) as u32,
        text: words.to_owned(),
        weight,
        scope: String::new(),
    })
}

/// The `number`th voice, said `seconds` before `now`.
pub(crate) fn voice(number: usize, now: Timestamp, seconds: i64) -> Enriched {
    let (text, label, words, aspect, keywords) = VOICES[number % VOICES.len()];
    let occurred_at = earlier(now, seconds);
    let spans: Vec<Span> = words.iter().filter_map(|word| span(text, *word)).collect();
    let score = spans
        .iter()
        .map(|span| span.weight)
        .sum::<f32>()
        .clamp(-1.0, 1.0);
    let channel = CHANNELS[(number / 5 + number) % CHANNELS.len()];
    let scores = match channel {
        Channel::Survey => Scores {
            nps: Some(if label == Negative {
                3
            } else {
                8 + (number % 3) as u8
            }),
            csat: Some(if label == Negative { 2 } else { 5 }),
            ces: Some(3 + (number % 5) as u8),
        },
        _ => Scores::default(),
    };
    let rules = if text.contains("异物") {
        vec![RuleHit {
            rule: "food-foreign-object".to_owned(),
            name: "食品异物".to_owned(),
            severity: Severity::Crisis,
            topic: "hygiene".to_owned(),
            terms: vec!["异物".to_owned()],
        }]
    } else {
        Vec::new()
    };
    Enriched {
        feedback: FeedbackEvent {
            id: EventId::of("seed", &format!("{number}-{seconds}")),
            revision: 0,
            source: "seed".to_owned(),
            native_id: format!("{number}-{seconds}"),
            channel,
            brand: BRANDS[number * 7 / 3 % BRANDS.len()].to_owned(),
            product: (channel == Channel::Survey)
                .then(|| ["燕麦拿铁", "冷萃"][number / 8 % 2].to_owned()),
            store: (number.is_multiple_of(4)).then(|| "静安寺店".to_owned()),
            region: (number.is_multiple_of(3)).then(|| "上海".to_owned()),
            occurred_at,
            observed_at: occurred_at + SignedDuration::from_millis(420),
            text: text.to_owned(),
            author: Some(Author {
                key: format!("author-{}", number % 61),
                followers: Some(120 * number as u64),
            }),
            reach: None,
            scores,
            url: (channel == Channel::Weibo).then(|| "https://weibo.example/status/1".to_owned()),
            reply_to: None,
            repost_of: None,
            attributes: BTreeMap::new(),
            call: None,
            provenance: Provenance {
                connector: "demo".to_owned(),
                place: None,
                line: None,
            },
            drill: false,
            ratings: match channel {
                Channel::Survey => {
                    let value = if label == Negative { 2.0 } else { 4.0 } + (number % 2) as f64;
                    let of = |value, to| Rating { value, from: 1, to };
                    [
                        ("门店环境".to_owned(), of(value, 5)),
                        ("配送速度".to_owned(), of(value * 2.0 - 1.0, 10)),
                    ]
                    .into()
                }
                _ => BTreeMap::new(),
            },
            immutable: false,
            withdrawn: false,
        },
        enriched_at: occurred_at + SignedDuration::from_millis(560),
        sentiment: Sentiment {
            label,
            score,
            confidence: 0.9,
            spans,
        },
        aspects: vec![AspectMention {
            aspect: aspect.to_owned(),
            term: keywords[0].to_owned(),
            polarity: label,
        }],
        topics: vec![aspect.to_owned()],
        intents: if label == Negative {
            vec!["complaint".to_owned()]
        } else {
            Vec::new()
        },
        keywords: keywords
            .iter()
            .map(|term| Keyword {
                term: (*term).to_owned(),
                weight: 1.0,
            })
            .collect(),
        rules,
        story: String::new(),
        model_version: "seed".to_owned(),
        urgency: 0,
        emotion: None,
        stage: None,
        rules_version: String::new(),
        terms: text
            .contains("有异物")
            .then_some("发现有异物")
            .into_iter()
            .chain(keywords.iter().copied())
            .map(str::to_owned)
            .collect(),
        replaces: None,
    }
}

/// What a piece of feedback adds to its windows.
pub(crate) fn deltas(row: &Enriched) -> Vec<WindowDelta> {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let is = |label| i64::from(row.sentiment.label == label);
    let mut counts = Counts {
        volume: 1,
        positive: is(Positive),
        neutral: is(Neutral),
        negative: is(Negative),
        score_sum: (row.sentiment.score * 10_000.0) as i64,
        ..Counts::default()
    };
    if let Some(nps) = row.feedback.scores.nps {
        counts.nps_promoters = i64::from(nps >= 9);
        counts.nps_passives = i64::from((7..9).contains(&nps));
        counts.nps_detractors = i64::from(nps < 7);
    }
    if let Some(csat) = row.feedback.scores.csat {
        counts.csat_count = 1;
        counts.csat_satisfied = i64::from(csat >= 4);
        counts.csat_sum = i64::from(csat);
    }
    if let Some(ces) = row.feedback.scores.ces {
        counts.ces_count = 1;
        counts.ces_sum = i64::from(ces);
    }
    let mut authors = Distinct::default();
    authors.insert(&row.feedback.author.as_ref().unwrap().key);
    let mut keywords = TermRank::default();
    for keyword in &row.keywords {
        keywords.add(&keyword.term, 1);
    }
    let negative = is(Negative);
    let terms = row.terms.iter().map(|term| TermCount {
        term: term.clone(),
        count: 1,
        negative,
    });
    let terms: Vec<TermCount> = terms.collect();
    let further = row.feedback.ratings.iter();
    let further = further.map(|(question, rating)| (question.as_str(), *rating));
    let scores = row.feedback.scores.ratings().map(|(q, r)| (q as &str, r));
    let ratings: Vec<RatingCount> = scores
        .chain(further)
        .map(|(question, rating)| RatingCount {
            product: row.feedback.product.clone(),
            question: question.to_owned(),
            from: rating.from,
            to: rating.to,
            sum: RatingSum::of(&rating).unwrap(),
        })
        .collect();
    let mut deltas = Vec::new();
    for size in WindowSize::ALL {
        for topic in [TOPIC_ALL]
            .into_iter()
            .chain(row.topics.iter().map(String::as_str))
        {
            let named = topic == TOPIC_ALL && size != WindowSize::Minute;
            deltas.push(WindowDelta {
                key: WindowKey {
                    size,
                    start: size.start(row.feedback.occurred_at, &zone).unwrap(),
                    brand: row.feedback.brand.clone(),
                    channel: row.feedback.channel,
                    topic: topic.to_owned(),
                },
                counts,
                authors: authors.clone(),
                keywords: keywords.clone(),
                terms: terms.iter().filter(|_| named).cloned().collect(),
                ratings: ratings.iter().filter(|_| named).cloned().collect(),
                aggregated_at: row.enriched_at,
            });
        }
    }
    deltas
}

/// Writes rows as `publish` does.
pub(crate) struct Seeder {
    store: Store,
    offset: u64,
}

impl Seeder {
    pub(crate) fn new(store: &Store) -> Self {
        Self {
            store: store.clone(),
            offset: 0,
        }
    }

    fn entry<T>(&mut self, value: T) -> Entry<T> {
        self.offset += 1;
        Entry {
            partition: 0,
            offset: self.offset,
            value,
        }
    }

    pub(crate) async fn feedback(&mut self, rows: Vec<Enriched>) {
        let mut batch = WriteBatch::default();
        for row in rows {
            for delta in deltas(&row) {
                batch.deltas.push(self.entry(delta));
            }
            batch.enriched.push(self.entry(row));
        }
        self.apply(batch).await;
    }

    /// What was counted of the brand in each of the `hours` before the last one but one: words that are always said.
    pub(crate) async fn past(&mut self, now: Timestamp, hours: i64) {
        let mut batch = WriteBatch::default();
        for hour in 2..hours {
            let mut row = voice(0, now, hour * 3_600);
            row.terms = Vec::new();
            let deltas = deltas(&row);
            let hour = deltas
                .into_iter()
                .find(|d| d.key.size == WindowSize::Hour && d.key.topic == TOPIC_ALL);
            let mut delta = hour.unwrap();
            delta.counts.volume = 60;
            delta.counts.negative = 20;
            let usual = [
                ("排队", 6),
                ("店员", 6),
                ("态度", 6),
                ("客服", 9),
                ("退款", 5),
            ];
            delta.terms = usual
                .map(|(term, count)| TermCount {
                    term: term.to_owned(),
                    count,
                    negative: count / 2,
                })
                .to_vec();
            batch.deltas.push(self.entry(delta));
        }
        self.apply(batch).await;
    }

    pub(crate) async fn alert(&mut self, alert: Alert) {
        let mut batch = WriteBatch::default();
        batch.alerts.push(self.entry(alert));
        self.apply(batch).await;
    }

    pub(crate) async fn corrections(&mut self, corrections: Vec<Correction>) {
        let mut batch = WriteBatch::default();
        for correction in corrections {
            batch.corrections.push(self.entry(correction));
        }
        self.apply(batch).await;
    }

    pub(crate) async fn rise(&mut self, rise: Signal) {
        let mut batch = WriteBatch::default();
        batch.rises.push(self.entry(rise));
        self.apply(batch).await;
    }

    async fn apply(&self, batch: WriteBatch) {
        let writer = self.store.writer("seed");
        writer.apply(&batch, Timestamp::now()).await.unwrap();
    }

    /// Everything that the page shows.
    pub(crate) async fn everything(&mut self, now: Timestamp) -> Vec<Alert> {
        let rows = (0..420)
            .map(|n| {
                let minute = (n * 37 % 60) as i64;
                voice(
                    n,
                    now,
                    2 + minute * 50 + (n % 50) as i64 * (1 + minute / 20),
                )
            })
            .collect();
        self.feedback(rows).await;
        let alerts: Vec<Alert> = stories().iter().map(|story| alert(story, now)).collect();
        let mut batch = WriteBatch::default();
        for alert in &alerts {
            batch.alerts.push(self.entry(alert.clone()));
            for delivery in deliveries(alert, now) {
                batch.deliveries.push(self.entry(delivery));
            }
        }
        for line in [118, 2_047] {
            batch.dead_letters.push(self.entry(dead_letter(line, now)));
        }
        self.apply(batch).await;
        alerts
    }
}

fn dead_letter(line: u64, now: Timestamp) -> DeadLetter {
    DeadLetter {
        id: format!("dead-{line}"),
        origin: Origin::Source {
            source: "reviews".to_owned(),
            place: "input/reviews-2026-03.csv".to_owned(),
            line: Some(line),
        },
        stage: "connect".to_owned(),
        reason: "column `occurred_at`: \"昨天\" is not a date; give it as 2026-03-01 09:30:00"
            .to_owned(),
        key: String::new(),
        payload: Some("a81,云雀咖啡,昨天,味道一般".to_owned()),
        payload_base64: None,
        at: earlier(now, 300),
    }
}
