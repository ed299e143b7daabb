//! What could not be processed, newest first, so that nothing is lost silently.

use std::fmt;
use std::str::FromStr;

use wensheng_schemas::DeadLetter;

use crate::feedback::{document, split_cursor};
use crate::statement::Statement;
use crate::{Store, StoreError};

/// Where a page ended. Its text form is opaque and fit for a URL once encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterCursor {
    at_ms: i64,
    id: String,
}

impl fmt::Display for DeadLetterCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at_ms, self.id)
    }
}

impl FromStr for DeadLetterCursor {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let (at_ms, id) = split_cursor(text)?;
        Ok(Self { at_ms, id })
    }
}

/// A page of dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterPage {
    /// The dead letters, newest first.
    pub rows: Vec<DeadLetter>,
    /// Where the next page begins; `None` when there is no more.
    pub next: Option<DeadLetterCursor>,
}

impl Store {
    /// Dead letters, newest first, at most `limit`, after the page that ended at `after`.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn dead_letters(
        &self,
        after: Option<&DeadLetterCursor>,
        limit: u32,
    ) -> Result<DeadLetterPage, StoreError> {
        let mut statement = Statement::new("SELECT at_ms, id, document FROM dead_letters");
        if let Some(after) = after {
            let at = statement.bind(after.at_ms);
            let id = statement.bind(after.id.as_str());
            statement.condition(&format!("(at_ms, id) < ({at}, {id})"));
        }
        statement.push(" ORDER BY at_ms DESC, id DESC LIMIT ");
        let more = statement.bind(i64::from(limit) + 1);
        statement.push(&more);
        let mut rows = self
            .database
            .fetch("read dead letters", statement.sql, statement.values)
            .await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = match rows.last() {
            Some(last) if more => Some(DeadLetterCursor {
                at_ms: last.int(0)?,
                id: last.text(1)?,
            }),
            _ => None,
        };
        let rows = rows
            .iter()
            .map(|row| document(row, 2))
            .collect::<Result<_, _>>()?;
        Ok(DeadLetterPage { rows, next })
    }

    /// How many dead letters are stored.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn dead_letter_count(&self) -> Result<u64, StoreError> {
        self.count("SELECT COUNT(*) FROM dead_letters").await
    }
}
