//! Taking in over the real embedded bus, real files and real HTTP, with a bus that can be sent away.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may fail loudly"
)]

mod config;
mod demo;
mod files;
mod follow;
mod forms;
mod http_pull;
mod mock;
mod site;
mod social;
mod tccc;
mod tencent_survey;
mod transcript;
mod transcript_http;
mod webhook;
mod wechat_oa;
mod wecom_kf;
mod wire;
mod wjx;
