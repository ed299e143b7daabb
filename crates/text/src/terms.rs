//! Many terms found in one pass, the longest where two begin at the same place; the time does not depend on how many there are.
//!
//! The automaton goes from character to character, not from byte to byte: a third of the steps in Chinese text.

use daachorse::{CharwiseDoubleArrayAhoCorasick, CharwiseDoubleArrayAhoCorasickBuilder, MatchKind};

use crate::error::{Problem, TextError};

/// Finds terms that do not overlap.
#[derive(Clone)]
pub(crate) struct Terms {
    /// `None` without terms.
    automaton: Option<CharwiseDoubleArrayAhoCorasick<u32>>,
}

impl std::fmt::Debug for Terms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terms").finish_non_exhaustive()
    }
}

/// A term where it stands: bytes of the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    /// Its number in the list of terms.
    pub(crate) term: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Terms {
    /// Compiles terms, as normalised. Of two that are alike the first counts; empty ones are never found. `what` names the list in an
    /// error.
    pub(crate) fn new(what: &str, terms: &[String]) -> Result<Self, TextError> {
        let automaton = build(what, terms, MatchKind::LeftmostLongest)?;
        Ok(Self { automaton })
    }

    /// The terms in `text`, in its order.
    #[inline]
    pub(crate) fn find<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Found> + 'a {
        self.automaton
            .iter()
            .flat_map(move |a| a.leftmost_find_iter(text))
            .map(|m| Found {
                term: m.value() as usize,
                start: m.start(),
                end: m.end(),
            })
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
    /// Compiles terms, as [`Terms::new`] does.
    pub(crate) fn new(what: &str, terms: &[String]) -> Result<Self, TextError> {
        let automaton = build(what, terms, MatchKind::Standard)?;
        Ok(Self { automaton })
    }

    /// All terms in `text`, in the order of their ends.
    #[inline]
    pub(crate) fn find<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Found> + 'a {
        self.automaton
            .iter()
            .flat_map(move |a| a.find_overlapping_iter(text))
            .map(|m| Found {
                term: m.value() as usize,
                start: m.start(),
                end: m.end(),
            })
    }
}

fn build(
    what: &str,
    terms: &[String],
    kind: MatchKind,
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
        .match_kind(kind)
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
        let automaton = Terms::new("test", &terms).unwrap();
        let found = automaton.find(text);
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
    fn no_terms_find_nothing() {
        assert!(find(&[""], "好吃").is_empty());
    }
}
