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
}

impl Sums {
    fn merge(&mut self, other: &Sums) {
        self.counts.add(&other.counts);
        self.authors.merge(&other.authors);
        for (term, count) in &other.terms {
            *self.terms.entry(*term).or_default() += count;
        }
    }

    fn is_nothing(&self) -> bool {
        self.counts == Counts::default()
            && self.authors.is_empty()
            && self.terms.values().all(|count| *count == 0)
    }
}

/// Numbers the keywords of a batch, so that counting them compares no text.
#[derive(Debug, Clone, Default)]
struct Terms {
    numbers: FxHashMap<String, u32>,
    texts: Vec<String>,
}

impl Terms {
    fn number(&mut self, term: &str) -> u32 {
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
        let Some(text) = terms.texts.get(*number as usize) else {
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
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn contribution(at: &str) -> Contribution {
        Contribution {
            brand: "青柚茶饮".to_owned(),
            channel: Channel::Weibo,
            occurred_at: at.parse().unwrap(),
            topics: vec!["waiting_time".to_owned(), "waiting_time".to_owned()],
            label: SentimentLabel::Negative,
            score: -0.333_33,
            scores: Scores {
                nps: Some(6),
                csat: Some(4),
                ces: Some(7),
            },
            author: Some("a1".to_owned()),
            keywords: vec!["排队".to_owned()],
        }
    }

    fn fold() -> Fold {
        Fold::new(TimeZone::get("Asia/Shanghai").unwrap(), 100)
    }

    #[test]
    fn a_piece_is_counted_once_in_each_window_of_each_topic() {
        let mut fold = fold();
        assert!(fold.add(&contribution("2026-03-01T16:30:15Z"), Sign::Add));
        assert!(fold.add(&contribution("2026-03-01T16:59:59Z"), Sign::Add));
        let deltas = fold.flush(Timestamp::UNIX_EPOCH);
        let told: Vec<(String, i64)> = deltas
            .iter()
            .map(|d| (d.key.to_string(), d.counts.volume))
            .collect();
        let expected: Vec<(String, i64)> = [
            ("1m|2026-03-01T16:30:00Z|青柚茶饮|weibo|all", 1),
            ("1m|2026-03-01T16:30:00Z|青柚茶饮|weibo|waiting_time", 1),
            ("1m|2026-03-01T16:59:00Z|青柚茶饮|weibo|all", 1),
            ("1m|2026-03-01T16:59:00Z|青柚茶饮|weibo|waiting_time", 1),
            ("1h|2026-03-01T16:00:00Z|青柚茶饮|weibo|all", 2),
            ("1h|2026-03-01T16:00:00Z|青柚茶饮|weibo|waiting_time", 2),
            ("1d|2026-03-01T16:00:00Z|青柚茶饮|weibo|all", 2),
            ("1d|2026-03-01T16:00:00Z|青柚茶饮|weibo|waiting_time", 2),
        ]
        .into_iter()
        .map(|(key, volume)| (key.to_owned(), volume))
        .collect();
        assert_eq!(told, expected);
        let day = &deltas[6];
        assert_eq!(day.counts.score_sum, -6_666);
        assert_eq!(day.counts.nps_detractors, 2);
        assert_eq!((day.counts.csat_count, day.counts.csat_satisfied), (2, 2));
        assert_eq!(day.counts.ces_sum, 14);
        assert_eq!(day.authors.count(), 1);
        assert_eq!(day.keywords.top(5), [("排队", 2)]);
        assert!(fold.flush(Timestamp::UNIX_EPOCH).is_empty());
    }

    #[test]
    fn a_piece_of_years_ago_is_counted_in_its_own_day() {
        let mut fold = fold();
        fold.add(&contribution("2019-12-31T15:59:59Z"), Sign::Add);
        let deltas = fold.flush(Timestamp::UNIX_EPOCH);
        let day = deltas
            .iter()
            .find(|d| d.key.size == WindowSize::Day)
            .unwrap();
        assert_eq!(day.key.start.to_string(), "2019-12-30T16:00:00Z");
    }

    #[test]
    fn scores_beyond_their_scale_are_not_answers() {
        let mut odd = contribution("2026-03-01T16:30:15Z");
        odd.scores = Scores {
            nps: Some(11),
            csat: Some(0),
            ces: Some(8),
        };
        let counts = counts(&odd);
        assert_eq!(
            counts.nps_promoters + counts.nps_passives + counts.nps_detractors,
            0
        );
        assert_eq!(counts.csat_count + counts.ces_count, 0);
    }

    #[test]
    fn pruning_keywords_never_prunes_what_is_taken_back() {
        let mut fold = Fold::new(TimeZone::UTC, 1);
        let mut many = contribution("2026-03-01T16:30:15Z");
        many.topics.clear();
        many.keywords = vec!["甲".to_owned(), "乙".to_owned()];
        fold.add(&many, Sign::Add);
        many.keywords = vec!["甲".to_owned(), "丙".to_owned(), "丁".to_owned()];
        fold.add(&many, Sign::TakeBack);
        let deltas = fold.flush(Timestamp::UNIX_EPOCH);
        assert_eq!(
            deltas[0].keywords.top(9),
            [("乙", 1), ("丁", -1), ("丙", -1)]
        );
    }

    fn any_contribution() -> impl Strategy<Value = Contribution> {
        (
            0_usize..3,
            0_usize..3,
            0_i64..3_000_000,
            proptest::collection::vec("[ab]", 0..3),
            0_usize..3,
            -1.0_f32..1.0,
            (
                proptest::option::of(0_u8..11),
                proptest::option::of(1_u8..6),
                proptest::option::of(1_u8..8),
            ),
        )
            .prop_map(|(brand, channel, seconds, topics, label, score, scores)| {
                Contribution {
                    brand: format!("b{brand}"),
                    channel: Channel::ALL[channel],
                    occurred_at: Timestamp::from_second(1_700_000_000 + seconds).unwrap(),
                    topics,
                    label: [
                        SentimentLabel::Positive,
                        SentimentLabel::Neutral,
                        SentimentLabel::Negative,
                    ][label],
                    score,
                    scores: Scores {
                        nps: scores.0,
                        csat: scores.1,
                        ces: scores.2,
                    },
                    author: None,
                    keywords: vec![format!("k{label}")],
                }
            })
    }

    fn totals(deltas: &[WindowDelta]) -> BTreeMap<WindowKey, (Counts, TermRank)> {
        let mut totals: BTreeMap<WindowKey, (Counts, TermRank)> = BTreeMap::new();
        for delta in deltas {
            let total = totals.entry(delta.key.clone()).or_default();
            total.0.add(&delta.counts);
            total.1.merge(&delta.keywords);
        }
        totals.retain(|_, total| *total != Default::default());
        totals
    }

    proptest! {
        #[test]
        fn any_cut_into_batches_gives_the_same_totals(
            pieces in proptest::collection::vec(any_contribution(), 1..40), cut in 0_usize..40,
        ) {
            let cut = cut.min(pieces.len());
            let mut whole = fold();
            pieces.iter().for_each(|p| { whole.add(p, Sign::Add); });
            let mut parts = fold();
            pieces[..cut].iter().for_each(|p| { parts.add(p, Sign::Add); });
            let mut deltas = parts.flush(Timestamp::UNIX_EPOCH);
            pieces[cut..].iter().for_each(|p| { parts.add(p, Sign::Add); });
            deltas.extend(parts.flush(Timestamp::UNIX_EPOCH));
            prop_assert_eq!(totals(&whole.flush(Timestamp::UNIX_EPOCH)), totals(&deltas));
        }

        #[test]
        fn what_is_taken_back_later_leaves_nothing(pieces in proptest::collection::vec(any_contribution(), 1..40)) {
            let mut fold = fold();
            pieces.iter().for_each(|p| { fold.add(p, Sign::Add); });
            let mut deltas = fold.flush(Timestamp::UNIX_EPOCH);
            pieces.iter().rev().for_each(|p| { fold.add(p, Sign::TakeBack); });
            deltas.extend(fold.flush(Timestamp::UNIX_EPOCH));
            prop_assert!(totals(&deltas).is_empty());
        }
    }
}
