//! A trained model fitted to some hundred further rows: deterministic, and no stronger than those rows bear out. How far the weights
//! move is chosen by cross-validation, and not moving is among the choices.
//!
//! Logistic regression by AdaGrad, as the model itself was trained, but on what is added to its weights, each pulled back to zero: rows
//! that the model reads rightly change next to nothing. Features that one row alone holds are left out: they would only learn it by
//! heart.

use std::collections::HashMap;

use anyhow::{Result, bail};
use wensheng_text::{Model, Normalizer, Polarity, Row, Weights};

/// As the analyser reads by default.
const MAX_CHARS: usize = 65_536;
/// Parts of the rows, each judged by what the others teach.
const FOLDS: usize = 5;
const EPOCHS: usize = 10;
/// The least scale of a feature that both classes hold alike, as in training.
const FLOOR: f32 = 0.15;
/// Pull of what is added towards zero, per step.
const DECAY: f32 = 1e-4;
/// The steps among which cross-validation chooses; 0 leaves the model as it is.
pub(super) const STEPS: [f32; 7] = [0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4];
/// The fewest rows of either class that can be divided into folds and teach anything.
const LEAST: usize = 10;
/// The heads of the model: positive against negative, neutral against either.
const HEADS: usize = 2;

/// What was learnt.
pub(super) struct Adapted {
    pub(super) model: Model,
    /// The step that was chosen for each head, 0 for none.
    pub(super) steps: [f32; HEADS],
}

/// A row as one head sees it.
struct Sample {
    /// The features whose weights move, by their place in the vocabulary.
    features: Vec<usize>,
    /// By which their sum is multiplied.
    value: f32,
    /// The log-odds that the model gives.
    before: f32,
    target: bool,
}

/// What one head has to learn from.
struct Lesson {
    samples: Vec<Sample>,
    /// The buckets of the model whose weights move.
    vocabulary: Vec<u32>,
    /// Whether the bias moves too.
    moves_bias: bool,
}

/// What is added to a model, of one head: to each word of the vocabulary, and to the bias.
struct Delta {
    weights: Vec<f32>,
    bias: f32,
}

impl Delta {
    fn odds(&self, sample: &Sample) -> f32 {
        let sum: f32 = sample.features.iter().map(|f| self.weights[*f]).sum();
        sample.before + sum * sample.value + self.bias
    }
}

/// Fits `base` to `rows`, and names the outcome `version`. Rows with an adapter that the model has move the weights of that adapter
/// alone, the others move those that all share.
pub(super) fn adapt(
    base: &Model,
    rows: &[Row],
    version: &str,
    normalizer: &Normalizer,
) -> Result<Adapted> {
    for label in [Polarity::Negative, Polarity::Positive] {
        let count = rows.iter().filter(|row| row.label == label).count();
        if count < LEAST {
            bail!(
                "{count} rows are {}: give at least {LEAST} beside those that are kept out",
                label.as_str()
            );
        }
    }
    let mut weights = base.weights();
    version.clone_into(&mut weights.version);
    let mut steps = [0.0; HEADS];
    for (head, step) in steps.iter_mut().enumerate() {
        let lesson = lesson(base, &mut weights, rows, head, normalizer);
        if lesson.samples.iter().all(|sample| !sample.target) {
            continue;
        }
        *step = lesson.best_step();
        let delta = lesson.fit(*step, |_| true);
        for (bucket, added) in lesson.vocabulary.iter().zip(delta.weights) {
            weights.table[*bucket as usize][head] += added;
        }
        let calibration = weights.calibration(None);
        calibration.bias[head] += delta.bias * calibration.temperature[head];
    }
    Ok(Adapted {
        model: Model::from_weights(weights)?,
        steps,
    })
}

/// The rows that teach a head something: the first, those that are not neutral; the second, all of a source that tells neutral texts.
fn lesson(
    model: &Model,
    weights: &mut Weights,
    rows: &[Row],
    head: usize,
    normalizer: &Normalizer,
) -> Lesson {
    let mut places: HashMap<u32, usize> = HashMap::new();
    let mut vocabulary = Vec::new();
    let mut samples = Vec::with_capacity(rows.len());
    for row in rows {
        let teaches = if head == 0 {
            row.label != Polarity::Neutral
        } else {
            row.three_way
        };
        let text = normalizer.normalize(&row.text, MAX_CHARS).text;
        let [shared, own] = model.features(&text, row.adapter.as_deref());
        if shared.is_empty() || !teaches {
            continue;
        }
        let value = (shared.len() as f32).sqrt().recip();
        let sum: f32 = shared
            .iter()
            .chain(&own)
            .map(|bucket| weights.table[*bucket as usize][head])
            .sum();
        let place = |bucket: u32| {
            *places.entry(bucket).or_insert_with(|| {
                vocabulary.push(bucket);
                vocabulary.len() - 1
            })
        };
        let calibration = weights.calibration(row.adapter.as_deref());
        let moving = if own.is_empty() { shared } else { own };
        let yes = [Polarity::Positive, Polarity::Neutral][head];
        samples.push(Sample {
            features: moving.into_iter().map(place).collect(),
            // Weights count by the root of the length, and less where the log-odds are drawn together.
            value: value / calibration.temperature[head],
            before: calibration.odds(head, sum * value),
            target: row.label == yes,
        });
    }
    Lesson {
        samples,
        vocabulary,
        // The bias is shared by all sources, as are the weights that rows without an adapter move.
        moves_bias: rows.iter().all(|row| row.adapter.is_none()),
    }
}

fn loss(odds: f32, target: bool) -> f64 {
    f64::from((1.0 + (if target { -odds } else { odds }).exp()).ln())
}

/// What learning keeps of one feature.
struct Cell {
    added: f32,
    /// 0 for a feature that one row alone holds.
    scale: f32,
    /// Sum of the squared gradients.
    squares: f32,
}

impl Lesson {
    /// The step whose fits judge rows they have not seen best, by log loss.
    fn best_step(&self) -> f32 {
        let loss_of = |step: f32| -> f64 {
            let fold = |fold: usize| -> f64 {
                let delta = self.fit(step, |at| at % FOLDS != fold);
                let held = self.samples.iter().skip(fold).step_by(FOLDS);
                held.map(|sample| loss(delta.odds(sample), sample.target))
                    .sum()
            };
            (0..FOLDS).map(fold).sum()
        };
        let mut best = (0.0, f64::INFINITY);
        for step in STEPS {
            let loss = loss_of(step);
            if loss < best.1 {
                best = (step, loss);
            }
        }
        best.0
    }

    /// What the samples at the places that `keeps` names teach.
    fn fit(&self, step: f32, keeps: impl Fn(usize) -> bool) -> Delta {
        let samples: Vec<&Sample> = self
            .samples
            .iter()
            .enumerate()
            .filter(|(at, _)| keeps(*at))
            .map(|(_, sample)| sample)
            .collect();
        let mut cells = self.cells(&samples);
        let (mut bias, mut bias_squares) = (0.0f32, 1.0f32);
        let epochs = if step == 0.0 { 0 } else { EPOCHS };
        for sample in std::iter::repeat_n(&samples, epochs).flatten() {
            let sum: f32 = sample
                .features
                .iter()
                .map(|f| cells[*f].added * cells[*f].scale)
                .sum();
            let odds = sample.before + sum * sample.value + bias;
            let error = (1.0 + (-odds).exp()).recip() - f32::from(u8::from(sample.target));
            if self.moves_bias {
                bias_squares += error * error;
                bias -= step * error / bias_squares.sqrt();
            }
            for f in &sample.features {
                let cell = &mut cells[*f];
                if cell.scale == 0.0 {
                    continue;
                }
                let gradient = error * sample.value * cell.scale + DECAY * cell.added;
                cell.squares += gradient * gradient;
                cell.added -= step * gradient / cell.squares.sqrt();
            }
        }
        Delta {
            weights: cells.iter().map(|cell| cell.added * cell.scale).collect(),
            bias,
        }
    }

    /// Each feature scaled by how unevenly the classes hold it, 0 where fewer than two rows hold it.
    fn cells(&self, samples: &[&Sample]) -> Vec<Cell> {
        let mut holds = vec![[0.0f32; 2]; self.vocabulary.len()];
        let mut texts = [0.0f32; 2];
        let mut distinct: Vec<usize> = Vec::new();
        for sample in samples {
            let side = usize::from(sample.target);
            texts[side] += 1.0;
            distinct.clone_from(&sample.features);
            distinct.sort_unstable();
            distinct.dedup();
            for f in &distinct {
                holds[*f][side] += 1.0;
            }
        }
        let scale = |[no, yes]: [f32; 2]| {
            if no + yes < 2.0 {
                return 0.0;
            }
            let ratio = ((yes + 1.0) / (texts[1] + 2.0)) / ((no + 1.0) / (texts[0] + 2.0));
            FLOOR + ratio.ln().abs()
        };
        let cell = |held| Cell {
            added: 0.0,
            scale: scale(held),
            squares: 1e-3,
        };
        holds.into_iter().map(cell).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: String, label: Polarity, adapter: Option<&str>) -> Row {
        Row {
            text,
            label,
            three_way: false,
            adapter: adapter.map(str::to_owned),
        }
    }

    /// Rows of a trade in which 鹜落 praises and 喧腾 blames.
    fn trade(adapter: Option<&str>) -> Vec<Row> {
        (0..60)
            .flat_map(|n| {
                [
                    row(format!("{n}号机很鹜落"), Polarity::Positive, adapter),
                    row(format!("{n}号机太喧腾"), Polarity::Negative, adapter),
                ]
            })
            .collect()
    }

    fn odds(model: &Model, text: &str, adapter: Option<&str>) -> f32 {
        let mut weights = model.weights();
        let text = Normalizer::new().normalize(text, MAX_CHARS).text;
        let lists = model.features(&text, adapter);
        let sum: f32 = lists
            .iter()
            .flatten()
            .map(|b| weights.table[*b as usize][0])
            .sum();
        sum / (lists[0].len() as f32).sqrt() + weights.calibration(adapter).bias[0]
    }

    #[test]
    fn words_of_a_trade_are_learnt_and_what_was_known_stays() {
        let base = Model::embedded().unwrap();
        let found = adapt(&base, &trade(None), "trade", &Normalizer::new()).unwrap();
        assert!(found.steps[0] > 0.0);
        let gap = |model: &Model| odds(model, "真鹜落", None) - odds(model, "真喧腾", None);
        assert!(
            gap(&found.model) > gap(&base) + 0.5,
            "{}",
            gap(&found.model)
        );
        for text in ["味道很好，推荐", "态度恶劣，差评"] {
            let (before, after) = (odds(&base, text, None), odds(&found.model, text, None));
            assert_eq!(before > 0.0, after > 0.0, "{text}: {before} {after}");
        }
        assert_eq!(found.model.version().as_ref(), "trade");
        // Nothing was said of neutral texts.
        assert_eq!(found.steps[1], 0.0);
    }

    #[test]
    fn rows_of_one_kind_of_source_leave_the_weights_of_the_others_alone() {
        let base = Model::embedded().unwrap();
        let rows = trade(Some("social"));
        let found = adapt(&base, &rows, "social", &Normalizer::new()).unwrap();
        let gap = |model: &Model| {
            odds(model, "真鹜落", Some("social")) - odds(model, "真喧腾", Some("social"))
        };
        assert!(gap(&found.model) > gap(&base) + 0.5);
        for text in ["真鹜落", "真喧腾", "味道很好，推荐"] {
            let moved = odds(&found.model, text, None) - odds(&base, text, None);
            assert!(moved.abs() < 0.05, "{text}: {moved}");
        }
    }

    #[test]
    fn labels_at_random_make_no_sure_verdict() {
        let base = Model::embedded().unwrap();
        let rows: Vec<Row> = (0..80u32)
            .map(|n| {
                let label = if n.wrapping_mul(2_654_435_761) >> 31 == 0 {
                    Polarity::Positive
                } else {
                    Polarity::Negative
                };
                row(format!("周{}送到{}", n % 7, n), label, None)
            })
            .collect();
        let found = adapt(&base, &rows, "chance", &Normalizer::new()).unwrap();
        for day in 0..7 {
            let odds = odds(&found.model, &format!("周{day}送到"), None);
            assert!(odds.abs() < 1.0, "{day}: {odds}");
        }
    }

    #[test]
    fn too_few_rows_are_refused() {
        let base = Model::embedded().unwrap();
        let error = adapt(&base, &trade(None)[..9], "few", &Normalizer::new())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("at least 10"), "{error}");
    }
}
