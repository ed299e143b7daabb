//! Every metric of the role is named here, once; a test pins the names, so that dashboards do not break silently.

/// Counter: rows of the delivery ledger, once committed. Labels: `provider`, `state` (`queued`, `delivered`, `failed`).
pub const DELIVERIES: &str = "wensheng_push_deliveries_total";

/// Counter: attempts that came to an end. Labels: `provider`, `verdict` (`ok`, `renewed`, `retry`, `throttle`, `unanswered`,
/// `fatal_config`, `fatal_item`, `gone`).
pub const ATTEMPTS: &str = "wensheng_push_attempts_total";

/// Histogram: seconds from the observation of the piece of feedback that raised an alert to the provider's yes to the
/// first push about it. Label: `provider`.
pub const LATENCY: &str = "wensheng_push_latency_seconds";

/// Histogram: seconds from the observation of the piece of feedback that raised an alert to the end of each leg of the way
/// to its first push. Label: `leg` (`analysed`, `detected`, `raised`, `sent`, `delivered`).
pub const LEGS: &str = "wensheng_alert_leg_seconds";

/// Gauge: pushes that wait or are under way. Label: `receiver`.
pub const PENDING: &str = "wensheng_push_pending_pushes";

/// Gauge: 1, or 0 while a receiver refuses its settings. Labels: `receiver`, `provider`.
pub const HEALTHY: &str = "wensheng_receiver_healthy";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_names_are_what_dashboards_know() {
        assert_eq!(
            [DELIVERIES, ATTEMPTS, LATENCY, LEGS, PENDING, HEALTHY],
            [
                "wensheng_push_deliveries_total",
                "wensheng_push_attempts_total",
                "wensheng_push_latency_seconds",
                "wensheng_alert_leg_seconds",
                "wensheng_push_pending_pushes",
                "wensheng_receiver_healthy",
            ]
        );
    }
}
