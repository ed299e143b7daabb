//! One set of queries for both databases: values go in and come out as five plain kinds.
//!
//! sqlx's own `Any` driver copies every text twice on its way into SQLite, refuses columns of type boolean there, and
//! hides the settings that matter (journal mode, lock time-outs); this is as much of it as the store needs.

use std::sync::Arc;

use futures::TryStreamExt as _;
use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::sqlite::{SqliteArguments, SqlitePool, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Postgres, Row as _, Sqlite};

use crate::StoreError;

/// A statement: its text never holds anything from outside.
pub(crate) type Sql = Arc<str>;

/// A parameter of a query.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Int(i64),
    Double(f64),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
    NoText,
    NoInt,
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Text(value)
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        value.map_or(Value::NoText, Value::from)
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        value.map_or(Value::NoInt, Value::Int)
    }
}

/// A row of an answer.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! getters {
    ($($name:ident -> $type:ty),* $(,)?) => {
        impl Row {
            $(pub(crate) fn $name(&self, column: usize) -> Result<$type, StoreError> {
                match self {
                    Row::Sqlite(row) => row.try_get_unchecked(column),
                    Row::Postgres(row) => row.try_get(column),
                }
                .map_err(|error| StoreError::of("read a row of the store", &error))
            })*
        }
    };
}

getters! {
    int -> i64,
    maybe_int -> Option<i64>,
    text -> String,
    bytes -> Vec<u8>,
}

/// The pools of one database. SQLite has a single writer, so that writers queue here and not in lock time-outs.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

/// Statements that happen together, or not at all: dropped without a commit, it is rolled back.
pub(crate) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

fn sqlite_arguments(values: Vec<Value>) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        match value {
            Value::Int(value) => arguments.add(value),
            Value::Double(value) => arguments.add(value),
            Value::Bool(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
            Value::NoText => arguments.add(None::<String>),
            Value::NoInt => arguments.add(None::<i64>),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn postgres_arguments(values: Vec<Value>) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        match value {
            Value::Int(value) => arguments.add(value),
            Value::Double(value) => arguments.add(value),
            Value::Bool(value) => arguments.add(value),
            // PostgreSQL has no form for the character NUL in texts; one such character must not hold up a batch.
            Value::Text(value) if value.contains('\0') => {
                arguments.add(value.replace('\0', "\u{fffd}"))
            }
            Value::Text(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
            Value::NoText => arguments.add(None::<String>),
            Value::NoInt => arguments.add(None::<i64>),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// Where the disk is full, SQLite rolls back by itself; the connection still counts the transaction that is gone, and begins
/// no other. It is closed then, and another is opened.
async fn begin_sqlite(
    writer: &SqlitePool,
) -> Result<sqlx::Transaction<'static, Sqlite>, sqlx::Error> {
    const BEGIN: &str = "BEGIN IMMEDIATE";
    match writer.begin_with(BEGIN).await {
        Err(sqlx::Error::InvalidSavePointStatement) => {
            writer.acquire().await?.close().await?;
            writer.begin_with(BEGIN).await
        }
        begun => begun,
    }
}

impl Database {
    /// The function that finds one text in another: `f(text, part) > 0`.
    pub(crate) fn position(&self) -> &'static str {
        match self {
            Database::Sqlite { .. } => "instr",
            Database::Postgres(_) => "strpos",
        }
    }

    /// The operator that compares with a pattern, whatever the case of Latin letters.
    pub(crate) fn like(&self) -> &'static str {
        match self {
            Database::Sqlite { .. } => "LIKE",
            Database::Postgres(_) => "ILIKE",
        }
    }

    /// All rows of a query that only reads.
    pub(crate) async fn fetch(
        &self,
        action: &str,
        sql: impl Into<Sql>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let sql = AssertSqlSafe(sql.into());
        match self {
            Database::Sqlite { readers, .. } => match sqlite_arguments(values) {
                Ok(arguments) => {
                    sqlx::query_with(sql, arguments)
                        .fetch(readers)
                        .map_ok(Row::Sqlite)
                        .try_collect()
                        .await
                }
                Err(error) => Err(error),
            },
            Database::Postgres(pool) => match postgres_arguments(values) {
                Ok(arguments) => {
                    sqlx::query_with(sql, arguments)
                        .fetch(pool)
                        .map_ok(Row::Postgres)
                        .try_collect()
                        .await
                }
                Err(error) => Err(error),
            },
        }
        .map_err(|error| StoreError::of(action, &error))
    }

    /// The first column of the only row, a number; 0 where there is none.
    pub(crate) async fn fetch_int(
        &self,
        action: &str,
        sql: impl Into<Sql>,
        values: Vec<Value>,
    ) -> Result<i64, StoreError> {
        let rows = self.fetch(action, sql, values).await?;
        match rows.first() {
            Some(row) => Ok(row.maybe_int(0)?.unwrap_or(0)),
            None => Ok(0),
        }
    }

    /// Begins a transaction that writes. On SQLite it takes the write lock at once: taken later, it could fail between
    /// a read and the write that follows from it.
    pub(crate) async fn begin(&self, action: &str) -> Result<Transaction, StoreError> {
        match self {
            Database::Sqlite { writer, .. } => begin_sqlite(writer).await.map(Transaction::Sqlite),
            Database::Postgres(pool) => pool.begin().await.map(Transaction::Postgres),
        }
        .map_err(|error| StoreError::of(action, &error))
    }

    /// Runs one statement that writes, by itself; how many rows it touched.
    pub(crate) async fn execute(
        &self,
        action: &str,
        sql: impl Into<Sql>,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let mut transaction = self.begin(action).await?;
        let touched = transaction.execute(action, sql, values).await?;
        transaction.commit(action).await?;
        Ok(touched)
    }

    /// Writes the files anew without what was changed or deleted in them, so that it cannot be read from free pages either.
    pub(crate) async fn clean(&self) -> Result<(), StoreError> {
        match self {
            Database::Sqlite { writer, .. } => match sqlx::query("VACUUM").execute(writer).await {
                Ok(_) => sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
                    .execute(writer)
                    .await
                    .map(|_| ()),
                Err(error) => Err(error),
            },
            Database::Postgres(pool) => sqlx::query("VACUUM").execute(pool).await.map(|_| ()),
        }
        .map_err(|error| StoreError::of("write the store anew without what was erased", &error))
    }

    pub(crate) async fn close(&self) {
        match self {
            Database::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Database::Postgres(pool) => pool.close().await,
        }
    }
}

impl Transaction {
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self, Transaction::Postgres(_))
    }

    /// Runs a statement; how many rows it touched.
    pub(crate) async fn execute(
        &mut self,
        action: &str,
        sql: impl Into<Sql>,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let sql = AssertSqlSafe(sql.into());
        match self {
            Transaction::Sqlite(transaction) => match sqlite_arguments(values) {
                Ok(arguments) => sqlx::query_with(sql, arguments)
                    .execute(&mut **transaction)
                    .await
                    .map(|done| done.rows_affected()),
                Err(error) => Err(error),
            },
            Transaction::Postgres(transaction) => match postgres_arguments(values) {
                Ok(arguments) => sqlx::query_with(sql, arguments)
                    .execute(&mut **transaction)
                    .await
                    .map(|done| done.rows_affected()),
                Err(error) => Err(error),
            },
        }
        .map_err(|error| StoreError::of(action, &error))
    }

    /// All rows of a query.
    pub(crate) async fn fetch(
        &mut self,
        action: &str,
        sql: impl Into<Sql>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let sql = AssertSqlSafe(sql.into());
        match self {
            Transaction::Sqlite(transaction) => match sqlite_arguments(values) {
                Ok(arguments) => {
                    sqlx::query_with(sql, arguments)
                        .fetch(&mut **transaction)
                        .map_ok(Row::Sqlite)
                        .try_collect()
                        .await
                }
                Err(error) => Err(error),
            },
            Transaction::Postgres(transaction) => match postgres_arguments(values) {
                Ok(arguments) => {
                    sqlx::query_with(sql, arguments)
                        .fetch(&mut **transaction)
                        .map_ok(Row::Postgres)
                        .try_collect()
                        .await
                }
                Err(error) => Err(error),
            },
        }
        .map_err(|error| StoreError::of(action, &error))
    }

    /// Makes it all last.
    pub(crate) async fn commit(self, action: &str) -> Result<(), StoreError> {
        match self {
            Transaction::Sqlite(transaction) => transaction.commit().await,
            Transaction::Postgres(transaction) => transaction.commit().await,
        }
        .map_err(|error| StoreError::of(action, &error))
    }

    /// Runs several statements without parameters.
    pub(crate) async fn execute_script(
        &mut self,
        action: &str,
        sql: &'static str,
    ) -> Result<(), StoreError> {
        match self {
            Transaction::Sqlite(transaction) => sqlx::raw_sql(sql)
                .execute(&mut **transaction)
                .await
                .map(|_| ()),
            Transaction::Postgres(transaction) => sqlx::raw_sql(sql)
                .execute(&mut **transaction)
                .await
                .map(|_| ()),
        }
        .map_err(|error| StoreError::of(action, &error))
    }
}
