//! What a follower writes to an Official Account is taken in once, and the account answers in time.
//!
//! The platform asks for the address with a GET (`echostr`), and posts each message, in XML or JSON, plain or encrypted.
//! Texts, voice messages with recognised words, and links are feedback; whatever else comes is counted and left out.

mod config;
mod message;
#[cfg(test)]
mod tests;

pub use config::WechatOaConfig;
