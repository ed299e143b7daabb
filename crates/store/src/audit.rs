//! Who did what, when: lines are added and never changed; the database itself refuses it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::instant::from_millis;
use crate::{Store, StoreError};

/// One line of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When (UTC).
    pub at: Timestamp,
    /// Who: the name of a token, or `system`.
    pub actor: String,
    /// What: `alert.acknowledge`, `token.create`, …
    pub action: String,
    /// On what: an id or a name; empty for nothing in particular.
    pub object: String,
    /// In words; may be empty.
    pub detail: String,
}

impl Store {
    /// Adds a line.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn append_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.database
            .execute(
                "write the audit trail",
                "INSERT INTO audit (at_ms, actor, action, object, detail) VALUES ($1, $2, $3, $4, $5)",
                vec![
                    entry.at.as_millisecond().into(),
                    entry.actor.as_str().into(),
                    entry.action.as_str().into(),
                    entry.object.as_str().into(),
                    entry.detail.as_str().into(),
                ],
            )
            .await
            .map(|_| ())
    }

    /// The latest lines, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let rows = self
            .database
            .fetch(
                "read the audit trail",
                "SELECT at_ms, actor, action, object, detail FROM audit ORDER BY number DESC LIMIT $1",
                vec![i64::from(limit).into()],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(AuditEntry {
                    at: from_millis(row.int(0)?)?,
                    actor: row.text(1)?,
                    action: row.text(2)?,
                    object: row.text(3)?,
                    detail: row.text(4)?,
                })
            })
            .collect()
    }
}
