//! History becomes the records that detection reads in production, in the order in which it was observed.
//!
//! A line is an enriched record, a piece of feedback (which is analysed first), or a post that was understood already
//! (`negative`, `severe`, `story` beside the who and when). Lines that are none of these are told with their number.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, stdin};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use serde::Deserialize;
use wensheng_bus::TopicPartition;
use wensheng_schemas::Topic;
use wensheng_schemas::{
    Author, Channel, Enriched, EventId, FeedbackEvent, Provenance, RuleHit, Scores, Sentiment,
    SentimentLabel, Severity,
};
use wensheng_store::{FeedbackFilter, Store};
use wensheng_text::Analyzer;
use xxhash_rust::xxh3::xxh3_64;

use crate::cli::BacktestArgs;
use crate::config::Config;
use crate::service;

/// At most so many wrong lines are told one by one.
const TOLD: usize = 20;

/// The lines of a history, in the order in which they were observed.
pub(crate) struct History {
    lines: Vec<Line>,
    /// How many lines were wrong.
    pub(crate) wrong: u64,
}

struct Line {
    /// From 1.
    number: usize,
    observed_at: Timestamp,
    json: String,
}

/// The part of a line that orders it.
#[derive(Deserialize)]
struct Times {
    #[serde(default)]
    observed_at: Option<Timestamp>,
    #[serde(default)]
    occurred_at: Option<Timestamp>,
    #[serde(default)]
    feedback: Option<Box<Times>>,
}

/// A post that was understood already.
#[derive(Deserialize)]
struct Post {
    id: String,
    occurred_at: Timestamp,
    observed_at: Timestamp,
    brand: String,
    #[serde(default)]
    topic: String,
    channel: Channel,
    #[serde(default)]
    author: Option<String>,
    /// Followers.
    #[serde(default)]
    reach: u64,
    negative: bool,
    #[serde(default)]
    severe: bool,
    #[serde(default)]
    story: String,
}

/// How a line is read.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) analyzer: &'a Analyzer,
    /// As though each piece had been observed when it was said.
    pub(crate) as_said: bool,
}

/// Opens a file, or standard input for `-`; gzip is told by its first bytes.
pub(crate) fn open(path: &Path) -> Result<Box<dyn BufRead>> {
    let raw: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(stdin())
    } else {
        Box::new(File::open(path).with_context(|| format!("open {}", path.display()))?)
    };
    let mut buffered = BufReader::with_capacity(1 << 16, raw);
    let head = buffered
        .fill_buf()
        .with_context(|| format!("read {}", path.display()))?;
    Ok(if head.starts_with(&[0x1f, 0x8b]) {
        Box::new(BufReader::with_capacity(
            1 << 16,
            MultiGzDecoder::new(buffered),
        ))
    } else {
        Box::new(buffered)
    })
}

impl History {
    /// Reads all lines.
    pub(crate) fn read(path: &Path, as_said: bool) -> Result<Self> {
        let mut lines = Vec::new();
        let mut wrong = Wrong::default();
        for (number, line) in open(path)?.lines().enumerate() {
            let json =
                line.with_context(|| format!("read line {} of {}", number + 1, path.display()))?;
            if json.trim().is_empty() {
                continue;
            }
            match observed_at(&json, as_said) {
                Ok(observed_at) => lines.push(Line {
                    number: number + 1,
                    observed_at,
                    json,
                }),
                Err(error) => wrong.tell(number + 1, &error),
            }
        }
        Ok(Self::of(lines, wrong.count))
    }

    /// The records of a bus or store.
    pub(crate) fn of_records(records: &[Enriched], as_said: bool) -> Result<Self> {
        let lines = records
            .iter()
            .enumerate()
            .map(|(number, piece)| {
                let feedback = &piece.feedback;
                Ok(Line {
                    number: number + 1,
                    observed_at: if as_said {
                        feedback.occurred_at
                    } else {
                        feedback.observed_at
                    },
                    json: serde_json::to_string(piece)?,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self::of(lines, 0))
    }

    fn of(mut lines: Vec<Line>, wrong: u64) -> Self {
        // Stable: what was observed at the same instant stays in the order of the file.
        lines.sort_by_key(|line| line.observed_at);
        Self { lines, wrong }
    }

    /// Visits each piece, in order.
    pub(crate) fn each(&mut self, reading: &Reading<'_>, mut visit: impl FnMut(Enriched)) {
        let mut wrong = Wrong::default();
        for line in &self.lines {
            match piece(&line.json, reading) {
                Ok(piece) => visit(piece),
                Err(error) => wrong.tell(line.number, &error),
            }
        }
        self.wrong += wrong.count;
    }
}

#[derive(Default)]
struct Wrong {
    count: u64,
}

impl Wrong {
    fn tell(&mut self, line: usize, error: &anyhow::Error) {
        self.count += 1;
        if self.count as usize <= TOLD {
            eprintln!("line {line}: {error:#}");
        }
    }
}

fn observed_at(json: &str, as_said: bool) -> Result<Timestamp> {
    let times: Times = serde_json::from_str(json)?;
    let times = times.feedback.map_or(
        Times {
            feedback: None,
            ..times
        },
        |inner| *inner,
    );
    let at = if as_said {
        times.occurred_at
    } else {
        times.observed_at
    };
    at.or(times.occurred_at)
        .context("the line has neither observed_at nor occurred_at")
}

fn piece(json: &str, reading: &Reading<'_>) -> Result<Enriched> {
    let value: serde_json::Value = serde_json::from_str(json)?;
    let mut piece = if value.get("feedback").is_some() {
        serde_json::from_value(value).context("no enriched record")?
    } else if value.get("negative").is_some() {
        understood(serde_json::from_value(value).context("no post")?)
    } else if value.get("text").is_some() {
        let feedback: FeedbackEvent = serde_json::from_value(value).context("no feedback")?;
        let now = feedback.observed_at;
        wensheng_enrich::enrich(reading.analyzer, feedback, now)
    } else {
        bail!("neither an enriched record (feedback), nor feedback (text), nor a post (negative)");
    };
    if reading.as_said {
        piece.feedback.observed_at = piece.feedback.occurred_at;
    }
    piece.enriched_at = piece.feedback.observed_at;
    Ok(piece)
}

/// The record of a post that was understood already. A severe word stands for a keyword rule that was met.
fn understood(post: Post) -> Enriched {
    let story = if post.story.is_empty() {
        String::new()
    } else {
        format!("{:016x}", xxh3_64(post.story.as_bytes()).max(1))
    };
    let rules = post.severe.then(|| RuleHit {
        rule: "severe".to_owned(),
        name: "严重词".to_owned(),
        severity: Severity::Alert,
        topic: String::new(),
        terms: Vec::new(),
    });
    let label = if post.negative {
        SentimentLabel::Negative
    } else {
        SentimentLabel::Neutral
    };
    Enriched {
        feedback: FeedbackEvent {
            id: EventId::from(post.id.clone()),
            revision: 0,
            source: "history".to_owned(),
            native_id: post.id,
            channel: post.channel,
            brand: post.brand,
            product: None,
            store: None,
            region: None,
            occurred_at: post.occurred_at,
            observed_at: post.observed_at,
            text: String::new(),
            author: post.author.map(|key| Author {
                key,
                followers: Some(post.reach),
            }),
            reach: None,
            scores: Scores::default(),
            url: None,
            reply_to: None,
            repost_of: None,
            attributes: std::collections::BTreeMap::new(),
            provenance: Provenance::default(),
            drill: false,
            call: None,
            ratings: Default::default(),
            immutable: true,
            withdrawn: false,
        },
        enriched_at: post.observed_at,
        sentiment: Sentiment {
            label,
            score: if post.negative { -1.0 } else { 0.0 },
            confidence: 1.0,
            spans: Vec::new(),
        },
        aspects: Vec::new(),
        topics: if post.topic.is_empty() {
            Vec::new()
        } else {
            vec![post.topic]
        },
        intents: Vec::new(),
        keywords: Vec::new(),
        rules: rules.into_iter().collect(),
        story,
        model_version: String::new(),
        urgency: 0,
        emotion: None,
        stage: None,
        rules_version: String::new(),
        terms: Vec::new(),
        replaces: None,
    }
}

/// The history of the configured bus (`--bus`) or store.
pub(super) fn of_store(config: &Config, args: &BacktestArgs) -> Result<History> {
    let mut config = config.clone();
    if let Some(data_dir) = &args.data_dir {
        config.data_dir.clone_from(data_dir);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    let records = runtime.block_on(async {
        if args.bus {
            of_bus(&config).await
        } else {
            of_rows(&config).await
        }
    })?;
    History::of_records(&records, args.as_said)
}

/// A page of the store.
const PAGE: u32 = 1_000;

async fn of_rows(config: &Config) -> Result<Vec<Enriched>> {
    let store = Store::open(&config.store, &config.data_dir)
        .await
        .context("open the store")?;
    let filter = FeedbackFilter {
        drill: Some(false),
        ..FeedbackFilter::default()
    };
    let mut records = Vec::new();
    let mut after = None;
    loop {
        let page = store.feedback(&filter, after.as_ref(), PAGE).await?;
        records.extend(page.rows);
        after = page.next;
        if after.is_none() {
            return Ok(records);
        }
    }
}

async fn of_bus(config: &Config) -> Result<Vec<Enriched>> {
    let bus = service::open_bus(config)?;
    let topic = Topic::Enriched.shared_name();
    let mut records = Vec::new();
    for partition in 0..bus.partitions(&topic).await? {
        let at = TopicPartition::new(topic.clone(), partition);
        bus.replay(
            &at,
            0..u64::MAX,
            &mut |record| match wensheng_runtime::decode::<Enriched>(&record) {
                Ok(piece) if !piece.feedback.drill => records.push(piece),
                Ok(_) => {}
                Err(error) => eprintln!("offset {} of {partition}: {error}", record.offset),
            },
        )
        .await?;
    }
    Ok(records)
}
