//! Transcripts of calls, sentence by sentence, as the speech services write them, pushed or from a directory; what comes
//! in several parts is one event.

mod config;
mod directory;
mod formats;
mod push;
#[cfg(test)]
mod tests;

pub(crate) use config::check_satisfaction;
pub use config::{TranscriptConfig, VconConfig};
