//! A text as its readers see it: full-width digits and marks are read as their plain ones, and every character knows where
//! its bytes are.

use std::ops::Range;

/// The characters of a text, by number.
pub(super) struct Line {
    chars: Vec<char>,
    /// Where each character begins, and where the text ends.
    starts: Vec<usize>,
}

impl Line {
    pub(super) fn new(text: &str) -> Self {
        let mut chars = Vec::with_capacity(text.len() / 2);
        let mut starts = Vec::with_capacity(text.len() / 2 + 1);
        for (start, c) in text.char_indices() {
            chars.push(plain(c));
            starts.push(start);
        }
        starts.push(text.len());
        Self { chars, starts }
    }

    pub(super) fn len(&self) -> usize {
        self.chars.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<char> {
        self.chars.get(at).copied()
    }

    /// The character before `at`.
    pub(super) fn before(&self, at: usize) -> Option<char> {
        at.checked_sub(1).and_then(|at| self.get(at))
    }

    pub(super) fn is_digit(&self, at: usize) -> bool {
        self.get(at).is_some_and(|c| c.is_ascii_digit())
    }

    /// Whether the character there makes a longer word of the ASCII word beside it.
    pub(super) fn is_word(&self, at: usize) -> bool {
        self.get(at)
            .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    /// Whether `word` stands at `at`; ASCII letters in either case.
    pub(super) fn has(&self, at: usize, word: &str) -> bool {
        (at..)
            .zip(word.chars())
            .all(|(at, c)| self.get(at).is_some_and(|own| own.eq_ignore_ascii_case(&c)))
    }

    /// The end of the first of `words` that stands at `at`.
    pub(super) fn any(&self, at: usize, words: &[&str]) -> Option<usize> {
        words
            .iter()
            .find(|word| self.has(at, word))
            .map(|word| at + word.chars().count())
    }

    /// Where the first of `words` begins that ends right before `at`.
    pub(super) fn any_before(&self, at: usize, words: &[&str]) -> Option<usize> {
        words.iter().find_map(|word| {
            let start = at.checked_sub(word.chars().count())?;
            self.has(start, word).then_some(start)
        })
    }

    /// Whether one of `words` ends right before `at`.
    pub(super) fn ends_before(&self, at: usize, words: &[&str]) -> bool {
        self.any_before(at, words).is_some()
    }

    /// The end of the characters from `at` on that are `wanted`, at most `most`.
    pub(super) fn while_at(&self, at: usize, most: usize, wanted: impl Fn(char) -> bool) -> usize {
        let mut end = at;
        while end < at + most && self.get(end).is_some_and(&wanted) {
            end += 1;
        }
        end
    }

    pub(super) fn slice(&self, range: Range<usize>) -> &[char] {
        self.chars.get(range).unwrap_or_default()
    }

    /// Where these characters are in the text.
    pub(super) fn bytes(&self, range: &Range<usize>) -> Range<usize> {
        let at = |char: usize| {
            let end = self.starts.last().copied().unwrap_or_default();
            self.starts.get(char).copied().unwrap_or(end)
        };
        at(range.start)..at(range.end)
    }
}

/// Full-width forms (U+FF01 to U+FF5E) and the ideographic space as their ASCII ones.
fn plain(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        other => other,
    }
}

/// Whether a character is Chinese script.
pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}')
}
