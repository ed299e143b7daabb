//! Every published vector and sample payload of the platforms' contracts is a test: those of a file are tried where it is included, and
//! none is missing.

use std::collections::BTreeSet;

use serde_json::Value;

/// The files, each included by the tests of what it is about.
const DOCUMENTS: [&str; 4] = [
    include_str!("../../services/connect/tests/fixtures/hotline-and-wechat.json"),
    include_str!("../../services/connect/tests/wire/surveys-and-social.json"),
    include_str!("../../services/connect/tests/wire/own-schemes.json"),
    include_str!("../../services/notify/tests/wire/chats-and-messages.json"),
];

fn ids(list: &str) -> BTreeSet<String> {
    let entries = DOCUMENTS.iter().flat_map(|text| {
        let document: Value = serde_json::from_str(text).unwrap();
        document[list].as_array().unwrap().clone()
    });
    let id = |entry: Value| entry["id"].as_str().unwrap().to_owned();
    entries.map(id).collect()
}

#[test]
fn all_88_vectors_and_34_payloads_are_here() {
    assert_eq!((ids("vectors").len(), ids("fixtures").len()), (88, 34));
}

/// The files here say what the collection says that they were taken from.
#[test]
fn they_are_those_of_the_collection() {
    let root = std::env::var_os("WENSHENG_SHARED").map_or_else(
        || concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").into(),
        std::path::PathBuf::from,
    );
    let Ok(text) = std::fs::read_to_string(root.join("wire/vectors.json")) else {
        println!("skipped: no collection of vectors; set WENSHENG_SHARED to run this");
        return;
    };
    let document: Value = serde_json::from_str(&text).unwrap();
    for list in ["vectors", "fixtures"] {
        let all: BTreeSet<String> = document[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(ids(list), all);
    }
}
