//! What people look for is found, in the order that serves them.

use wensheng_schemas::{Channel, RuleHit, SentimentLabel, Severity, TOPIC_ALL, Topic, WindowSize};
use wensheng_store::{AlertFilter, Dimension, FeedbackFilter, WindowFilter, WriteBatch};

use crate::fixture::Fixture;
use crate::samples::{alert, delta, entries, key, minute, piece, progress, resolved};

pub(crate) async fn feedback_is_found_by_each_filter(fixture: &Fixture) {
    let store = &fixture.store;
    let mut waiting = piece("waiting", minute(1), "排队100%是两小时");
    waiting.topics = vec!["waiting_time".to_owned(), "quote\"d".to_owned()];
    let mut negative = piece("negative", minute(2), "客服 Refuses 退款_");
    negative.sentiment.label = SentimentLabel::Negative;
    negative.feedback.channel = Channel::Hotline;
    negative.rules = vec![RuleHit {
        rule: "food-safety".to_owned(),
        name: "食品安全".to_owned(),
        severity: Severity::Crisis,
        topic: String::new(),
        terms: vec!["退款".to_owned()],
    }];
    let mut other = piece("other", minute(3), "云途很快");
    other.feedback.brand = "云途出行".to_owned();
    other.feedback.source = "app".to_owned();
    let mut drill = piece("drill", minute(4), "演练");
    drill.feedback.drill = true;
    let batch = WriteBatch {
        enriched: entries(0, [waiting, negative, other, drill]),
        progress: vec![progress(Topic::Enriched, 4)],
        ..WriteBatch::default()
    };
    store.writer("test").apply(&batch, minute(5)).await.unwrap();
    let all = FeedbackFilter::default;
    let text = |text: &str| FeedbackFilter {
        text: Some(text.to_owned()),
        ..all()
    };
    let topic = |topic: &str| FeedbackFilter {
        topic: Some(topic.to_owned()),
        ..all()
    };
    let rule = |rule: &str| FeedbackFilter {
        rule: Some(rule.to_owned()),
        ..all()
    };
    let cases: Vec<(FeedbackFilter, &[&str])> = vec![
        (all(), &["drill", "other", "negative", "waiting"]),
        (
            FeedbackFilter {
                from: Some(minute(2)),
                to: Some(minute(4)),
                ..all()
            },
            &["other", "negative"],
        ),
        (
            FeedbackFilter {
                brand: Some("云途出行".to_owned()),
                ..all()
            },
            &["other"],
        ),
        (
            FeedbackFilter {
                channel: Some(Channel::Hotline),
                ..all()
            },
            &["negative"],
        ),
        (
            FeedbackFilter {
                label: Some(SentimentLabel::Negative),
                ..all()
            },
            &["negative"],
        ),
        (
            FeedbackFilter {
                source: Some("app".to_owned()),
                ..all()
            },
            &["other"],
        ),
        (
            FeedbackFilter {
                drill: Some(true),
                ..all()
            },
            &["drill"],
        ),
        (
            FeedbackFilter {
                drill: Some(false),
                ..all()
            },
            &["other", "negative", "waiting"],
        ),
        (topic("waiting_time"), &["waiting"]),
        (topic("quote\"d"), &["waiting"]),
        (topic("waiting"), &[]),
        (topic("waiting%"), &[]),
        (rule("food-safety"), &["negative"]),
        (rule("food"), &[]),
        (text("两小时"), &["waiting"]),
        (text("refuses"), &["negative"]),
        (text("100%"), &["waiting"]),
        (text("%"), &["waiting"]),
        (text("_"), &["negative"]),
        (text("\\"), &[]),
        (text("' OR 1=1 --"), &[]),
    ];
    for (filter, expected) in cases {
        let page = store.feedback(&filter, None, 10).await.unwrap();
        let found: Vec<_> = page
            .rows
            .iter()
            .map(|row| row.feedback.native_id.as_str())
            .collect();
        assert_eq!(found, expected, "{filter:?}");
        assert_eq!(page.next, None);
    }
}

pub(crate) async fn pages_follow_each_other_without_gap_or_repeat(fixture: &Fixture) {
    let store = &fixture.store;
    // Several pieces share an instant, some before 1970.
    let pieces: Vec<_> = (0..25)
        .map(|n| {
            let before_1970 = jiff::Timestamp::from_second(-60 * (n / 4)).unwrap();
            piece(&n.to_string(), before_1970, "页")
        })
        .collect();
    let batch = WriteBatch {
        progress: vec![progress(Topic::Enriched, 25)],
        enriched: entries(0, pieces),
        ..WriteBatch::default()
    };
    store.writer("test").apply(&batch, minute(5)).await.unwrap();
    let filter = FeedbackFilter::default();
    let whole = store.feedback(&filter, None, 25).await.unwrap();
    assert_eq!(whole.next, None);
    let mut paged = Vec::new();
    let mut after = None;
    loop {
        let page = store.feedback(&filter, after.as_ref(), 7).await.unwrap();
        paged.extend(page.rows);
        match page.next {
            // Through its text form, as a browser gives it back.
            Some(next) => after = Some(next.to_string().parse().unwrap()),
            None => break,
        }
    }
    assert_eq!(paged, whole.rows);
    assert_eq!(paged.len(), 25);
    assert!("".parse::<wensheng_store::FeedbackCursor>().is_err());
    assert!("x-y".parse::<wensheng_store::FeedbackCursor>().is_err());
}

pub(crate) async fn alerts_come_in_the_order_of_urgency(fixture: &Fixture) {
    let store = &fixture.store;
    let mut other = alert("other", 1, Severity::Alert, Some(minute(40)));
    other.brand = "云途出行".to_owned();
    let batch = WriteBatch {
        alerts: entries(
            0,
            [
                resolved(alert("over", 1, Severity::Crisis, Some(minute(1)))),
                alert("watch", 1, Severity::Watch, None),
                alert("later", 1, Severity::Crisis, Some(minute(30))),
                other,
                alert("sooner", 1, Severity::Crisis, Some(minute(15))),
            ],
        ),
        progress: vec![progress(Topic::Alerts, 5)],
        ..WriteBatch::default()
    };
    store.writer("test").apply(&batch, minute(5)).await.unwrap();
    let ids = |filter: AlertFilter| async move {
        let alerts = store.alerts(&filter, 10).await.unwrap();
        alerts
            .into_iter()
            .map(|alert| alert.id.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ids(AlertFilter::default()).await,
        ["sooner", "later", "other", "watch", "over"]
    );
    let open = AlertFilter {
        open: Some(true),
        severity: Some(Severity::Crisis),
        ..AlertFilter::default()
    };
    assert_eq!(ids(open).await, ["sooner", "later"]);
    let closed = AlertFilter {
        open: Some(false),
        ..AlertFilter::default()
    };
    assert_eq!(ids(closed).await, ["over"]);
    let brand = AlertFilter {
        brand: Some("云途出行".to_owned()),
        ..AlertFilter::default()
    };
    assert_eq!(ids(brand).await, ["other"]);
}

pub(crate) async fn a_series_is_told_apart_by_dimension(fixture: &Fixture) {
    let store = &fixture.store;
    let hour = |start: i64, brand: &str, topic: &str| {
        delta(key(WindowSize::Hour, minute(60 * start), brand, topic), "a")
    };
    let mut wechat = hour(1, "青山茶饮", TOPIC_ALL);
    wechat.key.channel = Channel::Wechat;
    let batch = WriteBatch {
        deltas: entries(
            0,
            [
                hour(0, "青山茶饮", TOPIC_ALL),
                hour(0, "青山茶饮", "price"),
                hour(0, "青山茶饮", "taste"),
                hour(1, "青山茶饮", TOPIC_ALL),
                hour(1, "青山茶饮", "price"),
                hour(1, "云途出行", TOPIC_ALL),
                wechat,
            ],
        ),
        progress: vec![progress(Topic::Aggregates, 7)],
        ..WriteBatch::default()
    };
    store.writer("test").apply(&batch, minute(5)).await.unwrap();
    let filter = WindowFilter::new(WindowSize::Hour, minute(0), minute(600));
    let series = |by: Option<Dimension>| {
        let filter = filter.clone();
        async move {
            let points = store.series(&filter, by).await.unwrap();
            points
                .into_iter()
                .map(|point| {
                    (
                        (point.start.as_second() - minute(0).as_second()) / 3_600,
                        point.name,
                        point.counts.volume,
                    )
                })
                .collect::<Vec<_>>()
        }
    };
    let point = |hour: i64, name: &str, volume: i64| (hour, name.to_owned(), volume);
    assert_eq!(series(None).await, [point(0, "", 1), point(1, "", 3)]);
    let mut by_brand = series(Some(Dimension::Brand)).await;
    by_brand.sort();
    assert_eq!(
        by_brand,
        [
            point(0, "青山茶饮", 1),
            point(1, "云途出行", 1),
            point(1, "青山茶饮", 2)
        ]
    );
    assert_eq!(
        series(Some(Dimension::Channel)).await,
        [
            point(0, "weibo", 1),
            point(1, "wechat", 1),
            point(1, "weibo", 2)
        ]
    );
    assert_eq!(
        series(Some(Dimension::Topic)).await,
        [
            point(0, "price", 1),
            point(0, "taste", 1),
            point(1, "price", 1)
        ]
    );
    let sums = store.sums(&filter, Dimension::Topic).await.unwrap();
    let sums: Vec<_> = sums
        .iter()
        .map(|sum| (sum.name.as_str(), sum.counts.volume))
        .collect();
    assert_eq!(sums, [("price", 2), ("taste", 1)]);
    let narrow = filter
        .clone()
        .brand("青山茶饮")
        .channel(Channel::Weibo)
        .topic("price");
    assert_eq!(store.total(&narrow).await.unwrap().volume, 2);
    assert_eq!(
        store.windows(&narrow, 1).await.unwrap()[0].key.start,
        minute(60)
    );
    let nothing = WindowFilter::new(WindowSize::Day, minute(0), minute(600));
    assert_eq!(store.total(&nothing).await.unwrap(), Default::default());
    // Names are taken from the windows of days.
    assert!(store.brands().await.unwrap().is_empty());
    let day = WriteBatch {
        deltas: entries(
            7,
            [
                delta(key(WindowSize::Day, minute(0), "云途出行", TOPIC_ALL), "a"),
                delta(key(WindowSize::Day, minute(0), "云途出行", "price"), "a"),
            ],
        ),
        progress: vec![progress(Topic::Aggregates, 9)],
        ..WriteBatch::default()
    };
    store.writer("test").apply(&day, minute(5)).await.unwrap();
    assert_eq!(store.brands().await.unwrap(), ["云途出行"]);
    assert_eq!(store.topics().await.unwrap(), ["price"]);
}
