//! The store's rows and its progress are one transaction: a crash between the store and the bus changes no figure.
//!
//! Reads `enriched`, `aggregates`, `alerts`, `deliveries` and `dead-letters`; writes the store, and emits the totals of the
//! windows it touched to `windows`. That emission is idempotent: of two totals the one with the higher revision is right.

mod config;
pub mod metrics;
mod retention;
mod stage;

use std::sync::Arc;

use thiserror::Error;
use wensheng_bus::{Bus, BusError};
use wensheng_runtime::{Handle, run_sessions};
use wensheng_schemas::Topic;
use wensheng_store::Store;

pub use config::Config;
pub use stage::PublishStage;

/// What it reads.
pub const INPUTS: [Topic; 5] =
    [Topic::Enriched, Topic::Aggregates, Topic::Alerts, Topic::Deliveries, Topic::DeadLetters];

/// Why the stage ended.
#[derive(Debug, Error)]
pub enum PublishError {
    /// The bus, or the store at the other foot, gave up.
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl PublishError {
    /// A stable name for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            PublishError::Bus(error) => error.kind_name(),
        }
    }
}

/// The consumer group, also the name under which the store keeps its progress.
pub const GROUP: &str = "wensheng-publish";

/// Publishes until shutdown.
///
/// # Errors
/// When the bus or the store cannot go on without the operator.
pub async fn run(config: Config, bus: Arc<dyn Bus>, handle: Handle, store: Store) -> Result<(), PublishError> {
    if config.retention_days > 0 {
        tokio::spawn(retention::run(store.clone(), config.retention_days, handle.clone()));
    }
    let writer = store.writer(GROUP);
    run_sessions("publish", &INPUTS, &config.session, bus.clone(), &handle, |_| {
        PublishStage::new(bus.clone(), writer.clone(), GROUP)
    })
    .await?;
    Ok(())
}
