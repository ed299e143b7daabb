//! A push is told `ErrCode: 0` once it is durable, and anything else otherwise, so that it comes again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use serde_json::{Value, json};
use wensheng_runtime::Secret;

use super::config::Line;
use super::part::pushed;
use crate::draft::Place;
use crate::hotline::{Calls, Side};
use crate::push::{Head, PushInput, Refusal, Reply, has_token};
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
        match has_token(head, &self.token) {
            true => Ok(()),
            false => Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "no valid token; choose Basic on the platform's page, with the token as the password",
            )),
        }
    }

    fn open<'a>(&self, _head: &Head<'_>, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        Ok(Cow::Borrowed(body))
    }

    fn parse(
        &self,
        head: &Head<'_>,
        content: &[u8],
        staging: &mut Staging,
    ) -> Result<Reply, Refusal> {
        let place_name = format!("/ingest/{}", self.line.rules.source);
        let place = Place {
            place: &place_name,
            line: None,
        };
        let body: Result<Value, String> = serde_json::from_slice(content)
            .map_err(|error| format!("the body is not valid JSON: {error}"));
        let rules = &self.line.rules;
        let part =
            body.and_then(|body| pushed(head.query("action"), &body, rules.pseudonyms.as_ref()));
        let outcome = part.and_then(|part| match part {
            Some(part) => {
                let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
                let part = self.line.completed(part);
                calls.take(part, rules, place, Side::Main, head.now, staging)
            }
            None => {
                staging.leave_out("other");
                Ok(())
            }
        });
        if let Err(reason) = outcome {
            staging.dead_letter(place.place, None, &reason, content, head.now);
        }
        Ok(Reply::json(&json!({"ErrCode": 0, "ErrMsg": ""})))
    }

    fn refuse(&self, refusal: &Refusal) -> Reply {
        let code = refusal.status.as_u16();
        Reply::json(&json!({"ErrCode": code, "ErrMsg": refusal.reason}))
    }
}
