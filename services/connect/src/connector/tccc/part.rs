//! Records of calls and chats, of recordings, and recognised words become parts of one call, by its session.

use jiff::Timestamp;
use serde_json::Value;
use wensheng_schemas::{Call, Direction, Role, Turn};

use super::config::Line;
use super::parties::Parties;
use crate::field::Field;
use crate::hotline::read::{field, list, number, text};
use crate::hotline::{Part, Roles};
use crate::pseudonym::Pseudonyms;

/// The native id of a call.
pub(super) fn native_id(app: &str, session: &str) -> String {
    format!("tccc:{app}:{session}")
}

/// What was pushed under `action`; the shape tells where it is missing. `None`: it tells nothing of what was said.
pub(super) fn pushed(
    action: Option<&str>,
    body: &Value,
    line: &Line,
) -> Result<Option<Part>, String> {
    let pseudonyms = line.rules.pseudonyms.as_ref();
    let app = text(body, "SdkAppId").ok_or("there is no SdkAppId")?;
    let session = text(body, "SessionId").ok_or("there is no SessionId")?;
    let record_of_call = || {
        line.parties.note(&session, body);
        cdr(body, pseudonyms)
    };
    let mut part = match action {
        Some("cdr") => record_of_call(),
        Some("record") => record(body),
        Some("imcdr") => chat(body, pseudonyms),
        _ if field(body, "AsrDataList").is_some() => line.words(&session, body),
        None if field(body, "EndStatusString").is_some() => record_of_call(),
        None if field(body, "RecordURL").is_some() => record(body),
        _ => return Ok(None),
    };
    part.draft.set(Field::Id, native_id(&app, &session));
    Ok(Some(part))
}

/// A record of a call, as it is pushed and as `DescribeTelCdr` lists it.
pub(super) fn cdr(body: &Value, pseudonyms: Option<&Pseudonyms>) -> Part {
    let second = |name: &str| number(body, name).filter(|at| *at > 0);
    let start = second("StartTimestamp").or_else(|| second("Time"));
    let ended = second("EndedTimestamp");
    let queued = second("QueuedTimestamp").or(start);
    // Who gave up waited until the end.
    let served = second("AcceptTimestamp").or(ended);
    let wait = queued.zip(served).map(|(from, to)| to.saturating_sub(from));
    let direction = match number(body, "Direction") {
        Some(0) => Some(Direction::Inbound),
        Some(1) => Some(Direction::Outbound),
        _ => None,
    };
    let seat = field(body, "SeatUser").unwrap_or(&Value::Null);
    let groups = list(seat, "SkillGroupNameList").first();
    let group = groups.and_then(Value::as_str).map(str::to_owned);
    let pressed = list(body, "PostIVRKeyPressed").last();
    let mut part = Part {
        call: Call {
            direction,
            duration_ms: number(body, "Duration").map(|seconds| seconds.saturating_mul(1_000)),
            wait_ms: wait.map(|seconds| seconds.saturating_mul(1_000)),
            agent: agent(seat, pseudonyms),
            queue: group.or_else(|| text(body, "QueuedSkillGroupName")),
            // The field table writes Key and Label, the vendor's sample key and label.
            satisfaction: pressed.and_then(|key| text(key, "label").or_else(|| text(key, "key"))),
            ended: text(body, "EndStatusString").or_else(|| text(body, "EndStatus")),
            ..Call::default()
        },
        started_at: start.and_then(instant),
        ..Part::default()
    };
    let customer = match direction {
        Some(Direction::Outbound) => text(body, "Callee"),
        _ => text(body, "Caller"),
    };
    if let Some(customer) = customer {
        part.draft.set(Field::Author, customer);
    }
    if let Some(place) = text(body, "CallerLocation").or_else(|| text(body, "TelLocation")) {
        part.draft.set(Field::Region, place);
    }
    for (name, attribute) in [("HungUpSide", "hung_up_by"), ("UserRemark", "remark")] {
        if let Some(value) = text(body, name) {
            part.draft.attribute(attribute, &value);
        }
    }
    part
}

/// Who took the call: a staff number is no personal data, a mail address is.
fn agent(seat: &Value, pseudonyms: Option<&Pseudonyms>) -> Option<String> {
    text(seat, "StaffNumber").or_else(|| {
        let id = text(seat, "UserId").or_else(|| text(seat, "Mail"))?;
        pseudonyms.map(|pseudonyms| pseudonyms.of("agent", &id))
    })
}

/// A recording of one of the parties: the customer by their phone, the agent by their mail address, neither of which is
/// kept.
fn record(body: &Value) -> Part {
    let mut part = Part::default();
    let whose = match text(body, "EndpointUser").is_some_and(|user| user.contains('@')) {
        true => "recording_agent",
        false => "recording_customer",
    };
    if let Some(url) = text(body, "CustomRecordURL").or_else(|| text(body, "RecordURL")) {
        part.draft.attribute(whose, &url);
    }
    part
}

/// A record of a chat.
fn chat(body: &Value, pseudonyms: Option<&Pseudonyms>) -> Part {
    let mut part = cdr(body, pseudonyms);
    if let Some(satisfaction) = field(body, "Satisfaction") {
        part.call.satisfaction = text(satisfaction, "content").or_else(|| text(satisfaction, "id"));
    }
    if let Some(user) = text(body, "UserId") {
        part.draft.set(Field::Author, user);
    }
    part.draft.attribute("session", "chat");
    part
}

/// Recognised words; their times are instants.
pub(super) fn words(body: &Value, parties: &Parties, roles: &Roles) -> Part {
    let sentences = list(body, "AsrDataList");
    let users: Vec<String> = sentences.iter().filter_map(|s| text(s, "User")).collect();
    let speakers = parties.speakers(&users, roles);
    let zero = sentences.iter().filter_map(|s| number(s, "Start")).min();
    let offset = |at: u64| at.saturating_sub(zero.unwrap_or(0));
    let turns = sentences.iter().filter_map(|sentence| {
        let begin = number(sentence, "Start")?;
        let end = number(sentence, "End").unwrap_or(begin).max(begin);
        let user = text(sentence, "User").unwrap_or_default();
        Some(Turn {
            role: speakers.get(&user).copied().unwrap_or(Role::Unknown),
            track: None,
            begin_ms: offset(begin),
            end_ms: offset(end),
            text: text(sentence, "Message")?,
        })
    });
    let zero = zero.and_then(|at| i64::try_from(at).ok());
    Part {
        call: Call {
            turns: turns.collect(),
            ..Call::default()
        },
        zero: zero.and_then(|at| Timestamp::from_millisecond(at).ok()),
        whole: true,
        ..Part::default()
    }
}

fn instant(second: u64) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(second).ok()?).ok()
}
