//! How fast people must answer: by default within 15 minutes somebody takes an alert, and within the hour the first
//! response is out.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, SessionConfig};
use wensheng_schemas::{DeadlineKind, Escalation, Severity};

/// Alerts and their response clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The clock of each severity. A `watch` has none: it is shown, and nobody is told.
    pub policies: Policies,
    /// Names of topics as titles show them, by the topic's stable name; a topic without one is shown by that.
    /// Default empty.
    pub topic_names: BTreeMap<String, String>,
    /// A resolved alert is remembered for this many days, so that a command on it is refused and not taken for a
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
            remember_resolved_days: 30,
            session: SessionConfig::with_sessions(1),
        }
    }
}

/// The clock of each severity that has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policies {
    /// Somebody must answer within the hour. Default: told to the front line.
    pub alert: Policy,
    /// The company's name is at stake. Default: told to everybody from the start.
    pub crisis: Policy,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            alert: Policy::default(),
            crisis: Policy {
                tell: Escalation::Management,
                ..Policy::default()
            },
        }
    }
}

impl Policies {
    /// The policy of a severity; a `watch` has none.
    pub fn of(&self, severity: Severity) -> Option<&Policy> {
        match severity {
            Severity::Watch => None,
            Severity::Alert => Some(&self.alert),
            Severity::Crisis => Some(&self.crisis),
        }
    }
}

/// One response clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Seconds until somebody must have taken the alert. Default 900 (15 minutes).
    pub acknowledge_seconds: u32,
    /// Seconds until the first response must be out. Default 3600 (60 minutes).
    pub respond_seconds: u32,
    /// Shares of each time, in percent, at which people are reminded. Default 50, 75, 90.
    pub nudge_percents: Vec<u8>,
    /// Everybody up to this level is told from the start: `front_line`, `specialists` or `management`. A breach takes
    /// the matter one level up whoever was told. Default `front_line`; for a crisis `management`.
    pub tell: Escalation,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            acknowledge_seconds: 900,
            respond_seconds: 3_600,
            nudge_percents: vec![50, 75, 90],
            tell: Escalation::FrontLine,
        }
    }
}

impl Policy {
    /// How long people have.
    pub fn time_for(&self, deadline: DeadlineKind) -> SignedDuration {
        let seconds = match deadline {
            DeadlineKind::Acknowledge => self.acknowledge_seconds,
            DeadlineKind::Respond => self.respond_seconds,
        };
        SignedDuration::from_secs(i64::from(seconds))
    }
}

impl Check for Config {
    fn check(&self, problems: &mut Problems) {
        problems.within("policies", |problems| {
            problems.within("alert", |problems| self.policies.alert.check(problems));
            problems.within("crisis", |problems| self.policies.crisis.check(problems));
        });
        if self.remember_resolved_days == 0 {
            problems.add("remember_resolved_days", "must be at least 1");
        }
        problems.within("session", |problems| self.session.check(problems));
    }
}

impl Check for Policy {
    fn check(&self, problems: &mut Problems) {
        if self.acknowledge_seconds == 0 {
            problems.add("acknowledge_seconds", "must be at least 1");
        }
        if self.respond_seconds < self.acknowledge_seconds {
            problems.add(
                "respond_seconds",
                "must be at least acknowledge_seconds: nobody answers before somebody takes the alert",
            );
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
            ]
        );
    }
}
