//! Rules change while the service runs: a file that is right takes effect between two batches, one that is wrong is told and changes
//! nothing.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wensheng_bus::StageState;
use wensheng_text::{Analyzer, Documents, TextError};

use crate::config::{Config, Sources, check};

/// Rule files that were read anew because they had changed, by what came of it: `loaded` or `refused`.
const RELOADS: &str = "wensheng_rules_reloads_total";

/// Looks after the rule files.
pub struct RulesWatch {
    config: Config,
    /// What was last read, whether it was right or not; `None` where it could not be read.
    seen: Option<Sources>,
    present: watch::Sender<Arc<Analyzer>>,
}

/// What came of a look at the rule files.
#[derive(Debug)]
pub enum Look {
    /// They are as they were.
    Same,
    /// They changed, and hold from the next batch on.
    Loaded,
    /// They changed and are wrong: what held before holds on.
    Refused(TextError),
}

impl RulesWatch {
    /// Loads everything for the first time.
    ///
    /// # Errors
    /// When rules, word lists or models are wrong.
    pub fn new(config: Config) -> Result<Self, TextError> {
        let seen = config.sources()?;
        let analyzer = Arc::new(config.analyzer()?);
        Ok(Self {
            config,
            seen: Some(seen),
            present: watch::Sender::new(analyzer),
        })
    }

    /// Where stages find the analyser that holds now.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Analyzer>> {
        self.present.subscribe()
    }

    /// Looks at the files, and takes them where they changed and are right.
    pub fn look(&mut self) -> Look {
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
            // Many terms take a second to compile, which must not hold up the sessions.
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
                    tracing::error!(%error, "rule files are watched no longer");
                    state.send_replace(StageState::Waiting(format!(
                        "the watch over the rule files ended: {error}; restart to read rules anew"
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
                        version = %analyzer.rules().version(), rules = analyzer.rules().rules().len(), "keyword rules loaded anew"
                    );
                    state.send_replace(StageState::Running);
                }
                Look::Refused(error) => {
                    counter!(RELOADS, "outcome" => "refused").increment(1);
                    let version = self.present.borrow().rules().version().clone();
                    tracing::error!(%error, %version, "changed keyword rules refused, the old ones hold on");
                    state.send_replace(StageState::Waiting(format!(
                        "the rule files are wrong, rules {version} hold on: {error}"
                    )));
                }
            }
        }
        state.send_replace(StageState::Stopped);
    }
}
