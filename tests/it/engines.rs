//! The same promises on the engines of a larger installation: Kafka as the bus, PostgreSQL as the store.

use jiff::Timestamp;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::exactly_once::survives_kills;
use crate::main_job::counts_every_training_row;
use crate::revisions::last_revisions_count;
use crate::site::Site;

/// A site on the broker that `WENSHENG_KAFKA` names, with topics and groups of its own; `None` where no broker is at hand.
pub(crate) fn site_on_kafka() -> Option<Site> {
    let Ok(brokers) = std::env::var("WENSHENG_KAFKA") else {
        println!(
            "skipped: no broker; start one with tests/kafka.sh and set WENSHENG_KAFKA to its address"
        );
        return None;
    };
    let mut site = Site::new();
    let prefix = format!(
        "e2e-{}-{:04x}.",
        Timestamp::now().as_millisecond(),
        rand::random::<u16>()
    );
    site.configure(json!({
        "bus": { "engine": "kafka", "prefix": prefix, "kafka": {
            "brokers": brokers, "replication_factor": 1, "instance": "end-to-end",
        } },
        "topics": { "partitions": 4 },
    }));
    Some(site)
}

#[tokio::test]
async fn every_training_row_is_counted_over_kafka() {
    let Some(site) = site_on_kafka() else { return };
    counts_every_training_row(site).await;
}

#[tokio::test]
async fn ten_kills_lose_nothing_and_count_nothing_twice_over_kafka() {
    let Some(site) = site_on_kafka() else { return };
    survives_kills(site).await;
}

#[tokio::test]
async fn figures_are_those_of_the_last_revisions_over_kafka() {
    let Some(site) = site_on_kafka() else { return };
    last_revisions_count(site).await;
}

#[tokio::test]
async fn topics_are_created_and_checked_on_kafka() {
    let Some(mut site) = site_on_kafka() else {
        return;
    };
    let config = site.config_file();
    let missing = site
        .run(&["topics", "check", "--config", &config])
        .ended()
        .await;
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(missing.stdout.contains("voc.feedback.v1"), "{missing:?}");
    let created = site
        .run(&["topics", "create", "--config", &config])
        .ended()
        .await;
    assert_eq!(created.code, Some(0), "{created:?}");
    let checked = site
        .run(&["topics", "check", "--config", &config])
        .ended()
        .await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    site.configure(json!({ "topics": { "partitions": 6 } }));
    let config = site.config_file();
    let differing = site
        .run(&["topics", "check", "--config", &config])
        .ended()
        .await;
    assert_eq!(differing.code, Some(1), "{differing:?}");
    assert!(differing.stdout.contains("voc.alerts.v1"), "{differing:?}");
}

/// A database of its own on the server that `WENSHENG_POSTGRES` names; dropped when the next test run finds it.
async fn postgres_url() -> Option<String> {
    let Ok(server) = std::env::var("WENSHENG_POSTGRES") else {
        println!(
            "skipped: no PostgreSQL; start one with tests/postgres.sh and set WENSHENG_POSTGRES to its URL"
        );
        return None;
    };
    let mut admin = PgConnection::connect(&server)
        .await
        .expect("the server that WENSHENG_POSTGRES names");
    let name = "wensheng_end_to_end";
    for statement in [
        format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        format!("CREATE DATABASE {name}"),
    ] {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut admin)
            .await
            .expect("a database for the test");
    }
    let (before, query) = server
        .split_once('?')
        .map_or((server.as_str(), None), |(url, query)| (url, Some(query)));
    let (base, _) = before.rsplit_once('/').expect("a URL with a database");
    Some(match query {
        Some(query) => format!("{base}/{name}?{query}"),
        None => format!("{base}/{name}"),
    })
}

#[tokio::test]
async fn every_training_row_is_counted_in_postgresql() {
    let Some(url) = postgres_url().await else {
        return;
    };
    let mut site = Site::new();
    site.configure(json!({ "store": { "url": url } }));
    counts_every_training_row(site).await;
}
