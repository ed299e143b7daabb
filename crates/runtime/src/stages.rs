//! A role runs its stage in as many sessions as configured; when one fails, all of them drain.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use wensheng_bus::{Bus, BusError, SessionSpec, Stage, StageOptions, run_stage};
use wensheng_schemas::Topic;

use crate::codec::{dead_letter, encode};
use crate::{Check, Handle, Problems};

/// How a role reads its input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SessionConfig {
    /// Sessions of this role in this process; they share the partitions. 0: as many as the machine has cores.
    pub sessions: usize,
    /// A batch closes at this many records.
    pub max_records: usize,
    /// … or at this many bytes.
    pub max_bytes: usize,
    /// … or this many milliseconds after its first record. A post crosses four commits before it is pushed, so this
    /// bounds the time to the push from below.
    pub max_wait_ms: u64,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            sessions: 0,
            max_records: 5_000,
            max_bytes: 8 << 20,
            max_wait_ms: 100,
        }
    }
}

impl SessionConfig {
    /// The default, with a fixed number of sessions.
    pub fn with_sessions(sessions: usize) -> Self {
        Self {
            sessions,
            ..Self::default()
        }
    }

    /// The number of sessions, at least one.
    pub fn session_count(&self) -> usize {
        match self.sessions {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            sessions => sessions,
        }
    }
}

impl Check for SessionConfig {
    fn check(&self, problems: &mut Problems) {
        if self.max_records == 0 {
            problems.add("max_records", "must be at least 1");
        }
        if self.max_bytes < 1024 {
            problems.add("max_bytes", "must be at least 1024");
        }
    }
}

/// Runs one stage per session in the group `role` over `topics` until shutdown. `make` builds the stage of a session
/// from its number.
///
/// # Errors
/// The first fatal error of any session, after the others have drained.
pub async fn run_sessions<S: Stage + 'static>(
    role: &'static str,
    topics: &[Topic],
    config: &SessionConfig,
    bus: Arc<dyn Bus>,
    handle: &Handle,
    mut make: impl FnMut(usize) -> S,
) -> Result<(), BusError> {
    let mut tasks = JoinSet::new();
    for number in 0..config.session_count() {
        let spec = SessionSpec {
            group: format!("wensheng-{role}"),
            topics: topics.iter().map(|topic| topic.shared_name()).collect(),
            max_records: config.max_records,
            max_bytes: config.max_bytes,
            max_wait: Duration::from_millis(config.max_wait_ms),
        };
        let options = StageOptions::new(
            role,
            Arc::new(|record, stage, reason, now| {
                encode(&dead_letter(record, stage, reason, now), Some(record))
            }),
        );
        let state = handle.health.register(format!("{role}-{number}"));
        let stage = make(number);
        tasks.spawn(run_stage(
            bus.clone(),
            spec,
            stage,
            options,
            handle.shutdown.child_token(),
            state,
        ));
    }
    let mut outcome = Ok(());
    while let Some(ended) = tasks.join_next().await {
        let result = ended.unwrap_or_else(|panic| {
            Err(BusError::new(
                wensheng_bus::ErrorKind::Fatal,
                format!("run a session of {role}"),
                panic,
            ))
        });
        if result.is_err() && outcome.is_ok() {
            outcome = result;
            handle.shutdown.cancel();
        }
    }
    outcome
}
