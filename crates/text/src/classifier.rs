//! A trained choice among a few classes: one table of signed bytes over the features of `feature.rs`, checked when it is read; one
//! look-up of a row per feature, whatever the number of classes. A row knows by a tag of eight bits which feature it is for: what training
//! has not seen says nothing, but for one in 256.
//!
//! Each weight is one byte, companded by the square root: `w = ±(q / 127)² · top`. The probabilities are the softmax of the sums.

use std::sync::Arc;

use crate::error::TextError;
use crate::feature::{Runs, bucket_of};

const MAGIC: &[u8; 8] = b"WSCLASS3";
/// Bytes before the biases: magic, buckets, classes, length of the names, top, temperature.
const HEADER: usize = 8 + 4 * 5;
/// More classes than any tag list has; a damaged file must not ask for more.
pub(crate) const MOST_CLASSES: usize = 32;
/// Classes are summed so many at a time, whether there are as many or not: the processor adds eight numbers as fast as one.
const LANES: usize = 8;
/// So many look-ups are made before their sums, a post's at once.
const GATHERED: usize = 256;
/// The largest table: 2^24 rows.
const MOST_BUCKETS: u32 = 1 << 24;

/// A linear model over hashed runs of characters that knows which of its classes a text belongs to.
#[derive(Clone)]
pub(crate) struct Classifier {
    version: Arc<str>,
    classes: Vec<String>,
    buckets: u32,
    top: f32,
    /// Sums are divided by it, so that probabilities are true to the frequencies on held-out rows.
    temperature: f32,
    bias: Vec<f32>,
    /// The tag of each bucket and the weights of its classes side by side, and at the end so many zeros that [`LANES`] can be read from
    /// anywhere.
    table: Vec<i8>,
}

impl std::fmt::Debug for Classifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Classifier")
            .field("version", &self.version)
            .field("classes", &self.classes)
            .finish_non_exhaustive()
    }
}

/// Real weights as training leaves them: one row of weights per bucket, as many as classes, for the feature of one tag.
pub(crate) struct Weights {
    pub(crate) buckets: u32,
    pub(crate) tags: Vec<u8>,
    pub(crate) rows: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

impl Classifier {
    /// Packs real weights.
    pub(crate) fn pack(version: &str, classes: Vec<String>, weights: &Weights) -> Self {
        let top = weights
            .rows
            .iter()
            .map(|w| w.abs())
            .fold(f32::MIN_POSITIVE, f32::max);
        let cell = |w: &f32| ((w.abs() / top).sqrt() * 127.0).round().copysign(*w) as i8;
        let rows = weights.rows.chunks_exact(classes.len().max(1));
        let row = |(tag, row): (&u8, &[f32])| {
            let cells: Vec<i8> = row.iter().map(cell).collect();
            std::iter::once(*tag as i8).chain(cells)
        };
        let table = weights.tags.iter().zip(rows).flat_map(row);
        Self {
            version: Arc::from(version),
            classes,
            buckets: weights.buckets,
            top,
            temperature: 1.0,
            bias: weights.bias.clone(),
            table: padded(table),
        }
    }

    /// The same weights with another temperature and other biases.
    pub(crate) fn calibrated(mut self, temperature: f32, bias: Vec<f32>) -> Self {
        self.temperature = temperature;
        self.bias = bias;
        self
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, TextError> {
        let wrong = |reason: &str| TextError::Model {
            what: "classifier file".to_owned(),
            reason: reason.to_owned(),
        };
        if bytes.len() < HEADER || &bytes[..8] != MAGIC {
            return Err(wrong("it is no classifier of this version: train it anew"));
        }
        let word = |at: usize| -> [u8; 4] { std::array::from_fn(|i| bytes[at + i]) };
        let buckets = u32::from_le_bytes(word(8));
        let classes = u32::from_le_bytes(word(12)) as usize;
        let length = u32::from_le_bytes(word(16)) as usize;
        if !(2..=MOST_CLASSES).contains(&classes) || !(1..=MOST_BUCKETS).contains(&buckets) {
            return Err(wrong("its sizes are damaged"));
        }
        let names_at = HEADER + classes * 4;
        let table_at = names_at.saturating_add(length);
        if bytes.len() != table_at.saturating_add(buckets as usize * (classes + 1)) {
            return Err(wrong("its length is wrong: it is cut off or damaged"));
        }
        let number = |at: usize| f32::from_le_bytes(word(at));
        let (top, temperature) = (number(20), number(24));
        let bias: Vec<f32> = (0..classes).map(|c| number(HEADER + c * 4)).collect();
        if !(top.is_finite() && temperature > 0.0 && bias.iter().all(|b| b.is_finite())) {
            return Err(wrong("its numbers are damaged"));
        }
        let names = std::str::from_utf8(&bytes[names_at..table_at])
            .map_err(|_| wrong("its names are no text"))?;
        let mut names = names.lines();
        let version = Arc::from(names.next().unwrap_or_default());
        let names: Vec<String> = names.map(str::to_owned).collect();
        if names.len() != classes {
            return Err(wrong("its classes have no names"));
        }
        Ok(Self {
            version,
            classes: names,
            buckets,
            top,
            temperature,
            bias,
            table: padded(bytes[table_at..].iter().map(|b| *b as i8)),
        })
    }

    /// The bytes of the model file.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut names = self.version.to_string();
        for class in &self.classes {
            names.push('\n');
            names.push_str(class);
        }
        let mut out = Vec::with_capacity(HEADER + names.len() + self.table.len() + 128);
        out.extend_from_slice(MAGIC);
        for size in [self.buckets as usize, self.classes.len(), names.len()] {
            out.extend_from_slice(&u32::try_from(size).unwrap_or(0).to_le_bytes());
        }
        for number in [self.top, self.temperature].iter().chain(&self.bias) {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(names.as_bytes());
        let cells = self.table.len() - LANES;
        out.extend(self.table[..cells].iter().map(|q| *q as u8));
        out
    }

    /// Its name and date.
    pub(crate) fn version(&self) -> &Arc<str> {
        &self.version
    }

    /// The names of the classes, in the order of `sums`.
    pub(crate) fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The sum of each class over the runs of a text, at temperature 1 and without bias.
    pub(crate) fn sums(&self, runs: &Runs) -> [f32; MOST_CLASSES] {
        let classes = self.classes.len();
        let mut squares = [0i32; MOST_CLASSES];
        let mut sums = [0.0; MOST_CLASSES];
        // So few at a time that no sum of squares overflows.
        for features in runs.distinct().chunks(1 << 16) {
            squares.fill(0);
            for eight in (0..classes).step_by(LANES) {
                let squares = &mut squares[eight..eight + LANES];
                for features in features.chunks(GATHERED) {
                    self.add(features, eight, squares);
                }
            }
            for (sum, squares) in sums.iter_mut().zip(squares) {
                *sum += squares as f32;
            }
        }
        let scale = self.top / (127.0 * 127.0) / (runs.distinct().len().max(1) as f32).sqrt();
        sums[..classes].iter_mut().for_each(|s| *s *= scale);
        sums
    }

    /// Adds the signed squares of [`LANES`] bytes of each feature that is known, from class `eight` on.
    fn add(&self, features: &[u64], eight: usize, squares: &mut [i32]) {
        // Places, then look-ups, which wait for memory, then sums.
        let mut rows = [0; GATHERED];
        for (row, feature) in rows.iter_mut().zip(features) {
            *row = bucket_of(*feature, self.buckets) * (self.classes.len() + 1);
        }
        let rows = &rows[..features.len()];
        let mut cells = [[0; LANES]; GATHERED];
        let mut tags = [0u8; GATHERED];
        for ((cells, tag), row) in cells.iter_mut().zip(&mut tags).zip(rows) {
            let at = row + 1 + eight;
            cells.copy_from_slice(&self.table[at..at + LANES]);
            *tag = self.table[*row] as u8;
        }
        let mut sums = [0; LANES];
        for ((cells, tag), feature) in cells.iter().zip(tags).zip(features) {
            // No branch: whether a feature is known is as good as chance.
            let known = -i16::from(tag == tag_of(*feature));
            for (sum, q) in sums.iter_mut().zip(cells) {
                // 16 bits hold the square of a byte.
                let q = i16::from(*q);
                *sum += i32::from((q * q.abs()) & known);
            }
        }
        for (square, sum) in squares.iter_mut().zip(sums) {
            *square += sum;
        }
    }

    /// The classes of a text by their log-odds, the likeliest first; none for an empty text.
    pub(crate) fn ranked(&self, runs: &Runs) -> Vec<(usize, f32)> {
        if runs.distinct().is_empty() {
            return Vec::new();
        }
        let sums = self.sums(runs);
        let odds = sums.iter().zip(&self.bias).map(|(sum, bias)| sum + bias);
        let mut ranked: Vec<_> = odds.enumerate().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked
    }

    /// The likeliest class of a text and its probability; `None` for an empty text.
    pub(crate) fn choose(&self, runs: &Runs) -> Option<(usize, f32)> {
        if runs.distinct().is_empty() {
            return None;
        }
        let mut sums = self.sums(runs);
        for (sum, bias) in sums.iter_mut().zip(&self.bias) {
            *sum = (*sum + bias) / self.temperature;
        }
        Some(likeliest(&sums[..self.classes.len()]))
    }
}

/// The largest of `odds`, the first where two are equal, and its share of the softmax.
pub(crate) fn likeliest(odds: &[f32]) -> (usize, f32) {
    let mut best = 0;
    for (class, odd) in odds.iter().enumerate() {
        if *odd > odds[best] {
            best = class;
        }
    }
    let total: f32 = odds.iter().map(|o| (o - odds[best]).exp()).sum();
    (best, 1.0 / total)
}

/// The tag of a feature: bits that [`bucket_of`] hardly looks at.
#[inline]
pub(crate) fn tag_of(feature: u64) -> u8 {
    feature as u8
}

fn padded(cells: impl Iterator<Item = i8>) -> Vec<i8> {
    cells.chain([0; LANES]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Runs {
        let mut runs = Runs::default();
        runs.read(text);
        runs
    }

    fn small() -> Classifier {
        let mut rows = vec![0.0; 100 * 3];
        let mut tags = vec![0; 100];
        for feature in read("气").features() {
            rows[bucket_of(*feature, 100) * 3 + 1] = 4.0;
            tags[bucket_of(*feature, 100)] = tag_of(*feature);
        }
        let weights = Weights {
            buckets: 100,
            tags,
            rows,
            bias: vec![0.5, 0.0, 0.0],
        };
        let names = ["calm", "angry", "glad"].map(str::to_owned).to_vec();
        Classifier::pack("test", names, &weights)
    }

    #[test]
    fn the_likeliest_class_is_chosen_and_an_empty_text_has_none() {
        let (class, confidence) = small().choose(&read("气")).unwrap();
        assert_eq!(class, 1);
        let expected = 4f32.exp() / (4f32.exp() + 0.5f32.exp() + 1.0);
        assert!((confidence - expected).abs() < 1e-5, "{confidence}");
        assert_eq!(small().choose(&read("")), None);
    }

    #[test]
    fn a_feature_of_another_tag_says_nothing() {
        let mut model = small();
        for row in model.table.chunks_exact_mut(4).take(100) {
            row[0] = !row[0];
        }
        let (class, confidence) = model.choose(&read("气")).unwrap();
        assert_eq!(class, 0);
        let expected = 0.5f32.exp() / (0.5f32.exp() + 2.0);
        assert!((confidence - expected).abs() < 1e-5, "{confidence}");
    }

    #[test]
    fn a_file_gives_back_the_classifier() {
        let model = small().calibrated(2.0, vec![0.1, 0.2, 0.3]);
        let again = Classifier::from_bytes(&model.to_bytes()).unwrap();
        assert_eq!(again.choose(&read("气")), model.choose(&read("气")));
        assert_eq!(
            (again.version().as_ref(), again.classes()),
            ("test", model.classes())
        );
    }

    #[test]
    fn damaged_files_are_refused() {
        let bytes = small().to_bytes();
        assert!(Classifier::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(Classifier::from_bytes(b"WSMODEL1").is_err());
        for (at, byte) in [(12, 200), (16, 0xff), (23, 0xff)] {
            let mut wrong = bytes.clone();
            wrong[at] = byte;
            if at == 23 {
                wrong[22] = 0xff;
            }
            assert!(Classifier::from_bytes(&wrong).is_err(), "byte {at}");
        }
    }
}
