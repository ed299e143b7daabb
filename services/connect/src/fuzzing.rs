//! What hostile bytes meet first, as one function of bytes for each kind of source: for `fuzz/`, and for the test that runs
//! the same for a bounded time on a stable toolchain.

use aes::Aes256;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use axum::http::{HeaderMap, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use wensheng_runtime::Secret;

use crate::SourceConfig;
use crate::connector::{Input, PullInput, Shared};
use crate::push::{Head, PushInput, stage};
use crate::staging::{Batch, Staging};
use crate::wechat::crypto::CallbackKey;

/// When it comes: 2026-11-26, in the midst of what is published.
pub(crate) const AT: Timestamp = Timestamp::constant(1_795_651_200, 0);

/// An EncodingAESKey whose bytes are all zero.
const ZERO_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Each kind of source, as it is configured here: JSON.
pub const SOURCES: [(&str, &str); 20] = [
    (
        "tccc",
        r#"{"kind":"tccc","token":"0123456789abcdef","reconcile":{"sdk_app_id":14,"secret_id":"i","secret_key":"k"}}"#,
    ),
    (
        "transcript",
        r#"{"kind":"transcript","token":"0123456789abcdef"}"#,
    ),
    (
        "transcript-http",
        r#"{"kind":"transcript","http":{"url":"https://asr.example.com/?p={{page}}","items":"$.files","paging":{"kind":"page"},
            "document":{"url":"$.url","id":"$.id","version":"$.etag"}}}"#,
    ),
    ("vcon", r#"{"kind":"vcon","token":"0123456789abcdef"}"#),
    (
        "wechat-oa",
        r#"{"kind":"wechat-oa","token":"0123456789abcdef"}"#,
    ),
    (
        "wecom-kf",
        r#"{"kind":"wecom-kf","corp_id":"ww1","secret":"s","token":"t","encoding_aes_key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#,
    ),
    (
        "weibo",
        r#"{"kind":"weibo","access_token":"t","search":{"queries":["茶"]}}"#,
    ),
    (
        "feed",
        r#"{"kind":"feed","urls":["https://feeds.example.com/"]}"#,
    ),
    ("reviews", r#"{"kind":"reviews","apps":[{"id":"42"}]}"#),
    (
        "http-pull",
        r#"{"kind":"http-pull","url":"https://api.example.com/?c={{cursor}}","items":"$.data.list","channel":"hotline",
            "paging":{"kind":"cursor","cursor":"$.next","more":"$.more"},
            "fields":{"id":"$.id","text":["$.title","$.body"],"occurred_at":"$.created","csat":"$.score"},
            "attributes":{"order":"$.order.no"},"scales":{"csat":{"from":1,"to":10}},
            "success":{"path":"$.code","equals":0},"errors":{"path":"$.code","throttle":[429]}}"#,
    ),
    (
        "http-push",
        r#"{"kind":"http-pull","channel":"social","fields":{"id":"$.id","text":"$.text","occurred_at":"$.at"},
            "push":{"token":"0123456789abcdef","items":"$.content","challenge":"$.content.challenge","encrypt_key":"k",
            "signature":{"header":"X-S","secret":"s","over":"v0:{{X-T}}:{{body}}","timestamp":"X-T"}}}"#,
    ),
    (
        "files-csv",
        r#"{"kind":"files","path":"x.csv","format":"csv","columns":{"text":"text","id":"id","nps":"nps"}}"#,
    ),
    (
        "files-ndjson",
        r#"{"kind":"files","path":"x.ndjson","format":"ndjson","columns":{"text":"/body/text","id":"id"}}"#,
    ),
    (
        "webhook",
        r#"{"kind":"webhook","token":"0123456789abcdef"}"#,
    ),
    (
        "wjx",
        r#"{"kind":"wjx","token":"0123456789abcdef","push_key":"0123456789abcdef","api":{"app_id":"a","app_key":"k"},
            "questions":[{"question":"q12","kind":"nps"},{"question":"*","kind":"scale"}]}"#,
    ),
    (
        "tencent-survey",
        r#"{"kind":"tencent-survey","token":"0123456789abcdef","app_id":"a","secret":"s","surveys":[{"id":"5356056"}]}"#,
    ),
    (
        "standard-webhooks",
        r#"{"kind":"standard-webhooks","secrets":["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}"#,
    ),
    (
        "formbricks",
        r#"{"kind":"formbricks","secrets":["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}"#,
    ),
    (
        "typeform",
        r#"{"kind":"typeform","secrets":["0123456789abcdef"],"questions":[{"question":"NPS","kind":"nps"}]}"#,
    ),
    (
        "wjx-redirect",
        r#"{"kind":"wjx","token":"0123456789abcdef","push":"redirect","push_key":"0123456789abcdef"}"#,
    ),
];

/// A source that can be fed anything.
pub struct Source {
    push: Option<Box<dyn PushInput>>,
    pull: Option<Box<dyn PullInput>>,
}

impl Source {
    /// The source of this name in [`SOURCES`].
    ///
    /// # Errors
    /// A sentence, when there is none, or its configuration is wrong.
    pub fn named(name: &str) -> Result<Self, String> {
        Self::with_texts_up_to(name, 10_000)
    }

    fn with_texts_up_to(name: &str, max_text_bytes: usize) -> Result<Self, String> {
        let found = SOURCES.iter().find(|(known, _)| *known == name);
        let (name, config) = found.ok_or_else(|| format!("there is no source {name}"))?;
        let mut config: serde_json::Value =
            serde_json::from_str(config).map_err(|error| error.to_string())?;
        config["name"] = (*name).into();
        config["brand"] = "鹿汀茶饮".into();
        let config: SourceConfig =
            serde_json::from_value(config).map_err(|error| error.to_string())?;
        let shared = Shared {
            pseudonym_key: Secret::new("0123456789abcdef"),
            max_text_bytes,
            aliases: None,
        };
        let (push, pull) = match config.connector().build(&shared)? {
            Input::Push(push) => (Some(push), None),
            Input::Pull(pull) => (None, Some(pull)),
            Input::Both { push, pull } => (Some(push), Some(pull)),
        };
        Ok(Self { push, pull })
    }

    /// Takes `bytes` for a push of a stranger, for a push that was verified and opened, and for an answer of the platform or
    /// a file. Whatever they are, they are read or refused. Gives how many events and dead letters came of them.
    pub fn feed(&self, bytes: &[u8]) -> u64 {
        let batch = self.taken(bytes);
        batch.events + batch.dead_letters
    }

    fn taken(&self, bytes: &[u8]) -> Batch {
        let mut staging = Staging::new("fuzzed");
        if let Some(push) = &self.push {
            let uri = Uri::from_static(
                "/ingest/x?token=0123456789abcdef&signature=0&msg_signature=0&timestamp=0&nonce=n&action=cdr&call_id=c",
            );
            let headers = HeaderMap::new();
            let head = Head::new(&uri, &headers, AT);
            drop(push.admit(&head));
            drop(push.open(&head, bytes));
            drop(stage(push.as_ref(), "fuzzed", &head, bytes, &mut staging));
        }
        if let Some(pull) = &self.pull {
            pull.digest(bytes, &mut staging);
        }
        staging.take()
    }
}

/// Takes `bytes` for a callback that WeChat sealed, and for what lies under the seal.
pub fn wechat_seal(bytes: &[u8]) {
    let Ok(key) = CallbackKey::new(ZERO_KEY) else {
        return;
    };
    drop(key.decrypt(&String::from_utf8_lossy(bytes), "ww1"));
    let mut plain = bytes.to_vec();
    plain.resize(bytes.len().next_multiple_of(16), 16);
    let length = plain.len();
    let cipher = cbc::Encryptor::<Aes256>::new(&[0; 32].into(), &[0; 16].into());
    if let Ok(sealed) = cipher.encrypt_padded::<NoPadding>(&mut plain, length) {
        drop(key.decrypt(&BASE64.encode(sealed), "ww1"));
    }
}

/// Takes `bytes` for a document of XML, and for a message of WeChat.
pub fn xml(bytes: &[u8]) {
    drop(crate::xml::parse(bytes));
    drop(crate::wechat::read(bytes));
}

#[cfg(test)]
mod tests;
