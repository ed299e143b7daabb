//! Terms by their first characters: what stands at a place of a text is found by walking from there, which ends at the first character
//! that no term goes on with.
//!
//! Two filters tell for 64 places at once, without a branch, where a term may begin; most of those where none does are never looked up.
//! The others are, all of the 64 places before the first is walked, so that they wait for memory together: for a term of one character,
//! punctuation above all, in a table of its own, and for the first two characters of longer ones, which know which third may follow.

use std::hint::select_unpredictable;

use crate::letters::Letters;
use crate::terms::Found;

/// The mark of the number of a node at which a term ends.
const ENDS: u32 = 1 << 31;
/// That of one that stands where another, which walks enter with, would.
const TAKEN: u32 = 1 << 30;
/// The number alone.
const NUMBER: u32 = TAKEN - 1;
/// The mark of the key of the first two characters.
const PAIR: u64 = 1 << 63;
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
        this.settle(this.nodes.len());
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
            key = after(self.nodes[at].number & NUMBER, c);
        }
        self.node(key, Some(number | ENDS));
    }

    /// The slot of the node of `key`, made where it is missing, with this number or one where no term ends.
    fn node(&mut self, key: u64, number: Option<u32>) -> usize {
        if (self.count + 1) * 2 > self.nodes.len() {
            self.settle(self.nodes.len() * 2);
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
            longer: 0,
            terms: [0; BLOCK],
            numbers: [0; BLOCK],
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

    /// One more than the term that is this character; 0 for none.
    #[inline]
    fn single(&self, c: char) -> u32 {
        match self.singles.get(c as usize) {
            Some(term) => *term,
            None => self.nodes[self.probe(of_one(c))].number & NUMBER,
        }
    }

    /// The number of the node of the first two of these characters, 0 where there is none, and whether a term may go on with the third.
    #[inline]
    fn enter(&self, one: char, two: char, three: char) -> (u32, bool) {
        let key = of_two(one, two);
        let mut node = self.nodes[self.slot(key)];
        if (node.key != key) & (node.number & TAKEN != 0) {
            node = self.nodes[self.probe(key)];
        }
        let own = node.key == key;
        let number = select_unpredictable(own, node.number, 0);
        (number, own & (node.follows & kind(three) != 0))
    }

    /// The longest term from character `at` on that goes on from beginning `number`, of two characters, and the character after it.
    #[inline]
    fn longest(&self, letters: &[char], at: usize, mut number: u32) -> Option<(u32, usize)> {
        let mut found = None;
        let mut end = at + 2;
        loop {
            let node = self.nodes[self.probe(after(number & NUMBER, letters[end]))];
            end += 1;
            if node.number & ENDS != 0 {
                found = Some((node.number & NUMBER, end));
            }
            // An empty slot is followed by nothing.
            if letters
                .get(end)
                .is_none_or(|c| node.follows & kind(*c) == 0)
            {
                return found;
            }
            number = node.number;
        }
    }

    /// Where the search for `key` begins.
    #[inline]
    fn slot(&self, key: u64) -> usize {
        (key.wrapping_mul(GOLDEN) >> 32) as usize & (self.nodes.len() - 1)
    }

    /// The slot that holds `key`, or the empty one where it would stand.
    #[inline]
    fn probe(&self, key: u64) -> usize {
        let mut at = self.slot(key);
        while self.nodes[at].key != key && self.nodes[at].key != 0 {
            at = (at + 1) & (self.nodes.len() - 1);
        }
        at
    }

    /// Gives every node its place among so many slots. Where walks enter first, so that they seldom find another there.
    fn settle(&mut self, slots: usize) {
        let nodes = std::mem::replace(&mut self.nodes, vec![EMPTY; slots]);
        let (first, further): (Vec<Node>, Vec<Node>) = nodes
            .into_iter()
            .filter(|node| node.key != 0)
            .partition(|node| node.key & PAIR != 0);
        for mut node in first.into_iter().chain(further) {
            let (home, at) = (self.slot(node.key), self.probe(node.key));
            if home != at && node.key & PAIR != 0 {
                self.nodes[home].number |= TAKEN;
            }
            node.number &= !TAKEN;
            self.nodes[at] = node;
        }
    }
}

/// The terms of a text, from first to last.
pub(crate) struct Walk<'a> {
    trie: &'a Trie,
    letters: &'a Letters,
    /// Where terms of one character stand in the block of 64 characters before `block`.
    ones: u64,
    /// Where beginnings of two characters do that end a term or go on.
    twos: u64,
    /// Where they go on.
    longer: u64,
    /// One more than the term of one character, by the place in the block.
    terms: [u32; BLOCK],
    /// The numbers of the nodes of the beginnings.
    numbers: [u32; BLOCK],
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
            self.ones = each(ones & untaken, |bit| {
                let term = self.trie.single(rest[bit]);
                self.terms[bit] = term;
                term != 0
            });
            let mut longer = 0;
            // What stands there nobody can foresee: as few branches as can be.
            self.twos = each(twos & untaken, |bit| {
                // A pair is marked; nothing follows the last.
                let third = rest.get(bit + 2).copied().unwrap_or_default();
                let (number, goes_on) = self.trie.enter(rest[bit], rest[bit + 1], third);
                self.numbers[bit] = number;
                longer |= u64::from(goes_on) << bit;
                (number & ENDS != 0) | goes_on
            });
            self.longer = longer;
            self.block += BLOCK;
        }
        Some(())
    }
}

/// Those of these bits that `keep` keeps.
#[inline]
fn each(bits: u64, mut keep: impl FnMut(usize) -> bool) -> u64 {
    let (mut left, mut kept) = (bits, 0);
    while left != 0 {
        let bit = left.trailing_zeros() as usize % BLOCK;
        left &= left - 1;
        kept |= u64::from(keep(bit)) << bit;
    }
    kept
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
            let bit = (self.ones | self.twos).trailing_zeros() as usize % BLOCK;
            let first = self.block - BLOCK;
            let at = first + bit;
            let stands = |marks: u64| marks >> bit & 1 != 0;
            let number = self.numbers[bit];
            let two = stands(self.twos) & (number & ENDS != 0);
            let one = select_unpredictable(stands(self.ones), self.terms[bit], 0);
            let mut term = select_unpredictable(two, number & NUMBER, one);
            let mut end = at + 1 + usize::from(two);
            if stands(self.longer) {
                let found = self.trie.longest(self.letters.with_end(), at, number);
                (term, end) = found.unwrap_or((term, end));
            }
            let untaken = from_bit(end - first);
            self.ones &= untaken;
            self.twos &= untaken;
            self.longer &= untaken;
            let Some(term) = term.checked_sub(1) else {
                continue;
            };
            self.free = end;
            return Some(Found {
                term: term as usize,
                start: self.letters.byte(at),
                end: self.letters.byte(end),
                letters: at..end,
            });
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
    PAIR | u64::from(one) << CHAR_BITS | u64::from(two)
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
