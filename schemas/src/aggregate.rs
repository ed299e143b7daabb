//! Windows are sums of deltas: adding the same deltas in any order gives the same total.

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit, ZonedRound};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Channel, Distinct, RatingCount, TermCount, TermRank};

/// The topic of the row that counts every piece of feedback once, whatever it speaks of. Rows of single topics overlap.
pub const TOPIC_ALL: &str = "all";

/// The length of a window.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum WindowSize {
    /// One minute.
    #[serde(rename = "1m")]
    Minute,
    /// One hour.
    #[serde(rename = "1h")]
    Hour,
    /// One calendar day of the reporting time zone.
    #[serde(rename = "1d")]
    Day,
}

impl WindowSize {
    /// All sizes, shortest first.
    pub const ALL: [WindowSize; 3] = [WindowSize::Minute, WindowSize::Hour, WindowSize::Day];

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            WindowSize::Minute => "1m",
            WindowSize::Hour => "1h",
            WindowSize::Day => "1d",
        }
    }

    /// The size of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }

    /// The start of the window that `at` falls in; `None` at the far ends of representable time.
    pub fn start(self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let unit = match self {
            WindowSize::Minute => return floor_seconds(at, 60),
            WindowSize::Hour => Unit::Hour,
            WindowSize::Day => {
                return at
                    .to_zoned(zone.clone())
                    .start_of_day()
                    .ok()
                    .map(|day| day.timestamp());
            }
        };
        let round = ZonedRound::new()
            .smallest(unit)
            .mode(jiff::RoundMode::Floor);
        at.to_zoned(zone.clone())
            .round(round)
            .ok()
            .map(|zoned| zoned.timestamp())
    }
}

fn floor_seconds(at: Timestamp, seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(at.as_millisecond().div_euclid(seconds * 1000) * seconds).ok()
}

/// Names one window of one series.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct WindowKey {
    /// The length.
    pub size: WindowSize,
    /// Its first instant (UTC).
    pub start: Timestamp,
    /// Whom it is about.
    pub brand: String,
    /// The kind of place.
    pub channel: Channel,
    /// What it is about; [`TOPIC_ALL`] counts everything once.
    pub topic: String,
}

impl fmt::Display for WindowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}|{}|{}|{}|{}",
            self.size.name(),
            self.start,
            self.brand,
            self.channel.name(),
            self.topic
        )
    }
}

/// What is counted in a window. All whole numbers, so that sums do not depend on their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Counts {
    /// Pieces of feedback.
    pub volume: i64,
    /// … of them positive.
    pub positive: i64,
    /// … neutral.
    pub neutral: i64,
    /// … negative.
    pub negative: i64,
    /// Sum of sentiment scores in units of 1/10,000.
    pub score_sum: i64,
    /// Net promoter answers of 9 or 10.
    pub nps_promoters: i64,
    /// … of 7 or 8.
    pub nps_passives: i64,
    /// … of 0 to 6.
    pub nps_detractors: i64,
    /// Satisfaction answers.
    pub csat_count: i64,
    /// … of them 4 or 5.
    pub csat_satisfied: i64,
    /// Sum of satisfaction answers (1 to 5).
    pub csat_sum: i64,
    /// Effort answers.
    pub ces_count: i64,
    /// Sum of effort answers (1 to 7).
    pub ces_sum: i64,
}

impl Counts {
    /// Adds `other`.
    pub fn add(&mut self, other: &Counts) {
        self.volume += other.volume;
        self.positive += other.positive;
        self.neutral += other.neutral;
        self.negative += other.negative;
        self.score_sum += other.score_sum;
        self.nps_promoters += other.nps_promoters;
        self.nps_passives += other.nps_passives;
        self.nps_detractors += other.nps_detractors;
        self.csat_count += other.csat_count;
        self.csat_satisfied += other.csat_satisfied;
        self.csat_sum += other.csat_sum;
        self.ces_count += other.ces_count;
        self.ces_sum += other.ces_sum;
    }

    /// The same with every sign turned: what takes it back.
    pub fn negated(&self) -> Counts {
        Counts {
            volume: -self.volume,
            positive: -self.positive,
            neutral: -self.neutral,
            negative: -self.negative,
            score_sum: -self.score_sum,
            nps_promoters: -self.nps_promoters,
            nps_passives: -self.nps_passives,
            nps_detractors: -self.nps_detractors,
            csat_count: -self.csat_count,
            csat_satisfied: -self.csat_satisfied,
            csat_sum: -self.csat_sum,
            ces_count: -self.ces_count,
            ces_sum: -self.ces_sum,
        }
    }

    /// Mean sentiment score, −1 to 1; `None` without feedback.
    pub fn mean_score(&self) -> Option<f64> {
        (self.volume > 0).then(|| self.score_sum as f64 / 10_000.0 / self.volume as f64)
    }

    /// Net promoter score, −100 to 100: share of promoters less share of detractors (F. Reichheld, "The One Number You Need to Grow",
    /// Harvard Business Review, December 2003); `None` without answers.
    pub fn nps(&self) -> Option<f64> {
        let answers = self.nps_promoters + self.nps_passives + self.nps_detractors;
        (answers > 0)
            .then(|| 100.0 * (self.nps_promoters - self.nps_detractors) as f64 / answers as f64)
    }

    /// Share of satisfied answers, 0 to 100: the top two boxes of five (P. Farris et al., "Marketing Metrics", 2nd edition 2010, section
    /// 2.7); `None` without answers.
    pub fn csat(&self) -> Option<f64> {
        (self.csat_count > 0).then(|| 100.0 * self.csat_satisfied as f64 / self.csat_count as f64)
    }

    /// Mean effort answer, 1 to 7, more is easier: the second form of the question (M. Dixon, N. Toman, R. DeLisi, "The Effortless
    /// Experience", 2013); `None` without answers.
    pub fn ces(&self) -> Option<f64> {
        (self.ces_count > 0).then(|| self.ces_sum as f64 / self.ces_count as f64)
    }
}

/// What one batch adds to one window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WindowDelta {
    /// Which window.
    #[serde(flatten)]
    pub key: WindowKey,
    /// What is added.
    #[serde(flatten)]
    pub counts: Counts,
    /// Authors seen. What a revision takes back stays in the sketch: sketches only grow.
    #[serde(default, skip_serializing_if = "Distinct::is_empty")]
    pub authors: Distinct,
    /// Keywords with their counts.
    #[serde(default, skip_serializing_if = "TermRank::is_empty")]
    pub keywords: TermRank,
    /// Words and phrases of the stream with their counts, in the order of their text; in windows of an hour and of a day of
    /// [`TOPIC_ALL`] only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<TermCount>,
    /// Answers on scales, question by question, the scores `nps`, `csat` and `ces` as well; in the same windows only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ratings: Vec<RatingCount>,
    /// When the batch was folded (UTC).
    pub aggregated_at: Timestamp,
}

/// The fields of a [`WindowDelta`] side by side, as they are written. Windows are the bulk of what `publish` reads, and
/// reading into flattened structs keeps every value in a list first.
#[derive(Deserialize)]
struct FlatDelta {
    size: WindowSize,
    start: Timestamp,
    brand: String,
    channel: Channel,
    topic: String,
    #[serde(default)]
    volume: i64,
    #[serde(default)]
    positive: i64,
    #[serde(default)]
    neutral: i64,
    #[serde(default)]
    negative: i64,
    #[serde(default)]
    score_sum: i64,
    #[serde(default)]
    nps_promoters: i64,
    #[serde(default)]
    nps_passives: i64,
    #[serde(default)]
    nps_detractors: i64,
    #[serde(default)]
    csat_count: i64,
    #[serde(default)]
    csat_satisfied: i64,
    #[serde(default)]
    csat_sum: i64,
    #[serde(default)]
    ces_count: i64,
    #[serde(default)]
    ces_sum: i64,
    #[serde(default)]
    authors: Distinct,
    #[serde(default)]
    keywords: TermRank,
    #[serde(default)]
    terms: Vec<TermCount>,
    #[serde(default)]
    ratings: Vec<RatingCount>,
    aggregated_at: Timestamp,
}

impl<'de> Deserialize<'de> for WindowDelta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let flat = FlatDelta::deserialize(deserializer)?;
        Ok(Self {
            key: WindowKey {
                size: flat.size,
                start: flat.start,
                brand: flat.brand,
                channel: flat.channel,
                topic: flat.topic,
            },
            counts: Counts {
                volume: flat.volume,
                positive: flat.positive,
                neutral: flat.neutral,
                negative: flat.negative,
                score_sum: flat.score_sum,
                nps_promoters: flat.nps_promoters,
                nps_passives: flat.nps_passives,
                nps_detractors: flat.nps_detractors,
                csat_count: flat.csat_count,
                csat_satisfied: flat.csat_satisfied,
                csat_sum: flat.csat_sum,
                ces_count: flat.ces_count,
                ces_sum: flat.ces_sum,
            },
            authors: flat.authors,
            keywords: flat.keywords,
            terms: flat.terms,
            ratings: flat.ratings,
            aggregated_at: flat.aggregated_at,
        })
    }
}

/// The truth about one window as of `revision`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WindowTotal {
    /// Which window.
    #[serde(flatten)]
    pub key: WindowKey,
    /// Raised by one with every change; of two totals the one with the higher revision is right.
    pub revision: i64,
    /// The sums.
    #[serde(flatten)]
    pub counts: Counts,
    /// Distinct authors (an estimate above 128).
    pub authors: u64,
    /// The heaviest keywords, heaviest first.
    pub top_keywords: Vec<(String, i64)>,
    /// When the row was last changed (UTC).
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_in_shanghai() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let at: Timestamp = "2026-03-01T16:30:15Z".parse().unwrap();
        assert_eq!(
            WindowSize::Day.start(at, &zone).unwrap().to_string(),
            "2026-03-01T16:00:00Z"
        );
        assert_eq!(
            WindowSize::Hour.start(at, &zone).unwrap().to_string(),
            "2026-03-01T16:00:00Z"
        );
        assert_eq!(
            WindowSize::Minute.start(at, &zone).unwrap().to_string(),
            "2026-03-01T16:30:00Z"
        );
    }

    #[test]
    fn taking_back_leaves_nothing() {
        let mut counts = Counts {
            volume: 3,
            negative: 2,
            score_sum: -9_000,
            ces_sum: 4,
            ..Counts::default()
        };
        let negated = counts.negated();
        counts.add(&negated);
        assert_eq!(counts, Counts::default());
    }
}
