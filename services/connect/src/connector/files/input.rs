//! Looks at the files again and again, and reads what is new in them; what cannot be read is told, and the others go on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::runtime::Handle;
use wensheng_bus::StageState;

use super::config::FilesConfig;
use super::discover::{Found, PathKind, discover, kind_of};
use super::position::Position;
use super::reader::{FileReader, Outcome};
use crate::connector::{PullContext, PullInput};
use crate::draft::DraftRules;
use crate::metrics::UNREADABLE_FILES;

/// A source of files.
pub(super) struct FilesInput {
    config: FilesConfig,
    rules: DraftRules,
}

impl FilesInput {
    pub(super) fn new(config: FilesConfig, rules: DraftRules) -> Self {
        Self { config, rules }
    }

    fn follows(&self) -> bool {
        self.config
            .watch
            .unwrap_or_else(|| kind_of(&self.config.path) != PathKind::File)
    }
}

/// How a file looked when it was read last.
type Look = (u64, Option<Timestamp>);

#[derive(Debug, Default)]
struct Known {
    position: Option<Position>,
    /// Set when it was read as far as it went.
    read_at: Option<Look>,
    /// Whether it then ended within a record.
    unfinished: bool,
}

/// What a look at all files came to.
#[derive(Debug, Default)]
struct Pass {
    failures: Vec<String>,
    unfinished: usize,
    ending: bool,
}

#[async_trait]
impl PullInput for FilesInput {
    async fn run(self: Box<Self>, context: PullContext) {
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        for (stream, value) in &context.positions {
            match serde_json::from_value(value.clone()) {
                Ok(position) => {
                    let position = Some(position);
                    known.insert(
                        stream.clone(),
                        Known {
                            position,
                            ..Known::default()
                        },
                    );
                }
                Err(error) => tracing::warn!(source = %self.config.name, file = %stream, %error,
                    "the cursor cannot be read; reading the file from its start, repeats are recognised by their ids"),
            }
        }
        let poll = Duration::from_millis(self.config.poll_ms);
        let input = Arc::new(*self);
        let context = Arc::new(context);
        let mut told: Vec<String> = Vec::new();
        loop {
            let follows = input.follows();
            let pass = {
                let (input, context) = (input.clone(), context.clone());
                let runtime = Handle::current();
                tokio::task::spawn_blocking(move || {
                    let pass = input.read_all(&mut known, follows, &context, &runtime);
                    (pass, known)
                })
            };
            let pass = match pass.await {
                Ok((pass, read)) => {
                    known = read;
                    pass
                }
                Err(error) => {
                    let reason = format!("reading broke off ({error}); please report this");
                    tracing::error!(source = %input.config.name, %error, "reading broke off");
                    context.health.send_replace(StageState::Failed(reason));
                    return;
                }
            };
            if pass.ending {
                break;
            }
            if pass.failures != told {
                for failure in &pass.failures {
                    tracing::warn!(source = %input.config.name, "{failure}");
                }
            }
            context.health.send_replace(match pass.failures.as_slice() {
                [] => StageState::Running,
                failures => StageState::Waiting(failures.join("; ")),
            });
            metrics::gauge!(UNREADABLE_FILES, "source" => input.config.name.clone())
                .set(pass.failures.len() as f64);
            context.progress.update(&input.config.name, |progress| {
                progress.failures.clone_from(&pass.failures);
                progress.through = pass.unfinished == 0;
            });
            told = pass.failures;
            let again = async {
                if follows || !told.is_empty() {
                    tokio::time::sleep(poll).await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                biased;
                () = context.shutdown.cancelled() => break,
                () = again => {}
            }
        }
        context.health.send_replace(StageState::Stopped);
    }

    #[cfg(any(test, feature = "fuzzing"))]
    fn digest(&self, content: &[u8], staging: &mut crate::staging::Staging) {
        // One file for each source of a process, as files are what is read.
        let path =
            std::env::temp_dir().join(format!("{}-{}", std::process::id(), self.config.name));
        if std::fs::write(&path, content).is_err() {
            return;
        }
        let file = Found {
            name: self.config.name.clone(),
            path,
            size: content.len() as u64,
            modified: None,
        };
        super::reader::digest(&self.config, &self.rules, &file, staging);
        std::fs::remove_file(&file.path).ok();
    }
}

impl FilesInput {
    /// One look at all files.
    fn read_all(
        &self,
        known: &mut BTreeMap<String, Known>,
        follows: bool,
        context: &PullContext,
        runtime: &Handle,
    ) -> Pass {
        let (found, failures) = discover(&self.config.path);
        let mut pass = Pass {
            failures,
            ..Pass::default()
        };
        let total: u64 = found.iter().map(|file| file.size).sum();
        let mut done = 0;
        let tell = |bytes: u64, news: bool| {
            context.progress.update(&self.config.name, |progress| {
                progress.total_bytes = total;
                progress.bytes_done = bytes.min(total);
                progress.through &= !news;
            });
        };
        let mut reader = FileReader::new(
            &self.config,
            &self.rules,
            &context.submitter,
            &context.shutdown,
            runtime,
        );
        tell(0, false);
        for file in &found {
            if context.shutdown.is_cancelled() {
                pass.ending = true;
                break;
            }
            let seen = known.entry(file.name.clone()).or_default();
            let look: Look = (file.size, file.modified);
            let unchanged = seen.read_at == Some(look);
            if unchanged && !seen.unfinished {
                done += file.size;
                continue;
            }
            // A last line that nobody went on writing for a whole look is a line.
            let include_tail = !follows || unchanged;
            let before = done;
            let outcome = reader.read(file, seen.position.as_ref(), include_tail, &|bytes| {
                tell(before + bytes.min(file.size), true);
            });
            done += file.size;
            self.remember(seen, look, file, outcome, &mut pass);
            tell(done, false);
            if pass.ending {
                break;
            }
        }
        // Through only when durable.
        pass.ending |= !reader.drain();
        tell(done, false);
        pass
    }

    fn remember(
        &self,
        seen: &mut Known,
        look: Look,
        file: &Found,
        outcome: Outcome,
        pass: &mut Pass,
    ) {
        match outcome {
            Outcome::Through(position) => {
                tracing::info!(source = %self.config.name, file = %file.name,
                    records = position.records, "read to the end of the file");
                seen.position = Some(position);
                seen.read_at = Some(look);
                seen.unfinished = false;
            }
            Outcome::Unfinished(position) => {
                seen.position = Some(position);
                seen.read_at = Some(look);
                seen.unfinished = true;
                pass.unfinished += 1;
            }
            Outcome::Failed(reason, position) => {
                seen.position = position.or(seen.position.take());
                seen.read_at = None;
                pass.failures.push(reason);
            }
            Outcome::Ending => pass.ending = true,
        }
    }
}
