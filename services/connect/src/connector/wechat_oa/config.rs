//! Whose account it is, and how its callbacks are verified.

use std::borrow::Cow;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, Secret};
use wensheng_schemas::Channel;

use super::message::stage;
use crate::connector::{Connector, Input, Shared};
use crate::draft::DraftRules;
use crate::push::{Head, Push, PushInput, Refusal, Reply, Wrong};
use crate::staging::Staging;
use crate::wechat::crypto::CallbackKey;
use crate::wechat::{Door, MAX_BODY_BYTES, WINDOW_SECONDS};

/// A WeChat Official Account (公众号, 服务号), under `/ingest/{name}`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WechatOaConfig {
    /// The source's name; part of its address and of every event's id.
    pub name: String,
    /// The Token of the server configuration page (基本配置 → 服务器配置).
    pub token: Secret,
    /// The AppID of the account; needed with `encoding_aes_key`.
    pub app_id: String,
    /// The EncodingAESKey of the same page. With it only encrypted messages (安全模式) are taken; without it, plain ones,
    /// whose content nothing protects but HTTPS. Default: none.
    pub encoding_aes_key: Secret,
    /// The brand that the account belongs to.
    pub brand: String,
    /// The product, where the account is for one. Default: none.
    pub product: Option<String>,
    /// Seconds that a callback's time may be off ours; 0 takes any. Default: 300.
    pub window_s: u64,
}

impl Default for WechatOaConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            token: Secret::default(),
            app_id: String::new(),
            encoding_aes_key: Secret::default(),
            brand: String::new(),
            product: None,
            window_s: WINDOW_SECONDS,
        }
    }
}

impl Check for WechatOaConfig {
    fn check(&self, problems: &mut Problems) {
        if self.token.is_empty() {
            problems.add(
                "token",
                "must be given: the Token of the server configuration page",
            );
        }
        if self.brand.trim().is_empty() {
            problems.add("brand", "must be given");
        }
        if !self.encoding_aes_key.is_empty() {
            if let Err(error) = CallbackKey::new(self.encoding_aes_key.expose()) {
                problems.add("encoding_aes_key", error);
            }
            if self.app_id.trim().is_empty() {
                problems.add("app_id", "must be given with `encoding_aes_key`");
            }
        }
    }
}

impl Connector for WechatOaConfig {
    fn kind(&self) -> &'static str {
        "wechat-oa"
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn needs_pseudonyms(&self) -> bool {
        true
    }

    fn build(&self, shared: &Shared) -> Result<Input, String> {
        let key = match self.encoding_aes_key.is_empty() {
            true => None,
            false => Some(CallbackKey::new(self.encoding_aes_key.expose())?),
        };
        Ok(Input::Push(Box::new(WechatOaInput {
            door: Door {
                token: self.token.clone(),
                window: Duration::from_secs(self.window_s),
            },
            key,
            app_id: self.app_id.clone(),
            product: self.product.clone(),
            rules: DraftRules::of_platform(
                &self.name,
                self.kind(),
                &self.brand,
                Channel::Wechat,
                shared,
            )?,
        })))
    }
}

pub(super) struct WechatOaInput {
    door: Door,
    key: Option<CallbackKey>,
    app_id: String,
    product: Option<String>,
    rules: DraftRules,
}

impl PushInput for WechatOaInput {
    fn max_body_bytes(&self) -> usize {
        MAX_BODY_BYTES
    }

    /// Never encrypted for Official Accounts, also in safe mode.
    fn answer_check(&self, head: &Head<'_>) -> Result<Reply, Refusal> {
        self.door.check(head, "signature", None)?;
        let echo = head.query("echostr").ok_or_else(|| {
            Refusal::unreadable(
                "there is no echostr; the platform sends one when the address is saved on its page",
            )
        })?;
        Ok(Reply::text(echo))
    }

    fn admit(&self, head: &Head<'_>) -> Result<(), Refusal> {
        self.door.check(head, "signature", None)
    }

    fn open<'a>(&self, head: &Head<'_>, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        match &self.key {
            None if head.query("encrypt_type") == Some("aes") => Err(Refusal::unreadable(
                "the message is encrypted; set `encoding_aes_key` and `app_id`",
            )),
            None => Ok(Cow::Borrowed(body)),
            Some(key) => {
                let content = self.door.unseal(head, body, key, &self.app_id)?;
                Ok(Cow::Owned(content))
            }
        }
    }

    fn parse(&self, push: &Push<'_>, staging: &mut Staging) -> Result<Reply, Wrong> {
        stage(&self.rules, self.product.as_deref(), push, staging);
        Ok(self.answer())
    }

    /// Anything else that is not empty would be shown to the follower as an error.
    fn answer(&self) -> Reply {
        Reply::text("success")
    }
}
