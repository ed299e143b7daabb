//! A person is removed from every row, and that it was done is written down, in one transaction.
//!
//! What was counted stays counted until the withdrawal of each piece comes by the bus and is taken back from the windows: see
//! `wensheng erase`, which sends those first.

use wensheng_schemas::{Alert, Enriched, Sentiment, SentimentLabel};

use crate::feedback::document;
use crate::{AuditEntry, Store, StoreError, rows};

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// Pieces of feedback, now empty rows.
    pub feedback: u64,
    /// Alerts that showed something of the person.
    pub alerts: u64,
    /// Dead letters that named the person, now deleted.
    pub dead_letters: u64,
}

/// Makes a piece the row of one that was taken back: nothing that was said or understood stays in it.
fn empty(piece: &mut Enriched) {
    piece.feedback.withdraw();
    piece.sentiment = Sentiment {
        label: SentimentLabel::Neutral,
        score: 0.0,
        confidence: 0.0,
        spans: Vec::new(),
    };
    piece.aspects.clear();
    piece.topics.clear();
    piece.intents.clear();
    piece.keywords.clear();
    piece.terms.clear();
    piece.rules.clear();
    piece.replaces = None;
}

impl Store {
    /// All feedback of the author with that key, that was not taken back.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn feedback_of(&self, author: &str) -> Result<Vec<Enriched>, StoreError> {
        let rows = self
            .database
            .fetch(
                "read the feedback of one author",
                "SELECT document FROM feedback WHERE author = $1 AND NOT withdrawn ORDER BY id",
                vec![author.into()],
            )
            .await?;
        rows.iter().map(|row| document(row, 0)).collect()
    }

    /// Removes the author with the key `author` from feedback and alerts, and deletes the dead letters that hold `named`,
    /// the author's id at the source. `entry` goes into the audit trail, with the counts behind its detail.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know; then nothing was removed.
    pub async fn erase(
        &self,
        author: &str,
        named: Option<&str>,
        entry: &AuditEntry,
    ) -> Result<Erased, StoreError> {
        let action = "remove a person from the store";
        let position = self.database.position();
        let mut transaction = self.database.begin(action).await?;
        let mut erased = Erased::default();

        let found = transaction
            .fetch(
                action,
                "SELECT document FROM feedback WHERE author = $1",
                vec![author.into()],
            )
            .await?;
        let mut emptied = Vec::with_capacity(found.len());
        for row in &found {
            let mut piece: Enriched = document(row, 0)?;
            empty(&mut piece);
            emptied.push(rows::feedback(&piece)?);
        }
        erased.feedback = rows::FEEDBACK.insert.run(&mut transaction, emptied).await?;

        let found = transaction
            .fetch(
                action,
                format!("SELECT document FROM alerts WHERE {position}(document, $1) > 0"),
                vec![author.into()],
            )
            .await?;
        for row in &found {
            let mut alert: Alert = document(row, 0)?;
            alert
                .samples
                .retain(|sample| sample.author.as_ref().is_none_or(|a| a.key != author));
            let values = vec![rows::json(&alert)?.into(), alert.id.as_str().into()];
            erased.alerts += transaction
                .execute(
                    action,
                    "UPDATE alerts SET document = $1 WHERE id = $2",
                    values,
                )
                .await?;
        }

        if let Some(named) = named {
            erased.dead_letters = transaction
                .execute(
                    action,
                    format!("DELETE FROM dead_letters WHERE {position}(document, $1) > 0"),
                    vec![named.into()],
                )
                .await?;
        }

        let detail = format!(
            "{}{}feedback={} alerts={} dead_letters={}",
            entry.detail,
            if entry.detail.is_empty() { "" } else { "; " },
            erased.feedback,
            erased.alerts,
            erased.dead_letters
        );
        transaction
            .execute(
                action,
                "INSERT INTO audit (at_ms, actor, action, object, detail) VALUES ($1, $2, $3, $4, $5)",
                vec![
                    entry.at.as_millisecond().into(),
                    entry.actor.as_str().into(),
                    entry.action.as_str().into(),
                    entry.object.as_str().into(),
                    detail.into(),
                ],
            )
            .await?;
        transaction.commit(action).await?;
        Ok(erased)
    }
}
