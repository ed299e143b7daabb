//! How the sources fare, as they last said.

use wensheng_schemas::SourceRhythm;

use crate::feedback::document;
use crate::{Store, StoreError};

impl Store {
    /// All sources that are configured, in the order of their names.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn sources(&self) -> Result<Vec<SourceRhythm>, StoreError> {
        let rows = self
            .database
            .fetch(
                "read the sources",
                "SELECT document FROM sources ORDER BY source",
                Vec::new(),
            )
            .await?;
        rows.iter().map(|row| document(row, 0)).collect()
    }
}
