//! A signature as configuration describes it, for senders that have a scheme of their own: which header holds it, by which algorithm, over
//! what, written how.

use axum::http::HeaderName;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use wensheng_runtime::{Check, Problems, Secret};

use crate::hex::hex;
use crate::push::{Head, Refusal, check_window};

/// How far the sender's clock may be off where it signs the time, either way.
const WINDOW: std::time::Duration = std::time::Duration::from_secs(300);

/// How pushes are signed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureConfig {
    /// The header that holds the signature, such as `X-Slack-Signature`.
    pub header: String,
    /// `hmac-sha256`, `hmac-sha1`, or without a key of its own `sha256` or `sha1`. Default: hmac-sha256.
    #[serde(default)]
    pub algorithm: SignatureAlgorithm,
    /// What is agreed on with the sender: the key of an HMAC.
    pub secret: Secret,
    /// Over what it is made: `{{body}}`, `{{secret}}`, and headers by their names, such as `v0:{{X-Slack-Request-Timestamp}}:{{body}}`.
    /// Default: `{{body}}` of an HMAC, `{{secret}}{{body}}` of the others.
    #[serde(default)]
    pub over: Option<String>,
    /// `hex` or `base64`. Default: hex.
    #[serde(default)]
    pub encoding: SignatureEncoding,
    /// What stands before it in the header, such as `v0=`. Default: nothing.
    #[serde(default)]
    pub prefix: String,
    /// The header that holds the time of signing in seconds since 1970, no more than 300 s from ours; `over` must have it. Default: none;
    /// repeats are then told by ids alone.
    #[serde(default)]
    pub timestamp: Option<String>,
}

/// How a signature is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureAlgorithm {
    /// HMAC with SHA-256 (RFC 2104).
    #[default]
    HmacSha256,
    /// HMAC with SHA-1.
    HmacSha1,
    /// SHA-256 of a text that holds the secret.
    Sha256,
    /// SHA-1 of a text that holds the secret.
    Sha1,
}

impl SignatureAlgorithm {
    fn is_keyed(self) -> bool {
        matches!(self, Self::HmacSha256 | Self::HmacSha1)
    }

    fn digest(self, secret: &[u8], message: &[u8]) -> Vec<u8> {
        // An HMAC takes keys of any length.
        match self {
            Self::HmacSha256 => Hmac::<Sha256>::new_from_slice(secret)
                .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec())
                .unwrap_or_default(),
            Self::HmacSha1 => Hmac::<Sha1>::new_from_slice(secret)
                .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec())
                .unwrap_or_default(),
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha1 => Sha1::digest(message).to_vec(),
        }
    }
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignatureEncoding {
    /// Two lower-case digits a byte.
    #[default]
    Hex,
    /// With padding.
    Base64,
}

/// A piece of what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Body,
    Secret,
    Header(HeaderName),
}

impl SignatureConfig {
    /// What is signed, piece by piece. An error says what is wrong with `over`.
    fn pieces(&self) -> Result<Vec<Piece>, String> {
        let over = match (&self.over, self.algorithm.is_keyed()) {
            (Some(over), _) => over,
            (None, true) => "{{body}}",
            (None, false) => "{{secret}}{{body}}",
        };
        let mut pieces = Vec::new();
        let mut rest = over;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after
                .split_once("}}")
                .ok_or("has `{{` without `}}` after it")?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(match name.trim() {
                "body" => Piece::Body,
                "secret" => Piece::Secret,
                header => Piece::Header(header_name(header)?),
            });
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        if !pieces.contains(&Piece::Body) {
            return Err("must have {{body}}".to_owned());
        }
        if !self.algorithm.is_keyed() && !pieces.contains(&Piece::Secret) {
            return Err("must have {{secret}}, since the algorithm has no key".to_owned());
        }
        if let Some(timestamp) = &self.timestamp
            && !pieces.contains(&Piece::Header(header_name(timestamp)?))
        {
            return Err(format!(
                "must have {{{{{timestamp}}}}}: a time that nobody signs proves nothing"
            ));
        }
        Ok(pieces)
    }

    /// Ready to verify with. An error says what is wrong.
    pub(crate) fn verifier(&self) -> Result<Signature, String> {
        Ok(Signature {
            pieces: self.pieces()?,
            config: self.clone(),
        })
    }
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    name.parse()
        .map_err(|_| format!("names {name:?}, which is neither body nor secret nor a header"))
}

impl Check for SignatureConfig {
    fn check(&self, problems: &mut Problems) {
        if self.header.parse::<HeaderName>().is_err() {
            problems.add("header", "must be the name of a header");
        }
        if self.secret.is_empty() {
            problems.add("secret", "must be given");
        }
        if let Err(error) = self.pieces() {
            problems.add("over", error);
        }
    }
}

/// Verifies signatures.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    config: SignatureConfig,
    pieces: Vec<Piece>,
}

impl Signature {
    /// Whether the push holds a signature at all, good or not.
    pub(crate) fn is_given(&self, head: &Head<'_>) -> bool {
        head.header(&self.config.header).is_some()
    }

    /// Verifies the body as it was sent, in constant time.
    pub(crate) fn verify(&self, head: &Head<'_>, body: &[u8]) -> Result<(), Refusal> {
        if let Some(timestamp) = &self.config.timestamp {
            check_window(head.header(timestamp), head.now, WINDOW)?;
        }
        let secret = self.config.secret.expose().as_bytes();
        let mut message = Vec::with_capacity(body.len() + 64);
        for piece in &self.pieces {
            message.extend_from_slice(match piece {
                Piece::Text(text) => text.as_bytes(),
                Piece::Body => body,
                Piece::Secret => secret,
                Piece::Header(name) => head.header(name.as_str()).unwrap_or_default().as_bytes(),
            });
        }
        let digest = self.config.algorithm.digest(secret, &message);
        let written = match self.config.encoding {
            SignatureEncoding::Hex => hex(&digest),
            SignatureEncoding::Base64 => BASE64.encode(digest),
        };
        let given = head.header(&self.config.header).map(str::trim);
        let given = given.and_then(|given| given.strip_prefix(self.config.prefix.as_str()));
        let given = given.map(|given| match self.config.encoding {
            SignatureEncoding::Hex => given.to_ascii_lowercase(),
            SignatureEncoding::Base64 => given.to_owned(),
        });
        if given.is_some_and(|given| given.as_bytes().ct_eq(written.as_bytes()).into()) {
            return Ok(());
        }
        Err(Refusal::stranger(format!(
            "{} is missing or does not fit; check `signature`, and sign the bytes as they are sent",
            self.config.header
        )))
    }
}
