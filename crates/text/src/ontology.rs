//! What customers judge: a list of aspects with the words that name each, replaceable by the operator, checked whole.

use std::sync::Arc;

use regex::Regex;
use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::Pattern;
use crate::cue::lies_across;
use crate::error::{Problem, TextError};
use crate::letters::Letters;
use crate::normalize::Normalizer;
use crate::scope::inside_word;
use crate::segment::Word;
use crate::terms::Terms;

/// A name in both languages of the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DisplayName {
    /// Chinese.
    pub zh: Arc<str>,
    /// English.
    pub en: Arc<str>,
}

/// One thing that customers judge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aspect {
    /// Stable id in snake_case: `service_attitude`.
    pub id: Arc<str>,
    /// How people call it.
    pub name: DisplayName,
    /// How much a mention counts when the topics of a text are chosen; 1 by default.
    #[serde(default = "one")]
    pub weight: f32,
    /// The words that name it.
    #[serde(default)]
    pub terms: Vec<String>,
    /// What names it in more ways than words can list, in the normalised text: {regex: '送.{0,4}慢'}.
    #[serde(default)]
    pub patterns: Vec<Pattern>,
    /// A term or pattern does not count where it overlaps one of these: 物流城 for the term 物流. Unlike a term of another aspect, it names
    /// nothing itself.
    #[serde(default)]
    pub except: Vec<String>,
}

fn one() -> f32 {
    1.0
}

/// All aspects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ontology {
    /// In the order in which ties are broken.
    pub aspects: Vec<Aspect>,
}

impl Ontology {
    /// Reads and checks a YAML document.
    ///
    /// # Errors
    /// The syntax error, or all problems of the content with their paths.
    pub fn from_yaml(yaml: &str) -> Result<Self, TextError> {
        let invalid = |problems| TextError::Invalid {
            what: "aspects".to_owned(),
            problems,
        };
        let this: Self = serde_saphyr::from_str(yaml).map_err(|e| {
            invalid(vec![Problem {
                path: "aspects".to_owned(),
                message: e.to_string(),
            }])
        })?;
        let problems = this.problems();
        if problems.is_empty() {
            Ok(this)
        } else {
            Err(invalid(problems))
        }
    }

    /// Adds the aspects of `other` whose ids are not taken.
    pub(crate) fn extend(&mut self, other: Self) {
        for aspect in other.aspects {
            if self.aspects.iter().all(|own| own.id != aspect.id) {
                self.aspects.push(aspect);
            }
        }
    }

    /// All that is wrong with the content.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut ids = FxHashSet::default();
        for (i, aspect) in self.aspects.iter().enumerate() {
            let mut say = |path: &str, message: &str| {
                problems.push(Problem {
                    path: format!("aspects[{i}].{path}"),
                    message: message.to_owned(),
                });
            };
            let snake = aspect
                .id
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if aspect.id.is_empty() || !snake {
                say(
                    "id",
                    "give an id of lower-case letters, digits and underscores",
                );
            }
            if !ids.insert(&aspect.id) {
                say("id", &format!("{} stands twice", aspect.id));
            }
            if aspect.terms.is_empty() && aspect.patterns.is_empty() {
                say("terms", "give at least one term or pattern");
            }
            for (list, terms) in [("terms", &aspect.terms), ("except", &aspect.except)] {
                for (j, term) in terms.iter().enumerate() {
                    if term.trim().is_empty() {
                        say(&format!("{list}[{j}]"), "the term is empty");
                    }
                }
            }
            for (j, pattern) in aspect.patterns.iter().enumerate() {
                if let Err(message) = pattern.compile() {
                    say(&format!("patterns[{j}].regex"), &message);
                }
            }
            if !(aspect.weight > 0.0 && aspect.weight.is_finite()) {
                say("weight", "give a number above 0");
            }
        }
        problems
    }
}

/// A term of an aspect where it stands; bytes of the normalised text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mention {
    pub(crate) aspect: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Finds aspects with one automaton over all terms, and one pass for each pattern.
#[derive(Debug, Clone)]
pub(crate) struct AspectFinder {
    terms: Terms,
    /// What each term says of which aspects: one term may name two, and be none of a third.
    owners: Vec<Vec<(usize, Says)>>,
    patterns: Vec<(usize, Regex)>,
    pub(crate) aspects: Vec<Aspect>,
}

/// What a term says of an aspect.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Says {
    Named,
    /// What overlaps this names nothing.
    Except,
}

impl AspectFinder {
    /// Compiles an ontology.
    ///
    /// # Errors
    /// A pattern that is wrong, which [`Ontology::problems`] tells with its path.
    pub(crate) fn new(ontology: &Ontology, normalizer: &Normalizer) -> Result<Self, TextError> {
        let mut terms: Vec<String> = Vec::new();
        let mut owners: Vec<Vec<(usize, Says)>> = Vec::new();
        let mut seen = rustc_hash::FxHashMap::default();
        let mut patterns = Vec::new();
        for (i, aspect) in ontology.aspects.iter().enumerate() {
            let named = aspect.terms.iter().map(|t| (t, Says::Named));
            let except = aspect.except.iter().map(|t| (t, Says::Except));
            for (term, says) in named.chain(except) {
                let term = normalizer.normalize(term, usize::MAX).text;
                let at = *seen.entry(term.clone()).or_insert_with(|| {
                    terms.push(term);
                    owners.push(Vec::new());
                    owners.len() - 1
                });
                if !owners[at].contains(&(i, says)) {
                    owners[at].push((i, says));
                }
            }
            for (j, pattern) in aspect.patterns.iter().enumerate() {
                let regex = pattern.compile().map_err(|message| TextError::Invalid {
                    what: "aspects".to_owned(),
                    problems: vec![Problem {
                        path: format!("aspects[{i}].patterns[{j}].regex"),
                        message,
                    }],
                })?;
                patterns.push((i, regex));
            }
        }
        Ok(Self {
            terms: Terms::new(&terms),
            owners,
            patterns,
            aspects: ontology.aspects.clone(),
        })
    }

    /// The mentions in a normalised text of these characters and words, in its order. What lies across two words names nothing: 品质 in
    /// 商品质量.
    pub(crate) fn find(&self, text: &str, letters: &Letters, words: &[Word<'_>]) -> Vec<Mention> {
        let mut mentions = Vec::new();
        let mut except: Vec<Mention> = Vec::new();
        for found in self.terms.find(letters) {
            let (start, end) = (found.start, found.end);
            if inside_word(text, start, end) || lies_across(words, start, end) {
                continue;
            }
            for (aspect, says) in &self.owners[found.term] {
                let list = match says {
                    Says::Named => &mut mentions,
                    Says::Except => &mut except,
                };
                let aspect = *aspect;
                list.push(Mention { aspect, start, end });
            }
        }
        self.find_patterns(text, &mut mentions);
        if !except.is_empty() {
            let overlaps = |m: &Mention, e: &Mention| m.start < e.end && e.start < m.end;
            mentions.retain(|m| {
                !except
                    .iter()
                    .any(|e| e.aspect == m.aspect && overlaps(m, e))
            });
        }
        mentions
    }

    /// What patterns find, beside the terms: nothing where a term of the same aspect stands already.
    fn find_patterns(&self, text: &str, mentions: &mut Vec<Mention>) {
        let by_terms = mentions.len();
        for (aspect, regex) in &self.patterns {
            for found in regex.find_iter(text) {
                let (aspect, start, end) = (*aspect, found.start(), found.end());
                let told = |m: &Mention| m.aspect == aspect && m.start < end && start < m.end;
                if !mentions.iter().any(told) {
                    mentions.push(Mention { aspect, start, end });
                }
            }
        }
        if mentions.len() > by_terms {
            mentions.sort_by_key(|m| (m.start, m.end));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_come_at_once_with_their_paths() {
        let yaml = "aspects:\n- {id: Price, name: {zh: 价格, en: price}, terms: []}\n- {id: a, name: {zh: a, en: a}, weight: 0, terms: [' ']}\n- {id: a, name: {zh: a, en: a}, terms: [b]}\n";
        let error = Ontology::from_yaml(yaml).unwrap_err();
        let paths: Vec<_> = error.problems().iter().map(|p| p.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "aspects[0].id",
                "aspects[0].terms",
                "aspects[1].terms[0]",
                "aspects[1].weight",
                "aspects[2].id"
            ]
        );
    }
}
