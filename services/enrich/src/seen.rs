//! An id that was seen within the horizon is known, and memory holds nothing older.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use xxhash_rust::xxh3::xxh3_128;

/// What is known of an id that comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Never seen within the horizon.
    No,
    /// Seen, at this revision at the highest.
    At(u32),
}

/// Ids by the slice of time in which they were appended. Slices are an eighth of the horizon, so that forgetting is
/// dropping a slice, and at most nine are asked.
#[derive(Debug)]
pub(crate) struct Seen {
    slice: SignedDuration,
    slices: VecDeque<(i64, HashMap<u128, u32>)>,
}

const SLICES: i64 = 8;

impl Seen {
    /// Remembers ids for `horizon`.
    pub(crate) fn new(horizon: Duration) -> Self {
        let seconds = i64::try_from(horizon.as_secs()).unwrap_or(i64::MAX);
        Self {
            slice: SignedDuration::from_secs((seconds / SLICES).max(1)),
            slices: VecDeque::new(),
        }
    }

    /// What is known of `key`.
    pub(crate) fn known(&self, key: &[u8]) -> Known {
        let hash = xxh3_128(key);
        let highest = self
            .slices
            .iter()
            .filter_map(|(_, ids)| ids.get(&hash))
            .max();
        highest.map_or(Known::No, |revision| Known::At(*revision))
    }

    /// Remembers `key`, appended at `at` with `revision`.
    pub(crate) fn remember(&mut self, key: &[u8], revision: u32, at: Timestamp) {
        let number = at.as_second().div_euclid(self.slice.as_secs());
        let newest = self
            .slices
            .back()
            .map_or(number, |(newest, _)| (*newest).max(number));
        while self
            .slices
            .front()
            .is_some_and(|(oldest, _)| *oldest < newest - SLICES)
        {
            self.slices.pop_front();
        }
        if number < newest - SLICES {
            return;
        }
        let place = match self
            .slices
            .binary_search_by_key(&number, |(slice, _)| *slice)
        {
            Ok(place) => place,
            Err(place) => {
                self.slices.insert(place, (number, HashMap::new()));
                place
            }
        };
        if let Some((_, ids)) = self.slices.get_mut(place) {
            ids.insert(xxh3_128(key), revision);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + hours * 3600).unwrap()
    }

    #[test]
    fn an_id_is_known_within_the_horizon_and_forgotten_after_it() {
        let mut seen = Seen::new(Duration::from_secs(8 * 3600));
        seen.remember(b"a", 0, at(0));
        seen.remember(b"b", 2, at(7));
        assert_eq!(seen.known(b"a"), Known::At(0));
        assert_eq!(seen.known(b"b"), Known::At(2));
        assert_eq!(seen.known(b"c"), Known::No);
        seen.remember(b"d", 0, at(10));
        assert_eq!(seen.known(b"a"), Known::No);
        assert_eq!(seen.known(b"b"), Known::At(2));
    }

    #[test]
    fn a_clock_that_steps_back_forgets_nothing_recent() {
        let mut seen = Seen::new(Duration::from_secs(8 * 3600));
        seen.remember(b"a", 0, at(5));
        seen.remember(b"b", 0, at(4));
        assert_eq!(seen.known(b"a"), Known::At(0));
        assert_eq!(seen.known(b"b"), Known::At(0));
    }
}
