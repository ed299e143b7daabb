//! How good the verdicts are: counts that anyone can recount.

use serde::Serialize;

use crate::analysis::Polarity;
use crate::analyzer::Analyzer;
use crate::matcher::Context;
use crate::train::Row;
use crate::verdict::Verdict;

const LABELS: [Polarity; 3] = [Polarity::Negative, Polarity::Neutral, Polarity::Positive];

/// The verdicts on labelled rows, counted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scores {
    /// Rows.
    pub rows: usize,
    /// Share of the rows whose label was met.
    pub accuracy: f32,
    /// Share of the positive and negative rows whose score has the right sign.
    pub polar_accuracy: f32,
    /// Mean of the F1 over the labels that the rows have.
    pub macro_f1: f32,
    /// Rows by true label, then by verdict; both in the order negative, neutral, positive.
    pub confusion: [[usize; 3]; 3],
    /// Rows by confidence, in ten bins of 0.1: number, mean confidence, share met.
    pub reliability: Vec<Bin>,
    /// Mean distance of confidence from the share met, weighted by rows (expected calibration error).
    pub calibration_error: f32,
}

/// Rows of like confidence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Bin {
    /// Rows.
    pub rows: usize,
    /// Their mean confidence.
    pub confidence: f32,
    /// Share of them whose label was met.
    pub accuracy: f32,
}

/// Judges every row and counts.
pub fn evaluate(analyzer: &Analyzer, rows: &[Row], context: &Context<'_>) -> Scores {
    Scores::of(
        rows.iter()
            .map(|row| (row.label, analyzer.verdict(&row.text, context))),
    )
}

impl Scores {
    /// Counts true labels and the verdicts beside them.
    pub fn of(judged: impl IntoIterator<Item = (Polarity, Verdict)>) -> Self {
        let mut confusion = [[0usize; 3]; 3];
        let (mut polar, mut polar_met) = (0usize, 0usize);
        let mut bins = [(0usize, 0.0f64, 0usize); 10];
        for (label, verdict) in judged {
            confusion[place(label)][place(verdict.label)] += 1;
            if label != Polarity::Neutral {
                polar += 1;
                polar_met += usize::from((verdict.score > 0.0) == (label == Polarity::Positive));
            }
            let bin = &mut bins[((verdict.confidence * 10.0) as usize).min(9)];
            bin.0 += 1;
            bin.1 += f64::from(verdict.confidence);
            bin.2 += usize::from(verdict.label == label);
        }
        let rows: usize = confusion.iter().flatten().sum();
        let met: usize = (0..3).map(|i| confusion[i][i]).sum();
        let reliability: Vec<Bin> = bins
            .iter()
            .map(|(n, sum, met)| Bin {
                rows: *n,
                confidence: (*sum / (*n).max(1) as f64) as f32,
                accuracy: share(*met, *n),
            })
            .collect();
        let off = reliability
            .iter()
            .map(|b| (b.confidence - b.accuracy).abs() * b.rows as f32)
            .sum::<f32>();
        Self {
            rows,
            accuracy: share(met, rows),
            polar_accuracy: share(polar_met, polar),
            macro_f1: macro_f1(&confusion),
            confusion,
            reliability,
            calibration_error: off / rows.max(1) as f32,
        }
    }
}

fn place(label: Polarity) -> usize {
    LABELS.iter().position(|l| *l == label).unwrap_or(1)
}

fn share(part: usize, whole: usize) -> f32 {
    part as f32 / whole.max(1) as f32
}

fn macro_f1(confusion: &[[usize; 3]; 3]) -> f32 {
    let mut sum = 0.0;
    let mut classes = 0;
    for i in 0..3 {
        let truth: usize = confusion[i].iter().sum();
        if truth == 0 {
            continue;
        }
        let said: usize = confusion.iter().map(|row| row[i]).sum();
        classes += 1;
        sum += 2.0 * confusion[i][i] as f32 / (truth + said) as f32;
    }
    sum / classes.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macro_f1_is_the_mean_over_the_labels_that_occur() {
        // Negative: precision 1/2, recall 1; positive: precision 1, recall 1/2: both F1 2/3.
        assert!((macro_f1(&[[1, 0, 0], [0, 0, 0], [1, 0, 1]]) - 2.0 / 3.0).abs() < 1e-6);
    }
}
