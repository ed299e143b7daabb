//! Verdicts that people corrected, with the words they are about, as long as those are kept and say the same.

use wensheng_schemas::{Correction, Enriched, EventId};

use crate::feedback::document;
use crate::{Store, StoreError};

/// A correction and the piece that it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Corrected {
    /// What a person read.
    pub correction: Correction,
    /// The piece as it was understood.
    pub piece: Enriched,
}

impl Store {
    /// Corrections in the order of the ids of their pieces, at most `limit` rows read after the piece `after`; and the piece to go on
    /// after, `None` at the end. Those whose piece was withdrawn, deleted or revised since are left out.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn corrections(
        &self,
        after: Option<&EventId>,
        limit: u32,
    ) -> Result<(Vec<Corrected>, Option<EventId>), StoreError> {
        let rows = self
            .database
            .fetch(
                "read corrections",
                "SELECT corrections.document, feedback.document FROM corrections
                 JOIN feedback ON feedback.id = corrections.feedback
                 WHERE corrections.feedback > $1 AND NOT feedback.withdrawn
                 AND feedback.revision = corrections.revision
                 ORDER BY corrections.feedback LIMIT $2",
                vec![
                    after.map_or("", EventId::as_str).into(),
                    i64::from(limit).into(),
                ],
            )
            .await?;
        let corrected = rows
            .iter()
            .map(|row| {
                Ok(Corrected {
                    correction: document(row, 0)?,
                    piece: document(row, 1)?,
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        let full = corrected.len() as u64 == u64::from(limit);
        let next = corrected
            .last()
            .filter(|_| full)
            .map(|last| last.correction.feedback.clone());
        Ok((corrected, next))
    }
}
