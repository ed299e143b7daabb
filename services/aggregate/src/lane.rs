//! A volume that is far out of its own past is noted once a day; it informs, and never raises an alert.
//!
//! Two moving sums, of 3 samples for sudden rises and of 36 for slow ones, are each compared with a histogram of their own
//! past that decays (half-lives of 2,000 and 8,000 samples). The score is the rarer of the two, as the negative decimal
//! logarithm of how often so much was seen. Samples are taken at equal intervals; the measurements are of 5 minutes.

use std::collections::VecDeque;

/// Bins of the histogram: the logarithm of a sum, in steps of an eighth of its natural logarithm.
const BINS: usize = 160;
const STEPS: f64 = 8.0;

/// The sums: how many samples, and the half-life of their past in samples.
const SUMS: [(usize, f64); 2] = [(3, 2_000.0), (36, 8_000.0)];

/// From this score on a rise is noted, and then nothing for a day: once in about 700 samples of its own past.
const NOTED: f64 = 2.85;

/// Samples of a day.
const DAY: u32 = 288;

/// The volume lane of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeLane {
    recent: VecDeque<f64>,
    pasts: [Past; SUMS.len()],
    /// Samples until a rise may be noted again.
    locked: u32,
}

/// What a moving sum used to be.
#[derive(Debug, Clone, PartialEq)]
struct Past {
    bins: Vec<f32>,
    total: f64,
}

impl Default for VolumeLane {
    fn default() -> Self {
        let past = Past {
            bins: vec![0.0; BINS],
            total: 0.0,
        };
        Self {
            recent: VecDeque::with_capacity(SUMS[1].0),
            pasts: [past.clone(), past],
            locked: 0,
        }
    }
}

impl VolumeLane {
    /// Takes in the next sample and scores it; 0 while locked.
    pub fn score(&mut self, value: f64) -> f64 {
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
        if self.locked > 0 {
            self.locked -= 1;
            return 0.0;
        }
        if score >= NOTED {
            self.locked = DAY;
        }
        score
    }
}

impl Past {
    fn bin(sum: f64) -> usize {
        ((sum.ln_1p() * STEPS) as usize).min(BINS - 1)
    }

    /// How often so much or more was seen; its own bin counts half, and an unseen sample is taken as half seen.
    fn rarity(&self, sum: f64) -> f64 {
        let bin = Self::bin(sum);
        let above: f64 = self.bins.iter().skip(bin + 1).map(|b| f64::from(*b)).sum();
        let here = f64::from(self.bins[bin]);
        (above + here / 2.0 + 0.5) / (self.total + 1.0)
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
