//! One author counts once in any window, however often they speak: a later piece moves their count forward.
//!
//! A [`Track`] is what one volume rule remembers of one series: counts in buckets of ten seconds of event time as far
//! back as the window and the late guard reach, the authors counted there, and what is usual. It knows no clock, and
//! everything in it is a whole number, so that it is the same after a round trip through its record.

use std::collections::VecDeque;

use jiff::Timestamp;
use wensheng_schemas::{Channel, Sample, VolumeAuthor, VolumeBucket, VolumeState};

const BUCKET: i64 = VolumeState::BUCKET_SECONDS;

/// Authors remembered. Fewer would let a handful of accounts in turn pass as a crowd; more would make the record of
/// every busy series long. When it is full, those without a negative piece are forgotten first: a crowd of more than
/// this many negative authors is one.
const AUTHORS: usize = 128;

/// The usual level is a mean whose memory halves in this time: long enough to hold a whole day's profile, short enough
/// to learn a new level in some days.
const HALF_LIFE_SECONDS: f64 = 86_400.0;

/// The usual level is kept in millionths of a piece.
const MICRO: f64 = 1_000_000.0;

/// How a rule wants its series kept, in buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// Length of the window.
    pub(crate) window: i64,
    /// How far back buckets are kept: the window and the late guard.
    pub(crate) keep: i64,
}

/// One piece, as far as counting goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice {
    /// When it was said.
    pub(crate) at: Timestamp,
    /// Hash of the author's key; an unknown author is always a new one.
    pub(crate) author: Option<u32>,
    pub(crate) channel: Channel,
    pub(crate) negative: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bucket {
    /// Number of the bucket since the epoch.
    index: i64,
    total: u32,
    negative: u32,
    channels: u32,
    first_negative_ms: u32,
}

impl Bucket {
    /// Whether all its authors moved on; its record leaves it out, so nothing may depend on it.
    fn is_empty(&self) -> bool {
        self.total == 0 && self.negative == 0
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Heard {
    hash: u32,
    /// The bucket the author is counted in.
    seen: i64,
    /// The same for negative pieces.
    negative: Option<i64>,
}

/// What a window holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// Negative authors.
    pub(crate) negative: u32,
    /// All authors.
    pub(crate) total: u32,
    /// When the first negative piece was said.
    pub(crate) first_negative_at: Timestamp,
    /// The window's last bucket.
    pub(crate) end: i64,
    channels: u32,
}

impl Window {
    /// Channels of the negative pieces.
    pub(crate) fn channels(&self) -> Vec<Channel> {
        Channel::ALL
            .into_iter()
            .filter(|channel| self.channels & bit(*channel) != 0)
            .collect()
    }

    /// Share of negative authors, 0 to 1. An author counted as negative here may be counted among all in a later
    /// bucket, hence the bound.
    pub(crate) fn share(&self) -> f64 {
        f64::from(self.negative) / f64::from(self.total.max(self.negative).max(1))
    }
}

/// What one volume rule remembers of one series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Track {
    latest: i64,
    since: i64,
    usual_micro: u64,
    buckets: VecDeque<Bucket>,
    /// In the order of their hashes.
    authors: Vec<Heard>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) fired_at: Option<Timestamp>,
}

impl Track {
    /// A track whose first piece is said at `at`.
    pub(crate) fn starting(at: Timestamp) -> Self {
        let index = bucket_of(at);
        Self {
            latest: index,
            since: index,
            usual_micro: 0,
            buckets: VecDeque::new(),
            authors: Vec::new(),
            samples: Vec::new(),
            fired_at: None,
        }
    }

    /// Counts a piece. `None` when it is older than what is kept; else its bucket.
    pub(crate) fn count(&mut self, voice: &Voice, span: Span) -> Option<i64> {
        let index = bucket_of(voice.at);
        if index > self.latest {
            self.advance(index, span);
        }
        if index <= self.latest - span.keep {
            return None;
        }
        let (new, new_negative) = match voice.author {
            Some(hash) => self.hear(hash, index, voice.negative, span),
            None => (true, voice.negative),
        };
        if new || new_negative {
            let bucket = self.bucket_mut(index);
            bucket.total += u32::from(new);
            if new_negative {
                let ms = (voice.at.as_millisecond() - index * BUCKET * 1_000) as u32;
                bucket.first_negative_ms = if bucket.negative == 0 {
                    ms
                } else {
                    bucket.first_negative_ms.min(ms)
                };
                bucket.negative += 1;
                bucket.channels |= bit(voice.channel);
            }
        }
        if new_negative && index <= self.latest - span.window {
            let age = self.latest - span.window - index;
            self.usual_micro += (MICRO * decay(age)).round() as u64;
        }
        Some(index)
    }

    /// The fullest window that holds the bucket `index`.
    pub(crate) fn fullest(&self, index: i64, span: Span) -> Option<Window> {
        let last = (index + span.window - 1).min(self.latest);
        self.between(index, last)
            .filter(|bucket| !bucket.is_empty())
            .filter_map(|bucket| self.window(bucket.index, span))
            .max_by_key(|window| (window.negative, window.end))
    }

    /// The window whose last bucket is `end`; `None` when nothing in it is negative.
    fn window(&self, end: i64, span: Span) -> Option<Window> {
        let mut window: Option<Window> = None;
        let mut total = 0;
        for bucket in self.between(end - span.window + 1, end) {
            total += bucket.total;
            if bucket.negative == 0 {
                continue;
            }
            let said = bucket.index * BUCKET * 1_000 + i64::from(bucket.first_negative_ms);
            let found = window.get_or_insert(Window {
                negative: 0,
                total: 0,
                first_negative_at: Timestamp::from_millisecond(said).ok()?,
                end,
                channels: 0,
            });
            found.negative += bucket.negative;
            found.channels |= bucket.channels;
        }
        window.map(|window| Window { total, ..window })
    }

    /// Negative authors that a window of this series usually holds; `None` while it was watched for less than a window
    /// before the present one.
    pub(crate) fn usual(&self, span: Span) -> Option<f64> {
        let watched = self.latest - span.window - self.since;
        if watched < span.window {
            return None;
        }
        // The integral of the decay over the time watched, in buckets.
        let half_life = HALF_LIFE_SECONDS / BUCKET as f64;
        let weight = (1.0 - decay(watched)) * half_life / std::f64::consts::LN_2;
        Some(self.usual_micro as f64 / MICRO / weight * span.window as f64)
    }

    fn advance(&mut self, to: i64, span: Span) {
        let mut usual = self.usual_micro as f64 * decay(to - self.latest);
        for bucket in self.between(self.latest - span.window + 1, to - span.window) {
            let age = to - span.window - bucket.index;
            usual += f64::from(bucket.negative) * MICRO * decay(age);
        }
        self.usual_micro = usual.round() as u64;
        self.latest = to;
        let horizon = to - span.keep;
        let before = self.buckets.len();
        while self.buckets.front().is_some_and(|b| b.index <= horizon) {
            self.buckets.pop_front();
        }
        if self.buckets.len() < before {
            self.authors.retain(|author| author.seen > horizon);
        }
    }

    /// Remembers an author. Tells whether they are to be counted in bucket `index`, and whether as negative; a count in
    /// an earlier bucket moves.
    fn hear(&mut self, hash: u32, index: i64, negative: bool, span: Span) -> (bool, bool) {
        let at = match self.authors.binary_search_by_key(&hash, |a| a.hash) {
            Ok(at) => at,
            Err(at) => {
                let heard = Heard {
                    hash,
                    seen: index,
                    negative: negative.then_some(index),
                };
                self.authors.insert(at, heard);
                if self.authors.len() > AUTHORS {
                    self.forget_one(hash, span);
                }
                return (true, negative);
            }
        };
        let heard = self.authors[at];
        let new = index > heard.seen;
        if new {
            self.authors[at].seen = index;
            if let Some(bucket) = self.existing(heard.seen) {
                bucket.total = bucket.total.saturating_sub(1);
            }
        }
        let new_negative = negative && heard.negative.is_none_or(|before| index > before);
        if new_negative {
            self.authors[at].negative = Some(index);
            if let Some(bucket) = heard.negative.and_then(|before| self.existing(before)) {
                bucket.negative = bucket.negative.saturating_sub(1);
                if bucket.negative == 0 {
                    bucket.channels = 0;
                    bucket.first_negative_ms = 0;
                }
            }
        }
        (new, new_negative)
    }

    /// Forgets the author that matters least: without a negative piece in the window, then longest silent; never the
    /// newcomer `keep`.
    fn forget_one(&mut self, keep: u32, span: Span) {
        let window = self.latest - span.window;
        let least = self
            .authors
            .iter()
            .enumerate()
            .filter(|(_, author)| author.hash != keep)
            .min_by_key(|(_, author)| {
                let matters = author.negative.is_some_and(|at| at > window);
                (matters, author.seen, author.hash)
            })
            .map(|(at, _)| at);
        if let Some(at) = least {
            self.authors.remove(at);
        }
    }

    /// The buckets from one number to another; they are kept in order.
    fn between(&self, first: i64, last: i64) -> impl Iterator<Item = &Bucket> {
        let from = self.buckets.partition_point(|bucket| bucket.index < first);
        self.buckets
            .range(from..)
            .take_while(move |bucket| bucket.index <= last)
    }

    fn existing(&mut self, index: i64) -> Option<&mut Bucket> {
        let at = self
            .buckets
            .binary_search_by_key(&index, |b| b.index)
            .ok()?;
        self.buckets.get_mut(at)
    }

    fn bucket_mut(&mut self, index: i64) -> &mut Bucket {
        let at = match self.buckets.binary_search_by_key(&index, |b| b.index) {
            Ok(at) => at,
            Err(at) => {
                let empty = Bucket {
                    index,
                    total: 0,
                    negative: 0,
                    channels: 0,
                    first_negative_ms: 0,
                };
                self.buckets.insert(at, empty);
                at
            }
        };
        &mut self.buckets[at]
    }

    /// The newest bucket's start.
    pub(crate) fn latest_at(&self) -> Timestamp {
        start_of(self.latest)
    }

    /// Its record.
    pub(crate) fn to_state(&self) -> VolumeState {
        let age = |index: i64| (self.latest - index) as u32;
        VolumeState {
            latest_at: start_of(self.latest),
            since: start_of(self.since),
            usual_negative_millionths: self.usual_micro,
            buckets: self
                .buckets
                .iter()
                .filter(|b| !b.is_empty())
                .map(|b| {
                    VolumeBucket(
                        age(b.index),
                        b.total,
                        b.negative,
                        b.channels,
                        b.first_negative_ms,
                    )
                })
                .collect(),
            authors: self
                .authors
                .iter()
                .map(|a| VolumeAuthor(a.hash, age(a.seen), a.negative.map(age)))
                .collect(),
            samples: self.samples.clone(),
            fired_at: self.fired_at,
        }
    }

    /// What a record tells. Its order is not trusted.
    pub(crate) fn from_state(state: VolumeState) -> Self {
        let latest = bucket_of(state.latest_at);
        let index = |age: u32| latest - i64::from(age);
        let mut buckets: Vec<Bucket> = state
            .buckets
            .iter()
            .map(|b| Bucket {
                index: index(b.0),
                total: b.1,
                negative: b.2,
                channels: b.3,
                first_negative_ms: b.4,
            })
            .collect();
        buckets.sort_by_key(|b| b.index);
        let mut authors: Vec<Heard> = state
            .authors
            .iter()
            .map(|a| Heard {
                hash: a.0,
                seen: index(a.1),
                negative: a.2.map(index),
            })
            .collect();
        authors.sort_by_key(|a| a.hash);
        Self {
            latest,
            since: bucket_of(state.since),
            usual_micro: state.usual_negative_millionths,
            buckets: buckets.into(),
            authors,
            samples: state.samples,
            fired_at: state.fired_at,
        }
    }
}

/// The share that remains after `buckets`.
fn decay(buckets: i64) -> f64 {
    (-(buckets.max(0) as f64) * BUCKET as f64 / HALF_LIFE_SECONDS).exp2()
}

fn bucket_of(at: Timestamp) -> i64 {
    at.as_millisecond().div_euclid(BUCKET * 1_000)
}

/// The start of a bucket; buckets come from instants, so that there is one.
pub(crate) fn start_of(index: i64) -> Timestamp {
    Timestamp::from_second(index * BUCKET).unwrap_or(Timestamp::MIN)
}

fn bit(channel: Channel) -> u32 {
    Channel::ALL
        .iter()
        .position(|c| *c == channel)
        .map_or(0, |at| 1 << at)
}
