//! From labelled rows to a model: deterministic for the same rows and options, minutes on two cores.
//!
//! Logistic regression by AdaGrad over the hashed features. Before training each feature is scaled by how unevenly positive and
//! negative texts hold it (after S. Wang and C. Manning, "Baselines and Bigrams", ACL 2012), so that telling features learn fast and
//! others stay near zero; features seen in one text only are left out.

use crate::analysis::Polarity;
use crate::error::TextError;
use crate::feature::{buckets, count, symbols};
use crate::model::{HEADS, Model, salt};
use crate::normalize::Normalizer;

/// As the analyser reads by default.
const MAX_CHARS: usize = 65_536;

/// A text whose verdict is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The text as it was written.
    pub text: String,
    /// Its verdict.
    pub label: Polarity,
    /// Whether its source labels neutral texts too; a row of a source that does not tells less about neutrality.
    pub three_way: bool,
    /// The kind of its source, if weights of its own shall be learned for that kind: `social`, `review`, `dialogue`, …
    pub adapter: Option<String>,
}

/// How to train.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainOptions {
    /// The table has 2^bits buckets, 10 to 24; the file has twice as many bytes. Default 22.
    pub bits: u32,
    /// Passes over the rows. Default 6.
    pub epochs: usize,
    /// Step of AdaGrad. Default 0.15.
    pub rate: f32,
    /// Pull towards zero per step. Default 1e-6.
    pub decay: f32,
    /// The least scale of a feature that both classes hold alike. Default 0.15.
    pub floor: f32,
    /// Weight of a polar row of a two-way source in learning neutrality. Default 0.3.
    pub two_way_weight: f32,
    /// Share of the visits to a row that leave out its adapter, so that the shared weights also stand alone. Default 0.5.
    pub adapter_dropout: f32,
    /// The version that the model will bear.
    pub version: String,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            bits: 22,
            epochs: 6,
            rate: 0.15,
            decay: 1e-6,
            floor: 0.15,
            two_way_weight: 0.3,
            adapter_dropout: 0.5,
            version: "untitled".to_owned(),
        }
    }
}

/// Rows as features.
struct Encoded {
    features: Vec<u32>,
    /// Where each row's features end.
    ends: Vec<usize>,
    /// What turns a row's features into those of its adapter; 0 for none.
    salts: Vec<u32>,
}

impl Encoded {
    fn new(rows: &[Row], normalizer: &Normalizer, bits: u32, adapters: &[String]) -> Self {
        let mut this = Self {
            features: Vec::new(),
            ends: Vec::with_capacity(rows.len()),
            salts: Vec::with_capacity(rows.len()),
        };
        let mut scratch = Vec::new();
        for row in rows {
            let normalized = normalizer.normalize(&row.text, MAX_CHARS);
            symbols(&normalized.text, &mut scratch);
            this.features.reserve(count(&scratch));
            buckets(&scratch, bits, |b| this.features.push(b as u32));
            this.ends.push(this.features.len());
            let adapter = row
                .adapter
                .as_ref()
                .and_then(|a| adapters.iter().position(|b| b == a));
            this.salts.push(adapter.map_or(0, |a| salt(a, bits) as u32));
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

/// One row in so many is kept out while the temperatures are fitted.
const HELD_OUT: usize = 20;

/// Trains a model on `rows`; give each text once. First on nineteen rows of twenty, to fit on the rest how sure the model may be of
/// itself, then on all.
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
    let order = shuffled(rows.len(), &mut Chance::default());
    let (held, kept) = order.split_at(rows.len() / HELD_OUT);
    let pick = |places: &[usize]| {
        places
            .iter()
            .map(|at| rows[*at].clone())
            .collect::<Vec<_>>()
    };
    let temperatures = temperatures(
        &fit_all(&pick(kept), options, normalizer),
        &pick(held),
        normalizer,
    );
    Ok(fit_all(rows, options, normalizer).with_temperature(temperatures))
}

/// The model of all rows, its temperatures 1.
fn fit_all(rows: &[Row], options: &TrainOptions, normalizer: &Normalizer) -> Model {
    let mut adapters: Vec<String> = rows.iter().filter_map(|r| r.adapter.clone()).collect();
    adapters.sort();
    adapters.dedup();
    let encoded = Encoded::new(rows, normalizer, options.bits, &adapters);
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
    for (h, task) in tasks.iter().enumerate() {
        let fitted = fit(&encoded, task, options);
        bias[h] = fitted.1;
        for (cell, w) in weights.iter_mut().zip(fitted.0) {
            cell[h] = w;
        }
    }
    Model::pack(
        &options.version,
        options.bits,
        adapters,
        &weights,
        bias,
        [1.0; HEADS],
    )
}

fn fit(encoded: &Encoded, task: &Task, options: &TrainOptions) -> (Vec<f32>, f32) {
    let mut cells: Vec<Cell> = scales(encoded, task, options)
        .into_iter()
        .map(Cell::new)
        .collect();
    let mut chance = Chance::default();
    let order = shuffled(task.targets.len(), &mut chance);
    let (mut bias, mut bias_square) = (0.0f32, 1.0f32);
    let mut kept: Vec<u32> = Vec::new();
    let adapter_threshold = (f64::from(options.adapter_dropout) * u32::MAX as f64) as u32;
    for _ in 0..options.epochs {
        for at in &order {
            let (target, importance) = task.targets[*at];
            kept.clear();
            kept.extend_from_slice(encoded.row(*at));
            let salt = encoded.salts[*at];
            if salt != 0 && chance.next() as u32 >= adapter_threshold {
                let own = kept.len();
                for i in 0..own {
                    kept.push(kept[i] ^ salt);
                }
            }
            if importance == 0.0 || kept.is_empty() {
                continue;
            }
            let value = (encoded.row(*at).len() as f32).sqrt().recip();
            let sum: f32 = kept.iter().map(|f| cells[*f as usize].product()).sum();
            let odds = sum * value + bias;
            let error = (sigmoid(odds) - f32::from(u8::from(target))) * importance;
            bias_square += error * error;
            bias -= options.rate * 0.1 * error / bias_square.sqrt();
            for f in &kept {
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
        let salt = encoded.salts[at];
        if salt != 0 {
            distinct.extend(encoded.row(at).iter().map(|f| f ^ salt));
        }
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

/// A fixed sequence of chances (xorshift64), so that training twice gives the same model.
pub(crate) struct Chance(u64);

impl Default for Chance {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 16
    }
}

pub(crate) fn shuffled(n: usize, chance: &mut Chance) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, (chance.next() % (i as u64 + 1)) as usize);
    }
    order
}

/// The temperature of each head that gives the least log loss on rows that training did not see, among 0.3 to 5; 1 without rows.
fn temperatures(model: &Model, rows: &[Row], normalizer: &Normalizer) -> [f32; HEADS] {
    let mut scratch = Vec::new();
    let mut samples: [Vec<(f32, bool)>; HEADS] = [Vec::new(), Vec::new()];
    for row in rows {
        let text = normalizer.normalize(&row.text, MAX_CHARS).text;
        let adapter = row.adapter.as_deref().and_then(|a| model.adapter(a));
        let odds = model.read(&text, adapter, &mut scratch);
        if row.label != Polarity::Neutral {
            samples[0].push((odds.polarity, row.label == Polarity::Positive));
        }
        if row.three_way {
            samples[1].push((odds.neutrality, row.label == Polarity::Neutral));
        }
    }
    samples.map(|samples| {
        if samples.is_empty() {
            return 1.0;
        }
        let candidates = (6..=100).map(|i| i as f32 * 0.05);
        candidates
            .min_by(|a, b| loss(&samples, *a).total_cmp(&loss(&samples, *b)))
            .unwrap_or(1.0)
    })
}

/// The log loss at a temperature.
fn loss(samples: &[(f32, bool)], temperature: f32) -> f64 {
    let one = |(odds, yes): &(f32, bool)| {
        f64::from((1.0 + (-(if *yes { *odds } else { -*odds }) / temperature).exp()).ln())
    };
    samples.iter().map(one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let row = |text: String, label| Row {
            text,
            label,
            three_way: false,
            adapter: None,
        };
        let many = (0..60).flat_map(|i| {
            [
                row(format!("菜很好吃{i}桌"), Polarity::Positive),
                row(format!("菜很难吃{i}桌"), Polarity::Negative),
            ]
        });
        many.collect()
    }

    fn small() -> TrainOptions {
        TrainOptions {
            bits: 12,
            version: "t".to_owned(),
            ..TrainOptions::default()
        }
    }

    #[test]
    fn training_learns_what_tells_the_classes_apart_and_twice_gives_the_same_bytes() {
        let normalizer = Normalizer::new();
        let model = train(&rows(), &small(), &normalizer).unwrap();
        let odds = |text| model.read(text, None, &mut Vec::new()).polarity;
        assert!(odds("真好吃") > 0.0 && odds("真难吃") < 0.0);
        assert_eq!(
            model.to_bytes(),
            train(&rows(), &small(), &normalizer).unwrap().to_bytes()
        );
    }

    #[test]
    fn one_class_alone_teaches_nothing() {
        let rows: Vec<Row> = rows()
            .into_iter()
            .filter(|r| r.label == Polarity::Positive)
            .collect();
        assert!(train(&rows, &small(), &Normalizer::new()).is_err());
    }

    #[test]
    fn an_adapter_learns_what_only_its_kind_of_source_means() {
        let row = |text: &str, label, adapter: &str| Row {
            text: text.to_owned(),
            label,
            three_way: false,
            adapter: Some(adapter.to_owned()),
        };
        let rows: Vec<Row> = (0..80)
            .flat_map(|_| {
                [
                    row("呵呵", Polarity::Negative, "social"),
                    row("呵呵", Polarity::Positive, "dialogue"),
                ]
            })
            .collect();
        let model = train(&rows, &small(), &Normalizer::new()).unwrap();
        let odds = |adapter| {
            model
                .read("呵呵", model.adapter(adapter), &mut Vec::new())
                .polarity
        };
        assert!(
            odds("social") < -0.5 && odds("dialogue") > 0.5,
            "{} {}",
            odds("social"),
            odds("dialogue")
        );
    }
}
