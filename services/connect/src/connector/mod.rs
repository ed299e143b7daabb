//! One shape for all sources: a connector is one folder here and one line in [`SourceConfig`].
//!
//! A pull source runs as a task of its own and submits batches with their cursors. A push source verifies and parses;
//! answering after the commit is the push server's part, the same for all.

pub(crate) mod catalogue;
pub(crate) mod demo;
pub(crate) mod feed;
pub(crate) mod files;
pub(crate) mod forms;
pub(crate) mod http_pull;
pub(crate) mod reviews;
pub(crate) mod tccc;
pub(crate) mod tencent_survey;
pub(crate) mod transcript;
pub(crate) mod webhook;
pub(crate) mod wechat_oa;
pub(crate) mod wecom_kf;
pub(crate) mod weibo;
pub(crate) mod wjx;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wensheng_bus::StageState;
use wensheng_runtime::{Check, Problems, Secret};

use self::catalogue::{Class, Ways};
use crate::alias::Aliases;
use crate::ingest::Submitter;
use crate::progress::Tracker;
use crate::push::PushInput;

/// A kind of source: its configuration, and what it builds from it.
pub(crate) trait Connector: Check + Send + Sync {
    /// The kind's name: `files`.
    fn kind(&self) -> &'static str;

    /// The source's configured name.
    fn name(&self) -> &str;

    /// Whether it gives authors by configuration, so that the pseudonym key must be set.
    fn needs_pseudonyms(&self) -> bool;

    /// The key by which it gives authors; a platform gives them by its kind.
    fn author_key(&self) -> &'static str {
        "kind"
    }

    /// Whether nothing in its configuration says whom its feedback is about, so that only the words can.
    fn lacks_brand(&self) -> bool {
        false
    }

    /// Builds the source. An error says what is wrong and what to do.
    fn build(&self, shared: &Shared) -> Result<Input, String>;
}

/// What all sources share by configuration.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The secret behind authors' pseudonyms; may be empty.
    pub(crate) pseudonym_key: Secret,
    /// No text may be longer (bytes).
    pub(crate) max_text_bytes: usize,
    /// What brands, products and shops are called.
    pub(crate) aliases: Option<Arc<Aliases>>,
}

/// The time zone of times that Chinese platforms write without one.
pub(crate) const CHINA: &str = "Asia/Shanghai";

/// Adds a problem for a brand that is missing or blank.
pub(crate) fn check_brand(brand: Option<&String>, needed: bool, problems: &mut Problems) {
    match brand {
        Some(brand) if brand.trim().is_empty() => problems.add("brand", "must not be empty"),
        None if needed => problems.add("brand", "must be given: whom the feedback is about"),
        _ => {}
    }
}

/// How a source gives what it has.
pub(crate) enum Input {
    /// It is read by a task of its own.
    Pull(Box<dyn PullInput>),
    /// It is sent to the push server under `/ingest/{name}`.
    Push(Box<dyn PushInput>),
    /// It is sent to the push server, and what pushes lost is read by a task of its own; both give the same ids.
    Both {
        /// What is sent.
        push: Box<dyn PushInput>,
        /// What is read.
        pull: Box<dyn PullInput>,
    },
}

/// What a pull source works with.
pub(crate) struct PullContext {
    /// Where its batches go.
    pub(crate) submitter: Submitter,
    /// Its last committed positions, by stream.
    pub(crate) positions: BTreeMap<String, serde_json::Value>,
    /// Where it tells its progress.
    pub(crate) progress: Tracker,
    /// Where it tells how it fares.
    pub(crate) health: watch::Sender<StageState>,
    /// Cancelled when it is to end; what it has submitted by then is still published.
    pub(crate) shutdown: CancellationToken,
}

/// A source that is read.
#[async_trait]
pub(crate) trait PullInput: Send {
    /// Whether it reads from a platform that others run. While that refuses it, this process is ready all the same; a file
    /// that cannot be read is for the operator here to mend.
    fn is_remote(&self) -> bool {
        false
    }

    /// Reads until shutdown. Whatever goes wrong is told in `health` and tried again.
    async fn run(self: Box<Self>, context: PullContext);

    /// Takes these bytes for what the source gave.
    #[cfg(any(test, feature = "fuzzing"))]
    fn digest(&self, _content: &[u8], _staging: &mut crate::staging::Staging) {}

    /// What an answer means to each of its streams: `ok`, or the class of its trouble.
    #[cfg(test)]
    fn classes(&self, _content: &[u8]) -> Vec<&'static str> {
        Vec::new()
    }
}

macro_rules! sources {
    ($($(#[$doc:meta])* $kind:ident($config:ty): $class:ident, $ways:ident, $page:literal;)*) => {
        /// A source, by its `kind`.
        #[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        pub enum SourceConfig {
            $($(#[$doc])* $kind($config),)*
        }

        impl SourceConfig {
            /// The connector behind it.
            pub(crate) fn connector(&self) -> &dyn Connector {
                match self {
                    $(Self::$kind(config) => config,)*
                }
            }
        }

        /// Of each kind, in the order of [`SourceConfig`]: its class, its ways, and its page.
        const KINDS: &[(Class, Ways, &str)] = &[
            $((
                Class::$class,
                Ways::$ways,
                include_str!(concat!("../../../../docs/connectors/", $page)),
            ),)*
        ];
    };
}

sources! {
    /// CSV and NDJSON files.
    Files(files::FilesConfig): Any, PULL, "files.md";
    /// Events posted over HTTP.
    Webhook(webhook::WebhookConfig): Any, PUSH, "webhook.md";
    /// Transcripts of calls.
    Transcript(transcript::TranscriptConfig): Hotline, BOTH, "transcript.md";
    /// vCon conversations.
    Vcon(transcript::VconConfig): Hotline, BOTH, "vcon.md";
    /// Calls of Tencent Cloud Contact Center.
    Tccc(tccc::TcccConfig): Hotline, BOTH, "tccc.md";
    /// Messages to WeChat customer service.
    WecomKf(wecom_kf::WecomKfConfig): Wechat, BOTH, "wecom-kf.md";
    /// Messages to a WeChat Official Account.
    WechatOa(wechat_oa::WechatOaConfig): Wechat, PUSH, "wechat-oa.md";
    /// Any JSON API that is asked page by page, or sends by itself.
    HttpPull(http_pull::HttpPullConfig): Any, BOTH, "http-pull.md";
    /// RSS, Atom and JSON feeds.
    Feed(feed::FeedConfig): Social, PULL, "feed.md";
    /// Reviews in the App Store.
    Reviews(reviews::ReviewsConfig): Social, PULL, "reviews.md";
    /// Mentions and comments on Weibo.
    Weibo(weibo::WeiboConfig): Social, PULL, "weibo.md";
    /// Answers to surveys of 问卷星.
    Wjx(wjx::WjxConfig): Survey, BOTH, "wjx.md";
    /// Answers to surveys of 腾讯问卷.
    TencentSurvey(tencent_survey::TencentSurveyConfig): Survey, BOTH, "tencent-survey.md";
    /// Answers to surveys and ratings of any sender that signs by Standard Webhooks.
    StandardWebhooks(forms::FormsConfig<forms::StandardWebhooks>): Survey, PUSH, "standard-webhooks.md";
    /// Responses of Formbricks.
    Formbricks(forms::FormsConfig<forms::Formbricks>): Survey, PUSH, "formbricks.md";
    /// Responses of Typeform.
    Typeform(forms::FormsConfig<forms::Typeform>): Survey, PUSH, "typeform.md";
    /// Invented feedback.
    Demo(demo::DemoConfig): Any, PULL, "demo.md";
}
