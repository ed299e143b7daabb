//! Each matter that people must answer is one alert, and its response clock cannot be lost: deadlines are absolute
//! instants in the alert's record, and whatever fell due while nobody looked fires once, in the order it fell due.
//!
//! The core is a pure state machine: [`policy`](mod@policy) says how fast people must answer, `clock` what falls due
//! next, `calendar` and `rota` when people work and who is on call, `fold` how signals become an alert, `act` what people
//! do to it, `held` how all of it becomes a chain of lines, `desk` which alert a signal or command is for, `closed` what
//! still matters once it is over. `stage` puts it between the topics.

mod act;
pub mod calendar;
mod clock;
mod closed;
mod desk;
mod error;
mod fold;
mod held;
pub mod metrics;
pub mod policy;
pub mod rota;
mod stage;

use std::sync::Arc;

use wensheng_bus::Bus;
use wensheng_runtime::{Handle, run_sessions};
use wensheng_schemas::Topic;

pub use error::Error;
pub use policy::Config;
pub use stage::Respond;

/// The role's name, in its group, metrics and health.
pub const ROLE: &str = "respond";

/// What it reads.
pub const INPUTS: [Topic; 3] = [Topic::Signals, Topic::Commands, Topic::Deliveries];

/// Raises alerts and runs their clocks until shutdown.
///
/// # Errors
/// When the bus cannot go on without the operator.
pub async fn run(config: Config, bus: Arc<dyn Bus>, handle: Handle) -> Result<(), Error> {
    metrics::register();
    run_sessions(ROLE, &INPUTS, &config.session, bus, &handle, |_| {
        Respond::new(&config)
    })
    .await?;
    Ok(())
}
