//! Which surveys, who may push, and how what pushes lost is read again.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, Secret};

use super::api::WjxApi;
use super::push::{Key, WjxPush};
pub use super::sign::SignatureHash;
use super::submission::Reader;
use super::titles::Titles;
use crate::connector::{Connector, Input, Shared};
use crate::pull::{Defaults, PullConfig, PullRunner, check_url};
use crate::push::check_max_body;
use crate::survey::{QuestionConfig, SurveyConfig, Surveys, check_brands, check_questions};

/// Answers to surveys of 问卷星, pushed to `/ingest/{name}`, and read through its OpenAPI on a schedule.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WjxConfig {
    /// The source's name; part of its address and of every event's id.
    pub name: String,
    /// The brand that the surveys are about, where a survey does not say so itself.
    pub brand: Option<String>,
    /// The surveys, by their activity. Default: none; then all that are pushed, and all that the account has.
    pub surveys: Vec<SurveyConfig>,
    /// What questions ask for, in all surveys, by their keys (`q12`, of a matrix `q4_1`), or
    /// by their titles where `api.titles` reads them.
    pub questions: Vec<QuestionConfig>,
    /// The token of the address that the platform is given, `…/ingest/{name}?token=…`, at least 16 characters: the
    /// signature covers two numbers only. Default: none; then nothing is pushed.
    pub token: Secret,
    /// The key of pushes: that of the signature for `json`, of AES for `redirect`, the app key for `sdk`.
    pub push_key: Secret,
    /// How pushes come. Default: json.
    pub push: PushFormat,
    /// What stands for a question that was not answered. Default: `(空)`, `(跳过)`, `-2`, `-3`.
    pub skipped: Vec<String>,
    /// No push may be longer, in bytes. Default: 4194304 (4 MiB).
    pub max_body_bytes: usize,
    /// How what pushes lost is read. Default: not at all.
    pub api: Option<WjxApiConfig>,
}

/// How the platform pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PushFormat {
    /// 答卷 API 推送: JSON, signed in its field `sign`.
    #[default]
    Json,
    /// 提交后跳转 POST: sealed with AES, by way of the respondent's browser.
    Redirect,
    /// As the platform's software kit reads it: sealed with a key made of the app key, signed in X-Wjx-Signature. No page of
    /// the platform confirms it.
    Sdk,
}

/// Reading answers through the OpenAPI (actions 1000002 and 1001002).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WjxApiConfig {
    /// The API key. Default: none; then requests are signed with `app_key`.
    pub api_key: Secret,
    /// The appid of signed requests.
    pub app_id: String,
    /// The appkey that goes with it.
    pub app_key: Secret,
    /// What signed requests are hashed with. Default: sha1.
    pub hash: SignatureHash,
    /// Where the API is, the customer's own domain where there is one. Default: https://www.wjx.cn
    pub host: String,
    /// Whether the titles of questions are read with every walk (`/handler/IllustrateApi.ashx`, of the surveys that are read), so
    /// that questions can be configured by their titles, and attributes are named by them. Pushes know them, too. Default:
    /// false; then questions go by their keys.
    pub titles: bool,
    /// Words of errors by which the platform says that its clock and ours differ. Default: 已过期.
    pub expired_errors: Vec<String>,
    /// Words of errors that a person must mend. Default: 权限不足, 签名, appid, 不存在.
    pub fatal_errors: Vec<String>,
    /// Words of errors by which the platform says that there are too many requests. Default: 频繁, 超过限制.
    pub throttle_errors: Vec<String>,
    /// How often, how fast and how much is asked. Default: every 3600 s, at most 60 requests a minute.
    pub pull: PullConfig,
}

impl Default for WjxConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            brand: None,
            surveys: Vec::new(),
            questions: Vec::new(),
            token: Secret::default(),
            push_key: Secret::default(),
            push: PushFormat::Json,
            skipped: ["(空)", "(跳过)", "-2", "-3"].map(str::to_owned).to_vec(),
            max_body_bytes: 4 << 20,
            api: None,
        }
    }
}

impl Default for WjxApiConfig {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            api_key: Secret::default(),
            app_id: String::new(),
            app_key: Secret::default(),
            hash: SignatureHash::Sha1,
            host: "https://www.wjx.cn".to_owned(),
            titles: false,
            expired_errors: words(&["已过期"]),
            fatal_errors: words(&["权限不足", "签名", "appid", "不存在"]),
            throttle_errors: words(&["频繁", "超过限制"]),
            pull: PullConfig::default(),
        }
    }
}

impl Check for WjxConfig {
    fn check(&self, problems: &mut Problems) {
        check_brands(self.brand.as_ref(), &self.surveys, true, problems);
        check_questions(&self.surveys, &self.questions, problems);
        match (self.token.is_empty(), self.push_key.is_empty()) {
            (true, true) if self.api.is_none() => problems.add(
                "token",
                "give `token` and `push_key` to be pushed to, or `api` to read, or both",
            ),
            (true, true) => {}
            (true, false) => problems.add(
                "token",
                "goes with `push_key`: the platform is given the address with `?token=…`",
            ),
            (false, true) => problems.add(
                "push_key",
                "goes with `token`: the key that the platform signs or seals pushes with",
            ),
            (false, false) => {
                if self.token.expose().chars().count() < 16 {
                    problems.add("token", "must have at least 16 characters");
                }
                if let Err(error) = Key::new(self.push, &self.push_key) {
                    problems.add("push_key", error);
                }
            }
        }
        check_max_body(self.max_body_bytes, problems);
        if let Some(api) = &self.api {
            problems.within("api", |problems| api.check(problems));
        }
    }
}

impl Check for WjxApiConfig {
    fn check(&self, problems: &mut Problems) {
        let is_signed = !self.app_id.trim().is_empty() && !self.app_key.is_empty();
        if self.api_key.is_empty() && !is_signed {
            problems.add("api_key", "give `api_key`, or `app_id` and `app_key`");
        }
        check_url(&self.host, &self.pull, "host", problems);
        problems.within("pull", |problems| self.pull.check(problems));
    }
}

impl Connector for WjxConfig {
    fn kind(&self) -> &'static str {
        "wjx"
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn needs_pseudonyms(&self) -> bool {
        false
    }

    fn build(&self, shared: &Shared) -> Result<Input, String> {
        let (rules, surveys) = Surveys::of_source(
            (&self.name, self.kind()),
            self.brand.as_deref(),
            &self.surveys,
            &self.questions,
            shared,
        )?;
        let reader = Arc::new(Reader {
            rules,
            surveys,
            skipped: self.skipped.clone(),
            titles: Titles::default(),
        });
        let push = match self.push_key.is_empty() {
            true => None,
            false => Some(Box::new(WjxPush {
                reader: reader.clone(),
                token: self.token.clone(),
                key: Key::new(self.push, &self.push_key)?,
                max_body_bytes: self.max_body_bytes,
            })),
        };
        let pull = match &self.api {
            None => None,
            Some(api) => {
                let plan = api.pull.plan(&Defaults {
                    every: Duration::from_secs(3_600),
                    ..Defaults::DEFAULT
                });
                let connector = WjxApi {
                    config: api.clone(),
                    surveys: self
                        .surveys
                        .iter()
                        .map(|survey| survey.id.clone())
                        .collect(),
                    reader,
                };
                let (pull, _) = PullRunner::new(&self.name, connector, plan)?;
                Some(Box::new(pull))
            }
        };
        match (push, pull) {
            (Some(push), Some(pull)) => Ok(Input::Both { push, pull }),
            (Some(push), None) => Ok(Input::Push(push)),
            (None, Some(pull)) => Ok(Input::Pull(pull)),
            (None, None) => Err("there is neither `push_key` nor `api`".to_owned()),
        }
    }
}
