//! A push is told `ErrCode: 0` once it is durable, and anything else otherwise, so that it comes again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use wensheng_runtime::Secret;

use super::config::Line;
use super::part::pushed;
use crate::hotline::{Calls, Side};
use crate::push::{Head, Push, PushInput, Refusal, Reply, Wrong, admit_by_token};
use crate::staging::Staging;

pub(super) struct TcccPush {
    pub(super) line: Arc<Line>,
    pub(super) token: Secret,
    pub(super) calls: Arc<Mutex<Calls>>,
    pub(super) max_body_bytes: usize,
}

impl PushInput for TcccPush {
    fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }

    fn restore(&mut self, positions: BTreeMap<String, Value>) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.restore(positions);
    }

    fn admit(&self, head: &Head<'_>) -> Result<(), Refusal> {
        let how = "choose Basic on the platform's page, with the token as the password";
        admit_by_token(head, &self.token, how)
    }

    /// Nobody signs these: who gave the token may have written any.
    fn open<'a>(&self, _head: &Head<'_>, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        Ok(Cow::Borrowed(body))
    }

    fn parse(&self, push: &Push<'_>, staging: &mut Staging) -> Result<Reply, Wrong> {
        let (rules, head) = (&self.line.rules, push.head);
        let action = head.query("action");
        match pushed(action, &push.json()?, &self.line)? {
            Some(part) => {
                let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
                let part = self.line.completed(part);
                calls.take(part, rules, push.place, Side::Main, head.now, staging)?;
            }
            None => staging.leave_out("other"),
        }
        Ok(self.answer())
    }

    fn answer(&self) -> Reply {
        Reply::json(&json!({"ErrCode": 0, "ErrMsg": ""}))
    }

    fn refuse(&self, refusal: &Refusal) -> Reply {
        let code = refusal.status.as_u16();
        Reply::json(&json!({"ErrCode": code, "ErrMsg": refusal.reason}))
    }
}
