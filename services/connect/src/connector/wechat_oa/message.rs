//! A message that says something becomes one event, by the platform's own id of it; a wrong one becomes a dead letter
//! without the follower's id.

use serde_json::Value;

use crate::draft::{Draft, DraftRules};
use crate::field::Field;
use crate::push::Push;
use crate::staging::Staging;
use crate::wechat::{read, text};

/// What a message is.
enum Message {
    Feedback(Box<Draft<'static>>),
    /// Nothing that a customer says: the reason it is counted under.
    LeftOut(&'static str),
}

/// Stages what a message says.
pub(super) fn stage(
    rules: &DraftRules,
    product: Option<&str>,
    push: &Push<'_>,
    staging: &mut Staging,
) {
    let (content, place, now) = (push.content, push.place, push.head.now);
    let mut author = None;
    let event = read(content).and_then(|message| {
        author = text(&message, "FromUserName").ok().flatten();
        match read_message(&message)? {
            Message::LeftOut(reason) => {
                staging.leave_out(reason);
                Ok(None)
            }
            Message::Feedback(mut draft) => {
                draft.set(Field::Product, product.unwrap_or_default().to_owned());
                let missing = String::new;
                draft.into_event(rules, place, now, missing).map(Some)
            }
        }
    });
    match event {
        Ok(None) => {}
        Ok(Some(event)) => staging.event(event),
        Err(reason) => {
            let authors = author.as_slice().iter().map(String::as_str);
            let authors: Vec<&str> = authors.collect();
            staging.dead_letter_by(&authors, place.place, None, &reason, content, now);
        }
    }
}

fn read_message(message: &Value) -> Result<Message, String> {
    let kind = text(message, "MsgType")?.ok_or("there is no MsgType")?;
    let mut draft = Draft::default();
    match kind.as_str() {
        "text" => {
            draft.set(
                Field::Text,
                text(message, "Content")?.ok_or("a text has no Content")?,
            );
            if let Some(menu) = text(message, "bizmsgmenuid")? {
                draft.attribute("menu_id", &menu);
            }
        }
        "voice" => {
            // Filled where speech recognition is on in the console, and only then.
            let Some(words) = text(message, "Recognition")? else {
                return Ok(Message::LeftOut("voice-without-words"));
            };
            draft.set(Field::Text, words);
            if let Some(media) = text(message, "MediaId")? {
                draft.attribute("media_id", &media);
            }
        }
        "link" => {
            let title = text(message, "Title")?.unwrap_or_default();
            let description = text(message, "Description")?.unwrap_or_default();
            draft.set(Field::Text, format!("{title}\n{description}"));
            if let Some(url) = text(message, "Url")? {
                draft.set(Field::Url, url);
            }
        }
        "event" => return Ok(Message::LeftOut("event")),
        "image" | "video" | "shortvideo" => return Ok(Message::LeftOut("media")),
        "location" | "miniprogrampage" => return Ok(Message::LeftOut("context")),
        _ => return Ok(Message::LeftOut("other")),
    }
    draft.attribute("msg_type", &kind);
    let account = text(message, "ToUserName")?.ok_or("there is no ToUserName")?;
    let id = text(message, "MsgId")?.ok_or("there is no MsgId")?;
    draft.set(Field::Id, format!("wx:{account}:{id}"));
    let author = text(message, "FromUserName")?.ok_or("there is no FromUserName")?;
    draft.set(Field::Author, author);
    if let Some(at) = text(message, "CreateTime")? {
        draft.set(Field::OccurredAt, at);
    }
    Ok(Message::Feedback(Box::new(draft)))
}
