//! What people judged of alerts, and signals that only inform.

use std::collections::BTreeMap;

use wensheng_schemas::{
    Actor, Alert, AlertState, Severity, Signal, SignalKind, SignalTimes, TOPIC_ALL, Topic,
};
use wensheng_store::{Judged, Precision, Reason, WriteBatch};

use crate::fixture::Fixture;
use crate::samples::{alert, entries, minute, progress};

fn of(id: &str, brand: &str, causes: &[&str], state: AlertState) -> Alert {
    Alert {
        brand: brand.to_owned(),
        causes: causes.iter().map(|c| ((*c).to_owned(), 3)).collect(),
        state,
        ..alert(id, 1, Severity::Alert, None)
    }
}

fn by() -> Actor {
    Actor("王敏".to_owned())
}

fn dismissed(reason: &str) -> AlertState {
    AlertState::Dismissed {
        by: by(),
        at: minute(5),
        reason: reason.to_owned(),
    }
}

fn judged(precision: &Precision, brand: &str, rule: &str) -> (u64, Judged) {
    let found = precision
        .rules
        .iter()
        .find(|r| r.brand == brand && r.rule == rule);
    let found = found.unwrap_or_else(|| panic!("{brand} {rule}: {precision:#?}"));
    (found.alone, found.judged.clone())
}

pub(crate) async fn each_rule_answers_for_the_alerts_that_people_judged(fixture: &Fixture) {
    let store = &fixture.store;
    let (tea, hotel) = ("青山茶饮", "云途出行");
    let answered = AlertState::Responding {
        by: by(),
        at: minute(4),
    };
    let taken = AlertState::Acknowledged {
        by: by(),
        at: minute(4),
    };
    let mut confirmed = of("06", tea, &["burst"], taken.clone());
    confirmed.handling.confirmed_at = Some(minute(3));
    let mut earlier = of("07", tea, &["burst"], dismissed("旧闻"));
    earlier.times.raised_at = minute(-10);
    let mut drill = of("08", tea, &["burst"], dismissed("演练"));
    drill.drill = true;
    let mut alerts = vec![
        of("01", tea, &["食品安全", "burst"], answered),
        of("02", tea, &["食品安全"], dismissed("歌名")),
        of("03", tea, &["食品安全"], dismissed("转述新闻")),
        of("04", tea, &["食品安全"], dismissed("转述新闻")),
        of("05", tea, &["食品安全"], taken),
        confirmed,
        earlier,
        drill,
        of("09", hotel, &["食品安全"], AlertState::Raised),
    ];
    // More than are read at a time.
    alerts.extend(
        (100..1_200).map(|n| of(&n.to_string(), hotel, &["发烫"], dismissed(&format!("{n}")))),
    );
    let batch = WriteBatch {
        progress: vec![progress(Topic::Alerts, 2_000)],
        alerts: entries(0, alerts),
        ..WriteBatch::default()
    };
    store.writer("test").apply(&batch, minute(9)).await.unwrap();

    let all = store.precision(None, minute(0), minute(1)).await.unwrap();
    let reason = |reason: &str, alerts| Reason {
        reason: reason.to_owned(),
        alerts,
    };
    assert_eq!(
        judged(&all, tea, "食品安全"),
        (
            4,
            Judged {
                raised: 5,
                confirmed: 1,
                dismissed: 3,
                open: 1,
                precision: Some(0.25),
                reasons: vec![reason("转述新闻", 2), reason("歌名", 1)],
            }
        )
    );
    assert_eq!(judged(&all, tea, "burst").1.precision, Some(1.0));
    let (alone, waiting) = judged(&all, hotel, "食品安全");
    assert_eq!((alone, waiting.open, waiting.precision), (1, 1, None));
    let (_, many) = judged(&all, hotel, "发烫");
    assert_eq!((many.dismissed, many.reasons.len()), (1_100, 5));
    // An alert with two causes is one alert of its brand.
    let brands: BTreeMap<_, _> = all
        .brands
        .iter()
        .map(|b| (b.brand.as_str(), b.judged.raised))
        .collect();
    assert_eq!(brands, BTreeMap::from([(tea, 6), (hotel, 1_101)]));

    let one = store
        .precision(Some(tea), minute(-20), minute(1))
        .await
        .unwrap();
    assert_eq!((one.brands.len(), one.brands[0].judged.raised), (1, 7));
    let none = store.precision(None, minute(1), minute(2)).await.unwrap();
    assert_eq!(none, Precision::default());
}

fn rise(brand: &str, from: i64) -> Signal {
    Signal {
        id: format!("{brand}-{from}"),
        kind: SignalKind::Volume {
            score: 3.1,
            window_seconds: 900,
            pieces: 186,
            usual: 41,
        },
        severity: Severity::Watch,
        brand: brand.to_owned(),
        topic: TOPIC_ALL.to_owned(),
        channels: Vec::new(),
        samples: Vec::new(),
        times: SignalTimes {
            first_post_at: minute(from),
            occurred_at: minute(from + 15),
            observed_at: minute(from + 15),
            enriched_at: minute(from + 15),
            detected_at: minute(from + 15),
        },
        drill: false,
    }
}

pub(crate) async fn rises_are_kept_once_and_told_newest_first(fixture: &Fixture) {
    let store = &fixture.store;
    let batch = |from, rises| WriteBatch {
        progress: vec![progress(Topic::Signals, from + 2)],
        rises: entries(from, rises),
        ..WriteBatch::default()
    };
    let (first, later) = (rise("青山茶饮", 0), rise("云途出行", 60));
    let writer = store.writer("test");
    let written = writer
        .apply(&batch(0, vec![first.clone(), later.clone()]), minute(90))
        .await
        .unwrap();
    assert_eq!(written.written.rises, 2);
    // The same signal given again, as a replay does.
    let again = writer
        .apply(&batch(2, vec![first.clone(), first.clone()]), minute(91))
        .await
        .unwrap();
    assert_eq!((again.written.rises, again.stale.rises), (0, 1));
    assert_eq!(
        store.rises(None, 10).await.unwrap(),
        [later.clone(), first.clone()]
    );
    assert_eq!(store.rises(None, 1).await.unwrap(), [later]);
    assert_eq!(store.rises(Some("青山茶饮"), 10).await.unwrap(), [first]);
}
