//! The store's rows and its progress are one transaction: a crash between the store and the bus changes no figure.
//!
//! Reads `enriched`, `aggregates`, `alerts`, `timeline`, `corrections`, `deliveries`, `dead-letters`, `rhythms` and, of `signals`, those that
//! only inform; writes the store, and emits the totals of the
//! windows it touched to `windows`. That emission is idempotent: of two totals the one with the higher revision is right.

mod config;
mod error;
pub mod metrics;
mod retention;
mod stage;

use std::collections::HashMap;
use std::sync::Arc;

use wensheng_bus::Bus;
use wensheng_runtime::{Handle, run_sessions};
use wensheng_schemas::Topic;
use wensheng_store::Store;

pub use config::{Config, Handling};
pub use error::Error;
pub use stage::PublishStage;

/// What it reads.
pub const INPUTS: [Topic; 9] = [
    Topic::Enriched,
    Topic::Aggregates,
    Topic::Alerts,
    Topic::Timeline,
    Topic::Corrections,
    Topic::Deliveries,
    Topic::DeadLetters,
    Topic::Rhythms,
    Topic::Signals,
];

/// The consumer group, also the name under which the store keeps its progress.
pub const GROUP: &str = "wensheng-publish";

/// Records that the group has done with and the store has not: a store that was deleted, or taken from a backup, is filled from the log
/// again. Beside them stand those that the group has yet to read.
///
/// # Errors
/// When the bus or the store does not answer.
pub async fn behind(bus: &dyn Bus, store: &Store) -> Result<u64, Error> {
    let topics = INPUTS.map(|topic| topic.shared_name());
    let stored: HashMap<(String, u32), u64> = store
        .writer(GROUP)
        .progress()
        .await?
        .into_iter()
        .map(|progress| ((progress.topic, progress.partition), progress.next_offset))
        .collect();
    let lags = bus.lag(GROUP, &topics).await?;
    let behind = lags.into_iter().map(|lag| {
        let key = (lag.at.topic.to_string(), lag.at.partition);
        lag.committed
            .saturating_sub(stored.get(&key).copied().unwrap_or(0))
    });
    Ok(behind.sum())
}

/// Publishes until shutdown.
///
/// # Errors
/// When the bus or the store cannot go on without the operator.
pub async fn run(
    config: Config,
    bus: Arc<dyn Bus>,
    handle: Handle,
    store: Store,
) -> Result<(), Error> {
    for (source, handling) in &config.sources {
        tracing::info!(source, purpose = %handling.purpose, days = handling.retention_days, "feedback is handled");
    }
    let retentions = config.retentions();
    let retention = tokio::spawn(retention::run(store.clone(), retentions, handle.clone()));
    let writer = store.writer(GROUP);
    let outcome = run_sessions(
        "publish",
        &INPUTS,
        &config.session,
        bus.clone(),
        &handle,
        |_| PublishStage::new(bus.clone(), writer.clone(), GROUP),
    )
    .await;
    // Sessions end at shutdown, or with an error that asked for it.
    if let Err(error) = retention.await {
        tracing::error!(%error, "retention ended badly");
    }
    Ok(outcome?)
}
