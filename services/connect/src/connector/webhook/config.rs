//! Who may post, and what stands in for what they leave out.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use wensheng_runtime::{Check, Problems, Secret};
use wensheng_schemas::Channel;

use super::parse::parse;
use crate::connector::{Connector, Input, Shared};
use crate::draft::DraftRules;
use crate::pseudonym::Pseudonyms;
use crate::push::signature::{SigningKey, verify};
use crate::push::{Head, Push, PushInput, Refusal, Reply, Wrong, check_max_body, check_token};
use crate::staging::Staging;
use crate::time::{TimeFormat, TimeReader};

/// A source that events are posted to, under `/ingest/{name}`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookConfig {
    /// The source's name; part of its address and of every event's id.
    pub name: String,
    /// The token that senders give as `Authorization: Bearer …`, at least 16 characters. Default: none; then `secrets`
    /// must be set.
    pub token: Secret,
    /// Standard Webhooks secrets (`whsec_…`); a signature by any of them is good, so that they can be changed one after
    /// the other. Default: none.
    pub secrets: Vec<Secret>,
    /// The brand of events that name none. Default: none; then each event must.
    pub brand: Option<String>,
    /// The channel of events that name none. Default: other.
    pub channel: Channel,
    /// What senders call the channels, such as `{电话: hotline}`. Default: none.
    pub channel_names: BTreeMap<String, Channel>,
    /// How times are written; see the same key of `files`. Default: auto.
    pub time_format: String,
    /// The time zone of times without an offset. Default: Asia/Shanghai.
    pub time_zone: String,
    /// No request body may be longer, in bytes. Default: 4194304 (4 MiB).
    pub max_body_bytes: usize,
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            token: Secret::default(),
            secrets: Vec::new(),
            brand: None,
            channel: Channel::Other,
            channel_names: BTreeMap::new(),
            time_format: "auto".to_owned(),
            time_zone: "Asia/Shanghai".to_owned(),
            max_body_bytes: 4 << 20,
        }
    }
}

impl Check for WebhookConfig {
    fn check(&self, problems: &mut Problems) {
        if self.token.is_empty() && self.secrets.is_empty() {
            problems.add(
                "token",
                "give `token` or `secrets`: nobody may post without either",
            );
        }
        check_token(&self.token, problems);
        for (index, secret) in self.secrets.iter().enumerate() {
            problems.within_item("secrets", index, |problems| {
                if let Err(error) = SigningKey::new(secret.expose()) {
                    problems.add("", error);
                }
            });
        }
        if self.brand.as_deref().is_some_and(|b| b.trim().is_empty()) {
            problems.add("brand", "must not be empty");
        }
        if let Err(error) = TimeFormat::parse(&self.time_format) {
            problems.add("time_format", error);
        }
        if let Err(error) = TimeReader::new(TimeFormat::Auto, &self.time_zone) {
            problems.add("time_zone", error);
        }
        check_max_body(self.max_body_bytes, problems);
    }
}

impl Connector for WebhookConfig {
    fn kind(&self) -> &'static str {
        "webhook"
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn needs_pseudonyms(&self) -> bool {
        false
    }

    fn build(&self, shared: &Shared) -> Result<Input, String> {
        let format = TimeFormat::parse(&self.time_format)?;
        let rules = DraftRules {
            source: self.name.clone(),
            connector: "webhook",
            brand: self.brand.clone(),
            channel: self.channel,
            channel_names: self.channel_names.clone(),
            times: TimeReader::new(format, &self.time_zone)?,
            pseudonyms: Pseudonyms::new(shared.pseudonym_key.expose()),
            max_text_bytes: shared.max_text_bytes,
            aliases: shared.aliases.clone(),
        };
        let keys = self
            .secrets
            .iter()
            .map(|secret| SigningKey::new(secret.expose()))
            .collect::<Result<_, _>>()?;
        Ok(Input::Push(Box::new(WebhookInput {
            token: self.token.clone(),
            keys,
            rules,
            max_body_bytes: self.max_body_bytes,
        })))
    }
}

struct WebhookInput {
    token: Secret,
    keys: Vec<SigningKey>,
    rules: DraftRules,
    max_body_bytes: usize,
}

impl WebhookInput {
    fn has_token(&self, headers: &HeaderMap) -> bool {
        let Some(given) = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
        else {
            return false;
        };
        !self.token.is_empty() && bool::from(given.as_bytes().ct_eq(self.token.expose().as_bytes()))
    }
}

impl PushInput for WebhookInput {
    fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }

    fn admit(&self, head: &Head<'_>) -> Result<(), Refusal> {
        let may_be_signed = !self.keys.is_empty()
            && (head.header("webhook-signature").is_some()
                || head.header("svix-signature").is_some());
        if self.has_token(head.headers) || may_be_signed {
            return Ok(());
        }
        Err(Refusal::stranger(
            "no valid token and no signature; send `Authorization: Bearer …` or the Standard Webhooks headers, as this source is configured",
        ))
    }

    fn open<'a>(&self, head: &Head<'_>, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        if !self.has_token(head.headers) {
            verify(&self.keys, head.headers, body, head.now)
                .map_err(|wrong| Refusal::stranger(wrong.to_string()))?;
        }
        Ok(Cow::Borrowed(body))
    }

    fn parse(&self, push: &Push<'_>, staging: &mut Staging) -> Result<Reply, Wrong> {
        let accepted = parse(&self.rules, push, staging)?;
        Ok(Reply::json(&accepted))
    }
}
