//! The shape of our own, for systems that can be taught: the call of the contract, with its id and beginning.

use serde::Deserialize;
use serde_json::Value;
use wensheng_schemas::Call;

use super::Context;
use crate::field::Field;
use crate::hotline::Part;
use crate::hotline::read::text;

#[derive(Deserialize)]
struct Facts {
    /// Whether the turns are all there are.
    #[serde(default)]
    whole: bool,
    #[serde(flatten)]
    call: Call,
}

pub(super) fn part(item: &Value, context: &Context<'_>) -> Result<Part, String> {
    let facts = Facts::deserialize(item)
        .map_err(|error| format!("it is no call of the contract: {error}"))?;
    let mut part = Part {
        call: facts.call,
        whole: facts.whole,
        started_at: context.time(item, "started_at").or(context.started_at),
        ..Part::default()
    };
    let id = context.id("call", text(item, "call_id"))?;
    part.draft.set(Field::Id, id);
    for (name, field) in [
        ("customer", Field::Author),
        ("product", Field::Product),
        ("store", Field::Store),
        ("region", Field::Region),
        ("nps", Field::Nps),
        ("csat", Field::Csat),
        ("ces", Field::Ces),
    ] {
        if let Some(value) = text(item, name) {
            part.draft.set(field, value);
        }
    }
    Ok(part)
}
