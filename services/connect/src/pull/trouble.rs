//! What went wrong has one of five classes, and the class alone decides what happens next.

use std::time::Duration;

/// Why an answer is none that can be taken. The texts say what was wrong and, where a person must act, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It passes: network, 5xx, "system busy". Asked again with growing waits.
    Retry(String),
    /// Too many requests. Waited out, not counted as a failure; the pace is lowered.
    Throttle {
        /// How long the platform said to wait, or is known to refuse; else the runner's own waits hold.
        wait: Option<Duration>,
        /// The platform's words.
        reason: String,
    },
    /// The access token is no longer good: renewed once, asked once more. Without a token that can be renewed a person
    /// must act, so that it is as [`Trouble::FatalConfig`].
    Reauth(String),
    /// Wrong secret, missing permission, caller not in the allow list: the stream stops until somebody has mended it.
    FatalConfig(String),
    /// What was asked for can never succeed, but the rest can: it becomes a dead letter, and the walk goes on.
    FatalItem(String),
}

impl Trouble {
    /// The class, for metrics.
    pub(crate) const fn class(&self) -> &'static str {
        match self {
            Trouble::Retry(_) => "retry",
            Trouble::Throttle { .. } => "throttle",
            Trouble::Reauth(_) => "reauth",
            Trouble::FatalConfig(_) => "fatal-config",
            Trouble::FatalItem(_) => "fatal-item",
        }
    }

    /// What was wrong.
    #[cfg(test)]
    pub(crate) fn reason(&self) -> &str {
        match self {
            Trouble::Retry(reason)
            | Trouble::Throttle { reason, .. }
            | Trouble::Reauth(reason)
            | Trouble::FatalConfig(reason)
            | Trouble::FatalItem(reason) => reason,
        }
    }
}
