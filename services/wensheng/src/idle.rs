//! Idle means: every source is read to its end, and what came of it has passed every stage.
//!
//! Stages are asked in flow order. A stage commits its outputs with its progress, so once it has no lag, all that it will
//! ever write for the input so far is there for the next one to be asked about.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::time::sleep;
use wensheng_bus::{Bus, BusError, ErrorKind};
use wensheng_store::StoreError;

use crate::cli::Role;
use crate::service::Service;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Pushes still under way are waited for this long; a receiver that is away is no reason never to end.
const PUSHES_AT_MOST: Duration = Duration::from_secs(15);

/// What is left to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// Whether the sources are read to their end.
    pub(crate) all_read: bool,
    /// Records that the stages of this process have yet to read, and those that a store is behind which is filled from the log again.
    pub(crate) lag: u64,
}

impl Backlog {
    /// Looks at what is left.
    pub(crate) async fn of(service: &Service) -> Result<Self> {
        let all_read = service.ingest.borrow().all_through;
        let mut lag = 0;
        for role in service.roles() {
            lag += role_lag(service.bus.as_ref(), *role).await?;
        }
        if let (true, Some(store)) = (service.roles().contains(&Role::Publish), &service.store) {
            lag += wensheng_publish::behind(service.bus.as_ref(), store).await?;
        }
        Ok(Self { all_read, lag })
    }
}

/// Records that a role has yet to read; 0 for the two ends, which read no topic.
///
/// # Errors
/// When the engine does not answer.
pub(crate) async fn role_lag(bus: &dyn Bus, role: Role) -> Result<u64, BusError> {
    if role.inputs().is_empty() {
        return Ok(0);
    }
    let topics: Vec<_> = role
        .inputs()
        .iter()
        .map(|topic| topic.shared_name())
        .collect();
    let partitions = bus.lag(&format!("wensheng-{role}"), &topics).await?;
    Ok(partitions.iter().map(|partition| partition.lag).sum())
}

/// Resolves when everything is through. An engine or a store that cannot be asked for the moment is asked again.
///
/// # Errors
/// When asking again does not help.
pub(crate) async fn reached(service: &Service) -> Result<()> {
    let mut through_since: Option<Instant> = None;
    loop {
        match is_through(service, &mut through_since).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) if is_passing(&error) => tracing::debug!(%error, "cannot tell what is left"),
            Err(error) => return Err(error),
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn is_through(service: &Service, through_since: &mut Option<Instant>) -> Result<bool> {
    let backlog = Backlog::of(service).await?;
    if !backlog.all_read || backlog.lag > 0 {
        return Ok(false);
    }
    let since = *through_since.get_or_insert_with(Instant::now);
    if queued_pushes(service).await? > 0 && since.elapsed() <= PUSHES_AT_MOST {
        return Ok(false);
    }
    // What the last look at the ledger covered may still be on its way into the store.
    Ok(Backlog::of(service).await?.lag == 0)
}

fn is_passing(error: &anyhow::Error) -> bool {
    // Of `publish`, either is the cause.
    let bus = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<BusError>())
        .map(|error| error.kind == ErrorKind::Unavailable);
    let store = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<StoreError>())
        .map(StoreError::retriable);
    bus.or(store).unwrap_or(false)
}

async fn queued_pushes(service: &Service) -> Result<u64> {
    match &service.store {
        Some(store) => Ok(store
            .delivery_counts()
            .await?
            .get("queued")
            .copied()
            .unwrap_or(0)),
        None => Ok(0),
    }
}
