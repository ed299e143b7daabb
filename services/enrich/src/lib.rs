//! Each piece of feedback is understood once: a repeat is dropped and counted, whatever sent it again.
//!
//! Reads `feedback`, writes `enriched` and, for keyword rules that hold, `signals`.

mod config;
pub mod fresh;
mod seen;
mod stage;

use std::sync::Arc;

use thiserror::Error;
use tokio::sync::watch;
use wensheng_bus::{Bus, BusError};
use wensheng_runtime::{Handle, run_sessions};
use wensheng_schemas::Topic;
use wensheng_text::TextError;

pub use config::Config;
use fresh::Files;
pub use stage::{EnrichStage, enrich};

/// What it reads.
pub const INPUTS: [Topic; 1] = [Topic::Feedback];

/// Why the stage ended.
#[derive(Debug, Error)]
pub enum EnrichError {
    /// Rules, lexicons or models are wrong.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The bus gave up.
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl EnrichError {
    /// A stable name for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            EnrichError::Text(error) => error.kind(),
            EnrichError::Bus(error) => error.kind_name(),
        }
    }
}

/// Runs the stage until shutdown.
///
/// # Errors
/// When rules, lexicons or models cannot be loaded, or the bus gives up.
pub async fn run(config: Config, bus: Arc<dyn Bus>, handle: Handle) -> Result<(), EnrichError> {
    // Looked at before they are read: what changes meanwhile is read again.
    let files = Files::new(config.clone());
    let (analyzer, latest) = watch::channel(Arc::new(config.analyzer()?));
    let following = tokio::spawn(fresh::follow(files, analyzer, handle.clone()));
    let horizon = config.repeat_horizon();
    let signal_horizon = config.signal_horizon();
    let outcome = run_sessions(
        "enrich",
        &[Topic::Feedback],
        &config.session,
        bus,
        &handle,
        |_| EnrichStage::following(latest.clone(), horizon, signal_horizon),
    )
    .await;
    following.abort();
    Ok(outcome?)
}
