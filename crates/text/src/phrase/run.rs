//! The runs of words of a text that may be phrases: none begins or ends in a word that only joins others.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

/// Longer runs are sentences.
pub(super) const LONGEST: usize = 4;
/// Characters of a phrase, at most.
const MOST_CHARS: usize = 10;
/// Tokens of one text that are looked at: a long call costs no more than some pages.
const MOST_TOKENS: usize = 2_000;
/// Single characters that only join others, beside the stop words: no phrase begins or ends in one.
const JOINING: &str = "的了是我你他她它您在就都也很和与或又还吧吗呢啊呀哦嗯啦嘛这那么着过得地之其而但个们有到从里上下去来说会能要想例岁名位元块";
/// Words that lean on the next: no phrase ends in one.
const LEANING: &str = "不没别被把给让太最更再才刚将向对于为用等像比跟每各另";

/// Words that only join or lean on others.
static PARTS: LazyLock<FxHashMap<&'static str, Part>> = LazyLock::new(|| {
    let each = |list: &'static str, part| list.split("").map(move |word| (word, part));
    let stop_words = include_str!("../../data/stop_words.txt").split_whitespace();
    each(LEANING, Part::Leaning)
        .chain(each(JOINING, Part::Joining))
        .chain(stop_words.map(|word| (word, Part::Joining)))
        .collect()
});

/// What a token may be in a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A mark or a number: ends a run.
    Mark,
    /// May stand within a phrase only.
    Joining,
    /// May stand anywhere but at its end.
    Leaning,
    /// May stand anywhere.
    Word,
}

impl Part {
    fn of(token: &str) -> Self {
        if !is_word(token) {
            return Part::Mark;
        }
        PARTS.get(token).copied().unwrap_or(Part::Word)
    }
}

/// What a text goes by, so that runs are told apart without being written out: a polynomial of its characters modulo 2^64, of which that
/// of two texts joined follows from those of both (R. Karp and M. Rabin, 1987).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub(super) key: u64,
    /// The base to the power of the number of characters.
    power: u64,
}

/// The base: odd, so that its powers lose nothing (2^64 by the golden ratio).
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

impl Fingerprint {
    const EMPTY: Self = Self { key: 0, power: 1 };

    pub(super) fn of(text: &str) -> Self {
        let whole = |so_far: Self, c: char| {
            // The finaliser of splitmix64 (G. Steele et al., 2014): characters that lie side by side become numbers that do not.
            let c = (u64::from(c) + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let c = (c ^ c >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            so_far.then(Self {
                key: c ^ c >> 31,
                power: BASE,
            })
        };
        text.chars().fold(Self::EMPTY, whole)
    }

    /// Of this text and the next joined.
    fn then(self, next: Self) -> Self {
        Self {
            key: self.key.wrapping_mul(next.power).wrapping_add(next.key),
            power: self.power.wrapping_mul(next.power),
        }
    }

    /// Of words joined.
    pub(super) fn joined<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        words.fold(Self::EMPTY, |so_far, word| so_far.then(Self::of(word)))
    }
}

/// A token with what it may be, its length and its fingerprint.
#[derive(Debug, Clone, Copy)]
struct Token<'a> {
    text: &'a str,
    part: Part,
    chars: usize,
    fingerprint: Fingerprint,
}

/// The words of a text, made ready for a [`PhraseFinder`](super::PhraseFinder), which others may wait for meanwhile.
#[derive(Debug, Clone)]
pub struct PhraseTokens<'a> {
    all: Vec<Token<'a>>,
}

/// Tokens from `at` to before `end`.
#[derive(Clone, Copy)]
pub(super) struct Run<'t, 'a> {
    all: &'t [Token<'a>],
    pub(super) at: usize,
    pub(super) end: usize,
    /// The fingerprint of its tokens joined.
    pub(super) key: u64,
}

impl<'a> Run<'_, 'a> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a str> {
        self.all[self.at..self.end].iter().map(|token| token.text)
    }

    pub(super) fn concat(&self) -> String {
        self.iter().collect()
    }
}

impl<'a> PhraseTokens<'a> {
    /// Of the words of one text, in order, with the marks between them: a run ends at a token that is no word. Of a long text, of the
    /// first 2,000.
    pub fn of<T: AsRef<str>>(tokens: &'a [T]) -> Self {
        let token = |text: &'a str| Token {
            text,
            part: Part::of(text),
            chars: text.chars().count(),
            fingerprint: Fingerprint::of(text),
        };
        let all = tokens.iter().take(MOST_TOKENS).map(AsRef::as_ref);
        Self {
            all: all.map(token).collect(),
        }
    }

    /// The fingerprint of the word at a place; none for a mark, and beyond the text.
    pub(super) fn word(&self, at: usize) -> Option<u64> {
        let token = self.all.get(at)?;
        (token.part != Part::Mark).then_some(token.fingerprint.key)
    }

    pub(super) fn words(&self) -> impl Iterator<Item = u64> {
        (0..self.all.len()).filter_map(|at| self.word(at))
    }

    /// Shows each run that may be a phrase.
    pub(super) fn each_run(&self, mut show: impl FnMut(Run<'_, 'a>)) {
        for (at, first) in self.all.iter().enumerate() {
            if matches!(first.part, Part::Mark | Part::Joining) {
                continue;
            }
            let mut chars = first.chars;
            let mut whole = first.fingerprint;
            let next = self.all.iter().enumerate().skip(at + 1).take(LONGEST - 1);
            for (end, token) in next {
                chars += token.chars;
                if token.part == Part::Mark || chars > MOST_CHARS {
                    break;
                }
                whole = whole.then(token.fingerprint);
                if token.part == Part::Word {
                    show(Run {
                        all: &self.all,
                        at,
                        end: end + 1,
                        key: whole.key,
                    });
                }
            }
        }
    }
}

/// Words of letters and Han characters; numbers and marks end a run.
fn is_word(token: &str) -> bool {
    let mut chars = token.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.all(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_joined_go_by_what_the_whole_goes_by() {
        let whole = Fingerprint::of("绝绝子");
        assert_eq!(Fingerprint::joined(["绝绝", "子"].into_iter()), whole);
        assert_eq!(Fingerprint::joined(["绝", "绝子"].into_iter()), whole);
        assert_ne!(Fingerprint::of("子绝绝"), whole);
        assert_ne!(Fingerprint::of("绝子"), Fingerprint::of("子绝"));
    }

    #[test]
    fn words_that_join_or_lean_are_known() {
        for (word, part) in [
            ("的", Part::Joining),
            ("因为", Part::Joining),
            ("不", Part::Leaning),
            ("退款", Part::Word),
            ("5", Part::Mark),
            ("", Part::Mark),
        ] {
            assert_eq!(Part::of(word), part, "{word}");
        }
    }
}
