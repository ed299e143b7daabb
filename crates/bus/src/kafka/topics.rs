//! Topics on the brokers: created when missing, compared with what the promises rest on, never changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic, OwnedResourceSpecifier, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::KafkaConfig;
use super::asking::Asking;
use super::context::Quiet;
use super::errors::{code_kind, kafka_error};
use super::replay::ASK;
use crate::{BusError, Cleanup, ErrorKind, TopicProblem, TopicSpec};

/// How long the brokers may take to spread word of a new topic.
const SPREAD: Duration = Duration::from_secs(30);

/// A topic as the brokers know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) partitions: u32,
    /// Copies of each partition; of the one with the fewest.
    pub(super) replicas: usize,
}

/// Asks for a topic; `None` when the brokers know none of that name, which a broker that has just come back may say for
/// a moment. Blocking.
pub(super) fn found(asking: &Asking, topic: &str) -> Result<Option<Found>, BusError> {
    let action = || format!("ask for topic {topic}");
    let metadata = asking
        .ask(|client| client.fetch_metadata(Some(topic), ASK))
        .map_err(|error| kafka_error(action(), &error))?;
    let Some(told) = metadata.topics().iter().find(|told| told.name() == topic) else {
        return Ok(None);
    };
    match told.error().map(Code::from) {
        None if told.partitions().is_empty() => Ok(None),
        None => {
            let replicas = told.partitions().iter().map(|one| one.replicas().len());
            Ok(Some(Found {
                partitions: told.partitions().len() as u32,
                replicas: replicas.min().unwrap_or(0),
            }))
        }
        Some(Code::UnknownTopic | Code::UnknownTopicOrPartition) => Ok(None),
        Some(code) => Err(BusError::new(code_kind(code), action(), code)),
    }
}

/// Waits until the brokers know all of them. Blocking.
pub(super) fn wait_for(asking: &Asking, topics: &[TopicSpec]) -> Result<(), BusError> {
    let started = Instant::now();
    for topic in topics {
        while found(asking, &topic.name)?.is_none() {
            if started.elapsed() > SPREAD {
                let reason = "it was created, but the brokers do not show it yet";
                return Err(BusError::new(
                    ErrorKind::Unavailable,
                    format!("create topic {}", topic.name),
                    reason,
                ));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

/// With so many replicas, a record can be held by two brokers before it is acknowledged while one is away.
const SAFE_REPLICAS: i32 = 3;

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(ASK))
        .operation_timeout(Some(ASK))
}

fn retention_ms(retention: Duration) -> String {
    i64::try_from(retention.as_millis())
        .unwrap_or(i64::MAX)
        .to_string()
}

/// Creates the topics that are missing.
pub(super) async fn create(
    admin: &AdminClient<Quiet>,
    specs: &[TopicSpec],
    replication_factor: i32,
    brokers: &str,
) -> Result<(), BusError> {
    let retentions: Vec<Option<String>> = specs
        .iter()
        .map(|spec| match spec.cleanup {
            Cleanup::Delete(retention) => Some(retention_ms(retention)),
            Cleanup::Compact => None,
        })
        .collect();
    let topics: Vec<NewTopic<'_>> = specs
        .iter()
        .zip(&retentions)
        .map(|(spec, retention)| {
            let partitions = i32::try_from(spec.partitions.max(1)).unwrap_or(i32::MAX);
            let topic = NewTopic::new(
                &spec.name,
                partitions,
                TopicReplication::Fixed(replication_factor),
            );
            let topic = match retention {
                Some(retention) => topic
                    .set("cleanup.policy", "delete")
                    .set("retention.ms", retention),
                None => topic
                    .set("cleanup.policy", "compact")
                    .set("max.compaction.lag.ms", SUPERSEDED_STAYS_MS),
            };
            // What is acknowledged is then on two brokers at least, and one may be away.
            match replication_factor >= SAFE_REPLICAS {
                true => topic.set("min.insync.replicas", "2"),
                false => topic,
            }
        })
        .collect();
    if topics.is_empty() {
        return Ok(());
    }
    let results = admin
        .create_topics(&topics, &options())
        .await
        .map_err(|error| kafka_error(format!("create topics on {brokers}"), &error))?;
    for result in results {
        match result {
            Ok(_) | Err((_, Code::TopicAlreadyExists)) => {}
            Err((topic, code)) => {
                let action = format!("create topic {topic}");
                return Err(kafka_error(action, &KafkaError::AdminOp(code)));
            }
        }
    }
    Ok(())
}

/// Compares topics with what they should be.
pub(super) async fn check(
    admin: &AdminClient<Quiet>,
    config: &KafkaConfig,
    specs: &[TopicSpec],
    found: Vec<Option<Found>>,
) -> Result<Vec<TopicProblem>, BusError> {
    // Each once: librdkafka refuses to ask twice for one.
    let there: BTreeSet<&str> = specs
        .iter()
        .zip(&found)
        .filter(|(_, found)| found.is_some())
        .map(|(spec, _)| &*spec.name)
        .collect();
    let settings = describe(admin, &there).await?;
    let mut problems = Vec::new();
    let mut at_risk = Vec::new();
    for (spec, found) in specs.iter().zip(found) {
        let mut tell = |problem| {
            problems.push(TopicProblem {
                topic: spec.name.clone(),
                problem,
            });
        };
        match (found, settings.get(&spec.name)) {
            (None, _) => tell("it does not exist: create the topics".to_owned()),
            (Some(_), None) => {
                return Err(BusError::new(
                    ErrorKind::Unavailable,
                    format!("read the settings of topic {}", spec.name),
                    "the brokers told nothing",
                ));
            }
            (Some(found), Some(settings)) => {
                compare(config, spec, found, settings)
                    .into_iter()
                    .for_each(&mut tell);
                if settings.may_lose(found) {
                    at_risk.push(&*spec.name);
                }
            }
        }
    }
    if !at_risk.is_empty() {
        tracing::warn!(
            topics = at_risk.join(", "),
            "what is acknowledged may be on one broker alone, and lost with it: set min.insync.replicas to 2"
        );
    }
    Ok(problems)
}

/// How long a record of a compacted topic stays after a later one of its key took its place: seven days. The brokers' own
/// default knows no end, so that what was erased could stay for years where little is written.
const SUPERSEDED_STAYS_MS: &str = "604800000";

/// The settings of a topic that the promises rest on, as the brokers tell them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Settings {
    cleanup_policy: String,
    retention_ms: String,
    min_insync_replicas: usize,
    max_message_bytes: usize,
}

impl Settings {
    fn of(resource: &ConfigResource) -> Self {
        let value = |name: &str| {
            let entry = resource.get(name);
            entry
                .and_then(|entry| entry.value.clone())
                .unwrap_or_default()
        };
        let number = |name: &str, otherwise| value(name).parse().unwrap_or(otherwise);
        Self {
            cleanup_policy: value("cleanup.policy"),
            retention_ms: value("retention.ms"),
            min_insync_replicas: number("min.insync.replicas", 1),
            max_message_bytes: number("max.message.bytes", usize::MAX),
        }
    }

    /// Whether a record counts as acknowledged although one broker alone has it, where there could be two.
    fn may_lose(&self, found: Found) -> bool {
        i32::try_from(found.replicas).is_ok_and(|replicas| replicas >= SAFE_REPLICAS)
            && self.min_insync_replicas < 2
    }
}

async fn describe(
    admin: &AdminClient<Quiet>,
    topics: &BTreeSet<&str>,
) -> Result<BTreeMap<Arc<str>, Settings>, BusError> {
    if topics.is_empty() {
        return Ok(BTreeMap::new());
    }
    let action = "read the settings of the topics";
    let asked: Vec<ResourceSpecifier<'_>> = topics
        .iter()
        .map(|topic| ResourceSpecifier::Topic(topic))
        .collect();
    let described = admin
        .describe_configs(&asked, &options())
        .await
        .map_err(|error| kafka_error(action, &error))?;
    let mut settings = BTreeMap::new();
    for resource in described {
        let resource = resource.map_err(|code| kafka_error(action, &KafkaError::AdminOp(code)))?;
        if let OwnedResourceSpecifier::Topic(topic) = &resource.specifier {
            settings.insert(Arc::from(topic.as_str()), Settings::of(&resource));
        }
    }
    Ok(settings)
}

/// What is wrong with a topic that exists, and what to do.
fn compare(
    config: &KafkaConfig,
    spec: &TopicSpec,
    found: Found,
    settings: &Settings,
) -> Vec<String> {
    let mut problems = Vec::new();
    let Found {
        partitions,
        replicas,
    } = found;
    if partitions != spec.partitions {
        problems.push(format!(
            "it has {partitions} partitions, the settings say {}: set them to {partitions}, or make the topic anew",
            spec.partitions
        ));
    }
    let (policy, retention) = match spec.cleanup {
        Cleanup::Compact => ("compact", None),
        Cleanup::Delete(retention) => ("delete", Some(retention_ms(retention))),
    };
    if settings.cleanup_policy != policy {
        problems.push(format!(
            "its cleanup.policy is {}: set it to {policy} on the brokers",
            settings.cleanup_policy
        ));
    } else if let Some(wanted) = retention.filter(|wanted| *wanted != settings.retention_ms) {
        problems.push(format!(
            "its retention.ms is {}, the settings say {wanted}: change one of them",
            settings.retention_ms
        ));
    }
    let wanted = usize::try_from(config.replication_factor).unwrap_or(0);
    if replicas < wanted {
        problems.push(format!(
            "it has {replicas} replica(s), kafka.replication_factor says {wanted}: add replicas to it, or change the setting"
        ));
    }
    if settings.min_insync_replicas > replicas {
        problems.push(format!(
            "its min.insync.replicas is {} with {replicas} replica(s), so nothing can be written: lower the one, or add to the other",
            settings.min_insync_replicas
        ));
    }
    let sent = config.message_max_bytes();
    if settings.max_message_bytes < sent {
        problems.push(format!(
            "its max.message.bytes is {}, but up to {sent} bytes are sent at once: raise it to that, or set message.max.bytes in kafka.properties to at most {}",
            settings.max_message_bytes, settings.max_message_bytes
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn spec(cleanup: Cleanup) -> TopicSpec {
        TopicSpec {
            name: "feedback".into(),
            partitions: 8,
            cleanup,
        }
    }

    fn settings() -> Settings {
        Settings {
            cleanup_policy: "delete".to_owned(),
            retention_ms: "86400000".to_owned(),
            min_insync_replicas: 2,
            max_message_bytes: 1_048_588,
        }
    }

    const FOUND: Found = Found {
        partitions: 8,
        replicas: 3,
    };

    #[test]
    fn a_topic_as_it_should_be_is_left_in_peace() {
        let config = KafkaConfig::default();
        let problems = compare(&config, &spec(Cleanup::Delete(DAY)), FOUND, &settings());
        assert_eq!(problems, [""; 0]);
        assert!(!settings().may_lose(FOUND));
    }

    #[test]
    fn all_that_is_wrong_with_a_topic_is_told_at_once_and_what_to_do() {
        let config = KafkaConfig {
            replication_factor: 3,
            properties: [("message.max.bytes".to_owned(), "5000000".to_owned())].into(),
            ..KafkaConfig::default()
        };
        let found = Found {
            partitions: 4,
            replicas: 1,
        };
        let problems = compare(&config, &spec(Cleanup::Compact), found, &settings());
        let expected = [
            "4 partitions, the settings say 8",
            "cleanup.policy is delete: set it to compact",
            "1 replica(s), kafka.replication_factor says 3",
            "min.insync.replicas is 2 with 1 replica(s)",
            "max.message.bytes is 1048588, but up to 5000000 bytes",
        ];
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        for (problem, part) in problems.iter().zip(expected) {
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn records_that_one_broker_alone_may_hold_are_warned_of_where_there_could_be_two() {
        let lax = Settings {
            min_insync_replicas: 1,
            ..settings()
        };
        assert!(lax.may_lose(FOUND));
        let single = Found {
            replicas: 1,
            ..FOUND
        };
        assert!(!lax.may_lose(single), "one broker is all there is");
    }
}
