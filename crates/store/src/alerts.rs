//! Alerts in the order in which people should look at them, each with the proof of who was told.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wensheng_schemas::{Alert, AlertId, Delivery, Severity};

use crate::feedback::document;
use crate::instant::from_millis;
use crate::statement::Statement;
use crate::{Store, StoreError};

/// Which alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// About this brand.
    pub brand: Option<String>,
    /// Open ones only, or resolved ones only.
    pub open: Option<bool>,
    /// Of this severity.
    pub severity: Option<Severity>,
}

/// One line of the delivery ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    /// The push; see [`Delivery::id`].
    pub id: String,
    /// The configured name of the receiver.
    pub receiver: String,
    /// Attempts made when the line was written.
    pub attempts: u32,
    /// What became of it; see [`DeliveryState::name`](wensheng_schemas::DeliveryState::name).
    pub state: String,
    /// The provider's words; empty before the first attempt.
    pub answer: String,
    /// When the line was written (UTC).
    pub at: Timestamp,
}

/// An alert with its pushes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertDetail {
    /// The alert.
    pub alert: Alert,
    /// Each push as it stands, oldest first.
    pub deliveries: Vec<Delivery>,
    /// Every line of the ledger, oldest first.
    pub attempts: Vec<DeliveryAttempt>,
}

/// Graver ones are higher.
pub(crate) const fn severity_rank(severity: Severity) -> i64 {
    match severity {
        Severity::Watch => 1,
        Severity::Alert => 2,
        Severity::Crisis => 3,
    }
}

impl Store {
    /// Alerts: open ones first, among them the gravest, then those with the nearest deadline, then the newest.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn alerts(&self, filter: &AlertFilter, limit: u32) -> Result<Vec<Alert>, StoreError> {
        let mut statement = Statement::new("SELECT document FROM alerts");
        if let Some(brand) = &filter.brand {
            statement.compare("brand =", brand.as_str());
        }
        if let Some(open) = filter.open {
            statement.compare("is_open =", open);
        }
        if let Some(severity) = filter.severity {
            statement.compare("severity_rank =", severity_rank(severity));
        }
        statement.push(
            " ORDER BY is_open DESC,
              CASE WHEN is_open THEN severity_rank ELSE 0 END DESC,
              CASE WHEN next_due_at_ms IS NULL THEN 1 ELSE 0 END,
              next_due_at_ms, raised_at_ms DESC, id LIMIT ",
        );
        let limit = statement.bind(i64::from(limit));
        statement.push(&limit);
        let rows = self
            .database
            .fetch("read alerts", statement.sql, statement.values)
            .await?;
        rows.iter().map(|row| document(row, 0)).collect()
    }

    /// One alert with its pushes.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn alert(&self, id: &AlertId) -> Result<Option<AlertDetail>, StoreError> {
        let action = "read an alert";
        let rows = self
            .database
            .fetch(
                action,
                "SELECT document FROM alerts WHERE id = $1",
                vec![id.as_str().into()],
            )
            .await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let alert = document(row, 0)?;
        let deliveries = self
            .database
            .fetch(
                action,
                "SELECT document FROM deliveries WHERE alert = $1 ORDER BY at_ms, id",
                vec![id.as_str().into()],
            )
            .await?;
        let attempts = self
            .database
            .fetch(
                action,
                "SELECT id, receiver, attempts, state, answer, at_ms FROM delivery_attempts
                 WHERE alert = $1 ORDER BY at_ms, id, attempts",
                vec![id.as_str().into()],
            )
            .await?;
        Ok(Some(AlertDetail {
            alert,
            deliveries: deliveries
                .iter()
                .map(|row| document(row, 0))
                .collect::<Result<_, _>>()?,
            attempts: attempts
                .iter()
                .map(|row| {
                    Ok(DeliveryAttempt {
                        id: row.text(0)?,
                        receiver: row.text(1)?,
                        attempts: u32::try_from(row.int(2)?).unwrap_or(0),
                        state: row.text(3)?,
                        answer: row.text(4)?,
                        at: from_millis(row.int(5)?)?,
                    })
                })
                .collect::<Result<_, StoreError>>()?,
        }))
    }

    /// The latest pushes as they stand, newest first.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn deliveries(&self, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let rows = self
            .database
            .fetch(
                "read deliveries",
                "SELECT document FROM deliveries ORDER BY at_ms DESC, id LIMIT $1",
                vec![i64::from(limit).into()],
            )
            .await?;
        rows.iter().map(|row| document(row, 0)).collect()
    }

    /// How many pushes stand in each state, by its name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delivery_counts(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let rows = self
            .database
            .fetch(
                "count deliveries",
                "SELECT state, COUNT(*) FROM deliveries GROUP BY state",
                Vec::new(),
            )
            .await?;
        rows.iter()
            .map(|row| Ok((row.text(0)?, u64::try_from(row.int(1)?).unwrap_or(0))))
            .collect()
    }
}
