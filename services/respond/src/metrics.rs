//! Every metric of this stage is named here, once; a test pins the names, so that dashboards do not break silently. Drills
//! are in none of them.

use metrics::counter;
use wensheng_schemas::DeadlineKind;

/// Gauge: alerts that are not resolved. Label: `severity` (`watch`, `alert`, `crisis`).
pub const OPEN: &str = "wensheng_open_alerts";

/// Counter: alerts raised, once committed. Label: `severity`.
pub const RAISED: &str = "wensheng_alerts_raised_total";

/// Counter: alerts that flared up after they were resolved, once committed. Label: `severity`.
pub const REOPENED: &str = "wensheng_alerts_reopened_total";

/// Counter: alerts that ended, once committed. Labels: `severity`, `outcome` (`resolved`, `dismissed`: the share of
/// those not dismissed is the precision of the alarms).
pub const ENDED: &str = "wensheng_alerts_ended_total";

/// Counter: signals folded into an alert that was open already, once committed.
pub const FOLDED: &str = "wensheng_signals_folded_total";

/// Counter: reminders of deadlines, once committed. Label: `deadline` (`acknowledge`, `team`, `spokesperson`, `respond`, `plan`, `review`).
pub const NUDGES: &str = "wensheng_clock_nudges_total";

/// Counter: deadlines that passed unmet, once committed. Label: `deadline`.
pub const BREACHES: &str = "wensheng_clock_breaches_total";

/// Counter: commands that an alert's state did not allow, once committed. Label: `action`.
pub const REFUSED: &str = "wensheng_commands_refused_total";

/// Histogram: seconds from the observation of the piece that completed a signal to the alert it raised.
pub const OBSERVED_TO_RAISED: &str = "wensheng_observed_to_raised_seconds";

/// Makes the counters that alarms watch known at 0, so that an alarm has data before the first deadline falls due.
pub(crate) fn register() {
    for kind in DeadlineKind::ALL {
        for name in [NUDGES, BREACHES] {
            counter!(name, "deadline" => kind.name()).increment(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_names_are_what_dashboards_know() {
        assert_eq!(
            [
                OPEN,
                RAISED,
                REOPENED,
                ENDED,
                FOLDED,
                NUDGES,
                BREACHES,
                REFUSED,
                OBSERVED_TO_RAISED
            ],
            [
                "wensheng_open_alerts",
                "wensheng_alerts_raised_total",
                "wensheng_alerts_reopened_total",
                "wensheng_alerts_ended_total",
                "wensheng_signals_folded_total",
                "wensheng_clock_nudges_total",
                "wensheng_clock_breaches_total",
                "wensheng_commands_refused_total",
                "wensheng_observed_to_raised_seconds",
            ]
        );
    }
}
