//! A fingerprint of 64 bits that is nearly the same for nearly the same texts, and the same on every machine (M. Charikar, "Similarity
//! Estimation Techniques from Rounding Algorithms", STOC 2002; the distance of 3 is that of G. Manku, A. Jain and A. Das Sarma,
//! "Detecting Near-Duplicates for Web Crawling", WWW 2007).
//!
//! Each word votes on every bit by its weight; marks do not vote, so that a repost with other marks or emoji has the same fingerprint.
//! The shorter a text, the more a single word moves: in posts of thirty words another word for one of them moves some 4 to 12 bits, so
//! callers that look for such rewrites compare `distance` with a bound of their own.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// At most so many bits differ between two near duplicates.
pub const NEAR: u32 = 3;

/// For each byte, how its bits vote: 1 for a set bit, −1 for another. Eight votes at once are four times as fast as shifts.
static SIGNS: [[f32; 8]; 256] = {
    let mut signs = [[-1.0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                signs[byte][bit] = 1.0;
            }
            bit += 1;
        }
        byte += 1;
    }
    signs
};

/// The fingerprint of a text; in JSON 16 hexadecimal digits. Zero stands for a text without words and is near to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SimHash(pub u64);

impl SimHash {
    /// The fingerprint of words with their weights; words of weight 0 do not count.
    pub fn of<'a>(words: impl IntoIterator<Item = (&'a str, f32)>) -> Self {
        Self::of_hashes(words.into_iter().map(|(word, weight)| (hash(word), weight)))
    }

    /// The same of words of which the hash is known.
    pub(crate) fn of_hashes(words: impl Iterator<Item = (u64, f32)>) -> Self {
        let mut votes = [0.0f32; 64];
        let mut any = false;
        for (hash, weight) in words {
            if weight <= 0.0 {
                continue;
            }
            any = true;
            for (eight, byte) in votes.chunks_exact_mut(8).zip(hash.to_le_bytes()) {
                for (vote, sign) in eight.iter_mut().zip(&SIGNS[usize::from(byte)]) {
                    *vote += weight * sign;
                }
            }
        }
        if !any {
            return Self::default();
        }
        let bits = votes
            .iter()
            .enumerate()
            .fold(0, |bits, (bit, vote)| bits | u64::from(*vote > 0.0) << bit);
        // A text with words is never taken for one without.
        Self(bits.max(1))
    }

    /// In how many bits two fingerprints differ: 0 to 64, about 32 for texts that have nothing in common.
    pub fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }

    /// Whether the texts are near duplicates: a distance of at most [`NEAR`], and both have words.
    pub fn is_near(self, other: Self) -> bool {
        self.0 != 0 && other.0 != 0 && self.distance(other) <= NEAR
    }

    /// Whether the text had no words.
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// The four quarters of 16 bits: two near duplicates share at least one of them, so that an index over the quarters finds all.
    pub fn bands(self) -> [u16; 4] {
        std::array::from_fn(|i| (self.0 >> (16 * i)) as u16)
    }
}

/// FNV-1a with the finaliser of splitmix64: every bit depends on every byte, and the standard library may change its hash as it likes.
pub(crate) fn hash(word: &str) -> u64 {
    let h = word.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    });
    let h = (h ^ h >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let h = (h ^ h >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ h >> 31
}

impl fmt::Display for SimHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for SimHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SimHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = Cow::<str>::deserialize(deserializer)?;
        if digits.len() != 16 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(D::Error::custom("give 16 hexadecimal digits"));
        }
        u64::from_str_radix(&digits, 16)
            .map(Self)
            .map_err(D::Error::custom)
    }
}

impl JsonSchema for SimHash {
    fn schema_name() -> Cow<'static, str> {
        "SimHash".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9a-f]{16}$",
            "description": "Fingerprint of 64 bits as 16 hexadecimal digits; all zero for a text without words."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &str) -> SimHash {
        SimHash::of(words.split(' ').map(|w| (w, 1.0)))
    }

    #[test]
    fn the_order_of_words_and_words_of_no_weight_do_not_matter() {
        assert_eq!(of("退款 迟迟 不到"), of("不到 退款 迟迟"));
        let with = SimHash::of([("退款", 2.0), ("的", 0.0)]);
        assert_eq!(with, SimHash::of([("退款", 2.0)]));
    }

    #[test]
    fn a_text_without_words_is_near_to_nothing() {
        let none = SimHash::of(std::iter::empty());
        assert!(none.is_empty() && !none.is_near(none));
    }

    #[test]
    fn json_is_sixteen_digits_and_nothing_else_is_read() {
        let hash = SimHash(0x00ab);
        let json = serde_json::to_string(&hash).unwrap();
        assert_eq!(json, "\"00000000000000ab\"");
        assert_eq!(serde_json::from_str::<SimHash>(&json).unwrap(), hash);
        for wrong in ["\"ab\"", "\"+0000000000000ab\"", "171"] {
            assert!(serde_json::from_str::<SimHash>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn near_fingerprints_share_a_quarter() {
        let a = of("充电宝 起火 客服 不理");
        let b = SimHash(a.0 ^ (1 << 3) ^ (1 << 20) ^ (1 << 60));
        assert!(a.is_near(b) && a.distance(b) == 3);
        assert!(a.bands().iter().zip(b.bands()).any(|(x, y)| *x == y));
        assert!(!a.is_near(SimHash(b.0 ^ (1 << 40))));
    }

    #[test]
    fn the_fingerprint_never_changes_between_releases() {
        // Stored fingerprints are compared with new ones.
        assert_eq!(of("退款 迟迟 不到").to_string(), PINNED);
    }

    const PINNED: &str = "aa850fea67fb8a0a";
}
