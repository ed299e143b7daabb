//! iFlytek file transcription (LFASR): its result is JSON in a string, and its sentences are, too.

use serde_json::Value;
use wensheng_schemas::{Call, Turn};

use super::Context;
use crate::field::Field;
use crate::hotline::Part;
use crate::hotline::read::{field, list, number, text, turn};

/// The order is done.
const DONE: u64 = 4;

pub(super) fn part(item: &Value, context: &Context<'_>) -> Result<Part, String> {
    let content = field(item, "content").unwrap_or(item);
    let order = field(content, "orderInfo").unwrap_or(&Value::Null);
    if let Some(status) = text(order, "status").filter(|s| *s != DONE.to_string()) {
        let reason = text(order, "failType").unwrap_or_default();
        return Err(format!(
            "the order is not done: status {status}, failType {reason}"
        ));
    }
    let result = unpacked(field(content, "orderResult"))?;
    let sentences = match list(&result, "lattice") {
        [] => list(&result, "lattice2"),
        sentences => sentences,
    };
    let mut turns = Vec::new();
    for sentence in sentences {
        let best = unpacked(field(sentence, "json_1best"))?;
        turns.extend(field(&best, "st").and_then(|st| of_sentence(st, context)));
    }
    let mut part = Part {
        call: Call {
            duration_ms: number(order, "realDuration"),
            turns,
            ..Call::default()
        },
        started_at: context.started_at,
        whole: true,
        ..Part::default()
    };
    let id = context.id("xf", text(order, "orderId"))?;
    part.draft.set(Field::Id, id);
    Ok(part)
}

/// A value that may be JSON in a string.
fn unpacked(value: Option<&Value>) -> Result<Value, String> {
    match value {
        Some(Value::String(packed)) => serde_json::from_str(packed)
            .map_err(|error| format!("the JSON within it is not valid: {error}")),
        Some(value) => Ok(value.clone()),
        None => Err("there is no orderResult, or a sentence without json_1best".to_owned()),
    }
}

fn of_sentence(st: &Value, context: &Context<'_>) -> Option<Turn> {
    let mut words = String::new();
    for word in list(st, "rt").iter().flat_map(|rt| list(rt, "ws")) {
        // The first candidate is the likeliest; `g` is a mark between segments.
        let best = list(word, "cw").first()?;
        if text(best, "wp").as_deref() != Some("g") {
            words.push_str(field(best, "w").and_then(Value::as_str).unwrap_or_default());
        }
    }
    let span = (number(st, "bg")?, number(st, "ed")?);
    (!words.trim().is_empty()).then(|| turn(context.roles, text(st, "rl"), span, words))
}
