//! One error type: what was read, and everything that is wrong with it at once.

use thiserror::Error;

/// One thing wrong in a file of rules, aspects or words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: `rules[3].any[0]`, or a line number.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Why an analyser could not be built, or a model not trained.
#[derive(Debug, Error)]
pub enum TextError {
    /// A file cannot be read or written.
    #[error("{action} {path}: {source}")]
    File {
        /// What was tried: `read`, `write`.
        action: &'static str,
        /// On which file.
        path: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A document is not what it should be: every problem found, with its path.
    #[error("{what} has {} problem(s): {}", problems.len(), list(problems))]
    Invalid {
        /// Which document: `rules`, `aspects`, `lexicon/polarity.tsv`.
        what: String,
        /// All that is wrong with it.
        problems: Vec<Problem>,
    },
    /// A model file is damaged or of another version.
    #[error("model {what}: {reason}")]
    Model {
        /// Which model.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl TextError {
    /// A stable name for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Invalid { .. } => "invalid",
            Self::Model { .. } => "model",
        }
    }

    /// All problems of an invalid document; empty for the other kinds.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid { problems, .. } => problems,
            _ => &[],
        }
    }
}

fn list(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
