//! A person is removed from every row, and that it was done is written down, in one transaction.
//!
//! What was counted stays counted until the withdrawal of each piece comes by the bus and is taken back from the windows: see
//! `wensheng erase`, which sends those first.

use wensheng_schemas::{Alert, DeadLetter, ERASED, Enriched, Erasure, TimelineRecord, Topic};

use crate::database::{Database, Transaction};
use crate::feedback::document;
use crate::{AuditEntry, Store, StoreError, rows};

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// Pieces of feedback, now empty rows.
    pub feedback: u64,
    /// Alerts that showed something of the person, or carried words about them.
    pub alerts: u64,
    /// Lines of timelines whose words were emptied.
    pub lines: u64,
    /// Dead letters that named the person, now deleted.
    pub dead_letters: u64,
}

/// A table that keeps records as documents.
struct Documents {
    topic: Topic,
    table: &'static str,
    /// What tells its rows apart, as SQL.
    key: &'static str,
}

const ALERTS: Documents = Documents {
    topic: Topic::Alerts,
    table: "alerts",
    key: "id",
};
const TIMELINE: Documents = Documents {
    topic: Topic::Timeline,
    table: "timeline",
    key: "alert || '/' || CAST(number AS TEXT)",
};
const DELIVERIES: Documents = Documents {
    topic: Topic::Deliveries,
    table: "deliveries",
    key: "id",
};
const CORRECTIONS: Documents = Documents {
    topic: Topic::Corrections,
    table: "corrections",
    key: "feedback",
};
const RISES: Documents = Documents {
    topic: Topic::Signals,
    table: "rises",
    key: "id",
};

const ACTION: &str = "remove a person from the store";

impl Documents {
    /// Takes the person out of every row; how many held something.
    async fn cut(
        &self,
        transaction: &mut Transaction,
        erasure: &Erasure,
    ) -> Result<u64, StoreError> {
        let Self { topic, table, key } = self;
        let found = transaction
            .fetch(
                ACTION,
                format!("SELECT {key}, document FROM {table}"),
                vec![],
            )
            .await?;
        let mut changed = 0;
        for row in found {
            let Some(cut) = erasure.cut(*topic, row.text(1)?.as_bytes(), true) else {
                continue;
            };
            let document = String::from_utf8_lossy(&cut.value).into_owned();
            changed += transaction
                .execute(
                    ACTION,
                    format!("UPDATE {table} SET document = $1 WHERE {key} = $2"),
                    vec![document.into(), row.text(0)?.into()],
                )
                .await?;
        }
        Ok(changed)
    }
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

    /// Removes a person from all rows, and deletes the dead letters that tell of them. `told` are the alerts that change, each
    /// with the line that says so: they are written here as they went to the bus, so that each chain can be proved at once.
    /// `entry` goes into the audit trail, with the counts behind its detail.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know; then nothing was removed.
    pub async fn erase(
        &self,
        erasure: &Erasure,
        told: &[(Alert, TimelineRecord)],
        entry: &AuditEntry,
    ) -> Result<Erased, StoreError> {
        let mut transaction = self.database.begin(ACTION).await?;
        let mut erased = Erased {
            feedback: empty_feedback(&mut transaction, erasure).await?,
            alerts: ALERTS.cut(&mut transaction, erasure).await?,
            lines: 0,
            dead_letters: delete_letters(&mut transaction, erasure).await?,
        };
        for documents in [DELIVERIES, CORRECTIONS, RISES] {
            documents.cut(&mut transaction, erasure).await?;
        }
        let guards = Guards::lower(&mut transaction, &self.database).await?;
        erased.lines = TIMELINE.cut(&mut transaction, erasure).await?;
        empty_trail(&mut transaction, erasure).await?;
        guards.raise(&mut transaction).await?;
        for (alert, line) in told {
            let line = vec![rows::timeline(line)?];
            rows::TIMELINE.run(&mut transaction, line).await?;
            let alert = vec![rows::alert(alert)?];
            rows::ALERTS.insert.run(&mut transaction, alert).await?;
        }

        let detail = format!(
            "{}{}feedback={} alerts={} lines={} dead_letters={}",
            entry.detail,
            if entry.detail.is_empty() { "" } else { "; " },
            erased.feedback,
            erased.alerts,
            erased.lines,
            erased.dead_letters
        );
        let line = vec![
            entry.at.as_millisecond().into(),
            entry.actor.as_str().into(),
            entry.action.as_str().into(),
            entry.object.as_str().into(),
            detail.into(),
        ];
        rows::AUDIT.run(&mut transaction, vec![line]).await?;
        transaction.commit(ACTION).await?;
        self.database.clean().await?;
        Ok(erased)
    }
}

/// Empties the rows of the person's feedback: how many.
async fn empty_feedback(
    transaction: &mut Transaction,
    erasure: &Erasure,
) -> Result<u64, StoreError> {
    let mut emptied = Vec::new();
    let mut found = transaction
        .fetch(
            ACTION,
            "SELECT document FROM feedback WHERE author = $1",
            vec![erasure.author().into()],
        )
        .await?;
    for event in erasure.events() {
        found.extend(
            transaction
                .fetch(
                    ACTION,
                    "SELECT document FROM feedback WHERE id = $1 AND NOT withdrawn AND (author IS NULL OR author <> $2)",
                    vec![event.as_str().into(), erasure.author().into()],
                )
                .await?,
        );
    }
    for row in &found {
        let mut piece: Enriched = document(row, 0)?;
        piece.withdraw();
        emptied.push(rows::feedback(&piece)?);
    }
    rows::FEEDBACK.insert.run(transaction, emptied).await
}

async fn delete_letters(
    transaction: &mut Transaction,
    erasure: &Erasure,
) -> Result<u64, StoreError> {
    let mut deleted = 0;
    let found = transaction
        .fetch(ACTION, "SELECT document FROM dead_letters", vec![])
        .await?;
    for row in &found {
        let letter: DeadLetter = document(row, 0)?;
        if erasure.concerns(&letter) {
            deleted += transaction
                .execute(
                    ACTION,
                    "DELETE FROM dead_letters WHERE id = $1",
                    vec![letter.id.into()],
                )
                .await?;
        }
    }
    Ok(deleted)
}

/// Empties the details of the audit trail that carry words about the person; who did what when stays.
async fn empty_trail(transaction: &mut Transaction, erasure: &Erasure) -> Result<(), StoreError> {
    let found = transaction
        .fetch(ACTION, "SELECT number, object, detail FROM audit", vec![])
        .await?;
    for row in found {
        let (object, detail) = (row.text(1)?, row.text(2)?);
        let of_piece = erasure.events().iter().any(|id| id.as_str() == object);
        if of_piece || erasure.is_told(&detail) {
            transaction
                .execute(
                    ACTION,
                    "UPDATE audit SET detail = $1 WHERE number = $2",
                    vec![ERASED.into(), row.int(0)?.into()],
                )
                .await?;
        }
    }
    Ok(())
}

/// What keeps timelines and the audit trail from being changed is lowered within the transaction, and stands again with it.
enum Guards {
    Sqlite(Vec<String>),
    Postgres,
}

const GUARDED: [(&str, &str); 2] = [
    ("timeline", "timeline_is_append_only"),
    ("audit", "audit_is_append_only"),
];

impl Guards {
    async fn lower(transaction: &mut Transaction, database: &Database) -> Result<Self, StoreError> {
        if let Database::Postgres(_) = database {
            Self::switch(transaction, "DISABLE").await?;
            return Ok(Self::Postgres);
        }
        let mut made_by = Vec::new();
        let triggers = transaction
            .fetch(
                ACTION,
                "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name IN ('timeline', 'audit')",
                vec![],
            )
            .await?;
        for trigger in triggers {
            let drop = format!("DROP TRIGGER {}", trigger.text(0)?);
            transaction.execute(ACTION, drop, vec![]).await?;
            made_by.push(trigger.text(1)?);
        }
        Ok(Self::Sqlite(made_by))
    }

    async fn raise(self, transaction: &mut Transaction) -> Result<(), StoreError> {
        match self {
            Guards::Postgres => Self::switch(transaction, "ENABLE").await,
            Guards::Sqlite(made_by) => {
                for sql in made_by {
                    transaction.execute(ACTION, sql, vec![]).await?;
                }
                Ok(())
            }
        }
    }

    async fn switch(transaction: &mut Transaction, to: &str) -> Result<(), StoreError> {
        for (table, guard) in GUARDED {
            let sql = format!("ALTER TABLE {table} {to} TRIGGER {guard}");
            transaction.execute(ACTION, sql, vec![]).await?;
        }
        Ok(())
    }
}
