//! From texts whose classes are known to a classifier: deterministic for the same rows and options, a minute or two on one core.
//!
//! Regression by AdaGrad, softmax where a text has one class and a logistic head for each class where it may have several. Before training
//! each feature is scaled by how unevenly the classes hold it (after S. Wang and C. Manning, "Baselines and Bigrams", ACL 2012); features
//! seen in one text only are left out; the weights are the mean of those after each pass of the later half, over several orders of the
//! rows. The sums of rows judged by a fit that has not seen them then set the biases: those that give the best macro-F1, so that a rare
//! class is not forgotten.

use crate::classifier::{Classifier, MOST_CLASSES, likeliest};
use crate::error::TextError;
use crate::fit::{Encoded, Labelled, Link, fit};
use crate::normalize::Normalizer;
use crate::train::{Chance, shuffled};

/// Biases and temperature are fitted to every row as judged by a fit without its fold, one of so many.
const FOLDS: usize = 5;

/// How to teach a classifier.
#[derive(Debug, Clone, PartialEq)]
pub struct TeachOptions {
    /// Rows of the table, 1024 to 2^24; the file has this many bytes per class, and as many more. Default 249000.
    pub buckets: u32,
    /// Passes over the rows, at least 1; the weights are the mean of those after each pass of the later half. Default 4.
    pub epochs: usize,
    /// Orders of the rows, at least 1, over which the weights are averaged: what the order of the rows teaches is chance. Default 1.
    pub orders: usize,
    /// Share of the truth that is spread over all classes alike, 0 to below 1, so that no label is taken for certain (C. Szegedy and
    /// others, "Rethinking the Inception Architecture", CVPR 2016). Default 0.
    pub smoothing: f32,
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
            orders: 1,
            smoothing: 0.0,
            rate: 0.08,
            decay: 1e-6,
            floor: 0.03,
            version: "untitled".to_owned(),
        }
    }
}

/// Teaches a classifier the classes of `names`.
///
/// # Errors
/// Options out of range, a class without rows, or too many classes.
pub(crate) fn teach(
    rows: &[Labelled],
    names: Vec<String>,
    link: Link,
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
    if options.epochs == 0 || options.orders == 0 {
        return Err(refuse("passes and orders must be at least 1".to_owned()));
    }
    if !(0.0..1.0).contains(&options.smoothing) {
        return Err(refuse("smoothing must be 0 to below 1".to_owned()));
    }
    if !(2..=MOST_CLASSES).contains(&names.len()) {
        return Err(refuse(format!("give 2 to {MOST_CLASSES} classes")));
    }
    for (class, name) in names.iter().enumerate() {
        if rows.iter().filter(|r| r.classes.contains(&class)).count() < 2 {
            return Err(refuse(format!("give at least two rows of {name}")));
        }
    }
    let encoded = Encoded::new(rows, normalizer);
    let samples = unseen(&encoded, rows, &names, link, options);
    let (temperature, shift) = calibrate(&samples, names.len(), link);
    let all: Vec<usize> = (0..rows.len()).collect();
    let weights = fit(&encoded, rows, &all, names.len(), link, options);
    let bias = weights.bias.iter().zip(shift).map(|(b, s)| b + s).collect();
    Ok(Classifier::pack(&options.version, names, &weights).calibrated(temperature, bias))
}

/// The sums of a row by a fit that has not seen it, and its classes.
struct Sample<'a> {
    odds: Vec<f32>,
    classes: &'a [usize],
}

/// Every row judged by a fit to the other folds. A text that stands in several rows is in one fold.
fn unseen<'a>(
    encoded: &Encoded,
    rows: &'a [Labelled],
    names: &[String],
    link: Link,
    options: &TeachOptions,
) -> Vec<Sample<'a>> {
    let mut places: Vec<usize> = (0..rows.len()).collect();
    places.sort_by_key(|at| rows[*at].text.trim());
    let texts: Vec<&[usize]> = places
        .chunk_by(|a, b| rows[*a].text.trim() == rows[*b].text.trim())
        .collect();
    let order = shuffled(texts.len(), &mut Chance::default());
    let mut samples = Vec::with_capacity(rows.len());
    for fold in 0..FOLDS {
        let mut kept = Vec::with_capacity(rows.len());
        let mut held = Vec::new();
        for (n, text) in order.iter().enumerate() {
            let side = if n % FOLDS == fold {
                &mut held
            } else {
                &mut kept
            };
            side.extend_from_slice(texts[*text]);
        }
        kept.sort_unstable();
        let weights = fit(encoded, rows, &kept, names.len(), link, options);
        samples.extend(held.into_iter().map(|at| {
            let mut odds = vec![0.0; names.len()];
            weights.sums(encoded.row(at), &mut odds);
            let classes = &rows[at].classes;
            Sample { odds, classes }
        }));
    }
    samples
}

/// The shifts of the biases that give the best macro-F1 of the classes told, by coordinate ascent over steps of 0.1, and then the
/// temperature of the least log loss; 1 where each class stands alone, because a class is told above 0 whatever the temperature.
fn calibrate(samples: &[Sample<'_>], classes: usize, link: Link) -> (f32, Vec<f32>) {
    let mut shift = vec![0.0f32; classes];
    let mut best = macro_f1(samples, &shift, link);
    for _ in 0..3 {
        for class in 0..classes {
            let middle = shift[class];
            let mut found = middle;
            for step in -10i8..=10 {
                shift[class] = middle + f32::from(step) * 0.1;
                let score = macro_f1(samples, &shift, link);
                if score > best + 1e-6 {
                    (best, found) = (score, shift[class]);
                }
            }
            shift[class] = found;
        }
    }
    if link == Link::Logistic {
        return (1.0, shift);
    }
    let loss = |temperature: f32| -> f64 {
        let one = |sample: &Sample<'_>| {
            let shifted: Vec<f32> = sample
                .odds
                .iter()
                .zip(&shift)
                .map(|(o, s)| (o + s) / temperature)
                .collect();
            let (best, share) = likeliest(&shifted);
            let of = |class: &usize| f64::from(shifted[best] - shifted[*class]);
            sample.classes.iter().map(of).sum::<f64>() - f64::from(share).ln()
        };
        samples.iter().map(one).sum()
    };
    let candidates = (6..=100).map(|i| i as f32 * 0.05);
    let temperature = candidates
        .min_by(|a, b| loss(*a).total_cmp(&loss(*b)))
        .unwrap_or(1.0);
    (temperature, shift)
}

/// The mean over the classes of the F1 of the classes told.
fn macro_f1(samples: &[Sample<'_>], shift: &[f32], link: Link) -> f32 {
    let mut counts = vec![[0u32; 3]; shift.len()];
    let mut shifted = vec![0.0; shift.len()];
    let mut told = vec![false; shift.len()];
    for sample in samples {
        for ((to, odd), s) in shifted.iter_mut().zip(&sample.odds).zip(shift) {
            *to = odd + s;
        }
        link.told(&shifted, &mut told);
        count(&mut counts, sample.classes, &told);
    }
    mean_f1(&counts)
}

/// Counts the classes that a text has and those that were told of it, as `[right, true, told]` of each.
pub(crate) fn count(counts: &mut [[u32; 3]], truly: &[usize], told: &[bool]) {
    for class in truly {
        counts[*class][1] += 1;
        counts[*class][0] += u32::from(told[*class]);
    }
    for (count, told) in counts.iter_mut().zip(told) {
        count[2] += u32::from(*told);
    }
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
    use crate::feature::Runs;

    fn rows() -> Vec<Labelled> {
        let texts = ["真开心呀", "好难过啊", "气死我了"];
        let row = |i: usize| Labelled {
            text: format!("{i}号{}", texts[i % 3]),
            classes: vec![i % 3],
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
        let model = teach(&rows(), names(), Link::Softmax, &small(), &normalizer).unwrap();
        for (text, class) in [("开心", 0), ("难过", 1), ("气死", 2)] {
            let mut runs = Runs::default();
            runs.read(text);
            assert_eq!(model.choose(&runs).unwrap().0, class);
        }
        let again = teach(&rows(), names(), Link::Softmax, &small(), &normalizer).unwrap();
        assert_eq!(model.to_bytes(), again.to_bytes());
    }

    #[test]
    fn a_class_without_rows_is_refused_by_name() {
        let rows: Vec<_> = rows().into_iter().filter(|r| r.classes != [1]).collect();
        let error = teach(&rows, names(), Link::Softmax, &small(), &Normalizer::new()).unwrap_err();
        assert!(error.to_string().contains("sad"), "{error}");
    }

    #[test]
    fn the_mean_f1_counts_every_class_alike() {
        // Perfect on the first class, never right on the second.
        assert_eq!(mean_f1(&[[2, 2, 2], [0, 1, 1]]), 0.5);
    }
}
