//! A range is made of whole windows, so that every figure of a page is about the same stretch of time.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::WindowSize;

/// A stretch of time that people choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    Hour,
    SixHours,
    Day,
    Week,
    Month,
    All,
}

/// A range resolved: from (inclusive) to (exclusive), in windows of `size`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) size: WindowSize,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    /// The start of the stretch of the same length before this one; `None` for all time.
    pub(crate) previous_from: Option<Timestamp>,
}

impl Range {
    pub(crate) const NAMES: &'static str = "1h, 6h, 24h, 7d, 30d, all";

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "1h" => Range::Hour,
            "6h" => Range::SixHours,
            "24h" => Range::Day,
            "7d" => Range::Week,
            "30d" => Range::Month,
            "all" => Range::All,
            _ => return None,
        })
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Range::Hour => "1h",
            Range::SixHours => "6h",
            Range::Day => "24h",
            Range::Week => "7d",
            Range::Month => "30d",
            Range::All => "all",
        }
    }

    /// How many windows of which size: at most 360 points a line, so that a chart stays legible and an answer small.
    const fn windows(self) -> (WindowSize, i64, i64) {
        const HOUR: i64 = 3_600;
        match self {
            Range::Hour => (WindowSize::Minute, 60, 60),
            Range::SixHours => (WindowSize::Minute, 360, 60),
            Range::Day => (WindowSize::Hour, 24, HOUR),
            Range::Week => (WindowSize::Hour, 168, HOUR),
            Range::Month | Range::All => (WindowSize::Day, 30, 24 * HOUR),
        }
    }

    /// The stretch that ends with the window of `now`. Half a window is added before rounding down to the start, so
    /// that days of 23 or 25 hours do not shift it.
    pub(crate) fn ending(self, now: Timestamp, zone: &TimeZone) -> Option<Stretch> {
        let (size, count, seconds) = self.windows();
        let whole = SignedDuration::from_secs(seconds);
        let half = SignedDuration::from_secs(seconds / 2);
        let last = size.start(now, zone)?;
        let back = |windows: i64| {
            let at = last
                .checked_sub(SignedDuration::from_secs(windows * seconds))
                .ok()?;
            size.start(at.checked_add(half).ok()?, zone)
        };
        let to = size.start(last.checked_add(whole).ok()?.checked_add(half).ok()?, zone)?;
        if self == Range::All {
            return Some(Stretch {
                size,
                from: Timestamp::MIN,
                to: Timestamp::MAX,
                previous_from: None,
            });
        }
        Some(Stretch {
            size,
            from: back(count - 1)?,
            to,
            previous_from: Some(back(2 * count - 1)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(range: Range) -> Stretch {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        range
            .ending("2026-03-01T08:30:15Z".parse().unwrap(), &zone)
            .unwrap()
    }

    #[test]
    fn an_hour_is_sixty_minutes_with_the_one_that_runs() {
        let hour = stretch(Range::Hour);
        assert_eq!(hour.from.to_string(), "2026-03-01T07:31:00Z");
        assert_eq!(hour.to.to_string(), "2026-03-01T08:31:00Z");
        assert_eq!(
            hour.previous_from.unwrap().to_string(),
            "2026-03-01T06:31:00Z"
        );
    }

    #[test]
    fn a_month_is_thirty_days_of_shanghai_with_today() {
        let month = stretch(Range::Month);
        assert_eq!(month.from.to_string(), "2026-01-30T16:00:00Z");
        assert_eq!(month.to.to_string(), "2026-03-01T16:00:00Z");
    }

    #[test]
    fn names_go_both_ways() {
        for name in Range::NAMES.split(", ") {
            assert_eq!(Range::from_name(name).unwrap().name(), name);
        }
    }
}
