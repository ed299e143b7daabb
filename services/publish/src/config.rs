//! How the store is written.

use std::collections::BTreeMap;

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
    /// What the feedback of single sources is processed for and how long it is kept, by the source's name. Default: none.
    pub sources: BTreeMap<String, Handling>,
}

/// How the feedback of one source is handled, as the law on personal information asks to have it set down (PIPL articles
/// 6, 17 and 19).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Handling {
    /// What it is processed for, in words: `售后质量改进`. No default; must be given.
    pub purpose: String,
    /// Feedback of this source said more than this many days ago is deleted from the store; windows keep their sums. 0: as
    /// `publish.retention_days` says. Default 0.
    pub retention_days: u32,
}

impl Config {
    /// For how many days feedback is kept: of all sources as `None`, of single ones by their names.
    pub(crate) fn retentions(&self) -> Vec<(Option<String>, u32)> {
        let all = (None, self.retention_days);
        let single = self
            .sources
            .iter()
            .map(|(source, handling)| (Some(source.clone()), handling.retention_days));
        std::iter::once(all)
            .chain(single)
            .filter(|(_, days)| *days > 0)
            .collect()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            session: SessionConfig::with_sessions(1),
            retention_days: 0,
            sources: BTreeMap::new(),
        }
    }
}

impl Check for Config {
    fn check(&self, problems: &mut Problems) {
        problems.within("session", |problems| self.session.check(problems));
        for (source, handling) in &self.sources {
            if handling.purpose.trim().is_empty() {
                problems.within("sources", |problems| {
                    problems.within(source, |problems| {
                        problems.add(
                            "purpose",
                            "must be given: what the feedback is processed for",
                        )
                    })
                });
            }
        }
    }
}
