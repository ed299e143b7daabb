//! What customers judge: a list of aspects with the words that name each, replaceable by the operator, checked whole.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Problem, TextError};
use crate::letters::Letters;
use crate::normalize::Normalizer;
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
    pub terms: Vec<String>,
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
            if aspect.terms.is_empty() {
                say("terms", "give at least one term");
            }
            for (j, term) in aspect.terms.iter().enumerate() {
                if term.trim().is_empty() {
                    say(&format!("terms[{j}]"), "the term is empty");
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

/// Finds aspects with one automaton over all terms.
#[derive(Debug, Clone)]
pub(crate) struct AspectFinder {
    terms: Terms,
    /// The aspects of each term: one term may name two.
    owners: Vec<Vec<usize>>,
    pub(crate) aspects: Vec<Aspect>,
}

impl AspectFinder {
    pub(crate) fn new(ontology: &Ontology, normalizer: &Normalizer) -> Self {
        let mut terms: Vec<String> = Vec::new();
        let mut owners: Vec<Vec<usize>> = Vec::new();
        let mut seen = rustc_hash::FxHashMap::default();
        for (i, aspect) in ontology.aspects.iter().enumerate() {
            for term in &aspect.terms {
                let term = normalizer.normalize(term, usize::MAX).text;
                let at = *seen.entry(term.clone()).or_insert_with(|| {
                    terms.push(term);
                    owners.push(Vec::new());
                    owners.len() - 1
                });
                if !owners[at].contains(&i) {
                    owners[at].push(i);
                }
            }
        }
        Self {
            terms: Terms::new(&terms),
            owners,
            aspects: ontology.aspects.clone(),
        }
    }

    /// The mentions in a normalised text of these characters, in its order.
    pub(crate) fn find(&self, text: &str, letters: &Letters) -> Vec<Mention> {
        let mut mentions = Vec::new();
        for found in self.terms.find(letters) {
            if crate::scope::inside_word(text, found.start, found.end) {
                continue;
            }
            for aspect in &self.owners[found.term] {
                mentions.push(Mention {
                    aspect: *aspect,
                    start: found.start,
                    end: found.end,
                });
            }
        }
        mentions
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
