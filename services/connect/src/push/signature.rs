//! A signature is good only over the very bytes that were sent, within five minutes, by a key that is configured.
//!
//! Standard Webhooks (the specification of that name, `v1`: HMAC-SHA-256 over `id.timestamp.body`), with the header
//! names of that specification or those of Svix.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use thiserror::Error;

/// How far the sender's clock may be off, either way; the specification's libraries allow the same.
const TOLERANCE_SECONDS: i64 = 300;

/// Why a signature is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum WrongSignature {
    #[error(
        "a signature header is missing; send webhook-id, webhook-timestamp and webhook-signature"
    )]
    Missing,
    #[error(
        "webhook-timestamp is more than 300 s from our time; sign each attempt anew, and check the clock"
    )]
    Timestamp,
    #[error("no signature fits; check the secret, and sign the bytes as they are sent")]
    Signature,
}

/// A key to verify with.
#[derive(Clone)]
pub(crate) struct SigningKey {
    keyed: Hmac<Sha256>,
}

impl SigningKey {
    /// The key of a `whsec_` secret.
    pub(crate) fn new(secret: &str) -> Result<Self, String> {
        let encoded = secret
            .strip_prefix("whsec_")
            .ok_or("must begin with whsec_")?;
        let key = BASE64
            .decode(encoded)
            .map_err(|_| "must be base64 after whsec_")?;
        if !(24..=64).contains(&key.len()) {
            return Err("must have 24 to 64 bytes after decoding".to_owned());
        }
        let keyed = Hmac::<Sha256>::new_from_slice(&key).map_err(|error| error.to_string())?;
        Ok(Self { keyed })
    }

    fn signs(&self, id: &str, timestamp: &str, body: &[u8], signature: &[u8]) -> bool {
        let mut mac = self.keyed.clone();
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        // Compares in constant time.
        mac.verify_slice(signature).is_ok()
    }
}

/// Verifies the signature headers over the body.
pub(crate) fn verify(
    keys: &[SigningKey],
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<(), WrongSignature> {
    let get = |name: &str| {
        headers
            .get(format!("webhook-{name}"))
            .or_else(|| headers.get(format!("svix-{name}")))
            .and_then(|value| value.to_str().ok())
            .ok_or(WrongSignature::Missing)
    };
    let id = get("id")?;
    let timestamp = get("timestamp")?;
    let signatures = get("signature")?;
    let signed_at: i64 = timestamp.parse().map_err(|_| WrongSignature::Timestamp)?;
    if now.as_second().saturating_sub(signed_at).saturating_abs() > TOLERANCE_SECONDS {
        return Err(WrongSignature::Timestamp);
    }
    let good = signatures
        .split(' ')
        .filter_map(|entry| entry.strip_prefix("v1,"))
        .filter_map(|signature| BASE64.decode(signature).ok())
        .any(|signature| {
            keys.iter()
                .any(|key| key.signs(id, timestamp, body, &signature))
        });
    good.then_some(()).ok_or(WrongSignature::Signature)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(
        secrets: &[&str],
        prefix: &'static str,
        id: &str,
        timestamp: i64,
        body: &str,
        signature: &str,
        now: i64,
    ) -> Result<(), WrongSignature> {
        let keys: Vec<SigningKey> = secrets
            .iter()
            .map(|s| SigningKey::new(s).unwrap())
            .collect();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("id", id),
            ("timestamp", &timestamp.to_string()),
            ("signature", signature),
        ] {
            let name: axum::http::HeaderName = format!("{prefix}-{name}").parse().unwrap();
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        verify(
            &keys,
            &headers,
            body.as_bytes(),
            Timestamp::from_second(now).unwrap(),
        )
    }

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &str = r#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const AT: i64 = 1_614_265_330;

    /// Published in the tests of the Standard Webhooks and Svix libraries.
    #[test]
    fn the_published_vectors_verify() {
        assert_eq!(
            check(&[SECRET], "webhook", ID, AT, BODY, SIGNATURE, AT),
            Ok(())
        );
        assert_eq!(
            check(
                &["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
                "svix",
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                1_649_367_553,
                r#"{"email":"test@example.com","username":"test_user"}"#,
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
                1_649_367_553,
            ),
            Ok(())
        );
    }

    #[test]
    fn a_signature_by_any_configured_secret_is_good() {
        let other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        assert_eq!(
            check(&[other, SECRET], "webhook", ID, AT, BODY, SIGNATURE, AT),
            Ok(())
        );
        assert_eq!(
            check(&[other], "webhook", ID, AT, BODY, SIGNATURE, AT),
            Err(WrongSignature::Signature)
        );
    }

    #[test]
    fn the_window_is_five_minutes_either_way() {
        for (now, verdict) in [
            (AT + 300, Ok(())),
            (AT - 300, Ok(())),
            (AT + 301, Err(WrongSignature::Timestamp)),
            (AT - 301, Err(WrongSignature::Timestamp)),
        ] {
            assert_eq!(
                check(&[SECRET], "webhook", ID, AT, BODY, SIGNATURE, now),
                verdict
            );
        }
    }

    #[test]
    fn one_changed_byte_breaks_it() {
        for (id, body, signature) in [
            ("msg_other", BODY, SIGNATURE),
            (ID, r#"{"test":2432232314}"#, SIGNATURE),
            (ID, BODY, "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
            (ID, BODY, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1O"),
            (ID, BODY, ""),
        ] {
            assert_eq!(
                check(&[SECRET], "webhook", id, AT, body, signature, AT),
                Err(WrongSignature::Signature)
            );
        }
        let headers = HeaderMap::new();
        let keys = [SigningKey::new(SECRET).unwrap()];
        assert_eq!(
            verify(&keys, &headers, b"", Timestamp::UNIX_EPOCH),
            Err(WrongSignature::Missing)
        );
    }

    #[test]
    fn a_secret_must_be_one() {
        for secret in ["", "abc", "whsec_***", "whsec_c2hvcnQ="] {
            assert!(SigningKey::new(secret).is_err(), "{secret:?}");
        }
    }

    #[test]
    fn the_published_vectors_and_cases_verify() {
        let text = include_str!("../../tests/wire/surveys-and-social.json");
        let document: serde_json::Value = serde_json::from_str(text).unwrap();
        let mut seen = 0;
        for vector in document["vectors"].as_array().unwrap() {
            let id = vector["id"].as_str().unwrap();
            if !id.starts_with("stdwebhooks.") {
                continue;
            }
            seen += 1;
            let input = &vector["input"];
            let output = vector["output"].as_str().unwrap();
            let text = |name: &str| input[name].as_str().unwrap();
            let at = input["timestamp"].as_i64().unwrap();
            let verdict = check(
                &[text("secret")],
                "webhook",
                text("id"),
                at,
                text("body"),
                input["header"].as_str().unwrap_or(output),
                input["now"].as_i64().unwrap_or(at),
            );
            let expected = match output {
                "reject:signature" => Err(WrongSignature::Signature),
                "reject:timestamp" => Err(WrongSignature::Timestamp),
                _ => Ok(()),
            };
            assert_eq!(verdict, expected, "{id}");
        }
        assert_eq!(seen, 8);
    }
}
