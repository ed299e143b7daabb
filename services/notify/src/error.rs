//! Why the role could not run.

use thiserror::Error;
use wensheng_bus::BusError;

/// Why the role could not run. None is worth a retry: what passes is waited out inside.
#[derive(Debug, Error)]
pub enum Error {
    /// The bus gave up.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The HTTP client cannot be built.
    #[error("prepare to call receivers: {0}; are the system's CA certificates installed?")]
    Client(String),
    /// A receiver's settings are not usable.
    #[error("receiver {name:?}: {problem}")]
    Receiver {
        /// Its name.
        name: String,
        /// What is wrong; never quotes a secret.
        problem: String,
    },
}

impl Error {
    /// A stable name for metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Error::Bus(_) => "bus",
            Error::Client(_) => "client",
            Error::Receiver { .. } => "receiver",
        }
    }
}
