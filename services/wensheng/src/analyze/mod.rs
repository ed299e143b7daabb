//! `wensheng analyze`: output follows input, line by line; a bad line is told and stands in the output as an error.

mod highlight;
mod html;
pub(crate) mod input;
mod names;
mod readable;

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};
use wensheng_schemas::Reach;
use wensheng_text::{Analysis, Analyzer, Context};

use crate::cli::{AnalyzeArgs, AnalyzeOutput};
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
    if let Some(rules) = &args.rules {
        config.starter_rules = false;
        config.rules = vec![rules.clone()];
    }
    let analyzer = config.analyzer()?;
    let names = config.topic_names()?;
    let stdout = std::io::stdout();
    let by_default = if args.text.is_some() && stdout.is_terminal() {
        AnalyzeOutput::Text
    } else {
        AnalyzeOutput::Json
    };
    let mut out = std::io::BufWriter::new(stdout.lock());
    let mut sink = Sink::begin(args.output.unwrap_or(by_default), &mut out, &names)?;
    let bad = if let Some(text) = &args.text {
        sink.good(&mut out, Map::new(), text, &analyzer.analyze(text))?;
        0
    } else {
        let path = args.input.as_deref().unwrap_or(Path::new("-"));
        analyze_lines(
            &analyzer,
            input::open(path, args.format)?,
            &mut sink,
            &mut out,
        )?
    };
    sink.end(&mut out)?;
    out.flush().context("write the results")?;
    if bad > 0 {
        return Err(crate::exit::BadLines(bad).into());
    }
    Ok(())
}

/// The form in which results are written.
enum Sink<'a> {
    Text,
    Json,
    Html(Box<html::Page<'a>>),
}

impl<'a> Sink<'a> {
    fn begin(
        output: AnalyzeOutput,
        out: &mut impl Write,
        names: &'a BTreeMap<String, String>,
    ) -> Result<Self> {
        Ok(match output {
            AnalyzeOutput::Text => Self::Text,
            AnalyzeOutput::Json => Self::Json,
            AnalyzeOutput::Html => Self::Html(Box::new(html::Page::begin(out, names)?)),
        })
    }

    fn good(
        &mut self,
        out: &mut impl Write,
        fields: Map<String, Value>,
        text: &str,
        analysis: &Analysis,
    ) -> Result<()> {
        match self {
            Self::Text => readable::print(out, text, analysis),
            Self::Json => write_line(out, &with_analysis(fields, text, analysis)?),
            Self::Html(page) => page.card(out, &fields, text, analysis),
        }
    }

    fn bad(&mut self, out: &mut impl Write, line: u64, error: &str) -> Result<()> {
        match self {
            Self::Text | Self::Json => write_line(out, &json!({ "line": line, "error": error })),
            Self::Html(page) => page.unusable(out, line, error),
        }
    }

    fn end(self, out: &mut impl Write) -> Result<()> {
        match self {
            Self::Text | Self::Json => Ok(()),
            Self::Html(page) => page.end(out),
        }
    }
}

fn analyze_lines(
    analyzer: &Analyzer,
    mut lines: Lines,
    sink: &mut Sink<'_>,
    out: &mut impl Write,
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
                (Line::Good { fields, text, .. }, Some(analysis)) => {
                    sink.good(out, fields, &text, &analysis)?;
                }
                (Line::Bad { number, error }, _) => {
                    bad += 1;
                    eprintln!("line {number}: {error}");
                    sink.bad(out, number, &error)?;
                }
                (Line::Good { .. }, None) => anyhow::bail!("a line was not analysed"),
            }
        }
    }
}

fn analyze_line(analyzer: &Analyzer, line: &Line) -> Option<Analysis> {
    match line {
        Line::Good { fields, text, .. } => {
            let field = |name| fields.get(name).and_then(Value::as_str);
            Some(analyzer.analyze_in(
                text,
                &Context {
                    channel: field("channel"),
                    brand: field("brand"),
                    reach: reach(fields),
                },
            ))
        }
        Line::Bad { .. } => None,
    }
}

/// Likes, reposts and comments together, where the line tells any: `{"reach": {"likes": 3}}`, as feedback has it.
fn reach(fields: &Map<String, Value>) -> Option<u64> {
    let told = fields.get("reach")?;
    serde_json::from_value::<Reach>(told.clone())
        .ok()
        .map(|reach| reach.reactions())
}

/// The fields of the input line, its text, and what was understood.
fn with_analysis(mut fields: Map<String, Value>, text: &str, analysis: &Analysis) -> Result<Value> {
    fields.insert("text".to_owned(), Value::String(text.to_owned()));
    let found = serde_json::to_value(analysis).context("write an analysis as JSON")?;
    if let Value::Object(mut found) = found {
        found.entry("tokens").or_insert_with(|| json!([]));
        for (name, value) in found {
            // A field of the input that bears the name of a finding is kept beside it.
            if let Some(given) = fields.insert(name.clone(), value) {
                fields.insert(format!("input_{name}"), given);
            }
        }
    }
    Ok(Value::Object(fields))
}

fn write_line(out: &mut impl Write, value: &Value) -> Result<()> {
    serde_json::to_writer(&mut *out, value).context("write the results")?;
    out.write_all(b"\n").context("write the results")
}
