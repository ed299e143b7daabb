//! Feedback as it was published, newest first; a page begins exactly where the one before ended.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use wensheng_schemas::{Channel, Enriched, EventId, SentimentLabel};

use crate::database::Row;
use crate::statement::Statement;
use crate::{Store, StoreError, StoreErrorKind};

/// Which feedback.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedbackFilter {
    /// Said at this instant or later …
    pub from: Option<Timestamp>,
    /// … and before this one.
    pub to: Option<Timestamp>,
    /// About this brand.
    pub brand: Option<String>,
    /// On this channel.
    pub channel: Option<Channel>,
    /// With this verdict.
    pub label: Option<SentimentLabel>,
    /// Under this topic.
    pub topic: Option<String>,
    /// That met the rule of this id.
    pub rule: Option<String>,
    /// That names this term, among its terms or its keywords.
    pub term: Option<String>,
    /// Whose text contains this.
    pub text: Option<String>,
    /// From this source.
    pub source: Option<String>,
    /// Of drills only, or none of drills.
    pub drill: Option<bool>,
}

/// Where a page ended. Its text form is opaque and fit for a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedbackCursor {
    occurred_at_ms: i64,
    id: String,
}

impl fmt::Display for FeedbackCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.occurred_at_ms, self.id)
    }
}

impl FromStr for FeedbackCursor {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let (millis, id) = split_cursor(text)?;
        Ok(Self {
            occurred_at_ms: millis,
            id,
        })
    }
}

/// `<milliseconds>-<id>`; the milliseconds may be negative.
pub(crate) fn split_cursor(text: &str) -> Result<(i64, String), StoreError> {
    let wrong = || {
        StoreError::new(
            StoreErrorKind::Value,
            "read a page position",
            format!("{text:?} was not given by a page before"),
        )
    };
    let at = text
        .get(1..)
        .and_then(|rest| rest.find('-'))
        .ok_or_else(wrong)?
        + 1;
    let millis = text
        .get(..at)
        .and_then(|n| n.parse().ok())
        .ok_or_else(wrong)?;
    let id = text.get(at + 1..).ok_or_else(wrong)?;
    Ok((millis, id.to_owned()))
}

/// A page of feedback.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedbackPage {
    /// The feedback, newest first.
    pub rows: Vec<Enriched>,
    /// Where the next page begins; `None` when there is no more.
    pub next: Option<FeedbackCursor>,
}

/// The stable name of a verdict.
pub(crate) const fn label_name(label: SentimentLabel) -> &'static str {
    match label {
        SentimentLabel::Positive => "positive",
        SentimentLabel::Neutral => "neutral",
        SentimentLabel::Negative => "negative",
    }
}

/// The document in a column.
pub(crate) fn document<T: DeserializeOwned>(row: &Row, column: usize) -> Result<T, StoreError> {
    serde_json::from_str(&row.text(column)?).map_err(|error| {
        StoreError::new(
            StoreErrorKind::Value,
            "read a document of the store",
            format!("{error}; it was written by another program or version"),
        )
    })
}

/// A text as it stands within a JSON list.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Store {
    /// Feedback, newest first, at most `limit`, after the page that ended at `after`.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn feedback(
        &self,
        filter: &FeedbackFilter,
        after: Option<&FeedbackCursor>,
        limit: u32,
    ) -> Result<FeedbackPage, StoreError> {
        let position = self.database.position();
        let mut statement = Statement::new("SELECT occurred_at_ms, id, document FROM feedback");
        statement.condition("NOT withdrawn");
        if let Some(from) = filter.from {
            statement.compare("occurred_at_ms >=", from.as_millisecond());
        }
        if let Some(to) = filter.to {
            statement.compare("occurred_at_ms <", to.as_millisecond());
        }
        if let Some(brand) = &filter.brand {
            statement.compare("brand =", brand.as_str());
        }
        if let Some(channel) = filter.channel {
            statement.compare("channel =", channel.name());
        }
        if let Some(label) = filter.label {
            statement.compare("label =", label_name(label));
        }
        if let Some(topic) = &filter.topic {
            // A quoted element of the JSON list: quotes within names are escaped, so this meets whole names alone.
            statement.contains("topics", position, quoted(topic));
        }
        if let Some(rule) = &filter.rule {
            statement.condition("rules <> '[]'");
            statement.contains("rules", position, quoted(rule));
        }
        if let Some(term) = &filter.term {
            // Terms and keywords stand in the document as whole quoted texts.
            statement.contains("document", position, quoted(term));
        }
        if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
            statement.contains_like("text", self.database.like(), text);
        }
        if let Some(source) = &filter.source {
            statement.compare("source =", source.as_str());
        }
        if let Some(drill) = filter.drill {
            statement.compare("drill =", drill);
        }
        if let Some(after) = after {
            let millis = statement.bind(after.occurred_at_ms);
            let id = statement.bind(after.id.as_str());
            statement.condition(&format!("(occurred_at_ms, id) < ({millis}, {id})"));
        }
        statement.push(" ORDER BY occurred_at_ms DESC, id DESC LIMIT ");
        // One more than asked for tells whether there is a next page.
        let more = statement.bind(i64::from(limit) + 1);
        statement.push(&more);
        let mut rows = self
            .database
            .fetch("read feedback", statement.sql, statement.values)
            .await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = match rows.last() {
            Some(last) if more => Some(FeedbackCursor {
                occurred_at_ms: last.int(0)?,
                id: last.text(1)?,
            }),
            _ => None,
        };
        let rows = rows
            .iter()
            .map(|row| document(row, 2))
            .collect::<Result<_, _>>()?;
        Ok(FeedbackPage { rows, next })
    }

    /// One piece of feedback.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn feedback_by_id(&self, id: &EventId) -> Result<Option<Enriched>, StoreError> {
        let rows = self
            .database
            .fetch(
                "read a piece of feedback",
                "SELECT document FROM feedback WHERE id = $1 AND NOT withdrawn",
                vec![id.as_str().into()],
            )
            .await?;
        rows.first().map(|row| document(row, 0)).transpose()
    }

    /// How many pieces of feedback are stored.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn feedback_count(&self) -> Result<u64, StoreError> {
        self.count("SELECT COUNT(*) FROM feedback WHERE NOT withdrawn")
            .await
    }

    pub(crate) async fn count(&self, sql: &'static str) -> Result<u64, StoreError> {
        let count = self
            .database
            .fetch_int("count rows", sql, Vec::new())
            .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}
