//! How the store is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, SessionConfig};

/// The publish stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How it reads its input. One session by default: SQLite has one writer, and a larger batch costs less a row than
    /// two smaller ones.
    pub session: SessionConfig,
    /// Feedback said more than this many days ago is deleted from the store; windows keep their sums. 0: never. Default 0.
    pub retention_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            session: SessionConfig::with_sessions(1),
            retention_days: 0,
        }
    }
}

impl Check for Config {
    fn check(&self, problems: &mut Problems) {
        problems.within("session", |problems| self.session.check(problems));
    }
}
