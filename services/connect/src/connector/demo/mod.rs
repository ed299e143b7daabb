//! A live stream of invented feedback, the same for the same seed, that goes on where it was after a restart.
//!
//! The four brands (a tea shop, an appliance maker, a parcel service, a hotel chain), their customers and all that they
//! say are invented; any likeness to a real company is an accident. Posts come as a Poisson process over hotline, WeChat,
//! Weibo and survey channels. One crisis builds up soon after the first start, another kind every half hour.

mod config;
mod crisis;
mod input;
mod post;
mod templates;

pub use config::DemoConfig;
pub use post::invented_texts;
