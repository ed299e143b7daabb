//! Rules, word lists and models change while the service runs: a file that is right takes effect between two batches, one that is
//! wrong is told and changes nothing.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wensheng_bus::StageState;
use wensheng_text::{Analyzer, Documents, TextError};

use crate::config::{Config, Sources, check};
use crate::files::Files;

/// Files that were read anew because they had changed, by what came of it: `loaded` or `refused`.
const RELOADS: &str = "wensheng_text_reloads_total";

/// Looks after the files that the analysis is made of.
pub struct FileWatch {
    config: Config,
    /// The rules as last read, whether they were right or not; `None` where they could not be read.
    seen: Option<Sources>,
    /// Models and word lists.
    files: Files,
    present: watch::Sender<Arc<Analyzer>>,
}

/// What came of a look at the files.
#[derive(Debug)]
pub enum Look {
    /// They are as they were.
    Same,
    /// They changed, and hold from the next batch on.
    Loaded,
    /// They changed and are wrong: what held before holds on.
    Refused(TextError),
}

impl FileWatch {
    /// Loads everything for the first time.
    ///
    /// # Errors
    /// When rules, word lists or models are wrong.
    pub fn new(config: Config) -> Result<Self, TextError> {
        // Looked at before they are read: what changes meanwhile is read again.
        let files = Files::new(config.clone());
        let seen = config.sources()?;
        let analyzer = Arc::new(config.analyzer()?);
        Ok(Self {
            config,
            seen: Some(seen),
            files,
            present: watch::Sender::new(analyzer),
        })
    }

    /// Where stages find the analyser that holds now.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Analyzer>> {
        self.present.subscribe()
    }

    /// Whether there is any file to look at.
    pub fn is_idle(&self) -> bool {
        self.config.rules.is_empty() && self.files.is_empty()
    }

    /// Looks at the files, and takes them where they changed and are right.
    pub fn look(&mut self) -> Look {
        match self.files.look() {
            None => self.look_at_rules(),
            Some(Err(error)) => Look::Refused(error),
            // With the rules as they are now; that they changed as well is seen at the next look.
            Some(Ok(analyzer)) => {
                self.present.send_replace(Arc::new(analyzer));
                Look::Loaded
            }
        }
    }

    fn look_at_rules(&mut self) -> Look {
        let sources = match self.config.sources() {
            Ok(sources) => sources,
            // Told once, as any other state of the files.
            Err(_) if self.seen.is_none() => return Look::Same,
            Err(error) => {
                self.seen = None;
                return Look::Refused(error);
            }
        };
        if self.seen.as_ref() == Some(&sources) {
            return Look::Same;
        }
        let outcome = self.take(&sources);
        self.seen = Some(sources);
        match outcome {
            Ok(()) => Look::Loaded,
            Err(error) => Look::Refused(error),
        }
    }

    fn take(&self, sources: &Sources) -> Result<(), TextError> {
        let documents = Documents::read(&sources.documents())?;
        let analyzer = self.present.borrow().with_rules(&documents.rules)?;
        check(&documents, &analyzer)?;
        self.present.send_replace(Arc::new(analyzer));
        Ok(())
    }

    /// Looks every so often until shutdown, and says in `state` how the files fare.
    pub(crate) async fn run(
        mut self,
        every: Duration,
        shutdown: CancellationToken,
        state: watch::Sender<StageState>,
    ) {
        state.send_replace(StageState::Running);
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(every) => {}
            }
            // Many terms take a second to compile, models a third of one to read, which must not hold up the sessions.
            let looked = tokio::task::spawn_blocking(move || {
                let look = self.look();
                (self, look)
            });
            let look = match looked.await {
                Ok((this, look)) => {
                    self = this;
                    look
                }
                Err(error) => {
                    tracing::error!(%error, "rules, word lists and models are watched no longer");
                    state.send_replace(StageState::Waiting(format!(
                        "the watch over the files ended: {error}; restart to read them anew"
                    )));
                    return;
                }
            };
            match look {
                Look::Same => {}
                Look::Loaded => {
                    counter!(RELOADS, "outcome" => "loaded").increment(1);
                    let analyzer = self.present.borrow();
                    tracing::info!(
                        model = %analyzer.model_version(), rules = %analyzer.rules().version(), "changed files are in use"
                    );
                    state.send_replace(StageState::Running);
                }
                Look::Refused(error) => {
                    counter!(RELOADS, "outcome" => "refused").increment(1);
                    tracing::error!(%error, "changed files refused, the former hold on");
                    state.send_replace(StageState::Waiting(format!(
                        "changed files are wrong, the former hold on: {error}"
                    )));
                }
            }
        }
        state.send_replace(StageState::Stopped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let files = FileWatch::new(config).unwrap();
        let mut receiver = files.subscribe();
        let (state, _) = watch::channel(StageState::Starting);
        let shutdown = CancellationToken::new();
        let every = Duration::from_secs(5);
        let task = tokio::spawn(files.run(every, shutdown.clone(), state));
        name("the second");
        receiver.changed().await.unwrap();
        assert_eq!(receiver.borrow().model_version().as_ref(), "the second");
        shutdown.cancel();
        task.await.unwrap();
    }
}
