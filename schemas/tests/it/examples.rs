//! The examples.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use wensheng_schemas::{
    Alert, AlertId, Command, Contract, Correction, Counted, Cursor, DeadLetter, Delivery,
    DetectorState, Enriched, EventId, FeedbackEvent, Notification, Signal, SourceRhythm,
    SourceStatus, TimelineEvent, TimelineRecord, Topic, WindowDelta, WindowTotal, schemas,
};

fn folder(topic: Topic) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/{}", topic.name()))
}

/// The examples of a topic, with their file names.
fn examples(topic: Topic) -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder(topic))
        .unwrap_or_else(|error| panic!("{}: {error}", folder(topic).display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = format!(
                "{}/{}",
                topic.name(),
                path.file_name().unwrap().to_string_lossy()
            );
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

fn parse<T: Contract>(name: &str, text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Reads an example, writes it, and gives back what it wrote; then reads it once more with unknown fields in every
/// object.
fn trip<T: Contract + PartialEq + std::fmt::Debug>(name: &str, text: &str) -> String {
    let value: T = parse(name, text);
    assert!(!value.key().is_empty(), "{name} has no key");
    let mut later: Value = serde_json::from_str(text).unwrap();
    add_unknown(&mut later);
    let read: T = parse(name, &later.to_string());
    assert_eq!(
        read, value,
        "{name}: a field of a later version was not ignored"
    );
    serde_json::to_string(&value).unwrap()
}

/// Adds a field of a later version to the record, and to the records within it.
fn add_unknown(value: &mut Value) {
    let Value::Object(fields) = value else {
        return;
    };
    for within in [
        "feedback",
        "sentiment",
        "provenance",
        "alert",
        "clock",
        "state",
        "handling",
        "chain",
        "spread",
        "times",
        "message",
        "origin",
        "replaces",
        "contribution",
        "status",
        "trouble",
        "author",
    ] {
        if let Some(value) = fields.get_mut(within) {
            add_unknown(value);
        }
    }
    fields.insert("added_later".to_owned(), Value::from("x"));
}

fn trip_of(topic: Topic, name: &str, text: &str) -> String {
    match topic {
        Topic::Feedback => trip::<FeedbackEvent>(name, text),
        Topic::Contributions => trip::<Counted>(name, text),
        Topic::Enriched => trip::<Enriched>(name, text),
        Topic::Aggregates => trip::<WindowDelta>(name, text),
        Topic::Windows => trip::<WindowTotal>(name, text),
        Topic::DetectorState => trip::<DetectorState>(name, text),
        Topic::Signals => trip::<Signal>(name, text),
        Topic::Commands => trip::<Command>(name, text),
        Topic::Corrections => trip::<Correction>(name, text),
        Topic::Alerts => trip::<Alert>(name, text),
        Topic::Timeline => trip::<TimelineRecord>(name, text),
        Topic::Notifications => trip::<Notification>(name, text),
        Topic::Deliveries => trip::<Delivery>(name, text),
        Topic::Cursors => trip::<Cursor>(name, text),
        Topic::Sources => trip::<SourceStatus>(name, text),
        Topic::Rhythms => trip::<SourceRhythm>(name, text),
        Topic::DeadLetters => trip::<DeadLetter>(name, text),
    }
}

#[test]
fn every_example_is_valid_and_comes_back_as_it_was() {
    for (topic, schema) in schemas() {
        let validator = jsonschema::options()
            .should_validate_formats(true)
            .build(&schema)
            .unwrap();
        let examples = examples(topic);
        assert!(examples.len() >= 2, "{} has too few", topic.name());
        for (name, text) in examples {
            let value: Value = serde_json::from_str(&text).unwrap();
            let errors: Vec<String> = validator
                .iter_errors(&value)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{name}: {errors:#?}");
            let written: Value = serde_json::from_str(&trip_of(topic, &name, &text)).unwrap();
            assert_eq!(written, value, "{name}");
        }
    }
}

#[test]
fn a_schema_refuses_what_the_type_refuses() {
    for (topic, schema) in schemas() {
        let validator = jsonschema::validator_for(&schema).unwrap();
        for (name, text) in examples(topic) {
            let value: Value = serde_json::from_str(&text).unwrap();
            let required = schema["required"].as_array().unwrap();
            for field in required {
                let mut less = value.clone();
                less.as_object_mut()
                    .unwrap()
                    .remove(field.as_str().unwrap());
                assert!(!validator.is_valid(&less), "{name} without {field}");
            }
        }
    }
}

#[test]
fn ids_in_examples_are_those_of_their_parts() {
    let event = |name: &str, f: &FeedbackEvent| {
        let id = EventId::of(&f.source, &f.native_id);
        assert_eq!(f.id, id, "{name}");
    };
    for (name, text) in examples(Topic::Feedback) {
        event(&name, &parse(&name, &text));
    }
    for (name, text) in examples(Topic::Enriched) {
        event(&name, &parse::<Enriched>(&name, &text).feedback);
    }
    for (name, text) in examples(Topic::Timeline) {
        let line: TimelineRecord = parse(&name, &text);
        assert_eq!(line.hash, line.computed_hash(), "{name}");
    }
    for (name, text) in examples(Topic::Alerts) {
        let alert: Alert = parse(&name, &text);
        let Some(TimelineEvent::Raised { signal, .. }) = alert.timeline.first().map(|e| &e.event)
        else {
            panic!("{name} was never raised");
        };
        let id = AlertId::of(&alert.brand, &alert.topic, signal);
        assert_eq!(alert.id, id, "{name}");
    }
}
