//! The same promises on the engines of a larger installation: Kafka as the bus, PostgreSQL as the store.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::sync::{Mutex, MutexGuard};

use crate::exactly_once::survives_kills;
use crate::main_job::counts_every_training_row;
use crate::process::eventually;
use crate::site::Site;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A broker that holds nothing of the service, for one test at a time: topics have fixed names.
struct Broker {
    address: String,
    _alone: MutexGuard<'static, ()>,
}

impl Broker {
    /// `None` where no broker is at hand.
    async fn empty() -> Option<Self> {
        static ALONE: Mutex<()> = Mutex::const_new(());
        let Ok(address) = std::env::var("WENSHENG_KAFKA") else {
            println!(
                "skipped: no broker; start one with tests/kafka.sh and set WENSHENG_KAFKA to its address"
            );
            return None;
        };
        let broker = Self {
            address,
            _alone: ALONE.lock().await,
        };
        broker.clear().await;
        Some(broker)
    }

    async fn clear(&self) {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.address);
        let admin: AdminClient<DefaultClientContext> = config.create().expect("a Kafka client");
        let asking: BaseConsumer = config.create().expect("a Kafka client");
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
        let groups = asking
            .fetch_group_list(None, TIMEOUT)
            .expect("the broker lists its groups");
        let groups: Vec<String> = groups
            .groups()
            .iter()
            .map(|group| group.name().to_owned())
            .filter(|name| name.starts_with("wensheng-"))
            .collect();
        for group in &groups {
            // A member that was killed is a member until its session times out.
            eventually("the end of a group", async || {
                let deleted = admin
                    .delete_groups(&[group], &options)
                    .await
                    .expect("the broker answers");
                deleted
                    .into_iter()
                    .all(|result| result.is_ok())
                    .then_some(())
            })
            .await;
        }
        let topics = || -> Vec<String> {
            let metadata = asking
                .fetch_metadata(None, TIMEOUT)
                .expect("the broker lists its topics");
            metadata
                .topics()
                .iter()
                .map(|topic| topic.name().to_owned())
                .filter(|name| name.starts_with("voc."))
                .collect()
        };
        let there = topics();
        let names: Vec<&str> = there.iter().map(String::as_str).collect();
        if !names.is_empty() {
            admin
                .delete_topics(&names, &options)
                .await
                .expect("the broker deletes topics");
        }
        eventually("the end of the topics", async || {
            topics().is_empty().then_some(())
        })
        .await;
    }

    fn site(&self) -> Site {
        let mut site = Site::new();
        site.configure(json!({
            "bus": { "engine": "kafka", "kafka": {
                "brokers": self.address, "replication_factor": 1, "instance": "end-to-end",
            } },
            "topics": { "partitions": 4 },
        }));
        site
    }
}

#[tokio::test]
async fn every_training_row_is_counted_over_kafka() {
    let Some(broker) = Broker::empty().await else {
        return;
    };
    counts_every_training_row(broker.site()).await;
}

#[tokio::test]
async fn ten_kills_lose_nothing_and_count_nothing_twice_over_kafka() {
    let Some(broker) = Broker::empty().await else {
        return;
    };
    survives_kills(broker.site()).await;
}

#[tokio::test]
async fn topics_are_created_and_checked_on_kafka() {
    let Some(broker) = Broker::empty().await else {
        return;
    };
    let mut site = broker.site();
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
