//! A thread with a transactional producer. Some calls of librdkafka come back only when the brokers do, whatever time-out
//! they are given; here that holds up neither the runtime nor a shutdown: the caller hears within seconds that the brokers
//! do not answer, and its next call goes on waiting for the same transaction.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rdkafka::producer::{BaseProducer, Producer};
use tokio::sync::oneshot;

use super::Shared;
use super::context::Quiet;
use super::errors::kafka_error;
use super::transaction::Transaction;
use crate::{BusError, ErrorKind};

/// How long opening a producer may wait for the brokers.
const OPEN: Duration = Duration::from_secs(10);

/// How long a commit may stay silent before the caller hears of it.
const ANSWER: Duration = Duration::from_secs(5);

/// A transaction that says nothing for this long will not: the client has been seen to wait for ever after brokers stood still.
/// Brokers end it after its own time-out (10 s), and the next producer of that id fences this one off.
const GIVE_UP: Duration = Duration::from_secs(60);

/// How often an idle producer is listened to: what it tells would pile up otherwise.
const LISTEN: Duration = Duration::from_secs(1);

/// The transaction as it was left, and how it went.
type Done = (Transaction, Result<(), BusError>);

/// Commits transactions, one at a time.
pub(super) struct Committer {
    jobs: Sender<(Transaction, oneshot::Sender<Done>)>,
    /// Kept when the brokers refused it for now, so that the same commit goes on where it stopped.
    unfinished: Option<Transaction>,
    running: Option<oneshot::Receiver<Done>>,
    /// When `running` began.
    since: Instant,
    /// The caller was told that `running` takes long, and will ask for it again.
    is_awaited: bool,
}

impl Committer {
    /// Opens a producer; older ones of the same id are fenced off, and their open transactions aborted. Blocking.
    pub(super) fn open(shared: &Shared, transactional_id: &str) -> Result<Self, BusError> {
        let action = format!("open the transactional producer {transactional_id}");
        let producer: BaseProducer<Quiet> = shared
            .config
            .producer(transactional_id)
            .create_with_context(Quiet::new(&shared.reach))
            .map_err(|error| kafka_error(action.as_str(), &error))?;
        producer
            .init_transactions(OPEN)
            .map_err(|error| kafka_error(action.as_str(), &error))?;
        let (jobs, waiting) = channel::<(Transaction, oneshot::Sender<Done>)>();
        std::thread::Builder::new()
            .name("bus-committer".to_owned())
            .spawn(move || {
                loop {
                    match waiting.recv_timeout(LISTEN) {
                        Ok((mut transaction, reply)) => {
                            let done = transaction.run(&producer);
                            if reply.send((transaction, done)).is_err() {
                                tracing::debug!("nobody waits for a transaction any more");
                            }
                        }
                        Err(RecvTimeoutError::Timeout) => producer.poll(Duration::ZERO),
                        Err(RecvTimeoutError::Disconnected) => break,
                    };
                }
                // Closing the producer waits for the brokers, too: here it holds nobody up.
            })
            .map_err(|error| BusError::new(ErrorKind::Unavailable, action, error))?;
        Ok(Self {
            jobs,
            unfinished: None,
            running: None,
            since: Instant::now(),
            is_awaited: false,
        })
    }

    /// Runs a transaction to its end, or goes on with the one that was left unfinished.
    pub(super) async fn commit(
        &mut self,
        begin: impl FnOnce() -> Result<Transaction, BusError>,
    ) -> Result<(), BusError> {
        if self.running.is_some() {
            let is_awaited = self.is_awaited;
            let done = self.finish().await;
            // What was cancelled by its caller ends before anything new begins; what was told to take long is what
            // the caller asks for now.
            if is_awaited || done.is_err() {
                return done;
            }
        }
        let transaction = match self.unfinished.take() {
            Some(unfinished) => unfinished,
            None => begin()?,
        };
        let (reply, running) = oneshot::channel();
        self.jobs.send((transaction, reply)).map_err(|_| ended())?;
        self.running = Some(running);
        self.since = Instant::now();
        self.finish().await
    }

    async fn finish(&mut self) -> Result<(), BusError> {
        let Some(running) = &mut self.running else {
            return Ok(());
        };
        self.is_awaited = false;
        let Ok(answer) = tokio::time::timeout(ANSWER, running).await else {
            self.is_awaited = true;
            let (kind, reason) = if self.since.elapsed() < GIVE_UP {
                (
                    ErrorKind::Unavailable,
                    "the brokers do not answer: see kafka.brokers and whether they run",
                )
            } else {
                (
                    ErrorKind::Lost,
                    "the client does not come back from it, and another takes its place",
                )
            };
            return Err(BusError::new(kind, "commit a transaction", reason));
        };
        self.running = None;
        let (transaction, done) = answer.map_err(|_| ended())?;
        if done
            .as_ref()
            .is_err_and(|error| error.kind == ErrorKind::Unavailable)
        {
            self.unfinished = Some(transaction);
        }
        done
    }
}

fn ended() -> BusError {
    BusError::new(
        ErrorKind::Lost,
        "commit a transaction",
        "the committing thread has ended",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A committer whose thread has been at a transaction for `silent` and says nothing.
    async fn outcome_after(silent: Duration) -> ErrorKind {
        let (jobs, _taken) = channel();
        let (_reply, running) = oneshot::channel();
        let mut committer = Committer {
            jobs,
            unfinished: None,
            running: Some(running),
            since: Instant::now().checked_sub(silent).unwrap(),
            is_awaited: true,
        };
        let nothing_new = || Err(ended());
        committer.commit(nothing_new).await.unwrap_err().kind
    }

    #[tokio::test]
    async fn a_silent_transaction_is_waited_for_and_given_up_after_a_minute() {
        let (short, long) = tokio::join!(
            outcome_after(Duration::from_secs(10)),
            outcome_after(GIVE_UP)
        );
        assert_eq!(short, ErrorKind::Unavailable);
        assert_eq!(long, ErrorKind::Lost);
    }
}
