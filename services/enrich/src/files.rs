//! Models and word lists as they lie on disk: they are read anew when one has changed and then rested.

use std::path::PathBuf;
use std::time::SystemTime;

use wensheng_text::{Analyzer, Lexicons, TextError};

use crate::Config;

/// When a file was written and how long it is; `None` where there is none.
type Mark = Option<(SystemTime, u64)>;

/// The files of a configuration as they were seen.
#[derive(Debug)]
pub(crate) struct Files {
    config: Config,
    paths: Vec<PathBuf>,
    /// At the last look.
    seen: Vec<Mark>,
    /// When they were last read.
    read: Vec<Mark>,
}

impl Files {
    /// The files of `config`, whose present state is in use.
    pub(crate) fn new(config: Config) -> Self {
        let mut paths: Vec<PathBuf> = config.model.iter().cloned().collect();
        if let Some(folder) = &config.lexicons {
            paths.extend(Lexicons::FILES.map(|name| folder.join(name)));
        }
        let marks = marks(&paths);
        Self {
            config,
            paths,
            seen: marks.clone(),
            read: marks,
        }
    }

    /// Whether there are any.
    pub(crate) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Reads everything anew where a file has changed and then rested for one look, so that none is read while it is written.
    pub(crate) fn look(&mut self) -> Option<Result<Analyzer, TextError>> {
        let now = marks(&self.paths);
        if now != self.seen {
            self.seen = now;
            return None;
        }
        if now == self.read {
            return None;
        }
        self.read = now;
        Some(self.config.analyzer())
    }
}

fn marks(paths: &[PathBuf]) -> Vec<Mark> {
    let mark = |path: &PathBuf| {
        let file = std::fs::metadata(path).ok()?;
        Some((file.modified().ok()?, file.len()))
    };
    paths.iter().map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(analyzer: &Analyzer) -> f32 {
        analyzer.analyze("新机有点鹜落").sentiment.score
    }

    #[test]
    fn a_word_list_that_changes_is_read_after_it_rested_and_one_that_is_wrong_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("polarity.tsv");
        std::fs::write(&list, "鹜落\t-3\n").unwrap();
        let config = Config {
            lexicons: Some(folder.path().to_owned()),
            ..Config::default()
        };
        let before = config.analyzer().unwrap();
        let mut files = Files::new(config);
        assert!(files.look().is_none());

        std::fs::write(&list, "鹜落\t+3.0\n").unwrap();
        assert!(files.look().is_none(), "it may still be written");
        let after = files.look().unwrap().unwrap();
        assert!(score(&after) > score(&before));
        assert_ne!(after.model_version(), before.model_version());
        assert!(files.look().is_none());

        std::fs::write(&list, "鹜落\tvery good\n").unwrap();
        assert!(files.look().is_none());
        let error = files.look().unwrap().unwrap_err().to_string();
        assert!(error.contains("polarity.tsv"), "{error}");
        assert!(files.look().is_none(), "it is told once");

        std::fs::remove_file(&list).unwrap();
        assert!(files.look().is_none());
        let shipped = files.look().unwrap().unwrap();
        assert!(!shipped.model_version().contains("lexicons"));
    }
}
