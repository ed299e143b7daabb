//! BI tools read the views, never the tables.

use wensheng_schemas::{
    Counts, DeliveryState, RatingCount, RatingSum, Severity, TOPIC_ALL, TermCount, Topic,
    WindowSize,
};
use wensheng_store::WriteBatch;

use crate::fixture::Fixture;
use crate::samples::{
    alert, at, dead_letter, delivery, delta, entries, key, minute, piece, progress,
};

pub(crate) async fn business_tools_find_figures_under_plain_names(fixture: &Fixture) {
    // Midnight of 1 March in Shanghai.
    let day = at("2026-02-28T16:00:00Z");
    let mut promoter = delta(key(WindowSize::Day, day, "青山茶饮", TOPIC_ALL), "b");
    promoter.counts.negative = 0;
    promoter.counts.positive = 1;
    promoter.counts.nps_detractors = 0;
    promoter.counts.nps_promoters = 1;
    promoter.counts.csat_count = 2;
    promoter.counts.csat_satisfied = 1;
    promoter.counts.ces_count = 1;
    promoter.counts.ces_sum = 6;
    let delivered = DeliveryState::Delivered {
        delivered_at: minute(1),
        answer: "0 ok".to_owned(),
    };
    let said = |mentions, negative| TermCount {
        term: "排队两小时".to_owned(),
        count: mentions,
        negative,
    };
    promoter.terms = vec![said(6, 3)];
    promoter.ratings = vec![RatingCount {
        product: None,
        question: "环境".to_owned(),
        from: 0,
        to: 10,
        sum: RatingSum {
            answers: 4,
            top: 3,
            bottom: 1,
            value_sum: 15_000,
        },
    }];
    let yesterday = at("2026-02-27T16:00:00Z");
    let mut before = delta(key(WindowSize::Day, yesterday, "青山茶饮", TOPIC_ALL), "c");
    before.counts = Counts {
        volume: 8,
        ..Counts::default()
    };
    before.terms = vec![said(1, 0)];
    let mut hour = delta(key(WindowSize::Hour, minute(0), "青山茶饮", TOPIC_ALL), "a");
    hour.terms = vec![said(2, 1)];
    let batch = WriteBatch {
        enriched: entries(0, [piece("1", minute(0), "排队")]),
        deltas: entries(
            0,
            [
                delta(key(WindowSize::Day, day, "青山茶饮", TOPIC_ALL), "a"),
                promoter,
                delta(key(WindowSize::Day, day, "青山茶饮", "price"), "a"),
                hour,
                before,
            ],
        ),
        alerts: entries(0, [alert("x", 1, Severity::Alert, Some(minute(15)))]),
        timeline: Vec::new(),
        deliveries: entries(0, [delivery("push", "x", 1, delivered)]),
        corrections: Vec::new(),
        dead_letters: entries(0, [dead_letter(1)]),
        progress: vec![progress(Topic::Aggregates, 5)],
        rises: Vec::new(),
        sources: Vec::new(),
    };
    fixture
        .store
        .writer("test")
        .apply(&batch, minute(5))
        .await
        .unwrap();
    for (sql, expected) in [
        (
            "SELECT CAST(negative_share AS DOUBLE PRECISION) FROM v_daily_brand_sentiment WHERE CAST(day AS TEXT) = '2026-03-01'",
            0.5,
        ),
        (
            "SELECT CAST(mean_score AS DOUBLE PRECISION) FROM v_daily_brand_sentiment WHERE CAST(day AS TEXT) = '2026-03-01'",
            -0.5,
        ),
        (
            "SELECT CAST(volume AS DOUBLE PRECISION) FROM v_daily_brand_sentiment WHERE CAST(day AS TEXT) = '2026-03-01'",
            2.0,
        ),
        (
            "SELECT CAST(volume AS DOUBLE PRECISION) FROM v_daily_topic_sentiment WHERE topic = 'price'",
            1.0,
        ),
        (
            "SELECT CAST(volume AS DOUBLE PRECISION) FROM v_hourly_volume",
            1.0,
        ),
        (
            "SELECT CAST(COUNT(*) AS DOUBLE PRECISION) FROM v_hourly_volume WHERE CAST(hour AS TEXT) LIKE '2026-03-01%02:00:00%'",
            1.0,
        ),
        ("SELECT CAST(nps AS DOUBLE PRECISION) FROM v_nps_daily", 0.0),
        (
            "SELECT CAST(csat AS DOUBLE PRECISION) FROM v_csat_daily",
            50.0,
        ),
        ("SELECT CAST(ces AS DOUBLE PRECISION) FROM v_ces_daily", 6.0),
        ("SELECT CAST(nps AS DOUBLE PRECISION) FROM v_feedback", 9.0),
        (
            "SELECT CAST(COUNT(*) AS DOUBLE PRECISION) FROM v_alerts WHERE is_open AND NOT breached",
            1.0,
        ),
        (
            "SELECT CAST(seconds_from_observed AS DOUBLE PRECISION) FROM v_deliveries",
            60.0,
        ),
        (
            "SELECT CAST(COUNT(*) AS DOUBLE PRECISION) FROM v_dead_letters",
            1.0,
        ),
        (
            "SELECT CAST(negative_share AS DOUBLE PRECISION) FROM v_hourly_terms WHERE term = '排队两小时' AND CAST(hour AS TEXT) LIKE '2026-03-01%02:00:00%'",
            0.5,
        ),
        (
            "SELECT CAST(mentions_before AS DOUBLE PRECISION) FROM v_daily_terms WHERE CAST(day AS TEXT) = '2026-03-01'",
            1.0,
        ),
        // 6.5 of 2 beside 1.5 of 8.
        (
            "SELECT CAST(ROUND(CAST(rise AS NUMERIC), 3) AS DOUBLE PRECISION) FROM v_daily_terms WHERE CAST(day AS TEXT) = '2026-03-01'",
            17.333,
        ),
        (
            "SELECT CAST(COUNT(*) AS DOUBLE PRECISION) FROM v_daily_terms WHERE rise IS NULL AND CAST(day AS TEXT) = '2026-02-28'",
            1.0,
        ),
        (
            "SELECT CAST(mean_answer AS DOUBLE PRECISION) FROM v_daily_ratings WHERE question = '环境' AND scale_to = 10 AND product IS NULL",
            3.75,
        ),
        (
            "SELECT CAST(top_two_box AS DOUBLE PRECISION) FROM v_daily_ratings",
            75.0,
        ),
        (
            "SELECT CAST(nps AS DOUBLE PRECISION) FROM v_daily_ratings",
            50.0,
        ),
    ] {
        assert_eq!(fixture.numbers(sql).await, [expected], "{sql}");
    }
}
