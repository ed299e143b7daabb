//! What publishing counts. Names are pinned by a test, because dashboards and alarms rest on them.

/// Rows written, by table.
pub const ROWS: &str = "wensheng_store_rows_total";
/// Rows left as they were because the store held a higher revision, by table.
pub const STALE: &str = "wensheng_store_stale_rows_total";
/// Records left out because they were applied before.
pub const REPEATED: &str = "wensheng_store_repeated_records_total";
/// Seconds that the database transaction of a batch took.
pub const TRANSACTION: &str = "wensheng_store_transaction_seconds";
/// Transactions and look-ups that failed, by the kind of the store's error.
pub const FAILURES: &str = "wensheng_store_failures_total";
/// Pieces of feedback deleted because they were older than the retention.
pub const DELETED: &str = "wensheng_store_deleted_feedback_total";
/// Dead letters that could not be read themselves.
pub const UNREADABLE_DEAD_LETTER: &str = "unreadable_dead_letter";

#[cfg(test)]
mod tests {
    #[test]
    fn names_do_not_change() {
        assert_eq!(
            [
                super::ROWS,
                super::STALE,
                super::REPEATED,
                super::TRANSACTION,
                super::FAILURES,
                super::DELETED
            ],
            [
                "wensheng_store_rows_total",
                "wensheng_store_stale_rows_total",
                "wensheng_store_repeated_records_total",
                "wensheng_store_transaction_seconds",
                "wensheng_store_failures_total",
                "wensheng_store_deleted_feedback_total",
            ]
        );
    }
}
