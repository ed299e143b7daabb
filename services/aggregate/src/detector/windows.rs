//! A score is high only when count, share and severe words of the recent negative pieces agree, over the same window.
//!
//! Three windows of different length decay side by side, in whole minutes, so that a sudden wave is seen within minutes
//! and a slow one in some hours. A moment is scored by how far its negative pieces lie above what was expected of them,
//! in standard deviations (signed root deviances). Nothing here knows a clock, a brand or a text.

use super::decays;

/// Time constants of the windows, in minutes: a sudden wave of people, one that spreads, one that builds up.
pub(crate) const MINUTES: [f64; 3] = [30.0, 90.0, 240.0];

/// The window whose memory the freeze of the baseline looks at; its weight is 90 minutes at a steady rate.
const MIDDLE: usize = 1;

/// Dispersion of the counts (negative binomial): the rate of a quiet series wanders by about a third around its profile.
const DISPERSION: f64 = 10.0;

/// Voices of one wave are not independent: the effective number of pieces grows slower than their number.
const OVERLAP: f64 = 0.005;

/// What is added to the expected severe pieces, so that the first severe word of a quiet series is worth about 2.4.
const SEVERE_FLOOR: f64 = 0.02;

/// What one piece, or one minute of pieces, adds. Weights are those of [`super::memory`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Addition {
    /// Weight of the negative pieces.
    pub(crate) negative: f64,
    /// Weight of all pieces.
    pub(crate) total: f64,
    /// Weight of the negative pieces with a severe word.
    pub(crate) severe: f64,
    /// Weight of the negative pieces from accounts whose reach makes them count as one severe word more.
    pub(crate) loud: f64,
}

/// What is usual at a moment, per minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Expected {
    /// Weight of negative pieces.
    pub(crate) negative: f64,
    /// Weight of all pieces.
    pub(crate) total: f64,
}

/// Sums of one window, decayed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Sums {
    pub(crate) negative: f32,
    pub(crate) total: f32,
    pub(crate) expected: f32,
    pub(crate) severe: f32,
    pub(crate) loud: f32,
}

/// The three windows of a series.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Windows {
    pub(crate) sums: [Sums; 3],
}

/// What the windows say of a moment, by the window that says most.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Score {
    /// In standard deviations; at least 0.
    pub(crate) score: f64,
    /// Which of [`MINUTES`].
    pub(crate) window: usize,
    /// Of the count.
    pub(crate) count: f64,
    /// Of the share.
    pub(crate) share: f64,
    /// Of the severe words.
    pub(crate) severe: f64,
    /// The window's sums.
    pub(crate) sums: Sums,
}

impl Windows {
    /// Lets `minutes` pass in which `usual` was expected.
    pub(crate) fn pass(&mut self, minutes: u32, usual: Expected) {
        for (window, sums) in self.sums.iter_mut().enumerate() {
            let left = decays::window(window, minutes);
            let one = decays::window(window, 1);
            for sum in [
                &mut sums.negative,
                &mut sums.total,
                &mut sums.severe,
                &mut sums.loud,
            ] {
                *sum = decayed(*sum, left);
            }
            // Each minute adds what is expected of it, and then decays with the rest.
            let added = usual.negative * (1.0 - left) / (1.0 - one);
            sums.expected = (f64::from(sums.expected) * left + added) as f32;
        }
    }

    /// Adds to the present minute.
    pub(crate) fn add(&mut self, addition: &Addition) {
        for sums in &mut self.sums {
            sums.negative += addition.negative as f32;
            sums.total += addition.total as f32;
            sums.severe += addition.severe as f32;
            sums.loud += addition.loud as f32;
        }
    }

    /// Whether so much more than usual is said that it must not be learnt as usual: over the last hour more than four
    /// times the negative or all pieces expected. The hour is taken as two thirds of the middle window.
    pub(crate) fn is_burning(&self, usual: Expected) -> bool {
        let sums = &self.sums[MIDDLE];
        let hour = 60.0 / MINUTES[MIDDLE];
        let expected = f64::from(sums.expected) * hour;
        let ratio = usual.total / usual.negative.max(f64::MIN_POSITIVE);
        f64::from(sums.negative) * hour > 4.0 * expected + 6.0
            || f64::from(sums.total) * hour > 4.0 * expected * ratio + 10.0
    }

    /// Scores the present moment, given what is usual and `severe_share`, the usual share of severe words among
    /// negative pieces.
    pub(crate) fn score(&self, usual: Expected, severe_share: f64) -> Score {
        let share = (usual.negative / usual.total).clamp(0.02, 0.6);
        let mut best = Score::default();
        for (window, sums) in self.sums.iter().enumerate() {
            let score = score_one(window, sums, share, severe_share);
            if score.score > best.score {
                best = score;
            }
        }
        best
    }
}

fn score_one(window: usize, sums: &Sums, usual_share: f64, severe_share: f64) -> Score {
    let negative = f64::from(sums.negative);
    let expected = f64::from(sums.expected).max(0.02);
    let count = count_deviance(negative, expected);
    let share = share_deviance(negative, f64::from(sums.total), usual_share);
    let both = if negative >= 2.0 {
        count.min(share).max(0.0)
    } else {
        0.0
    };
    let severe_weight = f64::from(sums.severe);
    let loud = sums.loud > 0.3;
    let severe = if severe_weight + f64::from(u8::from(loud)) >= 0.5 {
        let usual = severe_share * negative.max(expected) + SEVERE_FLOOR;
        poisson_deviance(severe_weight + f64::from(u8::from(loud)), usual).max(0.0)
    } else {
        0.0
    };
    let mut score = if both > 1.0 { both.hypot(severe) } else { both };
    if severe_weight >= 1.3 || loud {
        score = score.max(severe);
    }
    Score {
        score,
        window,
        count,
        share,
        severe,
        sums: *sums,
    }
}

/// `a ln(a / b)`, 0 where nothing was seen.
fn excess(a: f64, b: f64) -> f64 {
    if a > 0.0 { a * (a / b).ln() } else { 0.0 }
}

/// Signed root deviance of a count under a negative binomial of that mean.
fn count_deviance(seen: f64, mean: f64) -> f64 {
    let rest = (seen + DISPERSION) * ((seen + DISPERSION) / (mean + DISPERSION)).ln();
    signed(2.0 * (excess(seen, mean) - rest), seen - mean)
}

/// Signed root deviance of a share under a binomial of the effective number of pieces.
fn share_deviance(negative: f64, total: f64, usual: f64) -> f64 {
    if total <= 0.0 {
        return 0.0;
    }
    let share = (negative / total).clamp(0.0, 1.0);
    let effective = total / (1.0 + (total - 1.0) * OVERLAP);
    let deviance = excess(share, usual) + excess(1.0 - share, 1.0 - usual);
    signed(2.0 * effective * deviance, share - usual)
}

/// Signed root deviance of a count under a Poisson of that mean.
fn poisson_deviance(seen: f64, mean: f64) -> f64 {
    signed(2.0 * (excess(seen, mean) - (seen - mean)), seen - mean)
}

fn signed(deviance: f64, sign: f64) -> f64 {
    deviance.max(0.0).sqrt().copysign(sign)
}

/// What is left of a sum; less than a ten-thousandth of a piece is nothing, so that a quiet series has a short record.
fn decayed(sum: f32, left: f64) -> f32 {
    let sum = (f64::from(sum) * left) as f32;
    if sum < 1e-4 { 0.0 } else { sum }
}
