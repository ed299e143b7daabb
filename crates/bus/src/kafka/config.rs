//! Settings of the Kafka engine, and the properties that its promises rest on: those cannot be set from outside.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{BusError, ErrorKind};

/// Properties that exactly-once rests on; the engine sets them itself.
const OURS: [&str; 10] = [
    "bootstrap.servers",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "group.protocol",
    "isolation.level",
    "partition.assignment.strategy",
    "transactional.id",
];

/// Settings of the Kafka engine.
#[derive(Deserialize, Serialize, JsonSchema, Debug, Clone, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaConfig {
    /// Bootstrap servers, separated by commas. Default: `localhost:9092`.
    pub brokers: String,
    /// Replication factor of topics that are created. Default: -1, which takes the cluster's own default.
    pub replication_factor: i32,
    /// What transactional ids begin with; where access to them is granted by prefix, it is this one. Default: `wensheng`.
    pub transactional_id_prefix: String,
    /// A name of this process that no other process has and that is the same after a restart (a pod's name). With it,
    /// a process that was killed takes over its own open transactions at once; without it, they hold readers up until
    /// they time out (some 20 seconds). Default: none.
    pub instance: Option<String>,
    /// Any property of librdkafka, such as `security.protocol` or `sasl.username`, passed through as it is; see its
    /// CONFIGURATION.md. What exactly-once rests on (`isolation.level`, `transactional.id`, …) is refused.
    pub properties: BTreeMap<String, String>,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            brokers: "localhost:9092".to_owned(),
            replication_factor: -1,
            transactional_id_prefix: "wensheng".to_owned(),
            instance: None,
            properties: BTreeMap::new(),
        }
    }
}

impl KafkaConfig {
    /// What is wrong with the settings: the path of each key under `kafka`, and why.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if self.brokers.trim().is_empty() {
            problems.push((
                "brokers".to_owned(),
                "name at least one bootstrap server, as host:port".to_owned(),
            ));
        }
        if self.replication_factor == 0 || self.replication_factor < -1 {
            let problem = "must be 1 or more, or -1 for the cluster's default";
            problems.push(("replication_factor".to_owned(), problem.to_owned()));
        }
        for name in self
            .properties
            .keys()
            .filter(|name| OURS.contains(&name.as_str()))
        {
            let problem = "exactly-once rests on it, so the engine sets it itself: take it out";
            problems.push((format!("properties.{name}"), problem.to_owned()));
        }
        problems
    }

    pub(super) fn check(&self) -> Result<(), BusError> {
        match self.problems().first() {
            None => Ok(()),
            Some((path, problem)) => Err(BusError::new(
                ErrorKind::Fatal,
                format!("use the setting kafka.{path}"),
                problem,
            )),
        }
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config.set("client.id", "wensheng");
        // A broker that comes back is found within this; librdkafka's own ten seconds are long for a response clock.
        config.set("reconnect.backoff.max.ms", "1000");
        config.set_log_level(RDKafkaLogLevel::Info);
        config
    }

    fn with_properties(&self, mut config: ClientConfig) -> ClientConfig {
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config
    }

    /// A client that only asks questions: about ends that are settled (no transaction open before them), or about all
    /// that was appended.
    pub(super) fn asking(&self, settled: bool) -> ClientConfig {
        let mut config = self.client();
        let isolation = if settled {
            "read_committed"
        } else {
            "read_uncommitted"
        };
        config
            .set("isolation.level", isolation)
            .set("allow.auto.create.topics", "false");
        self.with_properties(config)
    }

    /// A consumer of a group; also what asks for that group's progress.
    pub(super) fn consumer(&self, group: &str) -> ClientConfig {
        let mut config = self.client();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed")
            .set("allow.auto.create.topics", "false")
            // Range: partition i of co-partitioned topics goes to one session.
            .set("partition.assignment.strategy", "range")
            // A killed process is noticed after this; shorter would take a long pause of the machine for a death.
            .set("session.timeout.ms", "10000")
            .set("heartbeat.interval.ms", "2000")
            // What is fetched ahead of the stage, per partition; the rest waits on the broker.
            .set("queued.max.messages.kbytes", "16384")
            // How soon fetching goes on once the stage has caught up; a second by default, which starves fast stages.
            .set("fetch.queue.backoff.ms", "5");
        self.with_properties(config)
    }

    /// A consumer that reads partitions from any offset to their end.
    pub(super) fn replaying(&self) -> ClientConfig {
        let mut config = self.consumer(&format!("{}-replay", self.transactional_id_prefix));
        config
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "50");
        config
    }

    /// A producer of transactions.
    pub(super) fn producer(&self, transactional_id: &str) -> ClientConfig {
        let mut config = self.client();
        config
            .set("transactional.id", transactional_id)
            .set("enable.idempotence", "true")
            // A transaction lives as long as one commit. Those of a killed process hold readers up this long.
            .set("transaction.timeout.ms", "10000")
            .set("compression.type", "zstd")
            // A commit flushes at once; until then, larger batches compress better.
            .set("linger.ms", "5")
            .set("batch.size", "1000000")
            .set("queue.buffering.max.messages", "1000000");
        self.with_properties(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_told_at_once_with_their_paths() {
        let config = KafkaConfig {
            brokers: " ".to_owned(),
            replication_factor: 0,
            properties: [
                ("isolation.level".to_owned(), "read_uncommitted".to_owned()),
                ("fetch.min.bytes".to_owned(), "1".to_owned()),
            ]
            .into(),
            ..KafkaConfig::default()
        };
        let paths: Vec<String> = config
            .problems()
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        assert_eq!(
            paths,
            [
                "brokers",
                "replication_factor",
                "properties.isolation.level"
            ]
        );
        assert_eq!(KafkaConfig::default().problems(), []);
    }

    #[test]
    fn properties_reach_every_client() {
        let config = KafkaConfig {
            properties: [("security.protocol".to_owned(), "ssl".to_owned())].into(),
            ..KafkaConfig::default()
        };
        for client in [
            config.asking(true),
            config.consumer("g"),
            config.replaying(),
            config.producer("p"),
        ] {
            assert_eq!(client.get("security.protocol"), Some("ssl"));
        }
    }
}
