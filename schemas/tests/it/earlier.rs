//! Records that earlier programs wrote are read: a log outlives the program that wrote it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jsonschema::Validator;
use serde_json::Value;
use wensheng_schemas::{
    Alert, Command, Contract, Correction, Counted, Cursor, DeadLetter, Delivery, DetectorState,
    Enriched, FeedbackEvent, Notification, Signal, SourceRhythm, SourceStatus, TimelineRecord,
    Topic, WindowDelta, WindowTotal, schemas,
};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/earlier"))
}

/// Reads a record, writes it as this version does, and reads that again.
fn read<T: Contract + PartialEq + std::fmt::Debug>(name: &str, line: &str, today: &Validator) {
    let value: T = serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!value.key().is_empty(), "{name} has no key");
    let written = serde_json::to_value(&value).unwrap();
    assert!(today.is_valid(&written), "{name} is written as {written}");
    assert_eq!(serde_json::from_value::<T>(written).unwrap(), value);
}

fn read_of(topic: Topic, name: &str, line: &str, today: &Validator) {
    match topic {
        Topic::Feedback => read::<FeedbackEvent>(name, line, today),
        Topic::Contributions => read::<Counted>(name, line, today),
        Topic::Enriched => read::<Enriched>(name, line, today),
        Topic::Aggregates => read::<WindowDelta>(name, line, today),
        Topic::Windows => read::<WindowTotal>(name, line, today),
        Topic::DetectorState => read::<DetectorState>(name, line, today),
        Topic::Signals => read::<Signal>(name, line, today),
        Topic::Commands => read::<Command>(name, line, today),
        Topic::Corrections => read::<Correction>(name, line, today),
        Topic::Alerts => read::<Alert>(name, line, today),
        Topic::Timeline => read::<TimelineRecord>(name, line, today),
        Topic::Notifications => read::<Notification>(name, line, today),
        Topic::Deliveries => read::<Delivery>(name, line, today),
        Topic::Cursors => read::<Cursor>(name, line, today),
        Topic::Sources => read::<SourceStatus>(name, line, today),
        Topic::Rhythms => read::<SourceRhythm>(name, line, today),
        Topic::DeadLetters => read::<DeadLetter>(name, line, today),
    }
}

#[test]
fn records_of_every_topic_as_earlier_programs_wrote_them_are_read() {
    for (topic, schema) in schemas() {
        let today = jsonschema::validator_for(&schema).unwrap();
        let path = folder().join(format!("{}.ndjson", topic.name()));
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() >= 2, "{} has too few", topic.name());
        for (number, line) in (1..).zip(lines) {
            let name = format!("{}, line {number}", path.display());
            read_of(topic, &name, line, &today);
            // Its schema of today holds for it as well: other programs read by that.
            let value: Value = serde_json::from_str(line).unwrap();
            assert!(today.is_valid(&value), "{name} is not valid any more");
        }
    }
}

#[test]
fn no_record_has_a_topic_that_is_gone() {
    let known: BTreeSet<String> = Topic::ALL
        .iter()
        .map(|topic| format!("{}.ndjson", topic.name()))
        .chain(["README.md".to_owned()])
        .collect();
    let found: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, known);
}
