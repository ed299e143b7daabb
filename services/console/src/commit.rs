//! A command is answered only after it is durable on the bus; the same command twice is one record.
//!
//! One task owns the publisher. It opens it with the first command, so that the console shows what the store holds
//! even while the bus cannot be reached.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wensheng_bus::{Backoff, Bus, BusError, ErrorKind, OutRecord, Publisher, StageState};
use wensheng_runtime::encode;
use wensheng_schemas::Command;

use crate::metrics;

/// Commands waiting at once; people press buttons, so more than this means that the bus stands still.
const QUEUE: usize = 256;
/// Commands remembered as committed. A browser repeats a request within seconds; beyond this `respond`, which knows the
/// ids it has acted on, is the judge.
const REMEMBERED: usize = 4_096;
/// How long one command is tried while the bus cannot be reached: less than a browser's patience.
const PATIENCE: Duration = Duration::from_secs(10);

/// Hands commands to the task that commits them.
#[derive(Debug, Clone)]
pub(crate) struct Commits {
    sender: mpsc::Sender<Pending>,
}

/// Why a command was not committed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotCommitted {
    /// It can have no effect; says why.
    Refused(String),
    /// The bus did not confirm it; says why. Repeating the same command id is safe in every case.
    Unconfirmed(String),
}

#[derive(Debug)]
struct Pending {
    id: String,
    /// The name by which it is counted.
    name: &'static str,
    records: Vec<OutRecord>,
    refusal: Option<String>,
    answer: oneshot::Sender<Result<(), NotCommitted>>,
}

impl Commits {
    /// Waits until `command` is durable. A `refusal` holds only for a command that is not a repeat: one that was
    /// committed stays committed, although it can have no effect by now.
    pub(crate) async fn commit(
        &self,
        command: Command,
        refusal: Option<String>,
    ) -> Result<(), NotCommitted> {
        let records = vec![encode(&command, None)];
        let name = command.action.name();
        self.hand_in(command.id, name, records, refusal).await
    }

    /// Waits until records that belong together are durable, all of them or none; counted under `name`.
    pub(crate) async fn publish(
        &self,
        id: String,
        name: &'static str,
        records: Vec<OutRecord>,
    ) -> Result<(), NotCommitted> {
        self.hand_in(id, name, records, None).await
    }

    async fn hand_in(
        &self,
        id: String,
        name: &'static str,
        records: Vec<OutRecord>,
        refusal: Option<String>,
    ) -> Result<(), NotCommitted> {
        let (answer, committed) = oneshot::channel();
        let pending = Pending {
            id,
            name,
            records,
            refusal,
            answer,
        };
        self.sender.try_send(pending).map_err(|_| {
            NotCommitted::Unconfirmed("too many commands wait for the bus".to_owned())
        })?;
        committed.await.unwrap_or_else(|_| {
            Err(NotCommitted::Unconfirmed(
                "the console is shutting down".to_owned(),
            ))
        })
    }
}

/// Starts the task; it ends when `shutdown` is cancelled and what was queued is settled.
pub(crate) fn start(
    bus: Arc<dyn Bus>,
    shutdown: CancellationToken,
    state: watch::Sender<StageState>,
) -> (Commits, tokio::task::JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let committer = Committer {
        bus,
        // Two consoles must not fence each other off.
        id: format!("wensheng-console-{:016x}", rand::random::<u64>()),
        publisher: None,
        recent: Recent::default(),
        shutdown,
        state,
    };
    (Commits { sender }, tokio::spawn(committer.run(receiver)))
}

struct Committer {
    bus: Arc<dyn Bus>,
    id: String,
    publisher: Option<Box<dyn Publisher>>,
    recent: Recent,
    shutdown: CancellationToken,
    state: watch::Sender<StageState>,
}

impl Committer {
    async fn run(mut self, mut receiver: mpsc::Receiver<Pending>) {
        self.state.send_replace(StageState::Running);
        loop {
            // Commands first: what was queued before the shutdown is still committed.
            tokio::select! {
                biased;
                pending = receiver.recv() => match pending {
                    Some(pending) => self.settle(pending).await,
                    None => break,
                },
                () = self.shutdown.cancelled() => break,
            }
        }
        receiver.close();
        while let Some(pending) = receiver.recv().await {
            self.settle(pending).await;
        }
        self.state.send_replace(StageState::Stopped);
    }

    async fn settle(&mut self, pending: Pending) {
        let Pending {
            id,
            name,
            records,
            refusal,
            answer,
        } = pending;
        let result = if self.recent.contains(&id) {
            Ok(())
        } else if let Some(refusal) = refusal {
            Err(NotCommitted::Refused(refusal))
        } else {
            let result = self.publish(&id, &records).await;
            if result.is_ok() {
                metrics::count_command(name);
                self.recent.remember(id);
            }
            result.map_err(NotCommitted::Unconfirmed)
        };
        // The visitor may have gone away; the command stands all the same.
        if answer.send(result).is_err() {
            tracing::debug!("visitor left before a command was answered");
        }
    }

    async fn publish(&mut self, id: &str, records: &[OutRecord]) -> Result<(), String> {
        let give_up = Instant::now() + PATIENCE;
        let backoff = Backoff::default();
        let mut failures = 0;
        loop {
            let error = match self.attempt(records).await {
                Ok(()) => {
                    self.state.send_replace(StageState::Running);
                    return Ok(());
                }
                Err(error) => error,
            };
            failures += 1;
            tracing::warn!(%error, kind = error.kind_name(), command = id, "command not committed yet");
            if error.kind != ErrorKind::Unavailable {
                self.publisher = None;
            }
            let wait = backoff.wait(failures, rand::random());
            let ended = error.kind == ErrorKind::Fatal
                || self.shutdown.is_cancelled()
                || Instant::now() + wait > give_up;
            if ended {
                return Err(error.to_string());
            }
            self.state
                .send_replace(StageState::Waiting(error.to_string()));
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&mut self, records: &[OutRecord]) -> Result<(), BusError> {
        let publisher = match self.publisher.as_mut() {
            Some(publisher) => publisher,
            None => self.publisher.insert(self.bus.publisher(&self.id).await?),
        };
        publisher.publish(records.to_vec()).await
    }
}

/// The ids committed last, bounded.
#[derive(Debug, Default)]
struct Recent {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

impl Recent {
    fn contains(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    fn remember(&mut self, id: String) {
        if !self.ids.insert(id.clone()) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_latest_ids_and_forgets_the_oldest() {
        let mut recent = Recent::default();
        for i in 0..=REMEMBERED {
            recent.remember(i.to_string());
        }
        assert!(!recent.contains("0"));
        assert!(recent.contains("1"));
        assert!(recent.contains(&REMEMBERED.to_string()));
        assert_eq!(recent.ids.len(), REMEMBERED);
    }
}
