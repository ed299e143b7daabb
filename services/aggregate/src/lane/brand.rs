//! The volume of a brand in five minutes is a sample of its lane, taken when a later piece is observed; minutes without a
//! piece are samples of zero.
//!
//! It knows no clock but the times at which the brand's pieces were observed, which never lead back.

use jiff::Timestamp;
use wensheng_schemas::{Enriched, LaneState, Signal, VolumeSample};

use super::signal::signal;
use super::{Rise, VolumeLane};

/// Seconds of a sample.
pub(super) const SAMPLE_SECONDS: i64 = 300;

/// After so many samples without a piece (30 days, when series are forgotten) the lane begins anew.
const FORGOTTEN: u32 = 30 * super::DAY;

/// The volume lane of a brand.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct BrandLane {
    /// The sample in hand, counted from the epoch; 0 before the first piece.
    slot: u32,
    /// Pieces in it.
    pieces: u32,
    lane: VolumeLane,
    /// Whether a sample was taken since the last commit.
    sampled: bool,
}

impl BrandLane {
    /// Counts a piece of the brand; gives the rises that end with the samples before it.
    pub(crate) fn hear(&mut self, piece: &Enriched, now: Timestamp, signals: &mut Vec<Signal>) {
        let feedback = &piece.feedback;
        // Nothing is observed after it was analysed: a clock that runs ahead must not carry the brand's with it.
        let observed_at = feedback.observed_at.min(piece.enriched_at);
        let slot = u32::try_from(observed_at.as_second() / SAMPLE_SECONDS).unwrap_or_default();
        if self.slot == 0 || slot.saturating_sub(self.slot) > FORGOTTEN {
            *self = Self {
                slot,
                sampled: self.sampled || self.slot > 0,
                ..Self::default()
            };
        }
        while self.slot < slot {
            self.slot += 1;
            let pieces = std::mem::take(&mut self.pieces);
            if let Some(rise) = self.sample(pieces) {
                let end = i64::from(self.slot) * SAMPLE_SECONDS;
                signals.extend(signal(&rise, end, piece, now));
            }
        }
        self.pieces = self.pieces.saturating_add(1);
    }

    fn sample(&mut self, pieces: u32) -> Option<Rise> {
        self.sampled = true;
        self.lane.take(f64::from(pieces)).1
    }

    /// When the sample in hand began; `None` before the first piece.
    pub(crate) fn latest_at(&self) -> Option<Timestamp> {
        Timestamp::from_second(i64::from(self.slot) * SAMPLE_SECONDS)
            .ok()
            .filter(|_| self.slot > 0)
    }

    /// The sample in hand, which changes with every piece.
    pub(crate) fn in_hand(&self) -> Option<VolumeSample> {
        (self.slot > 0).then_some(VolumeSample {
            slot: self.slot,
            pieces: self.pieces,
        })
    }

    /// What it knows of the past, if that changed since the last call.
    pub(crate) fn take_changed(&mut self) -> Option<LaneState> {
        std::mem::take(&mut self.sampled).then(|| self.lane.to_state())
    }

    /// Takes back the sample in hand.
    pub(crate) fn restore_sample(&mut self, sample: VolumeSample) {
        self.slot = sample.slot;
        self.pieces = sample.pieces;
    }

    /// Takes back what it knew of the past.
    pub(crate) fn restore(&mut self, state: &LaneState) {
        self.lane = VolumeLane::from_state(state);
    }
}

#[cfg(test)]
mod tests;
