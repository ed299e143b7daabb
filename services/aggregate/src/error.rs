//! Each error says what was tried, on what, and what the operator can do.

use thiserror::Error;
use wensheng_bus::BusError;

/// Why aggregation ended.
#[derive(Debug, Error)]
pub enum Error {
    /// The reporting time zone is not known.
    #[error("aggregate.time_zone {name:?}: {source}; use an IANA name such as Asia/Shanghai")]
    Zone {
        /// The name given.
        name: String,
        /// Why.
        source: jiff::Error,
    },
    /// The bus cannot go on.
    #[error("aggregate: {0}")]
    Bus(#[from] BusError),
}

impl Error {
    /// A stable name for metrics and scripts.
    pub const fn kind(&self) -> &'static str {
        match self {
            Error::Zone { .. } => "zone",
            Error::Bus(_) => "bus",
        }
    }
}
