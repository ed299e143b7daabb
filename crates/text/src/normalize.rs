//! One spelling for every text, and the way back: each byte of the normalised text knows the byte of the original it came from,
//! whatever bytes came in, in time linear in the length.
//!
//! What is done, in one pass: full width to half (NFKC, character by character), lower case, Traditional to Simplified, control,
//! zero-width and combining characters and variation selectors removed, runs of one character other than a digit cut at three.

use std::ops::{Range, RangeInclusive};

use rustc_hash::FxHashMap;
use unicode_normalization::UnicodeNormalization;

use crate::letters::Letters;

mod writer;

use writer::{Sink, Traced, Writer, Written};

const FIRST: u32 = 0x4e00;
const LAST: u32 = 0x9fff;
/// Where what a character becomes is looked up as for Han: ASCII, general punctuation, marks and kana, full-width forms.
const PLAIN: [RangeInclusive<u32>; 4] =
    [0..=0x7f, 0x2000..=0x206f, 0x3000..=0x30ff, 0xff00..=0xffef];

/// A normalised text with the way back to its original.
#[derive(Debug, Clone, Default)]
pub struct Normalized {
    /// The normalised text.
    pub text: String,
    /// Which part of the original each part of `text` came from, in order; the first begins at 0.
    parts: Vec<Part>,
    /// The byte of the original where reading stopped.
    end: usize,
    /// Whether the original was longer than the limit.
    pub truncated: bool,
}

/// A part of a normalised text; it reaches to the next one.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// The byte where it begins.
    start: u32,
    /// The byte of the original that it came from.
    original: u32,
    /// Whether each character has as many bytes as the one it came from; else all came from one.
    alike: bool,
}

impl Normalized {
    /// The bytes of the original under `range` (bytes of the normalised text), without removed characters at its edges.
    /// `original` is the text that was normalised.
    pub fn original(&self, original: &str, range: Range<usize>) -> Range<usize> {
        if range.is_empty() || range.end > self.text.len() {
            let at = self.source(range.start).unwrap_or(0);
            return at..at;
        }
        let start = self.source(range.start).unwrap_or(0);
        let last = self.source(range.end - 1).unwrap_or(0);
        let width = original[last..].chars().next().map_or(0, char::len_utf8);
        start..last + width
    }

    /// The byte of the original where reading stopped.
    pub fn end(&self) -> usize {
        self.end
    }

    /// The byte of the original where the part after `at` begins: cutting there loses nothing.
    pub fn boundary(&self, at: usize) -> usize {
        if at == 0 {
            0
        } else {
            self.source(at).unwrap_or(0)
        }
    }

    /// The byte of the original where the character of byte `at` begins; the end for that of the text.
    fn source(&self, at: usize) -> Option<usize> {
        if at >= self.text.len() {
            return (at == self.text.len()).then_some(self.end);
        }
        let next = self.parts.partition_point(|p| p.start as usize <= at);
        let part = self.parts.get(next.checked_sub(1)?)?;
        let into = if part.alike {
            self.text.floor_char_boundary(at) - part.start as usize
        } else {
            0
        };
        Some(part.original as usize + into)
    }
}

/// A conversion that holds only between the right neighbours.
#[derive(Debug, Clone)]
struct Exception {
    before: Box<[char]>,
    after: Box<[char]>,
    to: char,
}

/// Normalises texts; built once, shared by all.
#[derive(Debug, Clone)]
pub struct Normalizer {
    /// What each character of the basic plane becomes: the Simplified one for Han, the half-width one for marks; 0 where the neighbours
    /// decide, and where more is to be done.
    usual: Box<[u16; 1 << 16]>,
    /// The Simplified character of each outside the basic block of Han.
    rare: FxHashMap<char, char>,
    /// Characters whose neighbours decide: the usual conversion, and the exceptions.
    undecided: FxHashMap<char, (char, Vec<Exception>)>,
}

impl Default for Normalizer {
    fn default() -> Self {
        Self::new()
    }
}

impl Normalizer {
    /// Builds the tables from the embedded data.
    pub fn new() -> Self {
        let mut usual = Box::new([0; 1 << 16]);
        for code in FIRST..=LAST {
            usual[code as usize] = code as u16;
        }
        let mut rare = FxHashMap::default();
        for (from, to) in pairs(include_str!("../data/traditional_characters.tsv")) {
            let (Some(from), Some(to)) = (from.chars().next(), to.chars().next()) else {
                continue;
            };
            match (slot(from), u16::try_from(to as u32)) {
                (Some(slot), Ok(to)) => usual[slot] = to,
                _ => {
                    rare.insert(from, to);
                }
            }
        }
        let mut this = Self {
            usual,
            rare,
            undecided: FxHashMap::default(),
        };
        let mut undecided: FxHashMap<char, (char, Vec<Exception>)> = FxHashMap::default();
        for (from, to) in pairs(include_str!("../data/traditional_phrases.tsv")) {
            let from: Vec<char> = from.chars().collect();
            let to: Vec<char> = to.chars().collect();
            for (i, (a, b)) in from.iter().zip(&to).enumerate() {
                let usual = this.simplify(*a);
                if usual == *b {
                    continue;
                }
                let after = from[i + 1..].iter().map(|c| this.simplify(*c)).collect();
                let exception = Exception {
                    before: to[..i].into(),
                    after,
                    to: *b,
                };
                undecided
                    .entry(*a)
                    .or_insert_with(|| (usual, Vec::new()))
                    .1
                    .push(exception);
            }
        }
        for c in undecided.keys() {
            if let Some(slot) = slot(*c) {
                this.usual[slot] = 0;
            }
        }
        this.undecided = undecided;
        for code in PLAIN.into_iter().flatten() {
            this.usual[code as usize] = this.alone(code).unwrap_or(0);
        }
        this
    }

    /// What one character becomes wherever it stands, if that is one of the basic plane.
    fn alone(&self, code: u32) -> Option<u16> {
        let c = char::from_u32(code)?;
        let mut letters = Letters::default();
        self.write_one(c, 0, "", &mut Writer::new(&mut letters));
        match letters.chars() {
            [to] => u16::try_from(*to as u32).ok(),
            _ => None,
        }
    }

    /// The usual Simplified form of one character.
    fn simplify(&self, c: char) -> char {
        match slot(c).map(|s| self.usual[s]) {
            Some(0) => self.undecided.get(&c).map_or(c, |(usual, _)| *usual),
            Some(to) => char::from_u32(u32::from(to)).unwrap_or(c),
            None if self.rare.is_empty() => c,
            None => self.rare.get(&c).copied().unwrap_or(c),
        }
    }

    /// Normalises `original`, reading at most `limit` characters of it.
    pub fn normalize(&self, original: &str, limit: usize) -> Normalized {
        let room = original.len().min(limit.saturating_mul(4)) + 8;
        let mut out = Writer::new(Traced::with_room(room));
        let (end, truncated) = self.write(original, limit, &mut out);
        Normalized {
            text: out.to.text,
            parts: out.to.parts,
            end,
            truncated,
        }
    }

    /// The text that `normalize` gives, without the way back.
    pub fn text(&self, original: &str, limit: usize) -> String {
        let mut letters = Letters::default();
        self.letters(original, limit, &mut letters);
        letters.text()
    }

    /// The characters of the text that `normalize` gives, in less time, without the way back.
    pub(crate) fn letters(&self, original: &str, limit: usize, letters: &mut Letters) {
        letters.clear(original.len().min(limit.saturating_mul(4)) / 3);
        let mut out = Writer::new(letters);
        self.write(original, limit, &mut out);
        out.to.end();
    }

    /// Writes the normalised text; gives the byte of the original where reading stopped, and whether that was before its end.
    fn write<T: Written>(
        &self,
        original: &str,
        limit: usize,
        out: &mut Writer<T>,
    ) -> (usize, bool) {
        let (mut at, mut read) = (0, 0);
        loop {
            (at, read) = self.write_usual(original.as_bytes(), at, read, limit, out);
            let Some(c) = original[at..].chars().next() else {
                return (at, false);
            };
            if read == limit {
                return (at, true);
            }
            out.to.part();
            self.write_one(c, at, &original[at + c.len_utf8()..], out);
            (at, read) = (at + c.len_utf8(), read + 1);
        }
    }

    /// Writes from byte `at` on, before which `read` characters were read, what the characters usually become: most of a text. Stops
    /// where one needs more, and at `limit` characters; gives the byte and the number of characters there.
    fn write_usual<T: Written>(
        &self,
        bytes: &[u8],
        mut at: usize,
        mut read: usize,
        limit: usize,
        out: &mut Writer<T>,
    ) -> (usize, usize) {
        let mut last = out.last;
        let mut sink = out.to.sink((bytes.len() - at).min(limit - read));
        let begin = at;
        while read < limit {
            let (code, width) = match bytes.get(at..) {
                Some([b @ 0..0x80, ..]) => (u16::from(*b), 1),
                Some([one @ 0xe0..=0xef, two, three, ..]) => {
                    let bits = |byte: &u8| u16::from(byte & 0x3f);
                    (u16::from(*one) << 12 | bits(two) << 6 | bits(three), 3)
                }
                _ => break,
            };
            let to = u32::from(self.usual[usize::from(code)]);
            // What is repeated may be cut.
            if to == 0 || to == last as u32 {
                break;
            }
            let Some(to) = char::from_u32(to) else {
                break;
            };
            sink.put(to, at, width);
            last = to;
            (at, read) = (at + width, read + 1);
        }
        drop(sink);
        if at > begin {
            // None of them is a repeat.
            (out.last, out.run) = (last, 1);
        }
        (at, read)
    }

    /// Writes what the character `c` at byte `at` becomes, which `rest` follows.
    fn write_one<T: Written>(&self, c: char, at: usize, rest: &str, out: &mut Writer<T>) {
        let code = c as u32;
        let push = |to: char, out: &mut Writer<T>| out.push(to, at, c.len_utf8());
        if code < 0x80 {
            match c {
                ' '..='~' => push(c.to_ascii_lowercase(), out),
                '\n' => push('\n', out),
                '\t' => push(' ', out),
                _ => {}
            }
        } else if let Some(slot) = slot(c) {
            let to = match self.usual[slot] {
                0 => self.decide(c, &out.to, rest),
                to => char::from_u32(u32::from(to)).unwrap_or(c),
            };
            push(to, out);
        } else if ignorable(code) {
            // Removed: the neighbours close up, the map remembers.
        } else if (0xff01..=0xff5e).contains(&code) {
            let half = char::from_u32(code - 0xfee0).unwrap_or(c);
            push(half.to_ascii_lowercase(), out);
        } else {
            for c in std::iter::once(c).nfkc() {
                let c = self.rare.get(&c).copied().unwrap_or_else(|| {
                    if slot_of_block(c) {
                        self.simplify(c)
                    } else {
                        c
                    }
                });
                if c.is_whitespace() && c != '\n' {
                    push(' ', out);
                } else if !ignorable(c as u32) && !c.is_control() {
                    c.to_lowercase().for_each(|c| push(c, out));
                }
            }
        }
    }

    /// The conversion of a character whose neighbours decide.
    fn decide(&self, c: char, before: &impl Written, after: &str) -> char {
        let Some((usual, exceptions)) = self.undecided.get(&c) else {
            return c;
        };
        let fits = |e: &&Exception| {
            let mut on = after.chars();
            before.ends_with(&e.before)
                && e.after
                    .iter()
                    .all(|c| on.next().map(|n| self.simplify(n)) == Some(*c))
        };
        exceptions.iter().find(fits).map_or(*usual, |e| e.to)
    }
}

/// The place in `usual` of a character of the basic block of Han.
#[inline]
fn slot(c: char) -> Option<usize> {
    let code = c as u32;
    (FIRST..=LAST).contains(&code).then_some(code as usize)
}

fn slot_of_block(c: char) -> bool {
    slot(c).is_some()
}

/// Characters that are not seen: zero-width, direction marks, soft hyphen, variation selectors, combining marks, tags, skin tones,
/// C1 controls.
#[inline]
fn ignorable(code: u32) -> bool {
    matches!(code,
        0x80..=0x9f | 0xad | 0x300..=0x36f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x1ab0..=0x1aff
        | 0x1dc0..=0x1dff | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0x20d0..=0x20ff | 0x3164 | 0xfe00..=0xfe0f
        | 0xfe20..=0xfe2f | 0xfeff | 0xffa0 | 0xfff9..=0xfffb | 0xfffd | 0x1f3fb..=0x1f3ff | 0xe0000..=0xe0fff)
}

/// The rows `a TAB b` of a table; lines that begin with `#` are remarks.
fn pairs(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    table
        .lines()
        .filter(|l| !l.starts_with('#'))
        .filter_map(|l| l.split_once('\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(s: &str) -> String {
        Normalizer::new().normalize(s, 1000).text
    }

    #[test]
    fn full_width_upper_case_and_traditional_are_one_spelling() {
        assert_eq!(text("ＡＰＰ　服務態度，很差！"), "app 服务态度,很差!");
        assert_eq!(text("①㎏ﬁ"), "1kgfi");
    }

    #[test]
    fn neighbours_decide_what_is_ambiguous() {
        assert_eq!(text("跟著走，看名著"), "跟着走,看名著");
        assert_eq!(text("餅乾很乾，乾隆一目瞭然"), "饼干很干,乾隆一目了然");
        assert_eq!(text("請回覆我"), "请回复我");
    }

    #[test]
    fn unseen_characters_vanish_and_runs_are_cut() {
        assert_eq!(text("退\u{200b}款\u{feff}👍🏻👍🏽\u{0}"), "退款👍👍");
        assert_eq!(text("哈哈哈哈哈哈!!!!!!"), "哈哈哈!!!");
        assert_eq!(text("10000元"), "10000元");
        assert_eq!(text("a\u{301}\u{300}bc"), "abc");
    }

    #[test]
    fn every_part_knows_where_it_came_from() {
        let original = "　退\u{200b}款！！！！！ok";
        let n = Normalizer::new().normalize(original, 100);
        let at = n.text.find("退款").unwrap();
        assert_eq!(&original[n.original(original, at..at + 6)], "退\u{200b}款");
        let at = n.text.find("ok").unwrap();
        assert_eq!(&original[n.original(original, at..at + 2)], "ok");
    }

    #[test]
    fn the_limit_cuts_and_says_so() {
        assert_eq!(Normalizer::new().text("一二三四", 2), "一二");
        let n = Normalizer::new().normalize("一二三四", 2);
        assert_eq!((n.text.as_str(), n.truncated), ("一二", true));
        assert!(!Normalizer::new().normalize("一二", 2).truncated);
    }
}
