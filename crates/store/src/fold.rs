//! Stored windows plus the deltas of a batch: read once, merged in memory, written once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use wensheng_schemas::{Counts, Distinct, TermRank, WindowDelta, WindowKey, WindowTotal};

use crate::database::{Transaction, Value};
use crate::insert::{Insert, push_rows};
use crate::instant::from_millis;
use crate::windows::{
    COUNTS, TOP_KEYWORDS, counts_at, counts_in_order, key_at, rank_of, sketch_of, top,
};
use crate::{StoreError, StoreErrorKind};

/// Keywords kept for each window: ten times those shown, so that the top is right for all but near-ties.
const KEPT_KEYWORDS: usize = 200;

/// Windows looked up per statement; see the insert's own number.
const MOST_KEYS: usize = 128;

/// Columns of a row that a batch writes.
const COLUMNS: &[&str] = &[
    "size",
    "start_ms",
    "topic",
    "brand",
    "channel",
    "revision",
    "updated_at_ms",
    "author_count",
    "authors",
    "keywords",
    "volume",
    "positive",
    "neutral",
    "negative",
    "score_sum",
    "nps_promoters",
    "nps_passives",
    "nps_detractors",
    "csat_count",
    "csat_satisfied",
    "csat_sum",
    "ces_count",
    "ces_sum",
];

/// A window that another transaction created since we looked makes this fail, and the batch is applied anew.
const NEW_WINDOWS: Insert = Insert {
    table: "windows",
    columns: COLUMNS,
    conflict: "",
};

/// These rows are there, and locked.
const CHANGED_WINDOWS: Insert = Insert {
    table: "windows",
    columns: COLUMNS,
    conflict: "ON CONFLICT (size, topic, start_ms, brand, channel) DO UPDATE SET
        revision = excluded.revision, updated_at_ms = excluded.updated_at_ms,
        author_count = excluded.author_count, authors = excluded.authors,
        keywords = excluded.keywords, volume = excluded.volume, positive = excluded.positive,
        neutral = excluded.neutral, negative = excluded.negative, score_sum = excluded.score_sum,
        nps_promoters = excluded.nps_promoters, nps_passives = excluded.nps_passives,
        nps_detractors = excluded.nps_detractors, csat_count = excluded.csat_count,
        csat_satisfied = excluded.csat_satisfied, csat_sum = excluded.csat_sum,
        ces_count = excluded.ces_count, ces_sum = excluded.ces_sum",
};

/// A window as it stands, or what is added to one.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// 0 before it is stored.
    revision: i64,
    updated_at: Timestamp,
    counts: Counts,
    authors: Distinct,
    keywords: TermRank,
}

/// What a batch adds, window by window; a window that only repeated deltas touch is there with nothing to add.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    windows: BTreeMap<WindowKey, Option<Content>>,
}

impl Fold {
    /// Adds a delta.
    pub(crate) fn add(&mut self, delta: &WindowDelta) {
        let content = self.touch(&delta.key).get_or_insert_default();
        content.counts.add(&delta.counts);
        content.authors.merge(&delta.authors);
        content.keywords.merge(&delta.keywords);
    }

    /// Notes a delta that was applied before.
    pub(crate) fn repeat(&mut self, delta: &WindowDelta) {
        self.touch(&delta.key);
    }

    fn touch(&mut self, key: &WindowKey) -> &mut Option<Content> {
        self.windows.entry(key.clone()).or_default()
    }

    /// Merges it into the stored windows; how many rows were written, and all windows touched as they now stand.
    pub(crate) async fn apply(
        self,
        transaction: &mut Transaction,
        now: Timestamp,
    ) -> Result<(u64, Vec<WindowTotal>), StoreError> {
        let mut stored = load(transaction, self.windows.keys()).await?;
        let mut new = Vec::new();
        let mut changed = Vec::new();
        let mut totals = Vec::with_capacity(self.windows.len());
        for (key, added) in self.windows {
            let before = stored.remove(&key);
            let content = match (before, added) {
                (Some(content), None) => content,
                // A repeated delta whose window is gone: there is nothing to tell.
                (None, None) => continue,
                (before, Some(added)) => {
                    let exists = before.is_some();
                    let mut content = before.unwrap_or_default();
                    content.revision += 1;
                    content.updated_at = now;
                    content.counts.add(&added.counts);
                    content.authors.merge(&added.authors);
                    content.keywords.merge(&added.keywords);
                    content.keywords.prune(KEPT_KEYWORDS);
                    let row = row(&key, &content)?;
                    if exists {
                        changed.push(row);
                    } else {
                        new.push(row);
                    }
                    content
                }
            };
            totals.push(WindowTotal {
                key,
                revision: content.revision,
                counts: content.counts,
                authors: content.authors.count(),
                top_keywords: top(&content.keywords, TOP_KEYWORDS),
                updated_at: content.updated_at,
            });
        }
        let written = CHANGED_WINDOWS.run(transaction, changed).await?
            + NEW_WINDOWS.run(transaction, new).await?;
        Ok((written, totals))
    }
}

fn row(key: &WindowKey, content: &Content) -> Result<Vec<Value>, StoreError> {
    let keywords = serde_json::to_string(&content.keywords).map_err(|error| {
        StoreError::new(
            StoreErrorKind::Value,
            "write the keywords of a window",
            error,
        )
    })?;
    let mut row = Vec::with_capacity(COLUMNS.len());
    row.extend([
        key.size.name().into(),
        key.start.as_millisecond().into(),
        key.topic.as_str().into(),
        key.brand.as_str().into(),
        key.channel.name().into(),
        content.revision.into(),
        content.updated_at.as_millisecond().into(),
        i64::try_from(content.authors.count())
            .unwrap_or(i64::MAX)
            .into(),
        Value::Bytes(content.authors.to_bytes()),
        keywords.into(),
    ]);
    row.extend(counts_in_order(&content.counts).map(Value::Int));
    Ok(row)
}

/// The stored windows of these keys, locked until the transaction ends.
async fn load(
    transaction: &mut Transaction,
    keys: impl ExactSizeIterator<Item = &WindowKey>,
) -> Result<BTreeMap<WindowKey, Content>, StoreError> {
    let mut stored = BTreeMap::new();
    let mut left = keys.len();
    let mut keys = keys;
    while left > 0 {
        let count = MOST_KEYS.min(1 << left.ilog2());
        let mut values: Vec<Value> = Vec::with_capacity(count * 5);
        for key in keys.by_ref().take(count) {
            values.extend([
                key.size.name().into(),
                key.start.as_millisecond().into(),
                key.topic.as_str().into(),
                key.brand.as_str().into(),
                key.channel.name().into(),
            ]);
        }
        left -= count;
        let sql = select(count, transaction.is_postgres());
        for row in transaction.fetch("read windows", sql, values).await? {
            stored.insert(
                key_at(&row, 0)?,
                Content {
                    revision: row.int(5)?,
                    updated_at: from_millis(row.int(6)?)?,
                    authors: sketch_of(&row.bytes(7)?)?,
                    keywords: rank_of(&row.text(8)?)?,
                    counts: counts_at(&row, 9)?,
                },
            );
        }
    }
    Ok(stored)
}

/// CROSS JOIN makes SQLite look each wanted key up in the index, in that order.
fn select(keys: usize, postgres: bool) -> String {
    let mut sql = String::from("WITH wanted (size, start_ms, topic, brand, channel) AS (VALUES ");
    push_rows(&mut sql, keys, 5, postgres);
    sql.push_str(
        ") SELECT w.size, w.start_ms, w.topic, w.brand, w.channel, w.revision, w.updated_at_ms,
         w.authors, w.keywords",
    );
    for column in COUNTS {
        sql.push_str(", w.");
        sql.push_str(column);
    }
    sql.push_str(
        " FROM wanted CROSS JOIN windows w
          WHERE w.size = wanted.size AND w.topic = wanted.topic AND w.start_ms = wanted.start_ms
          AND w.brand = wanted.brand AND w.channel = wanted.channel",
    );
    if postgres {
        sql.push_str(" FOR UPDATE OF w");
    }
    sql
}
