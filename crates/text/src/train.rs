//! From labelled rows to a model: deterministic for the same rows and options, minutes on two cores.
//!
//! Logistic regression by AdaGrad over the hashed features. Before training each feature is scaled by how unevenly positive and
//! negative texts hold it (after S. Wang and C. Manning, "Baselines and Bigrams", ACL 2012), so that telling features learn fast and
//! others stay near zero; features seen in one text only are left out.

use crate::analysis::Polarity;
use crate::error::TextError;
use crate::feature::{buckets, count, symbols};
use crate::model::{HEADS, Model};
use crate::normalize::Normalizer;

/// A text whose verdict is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The text as it was written.
    pub text: String,
    /// Its verdict.
    pub label: Polarity,
    /// Whether its source labels neutral texts too; a row of a source that does not tells less about neutrality.
    pub three_way: bool,
}

/// How to train.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainOptions {
    /// The table has 2^bits buckets, 10 to 24; the file has twice as many bytes. Default 21: at 22 the scores gain less than noise.
    pub bits: u32,
    /// Passes over the rows. Default 5.
    pub epochs: usize,
    /// Step of AdaGrad. Default 0.5.
    pub rate: f32,
    /// Pull towards zero per step. Default 1e-6.
    pub decay: f32,
    /// The least scale of a feature that both classes hold alike. Default 0.15.
    pub floor: f32,
    /// Weight of a polar row of a two-way source in learning neutrality. Default 0.3.
    pub two_way_weight: f32,
    /// The version that the model will bear.
    pub version: String,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            bits: 21,
            epochs: 5,
            rate: 0.5,
            decay: 1e-6,
            floor: 0.15,
            two_way_weight: 0.3,
            version: "untitled".to_owned(),
        }
    }
}

/// Rows as features.
struct Encoded {
    features: Vec<u32>,
    /// Where each row's features end.
    ends: Vec<usize>,
}

impl Encoded {
    fn new(rows: &[Row], normalizer: &Normalizer, bits: u32) -> Self {
        let mut this = Self {
            features: Vec::new(),
            ends: Vec::with_capacity(rows.len()),
        };
        let mut scratch = Vec::new();
        for row in rows {
            let normalized = normalizer.normalize(&row.text, 65_536);
            symbols(&normalized.text, &mut scratch);
            this.features.reserve(count(&scratch));
            buckets(&scratch, bits, |b| this.features.push(b as u32));
            this.ends.push(this.features.len());
        }
        this
    }

    fn row(&self, at: usize) -> &[u32] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.features[start..self.ends[at]]
    }
}

/// One head's training task: for each row its target and weight; weight 0 leaves it out.
struct Task {
    targets: Vec<(bool, f32)>,
}

/// Trains a model on `rows`. Its temperatures are 1: fit them on other rows with [`calibrate`].
///
/// # Errors
/// Rows of fewer than two classes, or `bits` out of range.
pub fn train(
    rows: &[Row],
    options: &TrainOptions,
    normalizer: &Normalizer,
) -> Result<Model, TextError> {
    let refuse = |reason: &str| TextError::Model {
        what: options.version.clone(),
        reason: reason.to_owned(),
    };
    if !(10..=24).contains(&options.bits) {
        return Err(refuse("bits must be 10 to 24"));
    }
    let has = |label| rows.iter().any(|r| r.label == label);
    if !has(Polarity::Positive) || !has(Polarity::Negative) {
        return Err(refuse("give rows of both positive and negative texts"));
    }
    let encoded = Encoded::new(rows, normalizer, options.bits);
    let polar = |r: &Row| {
        (
            r.label == Polarity::Positive,
            f32::from(u8::from(r.label != Polarity::Neutral)),
        )
    };
    let neutral = |r: &Row| {
        (
            r.label == Polarity::Neutral,
            if r.three_way {
                1.0
            } else {
                options.two_way_weight
            },
        )
    };
    let tasks = [
        Task {
            targets: rows.iter().map(polar).collect(),
        },
        Task {
            targets: rows.iter().map(neutral).collect(),
        },
    ];
    let mut weights = vec![[0.0; HEADS]; 1 << options.bits];
    let mut bias = [0.0; HEADS];
    let order = shuffled(rows.len());
    for (h, task) in tasks.iter().enumerate() {
        let fitted = fit(&encoded, task, &order, options);
        bias[h] = fitted.1;
        for (cell, w) in weights.iter_mut().zip(fitted.0) {
            cell[h] = w;
        }
    }
    Ok(Model::pack(
        &options.version,
        options.bits,
        &weights,
        bias,
        [1.0; HEADS],
    ))
}

fn fit(encoded: &Encoded, task: &Task, order: &[usize], options: &TrainOptions) -> (Vec<f32>, f32) {
    let mut cells: Vec<Cell> = scales(encoded, task, options)
        .into_iter()
        .map(Cell::new)
        .collect();
    let (mut bias, mut bias_square) = (0.0f32, 1.0f32);
    for _ in 0..options.epochs {
        for at in order {
            let (target, importance) = task.targets[*at];
            let features = encoded.row(*at);
            if importance == 0.0 || features.is_empty() {
                continue;
            }
            let value = (features.len() as f32).sqrt().recip();
            let sum: f32 = features.iter().map(|f| cells[*f as usize].product()).sum();
            let odds = sum * value + bias;
            let error = (sigmoid(odds) - f32::from(u8::from(target))) * importance;
            bias_square += error * error;
            bias -= options.rate * 0.1 * error / bias_square.sqrt();
            for f in features {
                cells[*f as usize].step(error * value, options);
            }
        }
    }
    (cells.into_iter().map(|c| c.product()).collect(), bias)
}

/// What learning keeps of one feature, side by side in memory.
#[derive(Clone, Copy)]
struct Cell {
    weight: f32,
    scale: f32,
    /// Sum of the squared gradients.
    squares: f32,
}

impl Cell {
    fn new(scale: f32) -> Self {
        Self {
            weight: 0.0,
            scale,
            squares: 1e-3,
        }
    }

    fn product(&self) -> f32 {
        self.weight * self.scale
    }

    fn step(&mut self, error: f32, options: &TrainOptions) {
        if self.scale == 0.0 {
            return;
        }
        let gradient = error * self.scale + options.decay * self.weight;
        self.squares += gradient * gradient;
        self.weight -= options.rate * gradient / self.squares.sqrt();
    }
}

/// The scale of each feature; 0 for those of one text only.
fn scales(encoded: &Encoded, task: &Task, options: &TrainOptions) -> Vec<f32> {
    let mut holds = vec![[0.0f32; 2]; 1 << options.bits];
    let mut seen = vec![0u8; 1 << options.bits];
    let mut texts = [0.0f32; 2];
    let mut distinct: Vec<u32> = Vec::new();
    for (at, (target, importance)) in task.targets.iter().enumerate() {
        if *importance == 0.0 {
            continue;
        }
        distinct.clear();
        distinct.extend_from_slice(encoded.row(at));
        distinct.sort_unstable();
        distinct.dedup();
        texts[usize::from(*target)] += importance;
        for f in &distinct {
            holds[*f as usize][usize::from(*target)] += importance;
            seen[*f as usize] = seen[*f as usize].saturating_add(1);
        }
    }
    let ratio = |[no, yes]: [f32; 2]| {
        (((yes + 1.0) / (texts[1] + 2.0)) / ((no + 1.0) / (texts[0] + 2.0)))
            .ln()
            .abs()
    };
    holds
        .iter()
        .zip(seen)
        .map(|(h, n)| {
            if n < 2 {
                0.0
            } else {
                options.floor + ratio(*h)
            }
        })
        .collect()
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// A fixed shuffle, so that training twice gives the same model.
fn shuffled(n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    for i in (1..n).rev() {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        order.swap(i, (state % (i as u64 + 1)) as usize);
    }
    order
}

/// Fits the temperature of each head on rows that training did not see: the one of least log loss among 0.3 to 5.
pub fn calibrate(model: Model, rows: &[Row], normalizer: &Normalizer) -> Model {
    let mut scratch = Vec::new();
    let mut samples: [Vec<(f32, bool)>; HEADS] = [Vec::new(), Vec::new()];
    let plain = model.with_temperature([1.0; HEADS]);
    for row in rows {
        let odds = plain.read(&normalizer.normalize(&row.text, 65_536).text, &mut scratch);
        if row.label != Polarity::Neutral {
            samples[0].push((odds.polarity, row.label == Polarity::Positive));
        }
        if row.three_way {
            samples[1].push((odds.neutrality, row.label == Polarity::Neutral));
        }
    }
    let loss = |samples: &[(f32, bool)], t: f32| -> f64 {
        samples
            .iter()
            .map(|(odds, yes)| {
                f64::from((1.0 + (-(if *yes { *odds } else { -*odds }) / t).exp()).ln())
            })
            .sum()
    };
    let best = |samples: &[(f32, bool)]| {
        let candidates = (6..=100).map(|i| i as f32 * 0.05);
        candidates
            .min_by(|a, b| loss(samples, *a).total_cmp(&loss(samples, *b)))
            .filter(|_| !samples.is_empty())
            .unwrap_or(1.0)
    };
    let temperatures = [best(&samples[0]), best(&samples[1])];
    plain.with_temperature(temperatures)
}
