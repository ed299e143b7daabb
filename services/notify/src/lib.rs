//! Whoever must be told is told: every notification ends, for every receiver that it concerns, as delivered or failed
//! in the ledger; what is neither yet is tried again, also after a crash. Where a receiver fails, its fallback is told, and
//! where all do, whoever stands by.
//!
//! A crash between a send and the commit of its answer sends the push again with the same idempotency key: DingTalk's
//! `msgUuid`, a webhook's `webhook-id`. WeCom and Feishu have no such key, so that their chats may show it twice.
//!
//! The parts: [`Config`]; the pure core (`ledger`, `receiver`, `pace`, `schedule`); what platforms want and answer
//! (`provider`, `sign`); what people read (`card`, `phrases`, `escape`); the stage, and the worker, which alone touches the
//! network (`wensheng_runtime::guard` keeps webhooks out of the inside).

mod card;
mod config;
mod error;
mod escape;
mod ledger;
mod links;
mod mailer;
pub mod metrics;
mod pace;
mod phrases;
mod provider;
mod receiver;
mod schedule;
mod sign;
mod stage;
#[cfg(test)]
mod testing;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wensheng_bus::Bus;
use wensheng_runtime::{Handle, SessionConfig, run_sessions};
use wensheng_schemas::Topic;

pub use config::{
    Config, Language, LinksConfig, ReceiverConfig, ReceiverKind, SmsConfig, SmsFact, WecomAppConfig,
};
pub use error::Error;

use ledger::Ledger;
use receiver::Receiver;
use stage::NotifyStage;
use worker::Worker;

/// What it reads.
pub const INPUTS: [Topic; 1] = [Topic::Notifications];

/// At shutdown, answers to pushes under way are waited for this long, so that they need not be sent again.
const DRAIN: Duration = Duration::from_secs(5);

/// Pushes notifications to their receivers until shutdown.
///
/// # Errors
/// See [`Error`].
pub async fn run(mut config: Config, bus: Arc<dyn Bus>, handle: Handle) -> Result<(), Error> {
    if config.receivers.is_empty() {
        tracing::warn!(
            "no receivers are configured under `notify.receivers`; pushes go to the log alone"
        );
        let log = ReceiverConfig::new(ReceiverKind::Log, "log");
        config.receivers.push(log);
    }
    let worker = Worker::new(&config)?;
    let receivers = config
        .receivers
        .iter()
        .map(Receiver::new)
        .collect::<Result<Vec<_>, _>>()?;
    for receiver in &config.receivers {
        let provider = receiver.kind.name();
        ::metrics::gauge!(metrics::HEALTHY, "receiver" => receiver.name.clone(), "provider" => provider)
            .set(1.0);
        // A counter that begins at nought lets a rate see its first step.
        for state in ["queued", "delivered", "failed"] {
            ::metrics::counter!(metrics::DELIVERIES, "provider" => provider, "state" => state)
                .increment(0);
        }
    }
    let session = SessionConfig {
        sessions: 1,
        ..config.session.clone()
    };
    let tracker = TaskTracker::new();
    let draining = CancellationToken::new();
    // The sessions end only when the pushes under way have: they are shut down by a token of their own.
    let inner = Handle {
        shutdown: CancellationToken::new(),
        health: handle.health.clone(),
    };
    let sessions = run_sessions("notify", &INPUTS, &session, bus, &inner, |_| {
        let (jobs, taken) = unbounded_channel();
        let (finished, done) = unbounded_channel();
        tokio::spawn(worker.clone().run(taken, finished));
        let ledger = Ledger::new(receivers.clone(), &config);
        NotifyStage::new(ledger, jobs, done, tracker.clone(), draining.clone())
    });
    tokio::pin!(sessions);
    let ended = tokio::select! {
        ended = &mut sessions => Some(ended),
        () = handle.shutdown.cancelled() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            draining.cancel();
            tracker.close();
            tokio::select! {
                ended = &mut sessions => ended,
                drained = tokio::time::timeout(DRAIN, tracker.wait()) => {
                    if drained.is_err() {
                        tracing::warn!(pushes = tracker.len(), "pushes without an answer will be sent again");
                    }
                    inner.shutdown.cancel();
                    sessions.await
                }
            }
        }
    };
    if ended.is_err() {
        handle.shutdown.cancel();
    }
    Ok(ended?)
}
