//! Phrases and new words of a stream: neighbours that stand together far more often than chance, in many surroundings, and now more
//! than before. Memory and time per word are bounded, whatever the stream.
//!
//! A candidate is a run of two to four tokens that neither begins nor ends in a word that only joins others. It counts as a phrase where its tokens attract each other (pointwise mutual information
//! of its weakest seam, K. Church and P. Hanks 1990) and its surroundings are free (entropy of the tokens before and after it, after
//! L.-F. Chien 1997): 绝绝 is always followed by 子 and is a fragment, 绝绝子 is a word. Counts fade by half every so many texts
//! (forward decay, G. Cormode et al., ICDE 2009), a slower count beside tells what is usual, and their ratio what bursts.

mod run;

use rustc_hash::{FxHashMap, FxHashSet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use run::{Fingerprint, LONGEST, Run};

pub use run::PhraseTokens;

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
    /// Candidates kept, and words kept. About 200 bytes each. Half of the room is for those that are said often, the faintest give way; the
    /// rest for those heard last, so that what is new has the time of some hundred posts to be heard again, of calls fewer. Default 10000.
    pub capacity: usize,
    /// Counts fade by half in so many texts. Default 10000.
    pub half_life: f64,
    /// The least faded count of a phrase. Default 5.
    pub least_count: f64,
    /// The least pointwise mutual information of the weakest seam, in bits. Default 3.
    pub least_pmi: f64,
    /// The least entropy of its more bound edge, in bits: 1 is as free as two neighbours alike. Default 1.
    pub least_entropy: f64,
}

impl Default for PhraseConfig {
    fn default() -> Self {
        Self {
            capacity: 10_000,
            half_life: 10_000.0,
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
    /// By fingerprint of the word.
    words: FxHashMap<u64, f64>,
    /// By fingerprint of the tokens joined.
    candidates: FxHashMap<u64, Candidate>,
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
}

#[derive(Debug, Clone, Default)]
struct Candidate {
    recent: f64,
    slow: f64,
    /// The text that it was last heard in.
    last: u32,
    /// From the second time on: most candidates are never heard again, and would take most of the memory and of the time.
    heard: Option<Box<Heard>>,
}

#[derive(Debug, Clone)]
struct Heard {
    text: Box<str>,
    /// Where the seams are: byte lengths of the tokens.
    lengths: [u8; LONGEST],
    before: Edge,
    after: Edge,
}

impl Heard {
    fn of(run: Run<'_, '_>) -> Box<Self> {
        let mut lengths = [0u8; LONGEST];
        for (length, token) in lengths.iter_mut().zip(run.iter()) {
            *length = u8::try_from(token.len()).unwrap_or(u8::MAX);
        }
        Box::new(Self {
            text: run.concat().into(),
            lengths,
            before: Edge::default(),
            after: Edge::default(),
        })
    }

    fn tokens(&self) -> impl Iterator<Item = &str> {
        let mut at = 0;
        let lengths = self.lengths.iter().take_while(|length| **length > 0);
        lengths.filter_map(move |length| {
            let start = at;
            at += usize::from(*length);
            self.text.get(start..at)
        })
    }
}

/// The tokens seen on one side, the most frequent kept (A. Metwally et al., "Space-Saving", ICDT 2005).
#[derive(Debug, Clone, Default)]
struct Edge {
    seen: [(u32, f32); NEIGHBOURS],
}

impl Edge {
    fn note(&mut self, token: u32, step: f32) {
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
        let total: f64 = self.seen.iter().map(|s| f64::from(s.1)).sum();
        let one = |(_, n): &(u32, f32)| {
            let p = f64::from(*n) / total;
            if p > 0.0 { -p * p.log2() } else { 0.0 }
        };
        self.seen.iter().map(one).sum()
    }

    fn scale(&mut self, by: f32) {
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
        }
    }

    /// Takes in the words of one text. Gives the phrases that stand in it, each once, those that burst most first.
    pub fn observe(&mut self, tokens: &PhraseTokens<'_>) -> Vec<Phrase> {
        self.tick();
        for word in tokens.words() {
            *self.words.entry(word).or_default() += self.step;
            self.total += self.step;
        }
        let mut frequent: Vec<u64> = Vec::new();
        tokens.each_run(|run| {
            let count = self.note(tokens, run);
            if count >= self.config.least_count {
                frequent.push(run.key);
            }
        });
        let found = self.judged(frequent);
        if self.candidates.len() > self.config.capacity {
            self.prune_candidates();
        }
        if self.words.len() > self.config.capacity {
            let keep = self.config.capacity * 3 / 4;
            let least = rank_value(self.words.values().copied(), keep);
            self.words.retain(|_, n| *n > least);
        }
        found
    }

    /// The phrases that stand in a text, as [`PhraseFinder::observe`] gives them, without taking it in.
    pub fn find(&self, tokens: &PhraseTokens<'_>) -> Vec<Phrase> {
        let mut runs: Vec<u64> = Vec::new();
        tokens.each_run(|run| runs.push(run.key));
        self.judged(runs)
    }

    fn judged(&self, keys: Vec<u64>) -> Vec<Phrase> {
        let mut told = FxHashSet::default();
        let mut found: Vec<Phrase> = keys
            .iter()
            .filter(|key| told.insert(**key))
            .filter_map(|key| self.judge(self.candidates.get(key)?))
            .collect();
        found.sort_by(|a, b| b.burst.total_cmp(&a.burst));
        found
    }

    /// Whether a single word was heard as often as a phrase must be.
    pub fn is_frequent(&self, word: &str) -> bool {
        let count = self
            .words
            .get(&Fingerprint::of(word).key)
            .copied()
            .unwrap_or(0.0);
        count / self.step >= self.config.least_count
    }

    /// Notes a run; its faded count.
    fn note(&mut self, tokens: &PhraseTokens<'_>, run: Run<'_, '_>) -> f64 {
        let candidate = self.candidates.entry(run.key).or_default();
        let again = candidate.recent > 0.0;
        candidate.recent += self.step;
        candidate.slow += self.slow_step;
        candidate.last = self.turn;
        if again {
            let heard = candidate.heard.get_or_insert_with(|| Heard::of(run));
            // A mark, or the edge of a text, is a free edge: it counts as one of four neighbours in turn.
            let turn = self.turn % EDGES;
            let word = |at: Option<usize>| at.and_then(|at| tokens.word(at));
            let edge = |at| word(at).map_or(turn, |word| (word as u32).max(EDGES));
            heard
                .before
                .note(edge(run.at.checked_sub(1)), self.step as f32);
            heard.after.note(edge(Some(run.end)), self.step as f32);
        }
        candidate.recent / self.step
    }

    /// Half of the room is for what is said often, a quarter for what was heard last; the last quarter shares the cost of this pass.
    /// By count alone nothing new would ever stay beside what was said for long.
    fn prune_candidates(&mut self) {
        let frequent = self.config.least_count * self.step;
        let counts = self.candidates.values().map(|c| c.recent);
        let least = rank_value(counts.filter(|n| *n >= frequent), self.config.capacity / 2);
        let stays = |c: &Candidate| c.recent >= frequent && c.recent > least;
        let turn = self.turn;
        let heard = |c: &Candidate| -f64::from(turn.wrapping_sub(c.last));
        let others = self.candidates.values().filter(|c| !stays(c)).map(heard);
        let oldest = rank_value(others, self.config.capacity / 4);
        self.candidates.retain(|_, c| stays(c) || heard(c) > oldest);
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
            if let Some(heard) = &mut candidate.heard {
                heard.before.scale(by as f32);
                heard.after.scale(by as f32);
            }
        }
    }

    /// The phrases of now, the most notable first: by attraction, burst and the root of the count, so that what is new comes before
    /// what is often said. Costs one pass over the candidates.
    pub fn top(&self, n: usize) -> Vec<Phrase> {
        let mut found: Vec<(f64, Phrase)> = self
            .candidates
            .values()
            .filter_map(|c| self.judge(c))
            .map(|p| (p.count.sqrt() * p.pmi * p.burst, p))
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.text.cmp(&b.1.text)));
        found.truncate(n);
        found.into_iter().map(|(_, p)| p).collect()
    }

    fn judge(&self, candidate: &Candidate) -> Option<Phrase> {
        let count = candidate.recent / self.step;
        if count < self.config.least_count {
            return None;
        }
        let heard = candidate.heard.as_ref()?;
        let entropy = heard.before.entropy().min(heard.after.entropy());
        if entropy < self.config.least_entropy {
            return None;
        }
        let pmi = self.pmi(heard, candidate.recent);
        if pmi < self.config.least_pmi {
            return None;
        }
        let usual = candidate.slow / self.slow_texts;
        Some(Phrase {
            text: heard.text.as_ref().to_owned(),
            count,
            pmi,
            entropy,
            burst: (candidate.recent / self.texts) / usual,
        })
    }

    /// The least over the seams of log2 p(whole) / (p(left) p(right)).
    fn pmi(&self, heard: &Heard, recent: f64) -> f64 {
        let tokens: Vec<&str> = heard.tokens().collect();
        let share = |part: &[&str]| self.count_of(part).unwrap_or(recent).max(recent) / self.total;
        let whole = recent / self.total;
        let seam = |at| {
            let (left, right) = tokens.split_at(at);
            (whole / (share(left) * share(right))).log2()
        };
        let least = (1..tokens.len()).map(seam).fold(f64::INFINITY, f64::min);
        if least.is_finite() { least } else { 0.0 }
    }

    /// How often a part of a phrase stood, faded. Of a run that is none of the candidates (it begins or ends in a joining word) as often as the
    /// rarest of its words, which it cannot exceed. `None` where all of them gave way.
    fn count_of(&self, part: &[&str]) -> Option<f64> {
        let key = Fingerprint::joined(part.iter().copied()).key;
        let known = self.words.get(&key).copied();
        known
            .or_else(|| self.candidates.get(&key).map(|c| c.recent))
            .or_else(|| {
                let words = part
                    .iter()
                    .filter_map(|word| self.words.get(&Fingerprint::of(word).key));
                words.copied().reduce(f64::min)
            })
    }
}

/// The value at place `rank` from the greatest, counted from 0; less than all where there are no more than that.
fn rank_value(values: impl Iterator<Item = f64>, rank: usize) -> f64 {
    let mut values: Vec<f64> = values.collect();
    if values.len() <= rank {
        return f64::NEG_INFINITY;
    }
    let (_, value, _) = values.select_nth_unstable_by(rank, |a, b| b.total_cmp(a));
    *value
}

#[cfg(test)]
mod tests;
