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

/// Gauge: 1 while a source is in trouble. Labels: `source`, `class` (of sources that are asked over HTTP `retry`, `throttle`,
/// `reauth`, `fatal-config`, `fatal-item`; of others `waiting`, `failed`).
pub const SOURCE_TROUBLE: &str = "wensheng_source_trouble";

/// Counter: requests to platforms, by what their answers meant. Labels: `source`, `class` (`ok`, `retry`, `throttle`,
/// `reauth`, `fatal-config`, `fatal-item`).
pub const PULL_REQUESTS: &str = "wensheng_connect_pull_requests_total";

/// Gauge: when a stream was last answered well and what it answered was committed, in seconds since 1970. Labels:
/// `source`, `stream`.
pub const PULL_LAST_OK: &str = "wensheng_connect_pull_last_ok_timestamp_seconds";

/// Gauge: streams that stopped because something must be mended by a person. Label: `source`.
pub const PULL_STOPPED: &str = "wensheng_connect_pull_stopped_streams";

/// Counter: walks that ended before what was read earlier, so that something in between was not read. Labels: `source`,
/// `stream`.
pub const PULL_GAPS: &str = "wensheng_connect_pull_gaps_total";

/// Tells that something between two walks of a stream was not read.
pub(crate) fn gap(source: &str, stream: &str, why: &str) {
    tracing::warn!(source, stream, why, "something was not read");
    metrics::counter!(PULL_GAPS, "source" => source.to_owned(), "stream" => stream.to_owned())
        .increment(1);
}

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
                PULL_REQUESTS,
                PULL_LAST_OK,
                PULL_STOPPED,
                PULL_GAPS,
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
                "wensheng_connect_pull_requests_total",
                "wensheng_connect_pull_last_ok_timestamp_seconds",
                "wensheng_connect_pull_stopped_streams",
                "wensheng_connect_pull_gaps_total",
            ]
        );
    }
}
