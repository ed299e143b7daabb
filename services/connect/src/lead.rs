//! Of all processes that take in for one installation, one does at a time: two would read every source twice, and each
//! would fence the other's publisher off. The one that owns the first partition of `cursors` leads; the others stand by,
//! and the next of them goes on from the committed cursors when it leaves or dies.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wensheng_bus::{
    Backoff, Bus, BusError, ErrorKind, Session, SessionEvent, SessionSpec, StageState,
    TopicPartition,
};
use wensheng_schemas::Topic;

/// The group whose first member leads.
const GROUP: &str = "connect";

/// Who hears nothing of partitions for this long after joining has none, as there are more processes than partitions.
const UNHEARD: Duration = Duration::from_secs(5);

/// The place of a process among those that take in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Not known yet, or not any more.
    Unknown,
    /// Another process takes in.
    StandsBy,
    /// This one does.
    Leads,
}

/// How this process knows its place.
pub(crate) struct Lead {
    place: watch::Receiver<Place>,
    leaving: CancellationToken,
    candidate: JoinHandle<Result<(), BusError>>,
}

impl Lead {
    /// Joins the others. `health` says whether this process leads or stands by; nobody needs to wait for it.
    pub(crate) fn seek(bus: Arc<dyn Bus>, health: watch::Sender<StageState>) -> Self {
        let (tell, place) = watch::channel(Place::Unknown);
        let leaving = CancellationToken::new();
        let candidate = Candidate {
            bus,
            tell,
            health,
            leaving: leaving.clone(),
        };
        Self {
            place,
            leaving,
            candidate: tokio::spawn(candidate.run()),
        }
    }

    /// Waits until the place is, or is not, one that `is_met` looks for. `None`: the bus gave up, and
    /// [`leave`](Self::leave) says why.
    pub(crate) async fn place(&mut self, is_met: impl Fn(Place) -> bool) -> Option<Place> {
        let place = self.place.wait_for(|place| is_met(*place)).await;
        place.ok().map(|place| *place)
    }

    /// Leaves the others at once, so that the next need not wait for a time-out.
    pub(crate) async fn leave(self) -> Result<(), BusError> {
        self.leaving.cancel();
        self.candidate.await.unwrap_or_else(|error| {
            let kind = ErrorKind::Fatal;
            Err(BusError::new(kind, "find out who takes in", error))
        })
    }
}

struct Candidate {
    bus: Arc<dyn Bus>,
    tell: watch::Sender<Place>,
    health: watch::Sender<StageState>,
    leaving: CancellationToken,
}

impl Candidate {
    async fn run(self) -> Result<(), BusError> {
        let backoff = Backoff::default();
        let mut failures = 0;
        loop {
            let error = match self.join().await {
                Ok(()) => {
                    self.health.send_replace(StageState::Stopped);
                    return Ok(());
                }
                Err(error) => error,
            };
            self.tell.send_replace(Place::Unknown);
            if error.kind == ErrorKind::Fatal {
                self.health
                    .send_replace(StageState::Failed(error.to_string()));
                return Err(error);
            }
            failures += 1;
            self.health
                .send_replace(StageState::Waiting(error.to_string()));
            tracing::warn!(%error, failures, "cannot find out who takes in, trying again");
            let wait = backoff.wait(failures, rand::random());
            if self.pause(wait).await.is_none() {
                return Ok(());
            }
        }
    }

    /// Belongs to the group until it is left.
    async fn join(&self) -> Result<(), BusError> {
        let spec = SessionSpec {
            group: GROUP.to_owned(),
            topics: vec![Topic::Cursors.shared_name()],
            max_records: 10_000,
            max_bytes: 4 << 20,
            max_wait: Duration::from_millis(100),
        };
        let mut session = tokio::select! {
            biased;
            () = self.leaving.cancelled() => return Ok(()),
            session = self.bus.session(spec) => session?,
        };
        tokio::select! {
            biased;
            () = self.leaving.cancelled() => {}
            ended = self.follow(session.as_mut()) => return ended,
        }
        session.close().await
    }

    /// Tells each change, for as long as the session lasts.
    async fn follow(&self, session: &mut dyn Session) -> Result<(), BusError> {
        let first = TopicPartition::new(Topic::Cursors.shared_name(), 0);
        loop {
            let next = if *self.tell.borrow() == Place::Unknown {
                let Ok(next) = tokio::time::timeout(UNHEARD, session.next()).await else {
                    self.stand_by();
                    continue;
                };
                next
            } else {
                session.next().await
            };
            match next {
                Ok(SessionEvent::Assigned(partitions)) if partitions.contains(&first) => {
                    self.health.send_replace(StageState::Running);
                    self.tell.send_replace(Place::Leads);
                }
                Ok(SessionEvent::Assigned(_)) => self.stand_by(),
                Ok(SessionEvent::Revoked(_)) => {
                    self.health.send_replace(StageState::Starting);
                    self.tell.send_replace(Place::Unknown);
                }
                // Whoever leads reads the cursors from the start.
                Ok(SessionEvent::Records(_)) => {}
                Err(error) if error.kind == ErrorKind::Unavailable => {
                    // Nobody else hears of the brokers either: who led still does.
                    tracing::debug!(%error, "who takes in cannot change now");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn stand_by(&self) {
        let reason = "another process takes in; this one stands by to go on where it ends";
        self.health
            .send_replace(StageState::Waiting(reason.to_owned()));
        self.tell.send_replace(Place::StandsBy);
    }

    /// `None`: left meanwhile.
    async fn pause(&self, wait: Duration) -> Option<()> {
        tokio::select! {
            biased;
            () = self.leaving.cancelled() => None,
            () = tokio::time::sleep(wait) => Some(()),
        }
    }
}
