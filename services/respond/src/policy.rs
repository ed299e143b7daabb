//! How fast people must answer: by default within 15 minutes somebody takes an alert, within the hour the first response is
//! out, and of a crisis the team and the spokesperson are named; its plan stands in a day, and every matter is looked back
//! on within a week.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, SessionConfig};
use wensheng_schemas::{DeadlineKind, Escalation, Severity, StepKind};

use crate::calendar::Calendar;
use crate::rota::Rota;

/// Alerts and their response clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The clock of each severity.
    pub policies: Policies,
    /// Names of topics as titles show them, by the topic's stable name; a topic without one is shown by that.
    /// Default empty.
    pub topic_names: BTreeMap<String, String>,
    /// When people work.
    pub calendar: Calendar,
    /// Who is on call. Default nobody in particular.
    pub rota: Rota,
    /// A signal of a matter that was resolved at most this many hours ago opens its alert again; a later one raises a new
    /// alert. Default 24.
    pub reopen_within_hours: u32,
    /// After a false alarm was dismissed, signals of the same causes that are no graver raise no alert of the matter for
    /// this many minutes. Default 60.
    pub quiet_after_dismissal_minutes: u32,
    /// An alert that is over is remembered for this many days, so that a command on it is refused and not taken for a
    /// mistake. Its record stays in the log for ever. Default 30.
    pub remember_resolved_days: u32,
    /// How the role reads its input. One session by default: signals are few.
    pub session: SessionConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            policies: Policies::default(),
            topic_names: BTreeMap::new(),
            calendar: Calendar::default(),
            rota: Rota::default(),
            reopen_within_hours: 24,
            quiet_after_dismissal_minutes: 60,
            remember_resolved_days: 30,
            session: SessionConfig::with_sessions(1),
        }
    }
}

/// The clock of each severity that has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policies {
    /// Worth a look. Default none: it is shown, has no clock, and nobody is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch: Option<Policy>,
    /// Somebody must answer within the hour. Default: told to the front line.
    pub alert: Policy,
    /// The company's name is at stake. Default: told to everybody from the start, and within the hour a team and a
    /// spokesperson are named.
    pub crisis: Policy,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            watch: None,
            alert: Policy::default(),
            crisis: Policy {
                team_seconds: Some(HOUR),
                spokesperson_seconds: Some(HOUR),
                plan_seconds: Some(24 * HOUR),
                tell: Escalation::Management,
                ..Policy::default()
            },
        }
    }
}

impl Policies {
    /// The policy of a severity, if it has one.
    pub fn of(&self, severity: Severity) -> Option<&Policy> {
        match severity {
            Severity::Watch => self.watch.as_ref(),
            Severity::Alert => Some(&self.alert),
            Severity::Crisis => Some(&self.crisis),
        }
    }
}

/// The instant from which the time is counted. All three are kept, whichever counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum T0 {
    /// When the first post behind the matter was published.
    FirstPost,
    /// When the alert was raised.
    #[default]
    Detection,
    /// When a person confirmed that it is true. Until then only the acknowledgement is due, counted from the raising.
    Confirmation,
}

/// Which time counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hours {
    /// Every hour of every day.
    #[default]
    Always,
    /// Working time, by the calendar.
    Business,
}

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;

/// One response clock. The times are those that Chinese crisis handbooks ask for: somebody at once, a first word within
/// the "golden hour" (黄金一小时), a plan within a day (黄金二十四小时).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Seconds until somebody must have taken the alert. Default 900 (15 minutes).
    pub acknowledge_seconds: u32,
    /// Seconds until the first response must be out. Default 3600 (60 minutes).
    pub respond_seconds: u32,
    /// Seconds until the team must be named; without this there is no such deadline. Default 3600 for a crisis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_seconds: Option<u32>,
    /// Seconds until the spokesperson must be named; without this there is no such deadline. Default 3600 for a crisis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spokesperson_seconds: Option<u32>,
    /// Seconds until the plan must stand; without this there is no such deadline. Default 86400 (24 hours) for a crisis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_seconds: Option<u32>,
    /// Seconds from the end of the matter until it must have been looked back on; without this there is no such deadline.
    /// Default 604800 (7 days).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_seconds: Option<u32>,
    /// Seconds until each step of the process should be done, shown beside it. Steps without a time are shown without.
    pub step_seconds: BTreeMap<StepKind, u32>,
    /// Shares of each time, in percent, at which people are reminded. Default 50, 75, 90.
    pub nudge_percents: Vec<u8>,
    /// Everybody up to this level is told from the start: `front_line`, `specialists` or `management`. A breach takes
    /// the alert one level up. Default `front_line` for `alert`, `management` for `crisis`.
    pub tell: Escalation,
    /// From when the time is counted: `first_post`, `detection` or `confirmation`. Default `detection`.
    pub t0: T0,
    /// Which time counts: `always` or `business`. Default `always`: a matter does not wait for Monday.
    pub hours: Hours,
    /// Seconds after which a clock that somebody stopped runs on by itself. Default 14400 (4 hours).
    pub longest_pause_seconds: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            acknowledge_seconds: 15 * MINUTE,
            respond_seconds: HOUR,
            team_seconds: None,
            spokesperson_seconds: None,
            plan_seconds: None,
            review_seconds: Some(7 * DAY),
            step_seconds: BTreeMap::from([
                (StepKind::Collect, 15 * MINUTE),
                (StepKind::Assess, 30 * MINUTE),
                (StepKind::ActivatePlan, 45 * MINUTE),
                (StepKind::Decide, HOUR),
                (StepKind::OneVoice, HOUR),
                (StepKind::Act, DAY),
                (StepKind::Track, 3 * DAY),
                (StepKind::Learn, 7 * DAY),
            ]),
            nudge_percents: vec![50, 75, 90],
            tell: Escalation::FrontLine,
            t0: T0::Detection,
            hours: Hours::Always,
            longest_pause_seconds: 4 * HOUR,
        }
    }
}

impl Policy {
    /// How long people have, if there is such a deadline.
    pub fn time_for(&self, deadline: DeadlineKind) -> Option<SignedDuration> {
        let seconds = match deadline {
            DeadlineKind::Acknowledge => Some(self.acknowledge_seconds),
            DeadlineKind::Team => self.team_seconds,
            DeadlineKind::Spokesperson => self.spokesperson_seconds,
            DeadlineKind::Respond => Some(self.respond_seconds),
            DeadlineKind::Plan => self.plan_seconds,
            DeadlineKind::Review => self.review_seconds,
        };
        seconds.map(|seconds| SignedDuration::from_secs(i64::from(seconds)))
    }
}

impl Check for Config {
    fn check(&self, problems: &mut Problems) {
        problems.within("policies", |problems| {
            let watch = self.policies.watch.as_ref().map(|watch| ("watch", watch));
            let others = [
                ("alert", &self.policies.alert),
                ("crisis", &self.policies.crisis),
            ];
            for (name, policy) in watch.into_iter().chain(others) {
                problems.within(name, |problems| policy.check(problems));
            }
        });
        problems.within("calendar", |problems| self.calendar.check(problems));
        problems.within("rota", |problems| self.rota.check(problems));
        if self.remember_resolved_days == 0 {
            problems.add("remember_resolved_days", "must be at least 1");
        }
        if self.reopen_within_hours > 24 * self.remember_resolved_days {
            problems.add(
                "reopen_within_hours",
                "must not be longer than remember_resolved_days: what is forgotten is not opened again",
            );
        }
        problems.within("session", |problems| self.session.check(problems));
    }
}

impl Check for Policy {
    fn check(&self, problems: &mut Problems) {
        if self.acknowledge_seconds == 0 {
            problems.add("acknowledge_seconds", "must be at least 1");
        }
        let times = [
            ("respond_seconds", Some(self.respond_seconds)),
            ("team_seconds", self.team_seconds),
            ("spokesperson_seconds", self.spokesperson_seconds),
            ("plan_seconds", self.plan_seconds),
        ];
        for (path, seconds) in times {
            if seconds.is_some_and(|seconds| seconds < self.acknowledge_seconds) {
                problems.add(
                    path,
                    "must be at least acknowledge_seconds: nobody does anything before somebody takes the alert",
                );
            }
        }
        if self.review_seconds == Some(0) {
            problems.add("review_seconds", "must be at least 1");
        }
        if self.longest_pause_seconds < MINUTE {
            problems.add("longest_pause_seconds", "must be at least 60");
        }
        if self.nudge_percents.len() > 10 {
            problems.add("nudge_percents", "must be at most 10");
        }
        let mut before = 0;
        for (index, percent) in self.nudge_percents.iter().enumerate() {
            if *percent <= before || *percent > 99 {
                problems.add(
                    &format!("nudge_percents[{index}]"),
                    "must be between 1 and 99 and more than the one before",
                );
            }
            before = *percent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_configuration_is_sound_and_a_bad_one_told_with_its_paths() {
        let found = |config: &Config| {
            let mut problems = Problems::default();
            config.check(&mut problems);
            let found = problems.into_found();
            found.into_iter().map(|p| p.path).collect::<Vec<_>>()
        };
        assert_eq!(found(&Config::default()), Vec::<String>::new());
        let mut config = Config {
            remember_resolved_days: 0,
            ..Config::default()
        };
        config.policies.alert.respond_seconds = 10;
        config.policies.crisis.nudge_percents = vec![50, 50, 100];
        config.policies.crisis.acknowledge_seconds = 0;
        assert_eq!(
            found(&config),
            [
                "policies.alert.respond_seconds",
                "policies.crisis.acknowledge_seconds",
                "policies.crisis.nudge_percents[1]",
                "policies.crisis.nudge_percents[2]",
                "remember_resolved_days",
                "reopen_within_hours",
            ]
        );
    }
}
