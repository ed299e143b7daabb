//! One error type; its kind decides what the loop does next.

use thiserror::Error;

/// What an error means for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The engine cannot be reached, is busy, or its disk is full: wait and try the same again.
    Unavailable,
    /// This session lost its partitions or its transaction: drop it and open another; nothing of the batch was committed.
    Lost,
    /// Waiting does not help: the operator must act (settings, permissions, missing topic, damaged file, locked
    /// file).
    Fatal,
}

/// What went wrong on the bus.
#[derive(Debug, Error)]
#[error("{action}: {reason}")]
pub struct BusError {
    /// What the caller may do.
    pub kind: ErrorKind,
    /// What was tried, on what: `open the embedded bus /data/bus.db`.
    pub action: String,
    /// Why it failed and what the operator can do.
    pub reason: String,
}

impl BusError {
    /// An error of that kind.
    pub fn new(kind: ErrorKind, action: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self {
            kind,
            action: action.into(),
            reason: reason.to_string(),
        }
    }

    /// A stable name for metrics.
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::Lost => "lost",
            ErrorKind::Fatal => "fatal",
        }
    }
}
