//! What belongs to a person goes from every record, and nothing else does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use wensheng_schemas::{Enriched, Erasure, EventId, Topic};

/// The author of the complaint among the examples, and the complaint.
const AUTHOR: &str = "a41c09e27b5d";
const EVENT: &str = "67ebd105fe4a8ee26a23776244502832";

fn example(path: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    fs::read(folder.join(path)).unwrap()
}

fn erasure(identifiers: &[&str]) -> Erasure {
    let event = EventId::from(EVENT.to_owned());
    let identifiers = identifiers.iter().map(ToString::to_string).collect();
    Erasure::new(AUTHOR, [event].into(), identifiers, BTreeSet::new()).unwrap()
}

#[test]
fn no_example_holds_the_person_afterwards_and_what_holds_nothing_is_left_alone() {
    let erasure = erasure(&[]);
    let (mut cut, mut samples) = (0, 0);
    for topic in Topic::ALL {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        for entry in fs::read_dir(folder.join(topic.name())).unwrap() {
            let before = fs::read(entry.unwrap().path()).unwrap();
            let whole = String::from_utf8(before.clone()).unwrap();
            let Some(after) = erasure.cut(topic, &before, true) else {
                let held = whole.contains(AUTHOR) && topic != Topic::Cursors;
                assert!(!held, "{}: {whole}", topic.name());
                continue;
            };
            let text = String::from_utf8(after.value.clone()).unwrap();
            assert!(!text.contains(AUTHOR), "{}: {text}", topic.name());
            assert!(!text.contains("有只虫子"), "{}: {text}", topic.name());
            assert_eq!(erasure.cut(topic, &after.value, true), None, "{text}");
            cut += 1;
            samples += after.samples;
        }
    }
    assert!(cut >= 8 && samples >= 5, "{cut} records, {samples} samples");
}

#[test]
fn samples_of_others_stay() {
    let state = example("voc.detector-state.v1/burning_series.json");
    let cut = erasure(&[])
        .cut(Topic::DetectorState, &state, true)
        .unwrap();
    assert_eq!(cut.samples, 1);
    let state: Value = serde_json::from_slice(&cut.value).unwrap();
    let samples = state["volume"]["negative_wave"]["samples"]
        .as_array()
        .unwrap();
    assert_eq!(samples.len(), 1);
    assert_eq!(samples[0]["author"]["key"], "77b0e1");
}

#[test]
fn what_is_not_counted_yet_stays_countable_and_what_was_counted_is_empty() {
    let record = example("voc.enriched.v1/weibo_complaint.json");
    let piece: Enriched = serde_json::from_slice(&record).unwrap();
    let read = |passed| -> Enriched {
        let cut = erasure(&[]).cut(Topic::Enriched, &record, passed).unwrap();
        serde_json::from_slice(&cut.value).unwrap()
    };
    let mut expected = piece.contribution();
    expected.author = None;
    let waiting = read(false);
    assert_eq!(waiting.contribution(), expected);
    assert!(waiting.feedback.is_counted());
    assert_eq!(waiting.feedback.text, "");
    let counted = read(true);
    assert!(!counted.feedback.is_counted());
    assert!(counted.keywords.is_empty() && counted.topics.is_empty());
}

#[test]
fn words_go_where_they_name_the_person_and_nowhere_else() {
    let command = |note: &str| {
        let mut command: Value =
            serde_json::from_slice(&example("voc.commands.v1/dismiss.json")).unwrap();
        command["note"] = json!(note);
        command["actor"] = json!("赵紫檀");
        serde_json::to_vec(&command).unwrap()
    };
    let erasure = erasure(&["赵紫檀"]);
    let cut = erasure
        .cut(Topic::Commands, &command("赵紫檀来过电话"), true)
        .unwrap();
    let after: Value = serde_json::from_slice(&cut.value).unwrap();
    assert_eq!((cut.words, &after["note"]), (1, &json!("")));
    // Who acted is no word about the person, even of the same name; the command's id would let the words be guessed.
    assert_eq!(after["actor"], "赵紫檀");
    let before: Value = serde_json::from_slice(&command("")).unwrap();
    assert_ne!(after["id"], before["id"]);
    assert_eq!(erasure.cut(Topic::Commands, &command("已回访"), true), None);
}
