//! Limits and choices of the analyser, each with a default that suits feedback posts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Problem;

/// How texts are read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Characters read of one text; the rest is left out and the analysis marked `truncated`. Default 65536.
    pub max_chars: usize,
    /// Keywords per text. Default 5.
    pub keywords: usize,
    /// Topics per text. Default 3.
    pub topics: usize,
    /// Spans that explain a verdict, the weightiest kept; more are cut off. Default 32.
    pub spans: usize,
    /// Aspect mentions per text; more are cut off. Default 32.
    pub aspects: usize,
    /// Whether the words are listed in the analysis. Default false: keywords need them, readers seldom do.
    pub tokens: bool,
    /// Weight of the lexicon reading beside the trained model, 0 to 2. Default 0.5.
    pub lexicon_weight: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_chars: 65_536,
            keywords: 5,
            topics: 3,
            spans: 32,
            aspects: 32,
            tokens: false,
            lexicon_weight: 0.5,
        }
    }
}

impl Config {
    /// All that is wrong with the values; paths are field names.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.max_chars == 0 || self.max_chars > 10_000_000 {
            problems.push(Problem {
                path: "max_chars".to_owned(),
                message: "give 1 to 10000000 characters".to_owned(),
            });
        }
        if !(0.0..=2.0).contains(&self.lexicon_weight) {
            problems.push(Problem {
                path: "lexicon_weight".to_owned(),
                message: "give 0 to 2".to_owned(),
            });
        }
        problems
    }
}
