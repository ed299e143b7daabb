//! A request is signed over the values of its parameters in the order of their names, a push over its two numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha384, Sha512};

use crate::hex::hex;

/// What requests are hashed with; the platform's `encode`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum SignatureHash {
    /// SHA-1, the platform's default.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl SignatureHash {
    /// What the platform calls it; its default needs no name.
    pub(super) const fn encode(self) -> Option<&'static str> {
        match self {
            SignatureHash::Sha1 => None,
            SignatureHash::Sha256 => Some("SHA256"),
            SignatureHash::Sha384 => Some("SHA384"),
            SignatureHash::Sha512 => Some("SHA512"),
        }
    }

    fn of(self, text: &str) -> String {
        match self {
            SignatureHash::Sha1 => hex(&Sha1::digest(text)),
            SignatureHash::Sha256 => hex(&Sha256::digest(text)),
            SignatureHash::Sha384 => hex(&Sha384::digest(text)),
            SignatureHash::Sha512 => hex(&Sha512::digest(text)),
        }
    }
}

/// What is hashed for a request: the values in the order of their names, without empty ones, and the key behind them.
pub(super) fn payload(parameters: &BTreeMap<String, Value>, app_key: &str) -> String {
    let mut payload = String::new();
    for value in parameters.values() {
        match value {
            Value::Null => {}
            Value::String(text) => payload.push_str(text),
            other => payload.push_str(&other.to_string()),
        }
    }
    payload.push_str(app_key);
    payload
}

/// The signature of a request.
pub(super) fn sign(
    parameters: &BTreeMap<String, Value>,
    app_key: &str,
    hash: SignatureHash,
) -> String {
    hash.of(&payload(parameters, app_key))
}

/// SHA-1 over these parts, joined: the signature of pushes.
pub(super) fn sha1_of(parts: &[&[u8]]) -> String {
    let mut hash = Sha1::new();
    for part in parts {
        hash.update(part);
    }
    hex(&hash.finalize())
}
