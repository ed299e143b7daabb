//! A push wakes the reading of its survey. An answer that was changed or deleted is not found by reading on: which one it
//! is is durable before the platform is told that it was heard.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use wensheng_runtime::Secret;

use super::list::Named;
use crate::hotline::read::{field, text};
use crate::pull::Hints;
use crate::push::{Head, IN_THE_ADDRESS, Push, PushInput, Refusal, Reply, Wrong, admit_by_token};
use crate::staging::Staging;
use crate::time::TimeReader;

/// No push is longer (bytes): an answer with all its options.
const MAX_BODY_BYTES: usize = 4 << 20;

/// What begins the name of what is still to be looked up.
const NAMED: &str = "named:";

/// The cursor of an answer that is to be looked up.
pub(super) fn stream_of(survey: &str, answer: &str) -> String {
    format!("{NAMED}{survey}:{answer}")
}

pub(super) struct Hook {
    pub(super) token: Secret,
    pub(super) surveys: Vec<String>,
    pub(super) times: TimeReader,
    pub(super) hints: Hints,
}

impl Hook {
    /// What is to be looked up; `None`: an answer that reading on finds.
    fn named(&self, action: &str, body: &Value, answer: String, now: Timestamp) -> Option<Named> {
        let deleted = match action {
            "answer.update" => false,
            "answer.delete" => true,
            _ => return None,
        };
        let at = text(body, "created_at").and_then(|at| self.times.read(&at));
        // Nobody signs this: a time in the future would outlive every later change.
        let at = at.unwrap_or(now).min(now).as_second();
        Some(Named {
            answer,
            at,
            deleted,
        })
    }
}

impl PushInput for Hook {
    fn max_body_bytes(&self) -> usize {
        MAX_BODY_BYTES
    }

    fn restore(&mut self, positions: BTreeMap<String, Value>) {
        for (stream, said) in positions {
            let named = stream.strip_prefix(NAMED);
            if let Some((survey, _)) = named.and_then(|named| named.split_once(':')) {
                self.hints.send(survey, said);
            }
        }
    }

    fn admit(&self, head: &Head<'_>) -> Result<(), Refusal> {
        admit_by_token(head, &self.token, IN_THE_ADDRESS)
    }

    /// Nobody signs these: who gave the token may have written any.
    fn open<'a>(&self, _head: &Head<'_>, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        Ok(Cow::Borrowed(body))
    }

    fn parse(&self, push: &Push<'_>, staging: &mut Staging) -> Result<Reply, Wrong> {
        let (body, now) = (push.json().map_err(Refusal::unreadable)?, push.head.now);
        let action = text(&body, "action").unwrap_or_default();
        let payload = field(&body, "payload").unwrap_or(&Value::Null);
        let survey = text(payload, "survey_id").filter(|id| self.surveys.contains(id));
        // A number alone: it becomes part of an address.
        let answer = text(payload, "answer_id");
        let answer = answer.filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()));
        match (action.starts_with("answer."), survey, answer) {
            (true, Some(survey), Some(answer)) => {
                let stream = stream_of(&survey, &answer);
                let said = match self.named(&action, &body, answer, now) {
                    Some(named) => json!(named),
                    None => Value::Null,
                };
                if !said.is_null() {
                    staging.cursor(&stream, said.clone(), now);
                }
                self.hints.send(&survey, said);
            }
            // The request by which the platform tries the address, surveys that are not read, and changes of surveys.
            _ => staging.leave_out("other"),
        }
        Ok(self.answer())
    }

    fn answer(&self) -> Reply {
        Reply::text("success")
    }
}
