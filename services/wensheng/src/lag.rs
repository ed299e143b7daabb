//! How far each role is behind, told every few seconds, so that a dashboard shows it, an alarm can rest on it, and
//! `/readyz` says so while a role is catching up.

use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use wensheng_bus::{Bus, BusError, StageState};
use wensheng_runtime::Handle;

use crate::cli::Role;
use crate::idle::role_lag;

/// Records that a role has yet to read, over all partitions of its topics.
pub(crate) const LAG: &str = "wensheng_lag_records";
/// Asking the engine is cheap but not free; a dashboard samples no faster.
const EVERY: Duration = Duration::from_secs(5);

/// What `/readyz` is told of a role's lag.
struct Readiness {
    /// The most records that may be unread.
    bound: u64,
    state: watch::Sender<StageState>,
    /// Answers that failed to come, in a row.
    failures: u32,
}

impl Readiness {
    /// Takes in a look at the lag. One answer that does not come changes nothing once the lag is known: a coordinator
    /// that moves is silent for a moment.
    fn look(&mut self, lag: &Result<u64, BusError>) {
        let next = match lag {
            Ok(lag) => {
                self.failures = 0;
                match *lag > self.bound {
                    true => StageState::Waiting(format!(
                        "catching up: {lag} records are unread, and at most {} may be (ops.ready_lag)",
                        self.bound
                    )),
                    false => StageState::Running,
                }
            }
            Err(error) => {
                self.failures += 1;
                if self.failures < 2 && *self.state.borrow() != StageState::Starting {
                    return;
                }
                StageState::Waiting(format!("the lag cannot be told: {error}"))
            }
        };
        self.state.send_replace(next);
    }
}

/// Tells the lag of the roles until shutdown; to `/readyz`, too, where there is a bound for it.
pub(crate) async fn watch(
    bus: Arc<dyn Bus>,
    roles: Vec<Role>,
    ready_lag: Option<u64>,
    handle: Handle,
) {
    let mut watched: Vec<(Role, Option<Readiness>)> = roles
        .into_iter()
        .filter(|role| !role.inputs().is_empty())
        .map(|role| {
            let readiness = ready_lag.map(|bound| Readiness {
                bound,
                state: handle.health.register(format!("{role}-lag")),
                failures: 0,
            });
            (role, readiness)
        })
        .collect();
    tell(bus.as_ref(), &mut watched, &handle.shutdown).await;
    for readiness in watched.into_iter().filter_map(|(_, readiness)| readiness) {
        readiness.state.send_replace(StageState::Stopped);
    }
}

async fn tell(
    bus: &dyn Bus,
    watched: &mut [(Role, Option<Readiness>)],
    shutdown: &CancellationToken,
) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        for (role, readiness) in &mut *watched {
            let lag = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                lag = role_lag(bus, *role) => lag,
            };
            match &lag {
                Ok(lag) => gauge!(LAG, "role" => role.name()).set(*lag as f64),
                Err(error) => tracing::debug!(%error, %role, "lag cannot be told now"),
            }
            if let Some(readiness) = readiness {
                readiness.look(&lag);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use wensheng_bus::ErrorKind;

    use super::*;

    fn readiness(bound: u64) -> (Readiness, watch::Receiver<StageState>) {
        let (state, seen) = watch::channel(StageState::Starting);
        let readiness = Readiness {
            bound,
            state,
            failures: 0,
        };
        (readiness, seen)
    }

    fn silence() -> Result<u64, BusError> {
        Err(BusError::new(
            ErrorKind::Unavailable,
            "read the progress of wensheng-enrich",
            "the brokers do not answer",
        ))
    }

    fn waits_for(seen: &watch::Receiver<StageState>, what: &str) -> bool {
        matches!(&*seen.borrow(), StageState::Waiting(reason) if reason.contains(what))
    }

    #[test]
    fn a_role_is_ready_once_it_has_caught_up_and_no_more_when_it_falls_behind() {
        let (mut readiness, seen) = readiness(1000);
        readiness.look(&Ok(120_000));
        assert!(waits_for(&seen, "catching up: 120000 records"));
        assert!(waits_for(&seen, "at most 1000 may be (ops.ready_lag)"));
        readiness.look(&Ok(1000));
        assert_eq!(*seen.borrow(), StageState::Running);
        readiness.look(&Ok(1001));
        assert!(waits_for(&seen, "catching up"));
    }

    #[test]
    fn a_lag_that_was_never_told_or_twice_in_a_row_is_a_wait() {
        let (mut unknown, seen) = readiness(1000);
        unknown.look(&silence());
        assert!(waits_for(&seen, "the brokers do not answer"));

        let (mut known, seen) = readiness(1000);
        known.look(&Ok(0));
        known.look(&silence());
        assert_eq!(*seen.borrow(), StageState::Running);
        known.look(&silence());
        assert!(waits_for(&seen, "the brokers do not answer"));
        known.look(&Ok(0));
        assert_eq!(*seen.borrow(), StageState::Running);
    }
}
