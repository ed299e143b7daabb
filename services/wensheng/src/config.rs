//! One document configures every role; all that is wrong with it is told at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_bus::{BusConfig, TopicSpec};
use wensheng_runtime::{Check, ConfigError, OpsConfig, Problems, TelemetryConfig, topic_specs};
use wensheng_schemas::{Keep, Topic};
use wensheng_store::StoreConfig;

/// The whole service.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where the embedded bus and the SQLite store keep their files. Default `wensheng-data`.
    pub(crate) data_dir: PathBuf,
    /// A drain that takes longer than this many seconds is cut off; nothing is lost, as what was not committed is read
    /// again at the next start. Default 20.
    pub(crate) shutdown_seconds: u64,
    /// The bus.
    pub(crate) bus: BusConfig,
    /// Its topics.
    pub(crate) topics: TopicsConfig,
    /// The query store.
    pub(crate) store: StoreConfig,
    /// Sources of feedback.
    pub(crate) connect: wensheng_connect::Config,
    /// Understanding.
    pub(crate) enrich: wensheng_enrich::Config,
    /// Windows and detection.
    pub(crate) aggregate: wensheng_aggregate::Config,
    /// Alerts and their response clock.
    pub(crate) respond: wensheng_respond::Config,
    /// Pushes.
    pub(crate) notify: wensheng_notify::Config,
    /// Writing the store.
    pub(crate) publish: wensheng_publish::Config,
    /// The console.
    pub(crate) console: wensheng_console::Config,
    /// Health and metrics.
    pub(crate) ops: OpsConfig,
    /// Logs.
    pub(crate) telemetry: TelemetryConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("wensheng-data"),
            shutdown_seconds: 20,
            bus: BusConfig::default(),
            topics: TopicsConfig::default(),
            store: StoreConfig::default(),
            connect: wensheng_connect::Config::default(),
            enrich: wensheng_enrich::Config::default(),
            aggregate: wensheng_aggregate::Config::default(),
            respond: wensheng_respond::Config::default(),
            notify: wensheng_notify::Config::default(),
            publish: wensheng_publish::Config::default(),
            console: wensheng_console::Config::default(),
            ops: OpsConfig::default(),
            telemetry: TelemetryConfig::default(),
        }
    }
}

/// The topics of the bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TopicsConfig {
    /// Partitions of every topic: the most sessions of one role that can share the work. Fixed once they exist. Default 8.
    pub(crate) partitions: u32,
    /// Whether `up` creates topics that are missing. Default true; say false where only an administrator may.
    pub(crate) create: bool,
    /// Days that a topic keeps its records, by topic name (`voc.feedback.v1: 30`), where not as shipped.
    pub(crate) keep_days: BTreeMap<String, u32>,
}

impl Default for TopicsConfig {
    fn default() -> Self {
        Self {
            partitions: 8,
            create: true,
            keep_days: BTreeMap::new(),
        }
    }
}

impl TopicsConfig {
    /// The topics as they should be.
    pub(crate) fn specs(&self) -> Vec<TopicSpec> {
        let keep = self
            .keep_days
            .iter()
            .map(|(name, days)| (name.clone(), Duration::from_secs(u64::from(*days) * 86_400)))
            .collect();
        topic_specs(self.partitions, &keep)
    }
}

impl Check for TopicsConfig {
    fn check(&self, problems: &mut Problems) {
        if self.partitions == 0 || self.partitions > 1024 {
            problems.add("partitions", "give 1 to 1024");
        }
        for (name, days) in &self.keep_days {
            match Topic::ALL.into_iter().find(|topic| topic.name() == name) {
                None => {
                    problems.within("keep_days", |problems| problems.add(name, "no such topic"))
                }
                Some(topic) if topic.keep() == Keep::Latest => {
                    problems.within("keep_days", |problems| {
                        problems.add(name, "this topic keeps the latest of each key for ever")
                    })
                }
                Some(_) if *days == 0 => problems.within("keep_days", |problems| {
                    problems.add(name, "must be at least 1")
                }),
                Some(_) => {}
            }
        }
    }
}

impl Check for Config {
    fn check(&self, problems: &mut Problems) {
        for (path, problem) in self.bus.problems() {
            problems.within("bus", |problems| problems.add(&path, problem));
        }
        problems.within("topics", |problems| self.topics.check(problems));
        problems.within("store", |problems| self.store.check(problems));
        problems.within("connect", |problems| self.connect.check(problems));
        problems.within("enrich", |problems| self.enrich.check(problems));
        problems.within("aggregate", |problems| self.aggregate.check(problems));
        problems.within("respond", |problems| self.respond.check(problems));
        problems.within("notify", |problems| self.notify.check(problems));
        problems.within("publish", |problems| self.publish.check(problems));
        problems.within("console", |problems| self.console.check(problems));
        problems.within("telemetry", |problems| self.telemetry.check(problems));
    }
}

impl Config {
    /// What is valid, and should be known all the same.
    ///
    /// # Errors
    /// A source's configuration cannot be used.
    pub(crate) fn advice(&self) -> Result<Vec<String>, wensheng_connect::Error> {
        let mut advice = wensheng_connect::advice(&self.connect)?;
        let purposes = &self.publish.sources;
        let sources: BTreeSet<&str> = self.connect.source_names().collect();
        for source in sources.iter().filter(|name| !purposes.contains_key(**name)) {
            advice.push(format!(
                "source {source}: publish.sources does not say what its feedback is processed for, which the law on personal information (PIPL) wants set down"
            ));
        }
        for name in purposes
            .keys()
            .filter(|name| !sources.contains(name.as_str()))
        {
            advice.push(format!(
                "publish.sources.{name}: no source of connect.sources has that name"
            ));
        }
        Ok(advice)
    }
}

/// Reads the configuration at `path`, or takes every default where there is none.
pub(crate) fn load_or_default(path: Option<&Path>) -> Result<Config, ConfigError> {
    match path {
        Some(path) => load(path),
        None => Ok(Config::default()),
    }
}

/// Reads the configuration at `path`.
pub(crate) fn load(path: &Path) -> Result<Config, ConfigError> {
    wensheng_runtime::load(path)
}
