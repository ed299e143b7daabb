//! Terms by their first characters: what stands at a place of a text is found by walking from there, which ends at the first character
//! that no term goes on with.
//!
//! Two filters tell for 64 places at once, without a branch, where a term may begin; most of those where none does are never looked up.
//! Walks enter the table with two characters, all of the 64 places before the first is walked, so that they wait for memory together; each
//! beginning knows which characters may follow. Terms of one character, punctuation above all, stand in a table of their own.

use crate::letters::Letters;
use crate::terms::Found;

/// The mark of the number of a node at which a term ends.
const ENDS: u32 = 1 << 31;
/// Bits of a character.
const CHAR_BITS: u32 = 21;
/// 2^64 by the golden ratio: multiplying spreads keys over the high bits (D. Knuth, TAOCP 3, 6.4).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
/// Words of a filter of 2^16 bits, 8 KB.
const WORDS: usize = 1 << 10;
/// Characters of the basic plane.
const PLANE: usize = 1 << 16;
/// Places that are looked at together.
const BLOCK: usize = 64;

/// A beginning of terms, in 16 bytes: the more of them the caches hold, the less a walk waits.
#[derive(Debug, Clone, Copy)]
struct Node {
    /// What leads here ([`of_one`], [`of_two`], [`after`]); 0 for an empty slot.
    key: u64,
    /// One bit for each of 32 kinds of characters that may follow.
    follows: u32,
    /// One more than the term that ends here, marked with `ENDS`; a higher number where none does.
    number: u32,
}

const EMPTY: Node = Node {
    key: 0,
    follows: 0,
    number: 0,
};

impl Node {
    /// The term that ends here.
    #[inline]
    fn term(&self) -> Option<u32> {
        (self.number & ENDS != 0).then(|| (self.number & !ENDS) - 1)
    }
}

/// Terms by their first characters.
#[derive(Debug, Clone)]
pub(crate) struct Trie {
    /// One bit for each character that is a term by itself; those outside the basic plane share the bits of those in it.
    ones: Box<[u64; WORDS]>,
    /// One bit for each kind of first two characters of longer terms.
    twos: Box<[u64; WORDS]>,
    /// By the character of the basic plane, one more than the term that it is; 0 for none, and empty where there are none.
    singles: Vec<u32>,
    /// An open-addressed table, at most half full.
    nodes: Vec<Node>,
    /// How many nodes there are, and the last number of one where no term ends.
    count: usize,
    last: u32,
}

impl Default for Trie {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl Trie {
    /// These terms, by their places in the list. Of two that are alike the first counts; empty ones are left out.
    pub(crate) fn new(terms: &[String]) -> Self {
        let slots = (terms.len() * 2).next_power_of_two().max(16);
        let mut this = Self {
            ones: Box::new([0; WORDS]),
            twos: Box::new([0; WORDS]),
            singles: Vec::new(),
            nodes: vec![EMPTY; slots],
            count: 0,
            last: terms.len() as u32,
        };
        // The shorter first: the node of a term is there before those that go on from it, and has its number.
        let mut numbered: Vec<(&String, u32)> = terms.iter().zip(1..).collect();
        numbered.sort_by_key(|(term, _)| term.chars().count());
        for (term, number) in numbered {
            this.insert(term, number);
        }
        this
    }

    fn insert(&mut self, term: &str, number: u32) {
        let mut chars = term.chars();
        let (Some(one), two) = (chars.next(), chars.next()) else {
            return;
        };
        let mut key = match two {
            None => {
                let (word, bit) = place_of_one(one);
                self.ones[word] |= 1 << bit;
                if (one as usize) < PLANE {
                    self.singles.resize(PLANE, 0);
                    let single = &mut self.singles[one as usize];
                    if *single == 0 {
                        *single = number;
                    }
                    return;
                }
                of_one(one)
            }
            Some(two) => {
                let (word, bit) = place_of_two(one, two);
                self.twos[word] |= 1 << bit;
                of_two(one, two)
            }
        };
        for c in chars {
            let at = self.node(key, None);
            self.nodes[at].follows |= kind(c);
            key = after(self.nodes[at].number & !ENDS, c);
        }
        self.node(key, Some(number | ENDS));
    }

    /// The slot of the node of `key`, made where it is missing, with this number or one where no term ends.
    fn node(&mut self, key: u64, number: Option<u32>) -> usize {
        if (self.count + 1) * 2 > self.nodes.len() {
            self.grow();
        }
        let at = self.probe(key);
        if self.nodes[at].key == 0 {
            self.nodes[at].key = key;
            self.nodes[at].number = number.unwrap_or_else(|| {
                self.last += 1;
                self.last
            });
            self.count += 1;
        }
        at
    }

    /// The terms in a text, in its order, which do not overlap: the longest of those that begin at a place.
    #[inline]
    pub(crate) fn find<'a>(&'a self, letters: &'a Letters) -> Walk<'a> {
        Walk {
            trie: self,
            letters,
            ones: 0,
            twos: 0,
            entries: [EMPTY; BLOCK],
            block: 0,
            free: 0,
        }
    }

    /// One bit for each of the first 64 of `chars` but the last where a term of one character may stand, and where a longer one may begin.
    #[inline]
    fn marks(&self, chars: &[char]) -> (u64, u64) {
        let (mut ones, mut twos) = (0, 0);
        for (n, pair) in chars.windows(2).take(BLOCK).enumerate() {
            let (word, bit) = place_of_one(pair[0]);
            ones |= (self.ones[word] >> bit & 1) << n;
            let (word, bit) = place_of_two(pair[0], pair[1]);
            twos |= (self.twos[word] >> bit & 1) << n;
        }
        (ones, twos)
    }

    /// The term that is this character.
    #[inline]
    fn single(&self, c: char) -> Option<u32> {
        match self.singles.get(c as usize) {
            Some(term) => term.checked_sub(1),
            None => {
                let node = &self.nodes[self.probe(of_one(c))];
                node.term()
            }
        }
    }

    /// What stands where a walk from the first of these characters enters: the node of the first two, or one that took its slot; and whether
    /// a term may begin there, by the third.
    #[inline]
    fn enter(&self, one: char, two: char, three: char) -> (Node, bool) {
        let key = of_two(one, two);
        let node = self.nodes[self.slot(key)];
        let own = node.key == key;
        // Without a branch: what stands there nobody can foresee.
        let may = (node.number & ENDS != 0) | (node.follows & kind(three) != 0) | !own;
        (node, (node.key != 0) & may)
    }

    /// The longest term of two or more at character `at`, where a walk enters at `entry`, and the character after it.
    #[inline]
    fn longest(&self, letters: &Letters, at: usize, entry: Node) -> Option<(u32, usize)> {
        let key = of_two(letters.with_end()[at], letters.with_end()[at + 1]);
        let mut node = if entry.key == key {
            entry
        } else {
            self.nodes[self.probe(key)]
        };
        let mut found = None;
        let mut end = at + 2;
        while node.key != 0 {
            if let Some(term) = node.term() {
                found = Some((term, end));
            }
            let c = letters.with_end()[end];
            if node.follows & kind(c) == 0 {
                break;
            }
            node = self.nodes[self.probe(after(node.number & !ENDS, c))];
            end += 1;
        }
        found
    }

    /// Where the search for `key` begins.
    #[inline]
    fn slot(&self, key: u64) -> usize {
        (key.wrapping_mul(GOLDEN) >> 32) as usize & (self.nodes.len() - 1)
    }

    /// The slot that holds `key`, or the empty one where it would stand.
    #[inline]
    fn probe(&self, key: u64) -> usize {
        let mask = self.nodes.len() - 1;
        let mut at = self.slot(key);
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

/// The terms of a text, from first to last.
pub(crate) struct Walk<'a> {
    trie: &'a Trie,
    letters: &'a Letters,
    /// Where terms of one character may stand in the block of 64 characters before `block`.
    ones: u64,
    /// Where longer ones may begin.
    twos: u64,
    /// Where their walks enter, by the place in the block.
    entries: [Node; BLOCK],
    block: usize,
    /// The first character that no term has taken yet.
    free: usize,
}

impl Walk<'_> {
    /// Takes up the blocks that follow, to one where terms may stand; `None` after the last.
    fn take_up(&mut self) -> Option<()> {
        while self.ones | self.twos == 0 {
            let rest = self.letters.with_end().get(self.block..)?;
            if rest.len() < 2 {
                return None;
            }
            let untaken = from_bit(self.free.saturating_sub(self.block));
            let (ones, twos) = self.trie.marks(rest);
            (self.ones, self.twos) = (ones & untaken, twos & untaken);
            let mut left = self.twos;
            while left != 0 {
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                // A pair is marked, and `END` follows the last.
                let third = rest.get(bit + 2).copied().unwrap_or_default();
                let (entry, may) = self.trie.enter(rest[bit], rest[bit + 1], third);
                self.entries[bit] = entry;
                // The filter may have been wrong.
                self.twos ^= u64::from(!may) << bit;
            }
            self.block += BLOCK;
        }
        Some(())
    }
}

impl Iterator for Walk<'_> {
    type Item = Found;

    // In the loop of whoever walks its state stays in registers.
    #[inline(always)]
    fn next(&mut self) -> Option<Found> {
        loop {
            if self.ones | self.twos == 0 {
                self.take_up()?;
            }
            let bit = (self.ones | self.twos).trailing_zeros() as usize;
            let (first, mark) = (self.block - BLOCK, 1 << bit);
            let at = first + bit;
            let mut found = None;
            if self.twos & mark != 0 {
                self.twos &= !mark;
                found = self.trie.longest(self.letters, at, self.entries[bit]);
            }
            if self.ones & mark != 0 {
                self.ones &= !mark;
                let single = || self.trie.single(self.letters.with_end()[at]);
                found = found.or_else(|| Some((single()?, at + 1)));
            }
            if let Some((term, end)) = found {
                self.free = end;
                if end > at + 1 {
                    let untaken = from_bit(end - first);
                    self.ones &= untaken;
                    self.twos &= untaken;
                }
                return Some(Found {
                    term: term as usize,
                    start: self.letters.byte(at),
                    end: self.letters.byte(end),
                    letters: at..end,
                });
            }
        }
    }
}

/// All bits from number `bit` on.
#[inline]
fn from_bit(bit: usize) -> u64 {
    if bit < BLOCK { !0 << bit } else { 0 }
}

/// The key of a term of one character.
#[inline]
fn of_one(c: char) -> u64 {
    after(0, c)
}

/// The key of the first two characters of longer terms.
#[inline]
fn of_two(one: char, two: char) -> u64 {
    1 << 63 | u64::from(one) << CHAR_BITS | u64::from(two)
}

/// The key of what follows node `number` with `c`; nodes are numbered from 1.
#[inline]
fn after(number: u32, c: char) -> u64 {
    (u64::from(number) << CHAR_BITS | u64::from(c)) + 1
}

/// Which of the kinds of characters that may follow.
#[inline]
fn kind(c: char) -> u32 {
    1 << ((c as u32).wrapping_mul(GOLDEN as u32) >> 27)
}

/// The word and the bit of a character in its filter.
#[inline]
fn place_of_one(c: char) -> (usize, u32) {
    (c as usize / 64 % WORDS, c as u32 % 64)
}

/// The word and the bit of two first characters in their filter.
#[inline]
fn place_of_two(one: char, two: char) -> (usize, u32) {
    let pair = u64::from(one) << CHAR_BITS | u64::from(two);
    let hash = (pair.wrapping_mul(GOLDEN) >> 48) as u32;
    ((hash / 64) as usize % WORDS, hash % 64)
}
