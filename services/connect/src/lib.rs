//! Takes feedback in from the outside world: one connector per source.
//!
//! What was read and how far it was read are committed together, so that a restart reads on exactly there; a push is
//! answered only after that commit. Ids are deterministic: reading the same thing again is the same event.
//!
//! A connector is one folder under `connector/` and one line of [`SourceConfig`]: it turns its source into drafts and a
//! cursor. The way of a draft is the same for all: draft → event (ranges, pseudonym, provenance) → scrub → stage →
//! one atomic publish → acknowledgement. What is asked over HTTP shares one runner (`pull`), what is pushed one server
//! (`push`).

mod alias;
mod config;
mod connector;
mod cursors;
mod draft;
mod error;
mod field;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod heartbeat;
mod hex;
mod hotline;
mod html;
mod ingest;
mod json_path;
mod lead;
pub mod metrics;
mod people;
mod progress;
mod pseudonym;
mod pull;
mod push;
mod run;
mod scalar;
mod scale;
mod scrub;
mod staging;
mod survey;
mod tc3;
mod time;
mod wechat;
mod xml;

pub use alias::AliasConfig;
pub use config::Config;
pub use connector::SourceConfig;
pub use connector::catalogue::{Class, ConnectorKind, Ways, connectors};
pub use connector::demo::{DemoConfig, invented_texts};
pub use connector::feed::FeedConfig;
pub use connector::files::{
    Column, Columns, EncodingChoice, FilesConfig, FormatChoice, PresetChoice,
};
pub use connector::forms::{Formbricks, FormsConfig, StandardWebhooks, Typeform};
pub use connector::http_pull::{
    AliyunRpcConfig, AuthConfig, ErrorsConfig, HttpPullConfig, HttpPushConfig, MethodChoice,
    PagingConfig, PagingKind, Paths, SinceBy, SinceConfig, SuccessConfig, Tc3Config,
};
pub use connector::reviews::{AppConfig, ReviewsConfig};
pub use connector::tccc::{ReconcileConfig, TcccConfig};
pub use connector::tencent_survey::TencentSurveyConfig;
pub use connector::transcript::{
    DocumentConfig, TranscriptConfig, TranscriptHttpConfig, VconConfig,
};
pub use connector::webhook::WebhookConfig;
pub use connector::wechat_oa::WechatOaConfig;
pub use connector::wecom_kf::WecomKfConfig;
pub use connector::weibo::{SearchConfig, WeiboConfig};
pub use connector::wjx::{PushFormat, SignatureHash, WjxApiConfig, WjxConfig};
pub use cursors::forget;
pub use error::Error;
pub use field::Field;
pub use hotline::RoleChoice;
pub use json_path::JsonPath;
pub use progress::{IngestProgress, SourceProgress};
pub use pseudonym::pseudonym;
pub use pull::PullConfig;
pub use push::scheme::{SignatureAlgorithm, SignatureConfig, SignatureEncoding};
pub use run::{advice, run};
pub use scale::Scale;
pub use scrub::masked;
pub use survey::{QuestionConfig, QuestionKind, SurveyConfig};
