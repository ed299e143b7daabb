//! What a normalised text is written to: characters alone, or a text that knows where each part came from.

use super::Part;
use crate::letters::{Letters, Pen};

/// Longer runs of one character say no more than three: 哈哈哈哈哈哈 is 哈哈哈. Digits are left alone: 10000 is not 1000.
const RUN: usize = 3;

/// Takes characters one after the other.
pub(super) trait Sink {
    /// Takes a character, to which one of `width` bytes at byte `at` of the original came.
    fn put(&mut self, c: char, at: usize, width: usize);
}

impl Sink for Pen<'_> {
    #[inline(always)]
    fn put(&mut self, c: char, _: usize, _: usize) {
        self.push(c);
    }
}

impl Sink for &mut Traced {
    #[inline]
    fn put(&mut self, c: char, at: usize, width: usize) {
        Written::put(*self, c, at, width);
    }
}

/// What a normalised text is written to.
pub(super) trait Written {
    /// Takes up to so many characters in less time.
    fn sink(&mut self, most: usize) -> impl Sink;

    /// Takes a character, to which one of `width` bytes at byte `at` of the original came.
    fn put(&mut self, c: char, at: usize, width: usize);

    /// The next character may begin a part.
    fn part(&mut self);

    /// Whether the last characters are these.
    fn ends_with(&self, chars: &[char]) -> bool;
}

impl Written for &mut Letters {
    #[inline]
    fn sink(&mut self, most: usize) -> impl Sink {
        self.pen(most)
    }

    #[inline(always)]
    fn put(&mut self, c: char, _: usize, _: usize) {
        self.push(c);
    }

    fn part(&mut self) {}

    fn ends_with(&self, chars: &[char]) -> bool {
        self.chars().ends_with(chars)
    }
}

/// A text whose parts remember where they came from.
pub(super) struct Traced {
    pub(super) text: String,
    pub(super) parts: Vec<Part>,
    /// Whether the next character begins a part, or may: most go on with the one that is noted already.
    parted: bool,
}

impl Traced {
    /// No text yet, with room for `room` bytes.
    pub(super) fn with_room(room: usize) -> Self {
        Self {
            text: String::with_capacity(room),
            parts: Vec::with_capacity(16),
            parted: true,
        }
    }

    /// What begins at the end of the text came from byte `original`, each character from one of as many bytes or all from one.
    fn note(&mut self, original: usize, alike: bool) {
        let narrow = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
        let (start, original) = (narrow(self.text.len()), narrow(original));
        let goes_on =
            |last: &Part| alike && last.alike && start - last.start == original - last.original;
        if !self.parts.last().is_some_and(goes_on) {
            self.parts.push(Part {
                start,
                original,
                alike,
            });
        }
    }
}

impl Written for Traced {
    #[inline]
    fn sink(&mut self, _: usize) -> impl Sink {
        self
    }

    #[inline]
    fn put(&mut self, c: char, at: usize, width: usize) {
        let alike = c.len_utf8() == width;
        if !alike || self.parted {
            self.note(at, alike);
        }
        self.parted = !alike;
        self.text.push(c);
    }

    fn part(&mut self) {
        self.parted = true;
    }

    fn ends_with(&self, chars: &[char]) -> bool {
        let mut back = self.text.chars().rev();
        chars.iter().rev().all(|c| back.next() == Some(*c))
    }
}

pub(super) struct Writer<T> {
    pub(super) to: T,
    pub(super) last: char,
    pub(super) run: usize,
}

impl<T: Written> Writer<T> {
    pub(super) fn new(to: T) -> Self {
        Self {
            to,
            last: '\0',
            run: 0,
        }
    }

    /// Writes `c`, to which a character of `width` bytes at byte `at` of the original came.
    #[inline]
    pub(super) fn push(&mut self, c: char, at: usize, width: usize) {
        if c == self.last {
            self.run += 1;
            if self.run > RUN && !c.is_ascii_digit() {
                return;
            }
        } else {
            self.last = c;
            self.run = 1;
        }
        self.to.part();
        self.to.put(c, at, width);
    }
}
