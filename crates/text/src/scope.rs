//! The lexicon-and-scope reading: which words of feeling stand, and what turns or weakens each. Deterministic, one pass, linear.
//!
//! A negation or a word of degree reaches the next word of feeling in its clause, not further than [`REACH`]. 但是 weakens what came
//! before it in the sentence and strengthens what follows. A question halves, a scornful one turns praise over.

use std::ops::Range;

use crate::analysis::Scope;
use crate::letters::Letters;
use crate::lexicon::Role;
use crate::normalize::Normalizer;
use crate::terms::{Found, Terms};

mod reading;

pub(crate) use reading::{Clause, Hit, Reading};

/// How many bytes (three per Han character) lie at most between a modifier and the word that it reaches: 不是一家让人满意的店 spans
/// seven characters; farther apart the two belong together by chance more often than not.
const REACH: usize = 21;
/// How much a negated word of praise blames, and a negated word of blame praises: 不好 blames nearly as 坏 does, 不坏 praises
/// faintly.
const NEGATED_PRAISE: f32 = -0.9;
const NEGATED_BLAME: f32 = -0.7;
/// What 好 before blame multiplies it by, as 好生 does.
const VERY: f32 = 1.5;
const CONCEDED: f32 = 0.5;
const STRESSED: f32 = 1.4;
const ASKED: f32 = 0.4;
const SUPPOSED: f32 = 0.3;
/// What a scornful question or a wish blames that names no feeling: 这也叫售后? 早点发货就好了.
const IMPLIED: f32 = -1.0;
/// Statements weigh so many times what questions do.
const STATED: usize = 2;
/// Log-odds of the rest of a text below which praise that may mock does.
pub(crate) const MOCKED: f32 = -0.5;

/// Reads texts with one automaton over all words.
#[derive(Debug, Clone)]
pub(crate) struct ScopeReader {
    terms: Terms,
    roles: Vec<Role>,
}

impl ScopeReader {
    /// Compiles the entries; where a word stands twice, the last one holds.
    pub(crate) fn new(entries: &[(String, Role)], normalizer: &Normalizer) -> Self {
        let mut words: Vec<String> = Vec::with_capacity(entries.len());
        let mut roles = Vec::with_capacity(entries.len());
        let mut seen = rustc_hash::FxHashMap::default();
        for (word, role) in entries {
            let word = normalizer.normalize(word, usize::MAX).text;
            let role = match role {
                Role::Polar(weight) if *weight < 0.0 && word.starts_with('不') => {
                    &Role::NegatedPraise(*weight)
                }
                role => role,
            };
            match seen.get(&word) {
                Some(at) => roles[*at] = *role,
                None => {
                    seen.insert(word.clone(), roles.len());
                    words.push(word);
                    roles.push(*role);
                }
            }
        }
        let terms = Terms::new(&words);
        Self { terms, roles }
    }

    /// Reads the characters of a normalised text into `reading`, in the memory of an earlier one.
    pub(crate) fn read(&self, letters: &Letters, reading: &mut Reading) {
        let mut state = State {
            reading: reading.cleared(),
            ..State::default()
        };
        for Found {
            term,
            start,
            end,
            letters: place,
        } in self.terms.find(letters)
        {
            if inside_latin_word(letters.with_end(), &place) {
                continue;
            }
            match self.roles[term] {
                Role::Polar(weight) if weight > 0.0 && quoted(letters.with_end(), &place) => {
                    state.scorn(weight, start, end);
                }
                Role::Polar(weight) if weight < 0.0 && follows_good(letters.with_end(), &place) => {
                    state.very(start);
                    state.step(Role::Polar(weight), start, end);
                }
                role => state.step(role, start, end),
            }
        }
        let bytes = letters.bytes();
        state.end_clause(bytes, bytes, true);
        *reading = state.reading;
        reading.asked = state.asked as f32 / bytes.max(1) as f32;
        reading.settle_mocking();
        reading.sum_up();
    }
}

/// Whether a match of Latin letters is a part of a longer Latin word: `low` in `slow`.
pub(crate) fn inside_word(text: &str, start: usize, end: usize) -> bool {
    let bytes = text.as_bytes();
    let letter = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    (letter(bytes.get(start)) && start > 0 && letter(bytes.get(start - 1)))
        || (end > start && letter(bytes.get(end - 1)) && letter(bytes.get(end)))
}

/// The same of characters, which one more follows.
#[inline]
fn inside_latin_word(chars: &[char], place: &Range<usize>) -> bool {
    let letter = |at: usize| chars[at].is_ascii_alphanumeric();
    (letter(place.start) && place.start > 0 && letter(place.start - 1))
        || (letter(place.end - 1) && letter(place.end))
}

/// Whether a word stands alone between quotation marks: 真“周到”.
#[inline]
fn quoted(chars: &[char], place: &Range<usize>) -> bool {
    matches!(chars[place.end], '”' | '"' | '」')
        && place.start > 0
        && matches!(chars[place.start - 1], '“' | '"' | '「')
}

/// Whether a word stands right after 好, which then is 很: 态度好差.
#[inline]
fn follows_good(chars: &[char], place: &Range<usize>) -> bool {
    place.start > 0 && chars[place.start - 1] == '好'
}

#[derive(Debug, Default)]
struct State {
    reading: Reading,
    clause_start: usize,
    /// First hit of the clause, and of the sentence.
    clause_hits: usize,
    sentence_hits: usize,
    negations: u32,
    negation_end: usize,
    /// Whether a degree stood before the negation (很不好) or after it (不很好).
    degree: f32,
    degree_end: usize,
    degree_after_negation: bool,
    question: bool,
    rhetorical: bool,
    /// Where a word stands that scorns by itself.
    scornful: Option<(usize, usize)>,
    /// Whether a word stands that may mock.
    mocks: bool,
    conceded: bool,
    supposed: bool,
    stressed: bool,
    /// Whether the blame that follows in the sentence did not come to be.
    averted: bool,
    /// Who does something for whom in the clause.
    cue: Option<Hit>,
    /// Whether the clause states.
    notice: bool,
    /// Bytes of clauses that ask, and of those that state, as often as they weigh.
    asked: usize,
}

impl State {
    fn step(&mut self, role: Role, start: usize, end: usize) {
        match role {
            Role::Polar(weight) => self.polar(weight, false, start, end),
            Role::NegatedPraise(weight) => self.polar(weight, true, start, end),
            Role::Event(plain, negated) => self.event(plain, negated, start, end),
            Role::Outcome(weight) => self.outcome(weight, start, end),
            Role::Averted(weight) => {
                self.outcome(weight, start, end);
                self.averted = true;
            }
            Role::Notice => self.notice = true,
            Role::Cue(weight) => {
                let weight = if self.is_negated(start) {
                    -weight
                } else {
                    weight
                };
                self.cue = Some(Hit::new(weight, Scope::Plain, start, end));
            }
            Role::Emoticon(weight) => {
                let hit = Hit::new(weight, Scope::Plain, start, end);
                self.reading.hits.push(hit);
            }
            Role::NegationAfter => {
                let from = self.clause_hits;
                let before = self.reading.hits[from..].last_mut();
                match before.and_then(|hit| Some((hit.negated?, hit))) {
                    Some((negated, hit)) => {
                        hit.weight = negated;
                        hit.scope = Scope::Negated;
                        hit.end = end;
                    }
                    None => self.step(Role::Negation, start, end),
                }
            }
            Role::Negation => {
                self.negations = if self.negations > 0 && start - self.negation_end <= REACH {
                    self.negations + 1
                } else {
                    1
                };
                self.negation_end = end;
                self.degree_after_negation = false;
            }
            Role::Degree(factor) => {
                self.degree = factor;
                self.degree_end = end;
                self.degree_after_negation = self.negations > 0;
            }
            Role::DegreeAfter(factor) => {
                let from = self.clause_hits;
                if let Some(hit) = self.reading.hits[from..]
                    .last_mut()
                    .filter(|h| start - h.end <= 6)
                {
                    hit.weight *= factor;
                    hit.scope = Scope::Degree;
                    hit.end = end;
                }
            }
            Role::AdversativeHead if start != self.clause_start => {}
            Role::Adversative | Role::AdversativeHead => {
                self.end_clause(start, start, false);
                for hit in &mut self.reading.hits[self.sentence_hits..] {
                    if !hit.told {
                        hit.weight *= CONCEDED;
                        hit.scope = Scope::Conceded;
                    }
                    hit.opens = false;
                }
                self.stressed = true;
            }
            Role::Concession => self.conceded = true,
            Role::Condition => self.supposed = true,
            Role::Question => self.question = true,
            Role::Rhetorical => self.rhetorical = true,
            Role::Scorn => {
                self.rhetorical = true;
                self.scornful = Some((start, end));
            }
            Role::Reproach => {
                self.question = true;
                self.rhetorical = true;
                self.scornful = Some((start, end));
            }
            Role::Mock(weight) => {
                self.mocks = true;
                if weight > 0.0 {
                    self.polar(weight, false, start, end);
                }
            }
            Role::Reversal => {
                // 好吃才怪; 快一点就好了: the clause means that it is not so, whatever it supposes, and blames at any rate.
                self.supposed = false;
                if self.reading.hits.len() == self.clause_hits {
                    self.imply(start, end);
                }
                for hit in &mut self.reading.hits[self.clause_hits..] {
                    hit.weight = -hit.weight.abs();
                    hit.scope = Scope::Rhetorical;
                }
            }
            Role::Mask => {}
            Role::Comma => self.end_clause(start, end, false),
            Role::Stop => self.end_clause(start, end, true),
            Role::QuestionMark => {
                self.question = true;
                self.end_clause(start, end, true);
            }
        }
    }

    /// A word of praise that is only quoted blames.
    fn scorn(&mut self, weight: f32, start: usize, end: usize) {
        let hit = Hit::new(-weight, Scope::Rhetorical, start, end);
        self.reading.hits.push(hit);
        self.negations = 0;
        self.degree = 0.0;
    }

    /// Praise that ends at `start` in 好 was none: it says how much what follows holds.
    fn very(&mut self, start: usize) {
        let last = self.reading.hits[self.clause_hits..].last();
        if last.is_some_and(|hit| hit.end == start && hit.weight > 0.0 && !hit.told) {
            self.reading.hits.pop();
            self.step(Role::Degree(VERY), start, start);
        }
    }

    /// Blame of a word that says of itself that something is wrong.
    fn imply(&mut self, start: usize, end: usize) {
        let hit = Hit::new(IMPLIED, Scope::Rhetorical, start, end);
        self.reading.hits.push(hit);
    }

    /// Whether an odd number of negations reaches `start`.
    fn is_negated(&self, start: usize) -> bool {
        self.negations % 2 == 1 && start - self.negation_end <= REACH
    }

    /// What came of it, told by itself.
    fn outcome(&mut self, weight: f32, start: usize, end: usize) {
        self.polar(weight, false, start, end);
        if let Some(hit) = self.reading.hits.last_mut() {
            hit.told = true;
            hit.opens = false;
        }
        if weight > 0.0 {
            self.mend();
        }
    }

    /// The troubles that the sentence has told so far were put right.
    fn mend(&mut self) {
        for hit in &mut self.reading.hits[self.sentence_hits..] {
            hit.mend();
        }
    }

    /// An event: negated it has a weight of its own; done, it mends the troubles before it.
    fn event(&mut self, plain: f32, negated: f32, start: usize, end: usize) {
        let is_negated = self.is_negated(start);
        let first = self.reading.hits.len();
        let weight = if is_negated { negated } else { plain };
        if weight != 0.0 {
            // The sign is as given: the negation has done its work.
            self.negations = 0;
            self.polar(weight, false, start, end);
        }
        for hit in &mut self.reading.hits[first..] {
            if is_negated {
                hit.scope = Scope::Negated;
            } else {
                hit.negated = Some(negated);
            }
            if self.averted {
                hit.mend();
            }
        }
        if !is_negated && plain > 0.0 {
            self.mend();
        }
    }

    fn polar(&mut self, weight: f32, negated_praise: bool, start: usize, end: usize) {
        let negations = if self.negations > 0 && start - self.negation_end <= REACH {
            self.negations
        } else {
            0
        };
        let degree = if self.degree > 0.0 && start - self.degree_end <= REACH {
            self.degree
        } else {
            1.0
        };
        let (weight, scope) = match negations {
            0 if degree == 1.0 => (weight, Scope::Plain),
            0 => (weight * degree, Scope::Degree),
            n if n % 2 == 0 => (weight, Scope::DoubleNegated),
            // 没有一次不满意: the word brings the second negation along.
            _ if negated_praise => (weight.abs(), Scope::DoubleNegated),
            _ => {
                let turned = if weight > 0.0 {
                    NEGATED_PRAISE
                } else {
                    NEGATED_BLAME
                };
                // 不太好 blames less than 不好, whatever 太 would add; 很不好 blames more.
                let degree = if self.degree_after_negation {
                    (1.0 / degree).clamp(0.6, 1.0)
                } else {
                    degree
                };
                (weight * turned * degree, Scope::Negated)
            }
        };
        let weight = if self.stressed {
            weight * STRESSED
        } else {
            weight
        };
        let scope = if self.stressed && scope == Scope::Plain {
            Scope::Stressed
        } else {
            scope
        };
        let mut hit = Hit::new(weight, scope, start, end);
        hit.negated_praise = negated_praise;
        hit.opens = weight > 0.0 && self.clause_start == 0;
        self.reading.hits.push(hit);
        self.negations = 0;
        self.degree = 0.0;
    }

    fn end_clause(&mut self, end: usize, next: usize, ends_sentence: bool) {
        if self.question && !self.rhetorical {
            self.asked += end - self.clause_start;
        } else if self.notice && self.reading.hits.len() == self.clause_hits {
            self.asked += STATED * (end - self.clause_start);
        }
        for hit in &mut self.reading.hits[self.clause_hits..] {
            if hit.told {
            } else if self.rhetorical && self.question {
                // 怎么能不推荐呢 praises: scorn turns what was negated back.
                let negated = matches!(hit.scope, Scope::Negated) || hit.negated_praise;
                hit.weight = if negated {
                    hit.weight.abs()
                } else {
                    -hit.weight.abs()
                };
                hit.scope = Scope::Rhetorical;
            } else if self.question {
                hit.weight *= ASKED;
                hit.scope = Scope::Question;
            } else if self.supposed {
                hit.weight *= SUPPOSED;
                hit.scope = Scope::Supposed;
            } else if self.conceded {
                hit.weight *= CONCEDED;
                hit.scope = Scope::Conceded;
            }
            hit.mocks = self.mocks && hit.weight > 0.0;
        }
        if let Some((start, end)) = self.scornful
            && self.question
            && self.reading.hits.len() == self.clause_hits
        {
            self.imply(start, end);
        }
        if let Some(mut cue) = self.cue.take()
            && !(self.question || self.supposed || self.notice)
            && self.reading.hits.len() == self.clause_hits
        {
            cue.told = true;
            self.reading.hits.push(cue);
        }
        let weight = self.reading.hits[self.clause_hits..]
            .iter()
            .map(|h| h.weight)
            .sum();
        if end > self.clause_start {
            self.reading.clauses.push(Clause {
                start: self.clause_start,
                end,
                weight,
                ends_sentence,
            });
        } else if ends_sentence && let Some(last) = self.reading.clauses.last_mut() {
            last.ends_sentence = true;
        }
        self.clause_start = next;
        self.clause_hits = self.reading.hits.len();
        self.negations = 0;
        self.degree = 0.0;
        self.question = false;
        self.rhetorical = false;
        self.scornful = None;
        self.mocks = false;
        self.conceded = false;
        self.supposed = false;
        self.notice = false;
        if ends_sentence {
            self.sentence_hits = self.reading.hits.len();
            self.stressed = false;
            self.averted = false;
        }
    }
}

#[cfg(test)]
mod tests;
