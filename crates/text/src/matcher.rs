//! Rules compiled into one automaton: the cost of a text does not grow with the number of terms.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use rustc_hash::FxHashMap;

use crate::analysis::{RuleHit, RuleLevel, TermMatch};
use crate::error::{Problem, TextError};
use crate::normalize::{Normalized, Normalizer};
use crate::offset::CharIndex;
use crate::rule::{Rule, Rules};
use crate::squeeze::{Squeezed, squeeze};

/// More matches of one rule in one text tell nothing new.
const MOST_MATCHES: usize = 16;

/// Where a text comes from, for rules that hold only there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Context<'a> {
    /// The channel: `hotline`, `wechat`, `weibo`, `survey`, `review`, …
    pub channel: Option<&'a str>,
    /// The brand.
    pub brand: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Any,
    All,
    None,
}

/// A term in a rule.
#[derive(Debug, Clone, Copy)]
struct Posting {
    rule: u32,
    list: List,
    /// Its place in that list.
    place: u32,
}

/// Compiled rules.
#[derive(Debug, Clone)]
pub struct RuleSet {
    automaton: Option<AhoCorasick>,
    postings: Vec<Vec<Posting>>,
    rules: Vec<Rule>,
    terms: FxHashMap<(u32, u32, bool), Arc<str>>,
}

/// A text as the matcher needs it.
pub(crate) struct Subject<'a> {
    pub(crate) original: &'a str,
    pub(crate) normalized: &'a Normalized,
    pub(crate) index: &'a CharIndex<'a>,
    pub(crate) score: f32,
}

impl RuleSet {
    /// Checks and compiles.
    ///
    /// # Errors
    /// All problems of the rules with their paths.
    pub fn compile(rules: &Rules, normalizer: &Normalizer) -> Result<Self, TextError> {
        let problems = rules.problems();
        if !problems.is_empty() {
            return Err(TextError::Invalid {
                what: "rules".to_owned(),
                problems,
            });
        }
        let variants = Variants::embedded();
        let mut patterns: Vec<String> = Vec::new();
        let mut postings: Vec<Vec<Posting>> = Vec::new();
        let mut seen: FxHashMap<String, usize> = FxHashMap::default();
        let mut terms = FxHashMap::default();
        for (r, rule) in rules.rules.iter().enumerate() {
            for (list, words) in [
                (List::Any, &rule.any),
                (List::All, &rule.all),
                (List::None, &rule.none),
            ] {
                for (place, word) in words.iter().enumerate() {
                    let posting = Posting {
                        rule: narrow(r),
                        list,
                        place: narrow(place),
                    };
                    if list != List::None {
                        terms.insert(
                            (posting.rule, posting.place, list == List::All),
                            Arc::from(word.as_str()),
                        );
                    }
                    let normal = normalizer.normalize(word, usize::MAX).text;
                    for spelling in variants.spellings(squeeze(&normal).text.as_ref()) {
                        let at = *seen.entry(spelling.clone()).or_insert_with(|| {
                            patterns.push(spelling);
                            postings.push(Vec::new());
                            postings.len() - 1
                        });
                        postings[at].push(posting);
                    }
                }
            }
        }
        let automaton = if patterns.is_empty() {
            None
        } else {
            Some(
                AhoCorasick::builder()
                    .match_kind(MatchKind::Standard)
                    .build(&patterns)
                    .map_err(|e| {
                        let problems = vec![Problem {
                            path: "rules".to_owned(),
                            message: e.to_string(),
                        }];
                        TextError::Invalid {
                            what: "rules".to_owned(),
                            problems,
                        }
                    })?,
            )
        };
        Ok(Self {
            automaton,
            postings,
            rules: rules.rules.clone(),
            terms,
        })
    }

    /// The rules, as given.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that hold, the gravest first, else in the order of the set.
    pub(crate) fn find(&self, subject: &Subject<'_>, context: &Context<'_>) -> Vec<RuleHit> {
        let Some(automaton) = &self.automaton else {
            return Vec::new();
        };
        let squeezed = squeeze(&subject.normalized.text);
        let mut found: Vec<(Posting, usize, usize)> = Vec::new();
        for m in automaton.find_overlapping_iter(squeezed.text.as_ref()) {
            if crate::scope::inside_word(&squeezed.text, m.start(), m.end()) {
                continue;
            }
            found.extend(
                self.postings[m.pattern().as_usize()]
                    .iter()
                    .map(|p| (*p, m.start(), m.end())),
            );
        }
        if found.is_empty() {
            return Vec::new();
        }
        // Stable: within a rule the order of the text remains.
        found.sort_by_key(|(p, ..)| p.rule);
        let mut hits: Vec<RuleHit> = found
            .chunk_by(|(a, ..), (b, ..)| a.rule == b.rule)
            .filter_map(|group| self.hit(group, subject, &squeezed, context))
            .collect();
        hits.sort_by_key(|h| std::cmp::Reverse(h.level));
        hits
    }

    fn hit(
        &self,
        group: &[(Posting, usize, usize)],
        subject: &Subject<'_>,
        squeezed: &Squeezed<'_>,
        context: &Context<'_>,
    ) -> Option<RuleHit> {
        let rule = &self.rules[group.first()?.0.rule as usize];
        let has = |list| group.iter().any(|(p, ..)| p.list == list);
        let within = |allowed: &[String], given: Option<&str>| {
            allowed.is_empty() || allowed.iter().any(|a| Some(a.as_str()) == given)
        };
        let holds = !has(List::None)
            && (rule.any.is_empty() || has(List::Any))
            && (0..rule.all.len()).all(|i| {
                group
                    .iter()
                    .any(|(p, ..)| p.list == List::All && p.place as usize == i)
            })
            && within(&rule.brands, context.brand)
            && within(&rule.channels, context.channel)
            && rule
                .min_negative
                .is_none_or(|least| subject.score <= -least);
        if !holds {
            return None;
        }
        let matches = group
            .iter()
            .take(MOST_MATCHES)
            .filter_map(|(p, start, end)| {
                let bytes = subject
                    .normalized
                    .original(subject.original, squeezed.source(*start..*end));
                Some(TermMatch {
                    term: self
                        .terms
                        .get(&(p.rule, p.place, p.list == List::All))?
                        .clone(),
                    start: subject.index.chars_before(bytes.start),
                    end: subject.index.chars_before(bytes.end),
                    text: subject.original[bytes].to_owned(),
                })
            });
        Some(RuleHit {
            rule: rule.id.clone(),
            name: rule.name.clone(),
            level: rule.level,
            topic: rule.topic.clone(),
            matches: matches.collect(),
        })
    }
}

/// How grave the gravest is.
pub fn gravest(hits: &[RuleHit]) -> Option<RuleLevel> {
    hits.iter().map(|h| h.level).max()
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Spellings used to dodge rules.
struct Variants {
    rows: Vec<(&'static str, Vec<&'static str>)>,
}

impl Variants {
    fn embedded() -> Self {
        let rows = include_str!("../data/variants.tsv")
            .lines()
            .filter(|l| !l.starts_with('#'));
        Self {
            rows: rows
                .filter_map(|l| l.split_once('\t'))
                .map(|(t, v)| (t, v.split_whitespace().collect()))
                .collect(),
        }
    }

    /// The term and every spelling of it; one part of it is respelled at a time.
    fn spellings(&self, term: &str) -> Vec<String> {
        let mut all = vec![term.to_owned()];
        for (word, variants) in self.rows.iter().filter(|(w, _)| term.contains(w)) {
            for variant in variants.iter().filter(|v| **v != *word) {
                let spelling = term.replace(word, variant);
                if !all.contains(&spelling) {
                    all.push(spelling);
                }
            }
        }
        all
    }
}
