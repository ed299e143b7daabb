//! How sure a model may be of itself: for unknown sources and for each kind of source, the biases and temperatures under which its
//! probabilities are true to rows that training did not see.

use crate::analysis::Polarity;
use crate::feature::Runs;
use crate::model::{Calibration, HEADS, Model};
use crate::normalize::Normalizer;
use crate::train::{Row, sigmoid};

/// As the analyser reads by default.
const MAX_CHARS: usize = 65_536;
/// Fewer rows on either side of a head say too little to shift its bias; its temperature then stays that of unknown sources.
const FEW: usize = 50;
/// What a head said of a row, and whether it is so.
type Sample = (f32, bool);

/// The calibrations for models of one kind, each with rows that it has not seen: of unknown sources, on all rows read without their kind,
/// then of each adapter. All models have the same adapters, and temperatures of 1.
pub(crate) fn calibrations(
    trials: &[(Model, Vec<Row>)],
    normalizer: &Normalizer,
) -> Vec<Calibration> {
    let plain = Calibration {
        bias: [0.0; HEADS],
        temperature: [1.0; HEADS],
    };
    let judge_all = |of: &dyn Fn(&Row) -> bool, adapter| -> Vec<Judged> {
        let each = trials.iter().flat_map(|(model, rows)| {
            let own: Vec<&Row> = rows.iter().filter(|row| of(row)).collect();
            judge(model, &own, adapter, normalizer)
        });
        each.collect()
    };
    let shared = calibration(&judge_all(&|_| true, None), plain);
    let adapters = trials
        .first()
        .map_or(&[][..], |(model, _)| model.adapters());
    let of_adapter = |(number, name): (usize, &String)| {
        let own = judge_all(&|row| row.adapter.as_ref() == Some(name), Some(number));
        calibration(&own, shared)
    };
    let mut found = vec![shared];
    found.extend(adapters.iter().enumerate().map(of_adapter));
    // The shifts found are beside the biases that training left.
    for head in 0..HEADS {
        let sum: f32 = trials.iter().map(|(model, _)| model.bias()[head]).sum();
        let mean = sum / trials.len().max(1) as f32;
        found.iter_mut().for_each(|c| c.bias[head] += mean);
    }
    found
}

/// A row as the heads read it.
struct Judged {
    odds: [f32; HEADS],
    label: Polarity,
    three_way: bool,
}

fn judge(
    model: &Model,
    rows: &[&Row],
    adapter: Option<usize>,
    normalizer: &Normalizer,
) -> Vec<Judged> {
    let mut runs = Runs::default();
    let one = |row: &&Row| {
        let text = normalizer.text(&row.text, MAX_CHARS);
        let odds = model.read(&text, adapter, &mut runs);
        Judged {
            odds: [odds.polarity, odds.neutrality],
            label: row.label,
            three_way: row.three_way,
        }
    };
    rows.iter().map(one).collect()
}

/// Shifts and temperatures from rows; those of `otherwise` where the rows are too few.
fn calibration(judged: &[Judged], otherwise: Calibration) -> Calibration {
    let mut found = Calibration {
        bias: [0.0; HEADS],
        ..otherwise
    };
    let polar: Vec<Sample> = judged
        .iter()
        .filter(|j| j.label != Polarity::Neutral)
        .map(|j| (j.odds[0], j.label == Polarity::Positive))
        .collect();
    if enough(&polar) {
        (found.bias[0], found.temperature[0]) = fit(&polar);
    }
    let told: Vec<&Judged> = judged.iter().filter(|j| j.three_way).collect();
    let neutral: Vec<Sample> = told
        .iter()
        .map(|j| (j.odds[1], j.label == Polarity::Neutral))
        .collect();
    if enough(&neutral) {
        found.temperature[1] = fit(&neutral).1;
        found.bias[1] = best_for_f1(&told, &found);
    }
    found
}

fn enough(samples: &[Sample]) -> bool {
    let yes = samples.iter().filter(|(_, yes)| *yes).count();
    yes.min(samples.len() - yes) >= FEW
}

/// The shift (−2 to 2) and temperature (0.3 to 5) of the least log loss.
fn fit(samples: &[Sample]) -> (f32, f32) {
    let shifts = || (-20i8..=20).map(|i| f32::from(i) * 0.1);
    let temperatures = || (3u8..=50).map(|i| f32::from(i) * 0.1);
    let mut best = (0.0, 1.0);
    // One after the other, twice: the loss is convex in the log-odds, and the two hardly depend on each other.
    for _ in 0..2 {
        let at = |t: f32| loss(samples, best.0, t);
        best.1 = least(temperatures(), at);
        let at = |s: f32| loss(samples, s, best.1);
        best.0 = least(shifts(), at);
    }
    best
}

fn least(candidates: impl Iterator<Item = f32>, loss: impl Fn(f32) -> f64) -> f32 {
    let mut best = (0.0, f64::INFINITY);
    for candidate in candidates {
        let loss = loss(candidate);
        if loss < best.1 {
            best = (candidate, loss);
        }
    }
    best.0
}

/// The log loss at a shift and a temperature.
fn loss(samples: &[Sample], shift: f32, temperature: f32) -> f64 {
    let one = |(odds, yes): &Sample| {
        let odds = (odds + shift) / temperature;
        f64::from((1.0 + (if *yes { -odds } else { odds }).exp()).ln())
    };
    samples.iter().map(one).sum()
}

/// The shift of neutrality whose verdicts have the best macro-F1, as the mean over three neighbouring shifts: one alone is partly chance.
fn best_for_f1(rows: &[&Judged], calibration: &Calibration) -> f32 {
    let score = |shift: f32| {
        let mut counts = [[0u32; 3]; 3];
        for row in rows {
            let up = sigmoid((row.odds[0] + calibration.bias[0]) / calibration.temperature[0]);
            let neutral = sigmoid((row.odds[1] + shift) / calibration.temperature[1]);
            let polar = (1.0 - neutral) * up.max(1.0 - up);
            let chosen = match (neutral >= polar, up >= 0.5) {
                (true, _) => Polarity::Neutral,
                (false, true) => Polarity::Positive,
                (false, false) => Polarity::Negative,
            };
            counts[row.label as usize][1] += 1;
            counts[chosen as usize][2] += 1;
            counts[chosen as usize][0] += u32::from(chosen == row.label);
        }
        -f64::from(crate::teach::mean_f1(&counts))
    };
    let around = |shift: f32| {
        [-0.2, 0.0, 0.2]
            .iter()
            .map(|step| score(shift + step))
            .sum()
    };
    least((-20i8..=20).map(|i| f32::from(i) * 0.1), around)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odds_that_are_too_sure_and_lean_to_one_side_are_set_right() {
        // Of true log-odds −2 to 2, told as thrice that and one more.
        let samples: Vec<Sample> = (-20..=20)
            .flat_map(|i| {
                let truth = i as f32 * 0.1;
                let yes = (sigmoid(truth) * 100.0).round() as usize;
                (0..100).map(move |n| ((truth + 0.3) * 3.0, n < yes))
            })
            .collect();
        let (shift, temperature) = fit(&samples);
        assert!((shift + 0.9).abs() < 0.15, "{shift}");
        assert!((temperature - 3.0).abs() < 0.3, "{temperature}");
    }

    #[test]
    fn few_rows_leave_a_head_as_it_is_for_unknown_sources() {
        let otherwise = Calibration {
            bias: [0.0; HEADS],
            temperature: [2.0, 3.0],
        };
        assert_eq!(calibration(&[], otherwise), otherwise);
    }
}
