//! Why the console could not run; what goes wrong in one request is a [`Problem`](crate::problem::Problem) instead.

use thiserror::Error;
use wensheng_store::StoreError;

/// Why the console could not start or had to end.
#[derive(Debug, Error)]
pub enum Error {
    /// The address is taken or not ours.
    #[error("serve the console on {listen}: {source}; set `console.listen` to a free address")]
    Listen {
        /// The address tried.
        listen: String,
        /// Why.
        source: std::io::Error,
    },
    /// The time zone is unknown.
    #[error("console.time_zone {name:?}: {source}")]
    TimeZone {
        /// The name given.
        name: String,
        /// Why.
        source: jiff::Error,
    },
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server ended by itself.
    #[error("serve the console: {0}")]
    Serve(std::io::Error),
}

impl Error {
    /// A stable name for metrics and logs.
    pub const fn kind(&self) -> &'static str {
        match self {
            Error::Listen { .. } => "listen",
            Error::TimeZone { .. } => "time_zone",
            Error::Store(_) => "store",
            Error::Serve(_) => "serve",
        }
    }
}
