//! Words that tell what a text is about: rare in feedback at large, frequent here; never a fragment, a digit or a stop word.

use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::analysis::Keyword;
use crate::config::KeywordMethod;
use crate::segment::Word;
use crate::simhash::hash;
use crate::text_rank::rank;

/// What words that tell little weigh in a fingerprint: too little to part reposts of a long text, enough to part short texts.
const FAINT: f32 = 0.5;

/// Inverse document frequencies and the words that never count.
#[derive(Debug, Clone)]
pub(crate) struct Keywords {
    /// By the hash of the word; `None` for words that never count.
    idf: FxHashMap<u64, Option<f32>>,
    /// For words that no counted text held.
    unseen: f32,
}

impl Default for Keywords {
    fn default() -> Self {
        Self::parse(
            include_str!("../data/document_frequencies.tsv"),
            [
                include_str!("../data/stop_words.txt"),
                include_str!("../data/function_words.txt"),
            ],
        )
    }
}

impl Keywords {
    /// Reads document frequencies (`word TAB count`; the row `# texts TAB n` gives the number of texts) and lists of words that never
    /// count.
    fn parse<const N: usize>(frequencies: &str, never: [&str; N]) -> Self {
        let rows = || {
            frequencies
                .lines()
                .filter_map(|l| l.split_once('\t'))
                .filter_map(|(w, n)| Some((w, n.parse::<f32>().ok()?)))
        };
        let texts = rows()
            .find(|(w, _)| *w == "# texts")
            .map_or(1.0, |(_, n)| n);
        let counted = rows()
            .filter(|(w, _)| !w.starts_with('#'))
            .map(|(w, n)| (hash(w), Some((texts / (1.0 + n)).ln().max(0.0))));
        let never = never.into_iter().flat_map(str::split_whitespace);
        let never = never.map(|w| (hash(w), None));
        let idf = counted.chain(never).collect();
        // A word that was never counted is as likely a typo as a telling name: it weighs as one seen in 30 texts.
        Self {
            idf,
            unseen: (texts / 30.0).ln().max(1.0),
        }
    }

    /// The word with what it weighs.
    pub(crate) fn weigh<'a>(&self, word: &'a str) -> Weighed<'a> {
        let hash = hash(word);
        let told = if telling(word) {
            self.idf.get(&hash).copied().unwrap_or(Some(self.unseen))
        } else {
            None
        };
        Weighed { word, hash, told }
    }

    /// The words of a text with what they weigh. Those of addresses (https://…) and of emoticons ([微笑]) tell nothing of what it is about.
    pub(crate) fn weigh_all<'a>(&self, words: &[Word<'a>]) -> Vec<Weighed<'a>> {
        let mut mute = 0;
        let weigh = |(at, word): (usize, &Word<'a>)| {
            mute = mute.max(at + muted(&words[at..]));
            let weighed = self.weigh(word.word);
            let told = weighed.told.filter(|_| at >= mute);
            Weighed { told, ..weighed }
        };
        words.iter().enumerate().map(weigh).collect()
    }

    /// The `top` weightiest of `words`, weighed by `method`.
    pub(crate) fn extract<'a>(
        &self,
        words: &[Weighed<'a>],
        method: KeywordMethod,
        top: usize,
    ) -> Vec<Keyword> {
        let mut keywords = match method {
            KeywordMethod::TfIdf => by_frequency(words),
            KeywordMethod::TextRank => {
                let telling = words.iter().filter(|w| w.told.is_some());
                rank(telling.map(|w| w.word))
            }
        };
        // Stable: equal weights keep the order of the text, so that the answer is always the same.
        keywords.sort_by(|a, b| b.1.total_cmp(&a.1));
        keywords.truncate(top);
        keywords
            .into_iter()
            .map(|(term, weight)| Keyword {
                term: term.to_owned(),
                weight,
            })
            .collect()
    }
}

/// A word of a text with what it weighs, looked up once for all that ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weighed<'a> {
    word: &'a str,
    /// Of 64 bits: two of a million words are taken for one with a chance of one in 37 million.
    hash: u64,
    /// The inverse document frequency of a word that tells something.
    told: Option<f32>,
}

impl Weighed<'_> {
    /// What the word counts in a fingerprint: its inverse document frequency if it tells something; `FAINT` for stop words, numbers and
    /// single characters; 0 for marks.
    pub(crate) fn weight(&self) -> f32 {
        match self.told {
            Some(idf) => idf,
            None if self.word.starts_with(is_of_words) => FAINT,
            None => 0.0,
        }
    }

    /// The hash by which it votes on a fingerprint.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}

/// Words between the brackets of an emoticon, at most.
const EMOTICON: usize = 4;

/// How many words from the first on are those of an address or an emoticon that begins there.
fn muted(words: &[Word<'_>]) -> usize {
    let Some(first) = words.first() else {
        return 0;
    };
    let is = |at: usize, mark: &str| words.get(at).is_some_and(|w| w.word == mark);
    match first.word {
        "http" | "https" | "www" => {
            let ends = |w: &Word<'_>| !w.word.bytes().all(|b| b.is_ascii_graphic());
            words.iter().position(ends).unwrap_or(words.len())
        }
        "[" => (2..EMOTICON + 2).find(|at| is(*at, "]")).unwrap_or(0),
        _ => 0,
    }
}

/// Letters, Han and digits.
fn is_of_words(c: char) -> bool {
    // Most are Han, which needs no look into the tables of Unicode.
    ('\u{4e00}'..='\u{9fff}').contains(&c) || c.is_alphanumeric()
}

/// Term frequency × inverse document frequency, by length of the text.
fn by_frequency<'a>(words: &[Weighed<'a>]) -> Vec<(&'a str, f32)> {
    let mut found: Vec<(&str, f32, u32)> = Vec::with_capacity(words.len());
    let mut seen = FxHashMap::with_capacity_and_hasher(words.len(), FxBuildHasher);
    let mut total = 0u32;
    for word in words {
        let Some(idf) = word.told else {
            continue;
        };
        total += 1;
        let at = *seen.entry(word.hash).or_insert(found.len());
        match found.get_mut(at) {
            Some((_, _, n)) => *n += 1,
            None => found.push((word.word, idf, 1)),
        }
    }
    let scale = 1.0 / total.max(1) as f32;
    found
        .into_iter()
        .map(|(word, idf, n)| (word, idf * n as f32 * scale))
        .collect()
}

/// Longer words of letters are addresses and codes.
const MOST_LETTERS: usize = 15;

/// Whether a word could be a keyword: at least two characters, not all the same (啊啊啊), of Han or of at most `MOST_LETTERS` letters (with digits
/// inside at most), not a number.
fn telling(word: &str) -> bool {
    let mut letters = 0;
    let mut han = 0;
    let first = word.chars().next();
    let mut drawn = true;
    for c in word.chars() {
        drawn &= Some(c) == first;
        match c {
            '\u{4e00}'..='\u{9fff}' => han += 1,
            'a'..='z' => letters += 1,
            '0'..='9' | '-' | '.' | '+' => {}
            _ => return false,
        }
    }
    // 妈妈 and 宝宝 are words: only what is drawn out further is none.
    (han >= 2 || (2..=MOST_LETTERS).contains(&letters)) && !(drawn && han + letters > 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keywords() -> Keywords {
        Keywords::parse("# texts\t1000\n外卖\t10\n好吃\t500\n", ["真的 the"])
    }

    fn extract(words: &[&str], method: KeywordMethod, top: usize) -> Vec<Keyword> {
        let keywords = keywords();
        let words: Vec<_> = words.iter().map(|w| keywords.weigh(w)).collect();
        keywords.extract(&words, method, top)
    }

    #[test]
    fn the_rarer_word_comes_first_and_stop_words_never() {
        let found = extract(
            &["真的", "好吃", "外卖", "的", "12345", ",", "外卖"],
            KeywordMethod::TfIdf,
            5,
        );
        assert_eq!(
            found.iter().map(|k| k.term.as_str()).collect::<Vec<_>>(),
            ["外卖", "好吃"]
        );
        assert!(found[0].weight > found[1].weight);
    }

    #[test]
    fn words_that_only_join_count_or_draw_out_are_none() {
        let shipped = Keywords::default();
        for word in ["一个半", "你家", "好好", "附近", "啊啊啊", "ok", "谢谢你们"] {
            let told = shipped.weigh(word).told.is_some();
            assert_eq!(told, word == "ok", "{word}");
        }
        for word in ["高速", "妈妈", "退款", "零件", "wifi", "iphone15"] {
            assert!(shipped.weigh(word).told.is_some(), "{word}");
        }
        assert!(
            shipped
                .weigh("copyright1999allrightsreserved")
                .told
                .is_none()
        );
    }

    #[test]
    fn addresses_and_emoticons_tell_nothing() {
        let keywords = keywords();
        let text = "看https://shop.example.com/item/12.html 外卖[大哭]好吃";
        let segmenter = crate::segment::Segmenter::new([]);
        let weighed = keywords.weigh_all(&segmenter.cut(text));
        let found = keywords.extract(&weighed, KeywordMethod::TfIdf, 9);
        let found: Vec<&str> = found.iter().map(|k| k.term.as_str()).collect();
        assert_eq!(found, ["外卖", "好吃"]);
    }

    #[test]
    fn no_more_than_asked_for() {
        for method in [KeywordMethod::TfIdf, KeywordMethod::TextRank] {
            assert_eq!(extract(&["外卖", "好吃"], method, 1).len(), 1);
            assert!(extract(&["真的", "的", "12345"], method, 5).is_empty());
        }
    }

    #[test]
    fn no_two_words_with_counts_share_a_hash() {
        let rows = include_str!("../data/document_frequencies.tsv").lines();
        let stop = include_str!("../data/stop_words.txt").split_whitespace();
        let words = rows.filter_map(|l| Some(l.split_once('\t')?.0)).chain(stop);
        let words: std::collections::BTreeSet<&str> = words.collect();
        let hashes: std::collections::BTreeSet<u64> = words.iter().map(|w| hash(w)).collect();
        assert_eq!(hashes.len(), words.len());
    }

    #[test]
    fn marks_do_not_count_in_a_fingerprint_and_words_that_tell_little_do_little() {
        let weight = |word: &str| keywords().weigh(word).weight();
        assert!(weight("外卖") > weight("好吃"));
        assert_eq!(
            ["的", "真的", "7", "!", "👍"].map(weight),
            [0.5, 0.5, 0.5, 0.0, 0.0]
        );
    }
}
