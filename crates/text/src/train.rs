//! From labelled rows to a model: deterministic for the same rows and options, minutes on two cores.
//!
//! Logistic regression by AdaGrad over the hashed features. Before training each feature is scaled by how unevenly positive and
//! negative texts hold it (after S. Wang and C. Manning, "Baselines and Bigrams", ACL 2012), so that telling features learn fast and
//! others stay near zero; features seen in one text only are left out. The weights are the mean of those after each pass of the later half.

use crate::analysis::Polarity;
use crate::calibrate::calibrations;
use crate::error::TextError;
use crate::feature::{OPENING, Runs, bucket_of};
use crate::model::{BUCKETS, Calibration, HEADS, Model, Weights, salt};
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
    /// Buckets of the table, 2^10 to 2^24; the file has as many bytes. Default 5,900,000.
    pub buckets: u32,
    /// Passes over the rows, at least 1; the weights are the mean of those after each pass of the later half. Default 8.
    pub epochs: usize,
    /// Step of AdaGrad. Default 0.15.
    pub rate: f32,
    /// Pull towards zero per step. Default 1e-6.
    pub decay: f32,
    /// The least scale of a feature that both classes hold alike. Default 0.5.
    pub floor: f32,
    /// Weight of a polar row of a two-way source in learning neutrality. Default 0.3.
    pub two_way_weight: f32,
    /// Share of the visits to a row that leave out its adapter, so that the shared weights also stand alone. Default 0.5.
    pub adapter_dropout: f32,
    /// From the second pass on, a polar row whose label is further from the verdict than this may be labelled wrongly. Default 0.85.
    pub doubt: f32,
    /// What such a row counts. Default 0.1.
    pub doubted_weight: f32,
    /// The version that the model will bear.
    pub version: String,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            buckets: 5_900_000,
            epochs: 8,
            rate: 0.15,
            decay: 1e-6,
            floor: 0.5,
            two_way_weight: 0.3,
            adapter_dropout: 0.5,
            doubt: 0.85,
            doubted_weight: 0.1,
            version: "untitled".to_owned(),
        }
    }
}

/// Rows as features.
struct Encoded {
    /// Those of all rows, one row after the other.
    features: Vec<u64>,
    /// Where each row's features end.
    ends: Vec<usize>,
    /// Those of the openings of all rows, which only adapters have, and where each row's end.
    openings: Vec<u64>,
    opening_ends: Vec<usize>,
    /// What turns a row's features into those of its adapter; 0 for none.
    salts: Vec<u64>,
}

impl Encoded {
    fn new(rows: &[Row], normalizer: &Normalizer, adapters: &[String]) -> Self {
        let mut this = Self {
            features: Vec::new(),
            ends: Vec::with_capacity(rows.len()),
            openings: Vec::new(),
            opening_ends: Vec::with_capacity(rows.len()),
            salts: Vec::with_capacity(rows.len()),
        };
        let mut runs = Runs::default();
        for row in rows {
            runs.read(&normalizer.text(&row.text, MAX_CHARS));
            this.features.extend_from_slice(runs.features());
            this.ends.push(this.features.len());
            this.openings
                .extend_from_slice(runs.opening(&mut [0; OPENING]));
            this.opening_ends.push(this.openings.len());
            let adapter = row
                .adapter
                .as_ref()
                .and_then(|a| adapters.iter().position(|b| b == a));
            this.salts.push(adapter.map_or(0, salt));
        }
        this
    }

    /// The features of a row that all sources share.
    fn row(&self, at: usize) -> &[u64] {
        &self.features[of_row(&self.ends, at)]
    }

    /// The features of a row that its adapter has for itself; none without one.
    fn own(&self, at: usize) -> impl Iterator<Item = u64> {
        let salt = self.salts[at];
        let opening = &self.openings[of_row(&self.opening_ends, at)];
        let all = self.row(at).iter().chain(opening);
        all.filter(move |_| salt != 0)
            .map(move |feature| feature ^ salt)
    }
}

/// Where those of a row stand, by where those of each end.
fn of_row(ends: &[usize], at: usize) -> std::ops::Range<usize> {
    let start = if at == 0 { 0 } else { ends[at - 1] };
    start..ends[at]
}

/// One head's training task: for each row its target and weight; weight 0 leaves it out.
struct Task {
    /// Whether labels that the verdict contradicts are doubted: not where one side is rare, which would be forgotten.
    doubts: bool,
    targets: Vec<(bool, f32)>,
}

/// Parts of the largest weight of each head at which larger ones are cut, so that the levels below are finer: on held-out rows within
/// 0.1 points of weights of eight bits each.
const TOPS: [f32; HEADS] = [0.5, 0.2];

/// Texts are divided into so many parts, of which one at a time is kept out of a fit.
const PARTS: u64 = 10;
/// So many parts are kept out in turn while the calibrations are fitted: one alone has too few texts of the rarer kinds.
const KEPT_OUT: u64 = 3;

/// Trains a model on `rows`; give each text once for each kind of source. First thrice on nine texts of ten, to fit on the rest how sure
/// the model may be of itself, then on all.
///
/// # Errors
/// Rows of fewer than two classes, or `buckets` out of range.
pub fn train(
    rows: &[Row],
    options: &TrainOptions,
    normalizer: &Normalizer,
) -> Result<Model, TextError> {
    let refuse = |reason: &str| TextError::Model {
        what: options.version.clone(),
        reason: reason.to_owned(),
    };
    if !BUCKETS.contains(&options.buckets) {
        return Err(refuse("buckets must be 2^10 to 2^24"));
    }
    let has = |label| rows.iter().any(|r| r.label == label);
    if !has(Polarity::Positive) || !has(Polarity::Negative) {
        return Err(refuse("give rows of both positive and negative texts"));
    }
    let trials = (0..KEPT_OUT).map(|part| {
        // By the text, so that one which stands under two kinds of sources is on one side.
        let kept_out = |row: &Row| crate::simhash::hash(&row.text) % PARTS == part;
        let (held, kept): (Vec<Row>, Vec<Row>) = rows.iter().cloned().partition(kept_out);
        (fit_all(&kept, options, normalizer), held)
    });
    let calibrations = calibrations(&trials.collect::<Vec<_>>(), normalizer);
    Ok(fit_all(rows, options, normalizer).calibrated(calibrations))
}

/// The model of all rows, its temperatures 1.
fn fit_all(rows: &[Row], options: &TrainOptions, normalizer: &Normalizer) -> Model {
    let mut adapters: Vec<String> = rows.iter().filter_map(|r| r.adapter.clone()).collect();
    adapters.sort();
    adapters.dedup();
    let encoded = Encoded::new(rows, normalizer, &adapters);
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
            doubts: true,
            targets: rows.iter().map(polar).collect(),
        },
        Task {
            doubts: false,
            targets: rows.iter().map(neutral).collect(),
        },
    ];
    let mut table = vec![[0.0; HEADS]; options.buckets as usize];
    let mut bias = [0.0; HEADS];
    for (h, task) in tasks.iter().enumerate() {
        let fitted = fit(&encoded, task, options);
        bias[h] = fitted.1;
        for (cell, w) in table.iter_mut().zip(fitted.0) {
            cell[h] = w;
        }
    }
    let plain = Calibration {
        bias,
        temperature: [1.0; HEADS],
    };
    let tops = std::array::from_fn(|h| {
        let sizes = table.iter().map(|w| w[h].abs());
        sizes.fold(f32::MIN_POSITIVE, f32::max) * TOPS[h]
    });
    Model::pack(Weights {
        version: options.version.clone(),
        calibrations: vec![plain; adapters.len() + 1],
        adapters,
        tops,
        table,
    })
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
    let mut mean = vec![0.0f32; cells.len()];
    let mut mean_bias = 0.0;
    let averaged = options.epochs.div_ceil(2);
    let adapter_threshold = (f64::from(options.adapter_dropout) * u32::MAX as f64) as u32;
    for pass in 0..options.epochs {
        for at in &order {
            let (target, importance) = task.targets[*at];
            kept.clear();
            let bucket = |feature: u64| bucket_of(feature, options.buckets) as u32;
            kept.extend(encoded.row(*at).iter().copied().map(bucket));
            if encoded.salts[*at] != 0 && chance.next() as u32 >= adapter_threshold {
                kept.extend(encoded.own(*at).map(bucket));
            }
            if importance == 0.0 || kept.is_empty() {
                continue;
            }
            let value = (encoded.row(*at).len() as f32).sqrt().recip();
            let sum: f32 = kept.iter().map(|f| cells[*f as usize].product()).sum();
            let odds = sum * value + bias;
            let mut error = (sigmoid(odds) - f32::from(u8::from(target))) * importance;
            if task.doubts && pass > 0 && error.abs() > options.doubt {
                error *= options.doubted_weight;
            }
            bias_square += error * error;
            bias -= options.rate * 0.1 * error / bias_square.sqrt();
            for f in &kept {
                cells[*f as usize].step(error * value, options);
            }
        }
        if pass + averaged >= options.epochs {
            let part = (averaged as f32).recip();
            for (sum, cell) in mean.iter_mut().zip(&cells) {
                *sum += cell.product() * part;
            }
            mean_bias += bias * part;
        }
    }
    (mean, mean_bias)
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
    let mut holds = vec![[0.0f32; 2]; options.buckets as usize];
    let mut seen = vec![0u8; holds.len()];
    let mut texts = [0.0f32; 2];
    let mut distinct: Vec<u32> = Vec::new();
    for (at, (target, importance)) in task.targets.iter().enumerate() {
        if *importance == 0.0 {
            continue;
        }
        distinct.clear();
        let bucket = |feature: u64| bucket_of(feature, options.buckets) as u32;
        distinct.extend(encoded.row(at).iter().copied().map(bucket));
        distinct.extend(encoded.own(at).map(bucket));
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

pub(crate) fn sigmoid(x: f32) -> f32 {
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
            buckets: 1 << 12,
            version: "t".to_owned(),
            ..TrainOptions::default()
        }
    }

    #[test]
    fn training_learns_what_tells_the_classes_apart_and_twice_gives_the_same_bytes() {
        let normalizer = Normalizer::new();
        let model = train(&rows(), &small(), &normalizer).unwrap();
        let odds = |text| model.read(text, None, &mut Runs::default()).polarity;
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
                .read("呵呵", model.adapter(adapter), &mut Runs::default())
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
