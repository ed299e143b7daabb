//! What became of a batch's records: counted once, when the batch is committed, however often it was tried.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, histogram};

use crate::metrics as names;

/// Counts of one batch.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) emitted: u64,
    pub(crate) dropped: BTreeMap<&'static str, u64>,
    pub(crate) rejected: u64,
}

impl Tally {
    /// Adds a committed batch to the metrics of `stage`.
    pub(crate) fn count(&self, stage: &Arc<str>, records: usize, took: Duration) {
        histogram!(names::BATCH_DURATION, "stage" => stage.clone()).record(took);
        histogram!(names::BATCH_SIZE, "stage" => stage.clone()).record(records as f64);
        let outcomes = [("emit", "", self.emitted), ("reject", "", self.rejected)];
        let drops = self
            .dropped
            .iter()
            .map(|(reason, count)| ("drop", *reason, *count));
        for (outcome, reason, count) in outcomes.into_iter().chain(drops) {
            if count > 0 {
                counter!(names::RECORDS_IN, "stage" => stage.clone(), "outcome" => outcome, "reason" => reason)
                    .increment(count);
            }
        }
        if self.rejected > 0 {
            counter!(names::DEAD_LETTERS, "stage" => stage.clone()).increment(self.rejected);
        }
    }
}
