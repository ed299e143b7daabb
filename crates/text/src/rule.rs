//! Keyword rules as the operator writes them, checked whole: every problem at once, each with its path.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::{Polarity, RuleLevel};
use crate::condition::{Condition, no_word};
use crate::document::Documents;
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
    /// What it is for, and what it leaves alone.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub description: Arc<str>,
    /// How grave.
    pub level: RuleLevel,
    /// One of these must stand in the text; no such condition where empty.
    #[serde(default)]
    pub any: Vec<Condition>,
    /// All of these must.
    #[serde(default)]
    pub all: Vec<Condition>,
    /// None of these may, wherever in the text.
    #[serde(default)]
    pub none: Vec<Condition>,
    /// What the conditions find does not count where it overlaps one of these terms: 人气爆炸 for the term 爆炸. Unlike `none` it leaves the rest
    /// of the text alone.
    #[serde(default)]
    pub except: Vec<String>,
    /// Only for these brands; for all where empty.
    #[serde(default)]
    pub brands: Vec<String>,
    /// Only for these channels; for all where empty.
    #[serde(default)]
    pub channels: Vec<String>,
    /// Only for texts of these verdicts; for all where empty.
    #[serde(default)]
    pub sentiment: Vec<Polarity>,
    /// Only where the sentiment score is at most minus this, above 0 to 1: 0.2 wants a score of −0.2 or lower. Absent: whatever it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_negative: Option<f32>,
    /// Only for texts that speak of one of these aspects; for all where empty.
    #[serde(default)]
    pub aspects: Vec<Arc<str>>,
    /// Only for feedback with at least this many likes, reposts and comments together. Absent: however few, also where they are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<u64>,
    /// The topic that hits count under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Arc<str>>,
    /// Texts that the rule must and must not hold for; [`Documents::check`] tries them.
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
        Ok(Documents::read(&[Documents::starter()])?.rules)
    }

    /// Reads and checks a YAML document.
    ///
    /// # Errors
    /// The syntax error, or all problems of the content with their lines and paths.
    pub fn from_yaml(yaml: &str) -> Result<Self, TextError> {
        Ok(Documents::read(&[("rules", yaml)])?.rules)
    }

    /// All that is wrong with the content, in its order; paths begin with `rules[i]`.
    pub fn problems(&self) -> Vec<Problem> {
        self.problems_by_rule()
            .into_iter()
            .map(|(rule, path, message)| Problem {
                path: format!("rules[{rule}].{path}"),
                message,
            })
            .collect()
    }

    /// All that is wrong: in which rule, where below it, and what.
    pub(crate) fn problems_by_rule(&self) -> Vec<(usize, String, String)> {
        let mut problems = Vec::new();
        let mut ids: FxHashSet<&str> = FxHashSet::default();
        for (i, rule) in self.rules.iter().enumerate() {
            let mut say = |path: String, message: String| problems.push((i, path, message));
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

    /// A fingerprint of all that the rules say, in 16 hexadecimal digits: the same for the same rules in the same order.
    pub fn version(&self) -> String {
        // Rules are plain data: nothing in them can fail to serialise.
        let bytes = serde_json::to_vec(&self.rules).unwrap_or_default();
        format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&bytes))
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
        for (list, conditions) in [("any", &self.any), ("all", &self.all), ("none", &self.none)] {
            let mut seen: FxHashSet<&str> = FxHashSet::default();
            for (j, condition) in conditions.iter().enumerate() {
                for (path, message) in condition.problems() {
                    say(format!("{list}[{j}]{path}"), message);
                }
                if let Condition::Term(term) = condition
                    && !seen.insert(term)
                {
                    say(
                        format!("{list}[{j}]"),
                        format!("{term} stands twice: leave one out"),
                    );
                }
            }
        }
        for (j, term) in self.except.iter().enumerate() {
            if let Some(message) = no_word(term) {
                say(format!("except[{j}]"), message);
            }
        }
        self.check_impossible(say);
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

    /// Terms that can never count, because they hold what is forbidden.
    fn check_impossible(&self, say: &mut impl FnMut(String, String)) {
        let forbidden: Vec<(&str, &str)> = self
            .none
            .iter()
            .filter_map(|condition| match condition {
                Condition::Term(term) => Some(("none", term.as_str())),
                _ => None,
            })
            .chain(self.except.iter().map(|term| ("except", term.as_str())))
            .filter(|(_, term)| !term.is_empty())
            .collect();
        for (list, conditions) in [("any", &self.any), ("all", &self.all)] {
            for (j, condition) in conditions.iter().enumerate() {
                let Condition::Term(term) = condition else {
                    continue;
                };
                if let Some((by, part)) = forbidden.iter().find(|(_, part)| term.contains(part)) {
                    say(
                        format!("{list}[{j}]"),
                        format!(
                            "{term} holds {part}, which {by} forbids: it can never match; leave one of them out"
                        ),
                    );
                }
            }
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
                "rules:3: rules[0].id",
                "rules:3: rules[0].name",
                "rules:3: rules[0].any",
                "rules:4: rules[1].any[1]",
                "rules:4: rules[1].any[2]",
                "rules:4: rules[1].any[0]",
                "rules:4: rules[1].any[2]",
                "rules:4: rules[1].min_negative",
                "rules:5: rules[2].id",
                "rules:5: rules[2].brands[0]",
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
