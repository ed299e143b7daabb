//! From the newest back to the watermark: the greatest id of a whole walk becomes the watermark only once the walk has
//! met the old one. Pure.

use serde::{Deserialize, Serialize};

/// How far a list was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// All up to here was read (`since_id`).
    #[serde(default)]
    pub(super) since: u64,
    /// The greatest id of the walk under way.
    #[serde(default)]
    highest: u64,
    /// Where it goes on (`max_id`); 0 at its start.
    #[serde(default)]
    pub(super) below: u64,
    /// Items read in it.
    #[serde(default)]
    read: u64,
    /// Of a search, which has times and pages instead of ids: all said up to here was read (epoch seconds) …
    #[serde(default)]
    pub(super) since_second: i64,
    /// … the latest second of the walk under way …
    #[serde(default)]
    latest_second: i64,
    /// … and its pages.
    #[serde(default)]
    pub(super) pages: u64,
}

/// What a page came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// There is more, further back.
    More,
    /// The watermark was met.
    Through,
    /// The platform gives no more, and what lies between was not read.
    CutOff,
}

impl State {
    /// Takes the ids of a page. Filters leave pages short by any number, so that only an empty one is the end, or one that
    /// gives nothing further back. `depth` items are given at most.
    pub(super) fn page(&mut self, ids: &[u64], depth: u64) -> Step {
        self.read += ids.len() as u64;
        self.highest = self
            .highest
            .max(ids.iter().copied().max().unwrap_or_default());
        let lowest = ids.iter().copied().min().unwrap_or_default();
        let met = lowest <= self.since.saturating_add(1);
        let is_deep = self.read >= depth;
        let is_last = ids.is_empty() || (self.below > 0 && lowest > self.below);
        if !met && !is_last && !is_deep {
            self.below = lowest.saturating_sub(1);
            return Step::More;
        }
        let first = self.since == 0;
        self.since = self.since.max(self.highest);
        self.highest = 0;
        self.below = 0;
        self.read = 0;
        // The first walk of all has nothing to meet: it reads as far back as there is.
        if is_deep && !met && !first {
            Step::CutOff
        } else {
            Step::Through
        }
    }
}

impl State {
    /// Takes a page of a search, newest first, by the seconds in which its items were said; as with lists, a short page is
    /// not the end.
    pub(super) fn search_page(&mut self, seconds: &[i64], depth: u64) -> Step {
        self.read += seconds.len() as u64;
        self.pages += 1;
        let latest = seconds.iter().copied().max().unwrap_or_default();
        self.latest_second = self.latest_second.max(latest);
        let earliest = seconds.iter().copied().filter(|second| *second > 0).min();
        let met = self.since_second > 0 && earliest.is_some_and(|at| at < self.since_second);
        let is_last = seconds.is_empty() || met;
        let is_deep = self.read >= depth;
        if !is_last && !is_deep {
            return Step::More;
        }
        let first = self.since_second == 0;
        self.since_second = self.since_second.max(self.latest_second);
        self.latest_second = 0;
        self.pages = 0;
        self.read = 0;
        if is_last || first {
            Step::Through
        } else {
            Step::CutOff
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids `from` downwards.
    fn page(from: u64, count: u64) -> Vec<u64> {
        (0..count).map(|n| from - n).collect()
    }

    #[test]
    fn the_watermark_moves_when_the_walk_is_through() {
        let mut state = State::default();
        assert_eq!(state.page(&page(1_000, 50), 2_000), Step::More);
        assert_eq!((state.since, state.below), (0, 950));
        assert_eq!(state.page(&page(950, 10), 2_000), Step::More);
        assert_eq!((state.since, state.below), (0, 940));
        assert_eq!(state.page(&[], 2_000), Step::Through);
        assert_eq!((state.since, state.below), (1_000, 0));
        assert_eq!(state.page(&[], 2_000), Step::Through);
        assert_eq!(state.since, 1_000);
    }

    #[test]
    fn a_walk_that_is_cut_off_says_so_but_not_the_first_one() {
        let mut state = State::default();
        assert_eq!(state.page(&page(1_000, 50), 100), Step::More);
        assert_eq!(state.page(&page(900, 50), 100), Step::Through);
        let mut state = State {
            since: 10,
            ..State::default()
        };
        assert_eq!(state.page(&page(1_000, 50), 100), Step::More);
        assert_eq!(state.page(&page(900, 50), 100), Step::CutOff);
        assert_eq!(state.since, 1_000);
    }

    #[test]
    fn a_page_that_reaches_the_watermark_ends_the_walk() {
        let mut state = State {
            since: 950,
            ..State::default()
        };
        assert_eq!(state.page(&page(1_000, 50), 2_000), Step::Through);
        assert_eq!(state.since, 1_000);
    }

    #[test]
    fn a_search_goes_by_pages_and_seconds() {
        let mut state = State::default();
        assert_eq!(state.search_page(&[9, 8], 4), Step::More);
        assert_eq!((state.pages, state.since_second), (1, 0));
        assert_eq!(
            state.search_page(&[7], 4),
            Step::More,
            "a short page is not the end"
        );
        assert_eq!(state.search_page(&[], 4), Step::Through);
        assert_eq!((state.pages, state.since_second), (0, 9));
        assert_eq!(state.search_page(&[12, 11], 4), Step::More);
        assert_eq!(state.search_page(&[11, 10], 4), Step::CutOff);
        assert_eq!(state.since_second, 12);
        assert_eq!(
            state.search_page(&[13, 11], 4),
            Step::Through,
            "what was read before"
        );
        assert_eq!(state.since_second, 13);
    }

    #[test]
    fn a_page_that_filters_left_short_does_not_end_the_walk_before_the_watermark() {
        let mut state = State {
            since: 100,
            ..State::default()
        };
        assert_eq!(state.page(&[1_000, 990], 2_000), Step::More);
        assert_eq!((state.since, state.below), (100, 989));
        assert_eq!(state.page(&[500], 2_000), Step::More);
        assert_eq!(state.page(&[101], 2_000), Step::Through);
        assert_eq!(state.since, 1_000);
    }

    #[test]
    fn a_page_that_comes_again_ends_the_walk() {
        let mut state = State::default();
        assert_eq!(state.page(&[1_000, 990], 2_000), Step::More);
        assert_eq!(state.page(&[1_000, 990], 2_000), Step::Through);
    }
}
