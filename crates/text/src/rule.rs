//! Keyword rules as the operator writes them, checked whole: every problem at once, each with its path.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::RuleLevel;
use crate::error::{Problem, TextError};

/// One rule. It holds where one of `any` and every one of `all` stands in the text and none of `none` does. Terms are compared after
/// normalisation, and through spaces and signs put between characters (食 物 中*毒).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stable id in snake_case, unique in the set.
    pub id: Arc<str>,
    /// What people call it.
    pub name: Arc<str>,
    /// How grave.
    pub level: RuleLevel,
    /// One of these must stand in the text; no such condition where empty.
    #[serde(default)]
    pub any: Vec<String>,
    /// All of these must.
    #[serde(default)]
    pub all: Vec<String>,
    /// None of these may.
    #[serde(default)]
    pub none: Vec<String>,
    /// Only for these brands; for all where empty.
    #[serde(default)]
    pub brands: Vec<String>,
    /// Only for these channels; for all where empty.
    #[serde(default)]
    pub channels: Vec<String>,
    /// Only where the sentiment score is at most minus this, above 0 to 1: 0.2 wants a score of −0.2 or lower. Absent: whatever it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_negative: Option<f32>,
    /// The topic that hits count under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Arc<str>>,
    /// Texts that the rule must and must not hold for; `RuleSet::check_examples` tries them.
    #[serde(default, skip_serializing_if = "Examples::is_empty")]
    pub examples: Examples,
}

/// Texts that show what a rule is for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Examples {
    /// The rule must hold for these.
    pub hit: Vec<String>,
    /// The rule must not hold for these.
    pub miss: Vec<String>,
}

impl Examples {
    fn is_empty(&self) -> bool {
        self.hit.is_empty() && self.miss.is_empty()
    }
}

/// A set of rules: the document that operators edit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The rules.
    pub rules: Vec<Rule>,
}

impl Rules {
    /// The rules that are shipped: food safety, injury, fire, fraud, data leaks, discrimination, regulators and media, collective action.
    ///
    /// # Errors
    /// Only where the shipped file is wrong, which a test rules out.
    pub fn starter() -> Result<Self, TextError> {
        Self::from_yaml(include_str!("../rules/starter.yaml"))
    }

    /// Reads and checks a YAML document.
    ///
    /// # Errors
    /// The syntax error, or all problems of the content with their paths.
    pub fn from_yaml(yaml: &str) -> Result<Self, TextError> {
        let invalid = |problems| TextError::Invalid {
            what: "rules".to_owned(),
            problems,
        };
        let this: Self = serde_saphyr::from_str(yaml).map_err(|e| {
            invalid(vec![Problem {
                path: "rules".to_owned(),
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

    /// All that is wrong with the content, in its order; paths begin with `rules[i]`.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut ids: FxHashSet<&str> = FxHashSet::default();
        for (i, rule) in self.rules.iter().enumerate() {
            let mut say = |path: String, message: String| {
                problems.push(Problem {
                    path: format!("rules[{i}].{path}"),
                    message,
                })
            };
            if !ids.insert(&rule.id) {
                say(
                    "id".to_owned(),
                    format!("{} stands twice: rename one of them", rule.id),
                );
            }
            rule.check(&mut say);
        }
        problems
    }
}

impl Rule {
    fn check(&self, say: &mut impl FnMut(String, String)) {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        if self.id.is_empty() || !self.id.bytes().all(plain) {
            say(
                "id".to_owned(),
                "give an id of lower-case letters, digits, _ and -".to_owned(),
            );
        }
        if self.name.trim().is_empty() {
            say("name".to_owned(), "the name is empty".to_owned());
        }
        if self.any.is_empty() && self.all.is_empty() {
            say(
                "any".to_owned(),
                "give at least one term under any or all".to_owned(),
            );
        }
        for (list, terms) in [("any", &self.any), ("all", &self.all), ("none", &self.none)] {
            let mut seen: FxHashSet<&str> = FxHashSet::default();
            for (j, term) in terms.iter().enumerate() {
                if !term.chars().any(char::is_alphanumeric) {
                    say(
                        format!("{list}[{j}]"),
                        format!("{term:?} holds no letter, digit or character"),
                    );
                } else if !seen.insert(term) {
                    say(format!("{list}[{j}]"), format!("{term} stands twice"));
                }
            }
        }
        for (list, terms) in [("any", &self.any), ("all", &self.all)] {
            for (j, term) in terms.iter().enumerate() {
                if let Some(n) = self
                    .none
                    .iter()
                    .find(|n| !n.is_empty() && term.contains(n.as_str()))
                {
                    say(
                        format!("{list}[{j}]"),
                        format!("{term} holds {n}, which none forbids: it can never match"),
                    );
                }
            }
        }
        for (list, values) in [("brands", &self.brands), ("channels", &self.channels)] {
            for (j, value) in values.iter().enumerate() {
                if value.trim().is_empty() {
                    say(format!("{list}[{j}]"), "the value is empty".to_owned());
                }
            }
        }
        if let Some(least) = self.min_negative
            && !(least > 0.0 && least <= 1.0)
        {
            say(
                "min_negative".to_owned(),
                format!("{least} is outside 0 (excluded) to 1"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_come_at_once_with_their_paths() {
        let yaml = "
rules:
- {id: A b, name: ' ', level: red}
- {id: fire, name: 火, level: red, any: [起火, ' ', 起火], none: [起], min_negative: 1.5}
- {id: fire, name: 火, level: yellow, all: [爆炸], brands: ['']}
";
        let error = Rules::from_yaml(yaml).unwrap_err();
        let paths: Vec<_> = error.problems().iter().map(|p| p.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "rules[0].id",
                "rules[0].name",
                "rules[0].any",
                "rules[1].any[1]",
                "rules[1].any[2]",
                "rules[1].any[0]",
                "rules[1].any[2]",
                "rules[1].min_negative",
                "rules[2].id",
                "rules[2].brands[0]",
            ]
        );
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(
            Rules::from_yaml("rules: [{id: a, name: a, level: red, any: [b], anny: [c]}]").is_err()
        );
    }
}
