//! How far each role is behind, told every few seconds, so that a dashboard shows it and an alarm can rest on it.

use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use wensheng_bus::Bus;

use crate::cli::Role;
use crate::idle::role_lag;

/// Records that a role has yet to read, over all partitions of its topics.
pub(crate) const LAG: &str = "wensheng_lag_records";
/// Asking the engine is cheap but not free; a dashboard samples no faster.
const EVERY: Duration = Duration::from_secs(5);

/// Tells the lag of the roles until shutdown.
pub(crate) async fn export(bus: Arc<dyn Bus>, roles: Vec<Role>, shutdown: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        for role in roles.iter().filter(|role| !role.inputs().is_empty()) {
            match role_lag(bus.as_ref(), *role).await {
                Ok(lag) => gauge!(LAG, "role" => role.name()).set(lag as f64),
                Err(error) => tracing::debug!(%error, %role, "lag cannot be told now"),
            }
        }
    }
}
