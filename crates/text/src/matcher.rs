//! Rules compiled into one automaton: the cost of a text hardly grows with the number of terms.

use std::sync::Arc;

use regex::{Regex, RegexSet, RegexSetBuilder};
use rustc_hash::FxHashMap;

use crate::analysis::{AspectMention, RuleHit, RuleLevel, Sentiment, TermMatch};
use crate::condition::Condition;
use crate::error::{Problem, TextError};
use crate::near::{Place, chain};
use crate::normalize::{Normalized, Normalizer};
use crate::offset::CharIndex;
use crate::rule::{Rule, Rules};
use crate::squeeze::{Squeezed, squeeze};
use crate::terms::OverlappingTerms;

/// More matches of one rule in one text tell nothing new.
const MOST_MATCHES: usize = 16;

/// Where a text comes from, for rules that hold only there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Context<'a> {
    /// The channel: `hotline`, `wechat`, `weibo`, `survey`, `review`, …
    pub channel: Option<&'a str>,
    /// The brand.
    pub brand: Option<&'a str>,
    /// Its likes, reposts and comments together.
    pub reach: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum List {
    Any,
    All,
    None,
    Except,
}

/// A term or pattern in a rule.
#[derive(Debug, Clone, Copy)]
struct Posting {
    rule: u32,
    list: List,
    /// Which condition of that list.
    condition: u32,
    /// Which group of terms that are to be near each other.
    group: u8,
    /// What the operator wrote.
    label: u32,
}

impl Posting {
    fn place(&self) -> (u32, List, u32) {
        (self.rule, self.list, self.condition)
    }
}

/// A posting where it was found: bytes of the squeezed text.
#[derive(Debug, Clone, Copy)]
struct Found {
    posting: Posting,
    start: usize,
    end: usize,
}

impl Found {
    fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// Compiled rules.
#[derive(Debug, Clone)]
pub struct RuleSet {
    automaton: OverlappingTerms,
    /// For each term of the automaton, where it is asked for.
    postings: Vec<Vec<Posting>>,
    patterns: RegexSet,
    /// In the order of `patterns`.
    regexes: Vec<(Regex, Posting)>,
    rules: Vec<Rule>,
    labels: Vec<Arc<str>>,
    version: Arc<str>,
}

/// A text as the matcher needs it.
pub(crate) struct Subject<'a> {
    pub(crate) original: &'a str,
    pub(crate) normalized: &'a Normalized,
    pub(crate) index: &'a CharIndex<'a>,
    pub(crate) sentiment: &'a Sentiment,
    pub(crate) aspects: &'a [AspectMention],
}

/// Collects what the rules ask for, each spelling once.
struct Compiler<'a> {
    normalizer: &'a Normalizer,
    variants: Variants,
    terms: Vec<String>,
    postings: Vec<Vec<Posting>>,
    seen: FxHashMap<String, usize>,
    regexes: Vec<(Regex, Posting)>,
    labels: Vec<Arc<str>>,
}

impl Compiler<'_> {
    fn label(&mut self, text: &str) -> u32 {
        self.labels.push(Arc::from(text));
        narrow(self.labels.len() - 1)
    }

    fn condition(&mut self, condition: &Condition, mut posting: Posting) -> Result<(), String> {
        if let Condition::Regex(pattern) = condition {
            posting.label = self.label(&pattern.regex);
            self.regexes.push((pattern.compile()?, posting));
        }
        for (group, terms) in (0..).zip(condition.groups()) {
            for term in terms {
                self.term(term, Posting { group, ..posting });
            }
        }
        Ok(())
    }

    fn term(&mut self, term: &str, mut posting: Posting) {
        posting.label = self.label(term);
        let normal = self.normalizer.normalize(term, usize::MAX).text;
        for spelling in self.variants.spellings(squeeze(&normal).text.as_ref()) {
            let at = *self.seen.entry(spelling.clone()).or_insert_with(|| {
                self.terms.push(spelling);
                self.postings.push(Vec::new());
                self.postings.len() - 1
            });
            self.postings[at].push(posting);
        }
    }
}

impl RuleSet {
    /// Checks and compiles.
    ///
    /// # Errors
    /// All problems of the rules with their paths.
    pub fn compile(rules: &Rules, normalizer: &Normalizer) -> Result<Self, TextError> {
        let invalid = |problems| TextError::Invalid {
            what: "keyword rules".to_owned(),
            problems,
        };
        let whole = |message| {
            invalid(vec![Problem {
                path: "rules".to_owned(),
                message,
            }])
        };
        let problems = rules.problems();
        if !problems.is_empty() {
            return Err(invalid(problems));
        }
        let mut compiler = Compiler {
            normalizer,
            variants: Variants::embedded(),
            terms: Vec::new(),
            postings: Vec::new(),
            seen: FxHashMap::default(),
            regexes: Vec::new(),
            labels: Vec::new(),
        };
        for (r, rule) in rules.rules.iter().enumerate() {
            let posting = |list, condition| Posting {
                rule: narrow(r),
                list,
                condition: narrow(condition),
                group: 0,
                label: 0,
            };
            for (list, conditions) in [
                (List::Any, &rule.any),
                (List::All, &rule.all),
                (List::None, &rule.none),
            ] {
                for (c, condition) in conditions.iter().enumerate() {
                    compiler
                        .condition(condition, posting(list, c))
                        .map_err(whole)?;
                }
            }
            for (c, term) in rule.except.iter().enumerate() {
                compiler.term(term, posting(List::Except, c));
            }
        }
        let patterns = RegexSetBuilder::new(compiler.regexes.iter().map(|(r, _)| r.as_str()))
            .size_limit(64 << 20)
            .build()
            .map_err(|e| whole(format!("all patterns together: {e}")))?;
        Ok(Self {
            automaton: OverlappingTerms::new("rules", &compiler.terms)?,
            postings: compiler.postings,
            patterns,
            regexes: compiler.regexes,
            rules: rules.rules.clone(),
            labels: compiler.labels,
            version: rules.version().into(),
        })
    }

    /// The rules, as given.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// A fingerprint of the rules, in 16 hexadecimal digits; see [`Rules::version`].
    pub fn version(&self) -> &Arc<str> {
        &self.version
    }

    /// The rules that hold, the gravest first, else in the order of the set.
    pub(crate) fn find(&self, subject: &Subject<'_>, context: &Context<'_>) -> Vec<RuleHit> {
        let squeezed = squeeze(&subject.normalized.text);
        let mut found = self.places(&squeezed.text);
        if found.is_empty() {
            return Vec::new();
        }
        found.sort_by_key(|f| (f.posting.place(), f.start, f.end));
        let mut hits: Vec<RuleHit> = found
            .chunk_by(|a, b| a.posting.rule == b.posting.rule)
            .filter_map(|group| self.hit(group, subject, &squeezed, context))
            .collect();
        hits.sort_by_key(|h| std::cmp::Reverse(h.level));
        hits
    }

    /// Everything that any rule asks for: one pass for all terms, one for all patterns.
    fn places(&self, text: &str) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        for m in self.automaton.find(text) {
            if crate::scope::inside_word(text, m.start, m.end) {
                continue;
            }
            found.extend(self.postings[m.term].iter().map(|posting| Found {
                posting: *posting,
                start: m.start,
                end: m.end,
            }));
        }
        if !self.regexes.is_empty() {
            for which in self.patterns.matches(text) {
                let (regex, posting) = &self.regexes[which];
                found.extend(
                    regex
                        .find_iter(text)
                        .filter(|m| !m.is_empty())
                        .map(|m| Found {
                            posting: *posting,
                            start: m.start(),
                            end: m.end(),
                        }),
                );
            }
        }
        found
    }

    /// What `group`, all that was found for one rule, amounts to.
    fn hit(
        &self,
        group: &[Found],
        subject: &Subject<'_>,
        squeezed: &Squeezed<'_>,
        context: &Context<'_>,
    ) -> Option<RuleHit> {
        let rule = &self.rules[group.first()?.posting.rule as usize];
        if !rule.concerns(subject, context) {
            return None;
        }
        let excepted = group.partition_point(|f| f.posting.list < List::Except);
        let (asked, excepted) = group.split_at(excepted);
        let counts = |f: &&Found| !excepted.iter().any(|e| e.overlaps(f));
        let live: Vec<Found> = asked.iter().filter(counts).copied().collect();
        let (mut any, mut all) = (rule.any.is_empty(), 0);
        let mut by: Vec<Found> = Vec::new();
        for places in live.chunk_by(|a, b| a.posting.place() == b.posting.place()) {
            let (_, list, condition) = places.first()?.posting.place();
            let held = match rule.condition(list, condition as usize) {
                Some(Condition::Near(near)) => {
                    let of: Vec<Place> = places
                        .iter()
                        .map(|f| Place {
                            group: f.posting.group,
                            start: f.start,
                            end: f.end,
                        })
                        .collect();
                    chain(near, &of, &squeezed.text)
                        .map(|chosen| chosen.into_iter().map(|i| places[i]).collect())
                }
                _ => Some(places.to_vec()),
            };
            let Some(held) = held else {
                continue;
            };
            match list {
                List::Any => any = true,
                List::All => all += 1,
                List::None | List::Except => return None,
            }
            by.extend(held);
        }
        if !any || all < rule.all.len() {
            return None;
        }
        by.sort_by_key(|f| (f.start, f.end));
        Some(RuleHit {
            rule: rule.id.clone(),
            name: rule.name.clone(),
            level: rule.level,
            topic: rule.topic.clone(),
            matches: by
                .iter()
                .take(MOST_MATCHES)
                .map(|f| self.term_match(f, subject, squeezed))
                .collect(),
        })
    }

    fn term_match(
        &self,
        found: &Found,
        subject: &Subject<'_>,
        squeezed: &Squeezed<'_>,
    ) -> TermMatch {
        let bytes = subject
            .normalized
            .original(subject.original, squeezed.source(found.start..found.end));
        TermMatch {
            term: self.labels[found.posting.label as usize].clone(),
            start: subject.index.chars_before(bytes.start),
            end: subject.index.chars_before(bytes.end),
            text: subject.original[bytes].to_owned(),
        }
    }
}

impl Rule {
    /// Whether it holds for texts of this origin, verdict, aspects and reach at all.
    fn concerns(&self, subject: &Subject<'_>, context: &Context<'_>) -> bool {
        let within = |allowed: &[String], given: Option<&str>| {
            allowed.is_empty() || allowed.iter().any(|a| Some(a.as_str()) == given)
        };
        let Sentiment { label, score, .. } = subject.sentiment;
        within(&self.brands, context.brand)
            && within(&self.channels, context.channel)
            && (self.sentiment.is_empty() || self.sentiment.contains(label))
            && self.min_negative.is_none_or(|least| *score <= -least)
            && self.reach.is_none_or(|least| context.reach >= Some(least))
            && (self.aspects.is_empty()
                || subject
                    .aspects
                    .iter()
                    .any(|m| self.aspects.contains(&m.aspect)))
    }

    fn condition(&self, list: List, at: usize) -> Option<&Condition> {
        match list {
            List::Any => self.any.get(at),
            List::All => self.all.get(at),
            List::None => self.none.get(at),
            List::Except => None,
        }
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
