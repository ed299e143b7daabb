//! A volume that is far out of its own past is noted once a day; it informs, and never raises an alert.
//!
//! Two moving sums, of 3 samples for sudden rises and of 72 for slow ones, are each compared with a histogram of their own
//! past that decays (half-lives of 2,000 and 8,000 samples). The score is the rarer of the two, as the negative decimal
//! logarithm of how often so much was seen. Samples are taken at equal intervals; the measurements are of 5 minutes.

mod brand;
#[cfg(test)]
mod nab;
mod signal;

use std::collections::VecDeque;

use wensheng_schemas::{LaneBin, LaneState};

pub(crate) use brand::BrandLane;

/// Bins of the histogram: the logarithm of a sum, in steps of a twentieth of its natural logarithm. Of coarser ones the
/// highest holds the day's usual peak, too.
const BINS: usize = 400;
const STEPS: f64 = 20.0;

/// A sum above all of its past is taken as seen so many times. As half seen, a past of three days could not call it rare.
const UNSEEN: f64 = 0.1;

/// The sums: how many samples, and the half-life of their past in samples.
const SUMS: [(usize, f64); 2] = [(3, 2_000.0), (72, 8_000.0)];

/// From this score on a rise is noted, and then nothing for a day: once in about 700 samples of its own past. Best on the
/// corpus for the standard profile of NAB.
const NOTED: f64 = 2.86;

/// Samples of a day.
const DAY: u32 = 288;

/// A sum of fewer pieces is no rise, however rare: of a brand that nobody speaks of, one piece is.
const FEW: f64 = 10.0;

/// Before so many samples (two days and a half) no rise is told: what is usual is not known yet. NAB leaves as many out.
const WARM_UP: u32 = 750;

/// A bin that decayed to less is emptied, so that the record of a past stays short.
const EMPTY: f32 = 1e-4;

/// The volume lane of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeLane {
    rarity: Rarity,
    lock: Lock,
    /// Samples taken, up to [`WARM_UP`].
    seen: u32,
}

/// A sum that is noted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rise {
    pub(crate) score: f64,
    /// Of how many samples.
    pub(crate) samples: usize,
    pub(crate) sum: f64,
    /// What half of its past lies below.
    pub(crate) usual: f64,
}

/// How rare the sums that end at a sample are.
#[derive(Debug, Clone, PartialEq)]
struct Rarity {
    recent: VecDeque<f64>,
    pasts: [Past; SUMS.len()],
}

/// What a moving sum used to be.
#[derive(Debug, Clone, PartialEq)]
struct Past {
    bins: Vec<f32>,
}

/// Lets a rise through once a day.
#[derive(Debug, Clone, PartialEq)]
struct Lock {
    /// From which score on a rise is noted.
    noted: f64,
    /// Samples until one may be noted again.
    left: u32,
}

impl Default for VolumeLane {
    fn default() -> Self {
        Self {
            rarity: Rarity::default(),
            lock: Lock::noting(NOTED),
            seen: 0,
        }
    }
}

impl VolumeLane {
    /// Takes in the next sample and scores it; 0 while locked.
    pub fn score(&mut self, value: f64) -> f64 {
        self.take(value).0
    }

    /// The same, and the rise, where one is noted and the past is long enough.
    fn take(&mut self, value: f64) -> (f64, Option<Rise>) {
        let (score, rise) = self.rarity.score(value);
        let score = self.lock.pass(score);
        self.seen = (self.seen + 1).min(WARM_UP);
        let told = score >= self.lock.noted && self.seen >= WARM_UP;
        (score, rise.filter(|_| told))
    }

    /// Its record; its samples are whole numbers.
    fn to_state(&self) -> LaneState {
        LaneState {
            seen: self.seen,
            locked: self.lock.left,
            recent: self.rarity.recent.iter().map(|n| *n as u32).collect(),
            pasts: self.rarity.pasts.iter().map(Past::to_state).collect(),
        }
    }

    /// What a record tells; what does not fit is left out.
    fn from_state(state: &LaneState) -> Self {
        let mut lane = Self {
            seen: state.seen,
            ..Self::default()
        };
        lane.lock.left = state.locked;
        let surplus = state.recent.len().saturating_sub(SUMS[1].0);
        let recent = state.recent.iter().skip(surplus);
        lane.rarity.recent.extend(recent.map(|n| f64::from(*n)));
        for (past, bins) in lane.rarity.pasts.iter_mut().zip(&state.pasts) {
            past.restore(bins);
        }
        lane
    }
}

impl Lock {
    fn noting(noted: f64) -> Self {
        Self { noted, left: 0 }
    }

    fn pass(&mut self, score: f64) -> f64 {
        if self.left > 0 {
            self.left -= 1;
            return 0.0;
        }
        if score >= self.noted {
            self.left = DAY;
        }
        score
    }
}

impl Default for Rarity {
    fn default() -> Self {
        let past = Past {
            bins: vec![0.0; BINS],
        };
        Self {
            recent: VecDeque::with_capacity(SUMS[1].0),
            pasts: [past.clone(), past],
        }
    }
}

impl Rarity {
    /// The score, and the shortest sum that is noted by itself: it says best what happened.
    fn score(&mut self, value: f64) -> (f64, Option<Rise>) {
        if self.recent.len() == SUMS[1].0 {
            self.recent.pop_front();
        }
        self.recent.push_back(value.max(0.0));
        let mut rarest: f64 = 0.0;
        let mut rise = None;
        for ((samples, half_life), past) in SUMS.iter().zip(&mut self.pasts) {
            if self.recent.len() < *samples {
                continue;
            }
            let sum: f64 = self.recent.iter().rev().take(*samples).sum();
            if sum >= FEW {
                let score = -past.rarity(sum).log10();
                rarest = rarest.max(score);
                if rise.is_none() && score >= NOTED {
                    rise = Some(Rise {
                        score,
                        samples: *samples,
                        sum,
                        usual: past.median(),
                    });
                }
            }
            past.learn(sum, *half_life);
        }
        (rarest, rise)
    }
}

impl Past {
    fn bin(sum: f64) -> usize {
        ((sum.ln_1p() * STEPS) as usize).min(BINS - 1)
    }

    fn weight(bins: &[f32]) -> f64 {
        bins.iter().map(|bin| f64::from(*bin)).sum()
    }

    /// How often so much or more was seen; its own bin counts half.
    fn rarity(&self, sum: f64) -> f64 {
        let bin = Self::bin(sum);
        let above = Self::weight(&self.bins[bin + 1..]);
        let here = f64::from(self.bins[bin]);
        (above + here / 2.0 + UNSEEN) / (Self::weight(&self.bins) + 2.0 * UNSEEN)
    }

    /// The sum that half of the past lies below, to the width of a bin; 0 without a past.
    fn median(&self) -> f64 {
        let half = Self::weight(&self.bins) / 2.0;
        let mut below = 0.0;
        let bin = self.bins.iter().position(|bin| {
            below += f64::from(*bin);
            below > half
        });
        bin.map_or(0.0, |bin| (bin as f64 / STEPS).exp_m1())
    }

    fn learn(&mut self, sum: f64, half_life: f64) {
        let left = (-1.0 / half_life).exp2();
        for bin in &mut self.bins {
            let decayed = (f64::from(*bin) * left) as f32;
            *bin = if decayed < EMPTY { 0.0 } else { decayed };
        }
        self.bins[Self::bin(sum)] += 1.0;
    }

    fn to_state(&self) -> Vec<LaneBin> {
        (0..)
            .zip(&self.bins)
            .filter(|(_, weight)| **weight > 0.0)
            .map(|(bin, weight)| LaneBin(bin, *weight))
            .collect()
    }

    fn restore(&mut self, bins: &[LaneBin]) {
        for LaneBin(bin, weight) in bins {
            if let Some(to) = self.bins.get_mut(usize::from(*bin)) {
                *to = *weight;
            }
        }
    }
}
