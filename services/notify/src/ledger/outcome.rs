//! What an attempt's verdict means for its push: the only place where a push is given up.

use std::time::Duration;

use jiff::Timestamp;

use super::Push;
use crate::provider::Verdict;
use crate::receiver::{Receiver, add};
use crate::schedule;

/// A push that went unanswered is sent once more after this long, to platforms that cannot know a repeat.
const UNANSWERED_WAIT: Duration = Duration::from_secs(30);

/// What follows from a verdict.
pub(super) enum Next {
    Delivered,
    Again(Timestamp),
    Failed(String),
}

/// What becomes of a push after its attempt's verdict. Blocks its receiver where it was too fast, and retires it where it is
/// gone.
pub(super) fn next(
    receiver: &mut Receiver,
    push: &mut Push,
    id: &str,
    verdict: Verdict,
    give_up_after: Duration,
    now: Timestamp,
) -> Next {
    let kind = receiver.config.kind;
    let slow = kind.manners().slow_schedule;
    let random = schedule::random(id, push.attempts);
    let given_up = || Next::Failed(format!("given up after {} attempts", push.attempts));
    match verdict {
        Verdict::Ok => Next::Delivered,
        Verdict::Renewed => Next::Again(now),
        Verdict::Retry => {
            push.failures += 1;
            let give_up_at = add(push.notification.decided_at, give_up_after);
            match schedule::wait(kind, push.failures, random).map(|wait| add(now, wait)) {
                Some(at) if slow || at <= give_up_at => Next::Again(at),
                _ => given_up(),
            }
        }
        // A webhook's throttling is often a gateway in front of an endpoint that is down: it moves on in its schedule. A
        // robot that says "too fast" will say yes later: it is asked until it does.
        Verdict::Throttle(asked) if slow => {
            push.failures += 1;
            match schedule::wait(kind, push.failures, random) {
                Some(wait) => {
                    let until = receiver.block(asked.unwrap_or(Duration::from_secs(5)), now);
                    Next::Again(until.max(add(now, wait)))
                }
                None => given_up(),
            }
        }
        Verdict::Throttle(asked) => {
            let wait = asked.or_else(|| schedule::wait(kind, push.failures.max(1), random));
            Next::Again(receiver.block(wait.unwrap_or_default(), now))
        }
        Verdict::Unanswered if push.again => Next::Failed(
            "unanswered twice: it may have arrived, and is not sent a third time".to_owned(),
        ),
        Verdict::Unanswered => {
            push.again = true;
            Next::Again(add(now, UNANSWERED_WAIT))
        }
        Verdict::FatalConfig(fix) => Next::Failed(fix.to_owned()),
        Verdict::FatalItem => Next::Failed(String::new()),
        Verdict::Gone(fix) => {
            receiver.gone = true;
            Next::Failed(fix.to_owned())
        }
    }
}

/// Tells the operator, and the gauge of the receiver's health.
pub(super) fn tell(receiver: &Receiver, push: &Push, verdict: Verdict, answer: &str) {
    let (name, provider) = (&receiver.config.name, receiver.config.kind.name());
    let alert = &push.notification.alert.id;
    let attempts = push.attempts;
    let healthy = match verdict {
        Verdict::Ok => {
            tracing::debug!(receiver = %name, provider, %alert, attempts, answer, "push delivered");
            Some(1.0)
        }
        Verdict::FatalConfig(fix) | Verdict::Gone(fix) => {
            tracing::error!(receiver = %name, provider, %alert, attempts, answer, fix, "receiver refuses its settings");
            Some(0.0)
        }
        Verdict::FatalItem => {
            tracing::error!(receiver = %name, provider, %alert, attempts, answer, "push failed");
            None
        }
        Verdict::Renewed => None,
        Verdict::Retry | Verdict::Throttle(_) | Verdict::Unanswered => {
            tracing::warn!(receiver = %name, provider, %alert, attempts, answer, verdict = verdict.name(), "push not delivered yet");
            None
        }
    };
    if let Some(healthy) = healthy {
        metrics::gauge!(crate::metrics::HEALTHY, "receiver" => name.clone(), "provider" => provider)
            .set(healthy);
    }
}
