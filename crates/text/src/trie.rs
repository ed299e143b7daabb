//! Terms by their first characters: what stands at a place of a text is found by walking from there, which ends at the first character
//! that no term goes on with. What may follow is told by a filter beside each beginning, so that most walks end without a look-up.

use crate::terms::Found;

/// No term ends here.
const NO_TERM: u32 = u32::MAX;
/// Bits of a character.
const CHAR_BITS: u32 = 21;
/// 2^64 by the golden ratio: multiplying spreads keys over the high bits (D. Knuth, TAOCP 3, 6.4).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
/// Bits of the filter of beginnings: 4 KB.
const HEADS: usize = 1 << 15;

/// A beginning of terms.
#[derive(Debug, Clone, Copy)]
struct Node {
    /// The number of the beginning before it and the character, plus one; 0 for an empty slot.
    key: u64,
    /// One bit for each of 64 kinds of characters that may follow.
    follows: u64,
    number: u32,
    /// The term that ends here, or `NO_TERM`.
    term: u32,
}

const EMPTY: Node = Node {
    key: 0,
    follows: 0,
    number: 0,
    term: NO_TERM,
};

/// Terms by their first characters.
#[derive(Debug, Clone)]
pub(crate) struct Trie {
    /// One bit for each kind of terms of one character, and of first two characters of longer ones.
    heads: Box<[u64]>,
    /// An open-addressed table, at most half full.
    nodes: Vec<Node>,
    filled: usize,
}

impl Default for Trie {
    fn default() -> Self {
        Self::with_room(0)
    }
}

impl Trie {
    /// None, with room for `terms`.
    pub(crate) fn with_room(terms: usize) -> Self {
        let slots = (terms * 4).next_power_of_two().max(16);
        Self {
            heads: vec![0; HEADS / 64].into(),
            nodes: vec![EMPTY; slots],
            filled: 0,
        }
    }

    /// Adds a term; one that is there already stays, an empty one is left out.
    pub(crate) fn insert(&mut self, term: &str, number: u32) {
        let mut parent: Option<usize> = None;
        let mut first = term.chars();
        if let Some(one) = first.next() {
            let (word, bit) = head(one, first.next().unwrap_or(ALONE));
            self.heads[word] |= bit;
        }
        for c in term.chars() {
            if (self.filled + 1) * 2 > self.nodes.len() {
                // Places change: find the parent again.
                let key = parent.map(|at| self.nodes[at].key);
                self.grow();
                parent = key.map(|key| self.probe(key));
            }
            let before = match parent {
                Some(at) => {
                    self.nodes[at].follows |= kind(c);
                    self.nodes[at].number
                }
                None => 0,
            };
            let key = key(before, c);
            let at = self.probe(key);
            if self.nodes[at].key == 0 {
                self.filled += 1;
                self.nodes[at].key = key;
                self.nodes[at].number = self.filled as u32;
            }
            parent = Some(at);
        }
        if let Some(at) = parent
            && self.nodes[at].term == NO_TERM
        {
            self.nodes[at].term = number;
        }
    }

    /// The first term at or after byte `start` of `text`, the longest of those that begin there.
    #[inline]
    pub(crate) fn next(&self, text: &str, start: usize) -> Option<Found> {
        let rest = text.get(start..)?;
        let mut chars = rest.char_indices();
        let (mut at, mut c) = chars.next()?;
        loop {
            let next = chars.next();
            let begins = |after: char| {
                let (word, bit) = head(c, after);
                self.heads[word] & bit != 0
            };
            if (begins(ALONE) || next.is_some_and(|(_, after)| begins(after)))
                && let Some((term, length)) = self.longest(&rest[at..])
            {
                let start = start + at;
                let end = start + length;
                return Some(Found { term, start, end });
            }
            (at, c) = next?;
        }
    }

    /// The longest term at the head of `text`, and its bytes.
    fn longest(&self, text: &str) -> Option<(usize, usize)> {
        let mut found = None;
        let (mut number, mut follows) = (0, !0);
        for (at, c) in text.char_indices() {
            if follows & kind(c) == 0 {
                break;
            }
            let node = &self.nodes[self.probe(key(number, c))];
            if node.key == 0 {
                break;
            }
            if node.term != NO_TERM {
                found = Some((node.term as usize, at + c.len_utf8()));
            }
            (number, follows) = (node.number, node.follows);
        }
        found
    }

    /// The slot that holds `key`, or the empty one where it would stand.
    #[inline]
    fn probe(&self, key: u64) -> usize {
        let mask = self.nodes.len() - 1;
        let mut at = (key.wrapping_mul(GOLDEN) >> 32) as usize & mask;
        while self.nodes[at].key != key && self.nodes[at].key != 0 {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let larger = vec![EMPTY; self.nodes.len() * 2];
        for node in std::mem::replace(&mut self.nodes, larger) {
            if node.key != 0 {
                let at = self.probe(node.key);
                self.nodes[at] = node;
            }
        }
    }
}

#[inline]
fn key(number: u32, c: char) -> u64 {
    (u64::from(number) << CHAR_BITS | u64::from(c)) + 1
}

/// Which of the kinds of characters that may follow.
#[inline]
fn kind(c: char) -> u64 {
    1 << ((c as u32).wrapping_mul(GOLDEN as u32) >> 26)
}

/// Stands for what follows the only character of a term.
const ALONE: char = '\0';

/// Where two first characters stand in the filter.
#[inline]
fn head(one: char, other: char) -> (usize, u64) {
    let pair = u64::from(one) << CHAR_BITS | u64::from(other);
    let bit = pair.wrapping_mul(GOLDEN) as usize >> 49;
    (bit / 64 % (HEADS / 64), 1 << (bit % 64))
}
