//! A rule fires once per cooldown while a series burns, and never for what was observed long after it was said.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::{
    Enriched, EventId, Sample, SentimentLabel, Signal, SignalKind, SignalTimes, VolumeState,
    derived_id,
};
use xxhash_rust::xxh3::xxh3_64;

use crate::VolumeRule;
use crate::track::{Span, Track, Voice, Window, start_of};

/// Samples shown with a signal.
pub(crate) const SAMPLES: usize = 5;

/// The volume rules and the late guard.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    rules: Vec<(VolumeRule, Span)>,
    late_guard: SignedDuration,
}

impl Rules {
    pub(crate) fn new(rules: &[VolumeRule], late_guard_seconds: u32) -> Self {
        let bucket = VolumeState::BUCKET_SECONDS;
        let guard = (i64::from(late_guard_seconds) + bucket - 1) / bucket;
        Self {
            rules: rules
                .iter()
                .map(|rule| {
                    let window = (i64::from(rule.window_seconds) / bucket).max(1);
                    let span = Span {
                        window,
                        keep: window + guard,
                    };
                    (rule.clone(), span)
                })
                .collect(),
            late_guard: SignedDuration::from_secs(i64::from(late_guard_seconds)),
        }
    }

    /// The piece as detection hears it, if it does.
    pub(crate) fn hear(&self, piece: &Enriched) -> Heard {
        let feedback = &piece.feedback;
        if feedback.observed_at.duration_since(feedback.occurred_at) > self.late_guard {
            return Heard::Late;
        }
        if piece
            .replaces
            .as_ref()
            .is_some_and(|before| before.label == SentimentLabel::Negative)
        {
            return Heard::Before;
        }
        Heard::Now(Voice {
            // A source's clock may run ahead of ours; nothing is said after it was observed.
            at: feedback.occurred_at.min(feedback.observed_at),
            author: feedback
                .author
                .as_ref()
                .map(|author| xxh3_64(author.key.as_bytes()) as u32),
            channel: feedback.channel,
            negative: piece.sentiment.label == SentimentLabel::Negative,
        })
    }
}

/// Whether detection counts a piece.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Heard {
    Now(Voice),
    /// Observed too long after it was said.
    Late,
    /// Its earlier revision was counted.
    Before,
}

/// What the volume rules remember of one brand and topic, by rule.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Series {
    tracks: BTreeMap<String, Track>,
}

/// A piece on its way through the series of its brand.
pub(crate) struct Passing<'a> {
    pub(crate) piece: &'a Enriched,
    pub(crate) voice: Voice,
    pub(crate) now: Timestamp,
}

impl Series {
    /// Shows a piece no more that was taken back. False when it was not shown.
    pub(crate) fn unshow(&mut self, event: &EventId) -> bool {
        let mut shown = false;
        for track in self.tracks.values_mut() {
            shown |= unshow(&mut track.samples, event);
        }
        shown
    }

    /// Counts a piece under `topic`, and gives the signals that it completes. False when no rule counted it.
    pub(crate) fn pass(
        &mut self,
        topic: &str,
        passing: &Passing<'_>,
        rules: &Rules,
        signals: &mut Vec<Signal>,
    ) -> bool {
        let brand = &passing.piece.feedback.brand;
        let mut counted = false;
        for (rule, span) in &rules.rules {
            if !rule.watches(brand, topic) || !rule.hears(passing.voice.channel) {
                continue;
            }
            let track = match self.tracks.get_mut(&rule.id) {
                Some(track) => track,
                None => self
                    .tracks
                    .entry(rule.id.clone())
                    .or_insert_with(|| Track::starting(passing.voice.at)),
            };
            let Some(index) = track.count(&passing.voice, *span) else {
                continue;
            };
            counted = true;
            if !passing.voice.negative {
                continue;
            }
            let Some(window) = track.fullest(index, *span) else {
                continue;
            };
            collect(track, rule, *span, &window, passing.piece);
            if fires(track, rule, *span, &window, passing.voice.at) {
                track.fired_at = Some(passing.voice.at);
                signals.push(signal(rule, topic, &window, &track.samples, passing));
            }
        }
        counted
    }

    /// The newest instant it knows; `None` when it holds nothing.
    pub(crate) fn latest_at(&self) -> Option<Timestamp> {
        self.tracks.values().map(Track::latest_at).max()
    }

    /// What it remembers, by rule.
    pub(crate) fn to_state(&self) -> BTreeMap<String, VolumeState> {
        self.tracks
            .iter()
            .map(|(rule, track)| (rule.clone(), track.to_state()))
            .collect()
    }

    /// What a record tells, as far as there are rules for it.
    pub(crate) fn from_state(state: BTreeMap<String, VolumeState>, rules: &Rules) -> Self {
        Self {
            tracks: state
                .into_iter()
                .filter(|(id, _)| rules.rules.iter().any(|(rule, _)| rule.id == *id))
                .map(|(id, state)| (id, Track::from_state(state)))
                .collect(),
        }
    }
}

/// Keeps the newest negative pieces once the series is warm (half of what fires), one per author; a quiet series keeps
/// none, so that its record stays short.
fn collect(track: &mut Track, rule: &VolumeRule, span: Span, window: &Window, piece: &Enriched) {
    if window.negative < rule.min_negative / 2 {
        track.samples.clear();
        return;
    }
    let oldest = start_of(window.end - span.window + 1);
    track.samples.retain(|other| other.occurred_at >= oldest);
    show(&mut track.samples, piece);
}

/// Takes a piece out of those shown. False when it was not among them.
pub(crate) fn unshow(samples: &mut Vec<Sample>, event: &EventId) -> bool {
    let before = samples.len();
    samples.retain(|sample| sample.event != *event);
    samples.len() < before
}

/// Adds a piece to the newest few, one per author.
pub(crate) fn show(samples: &mut Vec<Sample>, piece: &Enriched) {
    let sample = Sample::of(piece);
    samples.retain(|other| {
        let same_author = other.author.is_some()
            && other.author.as_ref().map(|a| &a.key) == sample.author.as_ref().map(|a| &a.key);
        other.event != sample.event && !same_author
    });
    samples.push(sample);
    samples.sort_by(|a, b| {
        (Reverse(a.occurred_at), &a.event).cmp(&(Reverse(b.occurred_at), &b.event))
    });
    samples.truncate(SAMPLES);
}

fn fires(track: &Track, rule: &VolumeRule, span: Span, window: &Window, at: Timestamp) -> bool {
    let quiet = SignedDuration::from_secs(i64::from(rule.cooldown_seconds));
    let quiet = track
        .fired_at
        .is_some_and(|fired| at.duration_since(fired).abs() < quiet);
    if quiet || window.negative < rule.min_negative || window.share() < rule.min_share {
        return false;
    }
    if rule.min_rise <= 0.0 {
        return true;
    }
    match track.usual(span) {
        Some(usual) => f64::from(window.negative) >= rule.min_rise * usual,
        None => window.negative >= rule.min_negative.saturating_mul(2),
    }
}

fn signal(
    rule: &VolumeRule,
    topic: &str,
    window: &Window,
    samples: &[Sample],
    passing: &Passing<'_>,
) -> Signal {
    let piece = passing.piece;
    let feedback = &piece.feedback;
    let end = start_of(window.end).to_string();
    let mark = if feedback.drill { "drill" } else { "" };
    Signal {
        id: derived_id(&[
            "negative_share",
            &feedback.brand,
            topic,
            &rule.id,
            &end,
            mark,
        ]),
        kind: SignalKind::NegativeShare {
            rule: rule.id.clone(),
            name: rule.name.clone(),
            window_seconds: u64::from(rule.window_seconds),
            negative: u64::from(window.negative),
            total: u64::from(window.total.max(window.negative)),
        },
        severity: rule.severity,
        brand: feedback.brand.clone(),
        topic: topic.to_owned(),
        channels: window.channels(),
        samples: samples.to_vec(),
        times: SignalTimes {
            first_post_at: window.first_negative_at,
            occurred_at: feedback.occurred_at,
            observed_at: feedback.observed_at,
            enriched_at: piece.enriched_at,
            detected_at: passing.now,
        },
        drill: feedback.drill,
    }
}
