//! A brand's threshold is what its own quiet history would pass as often as was asked for, and no labels are needed.
//!
//! The highest score of each block of six hours is counted in a histogram; blocks in which something burnt are left
//! out. Above their 90th percentile the tail is taken as exponential, which says how high to go for a given rate. A
//! young brand leans on thresholds measured beforehand.

/// Minutes of a block.
pub(crate) const BLOCK: u32 = 360;

/// Blocks in 30 days.
const BLOCKS_A_MONTH: f64 = 30.0 * 1_440.0 / BLOCK as f64;

/// Bins of the histogram, and their width; scores beyond the last are counted in it.
pub(crate) const BINS: usize = 48;
const WIDTH: f64 = 0.125;

/// The histogram is halved at this many blocks: it forgets over some months.
const MOST_BLOCKS: u32 = 720;

/// One alert often spans two blocks: of four blocks above a threshold, three are alerts of their own (measured on the
/// simulated stream).
const ALERTS_A_BLOCK: f64 = 0.75;

/// What was measured beforehand is worth this many blocks of a brand's own: six weeks, after which both weigh alike. Less
/// would follow the noise of a dozen blocks in the tail, more would not learn a brand that differs.
const PRIOR_BLOCKS: f64 = 168.0;

/// Share of blocks below the tail.
const TAIL: f64 = 0.1;

/// A brand's own threshold stays within this of the one measured beforehand: some dozens of blocks can mislead.
const FURTHEST: f64 = 0.35;

/// Scores passed so often a month by a brand without crises, measured on a simulated stream (see `docs/detection.md`):
/// false alerts per brand and 30 days, score.
#[allow(clippy::approx_constant, reason = "a score that is near π by chance")]
const MEASURED: [(f64, f64); 3] = [(0.25, 3.36), (0.5, 3.14), (1.0, 3.01)];

/// The threshold for a rate of false alerts a brand-month, as measured beforehand; straight between and beyond the
/// points over the logarithm of the rate.
pub(crate) fn measured(rate: f64) -> f64 {
    let (left, right) = if rate < MEASURED[1].0 {
        (MEASURED[0], MEASURED[1])
    } else {
        (MEASURED[1], MEASURED[2])
    };
    let slope = (right.1 - left.1) / (right.0.ln() - left.0.ln());
    (left.1 + slope * (rate.ln() - left.0.ln())).max(2.0)
}

/// No brand's threshold is lower.
pub(crate) fn lowest(rate: f64) -> f64 {
    measured(rate) - FURTHEST
}

/// The block maxima of a brand.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Blocks {
    /// Number of the block in hand.
    pub(crate) number: u32,
    /// Its highest score so far.
    pub(crate) highest: f32,
    /// Whether something burnt in it.
    pub(crate) burnt: bool,
    /// Blocks by highest score.
    pub(crate) histogram: [u16; BINS],
}

impl Default for Blocks {
    fn default() -> Self {
        Self {
            number: 0,
            highest: 0.0,
            burnt: false,
            histogram: [0; BINS],
        }
    }
}

impl Blocks {
    /// Takes in a score.
    pub(crate) fn see(&mut self, score: f64, minute: u32) {
        let number = minute / BLOCK;
        if number > self.number {
            self.close();
            self.number = number;
        }
        self.highest = self.highest.max(score as f32);
    }

    /// Leaves the block in hand out.
    pub(crate) fn burn(&mut self) {
        self.burnt = true;
    }

    fn close(&mut self) {
        // The first block begins at the first piece, and is none.
        if self.number > 0 && !self.burnt {
            let bin = ((f64::from(self.highest) / WIDTH) as usize).min(BINS - 1);
            self.histogram[bin] = self.histogram[bin].saturating_add(1);
            if self.count() >= MOST_BLOCKS {
                self.histogram.iter_mut().for_each(|blocks| *blocks /= 2);
            }
        }
        self.highest = 0.0;
        self.burnt = false;
    }

    fn count(&self) -> u32 {
        self.histogram.iter().map(|blocks| u32::from(*blocks)).sum()
    }

    /// The threshold for a rate of false alerts a brand-month.
    pub(crate) fn threshold(&self, rate: f64) -> f64 {
        let prior = measured(rate);
        let blocks = f64::from(self.count());
        let Some((edge, mean_excess)) = self.tail() else {
            return prior;
        };
        let own = edge
            + mean_excess
                * (BLOCKS_A_MONTH * TAIL * ALERTS_A_BLOCK / rate)
                    .ln()
                    .max(0.0);
        let own = own.clamp(prior - FURTHEST, prior + FURTHEST);
        (own * blocks + prior * PRIOR_BLOCKS) / (blocks + PRIOR_BLOCKS)
    }

    /// The 90th percentile, and how far blocks above it lie above it on the average. `None` for fewer than 28 blocks (a
    /// week), whose tail holds less than three.
    fn tail(&self) -> Option<(f64, f64)> {
        let blocks = self.count();
        if blocks < 28 {
            return None;
        }
        let wanted = TAIL * f64::from(blocks);
        let (mut above, mut excess) = (0.0, 0.0);
        for bin in (0..BINS).rev() {
            let here = f64::from(self.histogram[bin]);
            let lower = bin as f64 * WIDTH;
            if above + here >= wanted {
                // Spread evenly over its bin, a part of this one is in the tail.
                let part = wanted - above;
                let edge = lower + WIDTH * (1.0 - part / here);
                let inside = part * (lower + WIDTH - edge) / 2.0;
                let outside = excess - above * edge;
                return Some((edge, ((inside + outside) / wanted).max(0.1)));
            }
            above += here;
            excess += here * (lower + WIDTH / 2.0);
        }
        None
    }
}
