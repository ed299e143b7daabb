//! The characters of a text and where each begins, decoded once for all that read it.

/// The characters of one text after the other, in the same room.
#[derive(Debug, Clone)]
pub(crate) struct Letters {
    /// The characters, `END` after the last, then room.
    chars: Vec<char>,
    /// The byte where each begins, the length of the text, then room.
    starts: Vec<u32>,
    /// How many characters there are, and of how many bytes.
    len: usize,
    bytes: u32,
}

/// Stands after the last character, so that each has one that follows it.
const END: char = '\0';

impl Default for Letters {
    fn default() -> Self {
        Self {
            chars: vec![END],
            starts: vec![0],
            len: 0,
            bytes: 0,
        }
    }
}

impl Letters {
    /// The characters of `text`.
    pub(crate) fn of(text: &str) -> Self {
        let mut letters = Self::default();
        letters.read(text);
        letters
    }

    /// Takes in another text.
    pub(crate) fn read(&mut self, text: &str) {
        self.clear(text.len() / 3);
        text.chars().for_each(|c| self.push(c));
        self.end();
    }

    /// Begins a text, with room for so many characters; more grows as it comes.
    pub(crate) fn clear(&mut self, room: usize) {
        (self.len, self.bytes) = (0, 0);
        if self.chars.len() < room {
            self.grow(room);
        }
    }

    /// Adds a character; [`Letters::end`] is to follow the last.
    #[inline(always)]
    pub(crate) fn push(&mut self, c: char) {
        if self.len + 1 >= self.chars.len() {
            self.grow(self.len * 2);
        }
        (self.chars[self.len], self.starts[self.len]) = (c, self.bytes);
        self.len += 1;
        self.bytes += c.len_utf8() as u32;
    }

    /// Ends the text.
    pub(crate) fn end(&mut self) {
        (self.chars[self.len], self.starts[self.len]) = (END, self.bytes);
    }

    /// Adds up to `most` characters in less time; [`Letters::end`] is to follow the last.
    #[inline]
    pub(crate) fn pen(&mut self, most: usize) -> Pen<'_> {
        let room = self.len + most + 1;
        if self.chars.len() < room {
            self.grow(room);
        }
        let (chars, starts) = (&mut self.chars[self.len..], &mut self.starts[self.len..]);
        let length = chars.len().min(starts.len());
        Pen {
            chars: &mut chars[..length],
            starts: &mut starts[..length],
            at: 0,
            bytes: self.bytes,
            written: (&mut self.len, &mut self.bytes),
        }
    }

    #[cold]
    fn grow(&mut self, room: usize) {
        self.chars.resize(room + 64, END);
        self.starts.resize(room + 64, 0);
    }

    /// The characters.
    #[inline]
    pub(crate) fn chars(&self) -> &[char] {
        &self.chars[..self.len]
    }

    /// The characters, with one after the last that is in no text.
    #[inline]
    pub(crate) fn with_end(&self) -> &[char] {
        &self.chars[..=self.len]
    }

    /// The byte where character number `at` begins; that after the last is the length of the text.
    #[inline]
    pub(crate) fn byte(&self, at: usize) -> usize {
        self.starts[at] as usize
    }

    /// The bytes of the text.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes as usize
    }

    /// The characters of these bytes, which begin and end with whole ones.
    pub(crate) fn within(&self, bytes: std::ops::Range<usize>) -> &[char] {
        let starts = &self.starts[..=self.len];
        let number = |byte: usize| starts.partition_point(|start| (*start as usize) < byte);
        &self.chars[number(bytes.start)..number(bytes.end)]
    }

    /// The text.
    pub(crate) fn text(&self) -> String {
        self.chars().iter().collect()
    }
}

/// Adds characters to a text that has room for them.
pub(crate) struct Pen<'a> {
    /// The room.
    chars: &'a mut [char],
    starts: &'a mut [u32],
    /// How much of it is taken, and the bytes of the text: here and not where they are told, so that they stay in registers.
    at: usize,
    bytes: u32,
    /// The length of the text, where it is told.
    written: (&'a mut usize, &'a mut u32),
}

impl Pen<'_> {
    /// Adds a character.
    #[inline(always)]
    pub(crate) fn push(&mut self, c: char) {
        (self.chars[self.at], self.starts[self.at]) = (c, self.bytes);
        self.at += 1;
        self.bytes += c.len_utf8() as u32;
    }
}

impl Drop for Pen<'_> {
    #[inline]
    fn drop(&mut self) {
        *self.written.0 += self.at;
        *self.written.1 = self.bytes;
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
        assert_eq!(letters.with_end(), ['a', '闻', '😀', '\0']);
        assert_eq!([0, 1, 2, 3].map(|at| letters.byte(at)), [0, 1, 4, 8]);
        assert_eq!(letters.within(1..8), ['闻', '😀']);
        assert_eq!((letters.bytes(), letters.text()), (8, "a闻😀".to_owned()));
        letters.read("");
        assert_eq!((letters.chars(), letters.byte(0)), (&[][..], 0));
        assert_eq!(Letters::default().with_end(), ['\0']);
        let long = "长".repeat(1000);
        assert_eq!(Letters::of(&long).text(), long);
    }
}
