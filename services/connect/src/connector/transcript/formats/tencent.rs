//! Tencent Cloud speech recognition: callbacks and answers of recorded files, and of asynchronous streams.

use std::borrow::Cow;

use serde_json::Value;
use wensheng_schemas::{Call, Turn};

use super::Context;
use crate::field::Field;
use crate::hotline::Part;
use crate::hotline::read::{field, list, number, text, turn};

/// The state of a task that succeeded.
const SUCCEEDED: u64 = 2;

/// The callback of a recorded file: a form whose `text` has a line a sentence, and whose `resultDetail` is JSON.
pub(super) fn callback(form: &[u8], context: &Context<'_>) -> Result<Vec<Part>, String> {
    let pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = form_urlencoded::parse(form).collect();
    let get = |name: &str| {
        let found = pairs.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_ref())
    };
    let code = get("code");
    if code.is_empty() {
        return Err("it is neither JSON nor the form of a callback".to_owned());
    }
    if code != "0" {
        return Err(format!(
            "the transcription did not succeed: {code} {}",
            get("message")
        ));
    }
    let detail = get("resultDetail");
    let turns = match detail.is_empty() {
        true => get("text")
            .lines()
            .filter_map(|line| of_line(line, context))
            .collect(),
        false => {
            let detail: Value = serde_json::from_str(detail)
                .map_err(|error| format!("resultDetail is not valid JSON: {error}"))?;
            of_details(detail.as_array().map_or(&[], Vec::as_slice), context)
        }
    };
    let seconds: Option<f64> = get("audioTime").parse().ok();
    let mut part = Part {
        call: Call {
            duration_ms: seconds.map(|seconds| (seconds * 1_000.0) as u64),
            turns,
            ..Call::default()
        },
        started_at: context.started_at,
        whole: true,
        ..Part::default()
    };
    let request = get("requestId");
    let own = (!request.is_empty()).then(|| request.to_owned());
    part.draft.set(Field::Id, context.id("tencent-asr", own)?);
    Ok(vec![part])
}

/// An answer of `DescribeTaskStatus`. A task's number comes again on another day, so that the call must be told.
pub(super) fn task(item: &Value, context: &Context<'_>) -> Result<Part, String> {
    let response = field(item, "Response").unwrap_or(item);
    let data = field(response, "Data").unwrap_or(response);
    if let Some(status) = number(data, "Status").filter(|status| *status != SUCCEEDED) {
        let reason = text(data, "ErrorMsg").unwrap_or_default();
        return Err(format!(
            "the task did not succeed: status {status} {reason}"
        ));
    }
    let mut part = Part {
        call: Call {
            turns: of_details(list(data, "ResultDetail"), context),
            ..Call::default()
        },
        started_at: context.started_at,
        whole: true,
        ..Part::default()
    };
    part.draft.set(Field::Id, context.id("tencent-asr", None)?);
    Ok(part)
}

/// A piece of an asynchronous stream; the call must be told here, too.
pub(super) fn stream(item: &Value, context: &Context<'_>) -> Result<Part, String> {
    let turns = list(item, "Result").iter().filter_map(|sentence| {
        let span = (number(sentence, "StartTime")?, number(sentence, "EndTime")?);
        Some(turn(context.roles, None, span, text(sentence, "Text")?))
    });
    let mut part = Part {
        call: Call {
            turns: turns.collect(),
            ..Call::default()
        },
        started_at: context.started_at,
        ..Part::default()
    };
    part.draft.set(Field::Id, context.id("tencent-asr", None)?);
    Ok(part)
}

fn of_details(details: &[Value], context: &Context<'_>) -> Vec<Turn> {
    let turns = details.iter().filter_map(|sentence| {
        let span = (number(sentence, "StartMs")?, number(sentence, "EndMs")?);
        let party = text(sentence, "SpeakerRoleName").or_else(|| text(sentence, "SpeakerId"));
        let words = text(sentence, "FinalSentence")?;
        Some(turn(context.roles, party, span, words))
    });
    turns.collect()
}

/// `[0:1.640,0:4.600,1]  words`: minutes and seconds, and the track where there are two.
fn of_line(line: &str, context: &Context<'_>) -> Option<Turn> {
    let (head, words) = line.trim().strip_prefix('[')?.split_once(']')?;
    let mut parts = head.split(',');
    let (begin, end) = (millis(parts.next()?)?, millis(parts.next()?)?);
    let track = parts.next().map(|track| track.trim().to_owned());
    let words = words.trim();
    (!words.is_empty()).then(|| turn(context.roles, track, (begin, end), words.to_owned()))
}

fn millis(written: &str) -> Option<u64> {
    let (minutes, seconds) = written.trim().split_once(':')?;
    let minutes: u64 = minutes.parse().ok()?;
    let seconds: f64 = seconds.parse().ok()?;
    let valid = (0.0..60.0).contains(&seconds) && minutes < 100_000;
    valid.then(|| minutes * 60_000 + (seconds * 1_000.0).round() as u64)
}
