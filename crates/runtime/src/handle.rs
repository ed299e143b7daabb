//! One handle tells every task when to end, and lets each say how it fares.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wensheng_bus::StageState;

/// Given to every service.
#[derive(Debug, Clone, Default)]
pub struct Handle {
    /// Cancelled when the process is to drain and end.
    pub shutdown: CancellationToken,
    /// Where tasks say how they fare.
    pub health: Health,
}

/// How every task of the process fares.
#[derive(Debug, Clone, Default)]
pub struct Health {
    // Held only to copy a map of receivers; never across an await.
    tasks: Arc<Mutex<BTreeMap<String, watch::Receiver<StageState>>>>,
}

/// How the process fares, task by task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthReport {
    /// Each task's state, by name.
    pub tasks: BTreeMap<String, StageState>,
}

impl Health {
    /// Registers a task, which starts as [`StageState::Starting`]; the sender is for that task alone.
    pub fn register(&self, name: impl Into<String>) -> watch::Sender<StageState> {
        let (sender, receiver) = watch::channel(StageState::Starting);
        self.tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.into(), receiver);
        sender
    }

    /// How every task fares now.
    pub fn report(&self) -> HealthReport {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        HealthReport {
            tasks: tasks
                .iter()
                .map(|(name, state)| (name.clone(), state.borrow().clone()))
                .collect(),
        }
    }
}

impl HealthReport {
    /// Whether no task gave up: the process need not be restarted.
    pub fn is_alive(&self) -> bool {
        !self
            .tasks
            .values()
            .any(|state| matches!(state, StageState::Failed(_)))
    }

    /// Whether every task runs: traffic may come.
    pub fn is_ready(&self) -> bool {
        self.tasks
            .values()
            .all(|state| matches!(state, StageState::Running))
    }
}
