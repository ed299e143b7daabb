//! Terms near each other: the time grows with the number of places, not with their combinations, whatever the text repeats.

use rustc_hash::FxHashSet;

use crate::condition::Near;

/// A term of a group where it stands: bytes of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) group: u8,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// One place of each group of `near`, each near the next, as indices into `places`; the first such in the text. `places` are in the
/// order of their starts.
pub(crate) fn chain(near: &Near, places: &[Place], text: &str) -> Option<Vec<usize>> {
    let is_there = |group| places.iter().any(|p| usize::from(p.group) == group);
    if !(0..near.near.len()).all(is_there) {
        return None;
    }
    let mut search = Search {
        near,
        places,
        offsets: Offsets::of(text),
        path: Vec::new(),
        failed: FxHashSet::default(),
    };
    (0..places.len())
        .any(|first| search.takes(first, 0))
        .then_some(search.path)
}

struct Search<'a> {
    near: &'a Near,
    places: &'a [Place],
    offsets: Offsets,
    path: Vec<usize>,
    /// Places from which, with these groups behind them, nothing was found: each is looked at once.
    failed: FxHashSet<(usize, u8)>,
}

impl Search<'_> {
    /// Whether the chain can go on with this place after the groups in `before` (a bit each).
    fn takes(&mut self, at: usize, before: u8) -> bool {
        let place = self.places[at];
        let group = 1 << place.group;
        let in_order = !self.near.ordered || u32::from(place.group) == before.count_ones();
        if before & group != 0 || !in_order || self.failed.contains(&(at, before)) {
            return false;
        }
        self.path.push(at);
        let taken = before | group;
        if taken.count_ones() as usize == self.near.near.len() {
            return true;
        }
        for next in at + 1..self.places.len() {
            let start = self.places[next].start;
            if start < place.end {
                continue;
            }
            if !self.is_near(place.end, start) {
                break;
            }
            if self.takes(next, taken) {
                return true;
            }
        }
        self.path.pop();
        self.failed.insert((at, before));
        false
    }

    fn is_near(&self, from: usize, to: usize) -> bool {
        let (before, sentence) = self.offsets.at(from);
        let (after, same) = self.offsets.at(to);
        sentence == same && after - before <= self.near.within
    }
}

/// For each byte of a text, how many characters and how many ends of sentences stand before it.
struct Offsets(Vec<(u32, u32)>);

impl Offsets {
    fn of(text: &str) -> Self {
        let mut offsets = Vec::with_capacity(text.len() + 1);
        let (mut chars, mut ends) = (0, 0);
        for c in text.chars() {
            offsets.extend(std::iter::repeat_n((chars, ends), c.len_utf8()));
            chars += 1;
            ends += u32::from(matches!(
                c,
                '。' | '!' | '?' | ';' | '！' | '？' | '；' | '\n'
            ));
        }
        offsets.push((chars, ends));
        Self(offsets)
    }

    fn at(&self, byte: usize) -> (usize, u32) {
        let (chars, ends) = self.0[byte];
        (chars as usize, ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, groups: &[&[&str]], within: usize, ordered: bool) -> bool {
        let near = Near {
            near: groups
                .iter()
                .map(|group| group.iter().map(|t| (*t).to_owned()).collect())
                .collect(),
            within,
            ordered,
        };
        let mut places: Vec<Place> = (0..)
            .zip(groups)
            .flat_map(|(group, terms)| {
                terms.iter().flat_map(move |term| {
                    text.match_indices(term).map(move |(start, _)| Place {
                        group,
                        start,
                        end: start + term.len(),
                    })
                })
            })
            .collect();
        places.sort_by_key(|p| p.start);
        chain(&near, &places, text).is_some()
    }

    #[test]
    fn terms_hold_within_the_distance_and_the_sentence() {
        let groups: &[&[&str]] = &[&["电池", "手机"], &["起火", "冒烟"]];
        assert!(found("手机充电时起火了", groups, 3, false));
        assert!(!found("手机充电时起火了", groups, 2, false));
        assert!(found("起火的是电池", groups, 3, false));
        assert!(!found("起火的是电池", groups, 3, true));
        assert!(!found("换了手机。起火了", groups, 9, false));
    }

    #[test]
    fn three_groups_form_a_chain_in_any_order() {
        let groups: &[&[&str]] = &[&["甲"], &["乙"], &["丙"]];
        assert!(found("丙一甲一乙", groups, 1, false));
        assert!(!found("丙一甲一一乙", groups, 1, false));
        assert!(found("甲甲乙一丙", groups, 1, true));
    }

    #[test]
    fn a_text_of_nothing_but_terms_is_read_in_time() {
        let text = "甲乙丙".repeat(5_000) + "。丁";
        let groups: &[&[&str]] = &[&["甲"], &["乙"], &["丙"], &["丁"]];
        assert!(!found(&text, groups, 50, false));
    }
}
