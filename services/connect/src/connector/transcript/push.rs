//! A pushed transcript is answered with success once the call it belongs to is durable, with all that was known before.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use wensheng_runtime::Secret;

use super::config::{Reader, Told};
use crate::hex::hex;
use crate::hotline::{Calls, Side};
use crate::push::{Head, Push, PushInput, Refusal, Reply, Wrong, has_token};
use crate::staging::Staging;

/// A source that transcripts are pushed to.
pub(super) struct CallPush {
    reader: Reader,
    token: Secret,
    sign_token: Secret,
    sign_app_id: String,
    calls: Mutex<Calls>,
}

impl CallPush {
    pub(super) fn new(
        reader: Reader,
        token: Secret,
        sign_token: Secret,
        sign_app_id: String,
    ) -> Self {
        let calls = Mutex::new(reader.calls());
        Self {
            reader,
            token,
            sign_token,
            sign_app_id,
            calls,
        }
    }

    /// SHA-256 in hex over appid, token and body, as Tencent Cloud signs.
    fn is_signed(&self, head: &Head<'_>, body: &[u8]) -> bool {
        let Some(given) = head.header("checksum") else {
            return false;
        };
        let mut hash = Sha256::new();
        hash.update(self.sign_app_id.as_bytes());
        hash.update(self.sign_token.expose().as_bytes());
        hash.update(body);
        let digest: [u8; 32] = hash.finalize().into();
        let expected = hex(&digest);
        let given = given.trim().to_ascii_lowercase();
        !self.sign_token.is_empty() && expected.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

fn stranger() -> Refusal {
    Refusal::stranger(
        "no valid token; send `Authorization: Bearer …`, or give the address with `?token=…`",
    )
}

impl PushInput for CallPush {
    fn max_body_bytes(&self) -> usize {
        self.reader.max_bytes
    }

    fn restore(&mut self, positions: BTreeMap<String, serde_json::Value>) {
        let calls = self.calls.get_mut();
        calls
            .unwrap_or_else(PoisonError::into_inner)
            .restore(positions);
    }

    fn admit(&self, head: &Head<'_>) -> Result<(), Refusal> {
        let may_be_signed = !self.sign_token.is_empty() && head.header("checksum").is_some();
        match has_token(head, &self.token) || may_be_signed {
            true => Ok(()),
            false => Err(stranger()),
        }
    }

    fn open<'a>(&self, head: &Head<'_>, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        match has_token(head, &self.token) || self.is_signed(head, body) {
            true => Ok(Cow::Borrowed(body)),
            false => Err(stranger()),
        }
    }

    fn parse(&self, push: &Push<'_>, staging: &mut Staging) -> Result<Reply, Wrong> {
        let head = push.head;
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let told = Told {
            call_id: head.query("call_id"),
            started_at: head.query("started_at"),
            file_id: None,
        };
        let parts = self.reader.read(push.content, told)?;
        if parts.is_empty() {
            staging.leave_out("no-words");
        }
        let rules = &self.reader.rules;
        for part in parts {
            calls.take(part, rules, push.place, Side::Main, head.now, staging)?;
        }
        Ok(self.answer())
    }

    /// What Alibaba Cloud, Tencent Cloud and others read as success.
    fn answer(&self) -> Reply {
        Reply::json(&serde_json::json!({
            "code": 0, "msg": "success", "message": "success",
        }))
    }
}
