//! One file, from a position to its end, in batches that carry the position behind their last row.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::xxh3_64;

use super::config::FilesConfig;
use super::discover::{Found, unreadable};
use super::open::{Mapper, Opened, content_at, open};
use super::position::Position;
use super::rows::{Mark, Row, Rows};
use crate::draft::{Draft, DraftRules, Place};
use crate::ingest::{Acknowledgement, Submitter};
use crate::staging::Staging;

/// Batches submitted and not yet acknowledged; with more, reading waits. Enough to read on while one is published.
const IN_FLIGHT: usize = 4;

/// Records between two looks whether to end.
const LOOK_UP_EVERY: u64 = 256;

/// What became of a file.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Read to its end.
    Through(Position),
    /// Read to its last complete record; what follows may still grow.
    Unfinished(Position),
    /// Cannot be read on; says why and what to do. The position is how far it was read, if it could be opened.
    Failed(String, Option<Position>),
    /// The service is ending.
    Ending,
}

/// Reads files of one source, in a thread that may block.
pub(super) struct FileReader<'a> {
    config: &'a FilesConfig,
    rules: &'a DraftRules,
    submitter: &'a Submitter,
    shutdown: &'a CancellationToken,
    runtime: &'a Handle,
    staging: Staging,
    in_flight: VecDeque<Acknowledgement>,
}

impl<'a> FileReader<'a> {
    pub(super) fn new(
        config: &'a FilesConfig,
        rules: &'a DraftRules,
        submitter: &'a Submitter,
        shutdown: &'a CancellationToken,
        runtime: &'a Handle,
    ) -> Self {
        Self {
            config,
            rules,
            submitter,
            shutdown,
            runtime,
            staging: Staging::new(&rules.source),
            in_flight: VecDeque::new(),
        }
    }

    /// Reads `file` on from `from`. `told` is told now and then how many bytes of it were read, as they lie on disk.
    pub(super) fn read(
        &mut self,
        file: &Found,
        from: Option<&Position>,
        include_tail: bool,
        told: &dyn Fn(u64),
    ) -> Outcome {
        let opened = match open(self.config, file, from, include_tail) {
            Ok(opened) => opened,
            Err(reason) => return Outcome::Failed(reason, None),
        };
        let Opened {
            encoding,
            shape,
            mapper,
            mut position,
        } = opened;
        let Some(mapper) = mapper else {
            return match include_tail {
                true => Outcome::Through(position),
                false => Outcome::Unfinished(position),
            };
        };
        let bytes_read = Arc::new(AtomicU64::new(0));
        let content = match content_at(&file.path, position.offset, &bytes_read) {
            Ok(content) => content,
            Err(error) => return Outcome::Failed(unreadable(&file.path, &error), Some(position)),
        };
        let start = Mark {
            offset: position.offset,
            lines: position.lines,
            records: position.records,
        };
        let max = self.config.max_record_bytes;
        let mut rows = Rows::new(content, shape, encoding, max, include_tail, start);
        if let Mapper::Csv { width, .. } = &mapper {
            rows.set_width(*width);
        }
        loop {
            let row = match rows.next() {
                Ok(row) => row,
                Err(error) => {
                    advance(&mut position, rows.mark());
                    if !self.flush(&file.name, &position) {
                        return Outcome::Ending;
                    }
                    return Outcome::Failed(unreadable(&file.path, &error), Some(position));
                }
            };
            let Some(row) = row else { break };
            let (config, rules) = (self.config, self.rules);
            stage(
                config,
                rules,
                &file.name,
                row,
                &rows,
                &mapper,
                &mut self.staging,
            );
            if self.staging.is_full() {
                advance(&mut position, rows.mark());
                if !self.flush(&file.name, &position) {
                    return Outcome::Ending;
                }
                told(bytes_read.load(Ordering::Relaxed));
            }
            if rows.mark().records.is_multiple_of(LOOK_UP_EVERY) && self.shutdown.is_cancelled() {
                advance(&mut position, rows.mark());
                self.flush(&file.name, &position);
                return Outcome::Ending;
            }
        }
        // Also where only blank lines moved it: else they would be read again after each restart.
        advance(&mut position, rows.mark());
        if (rows.mark() != start || from.is_none()) && !self.flush(&file.name, &position) {
            return Outcome::Ending;
        }
        match rows.is_unfinished() {
            true => Outcome::Unfinished(position),
            false => Outcome::Through(position),
        }
    }

    /// Submits what is staged with the position behind it; false when the service is ending.
    fn flush(&mut self, name: &str, position: &Position) -> bool {
        let now = Timestamp::now();
        match serde_json::to_value(position) {
            Ok(value) => self.staging.cursor(name, value, now),
            Err(error) => tracing::error!(%error, "a position has no JSON form"),
        }
        let batch = self.staging.take();
        let submitted = self.runtime.block_on(self.submitter.submit(batch));
        let Some(acknowledgement) = submitted else {
            return false;
        };
        self.in_flight.push_back(acknowledgement);
        if self.in_flight.len() <= IN_FLIGHT {
            return true;
        }
        match self.in_flight.pop_front() {
            Some(oldest) => oldest.blocking_recv().is_ok(),
            None => true,
        }
    }

    /// Waits until all that was submitted is durable; false when the service is ending before that.
    pub(super) fn drain(&mut self) -> bool {
        while let Some(acknowledgement) = self.in_flight.pop_front() {
            if acknowledgement.blocking_recv().is_err() {
                return false;
            }
        }
        true
    }
}

/// Stages a record: an event, or a dead letter that says what is wrong with it.
fn stage<R: std::io::BufRead>(
    config: &FilesConfig,
    rules: &DraftRules,
    name: &str,
    row: Row,
    rows: &Rows<R>,
    mapper: &Mapper,
    staging: &mut Staging,
) {
    let now = Timestamp::now();
    let line = Some(rows.first_line());
    let place = Place { place: name, line };
    // The same row has the same id whenever it is read; equal words in another row have another.
    let fallback_id = || {
        let record = rows.mark().records;
        format!("{name}#{record}:{:016x}", xxh3_64(rows.raw()))
    };
    let draft = || match mapper {
        Mapper::Csv { mapper, .. } => mapper.draft(rows.fields()),
        Mapper::Json(mapper) => mapper.draft(rows.text()),
    };
    let event = match row {
        Row::Wrong(reason) => Err(reason),
        Row::Fields | Row::Object => {
            draft().and_then(|draft| draft.into_event(rules, place, now, fallback_id))
        }
    };
    match event {
        Ok(mut event) => {
            event.immutable = config.columns.revision.is_none();
            staging.event(event);
        }
        Err(reason) => {
            let read = draft().ok();
            let author = read.as_ref().and_then(Draft::author_id);
            staging.dead_letter_by(author.as_slice(), name, line, &reason, rows.raw(), now);
        }
    }
}

/// Reads all of `file` into `staging`.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn digest(
    config: &FilesConfig,
    rules: &DraftRules,
    file: &Found,
    staging: &mut Staging,
) -> Option<()> {
    let opened = open(config, file, None, true).ok()?;
    let mapper = opened.mapper?;
    let content = content_at(&file.path, opened.position.offset, &Arc::default()).ok()?;
    let mark = Mark {
        offset: opened.position.offset,
        lines: opened.position.lines,
        records: opened.position.records,
    };
    let max = config.max_record_bytes;
    let mut rows = Rows::new(content, opened.shape, opened.encoding, max, true, mark);
    if let Mapper::Csv { width, .. } = &mapper {
        rows.set_width(*width);
    }
    while let Some(row) = rows.next().ok()? {
        stage(config, rules, &file.name, row, &rows, &mapper, staging);
    }
    Some(())
}

fn advance(position: &mut Position, mark: Mark) {
    position.offset = mark.offset;
    position.lines = mark.lines;
    position.records = mark.records;
}
