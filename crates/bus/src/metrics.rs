//! Every metric of the bus is named here, once; a test pins the names, so that dashboards do not break silently.

/// Counter: records that a stage finished, once their batch is committed. Labels: `stage`, `outcome` (`emit`, `drop`,
/// `reject`), `reason` (of a drop; else empty).
pub const RECORDS_IN: &str = "wensheng_stage_records_total";

/// Counter: records that a stage appended, once committed. Labels: `stage`, `topic`.
pub const RECORDS_OUT: &str = "wensheng_stage_outputs_total";

/// Counter: records sent to dead-letters, once committed. Label: `stage`.
pub const DEAD_LETTERS: &str = "wensheng_stage_dead_letters_total";

/// Counter: records read back into a stage when partitions were assigned. Label: `stage`.
pub const RESTORED: &str = "wensheng_stage_restored_records_total";

/// Counter: sessions that were lost and opened anew. Label: `stage`.
pub const SESSIONS_LOST: &str = "wensheng_stage_sessions_lost_total";

/// Histogram: seconds from a batch in hand to its commit, waits included. Label: `stage`.
pub const BATCH_DURATION: &str = "wensheng_stage_batch_duration_seconds";

/// Histogram: records per batch. Label: `stage`.
pub const BATCH_SIZE: &str = "wensheng_stage_batch_size_records";

/// Histogram: seconds per commit, waits included. Label: `stage`.
pub const COMMIT_DURATION: &str = "wensheng_stage_commit_duration_seconds";

/// Gauge: sessions of a stage that something outside holds up at this moment. Label: `stage`.
pub const WAITING: &str = "wensheng_stage_waiting_sessions";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_names_are_what_dashboards_know() {
        let names = [
            RECORDS_IN,
            RECORDS_OUT,
            DEAD_LETTERS,
            RESTORED,
            SESSIONS_LOST,
            BATCH_DURATION,
            BATCH_SIZE,
            COMMIT_DURATION,
            WAITING,
        ];
        assert_eq!(
            names,
            [
                "wensheng_stage_records_total",
                "wensheng_stage_outputs_total",
                "wensheng_stage_dead_letters_total",
                "wensheng_stage_restored_records_total",
                "wensheng_stage_sessions_lost_total",
                "wensheng_stage_batch_duration_seconds",
                "wensheng_stage_batch_size_records",
                "wensheng_stage_commit_duration_seconds",
                "wensheng_stage_waiting_sessions",
            ]
        );
    }
}
