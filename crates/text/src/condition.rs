//! What a rule asks of a text: a term, terms near each other, or a pattern.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that may stand in a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Condition {
    /// This term stands there.
    Term(String),
    /// Terms stand near each other in one sentence.
    Near(Near),
    /// This pattern matches.
    Regex(Pattern),
}

/// Terms near each other: one of each group stands in the same sentence, and at most `within` characters lie between neighbours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Near {
    /// Two to four groups; of each, one term must stand there.
    pub near: Vec<Vec<String>>,
    /// At most so many characters between one and the next, 0 to 50. Default 10.
    #[serde(default = "near_by")]
    pub within: usize,
    /// Whether they must stand in the order of the groups. Default no.
    #[serde(default)]
    pub ordered: bool,
}

/// A regular expression over the normalised text: without look-around and references back, so that its time is linear.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// In the syntax of Rust's `regex`. The text is in lower case, half width and simplified characters.
    pub regex: String,
}

const fn near_by() -> usize {
    10
}

/// More characters apart, terms have nothing to do with each other.
const FARTHEST: usize = 50;

/// Largest compiled form of a pattern, in bytes: a few hundred alternatives or counted repeats.
const LARGEST: usize = 1 << 20;

impl From<&str> for Condition {
    fn from(term: &str) -> Self {
        Self::Term(term.to_owned())
    }
}

impl Condition {
    /// Its terms, group by group; none for a pattern.
    pub(crate) fn groups(&self) -> Vec<&[String]> {
        match self {
            Self::Term(term) => vec![std::slice::from_ref(term)],
            Self::Near(near) => near.near.iter().map(Vec::as_slice).collect(),
            Self::Regex(_) => Vec::new(),
        }
    }

    /// What is wrong with it: where below it, and what.
    pub(crate) fn problems(&self) -> Vec<(String, String)> {
        match self {
            Self::Term(term) => no_word(term)
                .map(|message| (String::new(), message))
                .into_iter()
                .collect(),
            Self::Near(near) => near.problems(),
            Self::Regex(pattern) => pattern
                .compile()
                .err()
                .map(|message| (".regex".to_owned(), message))
                .into_iter()
                .collect(),
        }
    }
}

impl Near {
    fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if !(2..=4).contains(&self.near.len()) {
            problems.push((
                ".near".to_owned(),
                "give two to four groups of terms: [[电池, 充电宝], [起火, 冒烟]]".to_owned(),
            ));
        }
        if self.within > FARTHEST {
            problems.push((
                ".within".to_owned(),
                format!(
                    "{} characters are too far: give 0 to {FARTHEST}",
                    self.within
                ),
            ));
        }
        for (g, group) in self.near.iter().enumerate() {
            if group.is_empty() {
                problems.push((
                    format!(".near[{g}]"),
                    "the group has no term: give one or leave it out".to_owned(),
                ));
            }
            for (t, term) in group.iter().enumerate() {
                problems.extend(no_word(term).map(|message| (format!(".near[{g}][{t}]"), message)));
            }
        }
        problems
    }
}

impl Pattern {
    /// The pattern compiled, or what is wrong with it.
    pub(crate) fn compile(&self) -> Result<regex::Regex, String> {
        let compiled = regex::RegexBuilder::new(&self.regex)
            .size_limit(LARGEST)
            .build()
            .map_err(|e| {
                e.to_string()
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
            })?;
        if compiled.is_match("") {
            return Err(format!(
                "{} matches every text, as it matches the empty one: ask for at least one character",
                self.regex
            ));
        }
        Ok(compiled)
    }
}

pub(crate) fn no_word(term: &str) -> Option<String> {
    (!term.chars().any(char::is_alphanumeric)).then(|| {
        format!("{term:?} holds no letter, digit or character: give a word or leave it out")
    })
}
