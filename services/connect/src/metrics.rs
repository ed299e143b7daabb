//! Every metric of this service is named here, once; a test pins the names, so that dashboards do not break silently.

/// Counter: events taken in, once committed. Labels: `source`, `kind`.
pub const EVENTS: &str = "wensheng_connect_events_total";

/// Counter: wrong rows and items sent to dead-letters, once committed. Labels: `source`, `kind`.
pub const DEAD_LETTERS: &str = "wensheng_connect_dead_letters_total";

/// Counter: what sources sent that is no feedback (events, pictures, agents' words, …). Labels: `source`, `reason`.
pub const LEFT_OUT: &str = "wensheng_connect_left_out_total";

/// Counter: pushes answered. Labels: `source`, `status` (the HTTP status).
pub const REQUESTS: &str = "wensheng_connect_requests_total";

/// Histogram: seconds from the first submission of a publish to its commit, waits included.
pub const PUBLISH_DURATION: &str = "wensheng_connect_publish_duration_seconds";

/// Histogram: records per publish.
pub const PUBLISH_SIZE: &str = "wensheng_connect_publish_size_records";

/// Counter: publishes that failed and were tried again. Label: `kind` (of the bus error).
pub const RETRIES: &str = "wensheng_connect_publish_retries_total";

/// Gauge: files that cannot be read at this moment. Label: `source`.
pub const UNREADABLE_FILES: &str = "wensheng_connect_unreadable_files";

/// Gauge: when a source was last known to be well, in seconds since 1970. Label: `source`.
pub const SOURCE_LAST_OK: &str = "wensheng_source_last_ok_timestamp_seconds";

/// Gauge: when the latest piece of a source was taken in, in seconds since 1970. Label: `source`.
pub const SOURCE_LAST_EVENT: &str = "wensheng_source_last_event_timestamp_seconds";

/// Gauge: seconds from when the latest piece of a source was said to when it was taken in. Label: `source`.
pub const SOURCE_LAG: &str = "wensheng_source_lag_seconds";

/// Gauge: 1 while a source is in trouble. Labels: `source`, `class` (`waiting`, `failed`).
pub const SOURCE_TROUBLE: &str = "wensheng_source_trouble";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_pinned() {
        assert_eq!(
            [
                EVENTS,
                DEAD_LETTERS,
                LEFT_OUT,
                REQUESTS,
                PUBLISH_DURATION,
                PUBLISH_SIZE,
                RETRIES,
                UNREADABLE_FILES,
                SOURCE_LAST_OK,
                SOURCE_LAST_EVENT,
                SOURCE_LAG,
                SOURCE_TROUBLE,
            ],
            [
                "wensheng_connect_events_total",
                "wensheng_connect_dead_letters_total",
                "wensheng_connect_left_out_total",
                "wensheng_connect_requests_total",
                "wensheng_connect_publish_duration_seconds",
                "wensheng_connect_publish_size_records",
                "wensheng_connect_publish_retries_total",
                "wensheng_connect_unreadable_files",
                "wensheng_source_last_ok_timestamp_seconds",
                "wensheng_source_last_event_timestamp_seconds",
                "wensheng_source_lag_seconds",
                "wensheng_source_trouble",
            ]
        );
    }
}
