//! vCon conversations (draft-ietf-vcon-vcon-container, any version): the texts of their dialogs, or else a transcript
//! among their analyses. Of a signed one the content is read; the signature is not checked. An encrypted one is refused.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use wensheng_schemas::{Call, Turn};

use super::Context;
use crate::field::Field;
use crate::hotline::Part;
use crate::hotline::read::{field, list, number, text, turn};

pub(super) fn part(item: &Value, context: &Context<'_>) -> Result<Part, String> {
    if field(item, "ciphertext").is_some() {
        return Err("the vCon is encrypted; send it in the clear over HTTPS".to_owned());
    }
    let signed = text(item, "payload").map(|payload| {
        let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('='));
        let bytes = bytes.map_err(|_| "the payload of the signed vCon is not base64url")?;
        serde_json::from_slice::<Value>(&bytes)
            .map_err(|error| format!("the payload of the signed vCon is not valid JSON: {error}"))
    });
    let signed = signed.transpose()?;
    let vcon = signed.as_ref().unwrap_or(item);
    let uuid = text(vcon, "uuid").ok_or("the vCon has no uuid")?;
    let dialogs = list(vcon, "dialog");
    let begins = dialogs.iter().filter_map(|dialog| time(dialog, "start"));
    let zero = begins.min().or_else(|| time(vcon, "created_at"));
    let parties = Parties {
        all: list(vcon, "parties"),
        context,
    };
    let mut turns: Vec<Turn> = dialogs
        .iter()
        .filter(|dialog| text(dialog, "type").as_deref() == Some("text"))
        .filter_map(|dialog| parties.of_dialog(dialog, zero))
        .collect();
    if turns.is_empty() {
        let analyses = list(vcon, "analysis").iter();
        let transcripts = analyses.filter(|one| text(one, "type").as_deref() == Some("transcript"));
        turns = transcripts
            .flat_map(|transcript| parties.of_transcript(transcript))
            .collect();
    }
    let durations = dialogs
        .iter()
        .filter(|dialog| text(dialog, "type").as_deref() == Some("recording"));
    let durations = durations.filter_map(|dialog| seconds(dialog, "duration"));
    let mut part = Part {
        call: Call {
            duration_ms: durations.reduce(u64::saturating_add),
            hold_ms: parties.on_hold(dialogs),
            turns,
            ..Call::default()
        },
        started_at: zero,
        whole: true,
        ..Part::default()
    };
    part.draft.set(Field::Id, format!("vcon:{uuid}"));
    if let Some(customer) = parties.customer() {
        part.draft.set(Field::Author, customer);
    }
    if let Some(subject) = text(vcon, "subject") {
        part.draft.attribute("subject", &subject);
    }
    Ok(part)
}

struct Parties<'a> {
    all: &'a [Value],
    context: &'a Context<'a>,
}

impl Parties<'_> {
    /// What a party is called: its role, or else its number.
    fn name(&self, number: usize) -> String {
        let own = self.all.get(number).and_then(|party| text(party, "role"));
        own.unwrap_or_else(|| number.to_string())
    }

    fn customer(&self) -> Option<String> {
        let of_role = |number: &usize| {
            self.context.roles.of(&self.name(*number)) == wensheng_schemas::Role::Customer
        };
        let number = (0..self.all.len()).find(of_role)?;
        let party = self.all.get(number)?;
        ["tel", "mailto", "uuid"]
            .iter()
            .find_map(|name| text(party, name))
    }

    /// How long the customer was put on hold, or where nothing says who that is, whoever was longest; by the events `hold` and
    /// `unhold` of the dialogs. `None`: the dialogs have no such events.
    fn on_hold(&self, dialogs: &[Value]) -> Option<u64> {
        let mut held: BTreeMap<u64, u64> = BTreeMap::new();
        for dialog in dialogs {
            let mut since: BTreeMap<u64, Timestamp> = BTreeMap::new();
            for event in list(dialog, "party_history") {
                let (Some(party), Some(at)) = (number(event, "party"), time(event, "time")) else {
                    continue;
                };
                match text(event, "event").as_deref() {
                    Some("hold") => {
                        since.entry(party).or_insert(at);
                    }
                    // Who hangs up while on hold was on hold until then.
                    Some("unhold" | "drop") => {
                        if let Some(from) = since.remove(&party) {
                            *held.entry(party).or_default() += millis(at.duration_since(from));
                        }
                    }
                    _ => {}
                }
            }
        }
        let is_customer = |party: &u64| {
            let number = usize::try_from(*party).unwrap_or(usize::MAX);
            self.context.roles.of(&self.name(number)) == wensheng_schemas::Role::Customer
        };
        let customers = held.iter().filter(|(party, _)| is_customer(party));
        let of_customer = customers.map(|(_, held)| *held).max();
        of_customer.or_else(|| held.values().copied().max())
    }

    fn of_dialog(&self, dialog: &Value, zero: Option<Timestamp>) -> Option<Turn> {
        let written = field(dialog, "body").and_then(Value::as_str)?;
        let words = match text(dialog, "encoding").as_deref() {
            Some("base64url") => {
                let bytes = URL_SAFE_NO_PAD.decode(written.trim_end_matches('=')).ok()?;
                String::from_utf8(bytes).ok()?
            }
            Some("json") => serde_json::from_str::<String>(written).ok()?,
            _ => written.to_owned(),
        };
        let speaker = number(dialog, "originator").or_else(|| match field(dialog, "parties") {
            Some(Value::Array(parties)) => parties.first()?.as_u64(),
            Some(party) => party.as_u64(),
            None => None,
        });
        let begin = match (time(dialog, "start"), zero) {
            (Some(start), Some(zero)) => millis(start.duration_since(zero)),
            _ => 0,
        };
        let end = begin + seconds(dialog, "duration").unwrap_or(0);
        let party = speaker.map(|number| self.name(usize::try_from(number).unwrap_or(usize::MAX)));
        Some(turn(self.context.roles, party, (begin, end), words))
    }

    /// A transcript as tools write it: a list of segments, itself or under `segments` or `turns`.
    fn of_transcript(&self, transcript: &Value) -> Vec<Turn> {
        let packed;
        let body = match field(transcript, "body") {
            Some(Value::String(written)) => {
                packed = serde_json::from_str(written).unwrap_or(Value::Null);
                &packed
            }
            Some(body) => body,
            None => return Vec::new(),
        };
        let segments = match body {
            Value::Array(segments) => segments.as_slice(),
            body => match list(body, "segments") {
                [] => list(body, "turns"),
                segments => segments,
            },
        };
        let turns = segments.iter().filter_map(|segment| {
            let words = ["text", "message", "content"]
                .iter()
                .find_map(|name| text(segment, name))?;
            let begin = seconds(segment, "start").unwrap_or(0);
            let end = seconds(segment, "end").unwrap_or(begin);
            let party = ["speaker", "role", "party"]
                .iter()
                .find_map(|name| text(segment, name))
                .map(|party| match party.parse() {
                    Ok(number) => self.name(number),
                    Err(_) => party,
                });
            Some(turn(self.context.roles, party, (begin, end), words))
        });
        turns.collect()
    }
}

fn time(value: &Value, name: &str) -> Option<Timestamp> {
    text(value, name)?.parse().ok()
}

/// A field in seconds as milliseconds.
fn seconds(value: &Value, name: &str) -> Option<u64> {
    let seconds: f64 = text(value, name)?.parse().ok()?;
    (0.0..1e9)
        .contains(&seconds)
        .then(|| (seconds * 1_000.0).round() as u64)
}

fn millis(duration: SignedDuration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(0)
}
