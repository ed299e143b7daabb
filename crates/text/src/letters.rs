//! The characters of a text and where each begins, decoded once for all that read it.

/// The characters of one text after the other, in the same room.
#[derive(Debug, Clone, Default)]
pub(crate) struct Letters {
    /// The characters, and `END` after the last.
    chars: Vec<char>,
    /// The byte where each begins, and the length of the text.
    starts: Vec<usize>,
}

/// Stands after the last character, so that each has one that follows it.
const END: char = '\0';

impl Letters {
    /// The characters of `text`.
    pub(crate) fn of(text: &str) -> Self {
        let mut letters = Self::default();
        letters.read(text);
        letters
    }

    /// Takes in another text.
    pub(crate) fn read(&mut self, text: &str) {
        self.chars.clear();
        self.starts.clear();
        // Room at once for a post of Han characters; more grows as it comes.
        let room = text.len() / 3 + 8;
        self.chars.reserve(room);
        self.starts.reserve(room);
        for (at, c) in text.char_indices() {
            self.chars.push(c);
            self.starts.push(at);
        }
        self.chars.push(END);
        self.starts.push(text.len());
    }

    /// The characters.
    #[inline]
    pub(crate) fn chars(&self) -> &[char] {
        self.chars.split_last().map_or(&[], |(_, chars)| chars)
    }

    /// The characters, with one after the last that is in no text.
    #[inline]
    pub(crate) fn with_end(&self) -> &[char] {
        &self.chars
    }

    /// The byte where character number `at` begins; that after the last is the length of the text.
    #[inline]
    pub(crate) fn byte(&self, at: usize) -> usize {
        self.starts[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_knows_where_it_begins() {
        let mut letters = Letters::of("另一段长一些的文字");
        letters.read("a闻😀");
        assert_eq!(letters.chars(), ['a', '闻', '😀']);
        assert_eq!([0, 1, 2, 3].map(|at| letters.byte(at)), [0, 1, 4, 8]);
        letters.read("");
        assert_eq!((letters.chars(), letters.byte(0)), (&[][..], 0));
        assert_eq!(Letters::default().chars(), []);
    }
}
