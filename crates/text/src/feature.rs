//! A text as numbers: hashed runs of one, two and three characters, the same at training and at use.
//!
//! Digits count as one digit, a bracketed emoticon (`[怒]`) as one character, and one that is repeated as one. No words: in trials they
//! added nothing to the runs.

use crate::letters::Letters;

/// The longest text in a bracket that may be an emoticon, in characters: the longest of Weibo has eight.
const LONGEST_EMOTICON: usize = 8;
/// Emoticons are numbered above all Unicode characters, below 2^21, so that three symbols fit into 63 bits.
const EMOTICON: u32 = 0x11_0000;
const EMOTICONS: u32 = 0xE_0000;

const DIGIT: u32 = '0' as u32;
/// Further digits of a number tell nothing.
const LONGEST_NUMBER: usize = 3;

/// The symbols of a normalised text of these characters, one per character or emoticon, into `symbols` (cleared first).
pub(crate) fn symbols(chars: &[char], symbols: &mut Vec<u32>) {
    symbols.clear();
    symbols.reserve(chars.len());
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        if c == '['
            && let Some((inner, length)) = emoticon(&chars[at..])
        {
            let emoticon = EMOTICON + inner % EMOTICONS;
            // [怒][怒][怒] is no other feeling than [怒], and would drown the words.
            if symbols.last() != Some(&emoticon) {
                symbols.push(emoticon);
            }
            at += length;
            continue;
        }
        at += 1;
        if !c.is_ascii_digit() {
            symbols.push(c as u32);
        } else if !symbols.ends_with(&[DIGIT; LONGEST_NUMBER]) {
            symbols.push(DIGIT);
        }
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

/// The distinct runs of a text as features: what is said twice is said. Room that serves one text after the other.
///
/// A feature is a hash of 64 bits: its upper half says near which place of a table it stands, its lower half how far from there
/// ([`bucket_of`]). A run of two and the runs of three that begin with it stand near each other, single symbols at the head of the
/// table, so that a text touches few pages of memory.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    /// The characters of a text that comes without them.
    letters: Letters,
    symbols: Vec<u32>,
    features: Vec<u64>,
    /// Runs of two and three whose symbols all stand more than once in the text: no others can be there twice.
    repeats: Vec<u64>,
    /// An open-addressed set of symbols, at most an eighth full: each plus one, so that 0 is an empty place, marked if it came again.
    seen: Vec<u32>,
    /// Of each symbol, its place in `seen`.
    places: Vec<u32>,
}

/// The mark of a symbol that came again.
const AGAIN: u32 = 1 << 31;
/// The upper half of a feature.
const NEAR: u64 = !0 << 32;
/// Single symbols take the first sixteenth of a table.
const HEAD_BITS: u32 = 4;

impl Runs {
    /// Takes in a normalised text.
    pub(crate) fn read(&mut self, text: &str) {
        let mut letters = std::mem::take(&mut self.letters);
        letters.read(text);
        self.read_letters(&letters);
        self.letters = letters;
    }

    /// Takes in a normalised text of these characters.
    pub(crate) fn read_letters(&mut self, letters: &Letters) {
        symbols(letters.chars(), &mut self.symbols);
        // So many features at most, and as many repeats: written by their numbers, a branch less for each.
        let most = self.symbols.len() * 3;
        self.features.clear();
        self.features.resize(most, 0);
        let singles = self.read_single();
        self.read_joined(singles);
    }

    /// Every symbol once, at the head of the features; notes which come again. Gives how many.
    fn read_single(&mut self) -> usize {
        let places = (self.symbols.len() * 8).next_power_of_two().max(8);
        let shift = 64 - places.trailing_zeros();
        self.seen.clear();
        self.seen.resize(places, 0);
        self.places.resize(self.symbols.len(), 0);
        let seen = self.seen.as_mut_slice();
        let features = self.features.as_mut_slice();
        let mut singles = 0;
        for (symbol, place) in self.symbols.iter().zip(&mut self.places) {
            let hash = hash(*symbol);
            let key = symbol + 1;
            let mut at = (hash >> shift) as usize;
            while seen[at] != 0 && seen[at] & !AGAIN != key {
                at = (at + 1) & (places - 1);
            }
            *place = at as u32;
            let new = seen[at] == 0;
            seen[at] = if new { key } else { key | AGAIN };
            features[singles] = hash >> HEAD_BITS;
            singles += usize::from(new);
        }
        singles
    }

    /// Every run of two and three once, after the `singles`.
    fn read_joined(&mut self, singles: usize) {
        let symbols = self.symbols.iter().zip(&self.places);
        let seen = self.seen.as_slice();
        let mut symbols =
            symbols.map(|(symbol, at)| (hash(*symbol), seen[*at as usize] & AGAIN != 0));
        let Some((mut before, mut before_again)) = symbols.next() else {
            return;
        };
        let features = self.features.as_mut_slice();
        let mut kept = singles;
        self.repeats.clear();
        // A repeat is taken back from the features.
        let mut keep = |feature: u64, again: bool| {
            features[kept] = feature;
            kept += usize::from(!again);
            if again {
                self.repeats.push(feature);
            }
        };
        let mut last: Option<(u64, bool)> = None;
        for (symbol, again) in symbols {
            let pair = (before.rotate_left(29) ^ symbol).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let pair = pair ^ pair >> 32;
            let both = before_again && again;
            keep(pair, both);
            if let Some((last, all)) = last {
                let own = (last ^ symbol.rotate_left(11)).wrapping_mul(0x94d0_49bb_1331_11eb);
                keep(last & NEAR | own >> 32, all && again);
            }
            last = Some((pair, both));
            (before, before_again) = (symbol, again);
        }
        self.features.truncate(kept);
        self.repeats.sort_unstable();
        self.repeats.dedup();
        self.features.extend_from_slice(&self.repeats);
    }

    /// The distinct runs of one to three symbols, in an order that only the text decides.
    pub(crate) fn features(&self) -> &[u64] {
        &self.features
    }

    /// How many symbols the text has.
    pub(crate) fn symbols(&self) -> usize {
        self.symbols.len()
    }
}

/// 2^64 by the golden ratio: multiplying spreads symbols over the high bits (D. Knuth, TAOCP 3, 6.4).
#[inline]
fn hash(symbol: u32) -> u64 {
    (u64::from(symbol) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Within so many places a feature stands, unless the table is smaller.
const SPAN: u32 = 1 << 11;

/// The place of a feature in a table of `buckets` places, which need not be a power of two (D. Lemire, "Fast Random Integer Generation in
/// an Interval", 2019).
#[inline]
pub(crate) fn bucket_of(feature: u64, buckets: u32) -> usize {
    let span = SPAN.min(buckets / 2).max(1);
    let within = |hash: u64, places: u32| (hash * u64::from(places)) >> 32;
    (within(feature >> 32, buckets - span + 1) + within(feature & !NEAR, span)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<u32> {
        let mut out = Vec::new();
        symbols(Letters::of(text).chars(), &mut out);
        out
    }

    #[test]
    fn an_emoticon_is_one_symbol_and_brackets_of_other_use_are_not() {
        assert_eq!(of("气[怒]").len(), 2);
        assert_eq!(of("气[怒][怒][怒]"), of("气[怒]"));
        assert_ne!(of("[怒]"), of("[赞]"));
        assert_eq!(of("[]").len(), 2);
        assert_eq!(of("[这里面是一段很长的话]").len(), 12);
        assert_eq!(of("[未完").len(), 3);
    }

    #[test]
    fn all_digits_are_alike() {
        assert_eq!(of("12元"), of("98元"));
        assert_eq!(of("13800138000"), of("999"));
    }

    #[test]
    fn what_is_said_twice_is_one_run() {
        let mut runs = Runs::default();
        for text in [
            "",
            "一",
            "一二",
            "好好好",
            "不好不好,真的不好",
            "一二三四五六七八九十",
            "[怒]气[怒]气[怒]",
        ] {
            runs.read(text);
            let symbols = of(text);
            let distinct: std::collections::BTreeSet<&[u32]> =
                (1..=3).flat_map(|n| symbols.windows(n)).collect();
            assert_eq!(runs.features().len(), distinct.len(), "{text}");
            assert_eq!(runs.symbols(), symbols.len(), "{text}");
            let features: std::collections::BTreeSet<_> = runs.features().iter().collect();
            assert_eq!(features.len(), distinct.len(), "{text}");
        }
    }

    #[test]
    fn features_fall_into_the_table_and_runs_that_begin_alike_near_each_other() {
        let mut runs = Runs::default();
        runs.read("一二三四五");
        for buckets in [2, 100, 40_000, 1 << 22] {
            let places = runs.features().iter().map(|f| bucket_of(*f, buckets));
            assert!(places.into_iter().all(|place| place < buckets as usize));
        }
        let places = |text: &str| -> Vec<usize> {
            let mut runs = Runs::default();
            runs.read(text);
            runs.features()
                .iter()
                .map(|f| bucket_of(*f, 1 << 22))
                .collect()
        };
        let (one, other) = (places("天地人"), places("天地间"));
        assert_eq!(one[3], other[3]);
        assert_ne!(one[5], other[5]);
        assert!(
            one[3].abs_diff(one[5]) < SPAN as usize && one[3].abs_diff(other[5]) < SPAN as usize
        );
        assert!(
            one[..3]
                .iter()
                .all(|place| *place < (1 << 18) + SPAN as usize)
        );
    }
}
