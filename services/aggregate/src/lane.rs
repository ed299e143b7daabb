//! A volume that is far out of its own past is noted once a day; it informs, and never raises an alert.
//!
//! Two moving sums, of 3 samples for sudden rises and of 36 for slow ones, are each compared with a histogram of their own
//! past that decays (half-lives of 2,000 and 8,000 samples). The score is the rarer of the two, as the negative decimal
//! logarithm of how often so much was seen. Samples are taken at equal intervals; the measurements are of 5 minutes.

#[cfg(test)]
mod nab;

use std::collections::VecDeque;

/// Bins of the histogram: the logarithm of a sum, in steps of a twentieth of its natural logarithm. Of coarser ones the
/// highest holds the day's usual peak, too.
const BINS: usize = 400;
const STEPS: f64 = 20.0;

/// A sum above all of its past is taken as seen so many times. As half seen, a past of three days could not call it rare.
const UNSEEN: f64 = 0.1;

/// The sums: how many samples, and the half-life of their past in samples.
const SUMS: [(usize, f64); 2] = [(3, 2_000.0), (36, 8_000.0)];

/// From this score on a rise is noted, and then nothing for a day: once in about 450 samples of its own past. Best on the
/// corpus for the standard profile of NAB.
const NOTED: f64 = 2.65;

/// Samples of a day.
const DAY: u32 = 288;

/// The volume lane of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeLane {
    rarity: Rarity,
    lock: Lock,
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
    total: f64,
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
        }
    }
}

impl VolumeLane {
    /// Takes in the next sample and scores it; 0 while locked.
    pub fn score(&mut self, value: f64) -> f64 {
        self.lock.pass(self.rarity.score(value))
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
            total: 0.0,
        };
        Self {
            recent: VecDeque::with_capacity(SUMS[1].0),
            pasts: [past.clone(), past],
        }
    }
}

impl Rarity {
    fn score(&mut self, value: f64) -> f64 {
        if self.recent.len() == SUMS[1].0 {
            self.recent.pop_front();
        }
        self.recent.push_back(value.max(0.0));
        let mut score: f64 = 0.0;
        for ((samples, half_life), past) in SUMS.iter().zip(&mut self.pasts) {
            if self.recent.len() < *samples {
                continue;
            }
            let sum: f64 = self.recent.iter().rev().take(*samples).sum();
            score = score.max(-past.rarity(sum).log10());
            past.learn(sum, *half_life);
        }
        score
    }
}

impl Past {
    fn bin(sum: f64) -> usize {
        ((sum.ln_1p() * STEPS) as usize).min(BINS - 1)
    }

    /// How often so much or more was seen; its own bin counts half.
    fn rarity(&self, sum: f64) -> f64 {
        let bin = Self::bin(sum);
        let above: f64 = self.bins.iter().skip(bin + 1).map(|b| f64::from(*b)).sum();
        let here = f64::from(self.bins[bin]);
        (above + here / 2.0 + UNSEEN) / (self.total + 2.0 * UNSEEN)
    }

    fn learn(&mut self, sum: f64, half_life: f64) {
        let left = (-1.0 / half_life).exp2();
        self.bins
            .iter_mut()
            .for_each(|bin| *bin = (f64::from(*bin) * left) as f32);
        self.total = self.total * left + 1.0;
        self.bins[Self::bin(sum)] += 1.0;
    }
}
