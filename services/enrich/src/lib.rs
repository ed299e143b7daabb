//! Each piece of feedback is understood once: a repeat is dropped and counted, whatever sent it again.
//!
//! Reads `feedback`, writes `enriched` and, for keyword rules that hold, `signals`.

mod config;
mod files;
mod phrases;
mod reload;
mod seen;
mod stage;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use wensheng_bus::{Bus, BusError};
use wensheng_runtime::{Handle, run_sessions};
use wensheng_schemas::Topic;
use wensheng_text::TextError;

pub use config::{Config, PhraseMemory};
pub use phrases::Phrases;
pub use reload::{FileWatch, Look};
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
    let files = FileWatch::new(config.clone())?;
    let analyzer = files.subscribe();
    let horizon = config.repeat_horizon();
    let phrases = Phrases::new(config.phrases.clone());
    let signal_horizon = config.signal_horizon();
    let every = Duration::from_secs(config.reload_seconds);
    if !every.is_zero() && !files.is_idle() {
        let state = handle.health.register_aside("enrich-files");
        tokio::spawn(files.run(every, handle.shutdown.child_token(), state));
    }
    run_sessions(
        "enrich",
        &[Topic::Feedback],
        &config.session,
        bus,
        &handle,
        |_| EnrichStage::new(analyzer.clone(), horizon, signal_horizon, phrases.clone()),
    )
    .await?;
    Ok(())
}
