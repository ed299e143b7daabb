//! Every metric of this stage is named here, once; a test pins the names, so that dashboards do not break silently.

/// Counter: window deltas emitted, once committed. Label: `size` (`1m`, `1h`, `1d`).
pub const DELTAS: &str = "wensheng_window_deltas_total";

/// Counter: signals given by detection, once committed. Label: `rule`, the volume rule or `burst` (the joint detector).
pub const SIGNALS: &str = "wensheng_volume_signals_total";

/// Counter: pieces that were counted but left out of detection because they were observed too long after they were
/// said, once committed.
pub const LATE: &str = "wensheng_detection_late_records_total";

/// Gauge: series (brand × topic) that detection remembers.
pub const SERIES: &str = "wensheng_detection_series";

/// Counter: silences of sources told, once committed. Label: `severity`.
pub const SILENCES: &str = "wensheng_silence_signals_total";

/// Gauge: how grave the silence of a source is: 0 none, 1 watch, 2 alert. Label: `source`.
pub const SILENT: &str = "wensheng_source_silent";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_names_are_what_dashboards_know() {
        assert_eq!(
            [DELTAS, SIGNALS, LATE, SERIES, SILENCES, SILENT],
            [
                "wensheng_window_deltas_total",
                "wensheng_volume_signals_total",
                "wensheng_detection_late_records_total",
                "wensheng_detection_series",
                "wensheng_silence_signals_total",
                "wensheng_source_silent",
            ]
        );
    }
}
