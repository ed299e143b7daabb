//! Answers on scales, question by question: sums of what deltas count.

use serde::{Deserialize, Serialize};
use wensheng_schemas::{RatingCount, RatingSum, WindowSize};

use crate::statement::Statement;
use crate::{Store, StoreError, StoreErrorKind, WindowFilter};

/// The answers to one question about one brand on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatedQuestion {
    /// Whom it was about; empty where the answers about all are added.
    pub brand: String,
    /// Where it was asked; empty where those of all channels are added.
    pub channel: String,
    /// The product (none where those about all are added), the question, its scale and the sums.
    #[serde(flatten)]
    pub count: RatingCount,
}

/// What answers to one question on one scale are told apart by; all else is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RatedBy {
    /// By nothing further.
    Question,
    /// By brand.
    Brand,
    /// By channel.
    Channel,
    /// By product.
    Product,
}

impl RatedBy {
    /// The names that [`RatedBy::from_name`] knows.
    pub const NAMES: &'static str = "question, brand, channel, product";

    /// What is meant by a name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "question" => Some(Self::Question),
            "brand" => Some(Self::Brand),
            "channel" => Some(Self::Channel),
            "product" => Some(Self::Product),
            _ => None,
        }
    }
}

impl Store {
    /// The answers in these windows by question and scale, told apart by `by` or, without it, by brand, channel and product; those answered most
    /// first. The filter's topic says nothing here.
    ///
    /// # Errors
    /// When the filter asks for windows of a minute, in which answers are not counted; when the database does not answer.
    pub async fn ratings(
        &self,
        filter: &WindowFilter,
        by: Option<RatedBy>,
        limit: u32,
    ) -> Result<Vec<RatedQuestion>, StoreError> {
        let action = "read ratings";
        if filter.size == WindowSize::Minute {
            return Err(StoreError::new(
                StoreErrorKind::Value,
                action,
                "they are counted by the hour and by the day; ask for one of these",
            ));
        }
        let told = |name, one| {
            if by.is_none_or(|by| by == one) {
                name
            } else {
                "''"
            }
        };
        let mut statement = Statement::new(format!(
            "SELECT {} AS of_brand, {} AS of_channel, {} AS of_product, question, scale_from, scale_to, CAST(SUM(answers) AS BIGINT),
             CAST(SUM(top) AS BIGINT), CAST(SUM(bottom) AS BIGINT), CAST(SUM(value_sum) AS BIGINT) FROM ratings",
            told("brand", RatedBy::Brand),
            told("channel", RatedBy::Channel),
            told("product", RatedBy::Product),
        ));
        statement.compare("size =", filter.size.name());
        statement.compare("start_ms >=", filter.from.as_millisecond());
        statement.compare("start_ms <", filter.to.as_millisecond());
        if let Some(brand) = &filter.brand {
            statement.compare("brand =", brand.as_str());
        }
        if let Some(channel) = filter.channel {
            statement.compare("channel =", channel.name());
        }
        statement.push(
            " GROUP BY of_brand, of_channel, of_product, question, scale_from, scale_to HAVING SUM(answers) > 0
              ORDER BY SUM(answers) DESC, of_brand, of_channel, of_product, question, scale_from, scale_to LIMIT ",
        );
        let limit = statement.bind(i64::from(limit));
        statement.push(&limit);
        let rows = self
            .database
            .fetch(action, statement.sql, statement.values)
            .await?;
        rows.iter()
            .map(|row| {
                let bound = |column| {
                    let n = row.int(column)?;
                    i32::try_from(n).map_err(|_| {
                        let reason = format!("{n} is no end of a scale of this version");
                        StoreError::new(StoreErrorKind::Value, action, reason)
                    })
                };
                Ok(RatedQuestion {
                    brand: row.text(0)?,
                    channel: row.text(1)?,
                    count: RatingCount {
                        product: Some(row.text(2)?).filter(|name| !name.is_empty()),
                        question: row.text(3)?,
                        from: bound(4)?,
                        to: bound(5)?,
                        sum: RatingSum {
                            answers: row.int(6)?,
                            top: row.int(7)?,
                            bottom: row.int(8)?,
                            value_sum: row.int(9)?,
                        },
                    },
                })
            })
            .collect()
    }
}
