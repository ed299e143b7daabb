//! Alibaba Cloud: conversation analysis (SCA), file transcription (NLS), reports on privacy numbers, and the sentence
//! stream of its contact centre (CCC).

use jiff::SignedDuration;
use serde_json::Value;
use wensheng_schemas::{Call, Direction};

use super::Context;
use crate::field::Field;
use crate::hotline::Part;
use crate::hotline::read::{field, list, number, text, turn};

/// Transcription that went well, with and without speech; also how old answers spell it.
const GOOD: [&str; 2] = ["21050000", "21050003"];

/// `GetResult` of SCA: whole calls.
pub(super) fn conversations(item: &Value, context: &Context<'_>) -> Result<Vec<Part>, String> {
    let data = field(item, "Data").unwrap_or(&Value::Null);
    let mut parts = Vec::new();
    for info in list(data, "ResultInfo") {
        let recording = field(info, "Recording").unwrap_or(&Value::Null);
        let sentences = list(info, "AsrResult").iter();
        let turns = sentences.filter_map(|sentence| {
            let span = (number(sentence, "Begin")?, number(sentence, "End")?);
            let words = text(sentence, "Words")?;
            Some(turn(context.roles, text(sentence, "Role"), span, words))
        });
        let agent = field(info, "Agent").and_then(|agent| text(agent, "Id"));
        let mut part = Part {
            call: Call {
                duration_ms: number(recording, "Duration"),
                agent,
                turns: turns.collect(),
                ..Call::default()
            },
            started_at: context.time(recording, "CallTime").or(context.started_at),
            whole: true,
            ..Part::default()
        };
        let own = text(recording, "CallId").or_else(|| text(info, "TaskId"));
        part.draft.set(Field::Id, context.id("sca", own)?);
        if let Some(business) = text(recording, "Business") {
            part.draft.attribute("business", &business);
        }
        parts.push(part);
    }
    Ok(parts)
}

/// A result of NLS, or one call of a `SecretAsrReport`.
pub(super) fn transcript(item: &Value, context: &Context<'_>) -> Result<Part, String> {
    let code = text(item, "StatusCode");
    if let Some(code) = code.filter(|code| !GOOD.contains(&code.as_str())) {
        let words = text(item, "StatusText").unwrap_or_default();
        return Err(format!("the transcription did not succeed: {code} {words}"));
    }
    let within = field(item, "Result").unwrap_or(item);
    let sentences = list(within, "Sentences").iter();
    let turns = sentences.filter_map(|sentence| {
        let span = (number(sentence, "BeginTime")?, number(sentence, "EndTime")?);
        let words = text(sentence, "Text")?;
        Some(turn(
            context.roles,
            text(sentence, "ChannelId"),
            span,
            words,
        ))
    });
    let mut part = Part {
        call: Call {
            duration_ms: number(item, "BizDuration"),
            turns: turns.collect(),
            ..Call::default()
        },
        started_at: context.started_at,
        whole: true,
        ..Part::default()
    };
    let id = match text(item, "CallId") {
        Some(call) => context.id("axb", Some(call))?,
        None => context.id("nls", text(item, "TaskId"))?,
    };
    part.draft.set(Field::Id, id);
    Ok(part)
}

/// An event of CCC: a finished sentence, or the satisfaction that was given. Others tell nothing of what was said.
pub(super) fn event(item: &Value, context: &Context<'_>) -> Result<Option<Part>, String> {
    let mut part = Part::default();
    match text(item, "eventType").as_deref() {
        Some("TextStream") => {
            if number(item, "finished") == Some(0) {
                return Ok(None);
            }
            let begin = number(item, "beginOffsetMS").ok_or("there is no beginOffsetMS")?;
            let end = number(item, "endOffsetMS").unwrap_or(begin);
            let words = text(item, "text").ok_or("there is no text")?;
            let party = text(item, "channelType");
            part.call.turns = vec![turn(context.roles, party, (begin, end), words)];
            let offset = SignedDuration::from_millis(i64::try_from(begin).unwrap_or(0));
            let began = context.time(item, "beginTime");
            part.started_at = began.and_then(|at| at.checked_sub(offset).ok());
        }
        Some("SatisfactionSurveyResponse") => {
            part.call.satisfaction = text(item, "rating");
        }
        _ => return Ok(None),
    }
    part.call.agent = text(item, "agentId");
    part.call.queue = text(item, "skillGroupId");
    let call_type = text(item, "callType").unwrap_or_default();
    part.call.direction = match call_type.as_str() {
        "INBOUND" => Some(Direction::Inbound),
        "OUTBOUND" => Some(Direction::Outbound),
        _ => None,
    };
    let customer = match part.call.direction {
        Some(Direction::Inbound) => text(item, "caller"),
        Some(Direction::Outbound) => text(item, "callee"),
        None => None,
    };
    if let Some(customer) = customer {
        part.draft.set(Field::Author, customer);
    }
    let instance = text(item, "instanceId").unwrap_or_default();
    let contact = text(item, "contactId").ok_or("there is no contactId")?;
    part.draft
        .set(Field::Id, format!("ccc:{instance}:{contact}"));
    Ok(Some(part))
}
