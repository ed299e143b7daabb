//! A push is taken only from who knows the address's token and signs or seals with the agreed key. The signature covers
//! two numbers alone and has no time, so that the token is what keeps the address secret.

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::Value;
use subtle::ConstantTimeEq;
use wensheng_runtime::Secret;

use super::config::PushFormat;
use super::seal::Seal;
use super::sign::sha1_of;
use super::submission::Reader;
use crate::draft::Place;
use crate::hotline::read::text;
use crate::push::{Head, PushInput, Refusal, Reply, has_token};
use crate::staging::Staging;

pub(super) struct WjxPush {
    pub(super) reader: Arc<Reader>,
    pub(super) token: Secret,
    pub(super) key: Key,
    pub(super) max_body_bytes: usize,
}

/// How pushes are verified.
pub(super) enum Key {
    /// By the signature in the body.
    Signed(Secret),
    /// By being sealed.
    Sealed(Seal),
    /// By the signature in a header, over what is sealed.
    SignedSeal(Secret, Seal),
}

impl Key {
    pub(super) fn new(format: PushFormat, key: &Secret) -> Result<Self, String> {
        Ok(match format {
            PushFormat::Json => Key::Signed(key.clone()),
            PushFormat::Redirect => Key::Sealed(Seal::new(key.expose())?),
            PushFormat::Sdk => Key::SignedSeal(key.clone(), Seal::of_app_key(key.expose())),
        })
    }
}

fn stranger(reason: &str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, reason)
}

fn is_same(given: Option<&str>, expected: &str) -> bool {
    let given = given.unwrap_or_default().trim().to_ascii_lowercase();
    given.as_bytes().ct_eq(expected.as_bytes()).into()
}

/// What is sealed: the field `content` of a form, or the bare body, as what is sent again comes.
fn sealed(body: &[u8]) -> Cow<'_, [u8]> {
    let mut fields = form_urlencoded::parse(body);
    match fields.find(|(name, _)| name == "content") {
        // A plus that was not escaped was read as a space.
        Some((_, content)) => Cow::Owned(content.replace(' ', "+").into_bytes()),
        None => Cow::Borrowed(body),
    }
}

impl PushInput for WjxPush {
    fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }

    fn admit(&self, head: &Head<'_>) -> Result<(), Refusal> {
        match has_token(head, &self.token) {
            true => Ok(()),
            false => Err(stranger(
                "no valid token; give the platform the address with `?token=…`, as this source is configured",
            )),
        }
    }

    fn open<'a>(&self, head: &Head<'_>, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        let unseal = |seal: &Seal| {
            let opened = seal.open(&sealed(body));
            opened.map(Cow::Owned).map_err(|reason| {
                let reason = format!("the body cannot be opened: {reason}");
                Refusal::new(StatusCode::BAD_REQUEST, reason)
            })
        };
        match &self.key {
            Key::Signed(key) => {
                let content: Value = serde_json::from_slice(body).map_err(|error| {
                    let reason = format!("the body is not valid JSON: {error}");
                    Refusal::new(StatusCode::BAD_REQUEST, reason)
                })?;
                let field = |name| text(&content, name).unwrap_or_default();
                let (activity, index) = (field("activity"), field("index"));
                let key = key.expose().as_bytes();
                let expected = sha1_of(&[activity.as_bytes(), index.as_bytes(), key]);
                match is_same(Some(&field("sign")), &expected) {
                    true => Ok(Cow::Borrowed(body)),
                    false => Err(stranger("`sign` does not fit; check `push_key`")),
                }
            }
            Key::Sealed(seal) => unseal(seal),
            Key::SignedSeal(key, seal) => {
                let expected = sha1_of(&[body, key.expose().as_bytes()]);
                match is_same(head.header("x-wjx-signature"), &expected) {
                    true => unseal(seal),
                    false => Err(stranger("X-Wjx-Signature does not fit; check `push_key`")),
                }
            }
        }
    }

    fn parse(
        &self,
        head: &Head<'_>,
        content: &[u8],
        staging: &mut Staging,
    ) -> Result<Reply, Refusal> {
        let place_name = format!("/ingest/{}", self.reader.rules.source);
        let place = Place {
            place: &place_name,
            line: None,
        };
        let submission: Result<Value, String> = serde_json::from_slice(content)
            .map_err(|error| format!("the push is not valid JSON: {error}"));
        let event = submission
            .and_then(|submission| self.reader.event(&submission, None, None, place, head.now));
        match event {
            Ok(event) => staging.event(event),
            Err(reason) => staging.dead_letter(place.place, None, &reason, content, head.now),
        }
        Ok(Reply::text("success"))
    }
}
