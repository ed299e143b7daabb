//! A batch and its progress are one transaction: what was applied is never applied again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use wensheng_schemas::{Contract, SourceRhythm};

use crate::batch::{Applied, Entry, PartitionProgress, WriteBatch};
use crate::database::{Transaction, Value};
use crate::fold::Fold;
use crate::insert::Insert;
use crate::instant::from_millis;
use crate::names::Names;
use crate::rows::{self, Table};
use crate::{Store, StoreError};

/// Pieces of feedback deleted per transaction: a fraction of a second, so that batches are not held up.
const DELETED_TOGETHER: i64 = 5_000;

const PROGRESS: Insert = Insert {
    table: "progress",
    columns: &["reader", "topic", "partition", "next_offset"],
    conflict:
        "ON CONFLICT (reader, topic, partition) DO UPDATE SET next_offset = excluded.next_offset
        WHERE excluded.next_offset > progress.next_offset",
};

/// The next offset to apply, by topic and partition.
type Stored = BTreeMap<String, BTreeMap<u32, u64>>;

/// Applies batches for one consumer group.
#[derive(Debug, Clone)]
pub struct Writer {
    store: Store,
    reader: String,
}

impl Store {
    /// The writer of the consumer group `reader`, which has its own progress.
    pub fn writer(&self, reader: impl Into<String>) -> Writer {
        Writer {
            store: self.clone(),
            reader: reader.into(),
        }
    }

    /// Deletes feedback that was said before `instant`, of one source where it is given; how many pieces. Windows keep
    /// their sums.
    ///
    /// # Errors
    /// When the database does not answer; what was deleted until then stays deleted.
    pub async fn delete_before(
        &self,
        instant: Timestamp,
        source: Option<&str>,
    ) -> Result<u64, StoreError> {
        let mut deleted = 0;
        loop {
            let mut values: Vec<Value> =
                vec![instant.as_millisecond().into(), DELETED_TOGETHER.into()];
            let mut of_source = "";
            if let Some(source) = source {
                values.push(source.into());
                of_source = " AND source = $3";
            }
            let touched = self
                .database
                .execute(
                    "delete old feedback",
                    format!(
                        "DELETE FROM feedback WHERE id IN (SELECT id FROM feedback
                         WHERE occurred_at_ms < $1{of_source} ORDER BY occurred_at_ms LIMIT $2)"
                    ),
                    values,
                )
                .await?;
            deleted += touched;
            if touched == 0 {
                return Ok(deleted);
            }
        }
    }
}

impl Writer {
    /// How far each partition was applied.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn progress(&self) -> Result<Vec<PartitionProgress>, StoreError> {
        let rows = self
            .store
            .database
            .fetch(
                "read the progress of the store",
                "SELECT topic, partition, next_offset FROM progress WHERE reader = $1
                 ORDER BY topic, partition",
                vec![self.reader.as_str().into()],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(PartitionProgress {
                    topic: row.text(0)?,
                    partition: u32::try_from(row.int(1)?).unwrap_or(u32::MAX),
                    next_offset: u64::try_from(row.int(2)?).unwrap_or(0),
                })
            })
            .collect()
    }

    /// Applies a batch, or nothing of it. Entries below the stored progress of their partition were applied before and
    /// are left out; windows that they touch are told all the same, as they stand.
    ///
    /// # Errors
    /// Retriable while the database is away or busy; the same batch may then be applied again, even where the
    /// connection broke during the commit and nobody knows whether it took place.
    pub async fn apply(&self, batch: &WriteBatch, now: Timestamp) -> Result<Applied, StoreError> {
        let action = "write a batch to the store";
        // As it will be read back: the same revision must always be told in the same words.
        let now = from_millis(now.as_millisecond())?;
        let mut transaction = self.store.database.begin(action).await?;
        let stored = self.lock_progress(&mut transaction, batch).await?;
        let mut applied = Applied::default();
        (applied.written.feedback, applied.stale.feedback) = write_latest(
            &rows::FEEDBACK,
            &mut transaction,
            &batch.enriched,
            &stored,
            &mut applied.repeated,
        )
        .await?;
        self.write_windows(&mut transaction, batch, &stored, now, &mut applied)
            .await?;
        (applied.written.alerts, applied.stale.alerts) = write_latest(
            &rows::ALERTS,
            &mut transaction,
            &batch.alerts,
            &stored,
            &mut applied.repeated,
        )
        .await?;
        self.write_timeline(&mut transaction, batch, &stored, &mut applied)
            .await?;
        self.write_corrections(&mut transaction, batch, &stored, &mut applied)
            .await?;
        self.write_deliveries(&mut transaction, batch, &stored, &mut applied)
            .await?;
        (applied.written.dead_letters, applied.stale.dead_letters) = write_latest(
            &rows::DEAD_LETTERS,
            &mut transaction,
            &batch.dead_letters,
            &stored,
            &mut applied.repeated,
        )
        .await?;
        (applied.written.rises, applied.stale.rises) = write_latest(
            &rows::RISES,
            &mut transaction,
            &batch.rises,
            &stored,
            &mut applied.repeated,
        )
        .await?;
        write_sources(&mut transaction, &batch.sources).await?;
        PROGRESS
            .run(&mut transaction, self.progress_rows(&batch.progress))
            .await?;
        transaction.commit(action).await?;
        Ok(applied)
    }

    /// Reads the progress of the batch's partitions and, on PostgreSQL, keeps other transactions from it: a session that
    /// lost its partitions without knowing waits here, and then finds its batch applied.
    async fn lock_progress(
        &self,
        transaction: &mut Transaction,
        batch: &WriteBatch,
    ) -> Result<Stored, StoreError> {
        let action = "read the progress of the store";
        let mut sql = String::from(
            "SELECT topic, partition, next_offset FROM progress WHERE reader = $1 AND partition IN (",
        );
        let mut values: Vec<Value> = vec![self.reader.as_str().into()];
        for partition in batch.partitions() {
            if values.len() > 1 {
                sql.push_str(", ");
            }
            values.push(i64::from(partition).into());
            sql.push_str(&format!("${}", values.len()));
        }
        if values.len() == 1 {
            return Ok(Stored::new());
        }
        sql.push_str(") ORDER BY topic, partition");
        if transaction.is_postgres() {
            // Rows must be there to be locked.
            let first: Vec<PartitionProgress> = batch
                .progress
                .iter()
                .map(|progress| PartitionProgress {
                    next_offset: 0,
                    ..progress.clone()
                })
                .collect();
            PROGRESS
                .run(transaction, self.progress_rows(&first))
                .await?;
            sql.push_str(" FOR UPDATE");
        }
        let mut stored = Stored::new();
        for row in transaction.fetch(action, sql, values).await? {
            let partition = u32::try_from(row.int(1)?).unwrap_or(u32::MAX);
            let next = u64::try_from(row.int(2)?).unwrap_or(0);
            stored
                .entry(row.text(0)?)
                .or_default()
                .insert(partition, next);
        }
        Ok(stored)
    }

    /// In one order for all writers, so that none waits for another in a circle.
    fn progress_rows(&self, progress: &[PartitionProgress]) -> Vec<Vec<Value>> {
        let mut highest: BTreeMap<(&str, u32), u64> = BTreeMap::new();
        for progress in progress {
            let next = highest
                .entry((&progress.topic, progress.partition))
                .or_default();
            *next = (*next).max(progress.next_offset);
        }
        highest
            .into_iter()
            .map(|((topic, partition), next)| {
                vec![
                    self.reader.as_str().into(),
                    topic.into(),
                    i64::from(partition).into(),
                    i64::try_from(next).unwrap_or(i64::MAX).into(),
                ]
            })
            .collect()
    }

    async fn write_windows(
        &self,
        transaction: &mut Transaction,
        batch: &WriteBatch,
        stored: &Stored,
        now: Timestamp,
        applied: &mut Applied,
    ) -> Result<(), StoreError> {
        let fresh = Fresh::of(&batch.deltas, stored);
        let mut fold = Fold::default();
        let mut names = Names::default();
        for entry in &fresh.entries {
            fold.add(&entry.value);
            names.add(&entry.value);
        }
        for entry in &fresh.repeated {
            fold.repeat(&entry.value);
        }
        applied.repeated += fresh.repeated.len() as u64;
        let (written, totals) = fold.apply(transaction, now).await?;
        names.apply(transaction).await?;
        applied.written.windows = written;
        applied.windows = totals;
        Ok(())
    }

    /// The lines, and in the audit trail what people did: an action that was refused is noted as refused.
    async fn write_timeline(
        &self,
        transaction: &mut Transaction,
        batch: &WriteBatch,
        stored: &Stored,
        applied: &mut Applied,
    ) -> Result<(), StoreError> {
        let fresh = Fresh::of(&batch.timeline, stored);
        applied.repeated += fresh.repeated.len() as u64;
        let lines = || fresh.entries.iter().map(|entry| &entry.value);
        let audit: Vec<_> = lines().filter_map(rows::audit).collect();
        let rows = lines().map(rows::timeline).collect::<Result<Vec<_>, _>>()?;
        let count = rows.len() as u64;
        applied.written.timeline = rows::TIMELINE.run(transaction, rows).await?;
        applied.stale.timeline = count.saturating_sub(applied.written.timeline);
        rows::AUDIT.run(transaction, audit).await?;
        Ok(())
    }

    /// The latest correction of each piece, and in the audit trail every one that came. People press buttons: they are few.
    async fn write_corrections(
        &self,
        transaction: &mut Transaction,
        batch: &WriteBatch,
        stored: &Stored,
        applied: &mut Applied,
    ) -> Result<(), StoreError> {
        let fresh = Fresh::of(&batch.corrections, stored);
        applied.repeated += fresh.repeated.len() as u64;
        for entry in fresh.entries {
            let row = rows::correction(&entry.value)?;
            if rows::CORRECTIONS.run(transaction, vec![row]).await? == 0 {
                applied.stale.corrections += 1;
                continue;
            }
            applied.written.corrections += 1;
            let line = rows::correction_audit(&entry.value);
            rows::AUDIT.run(transaction, vec![line]).await?;
        }
        Ok(())
    }

    async fn write_deliveries(
        &self,
        transaction: &mut Transaction,
        batch: &WriteBatch,
        stored: &Stored,
        applied: &mut Applied,
    ) -> Result<(), StoreError> {
        let fresh = Fresh::of(&batch.deliveries, stored);
        applied.repeated += fresh.repeated.len() as u64;
        let attempts = fresh
            .entries
            .iter()
            .map(|entry| rows::delivery_attempt(&entry.value))
            .collect();
        rows::DELIVERY_ATTEMPTS.run(transaction, attempts).await?;
        let rows = rows::latest(
            fresh.entries.iter().copied(),
            |delivery| delivery.id.as_str(),
            |_, _| true,
        )
        .into_iter()
        .map(rows::delivery)
        .collect::<Result<Vec<_>, _>>()?;
        applied.written.deliveries = rows::DELIVERIES.run(transaction, rows).await?;
        Ok(())
    }
}

/// Writes, of the entries that were not applied before, the one of each key that lasts; how many rows were written, and how many
/// gave way to what the table holds.
async fn write_latest<T: Contract>(
    table: &Table<T>,
    transaction: &mut Transaction,
    entries: &[Entry<T>],
    stored: &Stored,
    repeated: &mut u64,
) -> Result<(u64, u64), StoreError> {
    let fresh = Fresh::of(entries, stored);
    *repeated += fresh.repeated.len() as u64;
    let rows = rows::latest(fresh.entries.iter().copied(), table.key, table.replaces)
        .into_iter()
        .map(table.row)
        .collect::<Result<Vec<_>, _>>()?;
    let count = rows.len() as u64;
    let written = table.insert.run(transaction, rows).await?;
    Ok((written, count.saturating_sub(written)))
}

/// Writes how sources fare. What is read again is written again: the last of it is what was written last before.
async fn write_sources(
    transaction: &mut Transaction,
    sources: &[(String, Option<SourceRhythm>)],
) -> Result<(), StoreError> {
    let latest: BTreeMap<&str, &Option<SourceRhythm>> = sources
        .iter()
        .map(|(source, rhythm)| (source.as_str(), rhythm))
        .collect();
    let mut rows = Vec::new();
    for (source, rhythm) in latest {
        match rhythm {
            Some(rhythm) => rows.push(rows::source(rhythm)?),
            None => {
                transaction
                    .execute(
                        "delete a source",
                        "DELETE FROM sources WHERE source = $1",
                        vec![source.into()],
                    )
                    .await?;
            }
        }
    }
    rows::SOURCES.run(transaction, rows).await?;
    Ok(())
}

impl WriteBatch {
    /// The partition numbers of all that is in it.
    fn partitions(&self) -> BTreeSet<u32> {
        let mut partitions: BTreeSet<u32> = self.progress.iter().map(|p| p.partition).collect();
        partitions.extend(self.enriched.iter().map(|entry| entry.partition));
        partitions.extend(self.deltas.iter().map(|entry| entry.partition));
        partitions.extend(self.alerts.iter().map(|entry| entry.partition));
        partitions.extend(self.timeline.iter().map(|entry| entry.partition));
        partitions.extend(self.corrections.iter().map(|entry| entry.partition));
        partitions.extend(self.deliveries.iter().map(|entry| entry.partition));
        partitions.extend(self.dead_letters.iter().map(|entry| entry.partition));
        partitions.extend(self.rises.iter().map(|entry| entry.partition));
        partitions
    }
}

/// The entries of a list, told apart by whether they were applied before.
struct Fresh<'a, T> {
    entries: Vec<&'a Entry<T>>,
    repeated: Vec<&'a Entry<T>>,
}

impl<'a, T: Contract> Fresh<'a, T> {
    fn of(entries: &'a [Entry<T>], stored: &Stored) -> Self {
        let next = stored.get(T::TOPIC.name());
        let (repeated, entries) = entries.iter().partition(|entry| {
            next.and_then(|next| next.get(&entry.partition))
                .is_some_and(|next| entry.offset < *next)
        });
        Self { entries, repeated }
    }
}
