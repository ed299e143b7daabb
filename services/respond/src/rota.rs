//! Who is on call at an instant is a function of the rota alone: nobody hands anything over by hand, and a restart changes
//! nothing.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems};
use wensheng_schemas::{Actor, Escalation, OnCall};

use crate::calendar::Calendar;

/// Who is on call, by level. Without shifts a level has nobody on call, and its receivers are told all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rota {
    /// Those on duty.
    pub front_line: Vec<Shift>,
    /// The specialist team.
    pub specialists: Vec<Shift>,
    /// Management.
    pub management: Vec<Shift>,
}

/// People who take turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// Who, in their order.
    pub people: Vec<String>,
    /// The day on which the first one begins.
    pub from: Date,
    /// The time of day at which one hands over to the next. Default 09:00.
    #[serde(default = "nine")]
    pub hand_over: Time,
    /// How many days each one has. Default 7.
    #[serde(default = "seven")]
    pub every_days: u16,
    /// On which days there is somebody: `all` (default), `workdays` or `days_off`.
    #[serde(default)]
    pub days: Days,
}

const fn nine() -> Time {
    Time::constant(9, 0, 0, 0)
}

const fn seven() -> u16 {
    7
}

/// Which days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Days {
    /// Every day.
    #[default]
    All,
    /// Days on which people work, by the calendar.
    Workdays,
    /// All other days.
    DaysOff,
}

impl Rota {
    fn shifts(&self, level: Escalation) -> &[Shift] {
        match level {
            Escalation::FrontLine => &self.front_line,
            Escalation::Specialists => &self.specialists,
            Escalation::Management => &self.management,
        }
    }

    /// Who is on call at `at`, for all levels up to `audience`.
    pub fn on_call(&self, audience: Escalation, at: Timestamp, calendar: &Calendar) -> Vec<OnCall> {
        let mut found: Vec<OnCall> = Vec::new();
        for level in Escalation::ALL
            .into_iter()
            .filter(|level| *level <= audience)
        {
            for shift in self.shifts(level) {
                let Some(person) = shift.on_call(at, calendar) else {
                    continue;
                };
                let on_call = OnCall {
                    level,
                    person: Actor(person.to_owned()),
                };
                if !found.contains(&on_call) {
                    found.push(on_call);
                }
            }
        }
        found
    }
}

impl Shift {
    fn on_call(&self, at: Timestamp, calendar: &Calendar) -> Option<&str> {
        let (date, time) = calendar.local(at);
        // Until the hand-over the day before goes on.
        let day = if time < self.hand_over {
            date.yesterday().ok()?
        } else {
            date
        };
        let on_duty = match self.days {
            Days::All => true,
            Days::Workdays => calendar.is_workday(day),
            Days::DaysOff => !calendar.is_workday(day),
        };
        let days = self.from.until(day).ok()?.get_days();
        if !on_duty || days < 0 {
            return None;
        }
        let turn = usize::try_from(days / i32::from(self.every_days.max(1))).ok()?;
        self.people
            .get(turn.checked_rem(self.people.len())?)
            .map(String::as_str)
    }
}

impl Check for Rota {
    fn check(&self, problems: &mut Problems) {
        for level in Escalation::ALL {
            for (index, shift) in self.shifts(level).iter().enumerate() {
                problems.within(&format!("{}[{index}]", level.name()), |problems| {
                    if shift.people.is_empty() || shift.people.iter().any(|p| p.trim().is_empty()) {
                        problems.add(
                            "people",
                            "must name at least one person, and none without a name",
                        );
                    }
                    if shift.every_days == 0 {
                        problems.add("every_days", "must be at least 1");
                    }
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(local: &str) -> Timestamp {
        format!("{local}+08:00").parse().unwrap()
    }

    fn shift(people: &[&str], days: Days) -> Shift {
        Shift {
            people: people.iter().map(|p| (*p).to_owned()).collect(),
            from: Date::constant(2026, 3, 2),
            hand_over: nine(),
            every_days: 7,
            days,
        }
    }

    #[test]
    fn people_take_turns_at_the_hand_over_time_and_days_off_have_people_of_their_own() {
        let rota = Rota {
            front_line: vec![
                shift(&["林", "王"], Days::Workdays),
                shift(&["陈"], Days::DaysOff),
            ],
            management: vec![shift(&["周"], Days::All)],
            ..Rota::default()
        };
        let calendar = Calendar::default();
        let names = |audience, local: &str| -> Vec<String> {
            rota.on_call(audience, at(local), &calendar)
                .into_iter()
                .map(|on| on.person.0)
                .collect()
        };
        use Escalation::{FrontLine, Management};
        assert_eq!(
            names(FrontLine, "2026-03-02T08:59:00"),
            Vec::<String>::new()
        );
        assert_eq!(names(FrontLine, "2026-03-02T09:00:00"), ["林"]);
        // Saturday, and Monday morning before the hand-over.
        assert_eq!(names(FrontLine, "2026-03-07T12:00:00"), ["陈"]);
        assert_eq!(names(FrontLine, "2026-03-09T08:00:00"), ["陈"]);
        assert_eq!(names(FrontLine, "2026-03-09T09:00:00"), ["王"]);
        assert_eq!(names(Management, "2026-03-16T10:00:00"), ["林", "周"]);
        // The Saturday after the national holiday is worked.
        assert_eq!(names(FrontLine, "2026-10-10T10:00:00"), ["王"]);
        assert_eq!(names(FrontLine, "2026-10-01T10:00:00"), ["陈"]);
    }
}
