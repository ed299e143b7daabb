//! An error says what was tried, on what, and whether waiting helps.

use thiserror::Error;

/// What an error of the store means for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The database cannot be reached or is busy, or its disk is full: wait and try the same again.
    Unavailable,
    /// The database file is damaged, or is no database.
    Corrupt,
    /// The file, directory or database may not be written.
    Unwritable,
    /// The settings are wrong: address, user, password, database name.
    Settings,
    /// The database was written by another version.
    Version,
    /// A stored value is not what this version writes.
    Value,
    /// Anything else that waiting does not mend.
    Query,
}

/// What went wrong in the store.
#[derive(Debug, Error)]
#[error("{action}: {reason}")]
pub struct StoreError {
    /// What the caller may do.
    pub kind: StoreErrorKind,
    /// What was tried, on what: `open the store /data/store.db`.
    pub action: String,
    /// Why it failed and what the operator can do.
    pub reason: String,
}

impl StoreError {
    /// An error of that kind.
    pub fn new(
        kind: StoreErrorKind,
        action: impl Into<String>,
        reason: impl std::fmt::Display,
    ) -> Self {
        Self {
            kind,
            action: action.into(),
            reason: reason.to_string(),
        }
    }

    /// A stable name for metrics.
    pub const fn kind(&self) -> &'static str {
        match self.kind {
            StoreErrorKind::Unavailable => "unavailable",
            StoreErrorKind::Corrupt => "corrupt",
            StoreErrorKind::Unwritable => "unwritable",
            StoreErrorKind::Settings => "settings",
            StoreErrorKind::Version => "version",
            StoreErrorKind::Value => "value",
            StoreErrorKind::Query => "query",
        }
    }

    /// Whether the same call may succeed later without anybody's help.
    pub const fn retriable(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Unavailable)
    }

    /// What a database error means, told with the action that met it.
    pub(crate) fn of(action: impl Into<String>, error: &sqlx::Error) -> Self {
        let (kind, advice) = classify(error);
        let reason = match advice {
            "" => error.to_string(),
            advice => format!("{error}; {advice}"),
        };
        Self::new(kind, action, reason)
    }
}

/// The meaning of an error, and what the operator can do.
fn classify(error: &sqlx::Error) -> (StoreErrorKind, &'static str) {
    use StoreErrorKind::{Query, Settings, Unavailable, Value};
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            if error
                .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
                .is_some()
            {
                classify_postgres(&code)
            } else {
                classify_sqlite(code.parse().unwrap_or(0))
            }
        }
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => (
            Unavailable,
            "check that the database is up and can be reached from here",
        ),
        sqlx::Error::PoolClosed => (Query, "the store was closed"),
        sqlx::Error::Tls(_) | sqlx::Error::Configuration(_) => {
            (Settings, "correct `store.url` in the configuration")
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            (Value, "the row was written by another program or version")
        }
        // A connection that breaks in the middle of an answer shows as a protocol error.
        sqlx::Error::Protocol(_) => (Unavailable, "the connection broke"),
        _ => (Query, ""),
    }
}

/// The primary result code is the low byte of an extended one (<https://www.sqlite.org/rescode.html>).
fn classify_sqlite(code: i64) -> (StoreErrorKind, &'static str) {
    use StoreErrorKind::{Corrupt, Query, Unavailable, Unwritable};
    match code & 0xff {
        5 | 6 => (
            Unavailable,
            "another process holds the file; stop it or wait for it",
        ),
        8 | 3 | 23 => (
            Unwritable,
            "give this process the right to write the file and its directory",
        ),
        10 => (Unwritable, "check the disk and its free space"),
        13 => (
            Unavailable,
            "the disk is full: free some space, work goes on then",
        ),
        14 => (
            Unwritable,
            "check that the directory exists and that this process may write in it",
        ),
        11 => (
            Corrupt,
            "the file is damaged; restore a backup, or move it away: it is then rebuilt from the log as far as that reaches back",
        ),
        26 => (
            Corrupt,
            "the file is no SQLite database; name another in `store.url`, or move it away",
        ),
        _ => (Query, ""),
    }
}

/// SQLSTATE classes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn classify_postgres(code: &str) -> (StoreErrorKind, &'static str) {
    use StoreErrorKind::{Corrupt, Query, Settings, Unavailable, Unwritable};
    match (code.get(..2).unwrap_or_default(), code) {
        ("08", _) | ("57", _) => (Unavailable, "the server goes down or comes up; wait for it"),
        // A window that two transactions create at once is there for the second try (23505).
        ("40", _) | (_, "55P03" | "23505") => (Unavailable, "another transaction was in the way"),
        (_, "53100") => (
            Unavailable,
            "the server's disk is full: free some space, work goes on then",
        ),
        ("53", _) => (Unavailable, "the server is short of connections or memory"),
        ("28", _) => (Settings, "correct the user and password in `store.url`"),
        ("3D", _) => (
            Settings,
            "create the database, or correct its name in `store.url`",
        ),
        (_, "42501") => (
            Unwritable,
            "grant the user the right to create and write tables in this schema",
        ),
        (_, "25006") => (
            Unwritable,
            "the server is read-only; connect to the primary",
        ),
        ("XX", _) => (Corrupt, "the server reports damage; see its log"),
        _ => (Query, ""),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Connection as _;

    use super::*;

    #[tokio::test]
    async fn a_full_disk_is_waited_for() {
        let mut database = sqlx::SqliteConnection::connect("sqlite::memory:")
            .await
            .unwrap();
        for statement in ["CREATE TABLE t (x BLOB)", "PRAGMA max_page_count = 4"] {
            sqlx::query(statement).execute(&mut database).await.unwrap();
        }
        let full = sqlx::query("INSERT INTO t VALUES (zeroblob(100000))")
            .execute(&mut database)
            .await
            .unwrap_err();
        let error = StoreError::of("write a batch to the store", &full);
        assert!(error.retriable(), "{error}");
        assert!(error.reason.contains("free some space"), "{error}");
        let (kind, _) = classify_postgres("53100");
        assert_eq!(kind, StoreErrorKind::Unavailable);
    }
}
