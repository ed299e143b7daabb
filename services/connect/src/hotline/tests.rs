use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use wensheng_schemas::{Call, Channel, FeedbackEvent, Role, Turn};

use super::{Calls, Part, Side};
use crate::connector::Shared;
use crate::draft::{DraftRules, Place};
use crate::field::Field;
use crate::staging::Staging;

const NOW: i64 = 1_700_000_000;

fn rules() -> DraftRules {
    let shared = Shared {
        pseudonym_key: wensheng_runtime::Secret::new("0123456789abcdef"),
        max_text_bytes: 2_000,
        aliases: None,
    };
    DraftRules::of_platform("line", "transcript", "鹿汀茶饮", Channel::Hotline, &shared).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn turn(role: Role, begin_ms: u64, end_ms: u64, text: &str) -> Turn {
    Turn {
        role,
        track: None,
        begin_ms,
        end_ms,
        text: text.to_owned(),
    }
}

fn part(id: &str, turns: Vec<Turn>) -> Part {
    let mut part = Part {
        call: Call {
            turns,
            ..Call::default()
        },
        ..Part::default()
    };
    part.draft.set(Field::Id, id.to_owned());
    part
}

/// What one part led to: the event, if any, and the records by stream.
struct Told {
    event: Option<FeedbackEvent>,
    cursors: Vec<(String, Option<Value>)>,
}

fn take(calls: &mut Calls, part: Part, second: i64) -> Result<Told, String> {
    let mut staging = Staging::new("line");
    let place = Place::of("/ingest/line");
    calls.take(part, &rules(), place, Side::Main, at(second), &mut staging)?;
    let records = staging.take().records;
    let value = |bytes: &bytes::Bytes| serde_json::from_slice::<Value>(bytes).unwrap();
    let event = records
        .iter()
        .find(|record| record.topic.contains("feedback"))
        .map(|record| serde_json::from_value(value(record.value.as_ref().unwrap())).unwrap());
    let cursors = records
        .iter()
        .filter(|record| record.topic.contains("cursors"))
        .map(|record| {
            let key = String::from_utf8(record.key.to_vec()).unwrap();
            let position = record
                .value
                .as_ref()
                .map(|bytes| value(bytes)["position"].clone());
            (key.split_once('|').unwrap().1.to_owned(), position)
        })
        .collect();
    Ok(Told { event, cursors })
}

#[test]
fn only_the_customers_words_are_judged_and_all_are_kept() {
    let mut calls = Calls::new(72);
    let turns = vec![
        turn(Role::Customer, 3_400, 5_000, "我要投诉"),
        turn(Role::Agent, 340, 3_000, "非常抱歉给您带来不好的体验"),
        turn(Role::Customer, 9_000, 9_500, " "),
        turn(Role::Customer, 6_000, 9_000, "电话13800138000"),
    ];
    let event = take(&mut calls, part("c1", turns), NOW)
        .unwrap()
        .event
        .unwrap();
    assert_eq!(event.text, "我要投诉\n电话[手机号]");
    let call = event.call.unwrap();
    assert_eq!(call.turns.len(), 3);
    assert_eq!(call.turns[0].role, Role::Agent);
    assert_eq!(call.turns[2].text, "电话[手机号]");
    assert_eq!((call.silence_ms, call.talk_over_ms), (Some(0), Some(0)));
    assert_eq!(event.attributes["masked"], "mobile=1");
    assert_eq!(event.revision, 0);
}

#[test]
fn what_comes_again_changes_nothing_and_what_is_new_is_a_revision() {
    let mut calls = Calls::new(72);
    let first = || part("c1", vec![turn(Role::Customer, 0, 900, "漏水")]);
    let second = || {
        part(
            "c1",
            vec![turn(Role::Customer, 2_000, 2_900, "电话13800138000")],
        )
    };
    let a = take(&mut calls, first(), NOW).unwrap().event.unwrap();
    let again = take(&mut calls, first(), NOW + 60).unwrap().event.unwrap();
    assert_eq!(a, again);
    let b = take(&mut calls, second(), NOW + 90).unwrap().event.unwrap();
    assert_eq!((b.revision, &b.id), (1, &a.id));
    assert_eq!(b.text, "漏水\n电话[手机号]");
    assert_eq!(b.attributes["masked"], "mobile=1");
    assert_eq!(b.occurred_at, a.occurred_at);
    for resend in [first(), second(), second()] {
        let same = take(&mut calls, resend, NOW + 200).unwrap().event.unwrap();
        assert_eq!(same, b);
    }
    let corrected = part("c1", vec![turn(Role::Customer, 0, 950, "漏水了")]);
    let c = take(&mut calls, corrected, NOW + 300)
        .unwrap()
        .event
        .unwrap();
    assert_eq!((c.revision, c.text.as_str()), (2, "漏水了\n电话[手机号]"));
    let mut whole = part("c1", vec![turn(Role::Customer, 0, 950, "漏水了")]);
    whole.whole = true;
    let d = take(&mut calls, whole, NOW + 400).unwrap().event.unwrap();
    assert_eq!((d.revision, d.text.as_str()), (3, "漏水了"));
    assert!(!d.attributes.contains_key("masked"));
}

#[test]
fn facts_wait_for_words_or_a_score_and_the_first_event_has_them() {
    let mut calls = Calls::new(72);
    let mut facts = part("c1", vec![]);
    facts.call.wait_ms = Some(42_000);
    facts.started_at = Some(at(NOW - 500));
    let told = take(&mut calls, facts, NOW).unwrap();
    assert!(told.event.is_none());
    assert_eq!(told.cursors.len(), 1);
    let mut score = part("c1", vec![]);
    score.draft.set(Field::Csat, "1");
    let event = take(&mut calls, score, NOW + 1).unwrap().event.unwrap();
    assert_eq!((event.revision, event.scores.csat), (0, Some(1)));
    assert_eq!(event.occurred_at, at(NOW - 500));
    assert_eq!(event.call.unwrap().wait_ms, Some(42_000));
}

#[test]
fn times_without_a_beginning_move_when_it_is_told() {
    let mut calls = Calls::new(72);
    let mut words = part("c1", vec![turn(Role::Customer, 0, 1_000, "漏水")]);
    words.zero = Some(at(NOW + 5));
    let event = take(&mut calls, words, NOW + 60).unwrap().event.unwrap();
    assert_eq!(event.occurred_at, at(NOW + 5));
    let mut earlier = part("c1", vec![turn(Role::Agent, 0, 1_000, "您好")]);
    earlier.zero = Some(at(NOW + 3));
    let event = take(&mut calls, earlier, NOW + 61).unwrap().event.unwrap();
    let begins = |event: &FeedbackEvent| -> Vec<u64> {
        let call = event.call.as_ref().unwrap();
        call.turns.iter().map(|turn| turn.begin_ms).collect()
    };
    assert_eq!(
        (event.occurred_at, begins(&event)),
        (at(NOW + 3), vec![0, 2_000])
    );
    let mut record = part("c1", vec![]);
    record.started_at = Some(at(NOW));
    let event = take(&mut calls, record, NOW + 62).unwrap().event.unwrap();
    assert_eq!(
        (event.occurred_at, begins(&event)),
        (at(NOW), vec![3_000, 5_000])
    );
}

#[test]
fn a_restart_goes_on_where_the_last_commit_was() {
    let mut calls = Calls::new(72);
    let told = take(
        &mut calls,
        part("c1", vec![turn(Role::Customer, 0, 9, "慢")]),
        NOW,
    )
    .unwrap();
    let (stream, position) = told.cursors[0].clone();
    assert_eq!(stream, "call:c1");
    let mut after = Calls::new(72);
    after.restore([(stream, position.unwrap()), ("call:x".to_owned(), json!(3))].into());
    let more = || part("c1", vec![turn(Role::Customer, 20, 29, "太慢")]);
    let continued = take(&mut after, more(), NOW + 1).unwrap().event.unwrap();
    assert_eq!(
        (continued.revision, continued.text.as_str()),
        (1, "慢\n太慢")
    );
    assert_eq!(
        continued,
        take(&mut calls, more(), NOW + 1).unwrap().event.unwrap()
    );
}

#[test]
fn a_call_that_rested_is_closed_and_one_that_is_spoken_to_is_not() {
    let mut calls = Calls::new(1);
    let words = |id: &str, begin| part(id, vec![turn(Role::Customer, begin, begin + 9, "慢")]);
    take(&mut calls, words("old", 0), NOW).unwrap();
    take(&mut calls, words("kept", 0), NOW).unwrap();
    take(&mut calls, words("kept", 100), NOW + 3_000).unwrap();
    let told = take(&mut calls, words("new", 0), NOW + 3_700).unwrap();
    let all = told.cursors.iter();
    let forgotten: Vec<&str> = all
        .filter(|(_, position)| position.is_none())
        .map(|(stream, _)| stream.as_str())
        .collect();
    assert_eq!(forgotten, ["call-pull:old"]);
    let mark = told.cursors.iter().find(|(stream, _)| stream == "call:old");
    let mark = mark.unwrap().1.as_ref().unwrap().to_string();
    assert!(!mark.contains("慢"), "a mark holds no word: {mark}");
}

const HOUR: i64 = 3_600;

/// A call that was told and closed, as a restart knows it.
fn closed_call() -> Calls {
    let mut calls = Calls::new(1);
    let mut words = part("c1", vec![turn(Role::Customer, 0, 900, "漏水")]);
    words.draft.set(Field::Csat, "1");
    words.draft.set(Field::Author, "13800138000".to_owned());
    take(&mut calls, words, NOW).unwrap();
    take(
        &mut calls,
        part("c1", vec![turn(Role::Customer, 900, 990, "太慢")]),
        NOW,
    )
    .unwrap();
    let other = part("c2", vec![turn(Role::Customer, 0, 900, "慢")]);
    let told = take(&mut calls, other, NOW + 2 * HOUR).unwrap();
    let kept = told.cursors.into_iter();
    let mut after = Calls::new(1);
    after.restore(
        kept.filter_map(|(stream, position)| Some((stream, position?)))
            .collect(),
    );
    after
}

#[test]
fn what_comes_late_goes_on_as_a_call_of_its_own_and_what_comes_again_is_dropped() {
    let mut calls = closed_call();
    let later = NOW + 100 * HOUR;
    assert!(calls.has_turns("c1"));
    for again in [
        part("c1", vec![turn(Role::Customer, 0, 900, "漏水")]),
        part("c1", vec![turn(Role::Customer, 7, 99, "太慢")]),
        part("c1", vec![]),
    ] {
        let told = take(&mut calls, again, later).unwrap();
        assert!(told.event.is_none());
    }
    let late = || part("c1", vec![turn(Role::Customer, 0, 900, "还没修好")]);
    let event = take(&mut calls, late(), later).unwrap().event.unwrap();
    assert_eq!((event.native_id.as_str(), event.revision), ("c1#2", 0));
    assert_eq!(event.id, wensheng_schemas::EventId::of("line", "c1#2"));
    assert_eq!(event.reply_to.as_deref(), Some("c1"));
    assert_eq!(event.text, "还没修好");
    // Further late parts belong to it, until it is closed as well.
    let mut score = part("c1", vec![]);
    score.draft.set(Field::Csat, "2");
    let event = take(&mut calls, score, later + 1).unwrap().event.unwrap();
    assert_eq!((event.native_id.as_str(), event.revision), ("c1#2", 1));
    let told = take(&mut calls, late(), later + 50 * HOUR).unwrap();
    assert!(told.event.is_some(), "open, it is told as it stands");
    let third = part("c1", vec![turn(Role::Customer, 0, 900, "算了")]);
    take(
        &mut calls,
        part("c3", vec![turn(Role::Agent, 0, 9, "您好")]),
        later + 60 * HOUR,
    )
    .unwrap();
    let told = take(&mut calls, late(), later + 61 * HOUR).unwrap();
    assert!(told.event.is_none());
    let event = take(&mut calls, third, later + 61 * HOUR).unwrap();
    assert_eq!(event.event.unwrap().native_id, "c1#3");
}

#[test]
fn all_turns_of_a_closed_call_are_its_next_revision() {
    let mut calls = closed_call();
    let whole = |text: &str| {
        let mut whole = part("c1", vec![turn(Role::Customer, 0, 900, text)]);
        whole.whole = true;
        whole
    };
    let event = take(&mut calls, whole("漏水,太慢"), NOW + 100 * HOUR)
        .unwrap()
        .event
        .unwrap();
    // Two parts were told before: 0 and 1.
    assert_eq!((event.native_id.as_str(), event.revision), ("c1", 2));
    assert_eq!(event.text, "漏水,太慢");
    let event = take(&mut calls, whole("漏水"), NOW + 100 * HOUR + 9).unwrap();
    assert_eq!(event.event.unwrap().revision, 3, "it is open again");
}

#[test]
fn a_mark_knows_whose_call_it_was_and_goes_after_a_month() {
    let mut calls = Calls::new(1);
    let mut words = part("c1", vec![turn(Role::Customer, 0, 900, "漏水")]);
    words.draft.set(Field::Author, "13800138000".to_owned());
    let event = take(&mut calls, words, NOW).unwrap().event.unwrap();
    let next = |calls: &mut Calls, id: &str, at: i64| {
        let words = part(id, vec![turn(Role::Customer, 0, 900, "慢")]);
        take(calls, words, at).unwrap().cursors
    };
    let cursors = next(&mut calls, "c2", NOW + 2 * HOUR);
    let (stream, mark) = cursors.iter().find(|(s, _)| s == "call:c1").unwrap();
    let caller = super::caller(stream, mark.as_ref().unwrap());
    assert_eq!(caller, event.author.map(|author| author.key));
    let gone = next(&mut calls, "c3", NOW + 2 * HOUR + 31 * 24 * HOUR);
    for stream in ["call:c1", "call-pull:c1"] {
        let last = gone.iter().rev().find(|(s, _)| s == stream).unwrap();
        assert_eq!(last.1, None, "{stream}");
    }
}

#[test]
fn a_call_without_an_id_or_with_too_many_words_is_refused_and_leaves_what_was() {
    let mut calls = Calls::new(72);
    let refused = take(
        &mut calls,
        part("", vec![turn(Role::Customer, 0, 9, "慢")]),
        NOW,
    );
    assert!(refused.err().unwrap().contains("no id"));
    take(
        &mut calls,
        part("c", vec![turn(Role::Customer, 0, 9, "慢")]),
        NOW,
    )
    .unwrap();
    let long = "长".repeat(700);
    let refused = take(
        &mut calls,
        part("c", vec![turn(Role::Agent, 50, 90, &long)]),
        NOW,
    );
    assert!(refused.err().unwrap().contains("max_text_bytes"));
    let event = take(
        &mut calls,
        part("c", vec![turn(Role::Customer, 20, 29, "差")]),
        NOW,
    );
    assert_eq!(event.unwrap().event.unwrap().text, "慢\n差");
}

proptest! {
    /// In whatever order the sentences of a call come, and however often, the call is the same in the end.
    #[test]
    fn the_order_of_parts_does_not_matter(
        order in prop::collection::vec(0_usize..6, 6..18), customers in prop::collection::vec(any::<bool>(), 6),
    ) {
        let sentence = |number: usize| {
            let role = if customers[number] { Role::Customer } else { Role::Agent };
            let begin = number as u64 * 700;
            let mut one = part("c1", vec![turn(role, begin, begin + 900, &format!("第{number}句"))]);
            one.started_at = Some(at(NOW));
            one
        };
        let mut calls = Calls::new(72);
        let mut straight = Calls::new(72);
        let mut last = None;
        for number in (0..6).chain(order.clone()) {
            last = take(&mut calls, sentence(number), NOW + 9).unwrap().event.or(last);
        }
        let mut reference = None;
        for number in order.into_iter().chain((0..6).rev()) {
            reference = take(&mut straight, sentence(number), NOW + 9).unwrap().event.or(reference);
        }
        let call = |event: Option<FeedbackEvent>| event.map(|event| (event.text, event.call, event.occurred_at));
        prop_assert_eq!(call(last), call(reference));
    }
}
