//! Detection on one core: what a post costs with all rules, caches and series, and what a series holds.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use wensheng_aggregate::{Config, Detection};
use wensheng_schemas::{
    Author, Channel, Enriched, EventId, FeedbackEvent, Provenance, Scores, Sentiment,
    SentimentLabel,
};

use super::report::Report;

/// Posts of a round: some days of eight brands that hear two posts a minute each.
const POSTS: u64 = 200_000;
const BRANDS: u64 = 8;
const TOPICS: u64 = 6;
/// The best of so many rounds counts.
const ROUNDS: usize = 3;

/// Measures.
pub(crate) fn measure(report: &mut Report) -> Result<()> {
    let start: Timestamp = "2026-03-01T00:00:00Z".parse().context("read the start")?;
    let posts: Vec<Enriched> = (0..POSTS).map(|n| post(n, start)).collect();
    let look_up = look_up(&posts);
    report.add("detection: a look-up of an author", look_up, "ns/post");
    for (name, detector) in [
        ("volume rules", false),
        ("volume rules and joint detector", true),
    ] {
        let mut config = Config::default();
        config.detector.enabled = detector;
        let mut best = f64::INFINITY;
        for _ in 0..ROUNDS {
            let mut detection = Detection::new(&config)?;
            let begun = Instant::now();
            for post in &posts {
                std::hint::black_box(detection.hear(0, post, post.enriched_at));
            }
            best = best.min(begun.elapsed().as_secs_f64() * 1e9 / POSTS as f64);
        }
        report.add_beside(
            format!("detection: {name}"),
            best,
            "ns/post",
            "a look-up",
            look_up,
        );
    }
    report.add(
        "detection: joint detector, a series",
        Detection::BYTES_A_SERIES as f64,
        "B",
    );
    Ok(())
}

/// The least that detection could cost, to which it is told in proportion because machines differ: one look-up of each
/// post's author among those heard, by name.
fn look_up(posts: &[Enriched]) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let mut heard: HashMap<&str, Timestamp> = HashMap::new();
        let begun = Instant::now();
        for post in posts {
            if let Some(author) = &post.feedback.author {
                std::hint::black_box(heard.insert(&author.key, post.enriched_at));
            }
        }
        best = best.min(begun.elapsed().as_secs_f64() * 1e9 / POSTS as f64);
    }
    best
}

fn post(number: u64, start: Timestamp) -> Enriched {
    // The finaliser of splitmix64: the same posts in every run, in no pattern.
    let mut dice = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    dice = (dice ^ dice >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    dice = (dice ^ dice >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    dice ^= dice >> 31;
    let at = start + SignedDuration::from_millis((number * 3_750) as i64);
    let label = if dice.is_multiple_of(5) {
        SentimentLabel::Negative
    } else {
        SentimentLabel::Neutral
    };
    Enriched {
        feedback: FeedbackEvent {
            id: EventId::of("bench", &number.to_string()),
            revision: 0,
            source: "bench".to_owned(),
            native_id: number.to_string(),
            channel: Channel::Weibo,
            brand: format!("brand-{}", dice % BRANDS),
            product: None,
            store: None,
            region: None,
            occurred_at: at,
            observed_at: at,
            text: "排队一小时，店员还很不耐烦".to_owned(),
            author: Some(Author {
                key: format!("author-{}", dice % 100_000),
                followers: Some(dice % 5_000),
            }),
            reach: None,
            scores: Scores::default(),
            url: None,
            reply_to: None,
            repost_of: None,
            attributes: BTreeMap::new(),
            provenance: Provenance::default(),
            drill: false,
            call: None,
            ratings: Default::default(),
            immutable: true,
            withdrawn: false,
        },
        enriched_at: at,
        sentiment: Sentiment {
            label,
            score: 0.0,
            confidence: 1.0,
            spans: Vec::new(),
        },
        aspects: Vec::new(),
        topics: vec![format!("topic-{}", dice / BRANDS % TOPICS)],
        intents: Vec::new(),
        keywords: Vec::new(),
        rules: Vec::new(),
        // Three in four tell a story of their own.
        story: format!(
            "{:016x}",
            if dice.is_multiple_of(4) {
                dice % 64 + 1
            } else {
                dice | 1
            }
        ),
        model_version: String::new(),
        urgency: 0,
        emotion: None,
        stage: None,
        rules_version: String::new(),
        terms: Vec::new(),
        replaces: None,
    }
}
