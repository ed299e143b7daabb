//! What an error of librdkafka means for the caller.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::{BusError, ErrorKind};

/// Wraps an error: fatal when the operator must act, lost when this client was overtaken, else a wait.
pub(super) fn kafka_error(action: impl Into<String>, error: &KafkaError) -> BusError {
    let by_code = code_of(error).map_or(ErrorKind::Unavailable, code_kind);
    let kind = match error {
        // The settings were tried when the bus was opened; a thread that cannot be had may be had later.
        KafkaError::ClientCreation(why) if why.contains("create thread") => ErrorKind::Unavailable,
        KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_) | KafkaError::Nul(_) => {
            ErrorKind::Fatal
        }
        // To librdkafka a missing right is as fatal as having been overtaken; only the former is to the operator.
        KafkaError::Transaction(error) if error.is_fatal() && by_code != ErrorKind::Fatal => {
            ErrorKind::Lost
        }
        _ => by_code,
    };
    BusError::new(kind, action, reason(error))
}

/// The code of an error; that of an administrative request too, which the client's own method leaves out.
fn code_of(error: &KafkaError) -> Option<Code> {
    match error {
        KafkaError::AdminOp(code) => Some(*code),
        error => error.rdkafka_error_code(),
    }
}

/// What a single error code means.
pub(super) fn code_kind(code: Code) -> ErrorKind {
    match code {
        Code::Fatal
        | Code::Fenced
        | Code::State
        | Code::AssignmentLost
        | Code::IllegalGeneration
        | Code::UnknownMemberId
        | Code::RebalanceInProgress
        | Code::FencedInstanceId
        | Code::ProducerFenced
        | Code::InvalidProducerEpoch
        | Code::InvalidProducerIdMapping
        | Code::UnknownProducerId
        | Code::InvalidTransactionalState
        | Code::OutOfOrderSequenceNumber
        | Code::PollExceeded => ErrorKind::Lost,
        Code::InvalidTopic
        | Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::InvalidTransactionTimeout
        | Code::InvalidPartitions
        | Code::InvalidConfig
        | Code::PolicyViolation
        | Code::MessageSizeTooLarge
        | Code::InvalidSessionTimeout
        | Code::InconsistentGroupProtocol => ErrorKind::Fatal,
        // Among them what says that a topic or partition is not known: `UnknownPartition` and `UnknownTopic`, which the
        // client says by itself, and `UnknownTopicOrPartition`, which a broker says that has just come back and has not
        // heard of all topics yet. A topic that is really missing is found where sessions and publishers ask for it first,
        // in `Shared::partition_count`. Nor is a refused password fatal here: see `Reach`. Nor what a broker does not
        // support: for a moment after a connection broke, the client does not know what it does. Nor too few brokers for
        // the replicas asked for: the others may be starting.
        _ => ErrorKind::Unavailable,
    }
}

/// Why it failed, and what the operator can do where that can be told.
fn reason(error: &KafkaError) -> String {
    let advice = match code_of(error) {
        Some(
            Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::RequestTimedOut,
        ) => "; the brokers cannot be reached: see kafka.brokers and whether they run",
        Some(Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition) => {
            "; the brokers do not know it yet, or somebody deleted it: then create the topics again"
        }
        Some(
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed,
        ) => "; grant this user access to the topics, groups and transactional ids",
        Some(Code::Authentication | Code::SaslAuthenticationFailed) => {
            "; check sasl.mechanism, sasl.username and sasl.password in kafka.properties"
        }
        Some(Code::UnsupportedFeature | Code::UnsupportedVersion) => {
            "; where this stays, the brokers are too old: Kafka 2.5 or later is needed"
        }
        Some(
            Code::FencedInstanceId
            | Code::Fenced
            | Code::ProducerFenced
            | Code::InvalidProducerEpoch,
        ) => {
            "; another session has taken over: where this comes again and again, two processes have the same kafka.instance"
        }
        Some(Code::InvalidReplicationFactor) => {
            "; set kafka.replication_factor to at most the number of brokers, or see that all of them run"
        }
        Some(Code::MessageSizeTooLarge) => {
            "; raise max.message.bytes of the topic and message.max.bytes here"
        }
        _ => "",
    };
    match error {
        // The value may be a secret.
        KafkaError::ClientConfig(_, why, name, _) => format!("{why}: {name}; see kafka.properties"),
        KafkaError::Transaction(error) => format!("{} ({}){advice}", error.string(), error.name()),
        error => format!("{error}{advice}"),
    }
}
