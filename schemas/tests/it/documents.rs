//! The committed documents.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use wensheng_schemas::{Topic, asyncapi, schemas};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn generated() -> Vec<(PathBuf, Value)> {
    schemas()
        .into_iter()
        .map(|(topic, schema)| (root().join(format!("json/{}.json", topic.name())), schema))
        .chain([(root().join("asyncapi.json"), asyncapi())])
        .collect()
}

#[test]
fn the_committed_documents_are_those_of_the_types() {
    let update = std::env::var_os("UPDATE_SCHEMAS").is_some();
    for (path, value) in generated() {
        if update {
            let text = format!("{}\n", serde_json::to_string_pretty(&value).unwrap());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            continue;
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        let committed: Value = serde_json::from_str(&committed).unwrap_or_default();
        assert!(
            committed == value,
            "{} drifted from the types; see what changed with \
             `UPDATE_SCHEMAS=1 cargo test -p wensheng-schemas` and `git diff`",
            path.display()
        );
    }
}

#[test]
fn every_topic_has_one_schema_and_no_other_is_committed() {
    let topics: BTreeSet<_> = schemas().iter().map(|(topic, _)| *topic).collect();
    assert_eq!(topics, Topic::ALL.into_iter().collect());
    let expected: BTreeSet<_> = Topic::ALL
        .iter()
        .map(|topic| format!("{}.json", topic.name()))
        .collect();
    let found: BTreeSet<_> = fs::read_dir(root().join("json"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn no_schema_forbids_fields_that_come_later() {
    fn look(value: &Value, topic: Topic) {
        match value {
            Value::Object(fields) => {
                for key in ["additionalProperties", "unevaluatedProperties"] {
                    assert_ne!(
                        fields.get(key),
                        Some(&Value::Bool(false)),
                        "{}",
                        topic.name()
                    );
                }
                fields.values().for_each(|value| look(value, topic));
            }
            Value::Array(items) => items.iter().for_each(|value| look(value, topic)),
            _ => {}
        }
    }
    // A choice between forms (a sketch is sparse or dense) is closed by nature.
    for (topic, mut schema) in schemas() {
        if let Some(defs) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
            defs.remove("Distinct");
        }
        look(&schema, topic);
    }
}

#[test]
fn every_reference_in_the_asyncapi_document_leads_somewhere() {
    fn look<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    found.insert(reference);
                }
                fields.values().for_each(|value| look(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| look(value, found)),
            _ => {}
        }
    }
    let document = asyncapi();
    let mut references = BTreeSet::new();
    look(&document, &mut references);
    assert!(references.len() > 2 * Topic::ALL.len());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for topic in Topic::ALL {
        let channels = document["channels"].as_object().unwrap();
        assert!(channels.values().any(|c| c["address"] == topic.name()));
    }
}
