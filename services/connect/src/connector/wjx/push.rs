//! A push is taken only from who knows the address's token and signs or seals with the agreed key. The signature covers
//! two numbers alone and has no time, so that the token is what keeps the address secret.

use std::borrow::Cow;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use wensheng_runtime::Secret;

use super::config::PushFormat;
use super::sign::sha1_of;
use super::submission::Reader;
use crate::hotline::read::text;
use crate::push::seal::Seal;
use crate::push::{
    Head, IN_THE_ADDRESS, Push, PushInput, Refusal, Reply, Wrong, admit_by_token, json,
};
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
        admit_by_token(head, &self.token, IN_THE_ADDRESS)
    }

    fn open<'a>(&self, head: &Head<'_>, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        let unseal = |seal: &Seal| {
            let opened = seal.open(&sealed(body));
            opened.map(Cow::Owned).map_err(|reason| {
                Refusal::unreadable(format!("the body cannot be opened: {reason}"))
            })
        };
        match &self.key {
            Key::Signed(key) => {
                let content = json(body).map_err(Refusal::unreadable)?;
                let field = |name| text(&content, name).unwrap_or_default();
                let (activity, index) = (field("activity"), field("index"));
                let key = key.expose().as_bytes();
                let expected = sha1_of(&[activity.as_bytes(), index.as_bytes(), key]);
                match is_same(Some(&field("sign")), &expected) {
                    true => Ok(Cow::Borrowed(body)),
                    false => Err(Refusal::stranger("`sign` does not fit; check `push_key`")),
                }
            }
            Key::Sealed(seal) => unseal(seal),
            Key::SignedSeal(key, seal) => {
                let expected = sha1_of(&[body, key.expose().as_bytes()]);
                match is_same(head.header("x-wjx-signature"), &expected) {
                    true => unseal(seal),
                    false => Err(Refusal::stranger(
                        "X-Wjx-Signature does not fit; check `push_key`",
                    )),
                }
            }
        }
    }

    fn parse(&self, push: &Push<'_>, staging: &mut Staging) -> Result<Reply, Wrong> {
        let (submission, now) = (push.json()?, push.head.now);
        let event = self
            .reader
            .event(&submission, None, None, push.place, now)?;
        staging.event(event);
        Ok(self.answer())
    }

    fn answer(&self) -> Reply {
        Reply::text("success")
    }
}
