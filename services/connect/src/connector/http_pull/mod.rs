//! Any JSON API that is asked page by page is a source by configuration alone: where to ask, how pages follow, what a
//! refusal looks like, and which path leads to which field. What it sends by itself comes the same way.
//!
//! A page is taken only when the platform's own verdict in it is success; the watermark of what was read moves only when
//! a walk has come to its end.

mod ask;
mod auth;
mod config;
mod input;
mod mapper;
mod paging;
mod push;
#[cfg(test)]
mod push_tests;
mod signed;
mod template;

pub(crate) use ask::Ask;
pub use auth::AuthConfig;
pub use config::{
    ErrorsConfig, HttpPullConfig, MethodChoice, PagingConfig, PagingKind, Paths, SinceBy,
    SinceConfig, SuccessConfig,
};
pub(crate) use paging::State;
pub use push::HttpPushConfig;
pub use signed::{AliyunRpcConfig, Tc3Config};
