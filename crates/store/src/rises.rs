//! Signals that only inform: rises of brands' volumes.

use wensheng_schemas::Signal;

use crate::feedback::document;
use crate::statement::Statement;
use crate::{Store, StoreError};

impl Store {
    /// Rises of all brands, or of one, the newest first.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn rises(&self, brand: Option<&str>, limit: u32) -> Result<Vec<Signal>, StoreError> {
        let mut statement = Statement::new("SELECT document FROM rises");
        if let Some(brand) = brand {
            statement.compare("brand =", brand);
        }
        statement.push(" ORDER BY at_ms DESC, id LIMIT ");
        let limit = statement.bind(i64::from(limit));
        statement.push(&limit);
        let rows = self
            .database
            .fetch("read rises", statement.sql, statement.values)
            .await?;
        rows.iter().map(|row| document(row, 0)).collect()
    }
}
