//! The chain of lines of each alert, as it was written; what it says can be proved.

use wensheng_schemas::{AlertId, ChainFault, TimelineRecord, verify_chain};

use crate::feedback::document;
use crate::{Store, StoreError};

/// What the proof of an alert's timeline gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The alert.
    pub alert: AlertId,
    /// Lines proved, or what is wrong.
    pub result: Result<u64, ChainFault>,
    /// The hash of the last line that the alert's record tells of: what to compare with a copy kept elsewhere.
    pub head: String,
}

impl Store {
    /// The lines of an alert's timeline after line `after`, in order, at most `limit`.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn timeline(
        &self,
        id: &AlertId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<TimelineRecord>, StoreError> {
        let rows = self
            .database
            .fetch(
                "read the timeline of an alert",
                "SELECT document FROM timeline WHERE alert = $1 AND number > $2 ORDER BY number LIMIT $3",
                vec![
                    id.as_str().into(),
                    i64::try_from(after).unwrap_or(i64::MAX).into(),
                    i64::from(limit).into(),
                ],
            )
            .await?;
        rows.iter().map(|row| document(row, 0)).collect()
    }

    /// Checks every line of an alert's timeline; `None` where there is no such alert.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn prove(&self, id: &AlertId) -> Result<Option<Proof>, StoreError> {
        let Some(detail) = self.alert(id).await? else {
            return Ok(None);
        };
        let lines = self.timeline(id, 0, u32::MAX).await?;
        let head = detail.alert.chain;
        Ok(Some(Proof {
            alert: id.clone(),
            result: verify_chain(id, &head, &lines),
            head: head.hash,
        }))
    }

    /// The ids of all alerts, in the order they were raised.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn alert_ids(&self) -> Result<Vec<AlertId>, StoreError> {
        let rows = self
            .database
            .fetch(
                "list the alerts",
                "SELECT id FROM alerts ORDER BY raised_at_ms, id",
                Vec::new(),
            )
            .await?;
        rows.iter()
            .map(|row| row.text(0).map(AlertId::from))
            .collect()
    }
}
