//! Whose customer service it is, and how callbacks are verified.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, Secret};
use wensheng_schemas::Channel;

use super::callback::KfCallback;
use super::sync::KfSync;
use crate::connector::{Connector, Input, Shared};
use crate::draft::DraftRules;
use crate::pull::{Defaults, PullConfig, PullRunner, check_url};
use crate::wechat::crypto::CallbackKey;
use crate::wechat::{Door, WINDOW_SECONDS};

/// WeChat customer service (微信客服) of a WeCom corporation: `kf/sync_msg`, woken by callbacks to `/ingest/{name}`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WecomKfConfig {
    /// The source's name; part of its address and of every event's id.
    pub name: String,
    /// The brand that is served.
    pub brand: String,
    /// The product, where the accounts are for one. Default: none.
    pub product: Option<String>,
    /// The id of the corporation (企业ID).
    pub corp_id: String,
    /// The Secret of 微信客服 (or of the app that may use it).
    pub secret: Secret,
    /// The accounts to fetch, by their `open_kfid`; each has a cursor of its own. Default: none; then all are fetched
    /// together.
    pub accounts: Vec<String>,
    /// The Token of the callback page. Default: none; then nothing is pushed, and messages are fetched on the schedule
    /// alone.
    pub token: Secret,
    /// The EncodingAESKey of the callback page; goes with `token`.
    pub encoding_aes_key: Secret,
    /// Seconds that a callback's time may be off ours; 0 takes any. Default: 300.
    pub window_s: u64,
    /// Where the API is. Default: https://qyapi.weixin.qq.com
    pub host: String,
    /// How often, how fast and how much is asked. Default: every 600 s without a callback, at most 120 requests a minute.
    pub pull: PullConfig,
}

impl Default for WecomKfConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            brand: String::new(),
            product: None,
            corp_id: String::new(),
            secret: Secret::default(),
            accounts: Vec::new(),
            token: Secret::default(),
            encoding_aes_key: Secret::default(),
            window_s: WINDOW_SECONDS,
            host: "https://qyapi.weixin.qq.com".to_owned(),
            pull: PullConfig::default(),
        }
    }
}

impl Check for WecomKfConfig {
    fn check(&self, problems: &mut Problems) {
        if self.brand.trim().is_empty() {
            problems.add("brand", "must be given");
        }
        if self.corp_id.trim().is_empty() {
            problems.add("corp_id", "must be given (企业ID)");
        }
        if self.secret.is_empty() {
            problems.add("secret", "must be given: the Secret of 微信客服");
        }
        if self.token.is_empty() != self.encoding_aes_key.is_empty() {
            problems.add(
                "encoding_aes_key",
                "goes with `token`; give both, or neither to fetch on the schedule alone",
            );
        } else if !self.token.is_empty()
            && let Err(error) = CallbackKey::new(self.encoding_aes_key.expose())
        {
            problems.add("encoding_aes_key", error);
        }
        for (index, account) in self.accounts.iter().enumerate() {
            if account.trim().is_empty() || self.accounts[..index].contains(account) {
                problems.add(
                    &format!("accounts[{index}]"),
                    "must be an open_kfid, each once",
                );
            }
        }
        check_url(&self.host, &self.pull, "host", problems);
        problems.within("pull", |problems| self.pull.check(problems));
    }
}

impl Connector for WecomKfConfig {
    fn kind(&self) -> &'static str {
        "wecom-kf"
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn needs_pseudonyms(&self) -> bool {
        true
    }

    fn build(&self, shared: &Shared) -> Result<Input, String> {
        let (name, kind) = (&self.name, self.kind());
        let rules = DraftRules::of_platform(name, kind, &self.brand, Channel::Wechat, shared)?;
        // The platform keeps messages for a few days, and calls without a callback's token are strictly limited.
        let plan = self.pull.plan(&Defaults {
            every: Duration::from_secs(600),
            per_minute: 120,
            ..Defaults::DEFAULT
        });
        let (pull, hints) = PullRunner::new(name, KfSync::new(self.clone(), rules), plan)?;
        let pull = Box::new(pull);
        if self.token.is_empty() {
            return Ok(Input::Pull(pull));
        }
        let push = KfCallback {
            door: Door {
                token: self.token.clone(),
                window: Duration::from_secs(self.window_s),
            },
            key: CallbackKey::new(self.encoding_aes_key.expose())?,
            corp_id: self.corp_id.clone(),
            accounts: self.accounts.clone(),
            hints,
        };
        Ok(Input::Both {
            push: Box::new(push),
            pull,
        })
    }
}
