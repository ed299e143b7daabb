//! The runs of words of a text that may be phrases: none begins or ends in a word that only joins others.

use std::sync::LazyLock;

use rustc_hash::FxHashSet;

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

static STOP_WORDS: LazyLock<FxHashSet<&'static str>> = LazyLock::new(|| {
    include_str!("../../data/stop_words.txt")
        .split_whitespace()
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
        let mut chars = token.chars();
        let single = chars.next().filter(|_| chars.as_str().is_empty());
        let among = |list: &str| single.is_some_and(|c| list.contains(c));
        if among(JOINING) || STOP_WORDS.contains(token) {
            Part::Joining
        } else if among(LEANING) {
            Part::Leaning
        } else {
            Part::Word
        }
    }
}

/// FNV-1a of 64 bits: what a text goes by, so that runs are told apart without being written out.
pub(super) fn fingerprint(text: &str) -> u64 {
    continued(0xcbf2_9ce4_8422_2325, text)
}

/// The fingerprint of words joined.
pub(super) fn joined<'a>(words: impl Iterator<Item = &'a str>) -> u64 {
    words.fold(fingerprint(""), continued)
}

/// The fingerprint of a text that goes on with `more`.
fn continued(fingerprint: u64, more: &str) -> u64 {
    more.bytes().fold(fingerprint, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A token with what it may be, and its fingerprint.
#[derive(Clone, Copy)]
struct Token<'a> {
    text: &'a str,
    part: Part,
    key: u64,
}

/// The words of a text with what each may be.
pub(super) struct Tokens<'a> {
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

impl<'a> Tokens<'a> {
    pub(super) fn of<T: AsRef<str>>(tokens: &'a [T]) -> Self {
        let token = |text: &'a str| Token {
            text,
            part: Part::of(text),
            key: fingerprint(text),
        };
        let all = tokens.iter().take(MOST_TOKENS).map(AsRef::as_ref);
        Self {
            all: all.map(token).collect(),
        }
    }

    /// The fingerprint of the word at a place; none for a mark, and beyond the text.
    pub(super) fn word(&self, at: usize) -> Option<u64> {
        let token = self.all.get(at)?;
        (token.part != Part::Mark).then_some(token.key)
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
            let mut chars = first.text.chars().count();
            let mut key = first.key;
            let next = self.all.iter().enumerate().skip(at + 1).take(LONGEST - 1);
            for (end, token) in next {
                chars += token.text.chars().count();
                if token.part == Part::Mark || chars > MOST_CHARS {
                    break;
                }
                key = continued(key, token.text);
                if token.part == Part::Word {
                    show(Run {
                        all: &self.all,
                        at,
                        end: end + 1,
                        key,
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
