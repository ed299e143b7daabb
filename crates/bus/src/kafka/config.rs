//! Settings of the Kafka engine, and the properties that its promises rest on: those cannot be set from outside.

use std::collections::BTreeMap;
use std::fmt;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{BusError, ErrorKind};

/// Properties that exactly-once rests on, under each of their names; the engine sets them itself.
const OURS: [&str; 15] = [
    "acks",
    "auto.offset.reset",
    "bootstrap.servers",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "isolation.level",
    "metadata.broker.list",
    "partition.assignment.strategy",
    "request.required.acks",
    "transactional.id",
];

/// Second names of properties that we set ourselves: whichever is given, it is the one that counts.
const SECOND_NAMES: [(&str, &str); 2] = [
    ("compression.codec", "compression.type"),
    ("queue.buffering.max.ms", "linger.ms"),
];

/// What librdkafka sends at once at most, unless told otherwise.
const MESSAGE_MAX_BYTES: usize = 1_000_000;

/// Settings of the Kafka engine.
#[derive(Deserialize, Serialize, JsonSchema, Clone, PartialEq, Eq)]
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
    /// they time out (some 20 seconds). And the process keeps its partitions while it restarts: the groups wait for it
    /// for `session.timeout.ms` (then 30 seconds) instead of sharing them anew, and so do they when it does not come
    /// back. Default: none.
    pub instance: Option<String>,
    /// Any property of librdkafka, such as `security.protocol` or `sasl.username`, passed through as it is; see its
    /// CONFIGURATION.md, and docs/operations.md for TLS and SASL/SCRAM. What exactly-once rests on (`isolation.level`,
    /// `transactional.id`, …) is refused.
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

/// Without the values of properties: passwords may be among them.
impl fmt::Debug for KafkaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaConfig")
            .field("brokers", &self.brokers)
            .field("replication_factor", &self.replication_factor)
            .field("transactional_id_prefix", &self.transactional_id_prefix)
            .field("instance", &self.instance)
            .field("properties", &self.properties.keys())
            .finish()
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
        // The rule of the brokers for `group.instance.id`, less room for the number of a session.
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if let Some(instance) = &self.instance
            && (instance.is_empty() || instance.len() > 200 || !instance.chars().all(is_name))
        {
            let problem = "may have letters, digits, `.`, `_` and `-`: 1 to 200";
            problems.push(("instance".to_owned(), problem.to_owned()));
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

    /// Bytes that are sent to a topic at once at most.
    pub(super) fn message_max_bytes(&self) -> usize {
        self.properties
            .get("message.max.bytes")
            .and_then(|bytes| bytes.parse().ok())
            .unwrap_or(MESSAGE_MAX_BYTES)
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
            for (second, first) in SECOND_NAMES {
                if name == second {
                    config.remove(first);
                }
            }
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

    /// A consumer of a group, known to it as `member` after a restart; also what asks for that group's progress.
    pub(super) fn consumer(&self, group: &str, member: Option<&str>) -> ClientConfig {
        let mut config = self.client();
        if let Some(member) = member {
            config.set("group.instance.id", member);
        }
        // A killed process is noticed after this; shorter would take a long pause of the machine for a death. One that is
        // known by name is waited for until it has restarted, its state restored elsewhere only when it stays away.
        let session_timeout_ms = if member.is_some() { "30000" } else { "10000" };
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed")
            .set("allow.auto.create.topics", "false")
            // Range: partition i of co-partitioned topics goes to one session.
            .set("partition.assignment.strategy", "range")
            .set("session.timeout.ms", session_timeout_ms)
            .set("heartbeat.interval.ms", "2000")
            // What is fetched ahead of the stage, per partition; the rest waits on the broker.
            .set("queued.max.messages.kbytes", "16384")
            // How soon fetching goes on once the stage has caught up; a second by default, which starves fast stages.
            .set("fetch.queue.backoff.ms", "5");
        self.with_properties(config)
    }

    /// A consumer that reads partitions from any offset to their end.
    pub(super) fn replaying(&self) -> ClientConfig {
        let mut config = self.consumer(&format!("{}-replay", self.transactional_id_prefix), None);
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
            // Records of one batch are alike: the lowest level packs them nearly as well, in two thirds of the time.
            .set("compression.level", "1")
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
    fn what_exactly_once_rests_on_is_refused_under_each_of_its_names() {
        for name in OURS {
            let config = KafkaConfig {
                properties: [(name.to_owned(), "1".to_owned())].into(),
                ..KafkaConfig::default()
            };
            let problems = config.problems();
            assert_eq!(problems.len(), 1, "{name}");
            assert_eq!(problems[0].0, format!("properties.{name}"));
            let error = config.check().unwrap_err();
            assert_eq!(error.kind, ErrorKind::Fatal);
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn every_other_property_reaches_every_client_and_beats_our_own_choice() {
        let config = KafkaConfig {
            properties: [
                ("security.protocol".to_owned(), "ssl".to_owned()),
                ("reconnect.backoff.max.ms".to_owned(), "3000".to_owned()),
                ("session.timeout.ms".to_owned(), "45000".to_owned()),
                ("compression.type".to_owned(), "lz4".to_owned()),
            ]
            .into(),
            ..KafkaConfig::default()
        };
        for client in [
            config.asking(true),
            config.consumer("g", None),
            config.consumer("g", Some("pod-0")),
            config.replaying(),
            config.producer("p"),
        ] {
            for (name, value) in &config.properties {
                assert_eq!(client.get(name), Some(value.as_str()));
            }
        }
    }

    #[test]
    fn a_property_under_its_second_name_takes_the_place_of_ours() {
        let config = KafkaConfig {
            properties: [("compression.codec".to_owned(), "gzip".to_owned())].into(),
            ..KafkaConfig::default()
        }
        .producer("p");
        assert_eq!(config.get("compression.codec"), Some("gzip"));
        assert_eq!(config.get("compression.type"), None);
    }

    #[test]
    fn a_process_with_a_name_is_waited_for_longer_and_one_without_is_no_static_member() {
        let config = KafkaConfig::default();
        let named = config.consumer("g", Some("pod-0-1"));
        assert_eq!(named.get("group.instance.id"), Some("pod-0-1"));
        assert_eq!(named.get("session.timeout.ms"), Some("30000"));
        let nameless = config.consumer("g", None);
        assert_eq!(nameless.get("group.instance.id"), None);
        assert_eq!(nameless.get("session.timeout.ms"), Some("10000"));
        for wrong in ["", "a b", "北京"] {
            let config = KafkaConfig {
                instance: Some(wrong.to_owned()),
                ..KafkaConfig::default()
            };
            assert_eq!(config.problems()[0].0, "instance", "{wrong:?}");
        }
    }

    #[test]
    fn records_are_packed_with_zstd() {
        let config = KafkaConfig::default().producer("p");
        assert_eq!(config.get("compression.type"), Some("zstd"));
        // Fails where librdkafka is built without it.
        config.create_native_config().unwrap();
    }

    #[test]
    fn passwords_do_not_show() {
        let config = KafkaConfig {
            properties: [("sasl.password".to_owned(), "hush".to_owned())].into(),
            ..KafkaConfig::default()
        };
        let shown = format!("{config:?}");
        assert!(
            shown.contains("sasl.password") && !shown.contains("hush"),
            "{shown}"
        );
    }
}
