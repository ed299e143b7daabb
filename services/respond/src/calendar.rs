//! Working time in one place: which instants are working time, and how a span of it is laid out over real time.
//!
//! A day off that is made up for by working on a weekend (调休) is two entries: the day off under `holidays`, the weekend
//! day under `workdays`.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems};

/// Days looked ahead for working time: a calendar without any within two years has none.
const FURTHEST_DAYS: usize = 731;

/// A stretch of a working day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkingHours {
    /// From, as `09:00`.
    pub from: Time,
    /// To, as `18:00`.
    pub to: Time,
}

/// When people work. Needed by clocks with `hours: business` and by shifts on workdays or days off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Calendar {
    /// IANA name of the time zone. Default `Asia/Shanghai`.
    pub time_zone: String,
    /// The stretches of a working day, in order. Default 09:00 to 18:00.
    pub hours: Vec<WorkingHours>,
    /// Days off beside Saturdays and Sundays. Default: the public holidays of mainland China in 2026, as the General
    /// Office of the State Council announced them; add those of later years when they are announced.
    pub holidays: BTreeSet<Date>,
    /// Saturdays and Sundays on which people work to make up for a day off. Default: those of the same announcement.
    pub workdays: BTreeSet<Date>,
}

impl Default for Calendar {
    fn default() -> Self {
        let day = |(month, day): &(i8, i8)| Date::new(2026, *month, *day).ok();
        Self {
            time_zone: "Asia/Shanghai".to_owned(),
            hours: vec![WorkingHours {
                from: Time::constant(9, 0, 0, 0),
                to: Time::constant(18, 0, 0, 0),
            }],
            holidays: HOLIDAYS_2026.iter().filter_map(day).collect(),
            workdays: WORKDAYS_2026.iter().filter_map(day).collect(),
        }
    }
}

/// 国务院办公厅关于2026年部分节假日安排的通知: 元旦, 春节, 清明节, 劳动节, 端午节, 中秋节, 国庆节; month and day.
const HOLIDAYS_2026: [(i8, i8); 33] = [
    (1, 1),
    (1, 2),
    (1, 3),
    (2, 15),
    (2, 16),
    (2, 17),
    (2, 18),
    (2, 19),
    (2, 20),
    (2, 21),
    (2, 22),
    (2, 23),
    (4, 4),
    (4, 5),
    (4, 6),
    (5, 1),
    (5, 2),
    (5, 3),
    (5, 4),
    (5, 5),
    (6, 19),
    (6, 20),
    (6, 21),
    (9, 25),
    (9, 26),
    (9, 27),
    (10, 1),
    (10, 2),
    (10, 3),
    (10, 4),
    (10, 5),
    (10, 6),
    (10, 7),
];
/// The weekend days that are worked instead.
const WORKDAYS_2026: [(i8, i8); 6] = [(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)];

impl Calendar {
    fn zone(&self) -> TimeZone {
        // A name that is not known is refused when the configuration is checked.
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// The day and time of day there.
    pub(crate) fn local(&self, at: Timestamp) -> (Date, Time) {
        let local = self.zone().to_datetime(at);
        (local.date(), local.time())
    }

    /// Whether people work on that day.
    pub fn is_workday(&self, day: Date) -> bool {
        if self.holidays.contains(&day) {
            return false;
        }
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        !weekend || self.workdays.contains(&day)
    }

    /// The stretches of working time from the day of `at` on, in order.
    fn stretches(&self, at: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let zone = self.zone();
        let instant = move |day: Date, time: Time| {
            let local = day.to_datetime(time);
            zone.to_timestamp(local).unwrap_or(Timestamp::MAX)
        };
        self.local(at)
            .0
            .series(1.day())
            .take(FURTHEST_DAYS)
            .filter(|day| self.is_workday(*day))
            .flat_map(move |day| self.hours.iter().map(move |hours| (day, *hours)))
            .map(move |(day, hours)| (instant(day, hours.from), instant(day, hours.to)))
    }

    /// The instant at which `span` of working time has passed since `at`.
    pub fn add(&self, at: Timestamp, span: SignedDuration) -> Timestamp {
        let mut left = span;
        if left <= SignedDuration::ZERO {
            return at;
        }
        for (from, to) in self.stretches(at) {
            let from = from.max(at);
            let length = to.duration_since(from);
            if length <= SignedDuration::ZERO {
                continue;
            }
            if left <= length {
                return from.saturating_add(left).unwrap_or(Timestamp::MAX);
            }
            left -= length;
        }
        Timestamp::MAX
    }

    /// Working time from `from` to `to`; zero where `to` is not later.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        let mut sum = SignedDuration::ZERO;
        for (begin, end) in self.stretches(from) {
            if begin >= to {
                break;
            }
            let length = end.min(to).duration_since(begin.max(from));
            sum += length.max(SignedDuration::ZERO);
        }
        sum
    }
}

impl Check for Calendar {
    fn check(&self, problems: &mut Problems) {
        if TimeZone::get(&self.time_zone).is_err() {
            problems.add(
                "time_zone",
                "is not the IANA name of a time zone, such as Asia/Shanghai",
            );
        }
        if self.hours.is_empty() {
            problems.add("hours", "must have at least one stretch");
        }
        let mut before = None;
        for (index, hours) in self.hours.iter().enumerate() {
            if hours.from >= hours.to || before.is_some_and(|before| hours.from < before) {
                problems.add(
                    &format!("hours[{index}]"),
                    "must end after it begins, and begin after the one before ended",
                );
            }
            before = Some(hours.to);
        }
        for day in self.workdays.intersection(&self.holidays) {
            problems.add("workdays", format!("{day} is a holiday, too"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(local: &str) -> Timestamp {
        format!("{local}+08:00").parse().unwrap()
    }

    fn minutes(minutes: i64) -> SignedDuration {
        SignedDuration::from_mins(minutes)
    }

    #[test]
    fn working_time_skips_nights_weekends_and_holidays_and_counts_the_days_worked_instead() {
        let calendar = Calendar::default();
        // A Wednesday.
        let cases = [
            ("2026-03-04T10:00:00", 60, "2026-03-04T11:00:00"),
            ("2026-03-04T17:30:00", 60, "2026-03-05T09:30:00"),
            ("2026-03-04T22:00:00", 15, "2026-03-05T09:15:00"),
            // Friday evening to Monday.
            ("2026-03-06T17:50:00", 15, "2026-03-09T09:05:00"),
            // The last working day before the national holiday; the week of it is off.
            ("2026-09-30T17:30:00", 60, "2026-10-08T09:30:00"),
            // Friday to a Saturday that is worked (调休).
            ("2026-10-09T17:30:00", 60, "2026-10-10T09:30:00"),
            // Before the spring festival: Saturday 14 February is worked, and nine days are off after it.
            ("2026-02-13T17:30:00", 600, "2026-02-24T09:30:00"),
        ];
        for (from, span, to) in cases {
            assert_eq!(calendar.add(at(from), minutes(span)), at(to), "{from}");
            assert_eq!(calendar.between(at(from), at(to)), minutes(span), "{from}");
        }
        assert_eq!(
            calendar.between(at("2026-03-07T10:00:00"), at("2026-03-08T10:00:00")),
            SignedDuration::ZERO
        );
    }

    #[test]
    fn a_calendar_with_mistakes_is_told_of_them_all() {
        let calendar = Calendar {
            time_zone: "Asia/Nowhere".to_owned(),
            hours: vec![WorkingHours {
                from: Time::constant(18, 0, 0, 0),
                to: Time::constant(9, 0, 0, 0),
            }],
            workdays: BTreeSet::from([Date::constant(2026, 10, 1)]),
            ..Calendar::default()
        };
        let mut problems = Problems::default();
        calendar.check(&mut problems);
        let paths: Vec<_> = problems.into_found().into_iter().map(|p| p.path).collect();
        assert_eq!(paths, ["time_zone", "hours[0]", "workdays"]);
        let mut problems = Problems::default();
        Calendar::default().check(&mut problems);
        assert!(problems.into_found().is_empty());
    }
}
