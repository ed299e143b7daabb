//! One suite, two engines: what the seam promises holds on the embedded engine always, and on a real Apache Kafka
//! where `WENSHENG_KAFKA` names one (`tests/kafka.sh start`). What brokers may answer is scripted on librdkafka's mock cluster,
//! which is there everywhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may fail loudly"
)]

mod crash;
mod crash_points;
mod embedded;
mod engine;
mod exactly_once;
mod groups;
mod log;
mod members;
mod outages;
mod rebalances;
mod scripted;
mod secured;
mod slow;
mod stages;
mod state;

/// Runs each test on both engines.
macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {
        mod on_embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(&crate::engine::Engine::embedded().await).await;
            })*
        }
        mod on_kafka {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let Some(engine) = crate::engine::Engine::kafka().await else { return };
                super::$name(&engine).await;
            })*
        }
    };
}
pub(crate) use on_both_engines;
