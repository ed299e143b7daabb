//! One spelling for every text, and the way back: each byte of the normalised text knows the byte of the original it came from,
//! whatever bytes came in, in time linear in the length.
//!
//! What is done, in one pass: full width to half (NFKC, character by character), lower case, Traditional to Simplified, control,
//! zero-width and combining characters and variation selectors removed, runs of one character other than a digit cut at three.

use std::ops::Range;

use rustc_hash::FxHashMap;
use unicode_normalization::UnicodeNormalization;

const FIRST: u32 = 0x4e00;
const LAST: u32 = 0x9fff;
/// Longer runs of one character say no more than three: 哈哈哈哈哈哈 is 哈哈哈. Digits are left alone: 10000 is not 1000.
const RUN: usize = 3;

/// A normalised text with the way back to its original.
#[derive(Debug, Clone, Default)]
pub struct Normalized {
    /// The normalised text.
    pub text: String,
    /// For each byte of `text`, the byte of the original where its character begins; one more for the end.
    map: Vec<u32>,
    /// Whether the original was longer than the limit.
    pub truncated: bool,
}

impl Normalized {
    /// The bytes of the original under `range` (bytes of the normalised text), without removed characters at its edges.
    /// `original` is the text that was normalised.
    pub fn original(&self, original: &str, range: Range<usize>) -> Range<usize> {
        if range.is_empty() || range.end > self.text.len() {
            let at = self.map.get(range.start).map_or(0, |b| *b as usize);
            return at..at;
        }
        let start = self.map[range.start] as usize;
        let last = self.map[range.end - 1] as usize;
        let width = original[last..].chars().next().map_or(0, char::len_utf8);
        start..last + width
    }

    /// The byte of the original where reading stopped.
    pub fn end(&self) -> usize {
        self.map.last().map_or(0, |b| *b as usize)
    }

    /// The byte of the original where the part after `at` begins: cutting there loses nothing.
    pub fn boundary(&self, at: usize) -> usize {
        if at == 0 {
            0
        } else {
            self.map.get(at).map_or(0, |b| *b as usize)
        }
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
    /// The Simplified character of each of the basic block; 0 where the neighbours decide.
    simplified: Box<[u16]>,
    /// The same outside the basic block.
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
        let mut simplified: Box<[u16]> = (FIRST..=LAST).map(|c| c as u16).collect();
        let mut rare = FxHashMap::default();
        for (from, to) in pairs(include_str!("../data/traditional_characters.tsv")) {
            let (Some(from), Some(to)) = (from.chars().next(), to.chars().next()) else {
                continue;
            };
            match (slot(from), u16::try_from(to as u32)) {
                (Some(slot), Ok(to)) => simplified[slot] = to,
                _ => {
                    rare.insert(from, to);
                }
            }
        }
        let mut this = Self {
            simplified,
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
                this.simplified[slot] = 0;
            }
        }
        this.undecided = undecided;
        this
    }

    /// The usual Simplified form of one character.
    fn simplify(&self, c: char) -> char {
        match slot(c).map(|s| self.simplified[s]) {
            Some(0) => self.undecided.get(&c).map_or(c, |(usual, _)| *usual),
            Some(to) => char::from_u32(u32::from(to)).unwrap_or(c),
            None if self.rare.is_empty() => c,
            None => self.rare.get(&c).copied().unwrap_or(c),
        }
    }

    /// Normalises `original`, reading at most `limit` characters of it.
    pub fn normalize(&self, original: &str, limit: usize) -> Normalized {
        let room = original.len().min(limit.saturating_mul(4)) + 8;
        let mut out = Writer::new(room, Vec::with_capacity(room + 1));
        let (end, truncated) = self.write(original, limit, &mut out);
        out.trace.push(u32::try_from(end).unwrap_or(u32::MAX));
        Normalized {
            text: out.text,
            map: out.trace,
            truncated,
        }
    }

    /// The text that `normalize` gives, in two thirds of the time, without the way back.
    pub fn text(&self, original: &str, limit: usize) -> String {
        let room = original.len().min(limit.saturating_mul(4)) + 8;
        let mut out = Writer::new(room, ());
        self.write(original, limit, &mut out);
        out.text
    }

    /// Writes the normalised text; gives the byte of the original where reading stopped, and whether that was before its end.
    fn write<T: Trace>(&self, original: &str, limit: usize, out: &mut Writer<T>) -> (usize, bool) {
        let mut end = original.len();
        let mut truncated = false;
        for (read, (at, c)) in original.char_indices().enumerate() {
            if read == limit {
                (end, truncated) = (at, true);
                break;
            }
            let code = c as u32;
            if code < 0x80 {
                match c {
                    ' '..='~' => out.push(c.to_ascii_lowercase(), at),
                    '\n' => out.push('\n', at),
                    '\t' => out.push(' ', at),
                    _ => {}
                }
            } else if let Some(slot) = slot(c) {
                let to = match self.simplified[slot] {
                    0 => self.decide(c, &out.text, &original[at + c.len_utf8()..]),
                    to => char::from_u32(u32::from(to)).unwrap_or(c),
                };
                out.push(to, at);
            } else if ignorable(code) {
                // Removed: the neighbours close up, the map remembers.
            } else if (0xff01..=0xff5e).contains(&code) {
                out.push(
                    char::from_u32(code - 0xfee0)
                        .unwrap_or(c)
                        .to_ascii_lowercase(),
                    at,
                );
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
                        out.push(' ', at);
                    } else if !ignorable(c as u32) && !c.is_control() {
                        c.to_lowercase().for_each(|c| out.push(c, at));
                    }
                }
            }
        }
        (end, truncated)
    }

    /// The conversion of a character whose neighbours decide.
    fn decide(&self, c: char, before: &str, after: &str) -> char {
        let Some((usual, exceptions)) = self.undecided.get(&c) else {
            return c;
        };
        let fits = |e: &&Exception| {
            let mut back = before.chars().rev();
            let mut on = after.chars();
            e.before.iter().rev().all(|c| back.next() == Some(*c))
                && e.after
                    .iter()
                    .all(|c| on.next().map(|n| self.simplify(n)) == Some(*c))
        };
        exceptions.iter().find(fits).map_or(*usual, |e| e.to)
    }
}

/// Remembers where the bytes of a normalised text came from, or does not.
trait Trace {
    /// The next `width` bytes came from the character at byte `at`.
    fn note(&mut self, at: usize, width: usize);
}

impl Trace for Vec<u32> {
    #[inline]
    fn note(&mut self, at: usize, width: usize) {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        self.extend_from_slice(&[at; 4][..width]);
    }
}

impl Trace for () {
    #[inline]
    fn note(&mut self, _: usize, _: usize) {}
}

struct Writer<T> {
    text: String,
    trace: T,
    last: char,
    run: usize,
}

impl<T: Trace> Writer<T> {
    fn new(room: usize, trace: T) -> Self {
        Self {
            text: String::with_capacity(room),
            trace,
            last: '\0',
            run: 0,
        }
    }

    #[inline]
    fn push(&mut self, c: char, at: usize) {
        if c == self.last {
            self.run += 1;
            if self.run > RUN && !c.is_ascii_digit() {
                return;
            }
        } else {
            self.last = c;
            self.run = 1;
        }
        self.text.push(c);
        self.trace.note(at, c.len_utf8());
    }
}

#[inline]
fn slot(c: char) -> Option<usize> {
    let code = c as u32;
    (FIRST..=LAST)
        .contains(&code)
        .then(|| (code - FIRST) as usize)
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
