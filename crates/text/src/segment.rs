//! Words: joining them gives the text back.
//!
//! The likeliest way through the dictionary, as jieba finds it: its words and frequencies, with the project's own added. The hidden Markov
//! model for unknown words is left out: without it the cut agrees better with the PKU and MSR gold sets (83.6 / 82.7 against
//! 81.8 / 81.3 F1), and it is faster.

use crate::dictionary::Dictionary;
use crate::error::{Problem, TextError};
use crate::lexicon::Lexicons;

/// Words and frequencies of jieba.
const SHIPPED: &str = include_str!("../data/dictionary.tsv");
/// Room that is made at once; longer texts make more as they need it.
const ROOM: usize = 1 << 12;
/// So far ahead of the walk the dictionary is touched.
const AHEAD: usize = 3;

/// Cuts text into words.
#[derive(Debug, Clone)]
pub struct Segmenter {
    dictionary: Dictionary,
}

/// A word of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'a> {
    /// It.
    pub word: &'a str,
    /// The byte where it begins.
    pub start: usize,
    /// The byte after it.
    pub end: usize,
}

/// The best way from a character to the end of its run.
#[derive(Clone, Copy)]
struct Step {
    likelihood: f64,
    /// The character after the first word of that way.
    end: usize,
}

impl Segmenter {
    /// The shipped dictionary with `extra` words, each with a frequency or `None` to let it win over its parts.
    pub fn new<'a>(extra: impl IntoIterator<Item = (&'a str, Option<usize>)>) -> Self {
        let mut dictionary = Dictionary::with_room(SHIPPED.len() / 12);
        for (word, frequency) in SHIPPED.lines().filter_map(|line| line.split_once('\t')) {
            // A test reads every line.
            dictionary.insert(word, frequency.parse().unwrap_or(1));
        }
        dictionary.weigh();
        let mut this = Self { dictionary };
        for (word, frequency) in extra {
            let frequency = match frequency {
                Some(frequency) => frequency as u64,
                None => this.winning(word),
            };
            this.dictionary.insert(word, frequency);
            this.dictionary.weigh();
        }
        this
    }

    /// The shipped dictionary with the words of these lexicons.
    pub fn for_lexicons(lexicons: &Lexicons) -> Self {
        Self::new(lexicons.user_words.iter().map(|(w, f)| (w.as_str(), *f)))
    }

    /// The least frequency at which `word` is likelier than the words it would be cut into.
    fn winning(&self, word: &str) -> u64 {
        let total = self.dictionary.log_total();
        let parts: f64 = self
            .cut(word)
            .iter()
            .map(|part| (self.dictionary.frequency(part.word).unwrap_or(1) as f64).ln() - total)
            .sum();
        ((parts + total).exp() as u64 + 1).max(self.dictionary.frequency(word).unwrap_or(1))
    }

    /// The words of `text`, which touch each other, from first to last.
    pub fn cut<'a>(&self, text: &'a str) -> Vec<Word<'a>> {
        let mut words = Vec::with_capacity((text.len() / 3).min(ROOM));
        let mut run: Vec<(usize, char)> = Vec::with_capacity((text.len() / 2).min(ROOM));
        let mut steps = Vec::with_capacity((text.len() / 2).min(ROOM));
        for (at, c) in text.char_indices() {
            if of_words(c) {
                run.push((at, c));
                continue;
            }
            self.cut_run(text, &run, at, &mut steps, &mut words);
            run.clear();
            words.push(word(text, at, at + c.len_utf8()));
        }
        self.cut_run(text, &run, text.len(), &mut steps, &mut words);
        words
    }

    /// Cuts a run of characters that words are made of, which ends at byte `end`.
    fn cut_run<'a>(
        &self,
        text: &'a str,
        run: &[(usize, char)],
        end: usize,
        steps: &mut Vec<Step>,
        words: &mut Vec<Word<'a>>,
    ) {
        self.find_way(run, steps);
        let byte = |at: usize| run.get(at).map_or(end, |(byte, _)| *byte);
        let mut at = 0;
        while at < run.len() {
            let from = at;
            at = steps[at].end;
            // Letters and digits that are no word stay together.
            if alone(run, from, at) {
                while at < run.len() && alone(run, at, steps[at].end) {
                    at += 1;
                }
            }
            words.push(word(text, byte(from), byte(at)));
        }
    }

    /// From the last character to the first, the likeliest first word; of equals the longest.
    fn find_way(&self, run: &[(usize, char)], steps: &mut Vec<Step>) {
        let dictionary = &self.dictionary;
        let unknown = -dictionary.log_total();
        steps.clear();
        steps.resize(
            run.len() + 1,
            Step {
                likelihood: 0.0,
                end: run.len(),
            },
        );
        for at in (0..run.len()).rev() {
            if at > AHEAD {
                dictionary.touch(run[at - AHEAD - 1].1, run[at - AHEAD].1);
            }
            let mut best = Step {
                likelihood: f64::NEG_INFINITY,
                end: 0,
            };
            let mut node = dictionary.first(run[at].1);
            let mut end = at + 1;
            loop {
                if let Some(likelihood) = dictionary.likelihood(node) {
                    let likelihood = likelihood + steps[end].likelihood;
                    if likelihood >= best.likelihood {
                        best = Step { likelihood, end };
                    }
                }
                let Some(next) = run.get(end).and_then(|(_, c)| dictionary.next(node, *c)) else {
                    break;
                };
                node = next;
                end += 1;
            }
            if best.end == 0 {
                best = Step {
                    likelihood: unknown + steps[at + 1].likelihood,
                    end: at + 1,
                };
            }
            steps[at] = best;
        }
    }
}

fn word(text: &str, start: usize, end: usize) -> Word<'_> {
    Word {
        word: &text[start..end],
        start,
        end,
    }
}

/// Whether one letter or digit was left by itself.
fn alone(run: &[(usize, char)], from: usize, to: usize) -> bool {
    to - from == 1 && run[from].1.is_ascii_alphanumeric()
}

/// Characters that words are made of: Han, letters and digits of ASCII, and what joins them. All others are words by themselves.
#[inline]
fn of_words(c: char) -> bool {
    match c {
        '\u{4e00}'..='\u{9fff}' => true,
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        '+' | '#' | '&' | '.' | '_' | '%' | '-' => true,
        // Extensions of the Han block.
        '\u{3400}'..='\u{4dbf}' | '\u{f900}'..='\u{faff}' => true,
        '\u{20000}'..='\u{2a6df}' | '\u{2a700}'..='\u{2ebef}' | '\u{2f800}'..='\u{2fa1f}' => true,
        _ => false,
    }
}

/// Reads words of the user dictionary: `word`, or `word TAB frequency`, one a line; `#` begins a remark.
pub(crate) fn parse_words<'a>(
    what: &str,
    table: &'a str,
) -> Result<Vec<(&'a str, Option<usize>)>, TextError> {
    let mut words = Vec::new();
    let mut problems = Vec::new();
    for (number, line) in table.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.split_once('\t') {
            None => words.push((line, None)),
            Some((word, frequency)) => match frequency.trim().parse() {
                Ok(frequency) => words.push((word, Some(frequency))),
                Err(_) => problems.push(Problem {
                    path: format!("line {}", number + 1),
                    message: format!(
                        "{frequency:?} is not a frequency: give a whole number, or leave it out"
                    ),
                }),
            },
        }
    }
    if problems.is_empty() {
        Ok(words)
    } else {
        Err(TextError::Invalid {
            what: what.to_owned(),
            problems,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_shipped_dictionary_is_a_word_and_a_frequency() {
        for (number, line) in SHIPPED.lines().enumerate() {
            let (word, frequency) = line.split_once('\t').unwrap();
            assert!(!word.is_empty(), "line {}", number + 1);
            assert!(
                frequency.parse::<u64>().is_ok_and(|f| f > 0),
                "line {}",
                number + 1
            );
        }
    }

    #[test]
    fn texts_are_cut_as_jieba_cuts_them() {
        let own = ["种草", "踩雷", "b站"];
        let segmenter = Segmenter::new(own.map(|word| (word, None)));
        let mut jieba = crate::bench::raw_jieba();
        for word in own {
            jieba.add_word(word, None, None);
        }
        let pairs = include_str!("../tests/pairs.tsv");
        let rare =
            "𠮷野家的iPhone14Pro-max很c++,T恤100%纯棉\n㐂欢 A.B_c 研究生命起源b站种草 é1号店x";
        for text in pairs
            .lines()
            .flat_map(|line| line.split('\t'))
            .chain([rare, ""])
        {
            let words = segmenter
                .cut(text)
                .into_iter()
                .map(|w| (w.word, w.start, w.end));
            let expected = jieba.cut(text, false);
            let expected = expected.iter().map(|t| (t.word, t.byte_start, t.byte_end));
            assert!(words.eq(expected), "{text}: {:?}", segmenter.cut(text));
        }
    }

    #[test]
    fn own_words_stay_whole() {
        let segmenter = Segmenter::new([("踩雷", None), ("种草", None)]);
        let words: Vec<_> = segmenter
            .cut("又踩雷了")
            .into_iter()
            .map(|t| t.word)
            .collect();
        assert_eq!(words, ["又", "踩雷", "了"]);
    }

    #[test]
    fn a_bad_line_of_the_dictionary_is_named() {
        let error = parse_words("user_words", "好吃\t100\n踩雷\tmany\n").unwrap_err();
        assert_eq!(error.problems()[0].path, "line 2");
    }
}
