//! An id that was seen within the horizon is known, with what it contributed where it may be revised, and memory holds
//! nothing older.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::Counted;
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
    slices: VecDeque<(i64, Slice)>,
}

#[derive(Debug, Default)]
struct Slice {
    revisions: HashMap<u128, u32>,
    /// What the latest revision contributed, as JSON: some 300 bytes, a third of what the values take. Each id is in
    /// one slice only.
    counted: HashMap<u128, Box<[u8]>>,
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
            .filter_map(|(_, slice)| slice.revisions.get(&hash))
            .max();
        highest.map_or(Known::No, |revision| Known::At(*revision))
    }

    /// What the latest revision of `key` contributed, where it was kept.
    pub(crate) fn counted(&self, key: &[u8]) -> Option<Counted> {
        let hash = xxh3_128(key);
        let kept = self
            .slices
            .iter()
            .find_map(|(_, slice)| slice.counted.get(&hash))?;
        serde_json::from_slice(kept).ok()
    }

    /// Remembers `key`, appended at `at` with `revision`.
    pub(crate) fn remember(&mut self, key: &[u8], revision: u32, at: Timestamp) {
        if let Some(slice) = self.slice_of(at) {
            let highest = slice.revisions.entry(xxh3_128(key)).or_default();
            *highest = revision.max(*highest);
        }
    }

    /// Remembers what `key` contributed, in the place of what an earlier revision did.
    pub(crate) fn keep(&mut self, key: &[u8], counted: &Counted, at: Timestamp) {
        let hash = xxh3_128(key);
        for (_, slice) in &mut self.slices {
            slice.counted.remove(&hash);
        }
        self.remember(key, counted.revision, at);
        if let (Some(slice), Ok(kept)) = (self.slice_of(at), serde_json::to_vec(counted)) {
            slice.counted.insert(hash, kept.into_boxed_slice());
        }
    }

    /// The slice of `at`, unless it is past the horizon; what is past it is forgotten.
    fn slice_of(&mut self, at: Timestamp) -> Option<&mut Slice> {
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
            return None;
        }
        let place = match self
            .slices
            .binary_search_by_key(&number, |(slice, _)| *slice)
        {
            Ok(place) => place,
            Err(place) => {
                self.slices.insert(place, (number, Slice::default()));
                place
            }
        };
        self.slices.get_mut(place).map(|(_, slice)| slice)
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

    fn counted(revision: u32) -> Counted {
        Counted {
            id: wensheng_schemas::EventId::of("shop", "1"),
            revision,
            contribution: None,
            rules: vec!["fire".to_owned()],
            counted_at: at(0),
        }
    }

    #[test]
    fn the_latest_contribution_takes_the_place_of_the_earlier_and_is_forgotten_with_its_slice() {
        let mut seen = Seen::new(Duration::from_secs(8 * 3600));
        seen.keep(b"a", &counted(0), at(0));
        assert_eq!(seen.counted(b"a"), Some(counted(0)));
        seen.keep(b"a", &counted(3), at(7));
        assert_eq!(seen.counted(b"a"), Some(counted(3)));
        let kept = seen.slices.iter().map(|(_, slice)| slice.counted.len());
        assert_eq!(kept.sum::<usize>(), 1);
        seen.remember(b"b", 0, at(10));
        assert_eq!(seen.counted(b"a"), Some(counted(3)));
        seen.remember(b"b", 0, at(20));
        assert_eq!(seen.counted(b"a"), None);
        assert_eq!(seen.known(b"a"), Known::No);
    }
}
