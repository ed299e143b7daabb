//! What the analysis uses, and how far back a repeat is recognised.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, SessionConfig};
use wensheng_schemas::Channel;
use wensheng_text::{Analyzer, Documents, Lexicons, Model, PhraseConfig, TextError};

/// The enrich stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How it reads its input.
    pub session: SessionConfig,
    /// How texts are read.
    pub text: wensheng_text::Config,
    /// Whether the shipped keyword rules hold beside those of `rules`.
    pub starter_rules: bool,
    /// Files of keyword rules (YAML); see [rules](rules.md).
    pub rules: Vec<PathBuf>,
    /// Changed rules, word lists and models are read anew, looked at every so many seconds, at most 3600; the former hold on while a file is wrong. 0:
    /// they are read at start only. The default, 5, is how long a person waits for an edit without asking whether it was taken.
    pub reload_seconds: u64,
    /// A folder of word lists and aspects that take the place of the shipped ones, file by file.
    pub lexicons: Option<PathBuf>,
    /// A sentiment model file, as `wensheng train` writes it, in the place of the shipped one.
    pub model: Option<PathBuf>,
    /// How the words and phrases of each brand's stream are learned, by which is told what is spoken of more than before.
    pub phrases: PhraseMemory,
    /// Repeats are recognised, and revisions taken back exactly, for this many days. The default is what the `feedback`
    /// and `contributions` topics keep, which is also all that a restart can restore.
    pub repeat_days: u32,
    /// A keyword rule gives a signal for feedback that was said at most this many hours before it was observed; in
    /// older feedback (a back-fill of last year) it is tagged, but nobody is alerted.
    pub signal_hours: u32,
}

/// The memory of phrases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PhraseMemory {
    /// Brands remembered, 0 to 10000; the one that was silent for longest gives way. Each takes some 2 MB once its memory is full. 0 turns
    /// phrases off. Default 50.
    pub brands: usize,
    /// Terms per piece of feedback, 1 to 64: phrases that burst before others, then keywords. Default 8.
    pub per_piece: usize,
    /// What is a phrase.
    pub finder: PhraseConfig,
}

impl Default for PhraseMemory {
    fn default() -> Self {
        Self {
            brands: 50,
            per_piece: 8,
            finder: PhraseConfig::default(),
        }
    }
}

impl Check for PhraseMemory {
    fn check(&self, problems: &mut Problems) {
        if self.brands > 10_000 {
            problems.add("brands", "must be at most 10000");
        }
        if !(1..=64).contains(&self.per_piece) {
            problems.add("per_piece", "must be between 1 and 64");
        }
        let finder = &self.finder;
        if !(100..=1_000_000).contains(&finder.capacity) {
            problems.add("finder.capacity", "must be between 100 and 1000000");
        }
        for (path, value, least, most) in [
            ("finder.half_life", finder.half_life, 100.0, 10_000_000.0),
            ("finder.least_count", finder.least_count, 2.0, 1_000.0),
            ("finder.least_pmi", finder.least_pmi, 0.0, 30.0),
            ("finder.least_entropy", finder.least_entropy, 0.0, 3.0),
        ] {
            if !(least..=most).contains(&value) {
                problems.add(path, format!("must be between {least} and {most}"));
            }
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            session: SessionConfig::default(),
            text: wensheng_text::Config::default(),
            starter_rules: true,
            rules: Vec::new(),
            reload_seconds: 5,
            lexicons: None,
            model: None,
            phrases: PhraseMemory::default(),
            repeat_days: 7,
            signal_hours: 24,
        }
    }
}

impl Config {
    /// Loads word lists, rules and models.
    ///
    /// # Errors
    /// The file that cannot be read, or all that is wrong in one.
    pub fn analyzer(&self) -> Result<Analyzer, TextError> {
        Analyzer::with_model(
            &self.text,
            &self.word_lists()?,
            &self.documents()?.rules,
            self.sentiment_model()?,
        )
    }

    /// The model that gives the verdicts.
    ///
    /// # Errors
    /// The file that cannot be read, or what is wrong with it.
    pub fn sentiment_model(&self) -> Result<Model, TextError> {
        let Some(path) = &self.model else {
            return Model::embedded();
        };
        let bytes = std::fs::read(path).map_err(|source| TextError::File {
            action: "read",
            path: path.display().to_string(),
            source,
        })?;
        Model::from_bytes(&bytes).map_err(|error| named(error, path))
    }

    /// The Chinese names of the topics that the aspects give.
    ///
    /// # Errors
    /// The file that cannot be read, or all that is wrong in one.
    pub fn topic_names(&self) -> Result<BTreeMap<String, String>, TextError> {
        let lists = self.word_lists()?;
        let aspects = lists.ontology().aspects.iter();
        Ok(aspects
            .map(|aspect| (aspect.id.to_string(), aspect.name.zh.to_string()))
            .collect())
    }

    fn word_lists(&self) -> Result<Lexicons, TextError> {
        match &self.lexicons {
            Some(folder) => Lexicons::from_folder(folder),
            None => Lexicons::embedded(),
        }
    }

    /// All rules that hold: the shipped ones, then those of each file.
    pub(crate) fn documents(&self) -> Result<Documents, TextError> {
        Documents::read(&self.sources()?.documents())
    }

    /// What the rule files say now.
    pub(crate) fn sources(&self) -> Result<Sources, TextError> {
        let read = |path: &PathBuf| match std::fs::read_to_string(path) {
            Ok(yaml) => Ok((path.display().to_string(), yaml)),
            Err(source) => Err(TextError::File {
                action: "read",
                path: path.display().to_string(),
                source,
            }),
        };
        Ok(Sources {
            starter: self.starter_rules,
            files: self.rules.iter().map(read).collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn repeat_horizon(&self) -> Duration {
        Duration::from_secs(u64::from(self.repeat_days) * 86_400)
    }

    pub(crate) fn signal_horizon(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.signal_hours))
    }
}

/// The rules as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sources {
    starter: bool,
    /// Name and content.
    files: Vec<(String, String)>,
}

impl Sources {
    pub(crate) fn documents(&self) -> Vec<(&str, &str)> {
        let files = self.files.iter().map(|(name, yaml)| (&**name, &**yaml));
        let starter = self.starter.then(Documents::starter);
        starter.into_iter().chain(files).collect()
    }
}

/// Whether rules hold for their examples and leave their counter-examples alone, and name aspects and channels that exist.
pub(crate) fn check(documents: &Documents, analyzer: &Analyzer) -> Result<(), TextError> {
    documents.check(analyzer, &Channel::ALL.map(Channel::name))
}

/// The same error, told of this file.
fn named(error: TextError, path: &std::path::Path) -> TextError {
    match error {
        TextError::Invalid { problems, .. } => TextError::Invalid {
            what: path.display().to_string(),
            problems,
        },
        TextError::Model { reason, .. } => TextError::Model {
            what: path.display().to_string(),
            reason,
        },
        other => other,
    }
}

impl Check for Config {
    fn check(&self, problems: &mut Problems) {
        problems.within("session", |problems| self.session.check(problems));
        for problem in self.text.problems() {
            problems.within("text", |problems| {
                problems.add(&problem.path, problem.message)
            });
        }
        problems.within("phrases", |problems| self.phrases.check(problems));
        if self.repeat_days == 0 {
            problems.add("repeat_days", "must be at least 1");
        }
        if self.reload_seconds > 3600 {
            problems.add("reload_seconds", "must be at most 3600");
        }
        let model = self.sentiment_model();
        if let Err(error) = &model {
            problems.add("model", error.to_string());
        }
        let lists = self.word_lists();
        if let Err(error) = &lists {
            problems.add("lexicons", error.to_string());
        }
        let documents = self.documents();
        let tell = |error: TextError, problems: &mut Problems| match error {
            TextError::Invalid {
                problems: found, ..
            } => {
                for problem in found {
                    problems.add("rules", problem.to_string());
                }
            }
            error => problems.add("rules", error.to_string()),
        };
        match (model, lists, documents) {
            (Ok(model), Ok(lists), Ok(documents)) => {
                let checked = Analyzer::with_model(&self.text, &lists, &documents.rules, model)
                    .and_then(|analyzer| check(&documents, &analyzer));
                if let Err(error) = checked {
                    tell(error, problems);
                }
            }
            (_, _, Err(error)) => tell(error, problems),
            _ => {}
        }
    }
}
