//! Each error says what was tried, on what, and what the operator can do.

use thiserror::Error;
use wensheng_bus::BusError;

/// Why publishing ended.
#[derive(Debug, Error)]
pub enum Error {
    /// The bus or the store cannot go on.
    #[error("publish: {0}")]
    Bus(#[from] BusError),
}

impl Error {
    /// A stable name for metrics and scripts.
    pub const fn kind(&self) -> &'static str {
        match self {
            Error::Bus(_) => "bus",
        }
    }
}
