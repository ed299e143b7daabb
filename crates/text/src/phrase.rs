//! Phrases and new words of a stream: neighbours that stand together far more often than chance, in many surroundings, and now more
//! than before. Memory and time per word are bounded, whatever the stream.
//!
//! A candidate is a run of two to four tokens. It counts as a phrase where its tokens attract each other (pointwise mutual information
//! of its weakest seam, K. Church and P. Hanks 1990) and its surroundings are free (entropy of the tokens before and after it, after
//! L.-F. Chien 1997): 绝绝 is always followed by 子 and is a fragment, 绝绝子 is a word. Counts fade by half every so many texts
//! (forward decay, G. Cormode et al., ICDE 2009), a slower count beside tells what is usual, and their ratio what bursts.

use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longer runs are sentences.
const LONGEST: usize = 4;
/// Characters of a phrase, at most.
const MOST_CHARS: usize = 10;
/// Tokens remembered on either side of a candidate; the entropy of eight already tells a free edge.
const NEIGHBOURS: usize = 8;
/// Numbers below this stand for the edges of texts.
const EDGES: u32 = 4;
/// The slow counts fade by half in so many half-lives.
const SLOWER: f64 = 16.0;
/// Increments grow with time; above this all counts are scaled back.
const RESCALE: f64 = 1e12;

/// How phrases are found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PhraseConfig {
    /// Candidates kept, and words kept; the faintest give way. About 400 bytes each. Default 20000.
    pub capacity: usize,
    /// Counts fade by half in so many texts. Default 20000.
    pub half_life: f64,
    /// The least faded count of a phrase. Default 5.
    pub least_count: f64,
    /// The least pointwise mutual information of the weakest seam, in bits. Default 3.
    pub least_pmi: f64,
    /// The least entropy of the freer-looking of both edges' lesser side, in bits: 1 is as free as two neighbours alike. Default 1.
    pub least_entropy: f64,
}

impl Default for PhraseConfig {
    fn default() -> Self {
        Self {
            capacity: 20_000,
            half_life: 20_000.0,
            least_count: 5.0,
            least_pmi: 3.0,
            least_entropy: 1.0,
        }
    }
}

/// A phrase of the stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Phrase {
    /// The tokens joined.
    pub text: String,
    /// How often it stood in recent texts, faded.
    pub count: f64,
    /// Pointwise mutual information of its weakest seam, in bits.
    pub pmi: f64,
    /// Entropy of its more bound edge, in bits.
    pub entropy: f64,
    /// How many times more often it stands now than it used to: 1 is as ever, at most 16.
    pub burst: f64,
}

/// Watches a stream of texts for phrases.
#[derive(Debug, Clone)]
pub struct PhraseFinder {
    config: PhraseConfig,
    words: FxHashMap<Box<str>, f64>,
    candidates: FxHashMap<Box<str>, Candidate>,
    /// What one occurrence adds to the recent and to the slow counts now.
    step: f64,
    slow_step: f64,
    /// All tokens, faded.
    total: f64,
    /// All texts, faded at both speeds.
    texts: f64,
    slow_texts: f64,
    /// Counts the texts, to tell their edges apart.
    turn: u32,
    key: String,
}

#[derive(Debug, Clone, Default)]
struct Candidate {
    recent: f64,
    slow: f64,
    /// Where the seams are: byte lengths of the tokens.
    lengths: [u8; LONGEST],
    before: Edge,
    after: Edge,
}

/// The tokens seen on one side, the most frequent kept (A. Metwally et al., "Space-Saving", ICDT 2005).
#[derive(Debug, Clone, Default)]
struct Edge {
    seen: [(u32, f64); NEIGHBOURS],
}

impl Edge {
    fn note(&mut self, token: u32, step: f64) {
        if let Some(slot) = self.seen.iter_mut().find(|(t, n)| *t == token && *n > 0.0) {
            slot.1 += step;
            return;
        }
        let mut least = 0;
        for (i, slot) in self.seen.iter().enumerate() {
            if slot.1 < self.seen[least].1 {
                least = i;
            }
        }
        // A newcomer replaces the least and keeps half of its weight: enough to stay, too little to look frequent.
        self.seen[least] = (token, self.seen[least].1 * 0.5 + step);
    }

    fn entropy(&self) -> f64 {
        let total: f64 = self.seen.iter().map(|s| s.1).sum();
        let one = |(_, n): &(u32, f64)| {
            let p = n / total;
            if p > 0.0 { -p * p.log2() } else { 0.0 }
        };
        self.seen.iter().map(one).sum()
    }

    fn scale(&mut self, by: f64) {
        self.seen.iter_mut().for_each(|s| s.1 *= by);
    }
}

impl PhraseFinder {
    /// A finder that has seen nothing. Values out of range are moved to the nearest that works: at least 16 candidates, a half-life of at
    /// least one text.
    pub fn new(mut config: PhraseConfig) -> Self {
        config.capacity = config.capacity.max(16);
        config.half_life = config.half_life.max(1.0);
        Self {
            config,
            words: FxHashMap::default(),
            candidates: FxHashMap::default(),
            step: 1.0,
            slow_step: 1.0,
            total: 0.0,
            texts: 0.0,
            slow_texts: 0.0,
            turn: 0,
            key: String::new(),
        }
    }

    /// Takes in the words of one text, in order, with the marks between them: a run ends at a token that is no word.
    pub fn observe<T: AsRef<str>>(&mut self, tokens: &[T]) {
        self.tick();
        for at in 0..tokens.len() {
            let token = tokens[at].as_ref();
            if !is_word(token) {
                continue;
            }
            add(&mut self.words, token, self.step);
            self.total += self.step;
            self.key.clear();
            self.key.push_str(token);
            let mut chars = token.chars().count();
            let mut lengths = [0u8; LONGEST];
            lengths[0] = u8::try_from(token.len()).unwrap_or(u8::MAX);
            for more in 1..LONGEST.min(tokens.len() - at) {
                let next = tokens[at + more].as_ref();
                chars += next.chars().count();
                if !is_word(next) || chars > MOST_CHARS {
                    break;
                }
                self.key.push_str(next);
                lengths[more] = u8::try_from(next.len()).unwrap_or(u8::MAX);
                let before = at.checked_sub(1).map(|i| tokens[i].as_ref());
                let after = tokens.get(at + more + 1).map(AsRef::as_ref);
                self.note(lengths, before, after);
            }
        }
        if self.candidates.len() > self.config.capacity {
            prune(&mut self.candidates, self.config.capacity, |c| c.recent);
        }
        if self.words.len() > self.config.capacity {
            prune(&mut self.words, self.config.capacity, |n| *n);
        }
    }

    fn note(&mut self, lengths: [u8; LONGEST], before: Option<&str>, after: Option<&str>) {
        if !self.candidates.contains_key(self.key.as_str()) {
            let fresh = Candidate {
                lengths,
                ..Candidate::default()
            };
            self.candidates.insert(self.key.as_str().into(), fresh);
        }
        let Some(candidate) = self.candidates.get_mut(self.key.as_str()) else {
            return;
        };
        candidate.recent += self.step;
        candidate.slow += self.slow_step;
        // A mark, or the edge of a text, is a free edge: it counts as one of four neighbours in turn.
        let turn = self.turn % EDGES;
        let edge = |t: Option<&str>| t.filter(|t| is_word(t)).map_or(turn, fingerprint);
        candidate.before.note(edge(before), self.step);
        candidate.after.note(edge(after), self.step);
    }

    /// Time moves by one text.
    fn tick(&mut self) {
        let growth = std::f64::consts::LN_2 / self.config.half_life;
        self.step *= growth.exp();
        self.slow_step *= (growth / SLOWER).exp();
        self.turn = self.turn.wrapping_add(1);
        self.texts += self.step;
        self.slow_texts += self.slow_step;
        if self.step < RESCALE {
            return;
        }
        let (by, slow) = (1.0 / self.step, 1.0 / self.slow_step);
        (self.step, self.slow_step) = (1.0, 1.0);
        self.total *= by;
        self.texts *= by;
        self.slow_texts *= slow;
        self.words.values_mut().for_each(|n| *n *= by);
        for candidate in self.candidates.values_mut() {
            candidate.recent *= by;
            candidate.slow *= slow;
            candidate.before.scale(by);
            candidate.after.scale(by);
        }
    }

    /// The phrases of now, the most notable first: by attraction, burst and the root of the count, so that what is new comes before
    /// what is often said. Costs one pass over the candidates.
    pub fn top(&self, n: usize) -> Vec<Phrase> {
        let mut found: Vec<(f64, Phrase)> = self
            .candidates
            .iter()
            .filter_map(|(text, c)| self.judge(text, c))
            .map(|p| (p.count.sqrt() * p.pmi * p.burst, p))
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.text.cmp(&b.1.text)));
        found.truncate(n);
        found.into_iter().map(|(_, p)| p).collect()
    }

    fn judge(&self, text: &str, candidate: &Candidate) -> Option<Phrase> {
        let count = candidate.recent / self.step;
        if count < self.config.least_count {
            return None;
        }
        let entropy = candidate.before.entropy().min(candidate.after.entropy());
        if entropy < self.config.least_entropy {
            return None;
        }
        let pmi = self.pmi(text, candidate);
        if pmi < self.config.least_pmi {
            return None;
        }
        let usual = candidate.slow / self.slow_texts;
        Some(Phrase {
            text: text.to_owned(),
            count,
            pmi,
            entropy,
            burst: (candidate.recent / self.texts) / usual,
        })
    }

    /// The least over the seams of log2 p(whole) / (p(left) p(right)).
    fn pmi(&self, text: &str, candidate: &Candidate) -> f64 {
        let share = |part: &str| {
            let n = self
                .words
                .get(part)
                .copied()
                .or_else(|| self.candidates.get(part).map(|c| c.recent))
                // A part that gave way was at most as frequent as the whole.
                .unwrap_or(candidate.recent);
            n.max(candidate.recent) / self.total
        };
        let whole = candidate.recent / self.total;
        let mut least = f64::INFINITY;
        let mut at = 0;
        for length in candidate.lengths.iter().take_while(|l| **l > 0) {
            at += usize::from(*length);
            if at >= text.len() {
                break;
            }
            let (Some(left), Some(right)) = (text.get(..at), text.get(at..)) else {
                break;
            };
            least = least.min((whole / (share(left) * share(right))).log2());
        }
        if least.is_finite() { least } else { 0.0 }
    }
}

fn add(counts: &mut FxHashMap<Box<str>, f64>, key: &str, step: f64) {
    match counts.get_mut(key) {
        Some(n) => *n += step,
        None => {
            counts.insert(key.into(), step);
        }
    }
}

/// Keeps the heaviest three quarters of `capacity`: the cost of one pass is shared by the quarter that may come before the next.
fn prune<V>(counts: &mut FxHashMap<Box<str>, V>, capacity: usize, weight: impl Fn(&V) -> f64) {
    let keep = capacity * 3 / 4;
    let mut weights: Vec<f64> = counts.values().map(&weight).collect();
    let (_, threshold, _) = weights.select_nth_unstable_by(keep, |a, b| b.total_cmp(a));
    let threshold = *threshold;
    counts.retain(|_, v| weight(v) > threshold);
}

/// Words of letters and Han characters; numbers and marks end a run.
fn is_word(token: &str) -> bool {
    let mut chars = token.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.all(char::is_alphanumeric)
}

/// FNV-1a, above the numbers that stand for edges.
fn fingerprint(token: &str) -> u32 {
    token
        .bytes()
        .fold(0x811c_9dc5u32, |h, b| {
            (h ^ u32::from(b)).wrapping_mul(0x0100_0193)
        })
        .max(EDGES)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECTS: [&str; 7] = ["我", "他", "大家", "老板", "朋友", "孩子", "店员"];
    const PLACES: [&str; 5] = ["店里", "公司", "家里", "路上", "网上"];
    const THINGS: [&str; 6] = ["奶茶", "蛋糕", "手机", "衣服", "外卖", "电影"];

    fn small() -> PhraseConfig {
        PhraseConfig {
            half_life: 200.0,
            ..PhraseConfig::default()
        }
    }

    /// An ordinary text: its words follow each other by chance.
    fn ordinary(i: usize) -> Vec<&'static str> {
        vec![
            SUBJECTS[i % 7],
            "在",
            PLACES[i / 3 % 5],
            "买",
            "了",
            THINGS[i / 2 % 6],
            ",",
            "还",
            "可以",
        ]
    }

    /// The segmenter does not know the new word and cuts it to pieces.
    fn bursting(i: usize) -> Vec<&'static str> {
        vec![
            SUBJECTS[i % 7],
            "说",
            THINGS[i % 6],
            "绝",
            "绝",
            "子",
            ["了", "啊", "!", "吧"][i % 4],
        ]
    }

    #[test]
    fn a_word_that_bursts_comes_first_and_whole() {
        let mut finder = PhraseFinder::new(small());
        (0..2000).for_each(|i| finder.observe(&ordinary(i)));
        assert!(finder.top(5).iter().all(|p| p.text != "绝绝子"));
        for i in 0..400 {
            finder.observe(&ordinary(i));
            if i % 4 == 0 {
                finder.observe(&bursting(i / 4));
            }
        }
        let top = finder.top(5);
        assert_eq!(top[0].text, "绝绝子", "{top:?}");
        assert!(top[0].burst > 2.0, "{top:?}");
        // A fragment has a bound edge.
        assert!(top.iter().all(|p| p.text != "绝绝" && p.text != "绝子"));
    }

    #[test]
    fn what_is_no_longer_said_fades() {
        let mut finder = PhraseFinder::new(small());
        for i in 0..400 {
            finder.observe(&ordinary(i));
            finder.observe(&ordinary(i + 1));
            finder.observe(&bursting(i));
        }
        assert!(finder.top(20).iter().any(|p| p.text == "绝绝子"));
        (0..3000).for_each(|i| finder.observe(&ordinary(i)));
        assert!(finder.top(500).iter().all(|p| p.text != "绝绝子"));
    }

    #[test]
    fn words_that_meet_by_chance_are_no_phrase() {
        let mut finder = PhraseFinder::new(small());
        (0..2000).for_each(|i| finder.observe(&ordinary(i)));
        let top = finder.top(50);
        assert!(
            top.iter().all(|p| !p.text.starts_with("在") || p.pmi < 4.0),
            "{top:?}"
        );
        assert!(
            top.iter()
                .all(|p| p.text != "了奶茶" && p.text != "买了奶茶"),
            "{top:?}"
        );
    }

    #[test]
    fn memory_is_bounded_on_a_stream_of_words_that_never_come_again() {
        let config = PhraseConfig {
            capacity: 100,
            ..small()
        };
        let mut finder = PhraseFinder::new(config);
        for i in 0..500u32 {
            let words: Vec<String> = (0..20).map(|j| format!("词{}", i * 20 + j)).collect();
            finder.observe(&words);
            // One text of 20 words has at most 60 candidates.
            assert!(finder.candidates.len() <= 160 && finder.words.len() <= 120);
        }
    }

    #[test]
    fn counts_stay_true_when_they_are_scaled_back() {
        let mut finder = PhraseFinder::new(PhraseConfig {
            half_life: 10.0,
            // One kind of text alone attracts little.
            least_pmi: 1.0,
            ..small()
        });
        // 2^(1000 / 10) is far above the limit.
        (0..1000).for_each(|i| finder.observe(&bursting(i)));
        let top = finder.top(20);
        let found = top.iter().find(|p| p.text == "绝绝子").unwrap();
        // The sum of a geometric series of ratio 2^(-1/10).
        assert!((found.count - 14.9).abs() < 0.5, "{found:?}");
        assert!((found.burst - 1.0).abs() < 0.1, "{found:?}");
    }
}
