//! How far a source was read; committed together with what was read.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The read position of one stream of one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cursor {
    /// The configured name of the source.
    pub source: String,
    /// The stream within it (a file, an account); empty where there is one.
    #[serde(default)]
    pub stream: String,
    /// The connector's own notion of position.
    pub position: serde_json::Value,
    /// When it was committed (UTC).
    pub at: Timestamp,
}

impl Cursor {
    /// Its key on the bus.
    pub fn key(&self) -> String {
        format!("{}|{}", self.source, self.stream)
    }
}
