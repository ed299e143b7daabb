//! Many rows in few statements: their number is a power of two, so that each is prepared once and used again.

use std::fmt::Write as _;

use crate::StoreError;
use crate::database::{Transaction, Value};

/// Rows per statement. More gain little: the cost per statement (some 20 µs, a round trip on PostgreSQL) is then spread
/// thin; and a statement of 128 rows of 27 columns stays far below the 32,766 parameters that SQLite takes.
const MOST_ROWS: usize = 128;

/// An INSERT of any number of rows.
pub(crate) struct Insert {
    /// The table.
    pub(crate) table: &'static str,
    /// Its columns, as many as each row has values.
    pub(crate) columns: &'static [&'static str],
    /// What follows the rows: the ON CONFLICT clause, or nothing.
    pub(crate) conflict: &'static str,
}

impl Insert {
    /// Writes the rows; how many were inserted or updated.
    pub(crate) async fn run(
        &self,
        transaction: &mut Transaction,
        rows: Vec<Vec<Value>>,
    ) -> Result<u64, StoreError> {
        let action = format!("write to the table {}", self.table);
        let mut touched = 0;
        let mut left = rows.len();
        let mut rows = rows.into_iter();
        while left > 0 {
            let count = MOST_ROWS.min(1 << left.ilog2());
            let mut values = Vec::with_capacity(count * self.columns.len());
            values.extend(rows.by_ref().take(count).flatten());
            let sql = self.sql(count, transaction.is_postgres());
            touched += transaction.execute(&action, sql, values).await?;
            left -= count;
        }
        Ok(touched)
    }

    fn sql(&self, rows: usize, numbered: bool) -> String {
        let mut sql = format!(
            "INSERT INTO {} ({}) VALUES ",
            self.table,
            self.columns.join(", ")
        );
        push_rows(&mut sql, rows, self.columns.len(), numbered);
        sql.push(' ');
        sql.push_str(self.conflict);
        sql
    }
}

/// `(?, ?), (?, ?)`, or `($1, $2), ($3, $4)`. SQLite looks numbered parameters up one by one in a list, which thousands
/// of them would make slow.
pub(crate) fn push_rows(sql: &mut String, rows: usize, columns: usize, numbered: bool) {
    let mut number = 0;
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            if column > 0 {
                sql.push_str(", ");
            }
            number += 1;
            if numbered {
                // Writing to a string cannot fail.
                write!(sql, "${number}").unwrap_or_default();
            } else {
                sql.push('?');
            }
        }
        sql.push(')');
    }
}
