//! What is written stands as it was meant.

use wensheng_schemas::{
    Channel, Correction, Counts, DeliveryState, SentimentLabel, Severity, TOPIC_ALL, Topic,
    WindowSize,
};
use wensheng_store::{FeedbackFilter, WindowFilter, WriteBatch};

use crate::fixture::Fixture;
use crate::samples::{
    alert, all_key, correction, dead_letter, delivery, delta, entries, key, minute, piece, progress,
};

pub(crate) async fn a_batch_is_stored_and_summed(fixture: &Fixture) {
    let store = &fixture.store;
    let mut hour = delta(
        key(WindowSize::Hour, minute(0), "青山茶饮", "waiting_time"),
        "a",
    );
    hour.key.channel = Channel::Hotline;
    let batch = WriteBatch {
        enriched: entries(
            0,
            [
                piece("1", minute(0), "排队两小时"),
                piece("2", minute(1), "还行"),
            ],
        ),
        deltas: entries(
            0,
            [
                delta(all_key(minute(0)), "a"),
                delta(all_key(minute(0)), "b"),
                delta(all_key(minute(1)), "a"),
                hour,
            ],
        ),
        alerts: entries(0, [alert("x", 1, Severity::Crisis, Some(minute(15)))]),
        dead_letters: entries(0, [dead_letter(1)]),
        progress: vec![progress(Topic::Enriched, 2), progress(Topic::Aggregates, 4)],
        ..WriteBatch::default()
    };
    let applied = store.writer("test").apply(&batch, minute(3)).await.unwrap();
    assert_eq!(applied.written.feedback, 2);
    assert_eq!(applied.written.windows, 3);
    assert_eq!(applied.written.alerts, 1);
    assert_eq!(applied.written.dead_letters, 1);
    assert_eq!(applied.repeated, 0);
    assert_eq!(applied.windows.len(), 3);
    let first = &applied.windows[0];
    assert_eq!(first.key, all_key(minute(0)));
    assert_eq!((first.revision, first.authors), (1, 2));
    assert_eq!(first.counts.volume, 2);
    assert_eq!(first.top_keywords, [("排队".to_owned(), 2)]);
    assert_eq!(first.updated_at, minute(3));

    let filter = WindowFilter::new(WindowSize::Minute, minute(0), minute(60));
    let mut stored = store.windows(&filter, 10).await.unwrap();
    stored.reverse();
    assert_eq!(
        stored,
        applied.windows[..2],
        "what is read is what was told"
    );
    let total = store.total(&filter).await.unwrap();
    assert_eq!(
        total,
        Counts {
            volume: 3,
            negative: 3,
            score_sum: -15_000,
            nps_detractors: 3,
            ..Counts::default()
        }
    );
    assert_eq!(store.authors(&filter).await.unwrap(), 2);
    assert_eq!(
        store.keywords(&filter, 5).await.unwrap(),
        [("排队".to_owned(), 3)]
    );
    assert_eq!(store.feedback_count().await.unwrap(), 2);
    assert_eq!(store.window_volume(WindowSize::Minute).await.unwrap(), 3);
    assert_eq!(store.window_volume(WindowSize::Hour).await.unwrap(), 0);
    assert_eq!(store.dead_letter_count().await.unwrap(), 1);
    let read = store
        .feedback_by_id(&batch.enriched[0].value.feedback.id)
        .await
        .unwrap();
    assert_eq!(read.as_ref(), Some(&batch.enriched[0].value));

    // The second batch adds to the same rows.
    let more = WriteBatch {
        deltas: entries(4, [delta(all_key(minute(0)), "c")]),
        progress: vec![progress(Topic::Aggregates, 5)],
        ..WriteBatch::default()
    };
    let applied = store.writer("test").apply(&more, minute(4)).await.unwrap();
    let window = &applied.windows[0];
    assert_eq!((window.revision, window.authors), (2, 3));
    assert_eq!(window.counts.volume, 3);
}

pub(crate) async fn an_older_revision_never_replaces_a_newer_one(fixture: &Fixture) {
    let store = &fixture.store;
    let writer = store.writer("test");
    let revised = |revision: u32, text: &str| {
        let mut piece = piece("1", minute(0), text);
        piece.feedback.revision = revision;
        piece
    };
    let batch = |from: u64, pieces: Vec<_>, alerts: Vec<_>| WriteBatch {
        progress: vec![
            progress(Topic::Enriched, from + pieces.len() as u64),
            progress(Topic::Alerts, from + alerts.len() as u64),
        ],
        enriched: entries(from, pieces),
        alerts: entries(from, alerts),
        ..WriteBatch::default()
    };
    let crisis = |revision| alert("x", revision, Severity::Crisis, Some(minute(15)));
    // Both orders within one batch, then across batches.
    let first = batch(
        0,
        vec![revised(2, "第二版"), revised(1, "第一版")],
        vec![crisis(3), crisis(2)],
    );
    writer.apply(&first, minute(1)).await.unwrap();
    let second = batch(2, vec![revised(0, "原文")], vec![crisis(3)]);
    let applied = writer.apply(&second, minute(1)).await.unwrap();
    assert_eq!((applied.written.feedback, applied.stale.feedback), (0, 1));
    assert_eq!((applied.written.alerts, applied.stale.alerts), (0, 1));
    let third = batch(3, vec![revised(2, "重新分析")], vec![crisis(4)]);
    let applied = writer.apply(&third, minute(1)).await.unwrap();
    assert_eq!((applied.written.feedback, applied.written.alerts), (1, 1));

    let page = store
        .feedback(&FeedbackFilter::default(), None, 10)
        .await
        .unwrap();
    let texts: Vec<_> = page
        .rows
        .iter()
        .map(|row| row.feedback.text.as_str())
        .collect();
    assert_eq!(texts, ["重新分析"]);
    let stored = store.alert(&crisis(0).id).await.unwrap().unwrap();
    assert_eq!(stored.alert, crisis(4));
}

pub(crate) async fn a_revision_takes_its_old_contribution_back(fixture: &Fixture) {
    let mut taken_back = delta(all_key(minute(0)), "a");
    taken_back.counts = taken_back.counts.negated();
    taken_back.keywords = Default::default();
    taken_back.keywords.add("排队", -1);
    let batch = WriteBatch {
        deltas: entries(
            0,
            [
                delta(all_key(minute(0)), "a"),
                delta(all_key(minute(1)), "a"),
            ],
        ),
        progress: vec![progress(Topic::Aggregates, 2)],
        ..WriteBatch::default()
    };
    let writer = fixture.store.writer("test");
    writer.apply(&batch, minute(1)).await.unwrap();
    let batch = WriteBatch {
        deltas: entries(2, [taken_back]),
        progress: vec![progress(Topic::Aggregates, 3)],
        ..WriteBatch::default()
    };
    let applied = writer.apply(&batch, minute(2)).await.unwrap();
    assert_eq!(applied.windows[0].counts, Counts::default());
    assert!(applied.windows[0].top_keywords.is_empty());
    assert_eq!(applied.windows[0].revision, 2);
    assert_eq!(
        fixture
            .store
            .window_volume(WindowSize::Minute)
            .await
            .unwrap(),
        1
    );
}

pub(crate) async fn keywords_are_pruned_to_the_heaviest(fixture: &Fixture) {
    let mut heavy = delta(all_key(minute(0)), "a");
    for number in 1..=300 {
        heavy.keywords.add(&format!("词{number:03}"), number);
    }
    let batch = WriteBatch {
        deltas: entries(0, [heavy]),
        progress: vec![progress(Topic::Aggregates, 1)],
        ..WriteBatch::default()
    };
    fixture
        .store
        .writer("test")
        .apply(&batch, minute(1))
        .await
        .unwrap();
    let filter = WindowFilter::new(WindowSize::Minute, minute(0), minute(1));
    let words = fixture.store.keywords(&filter, 1_000).await.unwrap();
    assert_eq!(words.len(), 200);
    assert_eq!(words[0], ("词300".to_owned(), 300));
    assert_eq!(words[199], ("词101".to_owned(), 101));
}

pub(crate) async fn a_text_with_a_nul_character_holds_nothing_up(fixture: &Fixture) {
    let text = "前\0后";
    let batch = WriteBatch {
        enriched: entries(0, [piece("1", minute(0), text)]),
        progress: vec![progress(Topic::Enriched, 1)],
        ..WriteBatch::default()
    };
    fixture
        .store
        .writer("test")
        .apply(&batch, minute(1))
        .await
        .unwrap();
    let page = fixture
        .store
        .feedback(&FeedbackFilter::default(), None, 10)
        .await
        .unwrap();
    assert_eq!(
        page.rows[0].feedback.text, text,
        "the document is as it was published"
    );
}

pub(crate) async fn every_attempt_stands_in_the_ledger(fixture: &Fixture) {
    let failed = DeliveryState::Failed {
        failed_at: minute(2),
        reason: "93000 invalid webhook url".to_owned(),
    };
    let delivered = DeliveryState::Delivered {
        delivered_at: minute(3),
        answer: "0 ok".to_owned(),
    };
    let batch = WriteBatch {
        alerts: entries(0, [alert("x", 1, Severity::Alert, None)]),
        deliveries: entries(
            0,
            [
                delivery("push-1", "x", 1, failed),
                delivery("push-1", "x", 2, delivered.clone()),
                delivery("push-2", "x", 1, delivered.clone()),
            ],
        ),
        progress: vec![progress(Topic::Deliveries, 3)],
        ..WriteBatch::default()
    };
    let store = &fixture.store;
    let applied = store.writer("test").apply(&batch, minute(5)).await.unwrap();
    assert_eq!(applied.written.deliveries, 2);
    let detail = store
        .alert(&batch.alerts[0].value.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        detail.deliveries,
        [
            batch.deliveries[2].value.clone(),
            batch.deliveries[1].value.clone()
        ]
    );
    let ledger: Vec<_> = detail
        .attempts
        .iter()
        .map(|line| {
            (
                line.id.as_str(),
                line.attempts,
                line.state.as_str(),
                line.answer.as_str(),
            )
        })
        .collect();
    assert_eq!(
        ledger,
        [
            ("push-1", 1, "failed", "93000 invalid webhook url"),
            ("push-2", 1, "delivered", "0 ok"),
            ("push-1", 2, "delivered", "0 ok"),
        ]
    );
    let counts = store.delivery_counts().await.unwrap();
    assert_eq!(
        counts.into_iter().collect::<Vec<_>>(),
        [("delivered".to_owned(), 2)]
    );
}

pub(crate) async fn a_dead_letter_read_twice_is_stored_once(fixture: &Fixture) {
    let store = &fixture.store;
    let batch = WriteBatch {
        dead_letters: entries(0, [dead_letter(1), dead_letter(2), dead_letter(1)]),
        progress: vec![progress(Topic::DeadLetters, 3)],
        ..WriteBatch::default()
    };
    store.writer("test").apply(&batch, minute(5)).await.unwrap();
    let again = WriteBatch {
        dead_letters: entries(3, [dead_letter(2), dead_letter(3)]),
        progress: vec![progress(Topic::DeadLetters, 5)],
        ..WriteBatch::default()
    };
    let applied = store.writer("test").apply(&again, minute(5)).await.unwrap();
    assert_eq!(
        (applied.written.dead_letters, applied.stale.dead_letters),
        (1, 1)
    );
    assert_eq!(store.dead_letter_count().await.unwrap(), 3);
    let first = store.dead_letters(None, 2).await.unwrap();
    assert_eq!(first.rows, [dead_letter(3), dead_letter(2)]);
    let cursor = first.next.unwrap().to_string().parse().unwrap();
    let second = store.dead_letters(Some(&cursor), 2).await.unwrap();
    assert_eq!(second.rows, [dead_letter(1)]);
    assert_eq!(second.next, None);
}

pub(crate) async fn the_latest_correction_of_a_piece_holds_and_each_is_audited_once(
    fixture: &Fixture,
) {
    let store = &fixture.store;
    let first = correction("a", &piece("1", minute(0), "真行啊"));
    let second = Correction {
        label: SentimentLabel::Neutral,
        ..correction("b", &piece("1", minute(0), "真行啊"))
    };
    let of_another = correction("c", &piece("2", minute(0), "还没有来"));
    let batch = WriteBatch {
        enriched: entries(0, [piece("1", minute(0), "真行啊")]),
        corrections: entries(
            0,
            [first.clone(), first.clone(), second.clone(), of_another],
        ),
        progress: vec![
            progress(Topic::Enriched, 1),
            progress(Topic::Corrections, 4),
        ],
        ..WriteBatch::default()
    };
    let writer = store.writer("test");
    let applied = writer.apply(&batch, minute(5)).await.unwrap();
    assert_eq!(
        (applied.written.corrections, applied.stale.corrections),
        (3, 1)
    );
    let again = writer.apply(&batch, minute(6)).await.unwrap();
    assert_eq!((again.written.corrections, again.repeated), (0, 5));
    let audit = store.audit(10).await.unwrap();
    let corrected = audit.iter().filter(|e| e.action == "feedback.correct");
    assert_eq!(corrected.count(), 3);

    let (found, next) = store.corrections(None, 10).await.unwrap();
    assert_eq!(next, None);
    assert_eq!(found.len(), 1, "what is not stored has no words");
    assert_eq!(found[0].correction, second);
    assert_eq!(found[0].piece.feedback.text, "真行啊");

    let mut revised = piece("1", minute(0), "真行啊,谢谢");
    revised.feedback.revision = 1;
    let batch = WriteBatch {
        enriched: entries(1, [revised]),
        progress: vec![progress(Topic::Enriched, 2)],
        ..WriteBatch::default()
    };
    writer.apply(&batch, minute(7)).await.unwrap();
    let (found, _) = store.corrections(None, 10).await.unwrap();
    assert!(found.is_empty(), "it was said of other words");
}

pub(crate) async fn old_feedback_is_deleted_and_its_sums_stay(fixture: &Fixture) {
    let store = &fixture.store;
    let mut negative = piece("2", minute(10), "新的");
    negative.sentiment.label = SentimentLabel::Negative;
    let batch = WriteBatch {
        enriched: entries(0, [piece("1", minute(0), "旧的"), negative]),
        deltas: entries(
            0,
            [delta(
                key(WindowSize::Day, minute(0), "青山茶饮", TOPIC_ALL),
                "a",
            )],
        ),
        progress: vec![progress(Topic::Enriched, 2), progress(Topic::Aggregates, 1)],
        ..WriteBatch::default()
    };
    store
        .writer("test")
        .apply(&batch, minute(11))
        .await
        .unwrap();
    let other = Some("another source");
    assert_eq!(store.delete_before(minute(10), other).await.unwrap(), 0);
    let own = Some("test");
    assert_eq!(store.delete_before(minute(10), own).await.unwrap(), 1);
    assert_eq!(store.delete_before(minute(10), None).await.unwrap(), 0);
    let page = store
        .feedback(&FeedbackFilter::default(), None, 10)
        .await
        .unwrap();
    assert_eq!(page.rows.len(), 1);
    assert_eq!(page.rows[0].feedback.text, "新的");
    assert_eq!(store.window_volume(WindowSize::Day).await.unwrap(), 1);
}

pub(crate) async fn what_was_withdrawn_is_shown_to_nobody_and_does_not_come_back(
    fixture: &Fixture,
) {
    let store = &fixture.store;
    let first = piece("1", minute(0), "排队两小时");
    let mut gone = first.clone();
    gone.feedback.revision = 2;
    gone.feedback.withdraw();
    gone.replaces = Some(Box::new(first.contribution()));
    let mut late = first.clone();
    late.feedback.revision = 1;
    let writer = store.writer("test");
    for (number, revision) in [first.clone(), gone, late].into_iter().enumerate() {
        let batch = WriteBatch {
            enriched: entries(number as u64, [revision]),
            ..WriteBatch::default()
        };
        writer.apply(&batch, minute(1)).await.unwrap();
        let is_shown = number == 0;
        let filter = FeedbackFilter::default();
        let page = store.feedback(&filter, None, 10).await.unwrap();
        assert_eq!(page.rows.len(), usize::from(is_shown));
        let id = &first.feedback.id;
        let one = store.feedback_by_id(id).await.unwrap();
        assert_eq!(one.is_some(), is_shown);
        let count = store.feedback_count().await.unwrap();
        assert_eq!(count, u64::from(is_shown));
    }
    let named =
        "SELECT CAST(COUNT(*) AS DOUBLE PRECISION) FROM feedback WHERE document LIKE '%author-1%'";
    assert_eq!(fixture.numbers(named).await, [0.0]);
}
