//! What detection remembers of one series, so that a restart goes on exactly where the last commit left it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Sample, Severity, TOPIC_ALL};

/// Detection's memory of one brand and topic; the latest record of a key is the truth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DetectorState {
    /// Whom it is about.
    pub brand: String,
    /// What it is about; [`TOPIC_ALL`](crate::TOPIC_ALL) for the brand as a whole.
    pub topic: String,
    /// The series of a drill, kept apart from the real one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    /// Of each volume rule, by its id.
    pub volume: BTreeMap<String, VolumeState>,
    /// Of the joint detector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joint: Option<JointState>,
    /// What all series of the brand share; only with the brand as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<BrandState>,
    /// The five minutes in hand of the brand's volume lane; only with the brand as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<VolumeSample>,
    /// What the volume lane knows of the brand's past: a record of its own, written when a sample was taken and not with
    /// every batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<LaneState>,
    /// When it last changed (UTC).
    pub updated_at: Timestamp,
}

impl DetectorState {
    /// Its key on the bus.
    pub fn key(&self) -> String {
        match self.lane {
            Some(_) => Self::lane_key_of(&self.brand),
            None => Self::key_of(&self.brand, &self.topic, self.drill),
        }
    }

    /// The key of the volume lane of that brand.
    pub fn lane_key_of(brand: &str) -> String {
        format!("{brand}|{TOPIC_ALL}|lane")
    }

    /// The key of that series.
    pub fn key_of(brand: &str, topic: &str, drill: bool) -> String {
        let mark = if drill { "|drill" } else { "" };
        format!("{brand}|{topic}{mark}")
    }
}

/// What one volume rule remembers of one series. Time is in buckets of [`VolumeState::BUCKET_SECONDS`]; ages count
/// buckets back from the newest, so that the record stays short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VolumeState {
    /// Start of the newest bucket (UTC).
    pub latest_at: Timestamp,
    /// Start of the first bucket ever seen (UTC).
    pub since: Timestamp,
    /// Decayed sum of negative pieces older than the window, in millionths: what is usual.
    #[serde(default)]
    pub usual_negative_millionths: u64,
    /// Buckets that hold something, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<VolumeBucket>,
    /// Authors seen lately, in the order of their hashes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<VolumeAuthor>,
    /// Negative pieces to show, newest first; only while the series is warm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
    /// Event time of the piece that last made the rule fire (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fired_at: Option<Timestamp>,
}

impl VolumeState {
    /// Length of a bucket in seconds.
    pub const BUCKET_SECONDS: i64 = 10;
}

/// One bucket: `[age, pieces, negative, channels, first]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VolumeBucket(
    /// Age in buckets.
    pub u32,
    /// Pieces, one per author.
    pub u32,
    /// Negative pieces, one per author.
    pub u32,
    /// Channels of the negative pieces: bit *i* is the *i*-th of [`Channel::ALL`](crate::Channel::ALL).
    pub u32,
    /// When the first negative piece was said, in milliseconds from the bucket's start.
    pub u32,
);

/// One author: `[hash, age of the latest piece, age of the latest negative piece]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VolumeAuthor(
    /// Hash of the author's key.
    pub u32,
    /// Age in buckets of the bucket the author is counted in.
    pub u32,
    /// The same for negative pieces, if there was one.
    pub Option<u32>,
);

/// What the joint detector remembers of one series. Minutes count from the epoch; 0 stands for never.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JointState {
    /// The minute up to which it has passed.
    pub minute: u32,
    /// Of the windows of 30, 90 and 240 minutes: negative, all, expected, severe, from loud accounts; decayed.
    pub windows: [[f32; 5]; 3],
    /// What is usual: decayed negative pieces, all pieces, minutes.
    pub level: [f32; 3],
    /// Negative pieces of the last hours, and those of authors not heard lately; decayed.
    pub posts: [f32; 2],
    /// When the incident in hand opened.
    #[serde(default)]
    pub opened: u32,
    /// The score that was told last.
    #[serde(default)]
    pub told: f32,
    /// How grave the incident is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// When a flood was told last.
    #[serde(default)]
    pub flooded: u32,
    /// When an account of far reach was heard last.
    #[serde(default)]
    pub far: u32,
    /// Channels of the negative pieces since it was calm: bit *i* is the *i*-th of
    /// [`Channel::ALL`](crate::Channel::ALL).
    #[serde(default)]
    pub channels: u8,
    /// When the first of these was said (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_at: Option<Timestamp>,
    /// Negative pieces to show, newest first; only while it is warm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
}

/// What the series of a brand share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BrandState {
    /// The brand's clock: the latest minute since the epoch at which a piece was observed.
    pub minute: u32,
    /// What is usual: decayed negative pieces, all pieces, minutes.
    pub level: [f32; 3],
    /// Decayed weight heard in each local hour of the day.
    pub hours: Vec<f32>,
    /// Weight heard in the hour in hand.
    #[serde(default)]
    pub heard: f32,
    /// Decayed negative pieces, and those with a severe word.
    pub words: [f32; 2],
    /// Number of the block of six hours in hand.
    #[serde(default)]
    pub block: u32,
    /// Its highest score.
    #[serde(default)]
    pub highest: f32,
    /// Whether something burnt in it.
    #[serde(default)]
    pub burnt: bool,
    /// Blocks by their highest score, in steps of an eighth.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<u16>,
    /// When the brand's incident opened.
    #[serde(default)]
    pub incident: u32,
}

/// A sample of the volume lane while it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VolumeSample {
    /// Which five minutes since the epoch.
    pub slot: u32,
    /// Pieces observed in them so far.
    pub pieces: u32,
}

/// What the volume lane knows of a brand's past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LaneState {
    /// Samples taken, up to those of its warm-up.
    pub seen: u32,
    /// Samples until a rise may be noted again.
    #[serde(default)]
    pub locked: u32,
    /// Pieces of the latest samples, oldest first.
    pub recent: Vec<u32>,
    /// Of the moving sums of 3 and 72 samples: how often each size was seen.
    pub pasts: Vec<Vec<LaneBin>>,
}

/// One bin of a histogram of sums: `[bin, weight]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LaneBin(
    /// The natural logarithm of one more than the sum, in twentieths.
    pub u16,
    /// How often, decayed.
    pub f32,
);
