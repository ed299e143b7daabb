//! TLS and SASL/SCRAM: the seam holds through them, and what is wrong with them is told in words that help.

use std::sync::Arc;

use wensheng_bus::{Bus, BusError, ErrorKind, KafkaBus, KafkaConfig};

use crate::engine::{Engine, Secured, soon};
use crate::{exactly_once, groups, log, state};

/// Runs tests of the conformance suite over the secured listener.
macro_rules! over_tls {
    ($($module:ident::$name:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let Some(engine) = Engine::secured().await else { return };
            $module::$name(&engine).await;
        })*
    };
}

over_tls!(
    exactly_once::a_stage_killed_again_and_again_writes_each_record_once,
    groups::a_revoked_session_cannot_commit_what_it_lost,
    groups::two_sessions_share_the_partitions,
    log::a_publisher_is_fenced_off_by_a_newer_one_of_the_same_id,
    log::keys_values_and_headers_come_back_as_they_were,
    log::lag_counts_what_is_unread_and_reaches_zero,
    log::outputs_and_progress_are_committed_together,
    log::replay_of_a_compacted_topic_has_the_latest_of_each_key,
    log::topics_that_differ_from_the_settings_are_reported,
    state::state_is_restored_before_the_first_record,
);

/// What `topics create`, `topics check` and every role meet first, and what a session meets.
async fn refused(config: KafkaConfig) -> [BusError; 2] {
    let bus = KafkaBus::open(config).unwrap();
    let topic: Arc<str> = "any".into();
    let asked = soon("an answer comes", bus.partitions(&topic)).await;
    let published = soon("an answer comes", bus.publisher("any")).await;
    [asked.unwrap_err(), published.err().unwrap()]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_told_with_what_to_do() {
    let Some(secured) = Secured::at_hand() else {
        return;
    };
    let mut config = secured.config();
    config
        .properties
        .insert("sasl.password".to_owned(), "not-this-one".to_owned());
    for error in refused(config).await {
        let told = error.to_string();
        assert_eq!(error.kind, ErrorKind::Fatal, "{told}");
        assert!(told.contains("sasl.password"), "{told}");
        assert!(told.contains("Authentication failed"), "{told}");
        assert!(!told.contains("not-this-one"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_that_is_not_trusted_is_told_with_what_to_do() {
    let Some(secured) = Secured::at_hand() else {
        return;
    };
    let mut config = secured.config();
    config.properties.remove("ssl.ca.location");
    for error in refused(config).await {
        let told = error.to_string();
        assert_eq!(error.kind, ErrorKind::Fatal, "{told}");
        assert!(told.contains("certificate verify failed"), "{told}");
        assert!(told.contains("ssl.ca.location"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_file_that_is_not_there_is_a_clear_error_before_anything_is_asked() {
    let config = KafkaConfig {
        properties: [
            ("security.protocol".to_owned(), "ssl".to_owned()),
            ("ssl.ca.location".to_owned(), "/no/such/ca.pem".to_owned()),
        ]
        .into(),
        ..Default::default()
    };
    let error = KafkaBus::open(config).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Fatal);
    assert!(error.to_string().contains("ssl.ca.location"), "{error}");
}
