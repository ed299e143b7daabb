//! A text as numbers: hashed runs of one, two and three characters, the same at training and at use.
//!
//! Digits count as one digit, a bracketed emoticon (`[怒]`) as one character, and one that is repeated as one. No words: in trials they
//! added nothing to the runs.

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

/// The symbols of a normalised text of these characters, one per character or emoticon, into `symbols` (cleared first).
pub(crate) fn symbols(chars: &[char], symbols: &mut Vec<u32>) {
    symbols.clear();
    // Most texts have no bracket and no digit: every character is a symbol.
    if !chars
        .iter()
        .fold(false, |any, c| any | (*c == '[' || c.is_ascii_digit()))
    {
        symbols.extend(chars.iter().map(|c| *c as u32));
        return;
    }
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
    symbols: Vec<u32>,
    /// Each emoticon of the text once.
    emoticons: Vec<u32>,
    /// The features, `kept` of them, then room; first `distinct` ones, then emoticons again.
    features: Vec<u64>,
    kept: usize,
    distinct: usize,
    /// Runs whose symbols may all stand more than once in the text: no others can be there twice.
    repeats: Vec<u64>,
    /// Of each character of the basic plane, the stamp of the text that it was last seen in.
    seen: Box<[u8; PLANE]>,
    /// The stamp of this text; the next is of characters that came again in it.
    stamp: u8,
}

/// Characters of the basic plane. Other symbols, of which there are few, are taken for ones that come again.
const PLANE: usize = 1 << 16;
/// The last stamp of a text; after it, all are forgotten.
const LAST_STAMP: u8 = u8::MAX - 2;
/// As many repeats are compared with each other; more are sorted.
const COMPARED: usize = 48;
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
            repeats: Vec::new(),
            seen: Box::new([0; PLANE]),
            stamp: LAST_STAMP,
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
        symbols(chars, &mut self.symbols);
        // So many features at most, and as many repeats: written by their numbers, a branch less for each.
        let most = self.symbols.len() * 3;
        if self.features.len() < most {
            self.features.resize(most, 0);
            self.repeats.resize(most, 0);
        }
        let (singles, repeated) = self.read_single();
        let (kept, repeated) = self.read_joined(singles, repeated);
        let repeats = &mut self.repeats[..repeated];
        let features = &mut self.features;
        self.kept = kept;
        let mut keep = |repeat: u64| {
            features[self.kept] = repeat;
            self.kept += 1;
        };
        if repeats.len() > COMPARED {
            repeats.sort_unstable();
            repeats
                .chunk_by(|a, b| a == b)
                .for_each(|alike| keep(alike[0]));
        } else {
            for (n, repeat) in repeats.iter().enumerate() {
                if !repeats[..n].contains(repeat) {
                    keep(*repeat);
                }
            }
        }
        self.distinct = self.kept;
        self.emphasise();
    }

    /// Each emoticon again, as often as it counts more.
    fn emphasise(&mut self) {
        let emoticons = self.symbols.iter().filter(|symbol| **symbol >= EMOTICON);
        self.emoticons.clear();
        self.emoticons.extend(emoticons);
        self.emoticons.sort_unstable();
        self.emoticons.dedup();
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

    /// Every symbol once, at the head of the features; notes which come again. Gives how many features and repeats there are.
    fn read_single(&mut self) -> (usize, usize) {
        if self.stamp >= LAST_STAMP {
            self.seen.fill(0);
            self.stamp = 0;
        }
        // 0 is of characters that were never seen.
        self.stamp += if self.stamp == 0 { 1 } else { 2 };
        let features = self.features.as_mut_slice();
        let (mut singles, mut repeated) = (0, 0);
        for symbol in &self.symbols {
            let feature = single(*symbol);
            let Some(seen) = self.seen.get_mut(*symbol as usize) else {
                self.repeats[repeated] = feature;
                repeated += 1;
                continue;
            };
            let new = *seen < self.stamp;
            *seen = self.stamp + u8::from(!new);
            features[singles] = feature;
            singles += usize::from(new);
        }
        (singles, repeated)
    }

    /// Every run of two and three after `kept` features, or after so many repeats where it may be one. Gives how many of each there are.
    fn read_joined(&mut self, mut kept: usize, mut repeated: usize) -> (usize, usize) {
        let came_again = self.stamp + 1;
        let seen = self.seen.as_slice();
        let again = |symbol: u32| {
            seen.get(symbol as usize)
                .is_none_or(|seen| *seen == came_again)
        };
        let mut symbols = self
            .symbols
            .iter()
            .map(|symbol| (hash(*symbol), again(*symbol)));
        let features = self.features.as_mut_slice();
        let repeats = self.repeats.as_mut_slice();
        // It is written to both, and taken back from one.
        let mut keep = |feature: u64, again: bool| {
            (features[kept], repeats[repeated]) = (feature, feature);
            kept += usize::from(!again);
            repeated += usize::from(again);
        };
        let (Some((mut before, mut before_again)), Some((symbol, again))) =
            (symbols.next(), symbols.next())
        else {
            return (kept, repeated);
        };
        let mut both = before_again && again;
        let mut last = pair(before, symbol);
        keep(last, both);
        (before, before_again) = (symbol, again);
        for (symbol, again) in symbols {
            let own = (last ^ symbol.rotate_left(11)).wrapping_mul(0x94d0_49bb_1331_11eb);
            keep(last & NEAR | own >> 32, both & again);
            both = before_again & again;
            last = pair(before, symbol);
            keep(last, both);
            (before, before_again) = (symbol, again);
        }
        (kept, repeated)
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
        let symbols = &self.symbols[..self.symbols.len().min(OPENS)];
        for (feature, both) in room.iter_mut().zip(symbols.windows(2)) {
            // Elsewhere in the table than the same run as one of the text.
            *feature = !pair(hash(both[0]), hash(both[1]));
        }
        &room[..symbols.len().saturating_sub(1)]
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
mod tests {
    use super::*;

    const SPAN: usize = 1 << SPAN_BITS;

    fn of(text: &str) -> Vec<u32> {
        let mut out = Vec::new();
        symbols(&text.chars().collect::<Vec<_>>(), &mut out);
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
            "怒气怒气怒",
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
    fn an_emoticon_says_as_much_after_a_long_text() {
        let mut runs = Runs::default();
        let counts = |text: &str, runs: &mut Runs| {
            runs.read(text);
            let emoticon = single(*of("[怒]").first().unwrap());
            runs.features().iter().filter(|f| **f == emoticon).count()
        };
        assert_eq!(counts("气[怒]", &mut runs), 1);
        let long = "一二三四五六七八九十甲乙丙丁戊己庚辛壬癸";
        assert_eq!(counts(&format!("{long}[怒]"), &mut runs), 3);
        assert_eq!(counts(&format!("[怒]{long}[怒]"), &mut runs), 3);
        assert_eq!(counts(long, &mut runs), 0);
    }

    #[test]
    fn an_opening_has_features_of_its_own() {
        let mut runs = Runs::default();
        let mut opening = |text: &str| {
            runs.read(text);
            let mut room = [0; OPENING];
            let opening = runs.opening(&mut room).to_vec();
            assert!(opening.iter().all(|f| !runs.features().contains(f)));
            opening
        };
        assert!(opening("").is_empty() && opening("好").is_empty());
        let long = opening("一二三四五六七八九十甲乙丙丁");
        assert_eq!(long.len(), OPENING);
        assert_eq!(long, opening("一二三四五六七八九十甲乙好"));
        assert_ne!(long, opening("一二三四五六七八九十甲好"));
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
        assert_ne!(one[4], other[4]);
        assert!(one[3].abs_diff(one[4]) < SPAN && one[3].abs_diff(other[4]) < SPAN);
        assert!(one[..3].iter().all(|place| *place < (1 << 18) + SPAN));
    }
}
