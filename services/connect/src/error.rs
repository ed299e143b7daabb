//! Why taking in ends; whatever a source itself does wrong never ends it.

use thiserror::Error;
use wensheng_bus::BusError;

/// Why the service ended.
#[derive(Debug, Error)]
pub enum Error {
    /// The address for pushes cannot be had.
    #[error(
        "cannot listen for feedback on {address}: {source}; stop what uses it, or change connect.listen"
    )]
    Listen {
        /// The configured address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The configuration cannot be used; [`Check`](wensheng_runtime::Check) finds the same beforehand.
    #[error("source {name}: {reason}")]
    Source {
        /// The source's configured name.
        name: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The bus gave up.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// A task broke off: a fault in the program.
    #[error("the task {0} broke off; please report this with the log")]
    Broken(String),
}

impl Error {
    /// A stable name for metrics and scripts.
    pub const fn kind(&self) -> &'static str {
        match self {
            Error::Listen { .. } => "listen",
            Error::Source { .. } => "source",
            Error::Bus(_) => "bus",
            Error::Broken(_) => "broken",
        }
    }
}
