//! Topics on the brokers: created when missing, compared, never changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode as Code;

use super::context::Quiet;
use super::errors::{code_kind, kafka_error};
use super::replay::ASK;
use crate::{BusError, Cleanup, ErrorKind, TopicProblem, TopicSpec};

/// How long the brokers may take to spread word of a new topic.
const SPREAD: Duration = Duration::from_secs(30);

/// The number of partitions, or `None` when there is no such topic. Blocking.
pub(super) fn partition_count(
    client: &BaseConsumer<Quiet>,
    topic: &str,
) -> Result<Option<u32>, BusError> {
    let action = || format!("ask for topic {topic}");
    let metadata = client
        .fetch_metadata(Some(topic), ASK)
        .map_err(|error| kafka_error(action(), &error))?;
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
        return Ok(None);
    };
    match found.error().map(Code::from) {
        None if found.partitions().is_empty() => Ok(None),
        None => Ok(Some(found.partitions().len() as u32)),
        Some(Code::UnknownTopic | Code::UnknownTopicOrPartition) => Ok(None),
        Some(code) => Err(BusError::new(code_kind(code), action(), code)),
    }
}

/// Waits until the brokers know all of them. Blocking.
pub(super) fn wait_for(client: &BaseConsumer<Quiet>, topics: &[Arc<str>]) -> Result<(), BusError> {
    let started = Instant::now();
    for topic in topics {
        while partition_count(client, topic)?.is_none() {
            if started.elapsed() > SPREAD {
                let reason = "it was created, but the brokers do not show it yet";
                return Err(BusError::new(
                    ErrorKind::Unavailable,
                    format!("create topic {topic}"),
                    reason,
                ));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

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
            match retention {
                Some(retention) => topic
                    .set("cleanup.policy", "delete")
                    .set("retention.ms", retention),
                None => topic.set("cleanup.policy", "compact"),
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
                return Err(kafka_error(
                    action,
                    &rdkafka::error::KafkaError::AdminOp(code),
                ));
            }
        }
    }
    Ok(())
}

/// Compares topics with what they should be.
pub(super) async fn check(
    admin: &AdminClient<Quiet>,
    specs: &[TopicSpec],
    counts: Vec<Option<u32>>,
) -> Result<Vec<TopicProblem>, BusError> {
    let mut problems = Vec::new();
    for (spec, count) in specs.iter().zip(counts) {
        let problem = match count {
            None => Some("it does not exist: create the topics".to_owned()),
            Some(count) if count != spec.partitions => Some(format!(
                "it has {count} partitions, the settings say {}: set them to {count}, or make the topic anew",
                spec.partitions
            )),
            Some(_) => check_cleanup(admin, spec).await?,
        };
        if let Some(problem) = problem {
            problems.push(TopicProblem {
                topic: spec.name.clone(),
                problem,
            });
        }
    }
    Ok(problems)
}

async fn check_cleanup(
    admin: &AdminClient<Quiet>,
    spec: &TopicSpec,
) -> Result<Option<String>, BusError> {
    let action = format!("read the settings of topic {}", spec.name);
    let described = admin
        .describe_configs([&ResourceSpecifier::Topic(&spec.name)], &options())
        .await
        .map_err(|error| kafka_error(action.as_str(), &error))?;
    let resource = match described.into_iter().next() {
        Some(Ok(resource)) => resource,
        Some(Err(code)) => return Err(BusError::new(code_kind(code), action, code)),
        None => {
            return Err(BusError::new(
                ErrorKind::Unavailable,
                action,
                "the brokers told nothing",
            ));
        }
    };
    let value = |name: &str| {
        resource
            .get(name)
            .and_then(|entry| entry.value.clone())
            .unwrap_or_default()
    };
    let policy = value("cleanup.policy");
    let (wanted_policy, wanted_retention) = match spec.cleanup {
        Cleanup::Compact => ("compact", None),
        Cleanup::Delete(retention) => ("delete", Some(retention_ms(retention))),
    };
    if policy != wanted_policy {
        return Ok(Some(format!(
            "its cleanup.policy is {policy}: set it to {wanted_policy} on the brokers"
        )));
    }
    let retention = value("retention.ms");
    Ok(wanted_retention
        .filter(|wanted| *wanted != retention)
        .map(|wanted| {
            format!(
                "its retention.ms is {retention}, the settings say {wanted}: change one of them"
            )
        }))
}
