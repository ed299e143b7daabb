//! BI tools read the views, never the tables.

use wensheng_schemas::{DeliveryState, Severity, TOPIC_ALL, Topic, WindowSize};
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
    let batch = WriteBatch {
        enriched: entries(0, [piece("1", minute(0), "排队")]),
        deltas: entries(
            0,
            [
                delta(key(WindowSize::Day, day, "青山茶饮", TOPIC_ALL), "a"),
                promoter,
                delta(key(WindowSize::Day, day, "青山茶饮", "price"), "a"),
                delta(key(WindowSize::Hour, minute(0), "青山茶饮", TOPIC_ALL), "a"),
            ],
        ),
        alerts: entries(0, [alert("x", 1, Severity::Alert, Some(minute(15)))]),
        timeline: Vec::new(),
        deliveries: entries(0, [delivery("push", "x", 1, delivered)]),
        corrections: Vec::new(),
        dead_letters: entries(0, [dead_letter(1)]),
        progress: vec![progress(Topic::Aggregates, 4)],
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
            "SELECT CAST(negative_share AS DOUBLE PRECISION) FROM v_daily_brand_sentiment",
            0.5,
        ),
        (
            "SELECT CAST(mean_score AS DOUBLE PRECISION) FROM v_daily_brand_sentiment",
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
    ] {
        assert_eq!(fixture.numbers(sql).await, [expected], "{sql}");
    }
}
