//! The dictionary of the segmenter: from any character, the words that begin there, one table entry a character, whatever the size.
//!
//! A trie by characters. What follows the first character stands in one open-addressed hash table keyed by node and character; each node
//! knows which characters may follow (a filter of 16 bits), so that most of those that do not are never looked up. The weight of a word
//! stands in the node itself, as the place of its frequency among the few thousand that occur.

use std::collections::BTreeMap;

/// The place of no frequency: the node ends no word.
const NO_WORD: u16 = u16::MAX;
/// First characters with a place of their own: the basic plane.
const FIRSTS: usize = 0x1_0000;
/// Bits of a character.
const CHAR_BITS: u32 = 21;
/// 2^64 by the golden ratio: multiplying spreads keys over the high bits (D. Knuth, TAOCP 3, 6.4).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A beginning of words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    /// 0 for none.
    id: u32,
    /// One bit for each of 16 kinds of characters that may follow.
    follows: u16,
    /// Where the frequency of the word that ends here stands, or `NO_WORD`.
    frequency: u16,
}

const NONE: Node = Node {
    id: 0,
    follows: 0,
    frequency: NO_WORD,
};

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// The node before and the character, plus one; 0 for an empty slot.
    key: u64,
    node: Node,
}

/// Words with their frequencies.
#[derive(Clone)]
pub(crate) struct Dictionary {
    firsts: Box<[Node]>,
    slots: Vec<Slot>,
    /// Nodes in `slots`.
    filled: usize,
    nodes: u32,
    /// The frequencies that occur, their logarithms, and where each stands.
    frequencies: Vec<u64>,
    logarithms: Vec<f64>,
    places: BTreeMap<u64, u16>,
    /// Sum of the frequencies of all words, and its logarithm.
    total: u64,
    log_total: f64,
}

impl Dictionary {
    /// An empty dictionary with room for `words`.
    pub(crate) fn with_room(words: usize) -> Self {
        // Chinese dictionaries have some 1.4 beginnings a word; a quarter of the slots stays empty.
        let slots = (words * 2).next_power_of_two().max(1 << 10);
        Self {
            firsts: vec![NONE; FIRSTS].into(),
            slots: vec![Slot { key: 0, node: NONE }; slots],
            filled: 0,
            nodes: 0,
            frequencies: Vec::new(),
            logarithms: Vec::new(),
            places: BTreeMap::new(),
            total: 0,
            log_total: 0.0,
        }
    }

    /// Adds a word, or gives it another frequency. [`Dictionary::weigh`] must follow before words are looked for.
    pub(crate) fn insert(&mut self, word: &str, frequency: u64) {
        let mut characters = word.chars();
        let Some(first) = characters.next() else {
            return;
        };
        let place = self.place(frequency);
        let mut at = self.child(None, first);
        for c in characters {
            at = self.child(Some(at), c);
        }
        let before = std::mem::replace(&mut self.node_mut(at).frequency, place);
        if let Some(before) = self.frequencies.get(usize::from(before)) {
            self.total -= before;
        }
        self.total += self.frequencies[usize::from(place)];
    }

    /// Takes the words inserted since into the sum that makes likelihoods of frequencies.
    pub(crate) fn weigh(&mut self) {
        self.log_total = (self.total as f64).ln();
    }

    /// The logarithm of the sum of all frequencies.
    #[inline]
    pub(crate) fn log_total(&self) -> f64 {
        self.log_total
    }

    /// How often a word occurs, if it is known.
    pub(crate) fn frequency(&self, word: &str) -> Option<u64> {
        let mut characters = word.chars();
        let mut node = self.first(characters.next()?);
        for c in characters {
            node = self.next(node, c)?;
        }
        self.frequencies.get(usize::from(node.frequency)).copied()
    }

    /// The node of the words that begin with `c`.
    #[inline(always)]
    pub(crate) fn first(&self, c: char) -> Node {
        match self.firsts.get(c as usize) {
            Some(node) => *node,
            None => self.slots[self.probe(key(0, c))].node,
        }
    }

    /// The node after `node` and `c`, where words go on so.
    #[inline(always)]
    pub(crate) fn next(&self, node: Node, c: char) -> Option<Node> {
        if node.follows & kind(c) == 0 {
            return None;
        }
        let slot = &self.slots[self.probe(key(node.id, c))];
        (slot.key != 0).then_some(slot.node)
    }

    /// The log-likelihood of the word that ends at `node`, if one does.
    #[inline(always)]
    pub(crate) fn likelihood(&self, node: Node) -> Option<f64> {
        let logarithm = self.logarithms.get(usize::from(node.frequency))?;
        Some(logarithm - self.log_total)
    }

    /// Brings the slot of what may follow `first` and `second` near: a walk is a chain of loads that waits for each.
    #[inline(always)]
    pub(crate) fn touch(&self, first: char, second: char) {
        if let Some(node) = self.firsts.get(first as usize)
            && node.follows & kind(second) != 0
        {
            std::hint::black_box(self.slots[self.index(key(node.id, second))].key);
        }
    }

    #[inline(always)]
    fn index(&self, key: u64) -> usize {
        (key.wrapping_mul(GOLDEN) >> (64 - self.slots.len().trailing_zeros())) as usize
    }

    /// The slot that holds `key`, or the empty one where it would stand.
    #[inline(always)]
    fn probe(&self, key: u64) -> usize {
        let mut at = self.index(key);
        while self.slots[at].key != key && self.slots[at].key != 0 {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }

    fn node_mut(&mut self, at: Place) -> &mut Node {
        match at {
            Place::First(at) => &mut self.firsts[at],
            Place::Slot(key) => {
                let slot = self.probe(key);
                &mut self.slots[slot].node
            }
        }
    }

    /// The node of `c` after `parent`, made where it is missing.
    fn child(&mut self, parent: Option<Place>, c: char) -> Place {
        let parent = parent.map(|at| self.node_mut(at));
        let at = match parent {
            None if (c as usize) < FIRSTS => Place::First(c as usize),
            None => Place::Slot(key(0, c)),
            Some(parent) => {
                parent.follows |= kind(c);
                Place::Slot(key(parent.id, c))
            }
        };
        if let Place::Slot(key) = at
            && self.slots[self.probe(key)].key == 0
        {
            if (self.filled + 1) * 4 > self.slots.len() * 3 {
                self.grow();
            }
            let slot = self.probe(key);
            self.slots[slot].key = key;
            self.filled += 1;
        }
        let id = self.nodes + 1;
        let node = self.node_mut(at);
        if node.id == 0 {
            node.id = id;
            self.nodes = id;
        }
        at
    }

    fn grow(&mut self) {
        let larger = vec![Slot { key: 0, node: NONE }; self.slots.len() * 2];
        for slot in std::mem::replace(&mut self.slots, larger) {
            if slot.key != 0 {
                let at = self.probe(slot.key);
                self.slots[at] = slot;
            }
        }
    }

    /// Where `frequency` stands. Once there are more of them than places, the next lower one serves.
    fn place(&mut self, frequency: u64) -> u16 {
        if let Some(place) = self.places.get(&frequency) {
            return *place;
        }
        match u16::try_from(self.frequencies.len()) {
            Ok(place) if place < NO_WORD => {
                self.frequencies.push(frequency);
                self.logarithms.push((frequency as f64).ln());
                self.places.insert(frequency, place);
                place
            }
            _ => self
                .places
                .range(..frequency)
                .next_back()
                .map_or(0, |(_, place)| *place),
        }
    }
}

impl std::fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dictionary")
            .field("nodes", &self.nodes)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

/// Where a node stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    First(usize),
    /// In the slot of this key.
    Slot(u64),
}

#[inline(always)]
fn key(node: u32, c: char) -> u64 {
    (u64::from(node) << CHAR_BITS | u64::from(c)) + 1
}

/// One of 16 kinds, spread evenly.
#[inline(always)]
fn kind(c: char) -> u16 {
    1 << ((c as u32).wrapping_mul(0x9e37_79b1) >> 28)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_with_their_frequencies_also_after_the_table_grew() {
        let mut dictionary = Dictionary::with_room(1);
        let words: Vec<String> = ('一'..='龥')
            .take(3_000)
            .map(|c| format!("𠀀{c}好"))
            .collect();
        for (n, word) in words.iter().enumerate() {
            dictionary.insert(word, n as u64 + 1);
        }
        dictionary.insert("好", 7);
        dictionary.insert("好", 9);
        for (n, word) in words.iter().enumerate() {
            assert_eq!(dictionary.frequency(word), Some(n as u64 + 1), "{word}");
        }
        assert_eq!(dictionary.frequency("好"), Some(9));
        assert_eq!(dictionary.frequency("𠀀"), None);
        assert_eq!(dictionary.frequency("好好"), None);
        assert_eq!(dictionary.total, (1..=3_000).sum::<u64>() + 9);
    }

    #[test]
    fn more_frequencies_than_places_take_the_next_lower_one() {
        let mut dictionary = Dictionary::with_room(1);
        for n in 0..70_000 {
            dictionary.place(n * 2);
        }
        let place = dictionary.place(139_001);
        assert_eq!(dictionary.frequencies[usize::from(place)], 131_068);
    }
}
