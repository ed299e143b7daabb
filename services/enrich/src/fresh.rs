//! Models and word lists that change on disk are taken into use between two records, whole or not at all: while a file is wrong, what
//! was in use before stays in use.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use metrics::counter;
use tokio::sync::watch;
use wensheng_runtime::Handle;
use wensheng_text::{Analyzer, Lexicons, TextError};

use crate::Config;

/// Changed models and word lists that were taken into use (`outcome="loaded"`) or refused (`outcome="refused"`).
pub const RELOADS: &str = "wensheng_text_reloads_total";

/// Between two looks at the files. A change is taken in at the second look that finds it, so that no file is read while it is written;
/// more often would only wear the disk of a file system that is far away.
const LOOK: Duration = Duration::from_secs(5);

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

    /// Reads everything anew where a file has changed and then rested for one look.
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

/// Keeps `analyzer` at what the files say, until shutdown.
pub(crate) async fn follow(
    mut files: Files,
    analyzer: watch::Sender<Arc<Analyzer>>,
    handle: Handle,
) {
    if files.paths.is_empty() {
        return;
    }
    loop {
        tokio::select! {
            biased;
            () = handle.shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        // Reading takes a third of a second, in which records go on.
        let looked = tokio::task::spawn_blocking(move || {
            let found = files.look();
            (files, found)
        });
        let found;
        (files, found) = match looked.await {
            Ok(looked) => looked,
            Err(error) => {
                tracing::error!(%error, "models and word lists are not followed any more");
                return;
            }
        };
        match found {
            None => {}
            Some(Ok(fresh)) => {
                tracing::info!(version = %fresh.model_version(), "changed models or word lists are in use");
                counter!(RELOADS, "outcome" => "loaded").increment(1);
                analyzer.send_replace(Arc::new(fresh));
            }
            Some(Err(error)) => {
                tracing::warn!(%error, version = %analyzer.borrow().model_version(), "changed models or word lists are wrong, the former stay in use");
                counter!(RELOADS, "outcome" => "refused").increment(1);
            }
        }
    }
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

    #[tokio::test(start_paused = true)]
    async fn a_model_that_changes_is_in_use_without_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.bin");
        let name = |version: &str| {
            let mut weights = Config::default().sentiment_model().unwrap().weights();
            version.clone_into(&mut weights.version);
            let model = wensheng_text::Model::from_weights(weights).unwrap();
            std::fs::write(&path, model.to_bytes()).unwrap();
        };
        name("first");
        let config = Config {
            model: Some(path.clone()),
            ..Config::default()
        };
        let (sender, mut receiver) = watch::channel(Arc::new(config.analyzer().unwrap()));
        let handle = Handle::default();
        let task = tokio::spawn(follow(Files::new(config), sender, handle.clone()));
        name("the second");
        receiver.changed().await.unwrap();
        assert_eq!(receiver.borrow().model_version().as_ref(), "the second");
        handle.shutdown.cancel();
        task.await.unwrap();
    }
}
