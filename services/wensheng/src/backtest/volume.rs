//! `--volume`: a series of `timestamp,value` is scored row by row by the volume lane.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use wensheng_aggregate::VolumeLane;

use super::input;
use crate::cli::Output;

#[derive(Debug, Deserialize)]
struct Row {
    timestamp: String,
    value: f64,
}

#[derive(Debug, Serialize)]
struct Scored {
    timestamp: String,
    value: f64,
    score: f64,
}

/// Scores a file and prints its rows: CSV with a column `score`, or one JSON object with `rows`.
pub(super) fn run(path: &Path, output: Output) -> Result<()> {
    let mut lane = VolumeLane::default();
    let mut rows = Vec::new();
    let mut reader = csv::Reader::from_reader(input::open(path)?);
    for (number, row) in reader.deserialize::<Row>().enumerate() {
        let row = row.with_context(|| {
            format!(
                "row {} of {}: want timestamp,value",
                number + 2,
                path.display()
            )
        })?;
        if !row.value.is_finite() || row.value < 0.0 {
            bail!(
                "row {} of {}: the value must be 0 or more",
                number + 2,
                path.display()
            );
        }
        rows.push(Scored {
            score: lane.score(row.value),
            timestamp: row.timestamp,
            value: row.value,
        });
    }
    let mut out = std::io::stdout().lock();
    if output == Output::Json {
        serde_json::to_writer(&mut out, &serde_json::json!({ "rows": rows }))?;
        writeln!(out)?;
        return Ok(());
    }
    let mut writer = csv::Writer::from_writer(out);
    for row in &rows {
        writer.serialize(row)?;
    }
    writer.flush()?;
    Ok(())
}
