//! `wensheng analyze`: output follows input, line by line; a bad line is told and stands in the output as an error.

mod input;
mod readable;

use std::io::{IsTerminal as _, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};
use wensheng_text::{Analysis, Analyzer, Context};

use crate::cli::{AnalyzeArgs, Output};
use input::{Line, Lines};

/// Lines analysed together; enough to keep the cores busy, small enough to stream.
const CHUNK: usize = 4096;

/// Runs the command.
pub(crate) fn run(args: &AnalyzeArgs) -> Result<()> {
    let mut config = match &args.config.config {
        Some(path) => crate::config::load(path)?.enrich,
        None => wensheng_enrich::Config::default(),
    };
    config.text.tokens = true;
    let analyzer = config.analyzer()?;
    let stdout = std::io::stdout();
    if let Some(text) = &args.text {
        let readable = stdout.is_terminal();
        let analysis = analyzer.analyze(text);
        let mut out = stdout.lock();
        match args
            .output
            .unwrap_or(if readable { Output::Text } else { Output::Json })
        {
            Output::Text => readable::print(&mut out, text, &analysis)?,
            Output::Json => write_line(&mut out, &with_analysis(Map::new(), text, &analysis)?)?,
        }
        return Ok(());
    }
    let path = args.input.as_deref().unwrap_or(Path::new("-"));
    let mut out = std::io::BufWriter::new(stdout.lock());
    let bad = analyze_lines(
        &analyzer,
        input::open(path, args.format)?,
        &mut out,
        args.output == Some(Output::Text),
    )?;
    out.flush().context("write the results")?;
    if bad > 0 {
        return Err(crate::exit::BadLines(bad).into());
    }
    Ok(())
}

fn analyze_lines(
    analyzer: &Analyzer,
    mut lines: Lines,
    out: &mut impl Write,
    readable: bool,
) -> Result<u64> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut bad = 0;
    loop {
        let chunk: Vec<Line> = lines.by_ref().take(CHUNK).collect::<Result<_>>()?;
        if chunk.is_empty() {
            return Ok(bad);
        }
        let share = chunk.len().div_ceil(threads);
        let results: Vec<Result<Option<Analysis>>> = std::thread::scope(|scope| {
            let workers: Vec<_> = chunk
                .chunks(share)
                .map(|part| {
                    scope.spawn(move || {
                        part.iter()
                            .map(|line| analyze_line(analyzer, line))
                            .collect()
                    })
                })
                .collect();
            workers
                .into_iter()
                .flat_map(|worker| {
                    let part: Vec<Option<Analysis>> = match worker.join() {
                        Ok(part) => part,
                        Err(_) => {
                            return vec![Err(anyhow::anyhow!("analysing a line ended in a panic"))];
                        }
                    };
                    part.into_iter().map(Ok).collect()
                })
                .collect()
        });
        for (line, analysis) in chunk.into_iter().zip(results) {
            match (line, analysis?) {
                (Line::Good { fields: _, text }, Some(analysis)) if readable => {
                    readable::print(out, &text, &analysis)?
                }
                (Line::Good { fields, text }, Some(analysis)) => {
                    write_line(out, &with_analysis(fields, &text, &analysis)?)?;
                }
                (Line::Bad { number, error }, _) => {
                    bad += 1;
                    eprintln!("line {number}: {error}");
                    write_line(out, &json!({ "line": number, "error": error }))?;
                }
                (Line::Good { .. }, None) => anyhow::bail!("a line was not analysed"),
            }
        }
    }
}

fn analyze_line(analyzer: &Analyzer, line: &Line) -> Option<Analysis> {
    match line {
        Line::Good { fields, text } => {
            let field = |name| fields.get(name).and_then(Value::as_str);
            Some(analyzer.analyze_in(
                text,
                &Context {
                    channel: field("channel"),
                    brand: field("brand"),
                },
            ))
        }
        Line::Bad { .. } => None,
    }
}

/// The fields of the input line, its text, and what was understood.
fn with_analysis(mut fields: Map<String, Value>, text: &str, analysis: &Analysis) -> Result<Value> {
    fields.insert("text".to_owned(), Value::String(text.to_owned()));
    if let Value::Object(found) =
        serde_json::to_value(analysis).context("write an analysis as JSON")?
    {
        fields.extend(found);
    }
    Ok(Value::Object(fields))
}

fn write_line(out: &mut impl Write, value: &Value) -> Result<()> {
    serde_json::to_writer(&mut *out, value).context("write the results")?;
    out.write_all(b"\n").context("write the results")
}
