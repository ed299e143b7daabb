//! Records of 500 bytes appended and committed, in batches.

use anyhow::{Context as _, Result};
use wensheng_bus::bench::measure_append;

use super::Engine;
use super::report::Report;

const RECORDS: usize = 200_000;
const BYTES: usize = 500;
const BATCH: usize = 1_000;

/// Measures.
pub(crate) async fn measure(engine: &Engine, report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir().context("make a directory for the benchmark")?;
    let config = engine.config(folder.path());
    let bus = crate::service::open_bus(&config).await?;
    let rate = measure_append(bus, RECORDS, BYTES, BATCH).await?;
    report.add(format!("append and commit {}, {BYTES} bytes", engine.name()), rate.per_second(), "records/s");
    Ok(())
}
