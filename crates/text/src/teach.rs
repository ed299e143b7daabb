//! From rows with a class each to a classifier: deterministic for the same rows and options, seconds on one core.
//!
//! Softmax regression by AdaGrad. Before training each feature is scaled by how unevenly the classes hold it (after S. Wang and
//! C. Manning, "Baselines and Bigrams", ACL 2012); features seen in one text only are left out; the weights are the mean of
//! those after each pass of the later half. A fold of the rows then sets the temperature and the biases: those that give the best macro-F1, so that a rare class is not forgotten.

use crate::classifier::{Classifier, MOST_CLASSES, Weights, likeliest};
use crate::error::TextError;
use crate::feature::{Runs, bucket_of};
use crate::normalize::Normalizer;
use crate::train::{Chance, shuffled};

/// As the analyser reads by default.
const MAX_CHARS: usize = 65_536;
/// One row in so many is kept out while biases and temperature are fitted.
const HELD_OUT: usize = 8;

/// How to teach a classifier.
#[derive(Debug, Clone, PartialEq)]
pub struct TeachOptions {
    /// Rows of the table, 1024 to 2^24; the file has this many bytes per class. Default 249000.
    pub buckets: u32,
    /// Passes over the rows, at least 1; the weights are the mean of those after each pass of the later half. Default 4.
    pub epochs: usize,
    /// Step of AdaGrad. Default 0.08.
    pub rate: f32,
    /// Pull towards zero per step. Default 1e-6.
    pub decay: f32,
    /// The least scale of a feature that all classes hold alike. Default 0.03.
    pub floor: f32,
    /// The version that the classifier will bear.
    pub version: String,
}

impl Default for TeachOptions {
    fn default() -> Self {
        Self {
            buckets: 249_000,
            epochs: 4,
            rate: 0.08,
            decay: 1e-6,
            floor: 0.03,
            version: "untitled".to_owned(),
        }
    }
}

/// A text whose class is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Labelled {
    /// The text as it was written.
    pub(crate) text: String,
    /// The number of its class.
    pub(crate) class: usize,
}

struct Encoded {
    features: Vec<u32>,
    /// Where each row's features end.
    ends: Vec<usize>,
}

impl Encoded {
    fn new(rows: &[&Labelled], normalizer: &Normalizer, width: u32) -> Self {
        let mut this = Self {
            features: Vec::new(),
            ends: Vec::with_capacity(rows.len()),
        };
        let mut runs = Runs::default();
        for row in rows {
            runs.read(&normalizer.text(&row.text, MAX_CHARS));
            let places = runs.features().iter().map(|f| bucket_of(*f, width) as u32);
            this.features.extend(places);
            this.ends.push(this.features.len());
        }
        this
    }

    fn row(&self, at: usize) -> &[u32] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.features[start..self.ends[at]]
    }
}

/// Teaches a classifier the classes of `names`.
///
/// # Errors
/// Options out of range, a class without rows, or too many classes.
pub(crate) fn teach(
    rows: &[Labelled],
    names: Vec<String>,
    options: &TeachOptions,
    normalizer: &Normalizer,
) -> Result<Classifier, TextError> {
    let refuse = |reason: String| TextError::Model {
        what: options.version.clone(),
        reason,
    };
    if !(1024..=1 << 24).contains(&options.buckets) {
        return Err(refuse("buckets must be 1024 to 16777216".to_owned()));
    }
    if !(2..=MOST_CLASSES).contains(&names.len()) {
        return Err(refuse(format!("give 2 to {MOST_CLASSES} classes")));
    }
    for (class, name) in names.iter().enumerate() {
        if rows.iter().filter(|r| r.class == class).count() < 2 {
            return Err(refuse(format!("give at least two rows of {name}")));
        }
    }
    let order = shuffled(rows.len(), &mut Chance::default());
    let (held, kept) = order.split_at((rows.len() / HELD_OUT).max(1));
    let pick = |places: &[usize]| places.iter().map(|at| &rows[*at]).collect::<Vec<_>>();
    let trial = fit(&pick(kept), names.len(), options, normalizer);
    let trial = Classifier::pack(&options.version, names.clone(), &trial);
    let (temperature, shift) = calibrate(&trial, &pick(held), normalizer);
    let all: Vec<&Labelled> = rows.iter().collect();
    let weights = fit(&all, names.len(), options, normalizer);
    let bias = weights.bias.iter().zip(shift).map(|(b, s)| b + s).collect();
    Ok(Classifier::pack(&options.version, names, &weights).calibrated(temperature, bias))
}

fn fit(
    rows: &[&Labelled],
    classes: usize,
    options: &TeachOptions,
    normalizer: &Normalizer,
) -> Weights {
    let encoded = Encoded::new(rows, normalizer, options.buckets);
    let scales = scales(&encoded, rows, classes, options);
    let mut weights = vec![0.0f32; options.buckets as usize * classes];
    let mut squares = vec![1e-3f32; weights.len()];
    let (mut bias, mut bias_squares) = (vec![0.0f32; classes], vec![1.0f32; classes]);
    let order = shuffled(rows.len(), &mut Chance::default());
    let mut odds = vec![0.0f32; classes];
    let mut mean = Weights {
        buckets: options.buckets,
        rows: vec![0.0; weights.len()],
        bias: vec![0.0; classes],
    };
    let averaged = options.epochs.div_ceil(2);
    for pass in 0..options.epochs {
        for at in &order {
            let features = encoded.row(*at);
            if features.is_empty() {
                continue;
            }
            let value = (features.len() as f32).sqrt().recip();
            odds.fill(0.0);
            for f in features {
                let scale = scales[*f as usize];
                let row = *f as usize * classes;
                for (o, w) in odds.iter_mut().zip(&weights[row..row + classes]) {
                    *o += w * scale;
                }
            }
            odds.iter_mut()
                .zip(&bias)
                .for_each(|(o, b)| *o = *o * value + b);
            // From here on the errors: probability less truth.
            let (best, share) = likeliest(&odds);
            let highest = odds[best];
            odds.iter_mut()
                .for_each(|o| *o = (*o - highest).exp() * share);
            odds[rows[*at].class] -= 1.0;
            for c in 0..classes {
                bias_squares[c] += odds[c] * odds[c];
                bias[c] -= options.rate * 0.1 * odds[c] / bias_squares[c].sqrt();
            }
            for f in features {
                let scale = scales[*f as usize];
                if scale == 0.0 {
                    continue;
                }
                let row = *f as usize * classes;
                for c in 0..classes {
                    let gradient = odds[c] * value * scale + options.decay * weights[row + c];
                    squares[row + c] += gradient * gradient;
                    weights[row + c] -= options.rate * gradient / squares[row + c].sqrt();
                }
            }
        }
        if pass + averaged >= options.epochs {
            let part = (averaged as f32).recip();
            let sums = mean.rows.iter_mut().chain(&mut mean.bias);
            for (sum, weight) in sums.zip(weights.iter().chain(&bias)) {
                *sum += weight * part;
            }
        }
    }
    for (row, scale) in mean.rows.chunks_exact_mut(classes).zip(&scales) {
        row.iter_mut().for_each(|w| *w *= scale);
    }
    mean
}

/// The scale of each feature: the floor and the largest log ratio of its share of a class against its share of the others; 0 for
/// features of one text.
fn scales(
    encoded: &Encoded,
    rows: &[&Labelled],
    classes: usize,
    options: &TeachOptions,
) -> Vec<f32> {
    let width = options.buckets as usize;
    let mut holds = vec![0u32; width * classes];
    let mut last = vec![u32::MAX; width];
    for (at, row) in rows.iter().enumerate() {
        for f in encoded.row(at) {
            let f = *f as usize;
            if last[f] != at as u32 {
                last[f] = at as u32;
                holds[f * classes + row.class] += 1;
            }
        }
    }
    let mut totals = vec![0u32; classes];
    rows.iter().for_each(|r| totals[r.class] += 1);
    let all = rows.len() as f32;
    let scale = |cells: &[u32]| {
        let seen: u32 = cells.iter().sum();
        if seen < 2 {
            return 0.0;
        }
        let ratio = |(n, total): (&u32, &u32)| {
            let (n, total) = (*n as f32, *total as f32);
            let inside = (n + 1.0) / (total + 2.0);
            let outside = (seen as f32 - n + 1.0) / (all - total + 2.0);
            (inside / outside).ln().abs()
        };
        let largest = cells.iter().zip(&totals).map(ratio).fold(0.0, f32::max);
        options.floor + largest
    };
    holds.chunks_exact(classes).map(scale).collect()
}

/// The shifts of the biases that give the best macro-F1 on rows that training did not see, by coordinate ascent over steps of 0.1, and
/// then the temperature of the least log loss.
fn calibrate(model: &Classifier, rows: &[&Labelled], normalizer: &Normalizer) -> (f32, Vec<f32>) {
    let classes = model.classes().len();
    let mut runs = Runs::default();
    let samples: Vec<(Vec<f32>, usize)> = rows
        .iter()
        .map(|row| {
            runs.read(&normalizer.text(&row.text, MAX_CHARS));
            let sums = model.sums(&runs);
            let odds = sums.iter().zip(model.bias()).map(|(s, b)| s + b).collect();
            (odds, row.class)
        })
        .collect();
    let mut shift = vec![0.0f32; classes];
    let mut best = macro_f1(&samples, &shift);
    for _ in 0..3 {
        for class in 0..classes {
            let middle = shift[class];
            let mut found = middle;
            for step in -10i8..=10 {
                shift[class] = middle + f32::from(step) * 0.1;
                let score = macro_f1(&samples, &shift);
                if score > best + 1e-6 {
                    (best, found) = (score, shift[class]);
                }
            }
            shift[class] = found;
        }
    }
    // Half of the way: the best shift on few rows is partly chance.
    shift.iter_mut().for_each(|s| *s *= 0.5);
    let loss = |temperature: f32| -> f64 {
        let one = |(odds, class): &(Vec<f32>, usize)| {
            let shifted: Vec<f32> = odds
                .iter()
                .zip(&shift)
                .map(|(o, s)| (o + s) / temperature)
                .collect();
            let (best, share) = likeliest(&shifted);
            f64::from(shifted[best] - shifted[*class]) - f64::from(share).ln()
        };
        samples.iter().map(one).sum()
    };
    let candidates = (6..=100).map(|i| i as f32 * 0.05);
    let temperature = candidates
        .min_by(|a, b| loss(*a).total_cmp(&loss(*b)))
        .unwrap_or(1.0);
    (temperature, shift)
}

/// The mean over the classes of the F1 of choosing the likeliest.
fn macro_f1(samples: &[(Vec<f32>, usize)], shift: &[f32]) -> f32 {
    let mut counts = vec![[0u32; 3]; shift.len()];
    let mut shifted = vec![0.0; shift.len()];
    for (odds, class) in samples {
        for ((to, odd), s) in shifted.iter_mut().zip(odds).zip(shift) {
            *to = odd + s;
        }
        let chosen = likeliest(&shifted).0;
        counts[*class][1] += 1;
        counts[chosen][2] += 1;
        counts[chosen][0] += u32::from(chosen == *class);
    }
    mean_f1(&counts)
}

/// The mean F1 of classes counted as `[right, true, chosen]`.
pub(crate) fn mean_f1(counts: &[[u32; 3]]) -> f32 {
    let f1 =
        |[right, truly, chosen]: &[u32; 3]| 2.0 * *right as f32 / (truly + chosen).max(1) as f32;
    counts.iter().map(f1).sum::<f32>() / counts.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Labelled> {
        let texts = ["真开心呀", "好难过啊", "气死我了"];
        let row = |i: usize| Labelled {
            text: format!("{i}号{}", texts[i % 3]),
            class: i % 3,
        };
        (0..120).map(row).collect()
    }

    fn names() -> Vec<String> {
        ["happy", "sad", "angry"].map(str::to_owned).to_vec()
    }

    fn small() -> TeachOptions {
        TeachOptions {
            buckets: 3000,
            ..TeachOptions::default()
        }
    }

    #[test]
    fn classes_are_learned_and_twice_gives_the_same_bytes() {
        let normalizer = Normalizer::new();
        let model = teach(&rows(), names(), &small(), &normalizer).unwrap();
        for (text, class) in [("开心", 0), ("难过", 1), ("气死", 2)] {
            let mut runs = Runs::default();
            runs.read(text);
            assert_eq!(model.choose(&runs).unwrap().0, class);
        }
        let again = teach(&rows(), names(), &small(), &normalizer).unwrap();
        assert_eq!(model.to_bytes(), again.to_bytes());
    }

    #[test]
    fn a_class_without_rows_is_refused_by_name() {
        let rows: Vec<_> = rows().into_iter().filter(|r| r.class != 1).collect();
        let error = teach(&rows, names(), &small(), &Normalizer::new()).unwrap_err();
        assert!(error.to_string().contains("sad"), "{error}");
    }

    #[test]
    fn the_mean_f1_counts_every_class_alike() {
        // Perfect on the first class, never right on the second.
        assert_eq!(mean_f1(&[[2, 2, 2], [0, 1, 1]]), 0.5);
    }
}
