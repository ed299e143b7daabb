//! Each piece of enriched feedback is added once to every window it belongs to, and a wave of negative voices raises a
//! signal once per incident or cooldown.
//!
//! The stage keeps no windows: a batch is folded into deltas that are committed with it. What detection remembers
//! is emitted with the batch that changed it, so a restart goes on exactly where the last commit left off.

mod config;
mod detection;
mod detector;
mod error;
mod fold;
mod lane;
pub mod metrics;
mod series;
mod silence;
mod stage;
mod tallies;
mod track;
mod volume;

use std::sync::Arc;

use wensheng_bus::Bus;
use wensheng_runtime::{Handle, SessionConfig, run_sessions};
use wensheng_schemas::Topic;

pub use config::{Config, DetectorConfig, VolumeRule};
pub use detection::{Detected, Detection};
pub use error::Error;
pub use lane::VolumeLane;
pub use silence::{Silence, SilenceConfig};
pub use stage::Aggregate;

/// The role's name, in its group, metrics and health.
pub const ROLE: &str = "aggregate";

/// What it reads.
pub const INPUTS: [Topic; 1] = [Topic::Enriched];

/// The name of the stage that watches sources, in its group, metrics and health.
pub const SILENCE: &str = "silence";

/// Aggregates, and watches sources, until shutdown.
///
/// # Errors
/// When the time zone is unknown, or the bus cannot go on without the operator.
pub async fn run(config: Config, bus: Arc<dyn Bus>, handle: Handle) -> Result<(), Error> {
    let stage = Aggregate::new(&config)?;
    let watch = Silence::new(&config.silence, stage.zone());
    // Sources are few: one session does.
    let one = SessionConfig::with_sessions(1);
    let sources = [Topic::Sources];
    let (folded, watched) = tokio::join!(
        run_sessions(ROLE, &INPUTS, &config.session, bus.clone(), &handle, |_| {
            stage.clone()
        }),
        run_sessions(SILENCE, &sources, &one, bus.clone(), &handle, |_| watch
            .clone()),
    );
    folded.and(watched)?;
    Ok(())
}
