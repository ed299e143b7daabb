//! Each error says what was tried, on what, and what the operator can do.

use thiserror::Error;
use wensheng_bus::BusError;
use wensheng_store::StoreError;

/// Why publishing ended.
#[derive(Debug, Error)]
pub enum Error {
    /// The bus or the store cannot go on.
    #[error("publish: {0}")]
    Bus(#[from] BusError),
    /// The store does not answer.
    #[error("publish: {0}")]
    Store(#[from] StoreError),
}

impl Error {
    /// A stable name for metrics and scripts.
    pub const fn kind(&self) -> &'static str {
        match self {
            Error::Bus(_) => "bus",
            Error::Store(_) => "store",
        }
    }
}
