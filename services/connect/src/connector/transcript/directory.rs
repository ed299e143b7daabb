//! Every document of a directory is read once it has stayed the same for a look; one that changes is read again, and what
//! changed in its calls makes a higher revision.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wensheng_bus::StageState;

use super::config::{Reader, Told};
use super::id_in_name;
use crate::connector::{PullContext, PullInput};
use crate::draft::Place;
use crate::hotline::{Calls, Side};
use crate::staging::Staging;

/// What the stream of a file's cursor begins with.
const STREAM: &str = "file:";

/// Directories below the configured one are read this deep.
const MAX_DEPTH: usize = 8;

/// How a file looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Look {
    bytes: u64,
    modified: Option<Timestamp>,
}

/// A source of documents in a directory.
pub(super) struct CallDirectory {
    reader: Reader,
    path: PathBuf,
    poll: Duration,
    calls: Calls,
    /// As it was when it was read.
    read: BTreeMap<String, Look>,
    /// As it was at the last look.
    seen: BTreeMap<String, Look>,
}

impl CallDirectory {
    pub(super) fn new(reader: Reader, path: PathBuf, poll_ms: u64) -> Self {
        Self {
            calls: reader.calls(),
            reader,
            path,
            poll: Duration::from_millis(poll_ms),
            read: BTreeMap::new(),
            seen: BTreeMap::new(),
        }
    }
}

#[async_trait]
impl PullInput for CallDirectory {
    async fn run(mut self: Box<Self>, context: PullContext) {
        for (stream, position) in &context.positions {
            if let Some(file) = stream.strip_prefix(STREAM)
                && let Ok(look) = serde_json::from_value(position.clone())
            {
                self.read.insert(file.to_owned(), look);
            }
        }
        self.calls.restore(context.positions.clone());
        let name = self.reader.rules.source.clone();
        loop {
            let failures = match self.look(&context).await {
                Some((failures, through)) => {
                    context.progress.update(&name, |progress| {
                        progress.failures.clone_from(&failures);
                        progress.through = through;
                    });
                    failures
                }
                None => break,
            };
            context.health.send_replace(match failures.as_slice() {
                [] => StageState::Running,
                failures => StageState::Waiting(failures.join("; ")),
            });
            tokio::select! {
                biased;
                () = context.shutdown.cancelled() => break,
                () = tokio::time::sleep(self.poll) => {}
            }
        }
        context.health.send_replace(StageState::Stopped);
    }
}

impl CallDirectory {
    /// One look at all files: what could not be read, and whether all is read. `None`: the service is ending.
    async fn look(&mut self, context: &PullContext) -> Option<(Vec<String>, bool)> {
        let mut failures = Vec::new();
        let root = self.path.clone();
        let found = tokio::task::spawn_blocking(move || {
            let mut found = BTreeMap::new();
            let mut failures = Vec::new();
            discover(&root, &root, 0, &mut found, &mut failures);
            (found, failures)
        });
        let (found, unreadable) = found.await.ok()?;
        failures.extend(unreadable);
        let mut waiting = false;
        for (file, (path, look)) in &found {
            if self.read.get(file) == Some(look) {
                continue;
            }
            if self.seen.get(file) != Some(look) {
                waiting = true;
                continue;
            }
            if look.bytes > self.reader.max_bytes as u64 {
                failures.push(format!(
                    "{file} has {} bytes; raise `max_body_bytes`, or take it away",
                    look.bytes
                ));
                continue;
            }
            match tokio::fs::read(path).await {
                Ok(document) => {
                    self.take(file, look, &document, context).await?;
                }
                Err(error) => failures.push(format!("{file} cannot be read: {error}")),
            }
        }
        self.seen = found
            .into_iter()
            .map(|(file, (_, look))| (file, look))
            .collect();
        Some((failures, !waiting))
    }

    async fn take(
        &mut self,
        file: &str,
        look: &Look,
        document: &[u8],
        context: &PullContext,
    ) -> Option<()> {
        let now = Timestamp::now();
        let rules = &self.reader.rules;
        let mut staging = Staging::new(&rules.source);
        let place = Place::of(file);
        let told = Told {
            file_id: id_in_name(file),
            ..Told::default()
        };
        let parts = self.reader.read(document, told);
        let outcome = parts.and_then(|parts| {
            parts.into_iter().try_for_each(|part| {
                self.calls
                    .take(part, rules, place, Side::Main, now, &mut staging)
            })
        });
        if let Err(reason) = outcome {
            staging.dead_letter(file, None, &reason, document, now);
        }
        let position = serde_json::to_value(look).unwrap_or_default();
        staging.cursor(&format!("{STREAM}{file}"), position, now);
        let batch = staging.take();
        context.submitter.submit(batch).await?.await.ok()?;
        self.read.insert(file.to_owned(), look.clone());
        Some(())
    }
}

fn discover(
    root: &Path,
    directory: &Path,
    depth: usize,
    found: &mut BTreeMap<String, (PathBuf, Look)>,
    failures: &mut Vec<String>,
) {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            failures.push(format!("{} cannot be read: {error}", directory.display()));
            return;
        }
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(metadata) = std::fs::metadata(&path) else {
            continue;
        };
        if metadata.is_dir() && depth < MAX_DEPTH {
            discover(root, &path, depth + 1, found, failures);
        }
        let is_document = path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        if !metadata.is_file() || !is_document {
            continue;
        }
        let name = path.strip_prefix(root).unwrap_or(&path);
        let modified = metadata.modified().ok();
        let look = Look {
            bytes: metadata.len(),
            modified: modified.and_then(|at| Timestamp::try_from(at).ok()),
        };
        found.insert(name.to_string_lossy().into_owned(), (path.clone(), look));
    }
}
