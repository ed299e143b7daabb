//! Records of 500 bytes appended and committed, in batches.

use anyhow::{Context as _, Result};
use wensheng_bus::bench::{measure_append, measure_copy};

use super::Engine;
use super::report::Report;

const RECORDS: u64 = 200_000;
const BYTES: usize = 500;
const BATCH: usize = 1_000;

/// Measures.
pub(crate) async fn measure(engine: &Engine, report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir().context("make a directory for the benchmark")?;
    let config = engine.config(folder.path());
    let bus = crate::service::open_bus(&config)?;
    let append = measure_append(bus.as_ref(), RECORDS, BYTES, BATCH).await?;
    report.add(
        format!("append {}, {BYTES} bytes", engine.name()),
        append.per_second(),
        "records/s",
    );
    let copy = measure_copy(bus.as_ref(), RECORDS, BYTES, BATCH).await?;
    report.add(
        format!("read, append and commit {}, {BYTES} bytes", engine.name()),
        copy.per_second(),
        "records/s",
    );
    Ok(())
}
