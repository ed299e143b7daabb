//! Many terms found in one pass, whose time hardly depends on how many there are.

use daachorse::{CharwiseDoubleArrayAhoCorasick, CharwiseDoubleArrayAhoCorasickBuilder, MatchKind};

use crate::error::{Problem, TextError};
use crate::letters::Letters;
use crate::trie::{Trie, Walk};

/// Finds terms that do not overlap, the longest where two begin at the same place.
///
/// Most characters begin no term, and a glance tells so: trying each place in turn takes a third of the time of an automaton.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    trie: Trie,
}

/// A term where it stands: bytes of the text, and its characters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// Its number in the list of terms.
    pub(crate) term: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) letters: std::ops::Range<usize>,
}

/// A term where it stands, perhaps within another: bytes of the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Overlapping {
    /// Its number in the list of terms.
    pub(crate) term: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Terms {
    /// Compiles terms, as normalised. Of two that are alike the first counts; empty ones are never found.
    pub(crate) fn new(terms: &[String]) -> Self {
        Self {
            trie: Trie::new(terms),
        }
    }

    /// The terms in a text, in its order.
    #[inline]
    pub(crate) fn find<'a>(&'a self, letters: &'a Letters) -> Walk<'a> {
        self.trie.find(letters)
    }
}

/// Finds terms wherever they stand, also within each other.
#[derive(Clone)]
pub(crate) struct OverlappingTerms {
    /// `None` without terms.
    automaton: Option<CharwiseDoubleArrayAhoCorasick<u32>>,
}

impl std::fmt::Debug for OverlappingTerms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OverlappingTerms").finish_non_exhaustive()
    }
}

impl OverlappingTerms {
    /// Compiles terms, as [`Terms::new`] does; `what` names the list in an error.
    ///
    /// # Errors
    /// More terms than the automaton has room for.
    pub(crate) fn new(what: &str, terms: &[String]) -> Result<Self, TextError> {
        let automaton = build(what, terms)?;
        Ok(Self { automaton })
    }

    /// All terms in `text`, in the order of their ends.
    #[inline]
    pub(crate) fn find<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Overlapping> + 'a {
        self.automaton
            .iter()
            .flat_map(move |a| a.find_overlapping_iter(text))
            .map(|m| Overlapping {
                term: m.value() as usize,
                start: m.start(),
                end: m.end(),
            })
    }
}

fn build(
    what: &str,
    terms: &[String],
) -> Result<Option<CharwiseDoubleArrayAhoCorasick<u32>>, TextError> {
    let mut seen = rustc_hash::FxHashSet::default();
    let numbered: Vec<(&str, u32)> = terms
        .iter()
        .map(String::as_str)
        .zip(0..)
        .filter(|(term, _)| !term.is_empty() && seen.insert(*term))
        .collect();
    if numbered.is_empty() {
        return Ok(None);
    }
    CharwiseDoubleArrayAhoCorasickBuilder::new()
        .match_kind(MatchKind::Standard)
        .build_with_values(numbered)
        .map(Some)
        .map_err(|e| TextError::Invalid {
            what: what.to_owned(),
            problems: vec![Problem {
                path: what.to_owned(),
                message: e.to_string(),
            }],
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(terms: &[&str], text: &str) -> Vec<(usize, String)> {
        let terms: Vec<String> = terms.iter().map(|t| (*t).to_owned()).collect();
        let automaton = Terms::new(&terms);
        let letters = Letters::of(text);
        let found = automaton.find(&letters);
        found
            .map(|f| (f.term, text[f.start..f.end].to_owned()))
            .collect()
    }

    #[test]
    fn the_longest_wins_and_of_two_alike_the_first() {
        assert_eq!(
            find(&["好", "好吃", "", "好吃"], "好吃好a"),
            [(1, "好吃".to_owned()), (0, "好".to_owned())]
        );
    }

    #[test]
    fn a_beginning_that_leads_to_no_term_hides_none_inside() {
        assert_eq!(
            find(&["好吃不贵", "吃不", "不贵的", "贵"], "好吃不贵的,好吃不胖"),
            [(0, "好吃不贵".to_owned()), (1, "吃不".to_owned())]
        );
        assert_eq!(find(&["好吃不贵", "吃"], "好吃不"), [(1, "吃".to_owned())]);
    }

    #[test]
    fn a_term_is_found_wherever_it_stands_in_a_long_text() {
        for before in 55..70 {
            let text = format!("{}好吃不贵好", "人".repeat(before));
            let expected = [(0, "好吃不贵".to_owned()), (1, "好".to_owned())];
            assert_eq!(find(&["好吃不贵", "好", "贵好"], &text), expected);
        }
        let long = "好吃".repeat(50);
        assert_eq!(find(&[&long, "好吃"], &long.repeat(2)).len(), 2);
    }

    #[test]
    fn of_thousands_of_beginnings_each_finds_its_own_term_and_no_other() {
        let character = |n: u32| char::from_u32(0x4e00 + n).unwrap();
        let pairs = (0..90).flat_map(|one| (100..190).map(move |two| (one, two)));
        let (mut terms, mut texts) = (Vec::new(), Vec::new());
        for (n, (one, two)) in pairs.enumerate() {
            let pair: String = [character(one), character(two)].into_iter().collect();
            // Terms of two characters, of three, and beginnings of none.
            match n % 3 {
                0 => terms.push(pair.clone()),
                1 => terms.push(format!("{pair}好")),
                _ => {}
            }
            texts.push(format!("{pair}好"));
        }
        let numbers: rustc_hash::FxHashMap<&str, usize> =
            terms.iter().map(String::as_str).zip(0..).collect();
        let automaton = Terms::new(&terms);
        for text in &texts {
            let letters = Letters::of(text);
            let found: Vec<usize> = automaton.find(&letters).map(|f| f.term).collect();
            let own = numbers.get(&text[..6]).or_else(|| numbers.get(&text[..]));
            assert_eq!(found, Vec::from_iter(own.copied()), "{text}");
        }
    }

    #[test]
    fn no_terms_find_nothing() {
        assert!(find(&[""], "好吃").is_empty());
    }
}
