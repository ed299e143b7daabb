//! What an error of librdkafka means for the caller.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::{BusError, ErrorKind};

/// Wraps an error: lost when this client was overtaken, fatal when the operator must act, else a wait.
pub(super) fn kafka_error(action: impl Into<String>, error: &KafkaError) -> BusError {
    let kind = match error {
        KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_) | KafkaError::Nul(_) => {
            ErrorKind::Fatal
        }
        KafkaError::Transaction(error) if error.is_fatal() => ErrorKind::Lost,
        error => code_of(error).map_or(ErrorKind::Unavailable, code_kind),
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
        Code::UnknownTopic
        | Code::UnknownTopicOrPartition
        | Code::InvalidTopic
        | Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::InvalidTransactionTimeout
        | Code::InvalidReplicationFactor
        | Code::InvalidPartitions
        | Code::InvalidConfig
        | Code::PolicyViolation
        | Code::MessageSizeTooLarge
        | Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism
        | Code::UnsupportedVersion
        | Code::UnsupportedFeature
        | Code::InvalidSessionTimeout
        | Code::InconsistentGroupProtocol => ErrorKind::Fatal,
        // Among them `UnknownPartition`, which the client says by itself: a broker that has just come back may not have
        // told it of all partitions yet. That the topics are there was checked at the start.
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
            "; create the topics first"
        }
        Some(
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed,
        ) => "; grant this user access to the topics, groups and transactional ids",
        Some(Code::Authentication | Code::SaslAuthenticationFailed) => {
            "; check the user and password in kafka.properties"
        }
        Some(Code::InvalidReplicationFactor) => {
            "; set kafka.replication_factor to at most the number of brokers"
        }
        Some(Code::MessageSizeTooLarge) => {
            "; raise max.message.bytes of the topic and message.max.bytes here"
        }
        _ => "",
    };
    match error {
        KafkaError::Transaction(error) => format!("{} ({}){advice}", error.string(), error.name()),
        error => format!("{error}{advice}"),
    }
}
