//! How many pieces of feedback a second the store takes, with their windows and terms:
//! `cargo run --release --example throughput -- [BATCHES] [TERMS A PIECE]`.
//!
//! Batches of 5,000 pieces of 60 characters, of a live stream and of a year of history in random order; on SQLite in a
//! fresh directory, or on the database that `WENSHENG_POSTGRES` names.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use wensheng_schemas::{
    Author, Channel, Counts, Enriched, EventId, FeedbackEvent, Keyword, Provenance, Scores,
    Sentiment, SentimentLabel, TOPIC_ALL, TermCount, Topic, WindowDelta, WindowKey, WindowSize,
};
use wensheng_store::{Entry, PartitionProgress, Store, StoreConfig, WriteBatch};

const BATCH: u64 = 5_000;
const BRANDS: [&str; 5] = ["青山茶饮", "云途出行", "满屋家居", "北辰电器", "安禾超市"];
const TOPICS: [&str; 8] = [
    "waiting_time",
    "service_attitude",
    "price",
    "quality",
    "hygiene",
    "delivery",
    "refund",
    "taste",
];
const WORDS: [&str; 12] = [
    "排队", "客服", "退款", "味道", "包装", "态度", "配送", "价格", "质量", "卫生", "门店", "活动",
];

/// A fixed sequence of numbers, so that runs can be compared (Knuth's MMIX constants).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.next(all.len() as u64) as usize]
    }
}

/// One of a thousand terms; each tenth of them is said half as often as the one before.
fn term(numbers: &mut Numbers) -> String {
    let tenth = numbers.next(1 << 10).leading_zeros() - 54;
    let within = numbers.next(100);
    format!(
        "{}{}{tenth}",
        numbers.of(&WORDS[..2]),
        WORDS[(within % 12) as usize]
    ) + &"好".repeat((within / 12) as usize)
}

fn piece(number: u64, at: Timestamp, terms: u64, numbers: &mut Numbers) -> Enriched {
    let label = numbers.of(&[
        SentimentLabel::Positive,
        SentimentLabel::Neutral,
        SentimentLabel::Negative,
    ]);
    let native_id = format!("{number}");
    let topics = (0..numbers.next(3))
        .map(|_| numbers.of(&TOPICS).to_owned())
        .collect::<std::collections::BTreeSet<_>>();
    Enriched {
        feedback: FeedbackEvent {
            id: EventId::of("measure", &native_id),
            revision: 0,
            source: "measure".to_owned(),
            native_id,
            channel: numbers.of(&[
                Channel::Weibo,
                Channel::Wechat,
                Channel::Hotline,
                Channel::Survey,
            ]),
            brand: numbers.of(&BRANDS).to_owned(),
            product: None,
            store: None,
            region: Some("上海".to_owned()),
            occurred_at: at,
            observed_at: at,
            text: (0..30).map(|_| numbers.of(&WORDS)).collect(),
            author: Some(Author {
                key: format!("a{}", numbers.next(50_000)),
                followers: None,
            }),
            reach: None,
            scores: Scores::default(),
            url: None,
            reply_to: None,
            repost_of: None,
            attributes: BTreeMap::new(),
            call: None,
            provenance: Provenance::default(),
            drill: false,
            ratings: Default::default(),
            immutable: false,
            withdrawn: false,
        },
        enriched_at: at,
        sentiment: Sentiment {
            label,
            score: 0.5,
            confidence: 0.8,
            spans: Vec::new(),
        },
        aspects: Vec::new(),
        intents: Vec::new(),
        topics: topics.into_iter().collect(),
        keywords: (0..5)
            .map(|_| Keyword {
                term: numbers.of(&WORDS).to_owned(),
                weight: 1.0,
            })
            .collect(),
        rules: Vec::new(),
        story: String::new(),
        model_version: "measure".to_owned(),
        urgency: 0,
        emotion: None,
        stage: None,
        rules_version: String::new(),
        terms: (0..terms).map(|_| term(numbers)).collect(),
        replaces: None,
    }
}

/// What `aggregate` makes of a batch.
fn deltas(pieces: &[Enriched], zone: &TimeZone) -> Vec<WindowDelta> {
    let mut folded: BTreeMap<WindowKey, WindowDelta> = BTreeMap::new();
    for piece in pieces {
        let feedback = &piece.feedback;
        let topics = std::iter::once(TOPIC_ALL).chain(piece.topics.iter().map(String::as_str));
        for topic in topics {
            for size in WindowSize::ALL {
                let Some(start) = size.start(feedback.occurred_at, zone) else {
                    continue;
                };
                let key = WindowKey {
                    size,
                    start,
                    brand: feedback.brand.clone(),
                    channel: feedback.channel,
                    topic: topic.to_owned(),
                };
                let delta = folded.entry(key.clone()).or_insert_with(|| WindowDelta {
                    key,
                    counts: Counts::default(),
                    authors: Default::default(),
                    keywords: Default::default(),
                    terms: Vec::new(),
                    ratings: Vec::new(),
                    aggregated_at: feedback.occurred_at,
                });
                delta.counts.volume += 1;
                if let Some(author) = &feedback.author {
                    delta.authors.insert(&author.key);
                }
                for keyword in &piece.keywords {
                    delta.keywords.add(&keyword.term, 1);
                }
                if topic == TOPIC_ALL && size != WindowSize::Minute {
                    for term in &piece.terms {
                        let place = delta.terms.binary_search_by(|t| t.term.cmp(term));
                        let place = place.unwrap_or_else(|place| {
                            let fresh = TermCount {
                                term: term.clone(),
                                count: 0,
                                negative: 0,
                            };
                            delta.terms.insert(place, fresh);
                            place
                        });
                        delta.terms[place].count += 1;
                    }
                }
            }
        }
    }
    folded.into_values().collect()
}

fn entries<T>(values: Vec<T>, next: &mut u64) -> Vec<Entry<T>> {
    values
        .into_iter()
        .map(|value| {
            *next += 1;
            Entry {
                partition: 0,
                offset: *next - 1,
                value,
            }
        })
        .collect()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let config = match std::env::var("WENSHENG_POSTGRES") {
        Ok(url) => StoreConfig::at(url),
        Err(_) => StoreConfig::default(),
    };
    let store = Store::open(&config, directory.path()).await?;
    let zone = TimeZone::get("Asia/Shanghai")?;
    let begin: Timestamp = "2026-03-01T00:00:00Z".parse()?;
    let batches: u64 = std::env::args().nth(1).map_or(Ok(40), |n| n.parse())?;
    let terms: u64 = std::env::args().nth(2).map_or(Ok(8), |n| n.parse())?;
    for (name, spread_seconds) in [("live", 0), ("history", 365 * 86_400)] {
        let writer = store.writer(format!("measure-{name}-{}", Timestamp::now()));
        let mut numbers = Numbers(7);
        let (mut feedback_at, mut delta_at, mut windows) = (0, 0, 0);
        let mut spent = std::time::Duration::ZERO;
        for batch in 0..batches {
            let pieces: Vec<Enriched> = (0..BATCH)
                .map(|i| {
                    let number = batch * BATCH + i;
                    // A live stream: 5,000 a second.
                    let seconds = match spread_seconds {
                        0 => number / BATCH,
                        spread => numbers.next(spread),
                    };
                    let at = Timestamp::from_second(begin.as_second() + seconds as i64)?;
                    Ok(piece(
                        number + spread_seconds * 1_000,
                        at,
                        terms,
                        &mut numbers,
                    ))
                })
                .collect::<Result<_, jiff::Error>>()?;
            let deltas = deltas(&pieces, &zone);
            let batch = WriteBatch {
                enriched: entries(pieces, &mut feedback_at),
                deltas: entries(deltas, &mut delta_at),
                progress: vec![
                    PartitionProgress {
                        topic: Topic::Enriched.name().to_owned(),
                        partition: 0,
                        next_offset: feedback_at,
                    },
                    PartitionProgress {
                        topic: Topic::Aggregates.name().to_owned(),
                        partition: 0,
                        next_offset: delta_at,
                    },
                ],
                ..WriteBatch::default()
            };
            let started = Instant::now();
            windows += writer.apply(&batch, begin).await?.written.windows;
            spent += started.elapsed();
        }
        let seconds = spent.as_secs_f64();
        println!(
            "{name}: {} pieces, {windows} window rows in {seconds:.2} s: {:.0} pieces/s, {:.0} window rows/s",
            batches * BATCH,
            (batches * BATCH) as f64 / seconds,
            windows as f64 / seconds
        );
    }
    store.close().await;
    Ok(())
}
