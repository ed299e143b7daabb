//! Invented feedback, and the truth about it: what a correct service must have counted when it is through.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::binary;

/// Rules with words that nothing else of the invented feedback holds.
pub(crate) const RULES: &str = "
rules:
- {id: swapped_parcel, name: 包裹调包, level: red, topic: parcel, any: [包裹被调包]}
- {id: sold_data, name: 倒卖信息, level: orange, topic: privacy, any: [资料被转卖]}
";

const BRANDS: [&str; 4] = ["云岭茶饮", "鹿汀火锅", "青禾出行", "星野数码"];
const CHANNELS: [&str; 5] = ["hotline", "wechat", "weibo", "survey", "review"];
const HEADS: [&str; 5] = [
    "门店排队两小时",
    "师傅很准时",
    "App 一直闪退",
    "包装很用心",
    "说好的退款没有到账",
];
const TAILS: [&str; 5] = [
    "下次还来",
    "客服态度差,没人管",
    "整体一般吧",
    "推荐给朋友了",
    "再也不会买了",
];
/// A term that meets a rule, and the topic of that rule.
const CRISES: [(&str, &str); 2] = [("包裹被调包", "parcel"), ("资料被转卖", "privacy")];

/// One piece of feedback, before it is written into a file.
#[derive(Debug, Clone)]
pub(crate) struct Voice {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) brand: &'static str,
    pub(crate) channel: &'static str,
    pub(crate) at: Timestamp,
    pub(crate) nps: Option<u8>,
    /// The topic of the rule that it meets, if an alert must come of it.
    pub(crate) crisis: Option<&'static str>,
}

/// Where voices come from: the same seed gives the same ones, relative to now.
pub(crate) struct Crowd {
    dice: StdRng,
    now: Timestamp,
    spoke: u32,
}

impl Crowd {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            dice: StdRng::seed_from_u64(seed),
            now: Timestamp::now(),
            spoke: 0,
        }
    }

    /// Further voices: two in three of the last hours, the others days old, so that nobody is to be alerted of them.
    pub(crate) fn speak(&mut self, count: usize) -> Vec<Voice> {
        (0..count).map(|_| self.voice()).collect()
    }

    fn voice(&mut self) -> Voice {
        self.spoke += 1;
        let dice = &mut self.dice;
        let is_recent = dice.random_range(0..3) > 0;
        let minutes = if is_recent {
            dice.random_range(10..1_200)
        } else {
            dice.random_range(1_600..10_000)
        };
        let mut text = format!(
            "{}。{}",
            HEADS[dice.random_range(0..5)],
            TAILS[dice.random_range(0..5)]
        );
        let mut crisis = None;
        if dice.random_range(0..20) == 0 {
            let (term, topic) = CRISES[dice.random_range(0..2)];
            text = format!("{term}!{text}");
            crisis = is_recent.then_some(topic);
        }
        // What quoting is for: breaks, quotes and commas inside of a field.
        if dice.random_range(0..4) == 0 {
            text.push_str("\n第二行,\"引号\"在这里");
        }
        Voice {
            id: format!("v{:06}", self.spoke),
            text,
            brand: BRANDS[dice.random_range(0..BRANDS.len())],
            channel: CHANNELS[dice.random_range(0..CHANNELS.len())],
            at: self.now - SignedDuration::from_secs(minutes * 60 + dice.random_range(0..60)),
            nps: (dice.random_range(0..3) == 0).then(|| dice.random_range(0..11)),
            crisis,
        }
    }
}

/// What must be counted.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    pub(crate) ids: BTreeSet<String>,
    /// Pieces by day in Shanghai, brand and channel.
    pub(crate) days: BTreeMap<Vec<String>, i64>,
    /// Signals by brand and topic.
    pub(crate) crises: BTreeMap<Vec<String>, i64>,
    /// Promoters, passives and detractors.
    pub(crate) nps: [i64; 3],
}

impl Truth {
    pub(crate) fn add(&mut self, voices: &[Voice]) {
        let zone = TimeZone::get("Asia/Shanghai").expect("a known zone");
        for voice in voices {
            assert!(
                self.ids.insert(voice.id.clone()),
                "{} speaks twice",
                voice.id
            );
            let day = voice.at.to_zoned(zone.clone()).date().to_string();
            *self
                .days
                .entry(vec![day, voice.brand.to_owned(), voice.channel.to_owned()])
                .or_default() += 1;
            if let Some(topic) = voice.crisis {
                *self
                    .crises
                    .entry(vec![voice.brand.to_owned(), topic.to_owned()])
                    .or_default() += 1;
            }
            match voice.nps {
                Some(9..) => self.nps[0] += 1,
                Some(7..9) => self.nps[1] += 1,
                Some(_) => self.nps[2] += 1,
                None => {}
            }
        }
    }

    pub(crate) fn rows(&self) -> i64 {
        i64::try_from(self.ids.len()).expect("few rows")
    }
}

/// The first line of a CSV file of voices.
pub(crate) const CSV_HEADER: &str = "id,said,brand,channel,text,nps\n";

/// One CSV record.
pub(crate) fn csv_record(fields: &[&str]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields).expect("write a record");
    String::from_utf8(writer.into_inner().expect("a record")).expect("UTF-8")
}

/// The CSV record of a voice.
pub(crate) fn csv_row(voice: &Voice) -> String {
    let nps = voice.nps.map(|nps| nps.to_string()).unwrap_or_default();
    csv_record(&[
        &voice.id,
        &voice.at.to_string(),
        voice.brand,
        voice.channel,
        &voice.text,
        &nps,
    ])
}

/// A CSV file of voices.
pub(crate) fn csv_file(voices: &[Voice]) -> String {
    CSV_HEADER.to_owned() + &voices.iter().map(csv_row).collect::<String>()
}

/// A voice as webhooks send it.
pub(crate) fn event(voice: &Voice) -> Value {
    json!({
        "id": voice.id, "occurred_at": voice.at, "brand": voice.brand, "channel": voice.channel, "text": voice.text,
        "scores": { "nps": voice.nps },
    })
}

/// A voice as a line of a file.
fn object(voice: &Voice) -> Value {
    let mut object = json!({
        "id": voice.id, "said": voice.at, "brand": voice.brand, "channel": voice.channel, "text": voice.text,
    });
    if let Some(nps) = voice.nps {
        object["nps"] = json!(nps);
    }
    object
}

/// An NDJSON file of voices.
pub(crate) fn ndjson_file(voices: &[Voice]) -> String {
    voices
        .iter()
        .map(|voice| format!("{}\n", object(voice)))
        .collect()
}

/// The source that reads files of voices at `path`.
pub(crate) fn source(name: &str, path: impl Into<PathBuf>) -> Value {
    json!({
        "kind": "files", "name": name, "path": path.into(), "poll_ms": 100,
        "columns": {
            "id": "id", "occurred_at": "said", "brand": "brand", "channel": "channel", "text": "text", "nps": "nps",
        },
    })
}

/// The labelled files that are handed around beside the checkout; none where they are absent.
pub(crate) fn training_files() -> Vec<PathBuf> {
    let shared = std::env::var_os("WENSHENG_SHARED")
        .map_or_else(|| binary::workspace().join("../shared"), PathBuf::from);
    let pattern = shared.join("data/train/*.csv").display().to_string();
    let mut files: Vec<PathBuf> = glob::glob(&pattern).expect("a pattern").flatten().collect();
    files.sort();
    files
}

/// Where random moments and voices begin; told, so that a failure can be repeated with `WENSHENG_SEED`.
pub(crate) fn seed() -> u64 {
    let seed = match std::env::var("WENSHENG_SEED") {
        Ok(seed) => seed.parse().expect("WENSHENG_SEED is a whole number"),
        Err(_) => rand::random_range(0..1_000_000),
    };
    println!("WENSHENG_SEED={seed} repeats this run");
    seed
}
