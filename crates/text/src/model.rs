//! The trained reading: a table of small weights that answers in a microsecond, and a file format that is checked before use.
//!
//! Two logistic heads over the same hashed features: `polarity` (positive against negative) and `neutrality` (neutral against
//! either). Each bucket is one byte: five bits of polarity, three of neutrality, each companded by the square root:
//! `w = ±(level / highest level)² · top`. Two bytes told held-out rows hardly better (0.05 to 0.1 points), and the processor's caches
//! hold half as many of them.

use std::sync::Arc;

use crate::error::TextError;
use crate::feature::{OPENING, Runs, bucket_of};
use crate::pages::Pages;

const MAGIC: &[u8; 8] = b"WSMODEL5";
/// The heads: polarity, neutrality.
pub(crate) const HEADS: usize = 2;
/// The bits of each head in a bucket, from the highest down.
const BITS: [u32; HEADS] = [5, 3];
/// The highest level of each head.
const HIGHEST: [i16; HEADS] = [(1 << (BITS[0] - 1)) - 1, (1 << (BITS[1] - 1)) - 1];
/// So many features are looked up together.
const TOGETHER: usize = 256;
/// Bytes before the names: magic, buckets, length of the names, and per head the largest weight.
const HEADER: usize = 8 + 4 + 4 + HEADS * 4;
/// Bytes of the calibration of one kind of source.
const CALIBRATION: usize = HEADS * 8;
/// The smallest and the largest table.
pub(crate) const BUCKETS: std::ops::RangeInclusive<u32> = 1 << 10..=1 << 24;

/// What turns the hash of a feature into that of the same feature in adapter number `adapter`: both share one table.
pub(crate) fn salt(adapter: usize) -> u64 {
    // Odd multiples of the golden ratio spread over the table; never 0. The upper half alone: what stood near each other still does.
    (adapter as u64 * 2 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 << 32
}

/// What the model believes of one text, as log-odds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct LogOdds {
    /// Of positive against negative.
    pub(crate) polarity: f32,
    /// Of neutral against either.
    pub(crate) neutrality: f32,
}

/// What makes the sums of one kind of source probabilities, per head (polarity, neutrality).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// Added once.
    pub bias: [f32; 2],
    /// Log-odds are divided by it, so that probabilities are true to the frequencies on held-out rows.
    pub temperature: [f32; 2],
}

impl Calibration {
    /// The log-odds of a head whose weights sum to `sum`.
    pub fn odds(&self, head: usize, sum: f32) -> f32 {
        (sum + self.bias[head]) / self.temperature[head]
    }

    fn is_sound(&self) -> bool {
        self.bias.iter().all(|b| b.is_finite())
            && self.temperature.iter().all(|t| *t > 0.0 && t.is_finite())
    }
}

/// A model's numbers as they are used, for fitting them to further rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Its name and date.
    pub version: String,
    /// Kinds of sources with weights of their own.
    pub adapters: Vec<String>,
    /// The largest weight of each head that a model can hold, above 0; larger ones are cut to it.
    pub tops: [f32; 2],
    /// Of each bucket, what it adds to the log-odds of positive against negative, and of neutral against either.
    pub table: Vec<[f32; 2]>,
    /// Of unknown sources, then of each adapter.
    pub calibrations: Vec<Calibration>,
}

impl Weights {
    /// The calibration of an adapter; that of unknown sources without one.
    pub fn calibration(&mut self, adapter: Option<&str>) -> &mut Calibration {
        let known = adapter.and_then(|name| self.adapters.iter().position(|a| a == name));
        &mut self.calibrations[known.map_or(0, |number| number + 1)]
    }
}

/// A linear model.
#[derive(Clone)]
pub struct Model {
    version: Arc<str>,
    /// The largest weight of each head.
    tops: [f32; HEADS],
    /// Kinds of sources with weights of their own.
    adapters: Vec<String>,
    /// Of unknown sources, then of each adapter.
    calibrations: Vec<Calibration>,
    /// The weights of each bucket.
    table: Pages,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model")
            .field("version", &self.version)
            .field("buckets", &self.buckets())
            .finish_non_exhaustive()
    }
}

impl Model {
    /// The shipped model.
    ///
    /// # Errors
    /// Only where the shipped file is damaged, which a test rules out.
    pub fn embedded() -> Result<Self, TextError> {
        Self::from_bytes(include_bytes!("../models/sentiment.bin"))
    }

    /// The model of these numbers, each weight rounded to the nearest level.
    pub(crate) fn pack(weights: Weights) -> Self {
        Self::rounded(weights, |level, _| level.round())
    }

    /// The same, each level made whole by `round`, which is told the bucket.
    fn rounded(weights: Weights, round: impl Fn(f32, usize) -> f32) -> Self {
        let tops = weights.tops;
        let level = |head: usize, weight: f32, bucket: usize| -> u8 {
            let highest = f32::from(HIGHEST[head]);
            let level = (weight.abs() / tops[head]).sqrt().min(1.0) * highest;
            let level = round(level, bucket).copysign(weight) as i8;
            // The lower bits of the byte: two's complement.
            level as u8 & ((1 << BITS[head]) - 1)
        };
        let cells = weights.table.iter().enumerate();
        let table: Vec<u8> = cells
            .map(|(at, w)| level(0, w[0], at) << BITS[1] | level(1, w[1], at))
            .collect();
        Self {
            version: Arc::from(weights.version),
            tops,
            adapters: weights.adapters,
            calibrations: weights.calibrations,
            table: Pages::of(&table),
        }
    }

    /// The same weights otherwise calibrated: unknown sources, then each adapter.
    pub(crate) fn calibrated(mut self, calibrations: Vec<Calibration>) -> Self {
        self.calibrations = calibrations;
        self
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TextError> {
        let wrong = |reason: &str| TextError::Model {
            what: "file".to_owned(),
            reason: reason.to_owned(),
        };
        if bytes.len() < HEADER || &bytes[..8] != MAGIC {
            return Err(wrong("it is no model of this version: train it anew"));
        }
        let word = |at: usize| -> [u8; 4] { std::array::from_fn(|i| bytes[at + i]) };
        let number = |at: usize| f32::from_le_bytes(word(at));
        let buckets = u32::from_le_bytes(word(8));
        let length = u32::from_le_bytes(word(12)) as usize;
        let cut_off = || wrong("its length is wrong: it is cut off or damaged");
        let names = bytes
            .get(HEADER..HEADER.saturating_add(length))
            .ok_or_else(cut_off)?;
        let names = std::str::from_utf8(names).map_err(|_| wrong("its names are no text"))?;
        let mut names = names.lines();
        let version = names.next().unwrap_or_default();
        let adapters: Vec<String> = names.map(str::to_owned).collect();
        let calibrations_at = HEADER + length;
        let table_at = calibrations_at + (adapters.len() + 1) * CALIBRATION;
        if !BUCKETS.contains(&buckets) || bytes.len() != table_at + buckets as usize {
            return Err(cut_off());
        }
        let calibration = |n: usize| {
            let at = calibrations_at + n * CALIBRATION;
            Calibration {
                bias: std::array::from_fn(|h| number(at + h * 8)),
                temperature: std::array::from_fn(|h| number(at + h * 8 + 4)),
            }
        };
        let calibrations: Vec<_> = (0..=adapters.len()).map(calibration).collect();
        let tops: [f32; HEADS] = std::array::from_fn(|h| number(16 + h * 4));
        if !(tops.iter().all(|t| t.is_finite() && *t > 0.0)
            && calibrations.iter().all(Calibration::is_sound))
        {
            return Err(wrong("its numbers are damaged"));
        }
        Ok(Self {
            version: Arc::from(version),
            tops,
            adapters,
            calibrations,
            table: Pages::of(&bytes[table_at..]),
        })
    }

    /// The bytes of the model file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut names = self.version.to_string();
        for adapter in &self.adapters {
            names.push('\n');
            names.push_str(adapter);
        }
        let mut out = Vec::with_capacity(HEADER + names.len() + self.table.len() + 256);
        out.extend_from_slice(MAGIC);
        for size in [self.buckets() as usize, names.len()] {
            out.extend_from_slice(&u32::try_from(size).unwrap_or(0).to_le_bytes());
        }
        for top in self.tops {
            out.extend_from_slice(&top.to_le_bytes());
        }
        out.extend_from_slice(names.as_bytes());
        for calibration in &self.calibrations {
            for h in 0..HEADS {
                out.extend_from_slice(&calibration.bias[h].to_le_bytes());
                out.extend_from_slice(&calibration.temperature[h].to_le_bytes());
            }
        }
        out.extend_from_slice(&self.table);
        out
    }

    /// All numbers; [`Model::from_weights`] gives the model back.
    pub fn weights(&self) -> Weights {
        let weight = |head: usize, level: i16| self.weight(head, squared(level).into());
        let decode = |cell: &u8| std::array::from_fn(|head| weight(head, levels(*cell)[head]));
        Weights {
            version: self.version.to_string(),
            adapters: self.adapters.clone(),
            tops: self.tops,
            table: self.table.iter().map(decode).collect(),
            calibrations: self.calibrations.clone(),
        }
    }

    /// The model of these numbers, each rounded up or down by chance, the nearer the likelier, so that many weights that moved by less than
    /// a level move it on the whole; the chance is the same each time.
    ///
    /// # Errors
    /// A table of no allowed size, calibrations of another number than the sources, or a number that is none.
    pub fn from_weights(weights: Weights) -> Result<Self, TextError> {
        let wrong = |reason: &str| TextError::Model {
            what: weights.version.clone(),
            reason: reason.to_owned(),
        };
        if !u32::try_from(weights.table.len()).is_ok_and(|n| BUCKETS.contains(&n)) {
            return Err(wrong("its table must have 2^10 to 2^24 buckets"));
        }
        if weights.calibrations.len() != weights.adapters.len() + 1 {
            return Err(wrong(
                "give one calibration for unknown sources and one for each adapter",
            ));
        }
        if !weights.tops.iter().all(|top| *top > 0.0 && top.is_finite()) {
            return Err(wrong("its largest weights must be finite and above 0"));
        }
        if !weights.table.iter().flatten().all(|n| n.is_finite())
            || !weights.calibrations.iter().all(Calibration::is_sound)
        {
            return Err(wrong(
                "its weights must be finite, its temperatures above 0",
            ));
        }
        if weights.version.contains('\n') || weights.adapters.iter().any(|a| a.contains('\n')) {
            return Err(wrong("its names must be of one line each"));
        }
        Ok(Self::rounded(weights, by_chance))
    }

    /// How many features the table tells apart.
    fn buckets(&self) -> u32 {
        self.table.len() as u32
    }

    /// The buckets of the features of a normalised text, as all sources share them and as an adapter has them for itself, with those of the
    /// opening, none without an adapter. The sum of the weights of both by the root of the length of the first is what
    /// [`Calibration::odds`] takes.
    pub fn features(&self, text: &str, adapter: Option<&str>) -> [Vec<u32>; 2] {
        let mut runs = Runs::default();
        runs.read(text);
        let bucket = |feature: u64| bucket_of(feature, self.buckets()) as u32;
        let features = || runs.features().iter();
        let shared = features().map(|feature| bucket(*feature)).collect();
        let own = match adapter.and_then(|name| self.adapter(name)).map(salt) {
            Some(salt) => features()
                .chain(runs.opening(&mut [0; OPENING]))
                .map(|feature| bucket(feature ^ salt))
                .collect(),
            None => Vec::new(),
        };
        [shared, own]
    }

    /// Its name and date.
    pub fn version(&self) -> &Arc<str> {
        &self.version
    }

    /// The biases of unknown sources.
    pub(crate) fn bias(&self) -> [f32; HEADS] {
        self.calibrations[0].bias
    }

    /// The number of the adapter of that name, if the model has it.
    pub(crate) fn adapter(&self, name: &str) -> Option<usize> {
        self.adapters.iter().position(|a| a == name)
    }

    /// The kinds of sources with weights of their own.
    pub fn adapters(&self) -> &[String] {
        &self.adapters
    }

    /// Reads a normalised text from a source of that adapter into `runs`.
    pub(crate) fn read(&self, text: &str, adapter: Option<usize>, runs: &mut Runs) -> LogOdds {
        runs.read(text);
        self.judge(runs, adapter)
    }

    /// Judges the runs of a text from a source of that adapter.
    pub(crate) fn judge(&self, runs: &Runs, adapter: Option<usize>) -> LogOdds {
        let mut room = [0; OPENING];
        let opening = adapter.map_or(&[][..], |_| runs.opening(&mut room));
        self.judge_opened(runs, opening, adapter)
    }

    /// The same with this opening.
    fn judge_opened(&self, runs: &Runs, opening: &[u64], adapter: Option<usize>) -> LogOdds {
        if runs.features().is_empty() {
            return LogOdds::default();
        }
        let mut sum = self.sum(runs.features(), 0);
        if let Some(salt) = adapter.map(salt) {
            sum += self.sum(runs.features(), salt) + self.sum(opening, salt);
        }
        // Both heads of the sum of pairs: the lower one lent to the upper where it is below 0.
        let neutrality = i64::from(sum as i32);
        let sums = [(sum - neutrality) >> 32, neutrality];
        let scale = (runs.features().len() as f32).sqrt().recip();
        let calibration = &self.calibrations[adapter.map_or(0, |a| a + 1)];
        let odds = |h: usize| calibration.odds(h, self.weight(h, sums[h]) * scale);
        LogOdds {
            polarity: odds(0),
            neutrality: odds(1),
        }
    }

    /// The sum of [`SQUARES`] of each feature, turned by `salt`.
    fn sum(&self, features: &[u64], salt: u64) -> i64 {
        let (table, buckets) = (&*self.table, self.buckets());
        // Places, then look-ups, which wait for memory and so for each other as little as can be.
        let mut places = [0; TOGETHER];
        let sum = |features: &[u64]| -> i64 {
            for (place, feature) in places.iter_mut().zip(features) {
                *place = bucket_of(feature ^ salt, buckets) as u32;
            }
            let square = |place: &u32| SQUARES[usize::from(table[*place as usize])];
            let (eights, rest) = places[..features.len()].as_chunks::<8>();
            let eight = |places: &[u32; 8]| -> i64 { places.iter().map(square).sum() };
            eights.iter().map(eight).sum::<i64>() + rest.iter().map(square).sum::<i64>()
        };
        features.chunks(TOGETHER).map(sum).sum()
    }

    /// What the runs inside `part` add to the polarity of a text of `features` distinct runs that holds it; `runs` gives room.
    pub(crate) fn share(
        &self,
        part: &[char],
        adapter: Option<usize>,
        features: usize,
        runs: &mut Runs,
    ) -> f32 {
        runs.read_chars(part);
        let odds = self.judge_opened(runs, &[], adapter).polarity;
        let calibration = &self.calibrations[adapter.map_or(0, |a| a + 1)];
        let share = odds - calibration.odds(0, 0.0);
        // The scale of the part taken back, that of the text put in its place.
        share * (runs.features().len() as f32 / features.max(1) as f32).sqrt()
    }

    /// What a sum of signed squares of levels stands for.
    fn weight(&self, head: usize, squares: i64) -> f32 {
        squares as f32 * self.tops[head] / f32::from(squared(HIGHEST[head]))
    }
}

/// The levels of both heads in a bucket.
const fn levels(cell: u8) -> [i16; HEADS] {
    let (upper, lower) = (cell as i8, (cell << BITS[0]) as i8);
    [(upper >> BITS[1]) as i16, (lower >> BITS[0]) as i16]
}

/// The square of a level, with its sign.
const fn squared(level: i16) -> i16 {
    level * level.abs()
}

/// The signed squares of the levels of each bucket that there can be: that of polarity times 2^32, and that of neutrality.
static SQUARES: [i64; 1 << 8] = {
    let mut squares = [0; 1 << 8];
    let mut cell = 0;
    while cell < squares.len() {
        let [polarity, neutrality] = levels(cell as u8);
        squares[cell] = ((squared(polarity) as i64) << 32) + squared(neutrality) as i64;
        cell += 1;
    }
    squares
};

/// A level made whole so that the square that is expected of it is its own, by a chance that hangs on the bucket alone.
fn by_chance(level: f32, bucket: usize) -> f32 {
    let below = level.floor();
    let share = (level * level - below * below) / (2.0 * below + 1.0);
    let hash = (bucket as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    // A level that is whole but for the error of its root stays as it is.
    let chance = (hash as f32 / (1 << 24) as f32).clamp(1e-3, 1.0 - 1e-3);
    below + f32::from(u8::from(share > chance))
}

#[cfg(test)]
mod tests;
