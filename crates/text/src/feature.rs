//! A text as numbers: hashed runs of one, two and three characters, the same at training and at use.
//!
//! Digits count as one digit, a bracketed emoticon (`[怒]`) as one character, and one that is repeated as one. No words: in trials they
//! added nothing to the runs.

use rustc_hash::FxHashSet;

/// The longest text in a bracket that may be an emoticon, in characters: the longest of Weibo has eight.
const LONGEST_EMOTICON: usize = 8;
/// Emoticons are numbered above all Unicode characters, below 2^21, so that three symbols fit into 63 bits.
const EMOTICON: u32 = 0x11_0000;
const EMOTICONS: u32 = 0xE_0000;

const DIGIT: u32 = '0' as u32;
/// An emoticon counts so often more as this part of the root of the number of runs, by which all weights are divided: it says as much after
/// a long text as after a short one. 0.3 and 0.6 did alike on held-out training rows, 0.15 less.
const EMPHASIS: f32 = 0.3;
/// So many symbols open a text.
const OPENS: usize = 12;
/// Runs of two in them.
pub(crate) const OPENING: usize = OPENS - 1;
/// Further digits of a number tell nothing.
const LONGEST_NUMBER: usize = 3;

/// Adds the symbols of a normalised text of these characters, one per character or emoticon, to `symbols`, and its emoticons to
/// `emoticons`.
pub(crate) fn symbols(chars: &[char], symbols: &mut Vec<u32>, emoticons: &mut Vec<u32>) {
    let mut rest = chars;
    loop {
        let plain = rest
            .iter()
            .position(|c| *c == '[' || c.is_ascii_digit())
            .unwrap_or(rest.len());
        symbols.extend(rest[..plain].iter().map(|c| *c as u32));
        rest = &rest[plain..];
        let Some(c) = rest.first() else {
            return;
        };
        let mut taken = 1;
        if c.is_ascii_digit() {
            if !symbols.ends_with(&[DIGIT; LONGEST_NUMBER]) {
                symbols.push(DIGIT);
            }
        } else if let Some((inner, length)) = emoticon(rest) {
            let emoticon = EMOTICON + inner % EMOTICONS;
            // [怒][怒][怒] is no other feeling than [怒], and would drown the words.
            if symbols.last() != Some(&emoticon) {
                symbols.push(emoticon);
            }
            emoticons.push(emoticon);
            taken = length;
        } else {
            symbols.push('['.into());
        }
        rest = &rest[taken..];
    }
}

/// The emoticon at the head of `chars`: the hash of its name, and how many characters it takes.
fn emoticon(chars: &[char]) -> Option<(u32, usize)> {
    let mut hash: u32 = 0x811c_9dc5;
    for (n, c) in chars[1..].iter().enumerate() {
        match c {
            ']' if n > 0 => return Some((hash, n + 2)),
            ']' | '[' | ' ' | '\n' => return None,
            _ if n == LONGEST_EMOTICON => return None,
            // FNV-1a over the code points.
            _ => hash = (hash ^ *c as u32).wrapping_mul(0x0100_0193),
        }
    }
    None
}

/// The distinct runs of a text as features: what is said twice is said; after them its emoticons as often as they count more. Room that serves
/// one text after the other.
///
/// A feature is a hash of 64 bits: its upper half says near which place of a table it stands, its lower half how far from there
/// ([`bucket_of`]). A run of two and the runs of three that begin with it stand near each other, single symbols at the head of the
/// table, so that a text touches few pages of memory.
#[derive(Debug)]
pub(crate) struct Runs {
    /// The characters of a text that comes as a string.
    chars: Vec<char>,
    /// [`START`], then the symbols of the text.
    symbols: Vec<u32>,
    /// Each emoticon of the text once.
    emoticons: Vec<u32>,
    /// The features, `kept` of them, then room; first `distinct` ones, then emoticons again.
    features: Vec<u64>,
    kept: usize,
    distinct: usize,
    /// Which symbol was met last in each slot, into which they fall by their lowest bits; symbols are numbered on from text to text. So few
    /// that they stay in the processor's nearest cache.
    met: Box<[u32; SLOTS]>,
    /// The number of the first symbol of the text, above those of all texts before it.
    first: u32,
    /// Of each symbol of the text, which was met before it in its slot; then room.
    before: Vec<u32>,
    /// The places of symbols whose slots were met before in the text, then room.
    again: Vec<u32>,
    /// The features of a long text.
    all: FxHashSet<u64>,
}

/// Stand before the first symbol, so that each ends a run of three, and are no symbols.
const START: [u32; LONGEST - 1] = [u32::MAX, u32::MAX - 1];
/// One of sixty symbols falls into the slot of another.
const SLOTS: usize = 1 << 11;
/// In texts of more symbols than these each has been met so often that its runs are told apart by a set of all.
const LONG: usize = 1 << 10;
/// The longest run.
const LONGEST: usize = 3;
/// The upper half of a feature.
const NEAR: u64 = !0 << 32;
/// Single symbols take the first sixteenth of a table.
const HEAD_BITS: u32 = 4;

impl Default for Runs {
    fn default() -> Self {
        Self {
            chars: Vec::new(),
            symbols: Vec::new(),
            emoticons: Vec::new(),
            features: Vec::new(),
            kept: 0,
            distinct: 0,
            met: Box::new([0; SLOTS]),
            first: 1,
            before: Vec::new(),
            again: Vec::new(),
            all: FxHashSet::default(),
        }
    }
}

impl Runs {
    /// Takes in a normalised text.
    pub(crate) fn read(&mut self, text: &str) {
        let mut chars = std::mem::take(&mut self.chars);
        chars.clear();
        chars.extend(text.chars());
        self.read_chars(&chars);
        self.chars = chars;
    }

    /// Takes in a normalised text of these characters.
    pub(crate) fn read_chars(&mut self, chars: &[char]) {
        self.symbols.clear();
        self.symbols.extend(START);
        self.emoticons.clear();
        symbols(chars, &mut self.symbols, &mut self.emoticons);
        self.emoticons.sort_unstable();
        self.emoticons.dedup();
        self.join();
        if self.symbols() > LONG {
            self.drop_repeats_of_many();
        } else {
            self.drop_repeats();
        }
        self.distinct = self.kept;
        self.emphasise();
    }

    /// The runs that end at the first symbol, at the second and so on: the shortest first.
    fn join(&mut self) {
        let room = self.symbols.len() * LONGEST;
        if self.features.len() < room {
            self.features.resize(room, 0);
        }
        let [_, _, symbols @ ..] = &self.symbols[..] else {
            return;
        };
        let (first, rest) = symbols.split_at(symbols.len().min(LONGEST - 1));
        self.kept = match first {
            [one, two] => {
                let both = pair(hash(*one), hash(*two));
                self.features[..LONGEST].copy_from_slice(&[single(*one), single(*two), both]);
                LONGEST + rest.len() * LONGEST
            }
            [one] => {
                self.features[0] = single(*one);
                1
            }
            _ => 0,
        };
        if rest.is_empty() {
            return;
        }
        let mut before = hash(first[1]);
        let mut both = self.features[2];
        let (features, _) = self.features[LONGEST..].as_chunks_mut();
        for (features, symbol) in features.iter_mut().zip(rest) {
            let symbol = hash(*symbol);
            let own = (both ^ symbol.rotate_left(11)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let all = both & NEAR | own >> 32;
            both = pair(before, symbol);
            before = symbol;
            *features = [symbol >> HEAD_BITS, both, all];
        }
    }

    /// Drops the runs that came before.
    fn drop_repeats(&mut self) {
        let again = self.meet();
        let mut kept = self.kept;
        // From the last to the first: what takes the place of a run is one that stays.
        for at in self.again[..again].iter().rev() {
            let at = *at as usize;
            // Two symbols end three runs, each further one three more.
            let begin = ((at - LONGEST) * LONGEST).max(1);
            let repeats = self.repeats(at);
            let mut drop = |repeat: usize| {
                kept -= 1;
                self.features[repeat] = self.features[kept];
            };
            // Mostly one.
            if repeats > 1 {
                (begin + 1..begin + repeats).rev().for_each(&mut drop);
            }
            if repeats > 0 {
                drop(begin);
            }
        }
        self.kept = kept;
        self.first += self.symbols.len() as u32;
    }

    /// The same for a long text, in linear time.
    fn drop_repeats_of_many(&mut self) {
        self.all.clear();
        let mut kept = 0;
        for at in 0..self.kept {
            let feature = self.features[at];
            self.features[kept] = feature;
            kept += usize::from(self.all.insert(feature));
        }
        self.kept = kept;
    }

    /// Meets every symbol. Gives how many slots were met before in the text.
    fn meet(&mut self) -> usize {
        let length = self.symbols.len();
        if self.first.checked_add(length as u32).is_none() {
            self.met.fill(0);
            self.first = 1;
        }
        if self.before.len() < length {
            self.before.resize(length, 0);
            self.again.resize(length, 0);
        }
        self.before[..START.len()].fill(0);
        let (first, met, again) = (self.first, &mut *self.met, &mut self.again[..length]);
        let mut found = 0;
        let symbols = self.symbols.iter().zip(&mut self.before);
        for (at, (symbol, before)) in (0..).zip(symbols).skip(START.len()) {
            let met = &mut met[*symbol as usize % SLOTS];
            let last = std::mem::replace(met, first + at);
            *before = last;
            again[found] = at;
            found += usize::from(last >= first);
        }
        found
    }

    /// How many of the runs that end at symbol number `at` came before: the shortest ones.
    #[inline]
    fn repeats(&self, at: usize) -> usize {
        let [three, two, one] = ending(&self.symbols, at);
        let alike = |end: usize| {
            let [other_three, other_two, other_one] = ending(&self.symbols, end);
            let (one, two) = (one == other_one, two == other_two);
            let (two, three) = (one & two, one & two & (three == other_three));
            usize::from(one) + usize::from(two) + usize::from(three)
        };
        let [three, two, mut met] = ending(&self.before, at);
        let (two, three) = (two >= self.first, three >= self.first);
        // No longer run can have come before than of symbols that all did.
        let longest = 1 + usize::from(two) + usize::from(two & three);
        let mut most = 0;
        loop {
            let end = met.wrapping_sub(self.first) as usize;
            most = most.max(alike(end));
            met = self.before[end];
            if (most >= longest) | (met < self.first) {
                return most;
            }
        }
    }

    /// Each emoticon again, as often as it counts more.
    fn emphasise(&mut self) {
        let times = ((self.kept as f32).sqrt() * EMPHASIS) as usize;
        let end = self.kept + times * self.emoticons.len();
        if self.features.len() < end {
            self.features.resize(end, 0);
        }
        for emoticon in &self.emoticons {
            self.features[self.kept..self.kept + times].fill(single(*emoticon));
            self.kept += times;
        }
    }

    /// The distinct runs of one to three symbols, in an order that only the text decides.
    pub(crate) fn distinct(&self) -> &[u64] {
        &self.features[..self.distinct]
    }

    /// The same, and after them the emoticons as often as they count more.
    pub(crate) fn features(&self) -> &[u64] {
        &self.features[..self.kept]
    }

    /// The runs of two that open the text, as features of their own, into `room`: where a text begins, many a review says what it is about to
    /// say.
    pub(crate) fn opening<'a>(&self, room: &'a mut [u64; OPENING]) -> &'a [u64] {
        let symbols = &self.symbols[START.len()..];
        let symbols = &symbols[..symbols.len().min(OPENS)];
        for (feature, both) in room.iter_mut().zip(symbols.windows(2)) {
            // Elsewhere in the table than the same run as one of the text.
            *feature = !pair(hash(both[0]), hash(both[1]));
        }
        &room[..symbols.len().saturating_sub(1)]
    }

    /// How many symbols the text has.
    pub(crate) fn symbols(&self) -> usize {
        self.symbols.len() - START.len()
    }
}

/// 2^64 by the golden ratio: multiplying spreads symbols over the high bits (D. Knuth, TAOCP 3, 6.4).
#[inline]
fn hash(symbol: u32) -> u64 {
    (u64::from(symbol) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The three up to number `end`.
#[inline]
fn ending(all: &[u32], end: usize) -> [u32; LONGEST] {
    let [one, two, three] = all[end + 1 - LONGEST..=end] else {
        return [0; LONGEST];
    };
    [one, two, three]
}

/// The feature of a symbol by itself.
#[inline]
fn single(symbol: u32) -> u64 {
    hash(symbol) >> HEAD_BITS
}

/// The feature of two symbols, by their hashes.
#[inline]
fn pair(before: u64, symbol: u64) -> u64 {
    let pair = (before.rotate_left(29) ^ symbol).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    pair ^ pair >> 32
}

/// Within 2 to the power of so many places a feature stands, unless the table is smaller.
const SPAN_BITS: u32 = 11;

/// The place of a feature in a table of `buckets` places, which need not be a power of two (D. Lemire, "Fast Random Integer Generation in
/// an Interval", 2019).
#[inline]
pub(crate) fn bucket_of(feature: u64, buckets: u32) -> usize {
    let span_bits = buckets.ilog2().saturating_sub(1).min(SPAN_BITS);
    let spans = u64::from(buckets - (1 << span_bits) + 1);
    let near = ((feature >> 32) * spans) >> 32;
    let within = (feature & !NEAR) >> (32 - span_bits);
    (near + within) as usize
}

#[cfg(test)]
mod tests;
