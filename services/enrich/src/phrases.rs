//! What a brand's stream speaks of, bounded in memory: the words and phrases of a piece that were heard often enough to be told. What was told stands on
//! the record and in its contribution, so that sums never depend on this memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use wensheng_text::{Analyzer, PhraseFinder, PhraseTokens, Words};

use crate::config::PhraseMemory;

/// Pieces of each partition that are heard again after a restart: what a half-life of the finder needs, read in about a second.
const RECALLED: usize = 4_000;
/// Bytes of text that are kept of each partition until then: long calls are recalled fewer.
const RECALLED_BYTES: usize = 4 << 20;

/// The memory of phrases. The sessions of a process share it: each of them alone would hear of a brand too little to know what is new.
#[derive(Clone)]
pub struct Phrases {
    config: Arc<PhraseMemory>,
    memory: Arc<Mutex<Memory>>,
}

/// The finders of the brands heard last.
#[derive(Default)]
struct Memory {
    brands: HashMap<String, Slot>,
    turn: u64,
    /// The next offset of each partition that was not heard: what a session that lost its partitions reads again is not heard again.
    next: HashMap<u32, u64>,
    /// What restoring read last, until the first piece of the session comes that holds the partition.
    recalled: BTreeMap<u32, Recalled>,
}

/// The last pieces of one partition.
#[derive(Default)]
struct Recalled {
    pieces: VecDeque<Heard>,
    /// Of their texts.
    bytes: usize,
}

/// Of one brand; those of other brands do not wait for who learns.
type Finder = Arc<Mutex<PhraseFinder>>;

struct Slot {
    finder: Finder,
    /// The turn in which it was heard last.
    heard: u64,
}

/// A piece that was heard before a restart.
struct Heard {
    at: Timestamp,
    brand: String,
    text: String,
}

/// Where a piece stands in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) partition: u32,
    pub(crate) offset: u64,
}

impl Phrases {
    /// A memory that has heard nothing.
    pub fn new(config: PhraseMemory) -> Self {
        Self {
            config: Arc::new(config),
            memory: Arc::default(),
        }
    }

    /// Whether anything is remembered at all.
    pub(crate) fn is_on(&self) -> bool {
        self.config.brands > 0
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        held(&self.memory)
    }

    /// The terms that a piece about `brand` is to be counted under: phrases, those that burst most first, then `keywords`. A piece that is `new` is
    /// learned from; a revision of one that was heard is not heard twice.
    pub(crate) fn hear<'a>(
        &self,
        place: Place,
        brand: &str,
        new: bool,
        words: &Words,
        keywords: impl Iterator<Item = &'a str>,
    ) -> Vec<String> {
        if !self.is_on() {
            return Vec::new();
        }
        let words = words.to_vec();
        let tokens = PhraseTokens::of(&words);
        let (finder, new) = {
            let mut memory = self.memory();
            if new && memory.is_next(place) {
                (Some(memory.finder(brand, &self.config)), true)
            } else {
                (memory.known(brand), false)
            }
        };
        let Some(finder) = finder else {
            return Vec::new();
        };
        let mut finder = held(&finder);
        let phrases = if new {
            finder.observe(&tokens)
        } else {
            finder.find(&tokens)
        };
        let mut terms: Vec<String> = phrases.into_iter().map(|phrase| phrase.text).collect();
        for keyword in keywords {
            if finder.is_frequent(keyword) && !terms.iter().any(|term| term == keyword) {
                terms.push(keyword.to_owned());
            }
        }
        terms.truncate(self.config.per_piece);
        terms
    }

    /// Notes a piece that was heard before a restart; the last of each partition are kept.
    pub(crate) fn recall(&self, place: Place, at: Timestamp, brand: String, text: String) {
        let mut memory = self.memory();
        if !memory.is_next(place) {
            return;
        }
        let last = memory.recalled.entry(place.partition).or_default();
        last.bytes += text.len();
        last.pieces.push_back(Heard { at, brand, text });
        while last.pieces.len() > RECALLED || last.bytes > RECALLED_BYTES {
            let Some(first) = last.pieces.pop_front() else {
                break;
            };
            last.bytes -= first.text.len();
        }
    }

    /// Hears what was recalled of these partitions, in the order in which it once came. What other sessions are still restoring is theirs.
    pub(crate) fn settle(&self, analyzer: &Analyzer, partitions: impl Iterator<Item = u32>) {
        let mut pieces: Vec<Heard> = Vec::new();
        {
            let mut memory = self.memory();
            let recalled = partitions.filter_map(|partition| memory.recalled.remove(&partition));
            pieces.extend(recalled.flat_map(|last| last.pieces));
        }
        pieces.sort_by_key(|piece| piece.at);
        for piece in pieces {
            let words = analyzer.words(&piece.text);
            let finder = self.memory().finder(&piece.brand, &self.config);
            drop(held(&finder).observe(&PhraseTokens::of(&words.to_vec())));
        }
    }
}

impl Memory {
    /// Whether nothing of this place or later was heard; then this has been.
    fn is_next(&mut self, place: Place) -> bool {
        let next = self.next.entry(place.partition).or_default();
        let is_next = place.offset >= *next;
        if is_next {
            *next = place.offset + 1;
        }
        is_next
    }

    /// The finder of a brand; where it is new, the brand that was silent longest gives way.
    fn finder(&mut self, brand: &str, config: &PhraseMemory) -> Finder {
        self.turn += 1;
        if !self.brands.contains_key(brand) && self.brands.len() >= config.brands {
            let silent = self.brands.iter().min_by_key(|(_, slot)| slot.heard);
            if let Some(silent) = silent.map(|(brand, _)| brand.clone()) {
                self.brands.remove(&silent);
            }
        }
        let slot = self.brands.entry(brand.to_owned()).or_insert_with(|| Slot {
            finder: Arc::new(Mutex::new(PhraseFinder::new(config.finder.clone()))),
            heard: 0,
        });
        slot.heard = self.turn;
        slot.finder.clone()
    }

    /// The finder of a brand that was heard.
    fn known(&self, brand: &str) -> Option<Finder> {
        self.brands.get(brand).map(|slot| slot.finder.clone())
    }
}

/// What a session left behind that broke off is as good as any: counts that fade.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recalled_is_bounded_in_pieces_and_in_bytes() {
        let phrases = Phrases::new(PhraseMemory::default());
        let mut offset = 0;
        let mut recall = |text: &str| {
            let place = Place {
                partition: 3,
                offset,
            };
            offset += 1;
            for _ in 0..2 {
                phrases.recall(
                    place,
                    Timestamp::UNIX_EPOCH,
                    "甲".to_owned(),
                    text.to_owned(),
                );
            }
            let memory = phrases.memory();
            let last = &memory.recalled[&3];
            let bytes: usize = last.pieces.iter().map(|piece| piece.text.len()).sum();
            assert_eq!(bytes, last.bytes);
            assert!(last.bytes <= RECALLED_BYTES);
            last.pieces.len()
        };
        for n in 1..=RECALLED {
            assert_eq!(recall("奶茶"), n);
        }
        assert_eq!(recall("奶茶"), RECALLED);
        let call = "喂".repeat(RECALLED_BYTES / 9);
        let kept: Vec<usize> = (0..5).map(|_| recall(&call)).collect();
        assert_eq!(kept[4], 3);
    }
}
