use std::collections::BTreeMap;

use proptest::prelude::*;

use wensheng_schemas::{Rating, RatingSum};

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
        terms: vec!["排队两小时".to_owned(), "排队".to_owned()],
        product: Some("杯装".to_owned()),
        ratings: [
            ("环境".to_owned(), rating(4.0)),
            ("错".to_owned(), rating(9.0)),
        ]
        .into(),
    }
}

fn rating(value: f64) -> Rating {
    Rating {
        value,
        from: 1,
        to: 5,
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
    let terms: Vec<_> = day
        .terms
        .iter()
        .map(|t| (t.term.as_str(), t.count, t.negative))
        .collect();
    assert_eq!(terms, [("排队", 2, 2), ("排队两小时", 2, 2)]);
    let rated: Vec<_> = day
        .ratings
        .iter()
        .map(|r| (r.question.as_str(), r.to, r.sum.answers, r.sum.value_sum))
        .collect();
    // What lies beyond its scale is no answer.
    assert_eq!(
        rated,
        [
            ("ces", 7, 2, 14_000),
            ("csat", 5, 2, 8_000),
            ("nps", 10, 2, 12_000),
            ("环境", 5, 2, 8_000)
        ]
    );
    assert!(
        day.ratings
            .iter()
            .all(|r| r.product.as_deref() == Some("杯装"))
    );
    assert_eq!(day.ratings[2].nps(), Some(-100.0));
    let told = |d: &WindowDelta| d.key.size != WindowSize::Minute && d.key.topic == TOPIC_ALL;
    assert!(
        deltas
            .iter()
            .all(|d| d.terms.is_empty() != told(d) && d.ratings.is_empty() != told(d))
    );
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
        .prop_map(
            |(brand, channel, seconds, topics, label, score, scores)| Contribution {
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
                terms: vec![format!("t{channel}"), format!("u{label}")],
                product: (channel == 1).then(|| "p".to_owned()),
                ratings: [(
                    format!("q{brand}"),
                    rating(f64::from(label as u8) * 0.7 + 1.0),
                )]
                .into(),
            },
        )
}

type Total = (
    Counts,
    TermRank,
    BTreeMap<String, (i64, i64)>,
    BTreeMap<(Option<String>, String, i32, i32), RatingSum>,
);

fn totals(deltas: &[WindowDelta]) -> BTreeMap<WindowKey, Total> {
    let mut totals: BTreeMap<WindowKey, Total> = BTreeMap::new();
    for delta in deltas {
        let total = totals.entry(delta.key.clone()).or_default();
        total.0.add(&delta.counts);
        total.1.merge(&delta.keywords);
        for term in &delta.terms {
            let sum = total.2.entry(term.term.clone()).or_default();
            *sum = (sum.0 + term.count, sum.1 + term.negative);
        }
        for rated in &delta.ratings {
            let asked = rated.question.clone();
            let key = (rated.product.clone(), asked, rated.from, rated.to);
            total.3.entry(key).or_default().add(&rated.sum);
        }
    }
    for total in totals.values_mut() {
        total.2.retain(|_, sum| *sum != (0, 0));
        total.3.retain(|_, sum| *sum != RatingSum::default());
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
