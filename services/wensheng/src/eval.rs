//! `wensheng eval`: the verdicts beside known labels, counted so that anyone can recount them; a row that cannot be used is told, and
//! the rest is scored.

use std::io::Write;

use anyhow::{Context as _, Result};
use serde::Serialize;
use wensheng_text::{Analyzer, Bin, Polarity, Scores, Verdict};

use crate::cli::{EvalArgs, Output};
use crate::exit::BadLines;
use crate::labelled::{self, BadRow, Labelled};

/// The order of rows and columns in `confusion`.
const LABELS: [Polarity; 3] = [Polarity::Negative, Polarity::Neutral, Polarity::Positive];
/// Confidences below which an operator may choose to abstain.
const THRESHOLDS: [f32; 8] = [0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];
/// Characters of a wrongly judged text that are shown in a terminal.
const SHOWN: usize = 60;

/// How good the verdicts are.
#[derive(Debug, Serialize)]
struct Evaluation {
    model_version: String,
    /// The order of rows (truth) and columns (verdict) in `confusion`.
    labels: [Polarity; 3],
    #[serde(flatten)]
    scores: Scores,
    /// Rows that are not neutral.
    polar_rows: usize,
    classes: Vec<Class>,
    abstain: Vec<Abstain>,
    worst: Vec<Wrong>,
    bad_rows: Vec<BadRow>,
}

/// One label by itself.
#[derive(Debug, PartialEq, Serialize)]
struct Class {
    label: Polarity,
    /// Rows that have it.
    rows: usize,
    /// Of the verdicts that say it, how many are right; none where no verdict does.
    precision: Option<f32>,
    /// Of the rows that have it, how many are told; none where no row does.
    recall: Option<f32>,
    /// The harmonic mean of both.
    f1: Option<f32>,
}

/// What remains when less confident verdicts are withheld.
#[derive(Debug, PartialEq, Serialize)]
struct Abstain {
    /// Verdicts of at least this confidence are kept.
    confidence: f32,
    /// Share of the rows that are kept.
    coverage: f32,
    /// Share of those whose label is met; none where none is kept.
    accuracy: Option<f32>,
}

/// A verdict that missed its label.
#[derive(Debug, Serialize)]
struct Wrong {
    line: u64,
    label: Polarity,
    verdict: Polarity,
    confidence: f32,
    score: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    text: String,
}

/// Runs the command.
pub(crate) fn run(args: &EvalArgs) -> Result<()> {
    let mut config = match &args.config.config {
        Some(path) => crate::config::load(path)?.enrich,
        None => wensheng_enrich::Config::default(),
    };
    if let Some(model) = &args.model {
        config.model = Some(model.clone());
    }
    let analyzer = config.analyzer()?;
    let (rows, bad_rows) = labelled::read(&args.data, args.format, args.channel.as_deref())?;
    let bad = bad_rows.len() as u64;
    let evaluation = evaluate(&analyzer, &rows, bad_rows, args.worst);
    let mut out = std::io::stdout().lock();
    match args.output {
        Output::Json => {
            serde_json::to_writer_pretty(&mut out, &evaluation).context("write the results")?;
            writeln!(out).context("write the results")?;
        }
        Output::Text => print(&mut out, &evaluation).context("write the results")?,
    }
    if bad > 0 {
        return Err(BadLines(bad).into());
    }
    Ok(())
}

fn evaluate(
    analyzer: &Analyzer,
    rows: &[Labelled],
    bad_rows: Vec<BadRow>,
    worst: usize,
) -> Evaluation {
    let judged: Vec<(&Labelled, Verdict)> = rows
        .iter()
        .map(|row| (row, analyzer.verdict(&row.text, &row.context())))
        .collect();
    let scores = Scores::of(judged.iter().map(|(row, verdict)| (row.label, *verdict)));
    Evaluation {
        model_version: analyzer.model_version().to_string(),
        labels: LABELS,
        polar_rows: rows
            .iter()
            .filter(|row| row.label != Polarity::Neutral)
            .count(),
        classes: classes(&scores.confusion),
        abstain: THRESHOLDS
            .map(|confidence| abstain(&judged, confidence))
            .into(),
        worst: worst_of(&judged, worst),
        scores,
        bad_rows,
    }
}

fn classes(confusion: &[[usize; 3]; 3]) -> Vec<Class> {
    let share = |part: usize, whole: usize| (whole > 0).then(|| part as f32 / whole as f32);
    let class = |(at, label): (usize, &Polarity)| {
        let met = confusion[at][at];
        let rows: usize = confusion[at].iter().sum();
        let said: usize = confusion.iter().map(|row| row[at]).sum();
        Class {
            label: *label,
            rows,
            precision: share(met, said),
            recall: share(met, rows),
            f1: share(2 * met, rows + said),
        }
    };
    LABELS.iter().enumerate().map(class).collect()
}

fn abstain(judged: &[(&Labelled, Verdict)], confidence: f32) -> Abstain {
    let kept = judged.iter().filter(|(_, v)| v.confidence >= confidence);
    let (mut count, mut met) = (0usize, 0usize);
    for (row, verdict) in kept {
        count += 1;
        met += usize::from(row.label == verdict.label);
    }
    Abstain {
        confidence,
        coverage: count as f32 / judged.len().max(1) as f32,
        accuracy: (count > 0).then(|| met as f32 / count as f32),
    }
}

fn worst_of(judged: &[(&Labelled, Verdict)], count: usize) -> Vec<Wrong> {
    let mut wrong: Vec<_> = judged
        .iter()
        .filter(|(row, verdict)| row.label != verdict.label)
        .collect();
    wrong.sort_by(|(a, x), (b, y)| {
        y.confidence
            .total_cmp(&x.confidence)
            .then(a.line.cmp(&b.line))
    });
    wrong
        .into_iter()
        .take(count)
        .map(|(row, verdict)| Wrong {
            line: row.line,
            label: row.label,
            verdict: verdict.label,
            confidence: verdict.confidence,
            score: verdict.score,
            channel: row.channel.clone(),
            text: row.text.clone(),
        })
        .collect()
}

fn print(out: &mut impl Write, evaluation: &Evaluation) -> std::io::Result<()> {
    let scores = &evaluation.scores;
    writeln!(out, "model             {}", evaluation.model_version)?;
    writeln!(
        out,
        "rows              {} ({} positive or negative, {} unusable)",
        scores.rows,
        evaluation.polar_rows,
        evaluation.bad_rows.len()
    )?;
    writeln!(
        out,
        "polar accuracy    {}   share of positive and negative rows whose score has the right sign",
        percent(Some(scores.polar_accuracy))
    )?;
    writeln!(
        out,
        "accuracy          {}   share of rows whose label is met, of three",
        percent(Some(scores.accuracy))
    )?;
    writeln!(
        out,
        "macro-F1          {}   over the labels that the rows have",
        percent(Some(scores.macro_f1))
    )?;
    writeln!(
        out,
        "calibration error {}   mean distance of confidence from the share met",
        percent(Some(scores.calibration_error))
    )?;

    writeln!(
        out,
        "\n{:<10}{:>8}{:>11}{:>9}{:>9}   {:>9} {:>8} {:>8}",
        "label", "rows", "precision", "recall", "F1", "told neg.", "neutral", "positive"
    )?;
    for (class, said) in evaluation.classes.iter().zip(&scores.confusion) {
        writeln!(
            out,
            "{:<10}{:>8}{:>11}{:>9}{:>9}   {:>9} {:>8} {:>8}",
            class.label.as_str(),
            class.rows,
            percent(class.precision),
            percent(class.recall),
            percent(class.f1),
            said[0],
            said[1],
            said[2]
        )?;
    }

    writeln!(out, "\nconfidence      rows     said      met")?;
    for (
        at,
        Bin {
            rows,
            confidence,
            accuracy,
        },
    ) in scores.reliability.iter().enumerate()
    {
        if *rows > 0 {
            writeln!(
                out,
                "{:.1} to {:.1}  {rows:>8}{:>9}{:>9}",
                at as f32 / 10.0,
                (at + 1) as f32 / 10.0,
                percent(Some(*confidence)),
                percent(Some(*accuracy))
            )?;
        }
    }

    writeln!(out, "\nabstain below     kept     right")?;
    for step in &evaluation.abstain {
        writeln!(
            out,
            "{:<13.2}{:>9}{:>10}",
            step.confidence,
            percent(Some(step.coverage)),
            percent(step.accuracy)
        )?;
    }

    if !evaluation.worst.is_empty() {
        writeln!(out, "\nmost confident errors")?;
    }
    for wrong in &evaluation.worst {
        writeln!(
            out,
            "line {:<6} {} told as {} ({}): {}",
            wrong.line,
            wrong.label.as_str(),
            wrong.verdict.as_str(),
            percent(Some(wrong.confidence)).trim(),
            shortened(&wrong.text)
        )?;
    }
    Ok(())
}

/// `81.3 %`, or a dash where there is nothing to divide by.
pub(crate) fn percent(share: Option<f32>) -> String {
    share.map_or("–".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// A text on one line of a terminal.
pub(crate) fn shortened(text: &str) -> String {
    let mut line: String = text
        .chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u64, label: Polarity) -> Labelled {
        Labelled {
            line,
            label,
            channel: None,
            text: String::new(),
        }
    }

    fn verdict(label: Polarity, confidence: f32) -> Verdict {
        Verdict {
            label,
            score: 0.0,
            confidence,
        }
    }

    #[test]
    fn precision_and_recall_are_told_for_each_label_and_not_where_nothing_stands_below_the_line() {
        let found = classes(&[[3, 0, 1], [0, 0, 0], [2, 0, 4]]);
        assert_eq!(found[0].precision, Some(0.6));
        assert_eq!(found[0].recall, Some(0.75));
        assert_eq!(
            (found[1].precision, found[1].recall, found[1].f1),
            (None, None, None)
        );
        assert_eq!(found[2].f1, Some(8.0 / 11.0));
    }

    #[test]
    fn abstaining_keeps_the_confident_verdicts_and_tells_their_accuracy() {
        let rows = [
            row(1, Polarity::Positive),
            row(2, Polarity::Positive),
            row(3, Polarity::Negative),
        ];
        let said = [
            verdict(Polarity::Positive, 0.9),
            verdict(Polarity::Negative, 0.8),
            verdict(Polarity::Positive, 0.5),
        ];
        let judged: Vec<_> = rows.iter().zip(said).collect();
        assert_eq!(
            abstain(&judged, 0.8),
            Abstain {
                confidence: 0.8,
                coverage: 2.0 / 3.0,
                accuracy: Some(0.5),
            }
        );
        assert_eq!(abstain(&judged, 0.95).accuracy, None);
    }

    #[test]
    fn the_worst_errors_are_the_most_confident_ones() {
        let rows = [1, 2, 3, 4].map(|line| row(line, Polarity::Positive));
        let said = [
            verdict(Polarity::Negative, 0.6),
            verdict(Polarity::Positive, 0.99),
            verdict(Polarity::Negative, 0.9),
            verdict(Polarity::Neutral, 0.7),
        ];
        let judged: Vec<_> = rows.iter().zip(said).collect();
        let lines: Vec<u64> = worst_of(&judged, 2)
            .iter()
            .map(|wrong| wrong.line)
            .collect();
        assert_eq!(lines, [3, 4]);
    }

    #[test]
    fn rows_are_judged_by_the_weights_of_their_own_channel() {
        let analyzer = wensheng_enrich::Config::default().analyzer().unwrap();
        let rows: Vec<Labelled> = ["weibo", "review"]
            .map(|channel| Labelled {
                channel: Some(channel.to_owned()),
                text: "呵呵，真行".to_owned(),
                ..row(1, Polarity::Negative)
            })
            .into();
        let found = evaluate(&analyzer, &rows, Vec::new(), 10);
        let expected = rows
            .iter()
            .filter(|row| analyzer.verdict(&row.text, &row.context()).label == row.label)
            .count();
        assert_ne!(
            analyzer.verdict(&rows[0].text, &rows[0].context()).score,
            analyzer.verdict(&rows[1].text, &rows[1].context()).score
        );
        assert_eq!(found.scores.confusion[0][0], expected);
        assert_eq!(found.worst.len(), rows.len() - expected);
    }
}
