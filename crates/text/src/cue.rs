//! Lists of cue words as one automaton: which kinds a text cues, and how often, in one pass. The longest cue wins where two begin at the
//! same place, so that a phrase of a harmless kind hides the alarming word inside it.

use crate::letters::Letters;
use crate::normalize::Normalizer;
use crate::scope::inside_word;
use crate::terms::Terms;

/// Counts the cues of `N` kinds.
#[derive(Debug, Clone)]
pub(crate) struct CueFinder<const N: usize> {
    terms: Terms,
    /// The kinds of each cue, one bit each: one cue may stand in two lists.
    kinds: Vec<u32>,
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

    /// How many cues of each kind a normalised text of these characters holds.
    pub(crate) fn count(&self, text: &str, letters: &Letters) -> [u32; N] {
        let mut counts = [0; N];
        for found in self.terms.find(letters) {
            if inside_word(text, found.start, found.end) {
                continue;
            }
            let kinds = self.kinds[found.term];
            for (kind, count) in counts.iter_mut().enumerate() {
                *count += kinds >> kind & 1;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count<const N: usize>(lists: [&str; N], text: &str) -> [u32; N] {
        CueFinder::new(lists, &Normalizer::new()).count(text, &Letters::of(text))
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
}
