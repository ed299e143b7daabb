//! An answer to a 问卷星 survey is the same event whether it was pushed or read again, and nothing that pushes lost stays
//! lost: each survey is read on from the last number that was seen.

mod api;
mod config;
mod push;
mod sign;
mod submission;
#[cfg(test)]
mod tests;
mod titles;

pub use config::{PushFormat, SignatureHash, WjxApiConfig, WjxConfig};
