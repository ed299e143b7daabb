//! An alert in hand: whatever happens to it becomes a line of its chain, in the order it happened.

use jiff::Timestamp;
use wensheng_schemas::{
    Actor, Alert, Signal, SignalRef, TimelineEntry, TimelineEvent, TimelineRecord,
};

use crate::clock::Due;

/// Refused commands listed in the alert's record; the oldest give way. The chain has all of them.
const REFUSALS: usize = 20;
/// Lines listed in the alert's record. A matter of days has some dozens.
const LISTED: usize = 200;

/// An alert, and what of it was not told yet.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) partition: u32,
    pub(crate) alert: Alert,
    /// Its entry in the due set.
    pub(crate) due: Option<Due>,
    /// Whether it changed since the last flush.
    pub(crate) touched: bool,
    /// Signals that folded since the last line: a flood of them is one line.
    pending: Vec<SignalRef>,
    /// Lines since the last flush.
    lines: Vec<TimelineRecord>,
}

impl Held {
    pub(crate) fn new(partition: u32, alert: Alert) -> Self {
        Self {
            partition,
            alert,
            due: None,
            touched: false,
            pending: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// Notes a signal that folded into it.
    pub(crate) fn note_signal(&mut self, signal: &Signal) {
        self.pending.push(SignalRef {
            id: signal.id.clone(),
            kind: signal.kind.name().to_owned(),
            severity: signal.severity,
            at: signal.times.detected_at,
        });
    }

    /// Notes what happened.
    pub(crate) fn note(&mut self, entry: TimelineEntry) {
        self.note_pending(entry.at);
        self.append(entry);
    }

    /// Notes what the service itself did.
    pub(crate) fn note_own(&mut self, at: Timestamp, event: TimelineEvent) {
        self.note(own(at, event));
    }

    /// The lines since the last call.
    pub(crate) fn take_lines(&mut self, now: Timestamp) -> Vec<TimelineRecord> {
        self.note_pending(now);
        std::mem::take(&mut self.lines)
    }

    fn note_pending(&mut self, at: Timestamp) {
        if !self.pending.is_empty() {
            let signals = std::mem::take(&mut self.pending);
            self.append(own(at, TimelineEvent::Signals { signals }));
        }
    }

    fn append(&mut self, entry: TimelineEntry) {
        let alert = &mut self.alert;
        let line = TimelineRecord::append(
            &alert.id,
            &alert.brand,
            alert.drill,
            &mut alert.chain,
            entry.clone(),
        );
        self.lines.push(line);
        if entry.event.is_listed() {
            list(&mut alert.timeline, entry);
        }
    }
}

fn own(at: Timestamp, event: TimelineEvent) -> TimelineEntry {
    TimelineEntry {
        at,
        actor: Actor::system(),
        event,
        note: String::new(),
        command: None,
    }
}

/// Lists an entry. The first one, which tells why the alert was raised, never gives way.
fn list(timeline: &mut Vec<TimelineEntry>, entry: TimelineEntry) {
    let refused = |e: &TimelineEntry| matches!(e.event, TimelineEvent::Refused { .. });
    if refused(&entry)
        && timeline.iter().filter(|e| refused(e)).count() >= REFUSALS
        && let Some(oldest) = timeline.iter().position(refused)
    {
        timeline.remove(oldest);
    }
    if timeline.len() >= LISTED {
        timeline.remove(1);
    }
    timeline.push(entry);
}
