//! What is left after some minutes: up to an hour, which is the most that is passed at once, looked up and not computed.

use std::sync::LazyLock;

use super::baseline::LEVEL_HALF_LIFE;
use super::windows::MINUTES;

/// Entries of a table: 0 to 60 minutes.
const ENTRIES: usize = 61;

struct Tables {
    windows: [[f64; ENTRIES]; MINUTES.len()],
    level: [f64; ENTRIES],
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables {
    windows: MINUTES
        .map(|length| std::array::from_fn(|minutes| exponential(minutes as f64, length))),
    level: std::array::from_fn(|minutes| halving(minutes as f64)),
});

/// What is left of a sum of the *window*-th of [`MINUTES`].
pub(super) fn window(window: usize, minutes: u32) -> f64 {
    TABLES.windows[window]
        .get(minutes as usize)
        .copied()
        .unwrap_or_else(|| exponential(f64::from(minutes), MINUTES[window]))
}

/// What is left of a level.
pub(super) fn level(minutes: u32) -> f64 {
    TABLES
        .level
        .get(minutes as usize)
        .copied()
        .unwrap_or_else(|| halving(f64::from(minutes)))
}

fn exponential(minutes: f64, length: f64) -> f64 {
    (-minutes / length).exp()
}

fn halving(minutes: f64) -> f64 {
    (-minutes / LEVEL_HALF_LIFE).exp2()
}
