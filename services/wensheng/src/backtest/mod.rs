//! `wensheng backtest`: history passes through the very code that runs in production, at the times at which it was
//! observed, and nothing is written or pushed.

mod compare;
mod incident;
mod input;
mod truth;
mod volume;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use anyhow::{Context as _, Result, bail};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use wensheng_aggregate::Detection;
use wensheng_schemas::Enriched;

use crate::cli::{BacktestArgs, Output};
use crate::config::{self, Config};
use crate::exit::BadLines;
use incident::{Incident, Rise};
use input::{History, Reading};
use truth::{Scores, Stretch};

/// What a backtest found.
#[derive(Debug, Serialize)]
struct Report {
    posts: u64,
    /// Observed too long after they were said: counted in windows, but scored by nothing.
    late: u64,
    brands: usize,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    incidents: Vec<Incident>,
    /// Waves from few accounts: shown, never escalated.
    suspected_floods: Vec<Incident>,
    /// Rises of a brand's volume: for information, no incidents.
    rises: Vec<Rise>,
    /// Incidents a day; those of a brand within six hours are one.
    alerts_per_day: BTreeMap<String, usize>,
    mean_alerts_per_day: f64,
    /// Keyword rules met, by rule: each raises a signal of its own.
    rule_hits: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<Scores>,
}

/// Runs the command.
pub(crate) fn run(args: &BacktestArgs) -> Result<()> {
    if let Some(path) = &args.volume {
        return volume::run(path, args.output);
    }
    let config = config::load_or_default(args.config.config.as_deref())?;
    let mut history = match &args.input {
        Some(path) => History::read(path, args.as_said)?,
        None => input::of_store(&config, args)?,
    };
    if let Some(new) = &args.rules {
        return compare::run(&config, &mut history, new, args);
    }
    let report = replay(&config, &mut history, args)?;
    print(&report, args.output)?;
    match history.wrong {
        0 => Ok(()),
        wrong => Err(BadLines(wrong).into()),
    }
}

fn replay(config: &Config, history: &mut History, args: &BacktestArgs) -> Result<Report> {
    let mut aggregate = config.aggregate.clone();
    if let Some(rate) = args.false_alerts {
        aggregate.detector.watch_false_alerts = rate;
        aggregate.detector.alert_false_alerts = aggregate.detector.alert_false_alerts.min(rate);
    }
    let mut detection = Detection::new(&aggregate).context("set detection up")?;
    let analyzer = config.enrich.analyzer()?;
    let reading = Reading {
        analyzer: &analyzer,
        as_said: args.as_said,
    };
    let mut seen = Seen::default();
    let mut signals = Vec::new();
    let mut rises = Vec::new();
    history.each(&reading, |piece| {
        if !piece.feedback.is_counted() {
            return;
        }
        seen.note(&piece);
        let heard = detection.hear(0, &piece, piece.enriched_at);
        seen.late += u64::from(heard.late);
        for signal in heard.signals {
            match Rise::of(&signal) {
                Some(rise) => rises.push(rise),
                None => signals.push(Incident::of(signal)),
            }
        }
    });
    let (suspected_floods, incidents): (Vec<_>, Vec<_>) =
        signals.into_iter().partition(Incident::is_flood);
    let alerts_per_day = incident::a_day(&incidents);
    let days = match (seen.from, seen.to) {
        (Some(from), Some(to)) => to.duration_since(from).as_secs_f64() / 86_400.0,
        _ => 0.0,
    };
    let scores = match &args.truth {
        Some(path) => Some(truth::score(
            &incidents,
            &truth::read(path)?,
            &seen.stretch(args)?,
        )),
        None => None,
    };
    Ok(Report {
        posts: seen.posts,
        late: seen.late,
        brands: seen.brands.len(),
        from: seen.from,
        to: seen.to,
        mean_alerts_per_day: alerts_per_day.values().sum::<usize>() as f64 / days.max(1.0),
        alerts_per_day,
        incidents,
        suspected_floods,
        rises,
        rule_hits: seen.rule_hits,
        scores,
    })
}

#[derive(Default)]
struct Seen {
    posts: u64,
    late: u64,
    brands: BTreeSet<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    rule_hits: BTreeMap<String, u64>,
}

impl Seen {
    fn note(&mut self, piece: &Enriched) {
        self.posts += 1;
        if !self.brands.contains(&piece.feedback.brand) {
            self.brands.insert(piece.feedback.brand.clone());
        }
        let at = piece.feedback.observed_at;
        self.from = Some(self.from.map_or(at, |from| from.min(at)));
        self.to = Some(self.to.map_or(at, |to| to.max(at)));
        for hit in &piece.rules {
            *self.rule_hits.entry(hit.rule.clone()).or_default() += 1;
        }
    }

    fn stretch(&self, args: &BacktestArgs) -> Result<Stretch> {
        let (Some(from), Some(to)) = (self.from, self.to) else {
            bail!("the history is empty, so there is nothing to score");
        };
        let warm_up = SignedDuration::from_hours(24 * i64::from(args.warm_up_days));
        Ok(Stretch {
            brands: self.brands.clone(),
            from: from + warm_up,
            to,
        })
    }
}

fn print(report: &Report, output: Output) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if output == Output::Json {
        serde_json::to_writer(&mut out, report)?;
        writeln!(out)?;
        return Ok(());
    }
    for incident in &report.incidents {
        writeln!(
            out,
            "{}  {:<6}  {} / {}  {:.2}  {}",
            incident.at,
            incident.level.name(),
            incident.brand,
            incident.topic.as_deref().unwrap_or("-"),
            incident.score,
            incident.reasons.join("；")
        )?;
    }
    for rise in &report.rises {
        writeln!(
            out,
            "{}  rise    {}  {:.2}  {} pieces in {} minutes, usually {}",
            rise.at,
            rise.brand,
            rise.score,
            rise.pieces,
            rise.window_seconds / 60,
            rise.usual
        )?;
    }
    writeln!(
        out,
        "{} posts of {} brands, {} of them late; {} signals, {:.2} alerts a day, {} suspected floods",
        report.posts,
        report.brands,
        report.late,
        report.incidents.len(),
        report.mean_alerts_per_day,
        report.suspected_floods.len()
    )?;
    for (level, score) in report.scores.iter().flat_map(|scores| &scores.levels) {
        let percent =
            |part: Option<f64>| part.map_or("-".to_owned(), |p| format!("{:.1}%", 100.0 * p));
        writeln!(
            out,
            "{level:<6}  recall {} ({} of {}), false alerts {:.2} per brand and 30 days (worst brand {:.2}), \
             within 15/60 minutes {}/{}",
            percent(score.recall),
            score.found,
            score.crises,
            score.false_alerts,
            score.worst_brand_false_alerts,
            percent(score.within_15_minutes),
            percent(score.within_60_minutes)
        )?;
        for (shape, [known, found]) in &score.shapes {
            writeln!(out, "        {shape}: {found} of {known}")?;
        }
    }
    Ok(())
}
