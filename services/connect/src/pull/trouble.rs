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
    /// must act, so that it is as [`Trouble::FatalSource`].
    Reauth(String),
    /// What a person must mend of one stream, such as a wrong id or what may not be read: the stream stops, and is tried
    /// once an hour.
    FatalConfig(String),
    /// What a person must mend of the whole source: wrong secret, ended authorisation, caller not in the allow list. As
    /// [`Trouble::FatalConfig`], for all of its streams at once.
    FatalSource(String),
    /// The answer is longer than may be: as [`Trouble::FatalConfig`], unless the connector passes over it
    /// ([`super::PullConnector::unanswered`]).
    TooLong(String),
    /// What was asked for can never succeed, but the rest can: it becomes a dead letter, and the walk goes on where the state
    /// moved past it. Where it did not, the stream shows it, and it is a dead letter once.
    FatalItem(String),
}

/// The classes, from what matters least to what needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// [`Trouble::FatalItem`].
    FatalItem,
    /// [`Trouble::Throttle`].
    Throttle,
    /// [`Trouble::Retry`].
    Retry,
    /// [`Trouble::Reauth`].
    Reauth,
    /// [`Trouble::FatalConfig`], [`Trouble::FatalSource`].
    FatalConfig,
}

impl Class {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [
        Self::FatalItem,
        Self::Throttle,
        Self::Retry,
        Self::Reauth,
        Self::FatalConfig,
    ];

    /// Its stable name, in metrics and heartbeats.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::FatalItem => "fatal-item",
            Self::Throttle => "throttle",
            Self::Retry => "retry",
            Self::Reauth => "reauth",
            Self::FatalConfig => "fatal-config",
        }
    }
}

impl Trouble {
    /// Its class.
    pub(crate) const fn class(&self) -> Class {
        match self {
            Trouble::Retry(_) => Class::Retry,
            Trouble::Throttle { .. } => Class::Throttle,
            Trouble::Reauth(_) => Class::Reauth,
            Trouble::FatalConfig(_) | Trouble::FatalSource(_) | Trouble::TooLong(_) => {
                Class::FatalConfig
            }
            Trouble::FatalItem(_) => Class::FatalItem,
        }
    }

    /// What was wrong.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Trouble::Retry(reason)
            | Trouble::Throttle { reason, .. }
            | Trouble::Reauth(reason)
            | Trouble::FatalConfig(reason)
            | Trouble::FatalSource(reason)
            | Trouble::TooLong(reason)
            | Trouble::FatalItem(reason) => reason,
        }
    }
}
