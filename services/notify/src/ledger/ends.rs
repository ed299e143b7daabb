//! A push ends once: delivered, failed, or given back to its receiver's queue; and where it failed, somebody else is told.

use jiff::Timestamp;
use wensheng_schemas::DeliveryState;

use super::outcome::{self, Next};
use super::{End, Ended, Ledger, Legs, Phase, Row, UNANSWERED};
use crate::provider::{Judged, Verdict};
use crate::receiver::PushId;

impl Ledger {
    /// Books the end of an attempt: a row for each push that it sent, and for those that now stand in for it. None for
    /// pushes that are not here (any more).
    pub(crate) fn end(&mut self, ended: Ended, now: Timestamp) -> Vec<Row> {
        let Some(receiver) = self.receivers.get_mut(ended.receiver) else {
            return Vec::new();
        };
        receiver.under_way = receiver.under_way.saturating_sub(1);
        // An attempt from before a loss of the session tells of the restored push as well, unless that was handed out
        // again already.
        let here = |id: &PushId| match self.pushes.get(id).map(|push| &push.phase) {
            None => false,
            Some(Phase::UnderWay(number)) => *number == ended.number,
            Some(Phase::Queued(_) | Phase::Orphaned) => true,
        };
        let pushes: Vec<PushId> = ended.pushes.iter().filter(|id| here(id)).cloned().collect();
        if pushes.is_empty() {
            return Vec::new();
        }
        // Another try may merge other pushes, and so bear another id.
        let known = receiver.config.kind.manners().knows_repeats && ended.pushes.len() == 1;
        let judged = receiver.provider.judge(&ended.reply, known, now);
        let mut rows = Vec::new();
        for id in pushes {
            rows.extend(self.end_one(id, ended.receiver, &judged, now));
        }
        rows
    }

    fn end_one(
        &mut self,
        id: PushId,
        receiver: usize,
        judged: &Judged,
        now: Timestamp,
    ) -> Vec<Row> {
        let Some(mut push) = self.take_out(&id) else {
            return Vec::new();
        };
        push.attempts += 1;
        let Judged { verdict, answer } = judged;
        let at = &mut self.receivers[receiver];
        outcome::tell(at, &push, *verdict, answer);
        let next = outcome::next(at, &mut push, &id, *verdict, self.give_up_after, now);
        let state = match next {
            Next::Delivered => DeliveryState::Delivered {
                delivered_at: now,
                answer: answer.clone(),
            },
            Next::Failed(why) => DeliveryState::Failed {
                failed_at: now,
                reason: [answer.as_str(), &why]
                    .join("; ")
                    .trim_end_matches("; ")
                    .to_owned(),
            },
            Next::Again(at) => DeliveryState::Queued {
                next_attempt_at: at,
                notification: Box::new((*push.notification).clone()),
                last_answer: match verdict {
                    Verdict::Unanswered => format!("{UNANSWERED}: {answer}"),
                    _ => answer.clone(),
                },
            },
        };
        let again_at = match &state {
            DeliveryState::Queued {
                next_attempt_at, ..
            } => Some(*next_attempt_at),
            _ => None,
        };
        let delivered = matches!(state, DeliveryState::Delivered { .. });
        let mut row = self.row(&id, &push, state, now);
        row.verdict = Some(*verdict);
        if delivered {
            row.legs = Some(Legs::of(&push, now));
        }
        let mut rows = vec![row];
        match again_at {
            Some(at) => {
                push.phase = Phase::Queued(at);
                self.receivers[receiver].queue(at, push.urgency(&id));
                self.pushes.insert(id, push);
            }
            None => {
                let end = End {
                    partition: push.partition,
                    at: now,
                    delivered,
                };
                self.ended.insert(id, end);
                if !delivered {
                    rows.extend(self.stand_in(&push, now));
                }
            }
        }
        rows
    }

    /// Ends the pushes that can never be sent: their receiver was taken out of the configuration, or is gone for good.
    pub(crate) fn end_hopeless(&mut self, now: Timestamp) -> Vec<Row> {
        let hopeless: Vec<(PushId, &'static str)> = self
            .pushes
            .iter()
            .filter_map(|(id, push)| match push.phase {
                Phase::Orphaned => Some((id.clone(), "the receiver is not configured any more")),
                Phase::Queued(_) if self.receivers[push.receiver].gone => Some((
                    id.clone(),
                    "not sent: the endpoint said earlier that it is gone for good; remove the receiver",
                )),
                Phase::Queued(_) | Phase::UnderWay(_) => None,
            })
            .collect();
        let mut rows = Vec::new();
        for (id, reason) in hopeless {
            let Some(push) = self.take_out(&id) else {
                continue;
            };
            let state = DeliveryState::Failed {
                failed_at: now,
                reason: reason.to_owned(),
            };
            tracing::error!(receiver = %push.receiver_name, push = %id, alert = %push.notification.alert.id, reason, "push failed");
            rows.push(self.row(&id, &push, state, now));
            let end = End {
                partition: push.partition,
                at: now,
                delivered: false,
            };
            self.ended.insert(id, end);
            rows.extend(self.stand_in(&push, now));
        }
        rows
    }
}
