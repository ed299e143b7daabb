//! A ticket is good for what it says, until it expires, and only a holder of the key can have written it: an address with
//! a ticket in it lets whoever opens it do that one thing without logging in.
//!
//! `base64url(JSON {"e": expiry, "c": claim}) "." base64url(HMAC-SHA256)`, the authentication code over the first part.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// No ticket of ours is longer; what is, is not looked at.
const LONGEST: usize = 2_048;

/// The key that tickets are written and read with.
#[derive(Clone)]
pub struct TicketKey([u8; 32]);

impl std::fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TicketKey(***)")
    }
}

/// Why a ticket is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TicketError {
    /// It was not written with this key, or not to the end.
    #[error("the link is not whole, or was made by another installation")]
    Invalid,
    /// It was good once.
    #[error("the link has expired")]
    Expired,
}

#[derive(Serialize, Deserialize)]
struct Content<T> {
    /// Seconds since 1970.
    #[serde(rename = "e")]
    expires_at: i64,
    #[serde(rename = "c")]
    claim: T,
}

impl TicketKey {
    /// The key that a secret of any length stands for.
    pub fn new(secret: &[u8]) -> Self {
        let mut hash = Sha256::new();
        // Apart from whatever else the same secret may be used for.
        hash.update(b"wensheng ticket 1\n");
        hash.update(secret);
        Self(hash.finalize().into())
    }

    /// A ticket for a claim. A claim that cannot be written as JSON makes one that nobody takes.
    pub fn issue(&self, claim: &impl Serialize, expires_at: Timestamp) -> String {
        let content = Content {
            expires_at: expires_at.as_second(),
            claim,
        };
        let said = BASE64.encode(serde_json::to_vec(&content).unwrap_or_default());
        let code = BASE64.encode(self.code(&said).finalize().into_bytes());
        format!("{said}.{code}")
    }

    /// What a ticket claims.
    ///
    /// # Errors
    /// See [`TicketError`].
    pub fn open<T: DeserializeOwned>(
        &self,
        ticket: &str,
        now: Timestamp,
    ) -> Result<T, TicketError> {
        if ticket.len() > LONGEST {
            return Err(TicketError::Invalid);
        }
        let (said, code) = ticket.split_once('.').ok_or(TicketError::Invalid)?;
        let code = BASE64.decode(code).map_err(|_| TicketError::Invalid)?;
        // Compares in constant time.
        self.code(said)
            .verify_slice(&code)
            .map_err(|_| TicketError::Invalid)?;
        let content = BASE64.decode(said).map_err(|_| TicketError::Invalid)?;
        let content: Content<T> =
            serde_json::from_slice(&content).map_err(|_| TicketError::Invalid)?;
        if content.expires_at < now.as_second() {
            return Err(TicketError::Expired);
        }
        Ok(content.claim)
    }

    fn code(&self, said: &str) -> Hmac<Sha256> {
        let mut block = [0_u8; 64];
        block[..32].copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(said.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T06:06:00Z".parse().unwrap()
    }

    #[test]
    fn a_ticket_says_what_was_claimed_until_it_expires() {
        let key = TicketKey::new(b"a secret of the installation");
        let ticket = key.issue(&"认领 a1", now() + SignedDuration::from_mins(10));
        let later = |minutes| now() + SignedDuration::from_mins(minutes);
        assert_eq!(key.open(&ticket, later(10)), Ok("认领 a1".to_owned()));
        assert_eq!(
            key.open::<String>(&ticket, later(11)),
            Err(TicketError::Expired)
        );
        let other = TicketKey::new(b"another secret");
        assert_eq!(
            other.open::<String>(&ticket, now()),
            Err(TicketError::Invalid)
        );
        assert!(!format!("{key:?}").contains(char::is_numeric));
    }

    proptest! {
        #[test]
        fn no_ticket_is_taken_with_any_character_changed(at in 0_usize..200, to in "[A-Za-z0-9_.-]") {
            let key = TicketKey::new(b"secret");
            let ticket = key.issue(&"claim", now());
            let at = at % ticket.len();
            let mut changed = ticket.clone();
            changed.replace_range(at..=at, &to);
            prop_assume!(changed != ticket);
            prop_assert_eq!(key.open::<String>(&changed, now()), Err(TicketError::Invalid));
        }

        #[test]
        fn anything_else_is_no_ticket(text in any::<String>()) {
            prop_assert_eq!(TicketKey::new(b"secret").open::<String>(&text, now()), Err(TicketError::Invalid));
        }
    }
}
