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
/// Further digits of a number tell nothing.
const LONGEST_NUMBER: usize = 3;

/// The symbols of a normalised text, one per character or emoticon, into `symbols` (cleared first).
pub(crate) fn symbols(text: &str, symbols: &mut Vec<u32>) {
    symbols.clear();
    // Room at once for a post, which has at most as many symbols as bytes; more grows as it comes.
    symbols.reserve(text.len().min(1 << 10));
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '['
            && let Some((inner, after)) = emoticon(rest)
        {
            let emoticon = EMOTICON + inner % EMOTICONS;
            // [怒][怒][怒] is no other feeling than [怒], and would drown the words.
            if symbols.last() != Some(&emoticon) {
                symbols.push(emoticon);
            }
            rest = after;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        if !c.is_ascii_digit() {
            symbols.push(c as u32);
        } else if !symbols.ends_with(&[DIGIT; LONGEST_NUMBER]) {
            symbols.push(DIGIT);
        }
    }
}

/// The emoticon at the head of `text`: the hash of its name, and what follows it.
fn emoticon(text: &str) -> Option<(u32, &str)> {
    let mut hash: u32 = 0x811c_9dc5;
    for (n, (at, c)) in text[1..].char_indices().enumerate() {
        match c {
            ']' if n > 0 => return Some((hash, &text[at + 2..])),
            ']' | '[' | ' ' | '\n' => return None,
            _ if n == LONGEST_EMOTICON => return None,
            // FNV-1a over the code points.
            _ => hash = (hash ^ c as u32).wrapping_mul(0x0100_0193),
        }
    }
    None
}

/// Calls `each` with the hash of every run of one to three symbols.
#[inline]
pub(crate) fn hashes(symbols: &[u32], mut each: impl FnMut(u32)) {
    let (mut two, mut one) = (0u64, 0u64);
    for (at, symbol) in symbols.iter().enumerate() {
        let symbol = u64::from(*symbol);
        each(hash(symbol));
        if at >= 1 {
            each(hash(symbol | one << 21));
        }
        if at >= 2 {
            each(hash(symbol | one << 21 | two << 42));
        }
        (two, one) = (one, symbol);
    }
}

/// How many runs `hashes` visits.
pub(crate) fn count(symbols: &[u32]) -> usize {
    (symbols.len() * 3)
        .saturating_sub(3)
        .max(symbols.len().min(1))
}

/// The distinct runs of a text: what is said twice is said. Room that serves one text after the other.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    symbols: Vec<u32>,
    hashes: Vec<u32>,
    /// An open-addressed set of `hashes`, at most half full; 0 is an empty place.
    seen: Vec<u32>,
}

impl Runs {
    /// Takes in a normalised text.
    pub(crate) fn read(&mut self, text: &str) {
        symbols(text, &mut self.symbols);
        let most = count(&self.symbols);
        let places = (most * 2).next_power_of_two().max(2);
        self.seen.clear();
        self.seen.resize(places, 0);
        self.hashes.clear();
        self.hashes.reserve(most);
        let (found, seen) = (&mut self.hashes, self.seen.as_mut_slice());
        let shift = 32 - places.trailing_zeros();
        hashes(&self.symbols, |hash| {
            let hash = hash.max(1);
            let mut at = (hash >> shift) as usize;
            while seen[at] != 0 {
                if seen[at] == hash {
                    return;
                }
                at = (at + 1) & (places - 1);
            }
            seen[at] = hash;
            found.push(hash);
        });
    }

    /// The hashes of the distinct runs of one to three symbols, in the order in which they come first.
    pub(crate) fn hashes(&self) -> &[u32] {
        &self.hashes
    }

    /// How many symbols the text has.
    pub(crate) fn symbols(&self) -> usize {
        self.symbols.len()
    }
}

/// The finaliser of splitmix64 without its last step: the high bits depend on all of the key.
#[inline]
fn hash(key: u64) -> u32 {
    let h = (key ^ key >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let h = (h ^ h >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (h >> 32) as u32
}

/// Spreads the hash of a feature over `buckets` places, which need not be a power of two (D. Lemire, "Fast Random Integer Generation
/// in an Interval", 2019).
#[inline]
pub(crate) fn bucket_of(hash: u32, buckets: u32) -> usize {
    ((u64::from(hash) * u64::from(buckets)) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<u32> {
        let mut out = Vec::new();
        symbols(text, &mut out);
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
            "好好好",
            "不好不好,真的不好",
            "一二三四五六七八九十",
        ] {
            runs.read(text);
            let mut all = Vec::new();
            hashes(&of(text), |hash| all.push(hash));
            let distinct: std::collections::BTreeSet<u32> = all.into_iter().collect();
            assert_eq!(runs.hashes().len(), distinct.len(), "{text}");
            assert_eq!(runs.symbols(), text.chars().count(), "{text}");
            assert!(runs.hashes().iter().all(|h| distinct.contains(h)), "{text}");
        }
    }

    #[test]
    fn runs_of_one_two_and_three_are_counted() {
        for text in ["", "一", "一二", "一二三", "一二三四五"] {
            let symbols = of(text);
            let mut n = 0;
            hashes(&symbols, |hash| {
                assert!(bucket_of(hash, 1000) < 1000);
                n += 1;
            });
            assert_eq!(n, count(&symbols), "{text}");
        }
    }
}
