//! Which engine, and its settings.

use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::prefix::Prefixed;
use crate::{Bus, BusError, EmbeddedBus, EmbeddedConfig, KafkaBus, KafkaConfig};

/// The engines.
#[derive(Deserialize, Serialize, JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// One file, one process: the default.
    #[default]
    Embedded,
    /// Apache Kafka: how the system grows past one machine.
    Kafka,
}

/// Settings of the bus.
#[derive(Deserialize, Serialize, JsonSchema, Debug, Clone, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct BusConfig {
    /// `embedded` (one file, one process) or `kafka`. Default: `embedded`.
    pub engine: Engine,
    /// What the names of topics, groups and transactions begin with on the engine, so that several installations can share
    /// one cluster: letters, digits, `.`, `_` and `-`. Default: nothing.
    pub prefix: String,
    /// Settings of the embedded engine; unused with `kafka`.
    pub embedded: EmbeddedConfig,
    /// Settings of the Kafka engine; unused with `embedded`.
    pub kafka: KafkaConfig,
}

impl BusConfig {
    /// What is wrong with the settings of the engine in use: the path of each key under `bus`, and why.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = match self.engine {
            Engine::Embedded => self.embedded.problems(),
            Engine::Kafka => self
                .kafka
                .problems()
                .into_iter()
                .map(|(path, problem)| (format!("kafka.{path}"), problem))
                .collect(),
        };
        // The rule of Kafka's topic names, less room for the longest name behind it.
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if self.prefix.len() > 200 || !self.prefix.chars().all(is_name) {
            let problem = "may have letters, digits, `.`, `_` and `-`, at most 200";
            problems.push(("prefix".to_owned(), problem.to_owned()));
        }
        problems
    }
}

/// Opens the engine that the settings name. The embedded file is `bus.db` in `data_dir` unless they say otherwise; a
/// relative path is one from the working folder. Blocks for some milliseconds.
///
/// # Errors
/// See [`EmbeddedBus::open`] and [`KafkaBus::open`].
pub fn open_bus(config: &BusConfig, data_dir: &Path) -> Result<Arc<dyn Bus>, BusError> {
    let bus: Arc<dyn Bus> = match config.engine {
        Engine::Embedded => {
            let path = config
                .embedded
                .path
                .clone()
                .unwrap_or_else(|| data_dir.join("bus.db"));
            EmbeddedBus::open(path, config.embedded.clone())?
        }
        Engine::Kafka => KafkaBus::open(config.kafka.clone())?,
    };
    if config.prefix.is_empty() {
        return Ok(bus);
    }
    Ok(Arc::new(Prefixed::new(bus, &config.prefix)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_is_embedded_unless_told_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let bus = open_bus(&BusConfig::default(), folder.path()).unwrap();
        assert!(folder.path().join("bus.db").exists());
        drop(bus);
        let elsewhere = folder.path().join("elsewhere.db");
        let mut config = BusConfig::default();
        config.embedded.path = Some(elsewhere.clone());
        drop(open_bus(&config, folder.path()).unwrap());
        assert!(elsewhere.exists());
    }

    #[test]
    fn only_the_engine_in_use_is_checked() {
        let mut config = BusConfig::default();
        config.kafka.brokers.clear();
        assert_eq!(config.problems(), []);
        config.engine = Engine::Kafka;
        assert_eq!(config.problems()[0].0, "kafka.brokers");
        assert!(open_bus(&config, Path::new("unused")).is_err());
    }
}
