//! Words that tell what a text is about: rare in feedback at large, frequent here; never a fragment, a digit or a stop word.

use rustc_hash::FxHashMap;

use crate::analysis::Keyword;
use crate::config::KeywordMethod;
use crate::text_rank::rank;

/// What words that tell little weigh in a fingerprint: too little to part reposts of a long text, enough to part short texts.
const FAINT: f32 = 0.5;

/// Inverse document frequencies and the words that never count.
#[derive(Debug, Clone)]
pub(crate) struct Keywords {
    /// `None` for words that never count.
    idf: FxHashMap<Box<str>, Option<f32>>,
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
            .map(|(w, n)| (w.into(), Some((texts / (1.0 + n)).ln().max(0.0))));
        let never = never.into_iter().flat_map(str::split_whitespace);
        let never = never.map(|w| (w.into(), None));
        let idf = counted.chain(never).collect();
        // A word that was never counted is as likely a typo as a telling name: it weighs as one seen in 30 texts.
        Self {
            idf,
            unseen: (texts / 30.0).ln().max(1.0),
        }
    }

    /// The inverse document frequency of a word that tells something.
    fn told(&self, word: &str) -> Option<f32> {
        if !telling(word) {
            return None;
        }
        self.idf.get(word).copied().unwrap_or(Some(self.unseen))
    }

    /// The inverse document frequency of a word that tells something; `FAINT` for stop words, numbers and single characters; 0 for marks.
    pub(crate) fn weight(&self, word: &str) -> f32 {
        match self.told(word) {
            Some(idf) => idf,
            None if word.starts_with(char::is_alphanumeric) => FAINT,
            None => 0.0,
        }
    }

    /// The `top` weightiest of `words`, weighed by `method`.
    pub(crate) fn extract<'a>(
        &self,
        words: impl Iterator<Item = &'a str>,
        method: KeywordMethod,
        top: usize,
    ) -> Vec<Keyword> {
        let words = words.filter_map(|word| Some((word, self.told(word)?)));
        let mut keywords = match method {
            KeywordMethod::TfIdf => by_frequency(words),
            KeywordMethod::TextRank => rank(words.map(|(word, _)| word)),
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

/// Term frequency × inverse document frequency, by length of the text.
fn by_frequency<'a>(words: impl Iterator<Item = (&'a str, f32)>) -> Vec<(&'a str, f32)> {
    let mut found: Vec<(&str, f32, u32)> = Vec::new();
    let mut seen: FxHashMap<&str, usize> = FxHashMap::default();
    let mut total = 0u32;
    for (word, idf) in words {
        total += 1;
        let at = *seen.entry(word).or_insert(found.len());
        match found.get_mut(at) {
            Some((_, _, n)) => *n += 1,
            None => found.push((word, idf, 1)),
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

    #[test]
    fn the_rarer_word_comes_first_and_stop_words_never() {
        let found = keywords().extract(
            ["真的", "好吃", "外卖", "的", "12345", ",", "外卖"].into_iter(),
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
            let told = shipped.told(word).is_some();
            assert_eq!(told, word == "ok", "{word}");
        }
        for word in ["高速", "妈妈", "退款", "零件", "wifi", "iphone15"] {
            assert!(shipped.told(word).is_some(), "{word}");
        }
        assert!(shipped.told("copyright1999allrightsreserved").is_none());
    }

    #[test]
    fn no_more_than_asked_for() {
        for method in [KeywordMethod::TfIdf, KeywordMethod::TextRank] {
            let of = |words: &'static [&str], top| {
                keywords().extract(words.iter().copied(), method, top)
            };
            assert_eq!(of(&["外卖", "好吃"], 1).len(), 1);
            assert!(of(&["真的", "的", "12345"], 5).is_empty());
        }
    }
}
