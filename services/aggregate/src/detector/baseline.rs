//! What is usual is learnt from quiet hours alone, and a young series leans on its brand.
//!
//! The level of a series is what it hears per minute, with a memory that halves in a week; the hour of the day is the
//! brand's, because single topics are too quiet to have an hour of their own. While a series burns nothing is learnt.

use super::decays;
use super::windows::Expected;

/// Memory of the level halves in this many minutes: a week, so that all weekdays weigh alike.
pub(super) const LEVEL_HALF_LIFE: f64 = 7.0 * 1_440.0;

/// The prior of a series (its brand's mean topic) is worth this many minutes of hearing.
const PRIOR_MINUTES: f64 = 720.0;

/// The prior of a brand is worth less: nothing is known of it but that brands differ by orders of magnitude.
const BRAND_PRIOR_MINUTES: f64 = 60.0;

/// Memory of the hours halves in this many days.
const PROFILE_HALF_LIFE_DAYS: f64 = 14.0;

/// What a series hears that nothing is known of: a piece in 100 minutes, one in five negative.
pub(crate) const NOTHING_KNOWN: Expected = Expected {
    negative: 0.002,
    total: 0.01,
};

/// A brand's level counts in full after so many minutes: a day, when it has been heard at every hour.
const GROWN_UP: f64 = 1_440.0;

/// How much a series hears.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Level {
    /// Decayed weight of negative pieces.
    pub(crate) negative: f32,
    /// Decayed weight of all pieces.
    pub(crate) total: f32,
    /// Decayed minutes of hearing, each counted by its hour's part of the day.
    pub(crate) minutes: f32,
}

impl Level {
    /// Lets quiet minutes of an hour of this `part` pass.
    pub(crate) fn pass(&mut self, minutes: u32, part: f64) {
        let left = decays::level(minutes);
        let heard = (1.0 - left) * LEVEL_HALF_LIFE / std::f64::consts::LN_2;
        self.negative = (f64::from(self.negative) * left) as f32;
        self.total = (f64::from(self.total) * left) as f32;
        self.minutes = (f64::from(self.minutes) * left + heard * part) as f32;
    }

    /// Learns a piece.
    pub(crate) fn add(&mut self, weight: f64, negative: bool) {
        self.total += weight as f32;
        if negative {
            self.negative += weight as f32;
        }
    }

    /// What is usual per minute of a whole day, given a prior.
    pub(crate) fn usual(&self, prior: Expected) -> Expected {
        self.blend(prior, PRIOR_MINUTES)
    }

    /// The same of a brand as a whole.
    pub(crate) fn usual_of_brand(&self) -> Expected {
        self.blend(NOTHING_KNOWN, BRAND_PRIOR_MINUTES)
    }

    fn blend(&self, prior: Expected, worth: f64) -> Expected {
        let minutes = f64::from(self.minutes) + worth;
        let negative = (f64::from(self.negative) + prior.negative * worth) / minutes;
        let total = (f64::from(self.total) + prior.total * worth) / minutes;
        Expected {
            negative: negative.max(1e-6),
            total: total.max(1e-5),
        }
    }

    /// How far what is usual can be trusted, 0 to 1: scores of the first day are shrunk by it, because the usual rate and
    /// share are not yet known, and a topic that is negative by nature would look like a crisis.
    pub(crate) fn trust(&self) -> f64 {
        (f64::from(self.minutes) / GROWN_UP).min(1.0).sqrt()
    }
}

impl Expected {
    /// The same in an hour of this `part` of the day.
    pub(crate) fn at(self, part: f64) -> Self {
        Self {
            negative: self.negative * part,
            total: self.total * part,
        }
    }

    /// An equal part for each of `topics`.
    pub(crate) fn shared_by(self, topics: usize) -> Self {
        let topics = topics.max(1) as f64;
        Self {
            negative: self.negative / topics,
            total: self.total / topics,
        }
    }
}

/// When a brand's customers speak: the weight heard in each local hour of the day.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Profile {
    pub(crate) hours: [f32; 24],
}

impl Profile {
    /// Learns a piece.
    pub(crate) fn add(&mut self, hour: usize, weight: f64) {
        if let Some(sum) = self.hours.get_mut(hour) {
            *sum += weight as f32;
        }
    }

    /// Lets whole hours pass.
    pub(crate) fn pass(&mut self, hours: u32) {
        let left = (-f64::from(hours) / (24.0 * PROFILE_HALF_LIFE_DAYS)).exp2();
        for sum in &mut self.hours {
            *sum = (f64::from(*sum) * left) as f32;
        }
    }

    /// The part of an hour: 1 on the average, 0 for hours that were always silent. Five pieces an hour are taken as heard
    /// already, so that a young brand's day is flat and the first voices do not make a profile.
    pub(crate) fn part(&self, hour: usize) -> f64 {
        let mean = self.hours.iter().map(|h| f64::from(*h)).sum::<f64>() / 24.0;
        let flat = 5.0 + 0.05 * mean;
        let here = f64::from(self.hours.get(hour).copied().unwrap_or_default());
        (here + flat) / (mean + flat)
    }
}
