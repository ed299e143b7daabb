//! What a change of keyword rules would have told, and what it would no longer tell, on the same history.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use jiff::Timestamp;
use serde::Serialize;
use wensheng_schemas::{Enriched, EventId, Severity};
use wensheng_text::Analyzer;

use super::input::{History, Reading};
use crate::cli::{BacktestArgs, Output};
use crate::config::Config;
use crate::exit::BadLines;

/// At most so many examples of each side are shown.
const SHOWN: usize = 50;

#[derive(Debug, Serialize)]
struct Report {
    posts: u64,
    /// Hits by rule: with the rules against which is compared, and with the new ones.
    rules: BTreeMap<String, [u64; 2]>,
    /// Hits a day, before and after.
    hits_per_day: [f64; 2],
    /// Hits that only the new rules give: how many, and the first of them.
    added: u64,
    removed: u64,
    added_examples: Vec<Hit>,
    removed_examples: Vec<Hit>,
}

#[derive(Debug, Clone, Serialize)]
struct Hit {
    at: Timestamp,
    brand: String,
    rule: String,
    level: Severity,
    event: EventId,
    terms: Vec<String>,
    text: String,
}

/// Runs the comparison.
pub(super) fn run(
    config: &Config,
    history: &mut History,
    new: &Path,
    args: &BacktestArgs,
) -> Result<()> {
    let new = analyzer(config, Some(new))?;
    let against = match args.against.as_deref() {
        Some(path) if path != Path::new("current") => analyzer(config, Some(path))?,
        _ => config.enrich.analyzer()?,
    };
    let mut report = Report {
        posts: 0,
        rules: BTreeMap::new(),
        hits_per_day: [0.0; 2],
        added: 0,
        removed: 0,
        added_examples: Vec::new(),
        removed_examples: Vec::new(),
    };
    let (mut first, mut last) = (None, None);
    let reading = Reading {
        analyzer: &against,
        as_said: args.as_said,
    };
    history.each(&reading, |piece| {
        let at = piece.feedback.observed_at;
        first.get_or_insert(at);
        last = Some(at);
        report.take(&hits(&piece, &against), &hits(&piece, &new));
    });
    if let (Some(first), Some(last)) = (first, last) {
        let days = (last.duration_since(first).as_secs_f64() / 86_400.0).max(1.0);
        for (side, per_day) in report.hits_per_day.iter_mut().enumerate() {
            let hits: u64 = report.rules.values().map(|counts| counts[side]).sum();
            *per_day = hits as f64 / days;
        }
    }
    print(&report, args.output)?;
    match history.wrong {
        0 => Ok(()),
        wrong => Err(BadLines(wrong).into()),
    }
}

/// The configured analysis with the rules of one file alone.
fn analyzer(config: &Config, rules: Option<&Path>) -> Result<Analyzer> {
    let mut enrich = config.enrich.clone();
    enrich.starter_rules = false;
    enrich.rules = rules
        .map(Path::to_owned)
        .into_iter()
        .collect::<Vec<PathBuf>>();
    Ok(enrich.analyzer()?)
}

fn hits(piece: &Enriched, analyzer: &Analyzer) -> Vec<Hit> {
    let now = piece.enriched_at;
    let read = wensheng_enrich::enrich(analyzer, piece.feedback.clone(), now);
    read.rules
        .iter()
        .map(|hit| Hit {
            at: read.feedback.observed_at,
            brand: read.feedback.brand.clone(),
            rule: hit.rule.clone(),
            level: hit.severity,
            event: read.feedback.id.clone(),
            terms: hit.terms.clone(),
            text: read.feedback.text.clone(),
        })
        .collect()
}

impl Report {
    fn take(&mut self, before: &[Hit], after: &[Hit]) {
        self.posts += 1;
        for (side, hits) in [before, after].into_iter().enumerate() {
            for hit in hits {
                self.rules.entry(hit.rule.clone()).or_default()[side] += 1;
            }
        }
        let same = |a: &Hit, b: &Hit| a.rule == b.rule && a.level == b.level;
        for hit in after
            .iter()
            .filter(|hit| !before.iter().any(|b| same(hit, b)))
        {
            self.added += 1;
            if self.added_examples.len() < SHOWN {
                self.added_examples.push(hit.clone());
            }
        }
        for hit in before
            .iter()
            .filter(|hit| !after.iter().any(|a| same(hit, a)))
        {
            self.removed += 1;
            if self.removed_examples.len() < SHOWN {
                self.removed_examples.push(hit.clone());
            }
        }
    }
}

fn print(report: &Report, output: Output) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if output == Output::Json {
        serde_json::to_writer(&mut out, report)?;
        writeln!(out)?;
        return Ok(());
    }
    for (mark, hits) in [
        ("+", &report.added_examples),
        ("-", &report.removed_examples),
    ] {
        for hit in hits {
            writeln!(
                out,
                "{mark} {}  {} {}  {}  {}：{}",
                hit.at,
                hit.level.name(),
                hit.rule,
                hit.brand,
                hit.terms.join("、"),
                hit.text
            )?;
        }
    }
    for (rule, [before, after]) in &report.rules {
        writeln!(out, "{rule}: {before} -> {after}")?;
    }
    writeln!(
        out,
        "{} posts; {} hits added, {} removed; {:.2} -> {:.2} a day",
        report.posts, report.added, report.removed, report.hits_per_day[0], report.hits_per_day[1]
    )?;
    Ok(())
}
