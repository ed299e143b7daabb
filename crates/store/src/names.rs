//! What deltas count by name, added to the stored sums in the transaction of the windows: a sum that another writer raised meanwhile is raised,
//! never replaced.

use std::collections::BTreeMap;

use jiff::Timestamp;
use wensheng_schemas::{RatingSum, WindowDelta, WindowKey, WindowSize};

use crate::database::{Transaction, Value};
use crate::insert::Insert;
use crate::{Store, StoreError};

const TERMS: Insert = Insert {
    table: "terms",
    columns: &[
        "size", "start_ms", "brand", "channel", "term", "mentions", "negative",
    ],
    conflict: "ON CONFLICT (size, start_ms, brand, channel, term) DO UPDATE SET
        mentions = terms.mentions + excluded.mentions, negative = terms.negative + excluded.negative",
};

const RATINGS: Insert = Insert {
    table: "ratings",
    columns: &[
        "size",
        "start_ms",
        "brand",
        "channel",
        "product",
        "question",
        "scale_from",
        "scale_to",
        "answers",
        "top",
        "bottom",
        "value_sum",
    ],
    conflict:
        "ON CONFLICT (size, start_ms, brand, channel, product, question, scale_from, scale_to) DO UPDATE SET
        answers = ratings.answers + excluded.answers, top = ratings.top + excluded.top,
        bottom = ratings.bottom + excluded.bottom, value_sum = ratings.value_sum + excluded.value_sum",
};

/// What a batch adds. Sorted, so that no two writers wait for each other in a circle.
#[derive(Debug, Default)]
pub(crate) struct Names {
    terms: BTreeMap<(WindowKey, String), (i64, i64)>,
    /// By product, question and scale.
    ratings: BTreeMap<(WindowKey, String, String, i32, i32), RatingSum>,
}

impl Names {
    /// Adds what a delta counts by name.
    pub(crate) fn add(&mut self, delta: &WindowDelta) {
        for term in &delta.terms {
            let key = (delta.key.clone(), term.term.clone());
            let sum = self.terms.entry(key).or_default();
            sum.0 += term.count;
            sum.1 += term.negative;
        }
        for rating in &delta.ratings {
            let product = rating.product.clone().unwrap_or_default();
            let question = rating.question.clone();
            let key = (delta.key.clone(), product, question, rating.from, rating.to);
            self.ratings.entry(key).or_default().add(&rating.sum);
        }
    }

    /// Adds it to what is stored.
    pub(crate) async fn apply(self, transaction: &mut Transaction) -> Result<(), StoreError> {
        let terms = self.terms.into_iter().filter(|(_, sum)| *sum != (0, 0));
        let terms = terms.map(|((key, term), (mentions, negative))| {
            let mut row = window(&key);
            row.extend([term.into(), mentions.into(), negative.into()]);
            row
        });
        TERMS.run(transaction, terms.collect()).await?;
        let nothing = RatingSum::default();
        let ratings = self.ratings.into_iter().filter(|(_, sum)| *sum != nothing);
        let ratings = ratings.map(|((key, product, question, from, to), sum)| {
            let mut row = window(&key);
            row.extend([product.into(), question.into()]);
            let numbers = [
                i64::from(from),
                i64::from(to),
                sum.answers,
                sum.top,
                sum.bottom,
                sum.value_sum,
            ];
            row.extend(numbers.map(Value::Int));
            row
        });
        RATINGS.run(transaction, ratings.collect()).await?;
        Ok(())
    }
}

impl Store {
    /// Deletes the terms of hours before `instant`; how many rows. Those of days stay.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delete_hourly_terms_before(&self, instant: Timestamp) -> Result<u64, StoreError> {
        let sql = "DELETE FROM terms WHERE size = $1 AND start_ms < $2";
        let values = vec![
            WindowSize::Hour.name().into(),
            instant.as_millisecond().into(),
        ];
        self.database.execute("delete old terms", sql, values).await
    }
}

fn window(key: &WindowKey) -> Vec<Value> {
    vec![
        key.size.name().into(),
        key.start.as_millisecond().into(),
        key.brand.as_str().into(),
        key.channel.name().into(),
    ]
}
