//! The shipped volume rule fires on a crisis of some dozens of voices, and stays quiet in everyday talk.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, SessionConfig};
use wensheng_schemas::{Channel, Severity, VolumeState};

use crate::silence::SilenceConfig;

/// Windows and volume rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The zone whose hours and days are counted, as an IANA name. Windows already stored keep the zone they were
    /// counted in. Default `Asia/Shanghai`.
    pub time_zone: String,
    /// Keywords kept per window and batch, heaviest first; what a revision takes back is always kept. Default 100: the
    /// stored rank shows far fewer, and the tail of one batch does not decide a day's top. Smaller loses near-ties,
    /// larger makes the records of busy windows long.
    pub keywords_per_delta: usize,
    /// Pieces observed longer than this after they were said are counted in their windows but raise no signal, in
    /// seconds, so that reading in history alerts nobody. Default 1800.
    pub late_guard_seconds: u32,
    /// When a source counts as silent.
    pub silence: SilenceConfig,
    /// The joint detector.
    pub detector: DetectorConfig,
    /// Whether a brand's volume that is far out of its own past is told, once a day. It informs, and raises no alert.
    /// Default true.
    pub volume_lane: bool,
    /// Rules that watch the number and share of negative pieces.
    pub volume_rules: Vec<VolumeRule>,
    /// How the role reads its input.
    pub session: SessionConfig,
}

/// Looks at count, share and severe words of the negative pieces of each brand and topic, and of each brand as a whole,
/// beside what is usual for it at this hour of the day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DetectorConfig {
    /// Whether it runs. Default true.
    pub enabled: bool,
    /// False alerts at level `watch` that are put up with, per brand and 30 days. Default 1.
    pub watch_false_alerts: f64,
    /// False alerts at level `alert`, which start the clock, that are put up with, per brand and 30 days. Default 0.25:
    /// one in four months.
    pub alert_false_alerts: f64,
    /// Whether each brand's threshold follows its own quiet history. Otherwise all brands have the ones measured
    /// beforehand. Default true.
    pub learn_threshold: bool,
}

impl Default for DetectorConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            watch_false_alerts: 1.0,
            alert_false_alerts: 0.25,
            learn_threshold: true,
        }
    }
}

impl Check for DetectorConfig {
    fn check(&self, problems: &mut Problems) {
        for (path, rate) in [
            ("watch_false_alerts", self.watch_false_alerts),
            ("alert_false_alerts", self.alert_false_alerts),
        ] {
            if !(0.01..=30.0).contains(&rate) {
                problems.add(path, "must be between 0.01 and 30 per brand and 30 days");
            }
        }
        if self.alert_false_alerts > self.watch_false_alerts {
            problems.add("alert_false_alerts", "must be at most watch_false_alerts");
        }
    }
}

/// Fires when enough of the authors in a sliding window are negative. Evaluated per brand and topic and per brand as a
/// whole, in event time; an author counts once per window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VolumeRule {
    /// Its stable id: names it in signals and in the state. No default; must be given.
    pub id: String,
    /// Its name as people read it. Default: the id.
    pub name: String,
    /// Length of the window in seconds, a multiple of 10 up to 3600. Default 300.
    pub window_seconds: u32,
    /// Fires at this many negative authors in the window. Default 24.
    pub min_negative: u32,
    /// … if they are at least this share of all authors in the window, 0 to 1. Default 0.5.
    pub min_share: f64,
    /// … and at least this many times what is usual for the series (a mean over about a day). A series watched for
    /// less than a window has no usual yet: it needs twice `min_negative` instead. 0 turns this condition off.
    /// Default 3.
    pub min_rise: f64,
    /// How grave a signal of it is. Default `alert`.
    pub severity: Severity,
    /// Only these topics; `all` is the brand as a whole. Default empty: every topic and the brand as a whole.
    pub topics: Vec<String>,
    /// Only these brands. Default empty: every brand.
    pub brands: Vec<String>,
    /// Only feedback from these channels. Default empty: every channel.
    pub channels: Vec<Channel>,
    /// After firing, the series keeps quiet for this many seconds of event time, and speaks again if it still burns.
    /// Default 1800.
    pub cooldown_seconds: u32,
}

impl Default for VolumeRule {
    /// The numbers: 24 different people in 5 minutes is one every 12 seconds, more than a brand that hears 1,000
    /// complaints a day on one topic (3.5 per 5 minutes on average, some 10 at its peak) meets by chance; a Poisson
    /// count of mean 10 reaches 24 about once in 10,000 windows. Lower would fire on lunch hours, higher would
    /// wait past the first minutes of a crisis of some dozens. Half negative, because brands as a whole run at a
    /// quarter to a third negative and a crisis turns that round; single topics (queues, refunds) are mostly negative
    /// by nature, so that the share says little there and the third condition decides: three times the usual, which a
    /// day's peak over its mean (about 2) does not reach.
    fn default() -> Self {
        Self {
            id: String::new(),
            name: String::new(),
            window_seconds: 300,
            min_negative: 24,
            min_share: 0.5,
            min_rise: 3.0,
            severity: Severity::Alert,
            topics: Vec::new(),
            brands: Vec::new(),
            channels: Vec::new(),
            cooldown_seconds: 1_800,
        }
    }
}

impl VolumeRule {
    /// Whether it watches this series.
    pub(crate) fn watches(&self, brand: &str, topic: &str) -> bool {
        (self.brands.is_empty() || self.brands.iter().any(|b| b == brand))
            && (self.topics.is_empty() || self.topics.iter().any(|t| t == topic))
    }

    /// Whether it counts this channel.
    pub(crate) fn hears(&self, channel: Channel) -> bool {
        self.channels.is_empty() || self.channels.contains(&channel)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            time_zone: "Asia/Shanghai".to_owned(),
            keywords_per_delta: 100,
            late_guard_seconds: 1_800,
            silence: SilenceConfig::default(),
            detector: DetectorConfig::default(),
            volume_lane: true,
            volume_rules: vec![VolumeRule {
                id: "negative_wave".to_owned(),
                name: "负面声量激增".to_owned(),
                ..VolumeRule::default()
            }],
            session: SessionConfig::default(),
        }
    }
}

impl Check for Config {
    fn check(&self, problems: &mut Problems) {
        if let Err(error) = TimeZone::get(&self.time_zone) {
            problems.add(
                "time_zone",
                format!("{error}; use an IANA name such as Asia/Shanghai"),
            );
        }
        if self.late_guard_seconds > 86_400 {
            problems.add("late_guard_seconds", "must be at most 86400 (a day)");
        }
        problems.within("detector", |problems| self.detector.check(problems));
        let mut ids = BTreeSet::new();
        for (index, rule) in self.volume_rules.iter().enumerate() {
            problems.within_item("volume_rules", index, |problems| {
                rule.check(problems);
                if !rule.id.is_empty() && !ids.insert(rule.id.as_str()) {
                    problems.add("id", format!("{:?} is given twice", rule.id));
                }
            });
        }
        problems.within("silence", |problems| self.silence.check(problems));
        problems.within("session", |problems| self.session.check(problems));
    }
}

impl Check for VolumeRule {
    fn check(&self, problems: &mut Problems) {
        if self.id.is_empty() {
            problems.add("id", "must be given");
        }
        let bucket = VolumeState::BUCKET_SECONDS as u32;
        if !(bucket..=3_600).contains(&self.window_seconds)
            || !self.window_seconds.is_multiple_of(bucket)
        {
            problems.add(
                "window_seconds",
                "must be a multiple of 10 between 10 and 3600",
            );
        }
        if self.min_negative == 0 {
            problems.add("min_negative", "must be at least 1");
        }
        if !(0.0..=1.0).contains(&self.min_share) {
            problems.add("min_share", "must be between 0 and 1");
        }
        if !(0.0..=1_000.0).contains(&self.min_rise) {
            problems.add("min_rise", "must be between 0 (off) and 1000");
        }
        if self.cooldown_seconds < self.window_seconds {
            problems.add(
                "cooldown_seconds",
                "must be at least window_seconds, or the same pieces would fire again",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(config: &Config) -> Vec<String> {
        let mut problems = Problems::default();
        config.check(&mut problems);
        problems.into_found().into_iter().map(|p| p.path).collect()
    }

    #[test]
    fn the_shipped_configuration_is_sound() {
        assert_eq!(problems(&Config::default()), Vec::<String>::new());
    }

    #[test]
    fn every_problem_is_told_with_its_path() {
        let rule = VolumeRule {
            window_seconds: 15,
            min_negative: 0,
            min_share: 1.5,
            min_rise: f64::NAN,
            cooldown_seconds: 1,
            ..VolumeRule::default()
        };
        let twin = Config::default().volume_rules[0].clone();
        let config = Config {
            time_zone: "Asia/Nowhere".to_owned(),
            late_guard_seconds: 100_000,
            volume_rules: vec![rule, twin.clone(), twin],
            ..Config::default()
        };
        assert_eq!(
            problems(&config),
            [
                "time_zone",
                "late_guard_seconds",
                "volume_rules[0].id",
                "volume_rules[0].window_seconds",
                "volume_rules[0].min_negative",
                "volume_rules[0].min_share",
                "volume_rules[0].min_rise",
                "volume_rules[0].cooldown_seconds",
                "volume_rules[2].id",
            ]
        );
    }
}
