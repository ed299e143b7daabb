//! One author counts once in six hours in a series, and each further copy of a story weighs less; neither is forgotten
//! by a restart.
//!
//! A handful of accounts that post in turn, or one text passed on a thousand times, look like every crisis to a
//! counter. A piece weighs `1 / sqrt(1 + copies before it)`: reposts keep their heat, but a hundred copies weigh like
//! some twenty voices. Texts are copies when their fingerprints are near, or one passes the other on.
//!
//! Kept apart by spells of six hours of the brand's clock, so that what is forgotten does not depend on when the process
//! began. Not in the log: restored by reading the input of the last spells again.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;
use wensheng_text::{NEAR, SimHash};

/// Minutes of a spell, and of the author cap.
pub(crate) const SPELL: u32 = 360;

/// A copy more than this many bits away is another story; see [`NEAR`].
const DISTANCE: u32 = NEAR;

/// At most so many authors and stories are kept of a brand in a spell; a brand that hears more forgets the spell's
/// earliest half. Fewer would let floods through at the busiest brands, more would be some 100 MB for one.
const MOST: usize = 1 << 20;

/// Quarters of a fingerprint.
const BANDS: usize = 4;

/// No story.
const NONE: u32 = u32::MAX;

/// A story: near copies of one text.
#[derive(Debug, Clone, Copy)]
struct Story {
    fingerprint: SimHash,
    copies: u32,
    /// The next story of each of its bands; [`NONE`] for the last.
    next: [u32; BANDS],
}

/// The stories of a band, the earliest first.
#[derive(Debug, Clone, Copy)]
struct Chain {
    first: u32,
    last: u32,
}

#[derive(Debug, Clone, Default)]
struct Spell {
    number: u32,
    /// The minute at which an author last counted, by hash of series and author.
    authors: FxHashMap<u64, u32>,
    stories: Vec<Story>,
    /// Stories by each quarter of their fingerprint, and by the hash of the event that began or joined them.
    bands: FxHashMap<u32, Chain>,
    events: FxHashMap<u64, u32>,
}

/// What is remembered of a brand's authors and stories: the present spell and the one before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    now: Spell,
    before: Spell,
    /// The latest minute at which a piece was observed.
    minute: u32,
}

/// A piece as far as stories go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Copy {
    /// Its fingerprint; empty for a text too short to tell.
    pub(crate) fingerprint: SimHash,
    /// Hash of its event id.
    pub(crate) event: u64,
    /// Hash of the event id of what it passes on.
    pub(crate) origin: Option<u64>,
}

impl Memory {
    /// Takes in a piece, and tells how many copies of its story came before it.
    pub(crate) fn copies_before(&mut self, piece: &Copy, minute: u32) -> u32 {
        self.turn(minute);
        let found = self
            .now
            .story(piece)
            .map(|at| (true, at))
            .or_else(|| self.before.story(piece).map(|at| (false, at)));
        let (at, copies) = match found {
            Some((true, at)) => {
                let story = &mut self.now.stories[at as usize];
                story.copies += 1;
                (at, story.copies)
            }
            Some((false, at)) => {
                let story = self.before.stories[at as usize];
                let story = Story {
                    copies: story.copies + 1,
                    ..story
                };
                (self.now.begin(story), story.copies)
            }
            None => {
                let story = Story {
                    fingerprint: piece.fingerprint,
                    copies: 0,
                    next: [NONE; BANDS],
                };
                (self.now.begin(story), 0)
            }
        };
        self.now.events.insert(piece.event, at);
        if let Some(origin) = piece.origin {
            self.now.events.entry(origin).or_insert(at);
        }
        copies
    }

    /// Whether an author may count in a series now; `key` is the hash of both. One that counts is remembered.
    pub(crate) fn may_count(&mut self, key: u64, minute: u32) -> bool {
        let minute = self.turn(minute);
        let last = self
            .now
            .authors
            .get(&key)
            .or_else(|| self.before.authors.get(&key));
        if last.is_some_and(|last| minute.saturating_sub(*last) < SPELL) {
            return false;
        }
        self.now.authors.insert(key, minute);
        true
    }

    /// Lets the brand's clock reach `minute`, and tells where it stands.
    fn turn(&mut self, minute: u32) -> u32 {
        self.minute = self.minute.max(minute);
        let number = self.minute / SPELL;
        if number > self.now.number {
            let next = Spell {
                number,
                ..Spell::default()
            };
            let now = std::mem::replace(&mut self.now, next);
            self.before = if now.number + 1 == number {
                now
            } else {
                Spell::default()
            };
        }
        if self.now.authors.len() > MOST || self.now.stories.len() > MOST {
            let next = Spell {
                number,
                ..Spell::default()
            };
            self.before = std::mem::replace(&mut self.now, next);
        }
        self.minute
    }
}

impl Spell {
    fn story(&self, piece: &Copy) -> Option<u32> {
        let known = |event: &u64| self.events.get(event).copied();
        if let Some(at) = piece
            .origin
            .as_ref()
            .and_then(known)
            .or(known(&piece.event))
        {
            return Some(at);
        }
        if piece.fingerprint.is_empty() {
            return None;
        }
        for (band, key) in bands(piece.fingerprint).into_iter().enumerate() {
            let mut at = self.bands.get(&key).map_or(NONE, |chain| chain.first);
            while let Some(story) = self.stories.get(at as usize) {
                if story.fingerprint.distance(piece.fingerprint) <= DISTANCE {
                    return Some(at);
                }
                at = story.next[band];
            }
        }
        None
    }

    fn begin(&mut self, story: Story) -> u32 {
        let at = self.stories.len() as u32;
        self.stories.push(Story {
            next: [NONE; BANDS],
            ..story
        });
        if story.fingerprint.is_empty() {
            return at;
        }
        for (band, key) in bands(story.fingerprint).into_iter().enumerate() {
            match self.bands.entry(key) {
                Entry::Occupied(mut chain) => {
                    let last = std::mem::replace(&mut chain.get_mut().last, at);
                    self.stories[last as usize].next[band] = at;
                }
                Entry::Vacant(empty) => {
                    empty.insert(Chain {
                        first: at,
                        last: at,
                    });
                }
            }
        }
        at
    }
}

/// The bands of a fingerprint, each with its number.
fn bands(fingerprint: SimHash) -> [u32; BANDS] {
    let bands = fingerprint.bands();
    std::array::from_fn(|band| (band as u32) << 16 | u32::from(bands[band]))
}
