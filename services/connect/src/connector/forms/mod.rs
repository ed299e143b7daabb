//! A signed push of a survey tool is verified over the bytes that were sent, and becomes one event however often it comes.
//!
//! The three tools differ in how they sign and where they have what, which is a [`Dialect`](dialect::Dialect) each; the
//! rest is one.

mod config;
mod dialect;
mod formbricks;
mod push;
mod standard;
#[cfg(test)]
mod tests;
mod typeform;

pub use config::FormsConfig;
pub use formbricks::Formbricks;
pub use standard::StandardWebhooks;
pub use typeform::Typeform;
