//! What a customer writes becomes one event by the platform's own id; what agents and the system say is left out.

use jiff::Timestamp;
use serde_json::Value;
use wensheng_schemas::FeedbackEvent;

use crate::draft::{Draft, DraftRules, Place};
use crate::field::Field;
use crate::hotline::read::{field, number, text};
use crate::staging::Staging;

/// The customer wrote it.
const CUSTOMER: u64 = 3;

/// What a message is.
enum Message {
    Feedback(Box<Draft<'static>>),
    /// The customer took a message back: a draft of what it was, without words.
    Recalled(Box<Draft<'static>>),
    LeftOut(&'static str),
}

/// Stages a message of a page.
pub(super) fn stage(
    rules: &DraftRules,
    product: Option<&str>,
    place: &str,
    message: &Value,
    now: Timestamp,
    staging: &mut Staging,
) {
    let at = Place { place, line: None };
    let event = read_message(message).and_then(|read| match read {
        Message::LeftOut(reason) => {
            staging.leave_out(reason);
            Ok(None)
        }
        Message::Feedback(mut draft) => {
            draft.set(Field::Product, product.unwrap_or_default().to_owned());
            draft.into_event(rules, at, now, String::new).map(Some)
        }
        Message::Recalled(draft) => {
            let event = draft.into_shell(rules, at, now, String::new)?;
            Ok(Some(withdrawn(event)))
        }
    });
    match event {
        Ok(None) => {}
        Ok(Some(event)) => staging.event(event),
        Err(reason) => {
            let refused = message.to_string();
            staging.dead_letter(place, None, &reason, refused.as_bytes(), now);
        }
    }
}

/// The revision by which a message is taken back.
fn withdrawn(mut event: FeedbackEvent) -> FeedbackEvent {
    event.revision = 1;
    event.withdraw();
    event
}

fn read_message(message: &Value) -> Result<Message, String> {
    let kind = text(message, "msgtype").ok_or("there is no msgtype")?;
    let empty = Value::Null;
    let content = field(message, &kind).unwrap_or(&empty);
    if kind == "event" {
        return of_event(message, content);
    }
    if number(message, "origin") != Some(CUSTOMER) {
        return Ok(Message::LeftOut("agent"));
    }
    let mut draft = Draft::default();
    match kind.as_str() {
        "text" => {
            draft.set(
                Field::Text,
                text(content, "content").ok_or("a text has no content")?,
            );
            if let Some(menu) = text(content, "menu_id") {
                draft.attribute("menu_id", &menu);
            }
        }
        "link" => {
            let title = text(content, "title").unwrap_or_default();
            let description = text(content, "desc").unwrap_or_default();
            draft.set(Field::Text, format!("{title}\n{description}"));
            if let Some(url) = text(content, "url") {
                draft.set(Field::Url, url);
            }
        }
        // The platform recognises no speech: what a customer said is lost here, so that it is counted for itself.
        "voice" => return Ok(Message::LeftOut("voice-without-words")),
        "image" | "video" | "file" => return Ok(Message::LeftOut("media")),
        _ => return Ok(Message::LeftOut("context")),
    }
    draft.attribute("msg_type", &kind);
    let account = text(message, "open_kfid").ok_or("there is no open_kfid")?;
    let id = text(message, "msgid").ok_or("there is no msgid")?;
    draft.set(Field::Id, format!("kf:{account}:{id}"));
    draft.attribute("account", &account);
    let author = text(message, "external_userid").ok_or("there is no external_userid")?;
    draft.set(Field::Author, author);
    if let Some(at) = text(message, "send_time") {
        draft.set(Field::OccurredAt, at);
    }
    Ok(Message::Feedback(Box::new(draft)))
}

/// Of an event, the ids stand within it.
fn of_event(message: &Value, event: &Value) -> Result<Message, String> {
    if text(event, "event_type").as_deref() != Some("user_recall_msg") {
        return Ok(Message::LeftOut("event"));
    }
    let account = text(event, "open_kfid").ok_or("a recall has no open_kfid")?;
    let id = text(event, "recall_msgid").ok_or("a recall has no recall_msgid")?;
    let mut draft = Draft::default();
    draft.set(Field::Id, format!("kf:{account}:{id}"));
    if let Some(at) = text(message, "send_time") {
        draft.set(Field::OccurredAt, at);
    }
    Ok(Message::Recalled(Box::new(draft)))
}
