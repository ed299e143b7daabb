//! One batch becomes one delta per window it touches; the sum of all deltas of a piece and of its taking back is nothing
//! (sketches of authors aside, which only grow).
//!
//! Pieces are folded into minutes, and minutes are added up to hours and days when the batch ends: a live batch touches
//! a few minutes, so that most of the work is done once and not three times.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustc_hash::FxHashMap;
use wensheng_schemas::{
    Channel, Contribution, Counts, Distinct, Scores, SentimentLabel, TOPIC_ALL, TermRank,
    WindowDelta, WindowKey, WindowSize,
};

use crate::tallies::{Marks, Tallies};

/// Whether a contribution is added or taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Add,
    TakeBack,
}

/// The instants at which the windows of one minute begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Starts {
    minute: Timestamp,
    hour: Timestamp,
    day: Timestamp,
}

impl Starts {
    /// The windows of `at`; `None` at the far ends of representable time. Hour and day are those of the minute's first
    /// instant, so that taking back finds the window that was added to.
    pub(crate) fn of(at: Timestamp, zone: &TimeZone) -> Option<Self> {
        let minute = WindowSize::Minute.start(at, zone)?;
        Some(Self {
            minute,
            hour: WindowSize::Hour.start(minute, zone)?,
            day: WindowSize::Day.start(minute, zone)?,
        })
    }
}

#[derive(Debug, Clone, Default)]
struct Sums {
    counts: Counts,
    authors: Distinct,
    /// By number in [`Terms`].
    terms: FxHashMap<u32, i64>,
    /// Of [`TOPIC_ALL`] only.
    tallies: Tallies,
}

impl Sums {
    fn merge(&mut self, other: &Sums) {
        self.counts.add(&other.counts);
        self.authors.merge(&other.authors);
        for (term, count) in &other.terms {
            *self.terms.entry(*term).or_default() += count;
        }
        self.tallies.merge(&other.tallies);
    }

    fn is_nothing(&self) -> bool {
        self.counts == Counts::default()
            && self.authors.is_empty()
            && self.terms.values().all(|count| *count == 0)
            && self.tallies.is_nothing()
    }
}

/// Numbers the keywords, terms and questions of a batch, so that counting them compares no text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    numbers: FxHashMap<String, u32>,
    texts: Vec<String>,
}

impl Terms {
    pub(crate) fn text(&self, number: u32) -> Option<&str> {
        self.texts.get(number as usize).map(String::as_str)
    }

    pub(crate) fn number(&mut self, term: &str) -> u32 {
        if let Some(number) = self.numbers.get(term) {
            return *number;
        }
        let number = self.texts.len() as u32;
        self.numbers.insert(term.to_owned(), number);
        self.texts.push(term.to_owned());
        number
    }
}

type Minutes = FxHashMap<(Channel, Timestamp), Sums>;

/// The fold of the batch in hand.
#[derive(Debug, Clone)]
pub(crate) struct Fold {
    zone: TimeZone,
    keywords: usize,
    /// By brand, then by topic.
    brands: FxHashMap<String, FxHashMap<String, Minutes>>,
    terms: Terms,
    /// By minute since the epoch.
    starts: FxHashMap<i64, Option<Starts>>,
}

impl Fold {
    pub(crate) fn new(zone: TimeZone, keywords: usize) -> Self {
        Self {
            zone,
            keywords,
            brands: FxHashMap::default(),
            terms: Terms::default(),
            starts: FxHashMap::default(),
        }
    }

    /// The reporting zone.
    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Adds a contribution to its windows, or takes it back. False when its time has no windows.
    pub(crate) fn add(&mut self, contribution: &Contribution, sign: Sign) -> bool {
        let Some(starts) = self.starts(contribution.occurred_at) else {
            return false;
        };
        let counts = match sign {
            Sign::Add => counts(contribution),
            Sign::TakeBack => counts(contribution).negated(),
        };
        let unit = match sign {
            Sign::Add => 1,
            Sign::TakeBack => -1,
        };
        let author = match sign {
            Sign::Add => contribution.author.as_deref(),
            Sign::TakeBack => None,
        };
        let terms: Vec<u32> = contribution
            .keywords
            .iter()
            .map(|term| self.terms.number(term))
            .collect();
        let marks = Marks::of(contribution, sign, &mut self.terms);
        let at = (contribution.channel, starts.minute);
        update(&mut self.brands, &contribution.brand, |topics| {
            for topic in each_topic(&contribution.topics) {
                update(topics, topic, |minutes| {
                    let sums = minutes.entry(at).or_default();
                    sums.counts.add(&counts);
                    if let Some(author) = author {
                        sums.authors.insert(author);
                    }
                    for term in &terms {
                        *sums.terms.entry(*term).or_default() += unit;
                    }
                    if topic == TOPIC_ALL {
                        sums.tallies.add(&marks);
                    }
                });
            }
        });
        true
    }

    fn starts(&mut self, at: Timestamp) -> Option<Starts> {
        let zone = &self.zone;
        *self
            .starts
            .entry(at.as_second().div_euclid(60))
            .or_insert_with(|| Starts::of(at, zone))
    }

    /// The deltas of the batch, in the order of their windows; the fold is empty afterwards.
    pub(crate) fn flush(&mut self, now: Timestamp) -> Vec<WindowDelta> {
        let brands = std::mem::take(&mut self.brands);
        let terms = std::mem::take(&mut self.terms);
        let mut deltas = Vec::new();
        for (brand, topics) in brands {
            for (topic, minutes) in topics {
                for ((size, channel, start), sums) in self.roll_up(minutes) {
                    if sums.is_nothing() {
                        continue;
                    }
                    // Names of a single minute are nobody's question, and would be most of what is written.
                    let (said, rated) = if size == WindowSize::Minute {
                        Default::default()
                    } else {
                        (sums.tallies.terms(&terms), sums.tallies.ratings(&terms))
                    };
                    deltas.push(WindowDelta {
                        key: WindowKey {
                            size,
                            start,
                            brand: brand.clone(),
                            channel,
                            topic: topic.clone(),
                        },
                        counts: sums.counts,
                        authors: sums.authors,
                        keywords: rank(&terms, &sums.terms, self.keywords),
                        terms: said,
                        ratings: rated,
                        aggregated_at: now,
                    });
                }
            }
        }
        self.starts.clear();
        deltas.sort_by(|a, b| a.key.cmp(&b.key));
        deltas
    }

    fn roll_up(&mut self, minutes: Minutes) -> FxHashMap<(WindowSize, Channel, Timestamp), Sums> {
        let mut windows: FxHashMap<_, Sums> = FxHashMap::default();
        let mut hours: FxHashMap<(Channel, Timestamp), (Timestamp, Sums)> = FxHashMap::default();
        for ((channel, minute), sums) in minutes {
            let Some(starts) = self.starts(minute) else {
                continue;
            };
            hours
                .entry((channel, starts.hour))
                .or_insert_with(|| (starts.day, Sums::default()))
                .1
                .merge(&sums);
            windows.insert((WindowSize::Minute, channel, minute), sums);
        }
        for ((channel, hour), (day, sums)) in hours {
            windows
                .entry((WindowSize::Day, channel, day))
                .or_default()
                .merge(&sums);
            windows.insert((WindowSize::Hour, channel, hour), sums);
        }
        windows
    }

    /// Forgets the batch in hand.
    pub(crate) fn clear(&mut self) {
        self.brands.clear();
        self.terms = Terms::default();
        self.starts.clear();
    }
}

/// Changes the value under `key`, without copying the key when it is there already.
fn update<V: Default>(map: &mut FxHashMap<String, V>, key: &str, change: impl FnOnce(&mut V)) {
    if let Some(value) = map.get_mut(key) {
        return change(value);
    }
    let mut value = V::default();
    change(&mut value);
    map.insert(key.to_owned(), value);
}

/// Each topic once, and [`TOPIC_ALL`] last.
pub(crate) fn each_topic(topics: &[String]) -> impl Iterator<Item = &str> {
    topics
        .iter()
        .enumerate()
        .filter(|(index, topic)| {
            topic.as_str() != TOPIC_ALL && !topics.iter().take(*index).any(|t| t == *topic)
        })
        .map(|(_, topic)| topic.as_str())
        .chain(std::iter::once(TOPIC_ALL))
}

/// What one piece counts. A score is rounded to 1/10,000 here and nowhere else, so that taking back is exact.
fn counts(contribution: &Contribution) -> Counts {
    let mut counts = Counts {
        volume: 1,
        score_sum: (f64::from(contribution.score) * 10_000.0).round() as i64,
        ..Counts::default()
    };
    match contribution.label {
        SentimentLabel::Positive => counts.positive = 1,
        SentimentLabel::Neutral => counts.neutral = 1,
        SentimentLabel::Negative => counts.negative = 1,
    }
    let Scores { nps, csat, ces } = contribution.scores;
    match nps {
        Some(9..=10) => counts.nps_promoters = 1,
        Some(7..=8) => counts.nps_passives = 1,
        Some(0..=6) => counts.nps_detractors = 1,
        // Not an answer on this scale.
        Some(11..) | None => {}
    }
    if let Some(csat @ 1..=5) = csat {
        counts.csat_count = 1;
        counts.csat_satisfied = i64::from(csat >= 4);
        counts.csat_sum = i64::from(csat);
    }
    if let Some(ces @ 1..=7) = ces {
        counts.ces_count = 1;
        counts.ces_sum = i64::from(ces);
    }
    counts
}

/// The heaviest keywords, and all that is taken back.
fn rank(terms: &Terms, counts: &FxHashMap<u32, i64>, limit: usize) -> TermRank {
    let mut added = TermRank::default();
    let mut taken_back = TermRank::default();
    for (number, count) in counts {
        let Some(text) = terms.text(*number) else {
            continue;
        };
        if *count > 0 {
            added.add(text, *count);
        } else {
            taken_back.add(text, *count);
        }
    }
    added.prune(limit);
    added.merge(&taken_back);
    added
}

#[cfg(test)]
mod tests;
