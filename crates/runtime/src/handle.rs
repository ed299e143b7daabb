//! One handle tells every task when to end, and lets each say how it fares.

use std::collections::{BTreeMap, BTreeSet};
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
    tasks: Arc<Mutex<BTreeMap<String, Task>>>,
}

/// A task that was registered.
#[derive(Debug, Clone)]
struct Task {
    state: watch::Receiver<StageState>,
    aside: bool,
}

/// How the process fares, task by task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthReport {
    /// Each task's state, by name.
    pub tasks: BTreeMap<String, StageState>,
    /// Of these, the names of tasks that hold up nobody but themselves; see [`Health::register_aside`].
    pub asides: BTreeSet<String>,
}

impl Health {
    /// Registers a task, which starts as [`StageState::Starting`]; the sender is for that task alone.
    pub fn register(&self, name: impl Into<String>) -> watch::Sender<StageState> {
        self.add(name.into(), false)
    }

    /// Registers a task that others do not wait for: while it is held up, by a platform that refuses it for example, the
    /// process is ready all the same.
    pub fn register_aside(&self, name: impl Into<String>) -> watch::Sender<StageState> {
        self.add(name.into(), true)
    }

    fn add(&self, name: String, aside: bool) -> watch::Sender<StageState> {
        let (sender, state) = watch::channel(StageState::Starting);
        self.tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, Task { state, aside });
        sender
    }

    /// Takes a task that is over out of the report.
    pub fn forget(&self, name: &str) {
        self.tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
    }

    /// How every task fares now.
    pub fn report(&self) -> HealthReport {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        HealthReport {
            tasks: tasks
                .iter()
                .map(|(name, task)| (name.clone(), task.state.borrow().clone()))
                .collect(),
            asides: tasks
                .iter()
                .filter(|(_, task)| task.aside)
                .map(|(name, _)| name.clone())
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

    /// Whether every task runs that others wait for: traffic may come.
    pub fn is_ready(&self) -> bool {
        self.tasks
            .iter()
            .all(|(name, state)| matches!(state, StageState::Running) || self.asides.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_aside_that_waits_leaves_the_process_ready() {
        let health = Health::default();
        let aside = health.register_aside("connect-crm");
        let stage = health.register("enrich");
        stage.send_replace(StageState::Running);
        aside.send_replace(StageState::Waiting("the token is refused".to_owned()));
        assert!(health.report().is_ready());
        stage.send_replace(StageState::Waiting("the bus is away".to_owned()));
        assert!(!health.report().is_ready());
    }
}
