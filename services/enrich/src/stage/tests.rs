use wensheng_bus::TopicPartition;
use wensheng_schemas::{Channel, EventId, Provenance, Scores};

use super::*;
use crate::Config;

/// Loaded once: word lists and models take longer than all tests together.
static ANALYZER: std::sync::LazyLock<Arc<Analyzer>> =
    std::sync::LazyLock::new(|| Arc::new(Config::default().analyzer().unwrap()));

fn stage() -> EnrichStage {
    let config = Config::default();
    EnrichStage::new(
        ANALYZER.clone(),
        config.repeat_horizon(),
        config.signal_horizon(),
    )
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + seconds).unwrap()
}

fn feedback(native_id: &str, text: &str) -> FeedbackEvent {
    FeedbackEvent {
        id: EventId::of("shop", native_id),
        revision: 0,
        source: "shop".to_owned(),
        native_id: native_id.to_owned(),
        channel: Channel::Review,
        brand: "山岚茶饮".to_owned(),
        product: None,
        store: None,
        region: None,
        occurred_at: at(0),
        observed_at: at(5),
        text: text.to_owned(),
        author: None,
        reach: None,
        scores: Scores::default(),
        url: None,
        reply_to: None,
        repost_of: None,
        attributes: BTreeMap::new(),
        call: None,
        provenance: Provenance::default(),
        drill: false,
        ratings: Default::default(),
        immutable: false,
        withdrawn: false,
    }
}

fn record(feedback: &FeedbackEvent, offset: u64) -> Record {
    let out = encode(feedback, None);
    Record {
        at: TopicPartition::new(Topic::Feedback.name(), 3),
        offset,
        appended_at: at(6),
        key: out.key,
        value: out.value,
        headers: out.headers,
    }
}

fn topics_of(out: Outputs) -> Vec<String> {
    out.into_records()
        .iter()
        .map(|record| record.topic.to_string())
        .collect()
}

#[test]
fn feedback_is_analysed_and_a_red_rule_gives_a_signal() {
    let mut out = Outputs::default();
    let record = record(&feedback("1", "喝完上吐下泻，食物中毒进了医院，太差了"), 0);
    assert_eq!(stage().process(&record, at(7), &mut out), Outcome::Emit);
    let records = out.into_records();
    let enriched: Enriched =
        serde_json::from_slice(records.last().unwrap().value.as_deref().unwrap()).unwrap();
    assert_eq!(enriched.sentiment.label, SentimentLabel::Negative);
    assert!(
        enriched
            .rules
            .iter()
            .any(|hit| hit.severity == Severity::Crisis),
        "{:?}",
        enriched.rules
    );
    let signal = records
        .iter()
        .find(|record| *record.topic == *Topic::Signals.name())
        .unwrap();
    let key = &signal.key;
    let signal: Signal = serde_json::from_slice(signal.value.as_deref().unwrap()).unwrap();
    assert_eq!(signal.times.observed_at, at(5));
    assert_eq!(signal.times.detected_at, at(7));
    assert_eq!(key.as_ref(), "山岚茶饮".as_bytes());
}

#[test]
fn a_repeat_is_dropped_also_after_a_restart() {
    let mut stage = stage();
    let record = record(&feedback("1", "味道不错"), 0);
    assert_eq!(
        stage.process(&record, at(7), &mut Outputs::default()),
        Outcome::Emit
    );
    assert_eq!(
        stage.process(&record, at(8), &mut Outputs::default()),
        Outcome::Drop("duplicate")
    );
    stage.revoke(&[3]);
    stage.restore(&record);
    assert_eq!(
        stage.process(&record, at(9), &mut Outputs::default()),
        Outcome::Drop("duplicate")
    );
}

#[test]
fn a_back_fill_is_tagged_but_alerts_nobody() {
    let mut old = feedback("1", "食物中毒进了医院");
    old.occurred_at = at(-30 * 86_400);
    let mut out = Outputs::default();
    assert_eq!(
        stage().process(&record(&old, 0), at(7), &mut out),
        Outcome::Emit
    );
    assert_eq!(
        topics_of(out),
        [Topic::Contributions.name(), Topic::Enriched.name()]
    );
}

#[test]
fn bytes_that_are_no_feedback_are_rejected() {
    let mut bad = record(&feedback("1", "x"), 0);
    bad.value = Some(bytes::Bytes::from_static(b"{\"id\": 3}"));
    assert!(matches!(
        stage().process(&bad, at(7), &mut Outputs::default()),
        Outcome::Reject(_)
    ));
}

/// What came out of one record: its enriched form, how many signals, and how many contributions.
fn passed(stage: &mut EnrichStage, record: &Record) -> (Enriched, usize, usize) {
    let mut out = Outputs::default();
    assert_eq!(stage.process(record, at(8), &mut out), Outcome::Emit);
    let records = out.into_records();
    let of = |topic: Topic| records.iter().filter(move |r| *r.topic == *topic.name());
    let enriched = of(Topic::Enriched).next().unwrap();
    (
        serde_json::from_slice(enriched.value.as_deref().unwrap()).unwrap(),
        of(Topic::Signals).count(),
        of(Topic::Contributions).count(),
    )
}

/// The record of the contribution that `stage` would keep for `feedback`.
fn contribution(feedback: &Record, offset: u64) -> Record {
    let mut out = Outputs::default();
    stage().process(feedback, at(8), &mut out);
    let out = out
        .into_records()
        .into_iter()
        .find(|out| *out.topic == *Topic::Contributions.name())
        .unwrap();
    Record {
        at: TopicPartition::new(Topic::Contributions.name(), 3),
        offset,
        appended_at: at(9),
        key: out.key,
        value: out.value,
        headers: out.headers,
    }
}

#[test]
fn a_higher_revision_carries_what_the_one_before_contributed_also_after_a_restart() {
    let mut event = feedback("1", "味道不错，很好喝");
    event.scores.nps = Some(9);
    let first = record(&event, 0);
    event.revision = 2;
    event.text = "太难喝了，差评".to_owned();
    event.scores.nps = Some(1);
    let third = record(&event, 1);
    event.revision = 1;
    let second = record(&event, 2);

    let mut live = stage();
    let (before, _, kept) = passed(&mut live, &first);
    assert_eq!((before.replaces.as_deref(), kept), (None, 1));
    let mut restarted = stage();
    restarted.restore(&first);
    restarted.restore(&contribution(&first, 0));
    for stage in [&mut live, &mut restarted] {
        let (after, _, kept) = passed(stage, &third);
        assert_eq!(after.replaces.as_deref(), Some(&before.contribution()));
        assert_eq!((after.feedback.revision, kept), (2, 1));
        for (late, reason) in [(&second, "superseded"), (&third, "duplicate")] {
            let outcome = stage.process(late, at(9), &mut Outputs::default());
            assert_eq!(outcome, Outcome::Drop(reason));
        }
    }
}

#[test]
fn a_withdrawal_takes_back_adds_nothing_and_says_nothing() {
    let mut stage = stage();
    let mut event = feedback("1", "食物中毒进了医院");
    let (before, signals, _) = passed(&mut stage, &record(&event, 0));
    assert!(signals > 0);
    event.revision = 1;
    event.brand = "别的牌子".to_owned();
    event.withdrawn = true;
    let (gone, signals, _) = passed(&mut stage, &record(&event, 1));
    assert_eq!(gone.replaces.as_deref(), Some(&before.contribution()));
    assert_eq!(signals, 0);
    assert_eq!(gone.feedback.text, "");
    assert_eq!(gone.feedback.brand, before.feedback.brand);
    // Put back again: there is nothing left to take back.
    event.revision = 2;
    event.withdrawn = false;
    let (back, _, _) = passed(&mut stage, &record(&event, 2));
    assert_eq!(back.replaces, None);
}

#[test]
fn a_rule_that_an_earlier_revision_met_gives_no_second_signal() {
    let mut stage = stage();
    let mut event = feedback("1", "味道不错");
    assert_eq!(passed(&mut stage, &record(&event, 0)).1, 0);
    event.revision = 1;
    event.text = "食物中毒进了医院".to_owned();
    assert!(passed(&mut stage, &record(&event, 1)).1 > 0);
    event.revision = 2;
    event.text = "味道不错".to_owned();
    assert_eq!(passed(&mut stage, &record(&event, 2)).1, 0);
    event.revision = 3;
    event.text = "食物中毒进了医院，还在等说法".to_owned();
    let (enriched, signals, _) = passed(&mut stage, &record(&event, 3));
    assert!(!enriched.rules.is_empty());
    assert_eq!(signals, 0);
}

#[test]
fn a_drill_is_never_taken_back_from_the_figures() {
    let mut stage = stage();
    let mut event = feedback("1", "味道不错");
    event.drill = true;
    passed(&mut stage, &record(&event, 0));
    event.revision = 1;
    assert_eq!(passed(&mut stage, &record(&event, 1)).0.replaces, None);
}

#[test]
fn of_a_source_that_never_revises_nothing_is_kept_and_a_revision_is_kept_for_a_person_to_see() {
    let mut stage = stage();
    let mut event = feedback("1", "味道不错");
    event.immutable = true;
    assert_eq!(passed(&mut stage, &record(&event, 0)).2, 0);
    event.revision = 1;
    let revised = record(&event, 1);
    assert!(matches!(
        stage.process(&revised, at(8), &mut Outputs::default()),
        Outcome::Reject(_)
    ));
    assert_eq!(
        stage.process(&revised, at(8), &mut Outputs::default()),
        Outcome::Drop("duplicate")
    );
}
