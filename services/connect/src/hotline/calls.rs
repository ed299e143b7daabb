//! The calls that may still change, by the event's native id. Pure; what it holds is what was staged last.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use wensheng_schemas::{Call, EventId, FeedbackEvent, Turn};

use super::Part;
use super::closed::{Closed, Late, Mark};
use super::measure::{silence_ms, talk_over_ms};
use crate::draft::{DraftRules, Place, check_time};
use crate::scrub;
use crate::staging::Staging;

/// What the streams of calls' cursors begin with. The two sides of a source write their own, so that each is written in
/// one order; a restart goes on with the later.
const STREAMS: [&str; 2] = ["call:", "call-pull:"];

/// All calls together may take this many bytes; beyond it, those that have rested longest are closed. Some 10,000 calls.
const MAX_BYTES: usize = 64 << 20;

/// A turn costs this many bytes beside its words.
const TURN_BYTES: usize = 96;

/// A call costs this many bytes beside its turns.
const CALL_BYTES: usize = 1_024;

/// What is known of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Known {
    event: FeedbackEvent,
    /// Whether the call's beginning was told; else it is when we first heard of it.
    begun: bool,
    /// See [`Part::zero`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zero: Option<Timestamp>,
    /// Whether the event was staged: it has words, or a score.
    told: bool,
    /// Grows with each change.
    #[serde(default)]
    version: u64,
    /// When its last part came.
    at: Timestamp,
}

/// What a call's cursor holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum State {
    Known(Box<Known>),
    Closed(Mark),
}

/// Which side of a source a part came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// It was pushed, or is read by the only side there is.
    Main = 0,
    /// It was read beside pushes.
    Pull = 1,
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Side::Main => Side::Pull,
            Side::Pull => Side::Main,
        }
    }

    fn stream(self, id: &str) -> String {
        format!("{}{id}", STREAMS[self as usize])
    }
}

/// Whose call a cursor is of, by the author's key. `None`: of nobody's that is known.
pub(crate) fn caller(stream: &str, position: &serde_json::Value) -> Option<String> {
    STREAMS.iter().find_map(|side| stream.strip_prefix(side))?;
    match serde_json::from_value(position.clone()).ok()? {
        State::Known(known) => known.event.author.map(|author| author.key),
        State::Closed(mark) => mark.author,
    }
}

impl Known {
    fn turns(&self) -> &[Turn] {
        self.event.call.as_ref().map_or(&[], |call| &call.turns)
    }

    fn bytes(&self) -> usize {
        let turns = self.turns().iter();
        CALL_BYTES
            + turns
                .map(|turn| 2 * turn.text.len() + TURN_BYTES)
                .sum::<usize>()
    }
}

/// The calls of one source.
#[derive(Debug)]
pub(crate) struct Calls {
    known: BTreeMap<String, Known>,
    closed: Closed,
    resting: BTreeSet<(Timestamp, String)>,
    bytes: usize,
    keep: SignedDuration,
}

impl Calls {
    /// Keeps a call for so long after its last part.
    pub(crate) fn new(keep_hours: u32) -> Self {
        Self {
            known: BTreeMap::new(),
            closed: Closed::default(),
            resting: BTreeSet::new(),
            bytes: 0,
            keep: SignedDuration::from_hours(i64::from(keep_hours)),
        }
    }

    /// Takes up what was committed.
    pub(crate) fn restore(&mut self, positions: BTreeMap<String, serde_json::Value>) {
        for (stream, position) in positions {
            let Some(id) = STREAMS.iter().find_map(|side| stream.strip_prefix(side)) else {
                continue;
            };
            match serde_json::from_value(position) {
                Ok(State::Closed(mark)) => self.closed.put(id, mark),
                Ok(State::Known(known)) => {
                    let later = self
                        .known
                        .get(id)
                        .is_none_or(|own| own.version < known.version);
                    if later {
                        self.put(id.to_owned(), *known);
                    }
                }
                Err(error) => tracing::warn!(%stream, %error,
                    "what is known of a call cannot be read; its later parts stand alone"),
            }
        }
        // The other side had closed it.
        let closed = |id: &&String, known: &Known| {
            let mark = self.closed.get(id.as_str());
            mark.is_some_and(|mark| known.version <= mark.version)
        };
        let over: Vec<String> = self
            .known
            .iter()
            .filter(|(id, known)| closed(id, known))
            .map(|(id, _)| id.clone())
            .collect();
        for id in over {
            self.remove(&id);
        }
        for id in self.known.keys() {
            self.closed.remove(id);
        }
    }

    fn remove(&mut self, id: &str) -> Option<Known> {
        let known = self.known.remove(id)?;
        self.bytes = self.bytes.saturating_sub(known.bytes());
        self.resting.remove(&(known.at, id.to_owned()));
        Some(known)
    }

    fn put(&mut self, id: String, known: Known) {
        self.bytes += known.bytes();
        self.resting.insert((known.at, id.clone()));
        if let Some(before) = self.known.insert(id.clone(), known) {
            self.bytes = self.bytes.saturating_sub(before.bytes());
            let now = self.known.get(&id).map(|known| known.at);
            if now != Some(before.at) {
                self.resting.remove(&(before.at, id));
            }
        }
    }

    /// Whether turns of the call are known.
    pub(crate) fn has_turns(&self, id: &str) -> bool {
        let known = self.known.get(id);
        known.is_some_and(|known| !known.turns().is_empty())
            || self.closed.get(id).is_some_and(Mark::has_turns)
    }

    /// Merges a part into its call, and stages the call's event and state.
    pub(crate) fn take(
        &mut self,
        part: Part,
        rules: &DraftRules,
        place: Place<'_>,
        side: Side,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<(), String> {
        let whole = part.whole;
        let mut heard = hear(part, rules, place, now)?;
        let is_open = |id: &str| self.known.contains_key(id);
        match self.closed.meet(&heard.event, whole, is_open) {
            Late::No => {}
            Late::Repeat => {
                staging.leave_out("repeat_of_closed_call");
                return Ok(());
            }
            Late::Replaces(revision, version) => {
                heard.event.revision = revision.saturating_add(1);
                heard.version = version.saturating_add(1);
            }
            Late::GoesOn(id) => {
                heard.event.id = EventId::of(&heard.event.source, &id);
                heard.event.reply_to = Some(std::mem::replace(&mut heard.event.native_id, id));
            }
        }
        let id = heard.event.native_id.clone();
        let known = match self.known.get(&id) {
            Some(before) => merge(before, heard, whole),
            None => measured(heard),
        };
        let words: usize = known.turns().iter().map(|turn| turn.text.len()).sum();
        if words > rules.max_text_bytes {
            return Err(format!(
                "the call has {words} bytes of words, more than the {} allowed; raise connect.max_text_bytes",
                rules.max_text_bytes
            ));
        }
        if known.told {
            staging.event(known.event.clone());
        }
        let position = serde_json::to_value(&known).map_err(|error| error.to_string())?;
        staging.cursor(&side.stream(&id), position, now);
        self.closed.remove(&id);
        self.put(id, known);
        self.close(side, now, staging);
        Ok(())
    }

    /// Closes calls that have rested, and those that there is no room for. Of those that were told a mark stays.
    fn close(&mut self, side: Side, now: Timestamp, staging: &mut Staging) {
        while let Some((at, id)) = self.resting.first().cloned() {
            let rested = now.duration_since(at) > self.keep;
            if !rested && (self.bytes <= MAX_BYTES || self.known.len() < 2) {
                break;
            }
            self.resting.pop_first();
            let Some(known) = self.remove(&id).filter(|known| known.told) else {
                forget(&id, staging);
                continue;
            };
            let mark = Mark::of(&known.event, known.version, now);
            match serde_json::to_value(&mark) {
                Ok(position) => {
                    staging.cursor(&side.stream(&id), position, now);
                    staging.forget(&side.other().stream(&id));
                    self.closed.put(&id, mark);
                }
                Err(_) => forget(&id, staging),
            }
        }
        while let Some(id) = self.closed.forget_one(now) {
            forget(&id, staging);
        }
    }
}

fn forget(id: &str, staging: &mut Staging) {
    for side in [Side::Main, Side::Pull] {
        staging.forget(&side.stream(id));
    }
}

/// The part as a call of its own, without personal data.
fn hear(part: Part, rules: &DraftRules, place: Place<'_>, now: Timestamp) -> Result<Known, String> {
    let begun = part.started_at.is_some();
    let mut event = part.draft.into_shell(rules, place, now, String::new)?;
    if event.native_id.is_empty() {
        return Err("there is no id of the call".to_owned());
    }
    if let Some(at) = part.started_at {
        check_time(at, now)?;
        event.occurred_at = at;
    }
    let mut call = part.call;
    call.turns.retain(|turn| !turn.text.trim().is_empty());
    event.call = Some(Box::new(call));
    scrub::event(&mut event);
    Ok(Known {
        event,
        begun,
        zero: part.zero,
        told: false,
        version: 0,
        at: now,
    })
}

/// The call with what was heard of it; `whole`: the turns that were heard are all there are.
fn merge(before: &Known, heard: Known, whole: bool) -> Known {
    let mut event = before.event.clone();
    let mut new = heard.event;
    if heard.begun {
        // The earlier of two beginnings, so that the order of the parts does not matter.
        event.occurred_at = match before.begun {
            true => event.occurred_at.min(new.occurred_at),
            false => new.occurred_at,
        };
    }
    let begun = before.begun || heard.begun;
    let mut call = event.call.take().map(|call| *call).unwrap_or_default();
    let mut added = new.call.take().map(|call| *call).unwrap_or_default();
    let turns = std::mem::take(&mut added.turns);
    add_facts(&mut call, added);
    let mut zero = before.zero;
    if whole && !turns.is_empty() {
        zero = heard.zero;
        call.turns = turns;
    } else if !turns.is_empty() {
        // Turns that are counted from the beginning of the call meet those that are not at the earlier of the two.
        let start = begun.then_some(event.occurred_at);
        let (old_zero, new_zero) = (before.zero.or(start), heard.zero.or(start));
        zero = match (before.zero, heard.zero) {
            (None, None) => None,
            _ => old_zero.into_iter().chain(new_zero).min(),
        };
        call.turns = later_by(call.turns, old_zero, zero);
        for turn in later_by(turns, new_zero, zero) {
            put_turn(&mut call.turns, turn);
        }
    }
    event.call = Some(Box::new(call));
    add_fields(&mut event, &mut new);
    let mut merged = measured(Known {
        event,
        begun,
        zero,
        told: false,
        version: before.version,
        at: heard.at,
    });
    if merged.event != before.event {
        merged.event.observed_at = new.observed_at;
        merged.event.provenance = new.provenance;
        if before.told {
            merged.event.revision = before.event.revision.saturating_add(1);
        }
    }
    merged.told |= before.told;
    if (&merged.event, merged.begun, merged.zero) != (&before.event, before.begun, before.zero) {
        merged.version += 1;
    }
    merged
}

/// The call with its turns in order, from its beginning, and what is measured of them.
fn measured(mut known: Known) -> Known {
    let start = known.event.occurred_at;
    let mut call = known.event.call.take().map(|c| *c).unwrap_or_default();
    if known.begun && known.zero.is_some() {
        call.turns = later_by(call.turns, known.zero, Some(start));
        known.zero = Some(start);
    } else if let Some(zero) = known.zero {
        // The first word is the earliest that is known of the call.
        known.event.occurred_at = zero;
    }
    call.turns
        .sort_by(|a, b| (a.begin_ms, a.end_ms, &a.track).cmp(&(b.begin_ms, b.end_ms, &b.track)));
    call.silence_ms = silence_ms(&call.turns).or(call.silence_ms);
    call.talk_over_ms = talk_over_ms(&call.turns).or(call.talk_over_ms);
    known.event.text = call.judged_text();
    known.event.call = Some(Box::new(call));
    scrub::recount(&mut known.event);
    known.told = !known.event.text.is_empty() || !known.event.scores.is_empty();
    known
}

/// The turns counted from `to` instead of `from`; what would come before it begins with it.
fn later_by(mut turns: Vec<Turn>, from: Option<Timestamp>, to: Option<Timestamp>) -> Vec<Turn> {
    let (Some(from), Some(to)) = (from, to) else {
        return turns;
    };
    let by = from.as_millisecond().saturating_sub(to.as_millisecond());
    for turn in &mut turns {
        turn.begin_ms = turn.begin_ms.saturating_add_signed(by);
        turn.end_ms = turn.end_ms.saturating_add_signed(by);
    }
    turns
}

/// A turn of the same party that begins at the same time is the same turn, corrected.
fn put_turn(turns: &mut Vec<Turn>, turn: Turn) {
    let same = turns.iter_mut().find(|known| {
        known.begin_ms == turn.begin_ms && known.role == turn.role && known.track == turn.track
    });
    match same {
        Some(known) => *known = turn,
        None => turns.push(turn),
    }
}

/// What is told again counts; what is not told stays.
fn fill<T>(old: &mut Option<T>, new: Option<T>) {
    if new.is_some() {
        *old = new;
    }
}

fn add_fields(event: &mut FeedbackEvent, new: &mut FeedbackEvent) {
    fill(&mut event.product, new.product.take());
    fill(&mut event.store, new.store.take());
    fill(&mut event.region, new.region.take());
    fill(&mut event.url, new.url.take());
    fill(&mut event.author, new.author.take());
    fill(&mut event.scores.nps, new.scores.nps);
    fill(&mut event.scores.csat, new.scores.csat);
    fill(&mut event.scores.ces, new.scores.ces);
    event.attributes.append(&mut new.attributes);
}

fn add_facts(call: &mut Call, new: Call) {
    fill(&mut call.direction, new.direction);
    fill(&mut call.duration_ms, new.duration_ms);
    fill(&mut call.wait_ms, new.wait_ms);
    fill(&mut call.hold_ms, new.hold_ms);
    fill(&mut call.agent, new.agent);
    fill(&mut call.queue, new.queue);
    fill(&mut call.satisfaction, new.satisfaction);
    fill(&mut call.ended, new.ended);
    fill(&mut call.silence_ms, new.silence_ms);
    fill(&mut call.talk_over_ms, new.talk_over_ms);
}
