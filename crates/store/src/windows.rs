//! Sums over windows: rows of the topic [`TOPIC_ALL`] count everything once, so totals are taken from them alone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wensheng_schemas::{
    Channel, Counts, Distinct, TOPIC_ALL, TermRank, WindowKey, WindowSize, WindowTotal,
};

use crate::database::Row;
use crate::instant::from_millis;
use crate::statement::Statement;
use crate::{Store, StoreError, StoreErrorKind};

/// How many keywords of a window are told with it.
pub(crate) const TOP_KEYWORDS: usize = 20;

/// The columns of [`Counts`], in the order of its fields.
pub(crate) const COUNTS: [&str; 13] = [
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

/// Which windows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowFilter {
    /// Of this length.
    pub size: WindowSize,
    /// Beginning at this instant or later …
    pub from: Timestamp,
    /// … and before this one.
    pub to: Timestamp,
    /// Of this brand only.
    pub brand: Option<String>,
    /// Of this channel only.
    pub channel: Option<Channel>,
    /// Of this topic; `None` is [`TOPIC_ALL`], which counts everything once.
    pub topic: Option<String>,
}

impl WindowFilter {
    /// All windows of that length that begin in `from..to`.
    pub const fn new(size: WindowSize, from: Timestamp, to: Timestamp) -> Self {
        Self {
            size,
            from,
            to,
            brand: None,
            channel: None,
            topic: None,
        }
    }

    /// Of this brand only.
    #[must_use]
    pub fn brand(mut self, brand: impl Into<String>) -> Self {
        self.brand = Some(brand.into());
        self
    }

    /// Of this channel only.
    #[must_use]
    pub fn channel(mut self, channel: Channel) -> Self {
        self.channel = Some(channel);
        self
    }

    /// Of this topic only.
    #[must_use]
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.topic = Some(topic.into());
        self
    }

    /// Adds the conditions; `all_topics` leaves the topic open and [`TOPIC_ALL`] out.
    fn restrict(&self, statement: &mut Statement, all_topics: bool) {
        statement.compare("size =", self.size.name());
        if all_topics && self.topic.is_none() {
            statement.compare("topic <>", TOPIC_ALL);
        } else {
            statement.compare("topic =", self.topic.as_deref().unwrap_or(TOPIC_ALL));
        }
        statement.compare("start_ms >=", self.from.as_millisecond());
        statement.compare("start_ms <", self.to.as_millisecond());
        if let Some(brand) = &self.brand {
            statement.compare("brand =", brand.as_str());
        }
        if let Some(channel) = self.channel {
            statement.compare("channel =", channel.name());
        }
    }
}

/// By what sums are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// By brand.
    Brand,
    /// By channel.
    Channel,
    /// By topic; topics overlap, so these sums do not add up to the total.
    Topic,
}

impl Dimension {
    const fn column(self) -> &'static str {
        match self {
            Dimension::Brand => "brand",
            Dimension::Channel => "channel",
            Dimension::Topic => "topic",
        }
    }
}

/// The counts of one brand, channel or topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// Its name.
    pub name: String,
    /// Its counts.
    #[serde(flatten)]
    pub counts: Counts,
}

/// The counts of one instant of a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesPoint {
    /// The first instant of the window (UTC).
    pub start: Timestamp,
    /// The brand, channel or topic; empty where the series is not told apart.
    pub name: String,
    /// Its counts.
    #[serde(flatten)]
    pub counts: Counts,
}

/// `CAST(SUM(volume) AS BIGINT), …`: PostgreSQL would answer with a number of any length.
fn sums_of_counts() -> String {
    COUNTS
        .map(|column| format!("CAST(SUM({column}) AS BIGINT)"))
        .join(", ")
}

/// The counts in the columns from `first` on.
pub(crate) fn counts_at(row: &Row, first: usize) -> Result<Counts, StoreError> {
    let at = |offset: usize| row.maybe_int(first + offset).map(|n| n.unwrap_or(0));
    Ok(Counts {
        volume: at(0)?,
        positive: at(1)?,
        neutral: at(2)?,
        negative: at(3)?,
        score_sum: at(4)?,
        nps_promoters: at(5)?,
        nps_passives: at(6)?,
        nps_detractors: at(7)?,
        csat_count: at(8)?,
        csat_satisfied: at(9)?,
        csat_sum: at(10)?,
        ces_count: at(11)?,
        ces_sum: at(12)?,
    })
}

/// The counts in the order of [`COUNTS`].
pub(crate) fn counts_in_order(counts: &Counts) -> [i64; 13] {
    [
        counts.volume,
        counts.positive,
        counts.neutral,
        counts.negative,
        counts.score_sum,
        counts.nps_promoters,
        counts.nps_passives,
        counts.nps_detractors,
        counts.csat_count,
        counts.csat_satisfied,
        counts.csat_sum,
        counts.ces_count,
        counts.ces_sum,
    ]
}

fn wrong(what: &str, value: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Value,
        "read a window of the store",
        format!("{what} {value:?} is not known to this version"),
    )
}

/// The key in the columns `size, start_ms, topic, brand, channel` from `first` on.
pub(crate) fn key_at(row: &Row, first: usize) -> Result<WindowKey, StoreError> {
    let size = row.text(first)?;
    let channel = row.text(first + 4)?;
    Ok(WindowKey {
        size: WindowSize::from_name(&size).ok_or_else(|| wrong("size", &size))?,
        start: from_millis(row.int(first + 1)?)?,
        topic: row.text(first + 2)?,
        brand: row.text(first + 3)?,
        channel: Channel::from_name(&channel).ok_or_else(|| wrong("channel", &channel))?,
    })
}

pub(crate) fn rank_of(json: &str) -> Result<TermRank, StoreError> {
    serde_json::from_str(json).map_err(|error| {
        StoreError::new(
            StoreErrorKind::Value,
            "read the keywords of a window of the store",
            error,
        )
    })
}

pub(crate) fn sketch_of(bytes: &[u8]) -> Result<Distinct, StoreError> {
    Distinct::from_bytes(bytes).map_err(|error| {
        StoreError::new(
            StoreErrorKind::Value,
            "read the authors of a window of the store",
            error,
        )
    })
}

impl Store {
    /// Windows, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn windows(
        &self,
        filter: &WindowFilter,
        limit: u32,
    ) -> Result<Vec<WindowTotal>, StoreError> {
        let mut statement = Statement::new(format!(
            "SELECT size, start_ms, topic, brand, channel, revision, updated_at_ms, author_count, keywords, {} FROM windows",
            COUNTS.join(", ")
        ));
        filter.restrict(&mut statement, false);
        statement.push(" ORDER BY start_ms DESC, brand, channel LIMIT ");
        let limit = statement.bind(i64::from(limit));
        statement.push(&limit);
        let rows = self
            .database
            .fetch("read windows", statement.sql, statement.values)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(WindowTotal {
                    key: key_at(row, 0)?,
                    revision: row.int(5)?,
                    updated_at: from_millis(row.int(6)?)?,
                    authors: u64::try_from(row.int(7)?).unwrap_or(0),
                    top_keywords: top(&rank_of(&row.text(8)?)?, TOP_KEYWORDS),
                    counts: counts_at(row, 9)?,
                })
            })
            .collect()
    }

    /// The counts of all these windows together.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn total(&self, filter: &WindowFilter) -> Result<Counts, StoreError> {
        let mut statement = Statement::new(format!("SELECT {} FROM windows", sums_of_counts()));
        filter.restrict(&mut statement, false);
        let rows = self
            .database
            .fetch("sum windows", statement.sql, statement.values)
            .await?;
        rows.first()
            .map_or(Ok(Counts::default()), |row| counts_at(row, 0))
    }

    /// The counts by brand, channel or topic, the largest volume first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sums(&self, filter: &WindowFilter, by: Dimension) -> Result<Vec<Sum>, StoreError> {
        let column = by.column();
        let mut statement = Statement::new(format!(
            "SELECT {column}, {} FROM windows",
            sums_of_counts()
        ));
        filter.restrict(&mut statement, by == Dimension::Topic);
        statement.push(&format!(
            " GROUP BY {column} ORDER BY SUM(volume) DESC, {column}"
        ));
        let rows = self
            .database
            .fetch("sum windows", statement.sql, statement.values)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Sum {
                    name: row.text(0)?,
                    counts: counts_at(row, 1)?,
                })
            })
            .collect()
    }

    /// The counts window by window, oldest first; windows without feedback are absent.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn series(
        &self,
        filter: &WindowFilter,
        by: Option<Dimension>,
    ) -> Result<Vec<SeriesPoint>, StoreError> {
        let column = by.map_or("CAST('' AS TEXT)", Dimension::column);
        let group = by.map_or(String::new(), |by| format!(", {}", by.column()));
        let mut statement = Statement::new(format!(
            "SELECT start_ms, {column}, {} FROM windows",
            sums_of_counts()
        ));
        filter.restrict(&mut statement, by == Some(Dimension::Topic));
        statement.push(&format!(
            " GROUP BY start_ms{group} ORDER BY start_ms{group}"
        ));
        let rows = self
            .database
            .fetch("read a series of windows", statement.sql, statement.values)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(SeriesPoint {
                    start: from_millis(row.int(0)?)?,
                    name: row.text(1)?,
                    counts: counts_at(row, 2)?,
                })
            })
            .collect()
    }

    /// The heaviest keywords of all these windows together, heaviest first.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn keywords(
        &self,
        filter: &WindowFilter,
        limit: usize,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let mut statement = Statement::new("SELECT keywords FROM windows");
        filter.restrict(&mut statement, false);
        let rows = self
            .database
            .fetch("read keywords", statement.sql, statement.values)
            .await?;
        let mut rank = TermRank::default();
        for row in &rows {
            rank.merge(&rank_of(&row.text(0)?)?);
        }
        Ok(top(&rank, limit))
    }

    /// How many distinct authors these windows have together (an estimate above 128).
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn authors(&self, filter: &WindowFilter) -> Result<u64, StoreError> {
        let mut statement = Statement::new("SELECT authors FROM windows");
        filter.restrict(&mut statement, false);
        let rows = self
            .database
            .fetch("read authors", statement.sql, statement.values)
            .await?;
        let mut authors = Distinct::default();
        for row in &rows {
            authors.merge(&sketch_of(&row.bytes(0)?)?);
        }
        Ok(authors.count())
    }

    /// The brands that have windows, in the order of their names.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn brands(&self) -> Result<Vec<String>, StoreError> {
        self.names(
            "SELECT DISTINCT brand FROM windows WHERE size = $1 AND topic = $2 ORDER BY brand",
        )
        .await
    }

    /// The topics that have windows, in the order of their names, without [`TOPIC_ALL`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn topics(&self) -> Result<Vec<String>, StoreError> {
        self.names(
            "SELECT DISTINCT topic FROM windows WHERE size = $1 AND topic <> $2 ORDER BY topic",
        )
        .await
    }

    async fn names(&self, sql: &'static str) -> Result<Vec<String>, StoreError> {
        let values = vec![WindowSize::Day.name().into(), TOPIC_ALL.into()];
        let rows = self.database.fetch("read names", sql, values).await?;
        rows.iter().map(|row| row.text(0)).collect()
    }

    /// The volume of all windows of that length together, each piece of feedback once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn window_volume(&self, size: WindowSize) -> Result<i64, StoreError> {
        self.database
            .fetch_int(
                "sum the volume of windows",
                "SELECT CAST(SUM(volume) AS BIGINT) FROM windows WHERE size = $1 AND topic = $2",
                vec![size.name().into(), TOPIC_ALL.into()],
            )
            .await
    }
}

/// The heaviest terms, owned. What was only taken back so far (the revision overtook what it replaces) is not shown.
pub(crate) fn top(rank: &TermRank, limit: usize) -> Vec<(String, i64)> {
    rank.top(limit)
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(term, count)| (term.to_owned(), count))
        .collect()
}
