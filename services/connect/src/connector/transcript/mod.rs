//! Transcripts of calls, sentence by sentence, as the speech services write them, pushed, from a directory or asked for over HTTP; what comes
//! in several parts is one event.

mod config;
mod directory;
mod formats;
mod http;
mod http_config;
mod known;
mod page;
mod push;
#[cfg(test)]
mod tests;

pub(crate) use config::check_satisfaction;
pub use config::{TranscriptConfig, VconConfig};
pub use http_config::{DocumentConfig, TranscriptHttpConfig};

/// The call's id in a file's name: `{contact id}_analysis_{time}.json` of Contact Lens, or all of it.
fn id_in_name(file: &str) -> Option<&str> {
    let stem = std::path::Path::new(file).file_stem()?.to_str()?;
    Some(stem.split_once("_analysis_").map_or(stem, |(id, _)| id))
}
