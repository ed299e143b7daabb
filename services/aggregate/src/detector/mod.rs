//! A crisis is seen early and rarely imagined: a series speaks when the count, the share and the severe words of its
//! negative pieces are jointly far above what is usual, and then once per incident and step.
//!
//! The joint detector runs per brand and topic and per brand as a whole. It is a pure core: pieces in, findings out, in
//! the order and at the times that the pieces were observed; the same code replays history. What was measured of it is
//! in `docs/detection.md`.

mod baseline;
mod brand;
mod decays;
mod memory;
mod series;
mod signal;
mod threshold;
mod windows;

#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use wensheng_schemas::{Channel, Enriched, SentimentLabel, Severity, TOPIC_ALL};
use wensheng_text::SimHash;
use xxhash_rust::xxh3::xxh3_64;

use crate::DetectorConfig;
use crate::fold::each_topic;

pub(crate) use brand::Brand;
pub(crate) use memory::Memory;
pub(crate) use series::{Place, Series};
pub(crate) use signal::signal;

use memory::Copy as StoryCopy;
use series::Voice;
use windows::Score;

/// Minutes during which an incident stays the same one.
const LOCK: u32 = 360;

/// An account with more followers than this is loud: its severe word counts as two, which alone opens an incident of a
/// quiet series.
const LOUD: u64 = 300_000;

/// A negative piece from an account with more followers than this counts as a severe word more, and makes an alert a
/// crisis.
const FAR: u64 = 1_000_000;

/// An alert is a crisis at this share of severe words among its negative pieces.
const SEVERE_CRISIS: f32 = 0.3;

/// An incident speaks again when its score has grown by this factor.
const GROWTH: f64 = 1.12;

/// A flood is told from this many negative pieces on, if they are this many times what is usual.
const FLOOD_POSTS: f64 = 20.0;
const FLOOD_RISE: f64 = 4.0;

/// A topic whose brand as a whole scores this much has a witness, and opens at a score lower by so much.
const AGREES: f64 = 2.4;
const EASE: f64 = 0.1;

/// Below this score a series is calm.
const CALM: f64 = 1.0;

/// The detector's settings.
#[derive(Debug, Clone)]
pub(crate) struct Detector {
    config: DetectorConfig,
    zone: TimeZone,
}

/// A piece on its way through the series of its brand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    /// The minute of the brand's clock at which it was observed.
    minute: u32,
    copy: StoryCopy,
    author: Option<u64>,
    drill: bool,
    voice: Voice,
    /// Copies of its story before it.
    copies: u32,
}

/// What a series has to say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    pub(crate) score: Score,
    /// When its incident opened, in minutes since the epoch.
    pub(crate) incident: u32,
    pub(crate) flood: bool,
    pub(crate) far: bool,
}

/// What became of a piece in a series.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Heard {
    /// The score it left; 0 for a piece that is not negative.
    pub(crate) score: f64,
    /// Something new to say.
    pub(crate) finding: Option<Finding>,
}

impl Piece {
    pub(crate) fn is_negative(&self) -> bool {
        self.voice.negative
    }
}

impl Detector {
    pub(crate) fn new(config: &DetectorConfig, zone: TimeZone) -> Self {
        Self {
            config: config.clone(),
            zone,
        }
    }

    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Whether it is on.
    pub(crate) fn is_on(&self) -> bool {
        self.config.enabled
    }

    /// Takes a piece in: turns the brand's clock, and finds its story.
    pub(crate) fn meet(&self, piece: &Enriched, brand: &mut Brand, memory: &mut Memory) -> Piece {
        let mut met = read(piece);
        brand.turn(met.minute, &self.zone);
        met.copies = memory.copies_before(&met.copy, met.minute);
        met
    }

    /// Takes back what the memory holds of a piece that was heard before, or of one that came too late to be scored.
    pub(crate) fn recall(&self, piece: &Enriched, late: bool, memory: &mut Memory) {
        let met = read(piece);
        memory.copies_before(&met.copy, met.minute);
        if late {
            return;
        }
        for topic in each_topic(&piece.topics) {
            self.counts(&met, topic, memory);
        }
    }

    /// Whether a piece's author counts in that series now.
    fn counts(&self, met: &Piece, topic: &str, memory: &mut Memory) -> bool {
        met.author
            .is_none_or(|author| memory.may_count(author ^ spread(topic, met.drill), met.minute))
    }

    /// Passes a piece through a series.
    pub(crate) fn hear(
        &self,
        met: &Piece,
        topic: &str,
        place: Place,
        series: &mut Series,
        brand: &mut Brand,
        memory: &mut Memory,
    ) -> Heard {
        let weight = if self.counts(met, topic, memory) {
            1.0 / f64::from(1 + met.copies).sqrt()
        } else {
            0.0
        };
        let voice = Voice {
            weight,
            ..met.voice
        };
        let learns = !met.drill;
        series.pass(brand, place, learns);
        series.add(brand, place, &voice, learns);
        if !voice.negative {
            return Heard::default();
        }
        let score = series.score(brand, place);
        if score.score < CALM && score.sums.negative >= 2.0 {
            series.begin(&voice);
        }
        if learns {
            brand.blocks.see(score.score, brand.minute);
        }
        if place == Place::Brand {
            brand.whole = score.score;
        }
        let ease = if place != Place::Brand && brand.whole >= AGREES {
            EASE
        } else {
            0.0
        };
        let finding = self.judge(series, brand, score, ease);
        if learns
            && finding
                .as_ref()
                .is_some_and(|f| f.severity > Severity::Watch)
        {
            brand.blocks.burn();
        }
        Heard {
            score: score.score,
            finding,
        }
    }

    fn judge(
        &self,
        series: &mut Series,
        brand: &mut Brand,
        score: Score,
        ease: f64,
    ) -> Option<Finding> {
        let minute = series.minute();
        let open = series.opened > 0 && minute.saturating_sub(series.opened) < LOCK;
        let flood = series.is_flood();
        let far = series.reaches_far();
        let Some(severity) = self.severity(brand, &score, ease, flood, far) else {
            return flooded(series, score, minute);
        };
        let news = !open
            || series.severity.is_none_or(|told| severity > told)
            || score.score >= f64::from(series.told) * GROWTH;
        if !news {
            return None;
        }
        if !open {
            series.opened = minute;
            series.severity = None;
        }
        if brand.incident == 0 || minute.saturating_sub(brand.incident) >= LOCK {
            brand.incident = minute;
        }
        // Severity falls by a person only.
        let severity = series.severity.map_or(severity, |told| told.max(severity));
        series.severity = Some(severity);
        series.told = score.score as f32;
        Some(Finding {
            severity,
            score,
            incident: brand.incident,
            flood,
            far,
        })
    }

    fn severity(
        &self,
        brand: &Brand,
        score: &Score,
        ease: f64,
        flood: bool,
        far: bool,
    ) -> Option<Severity> {
        let passes = |rate: f64| {
            // Most scores are below any threshold, which need not be computed then.
            score.score + ease >= threshold::lowest(rate)
                && score.score + ease >= self.threshold(brand, rate)
        };
        if !passes(self.config.watch_false_alerts) {
            return None;
        }
        if flood {
            return Some(Severity::Watch);
        }
        if score.sums.loud > 0.3 {
            return Some(Severity::Crisis);
        }
        if !passes(self.config.alert_false_alerts) {
            return Some(Severity::Watch);
        }
        let sums = &score.sums;
        let grave = sums.severe >= 1.3 && sums.severe >= SEVERE_CRISIS * sums.negative;
        Some(if grave || far {
            Severity::Crisis
        } else {
            Severity::Alert
        })
    }

    fn threshold(&self, brand: &Brand, rate: f64) -> f64 {
        if self.config.learn_threshold {
            brand.blocks.threshold(rate)
        } else {
            threshold::measured(rate)
        }
    }
}

/// A flood that the author cap keeps from scoring is shown once per lock.
fn flooded(series: &mut Series, score: Score, minute: u32) -> Option<Finding> {
    let told = series.flooded > 0 && minute.saturating_sub(series.flooded) < LOCK;
    let usual = f64::from(series.middle().expected);
    let flood =
        series.is_flood() && series.posts() >= FLOOD_POSTS && series.posts() >= FLOOD_RISE * usual;
    if told || !flood {
        return None;
    }
    series.flooded = minute;
    Some(Finding {
        severity: Severity::Watch,
        score,
        incident: minute,
        flood: true,
        far: false,
    })
}

/// What the detector reads of a piece.
fn read(piece: &Enriched) -> Piece {
    let feedback = &piece.feedback;
    // Nothing is observed after it was analysed: a clock that runs ahead must not carry the brand's with it.
    let observed_at = feedback.observed_at.min(piece.enriched_at);
    let followers = feedback
        .author
        .as_ref()
        .and_then(|author| author.followers)
        .unwrap_or_default();
    Piece {
        minute: u32::try_from(observed_at.as_second() / 60).unwrap_or_default(),
        copy: StoryCopy {
            fingerprint: SimHash(u64::from_str_radix(&piece.story, 16).unwrap_or_default()),
            event: xxh3_64(feedback.id.as_str().as_bytes()),
            origin: feedback.repost_of.as_deref().map(|native_id| {
                let id = wensheng_schemas::EventId::of(&feedback.source, native_id);
                xxh3_64(id.as_str().as_bytes())
            }),
        },
        author: feedback
            .author
            .as_ref()
            .map(|author| xxh3_64(author.key.as_bytes())),
        drill: feedback.drill,
        voice: Voice {
            weight: 0.0,
            negative: piece.sentiment.label == SentimentLabel::Negative,
            severe: piece
                .rules
                .iter()
                .any(|hit| hit.severity >= Severity::Alert),
            loud: followers > LOUD,
            far: followers > FAR,
            channel: feedback.channel,
            occurred_at: feedback.occurred_at.min(observed_at),
        },
        copies: 0,
    }
}

/// Spreads a series over the bits of an author's hash.
fn spread(topic: &str, drill: bool) -> u64 {
    let hash = xxh3_64(topic.as_bytes());
    if drill { hash.rotate_left(1) } else { hash }
}

/// Whether a series is the brand as a whole, or one of so many topics.
pub(crate) fn place(topic: &str, topics: usize) -> Place {
    if topic == TOPIC_ALL {
        Place::Brand
    } else {
        Place::Topic(topics)
    }
}

/// Channels by name, for reasons.
fn names(channels: &[Channel]) -> String {
    channels
        .iter()
        .map(|channel| channel.name())
        .collect::<Vec<_>>()
        .join("、")
}
