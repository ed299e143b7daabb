//! The shared vectors and sample payloads of the sources that are tested here.

use serde_json::Value;

const DOCUMENT: &str = include_str!("../wire/surveys-and-social.json");

/// A sample payload: what is sent, and what is expected of it.
pub(crate) fn fixture(id: &str) -> (Value, Value) {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let fixtures = document["fixtures"].as_array().unwrap();
    let fixture = fixtures.iter().find(|fixture| fixture["id"] == id);
    let fixture = fixture.unwrap_or_else(|| panic!("there is no fixture {id}"));
    (fixture["body"].clone(), fixture["expect"].clone())
}
