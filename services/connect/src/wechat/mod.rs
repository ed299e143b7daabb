//! A callback of WeChat or WeCom is taken only when its signature is good, its time is near and, where a key is
//! configured, its content was encrypted for us.

pub(crate) mod crypto;

use std::time::Duration;

use serde_json::Value;
use wensheng_runtime::Secret;

use crate::push::{Head, Refusal, check_window};
use crate::scalar::scalar;
use crate::xml;
use crypto::{CallbackKey, is_signed};

/// No callback is longer: the longest message of a customer has some 2 kB.
pub(crate) const MAX_BODY_BYTES: usize = 256 << 10;

/// The two platforms answer within 5 s and send three times in all, so that a message is some 15 s old at most; the
/// rest is for clocks that are off.
pub(crate) const WINDOW_SECONDS: u64 = 300;

/// Who may call back.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) token: Secret,
    pub(crate) window: Duration,
}

impl Door {
    /// Refuses what is not signed in `parameter` over token, timestamp, nonce and `sealed`, or not in time.
    pub(crate) fn check(
        &self,
        head: &Head<'_>,
        parameter: &str,
        sealed: Option<&str>,
    ) -> Result<(), Refusal> {
        let (Some(signature), Some(timestamp), Some(nonce)) = (
            head.query(parameter),
            head.query("timestamp"),
            head.query("nonce"),
        ) else {
            return Err(Refusal::stranger(format!(
                "the address has no {parameter}, timestamp and nonce; only the platform calls here"
            )));
        };
        let mut parts = vec![self.token.expose(), timestamp, nonce];
        parts.extend(sealed);
        if !is_signed(&parts, signature) {
            return Err(Refusal::stranger(
                "the signature does not fit; check that `token` is the Token on the platform's page",
            ));
        }
        check_window(Some(timestamp), head.now, self.window)
    }

    /// The content of an envelope, verified and decrypted.
    pub(crate) fn unseal(
        &self,
        head: &Head<'_>,
        envelope: &[u8],
        key: &CallbackKey,
        receive_id: &str,
    ) -> Result<Vec<u8>, Refusal> {
        let envelope = read(envelope).map_err(Refusal::unreadable)?;
        let sealed = text(&envelope, "Encrypt")
            .map_err(Refusal::unreadable)?
            .ok_or_else(|| {
                Refusal::unreadable("there is no Encrypt in the body; choose the safe mode on the platform's page, or leave `encoding_aes_key` out")
            })?;
        self.check(head, "msg_signature", Some(&sealed))?;
        key.decrypt(&sealed, receive_id).map_err(|reason| {
            Refusal::unreadable(format!("the message cannot be decrypted: {reason}"))
        })
    }
}

/// The content of a callback, XML or JSON as the account is set.
pub(crate) fn read(document: &[u8]) -> Result<Value, String> {
    match document.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(document)
            .map_err(|error| format!("the body is not valid JSON: {error}")),
        _ => xml::parse(document),
    }
}

/// A field as text; the JSON variant of WeCom writes names in small letters, and numbers as numbers.
pub(crate) fn text(message: &Value, name: &str) -> Result<Option<String>, String> {
    let fields = message.as_object();
    let found = fields.and_then(|fields| {
        fields.get(name).or_else(|| {
            let mut all = fields.iter();
            all.find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        })
    });
    let text = scalar(found, name)?;
    Ok(text.filter(|text| !text.is_empty()))
}
