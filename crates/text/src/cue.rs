//! Lists of cue words as one automaton: which kinds a text cues, and where, in one pass. The longest cue wins where two begin at the
//! same place, so that a phrase of a harmless kind hides the alarming word inside it; and a cue that lies across two words is none:
//! 告到 in 广告到处都是, 一星 in 一星期.

use crate::letters::Letters;
use crate::normalize::Normalizer;
use crate::scope::{Clause, inside_word};
use crate::segment::Word;
use crate::terms::Terms;

/// Bytes of a cue (three per Han character) beyond which chance makes no more of them, and the words are likelier cut wrong than the cue.
const SURE: usize = 9;

/// Finds the cues of `N` kinds.
#[derive(Debug, Clone)]
pub(crate) struct CueFinder<const N: usize> {
    terms: Terms,
    /// The kinds of each cue, one bit each: one cue may stand in two lists.
    kinds: Vec<u32>,
}

/// A cue where it stands: bytes of the normalised text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cue {
    /// Its kinds, one bit each.
    kinds: u32,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Cue {
    /// Whether it is of this kind, counted from 0.
    pub(crate) fn is(&self, kind: usize) -> bool {
        self.kinds >> kind & 1 == 1
    }
}

/// A normalised text in all the forms that cues are read in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CueText<'a> {
    pub(crate) text: &'a str,
    pub(crate) letters: &'a Letters,
    pub(crate) words: &'a [Word<'a>],
    pub(crate) clauses: &'a [Clause],
}

impl<'a> CueText<'a> {
    /// The number of the clause of a place, and its bytes; the whole text where it is in none.
    pub(crate) fn clause(&self, at: usize) -> (usize, std::ops::Range<usize>) {
        let number = self.clauses.partition_point(|c| c.end <= at);
        match self.clauses.get(number) {
            Some(c) if c.start <= at => (number, c.start..c.end),
            _ => (number, 0..self.text.len()),
        }
    }

    /// What stands in the clause of a place before it.
    pub(crate) fn before(&self, at: usize) -> &'a str {
        &self.text[self.clause(at).1.start..at]
    }

    /// Whether a stretch begins or ends in the midst of a word that goes on beyond it, and takes in a part of another.
    pub(crate) fn lies_across(&self, start: usize, end: usize) -> bool {
        lies_across(self.words, start, end)
    }
}

/// Whether the bytes from `start` to `end` take in parts of two words, one of them not whole.
pub(crate) fn lies_across(words: &[Word<'_>], start: usize, end: usize) -> bool {
    let first = words.partition_point(|w| w.end <= start);
    let Some(word) = words.get(first) else {
        return false;
    };
    if word.end >= end {
        return false;
    }
    if word.start < start {
        return true;
    }
    let last = words.partition_point(|w| w.end < end);
    words.get(last).is_some_and(|w| w.end > end)
}

impl<const N: usize> CueFinder<N> {
    /// Compiles the lists: cues parted by spaces, lines that begin with `#` are remarks.
    pub(crate) fn new(lists: [&str; N], normalizer: &Normalizer) -> Self {
        let mut cues: Vec<String> = Vec::new();
        let mut kinds: Vec<u32> = Vec::new();
        let mut seen = rustc_hash::FxHashMap::default();
        for (kind, list) in lists.into_iter().enumerate() {
            let lines = list.lines().filter(|l| !l.starts_with('#'));
            for cue in lines.flat_map(str::split_whitespace) {
                let cue = normalizer.normalize(cue, usize::MAX).text;
                let at = *seen.entry(cue.clone()).or_insert_with(|| {
                    cues.push(cue);
                    kinds.push(0);
                    kinds.len() - 1
                });
                kinds[at] |= 1 << kind;
            }
        }
        let terms = Terms::new(&cues);
        Self { terms, kinds }
    }

    /// The cues of a text, in its order.
    pub(crate) fn find<'a>(&'a self, of: &'a CueText<'a>) -> impl Iterator<Item = Cue> + 'a {
        let whole = |cue: &Cue| {
            !inside_word(of.text, cue.start, cue.end)
                && (cue.end - cue.start > SURE || !of.lies_across(cue.start, cue.end))
        };
        let cue = |found: crate::terms::Found| Cue {
            kinds: self.kinds[found.term],
            start: found.start,
            end: found.end,
        };
        self.terms.find(of.letters).map(cue).filter(whole)
    }

    /// How many cues of each kind a text holds.
    pub(crate) fn count(&self, of: &CueText<'_>) -> [u32; N] {
        let mut counts = [0; N];
        for cue in self.find(of) {
            for (kind, count) in counts.iter_mut().enumerate() {
                *count += u32::from(cue.is(kind));
            }
        }
        counts
    }
}

/// Lends a text, read as the analyser reads it, to a test.
#[cfg(test)]
pub(crate) fn with_text<T>(
    text: &str,
    read: impl FnOnce(&CueText<'_>, &crate::scope::Reading) -> T,
) -> T {
    use crate::lexicon::Lexicons;
    let lexicons = Lexicons::embedded().unwrap();
    let text = Normalizer::new().normalize(text, usize::MAX).text;
    let letters = Letters::of(&text);
    let scope = crate::scope::ScopeReader::new(&lexicons.entries, &Normalizer::new());
    let mut reading = crate::scope::Reading::default();
    scope.read(&letters, &mut reading);
    let segmenter = crate::segment::Segmenter::for_lexicons(&lexicons);
    let of = CueText {
        text: &text,
        letters: &letters,
        words: &segmenter.cut(&text),
        clauses: &reading.clauses,
    };
    read(&of, &reading)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count<const N: usize>(lists: [&str; N], text: &str) -> [u32; N] {
        let finder = CueFinder::new(lists, &Normalizer::new());
        with_text(text, |of, _| finder.count(of))
    }

    #[test]
    fn a_longer_harmless_cue_hides_the_alarming_one_inside() {
        let lists = ["受伤 爆炸", "# 无\n没有受伤"];
        assert_eq!(count(lists, "爆炸了,但没有受伤"), [1, 1]);
    }

    #[test]
    fn one_cue_may_be_of_two_kinds_and_latin_words_stay_whole() {
        assert_eq!(count(["退款 app", "退款"], "退款,apple"), [1, 1]);
    }

    #[test]
    fn a_cue_that_lies_across_two_words_is_none() {
        assert_eq!(count(["告到 一星"], "广告到处都是,用了一星期"), [0]);
        assert_eq!(count(["告到 一星"], "告到法院,只给一星"), [2]);
    }
}
