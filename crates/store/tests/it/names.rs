//! Terms and answers on scales are sums as exact as those of windows.

use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::{
    Channel, Counts, RatingCount, RatingSum, TOPIC_ALL, TermCount, Topic, WindowDelta, WindowSize,
};
use wensheng_store::{FeedbackFilter, HotFilter, RatedBy, WindowFilter, WriteBatch};

use crate::fixture::Fixture;
use crate::samples::{at, delta, entries, key, minute, piece, progress};

const BRAND: &str = "青山茶饮";

fn hour(start: Timestamp, volume: i64, terms: &[(&str, i64, i64)]) -> WindowDelta {
    let mut delta = delta(key(WindowSize::Hour, start, BRAND, TOPIC_ALL), "a");
    delta.counts = Counts {
        volume,
        ..Counts::default()
    };
    let term = |(term, count, negative): &(&str, i64, i64)| TermCount {
        term: (*term).to_owned(),
        count: *count,
        negative: *negative,
    };
    delta.terms = terms.iter().map(term).collect();
    delta
}

fn answers(answers: i64, top: i64, value_sum: i64) -> RatingCount {
    RatingCount {
        product: Some("杯装".to_owned()),
        question: "环境".to_owned(),
        from: 1,
        to: 5,
        sum: RatingSum {
            answers,
            top,
            bottom: 0,
            value_sum,
        },
    }
}

async fn apply(fixture: &Fixture, first: u64, deltas: Vec<WindowDelta>) {
    let next = first + deltas.len() as u64;
    let batch = WriteBatch {
        deltas: entries(first, deltas),
        progress: vec![progress(Topic::Aggregates, next)],
        ..WriteBatch::default()
    };
    let writer = fixture.store.writer("test");
    writer.apply(&batch, minute(5)).await.unwrap();
}

fn filter(hours_before: Option<i64>) -> HotFilter {
    let from = minute(0);
    HotFilter {
        size: WindowSize::Hour,
        before: hours_before.map(|hours| from - SignedDuration::from_hours(hours)),
        from,
        to: minute(60),
        brand: Some(BRAND.to_owned()),
        channel: None,
    }
}

pub(crate) async fn terms_and_ratings_are_summed_once_and_taken_back_exactly(fixture: &Fixture) {
    let mut first = hour(minute(0), 9, &[("排队", 5, 2), ("喝出蟑螂", 4, 4)]);
    first.ratings = vec![answers(3, 2, 11_500)];
    let mut second = hour(minute(0), -1, &[("喝出蟑螂", -1, -1), ("排队", 1, 0)]);
    second.ratings = vec![answers(-1, -1, -5_000)];
    apply(fixture, 0, vec![first.clone(), second.clone()]).await;
    // The whole batch again, as after a crash between two commits.
    apply(fixture, 0, vec![first, second.clone()]).await;
    let hot = fixture.store.hot_terms(&filter(None), 9).await.unwrap();
    let told: Vec<_> = hot
        .terms
        .iter()
        .map(|t| (t.term.as_str(), t.mentions, t.negative))
        .collect();
    assert_eq!(told, [("排队", 6, 2), ("喝出蟑螂", 3, 3)]);
    assert_eq!((hot.volume, hot.volume_before), (8, 0));

    let windows = WindowFilter::new(WindowSize::Hour, minute(0), minute(60));
    let rated = fixture.store.ratings(&windows, None, 10).await.unwrap();
    assert_eq!(rated.len(), 1);
    assert_eq!(
        (rated[0].brand.as_str(), rated[0].channel.as_str()),
        (BRAND, "weibo")
    );
    assert_eq!(rated[0].count, answers(2, 1, 6_500));
    for (by, brand, channel, product) in [
        (RatedBy::Question, "", "", None),
        (RatedBy::Brand, BRAND, "", None),
        (RatedBy::Channel, "", "weibo", None),
        (RatedBy::Product, "", "", Some("杯装")),
    ] {
        let rated = fixture.store.ratings(&windows, Some(by), 10).await.unwrap();
        let told: Vec<_> = rated
            .iter()
            .map(|r| {
                (
                    &*r.brand,
                    &*r.channel,
                    r.count.product.as_deref(),
                    r.count.sum,
                )
            })
            .collect();
        assert_eq!(
            told,
            [(brand, channel, product, answers(2, 1, 6_500).sum)],
            "{by:?}"
        );
    }
    let elsewhere = windows.clone().channel(Channel::Survey);
    assert_eq!(
        fixture.store.ratings(&elsewhere, None, 10).await.unwrap(),
        []
    );
    let minutes = WindowFilter::new(WindowSize::Minute, minute(0), minute(60));
    let error = fixture.store.ratings(&minutes, None, 10).await.unwrap_err();
    assert!(error.to_string().contains("by the hour"), "{error}");

    second.terms = vec![
        TermCount {
            term: "喝出蟑螂".to_owned(),
            count: -3,
            negative: -3,
        },
        TermCount {
            term: "排队".to_owned(),
            count: -6,
            negative: -2,
        },
    ];
    second.ratings = vec![answers(-2, -1, -6_500)];
    apply(fixture, 2, vec![second]).await;
    let hot = fixture.store.hot_terms(&filter(None), 9).await.unwrap();
    assert_eq!(hot.terms, []);
    assert_eq!(fixture.store.ratings(&windows, None, 10).await.unwrap(), []);
}

pub(crate) async fn a_term_is_hot_when_its_share_rises(fixture: &Fixture) {
    let past = (1..=24).map(|hours| {
        let start = minute(0) - SignedDuration::from_hours(hours);
        hour(start, 100, &[("好喝", 40, 0), ("排队", 2, 1)])
    });
    let mut deltas: Vec<WindowDelta> = past.collect();
    // A busy hour: everything is said more often, and two things out of proportion.
    let terms = [
        ("好喝", 160, 0),
        ("喝出蟑螂", 30, 29),
        ("出蟑螂", 30, 29),
        ("排队", 40, 30),
        ("杯盖", 2, 2),
    ];
    deltas.push(hour(minute(0), 400, &terms));
    let mut other = hour(minute(0), 400, &[("停水", 90, 90)]);
    other.key.brand = "云雀咖啡".to_owned();
    deltas.push(other);
    apply(fixture, 0, deltas).await;
    let hot = fixture.store.hot_terms(&filter(Some(24)), 9).await.unwrap();
    let told: Vec<_> = hot
        .terms
        .iter()
        .map(|t| (t.term.as_str(), t.mentions, t.negative, t.mentions_before))
        .collect();
    assert_eq!(told, [("喝出蟑螂", 30, 29, 0), ("排队", 40, 30, 48)]);
    assert_eq!((hot.volume, hot.volume_before), (400, 2_400));
    // 40.5 of 400 beside 48.5 of 2,400.
    let rise = hot.terms[1].rise.unwrap();
    assert!((rise - 5.01).abs() < 0.01, "{rise}");
    // Hours go, days would stay.
    let gone = minute(0) - SignedDuration::from_hours(10);
    let deleted = fixture.store.delete_hourly_terms_before(gone).await;
    assert_eq!(deleted.unwrap(), 14 * 2);
    let hot = fixture.store.hot_terms(&filter(Some(24)), 9).await.unwrap();
    assert_eq!(hot.terms[1].mentions_before, 20);
    // All brands together.
    let all = HotFilter {
        brand: None,
        ..filter(Some(24))
    };
    let hot = fixture.store.hot_terms(&all, 1).await.unwrap();
    assert_eq!(hot.terms.len(), 1);
    assert_eq!(hot.terms[0].term, "停水");
    let elsewhere = HotFilter {
        channel: Some(Channel::Hotline),
        ..filter(Some(24))
    };
    let hot = fixture.store.hot_terms(&elsewhere, 9).await.unwrap();
    assert_eq!((hot.volume, hot.terms.len()), (0, 0));
}

pub(crate) async fn feedback_is_found_by_its_terms(fixture: &Fixture) {
    let mut first = piece("1", at("2026-03-01T02:00:00Z"), "Ｗｉｆｉ密碼是多少");
    first.terms = vec!["wifi密码".to_owned()];
    let mut second = piece("2", at("2026-03-01T02:00:01Z"), "wifi密码多少");
    second.terms = vec!["wifi密码多少".to_owned()];
    let batch = WriteBatch {
        enriched: entries(0, [first, second]),
        progress: vec![progress(Topic::Enriched, 2)],
        ..WriteBatch::default()
    };
    let writer = fixture.store.writer("test");
    writer.apply(&batch, minute(5)).await.unwrap();
    let filter = FeedbackFilter {
        term: Some("wifi密码".to_owned()),
        ..FeedbackFilter::default()
    };
    let page = fixture.store.feedback(&filter, None, 10).await.unwrap();
    let found: Vec<&str> = page
        .rows
        .iter()
        .map(|r| r.feedback.native_id.as_str())
        .collect();
    assert_eq!(found, ["1"], "whole terms, however they were written");
}
