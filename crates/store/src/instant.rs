//! Instants are stored as milliseconds since 1970, the same number on both databases.

use jiff::Timestamp;

use crate::{StoreError, StoreErrorKind};

/// An instant of the store.
pub(crate) fn from_millis(millis: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(millis).map_err(|error| {
        StoreError::new(
            StoreErrorKind::Value,
            "read an instant of the store",
            format!("{millis} ms: {error}"),
        )
    })
}
