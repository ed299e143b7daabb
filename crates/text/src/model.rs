//! The trained reading: a table of small weights that answers in a microsecond, and a file format that is checked before use.
//!
//! Two logistic heads over the same hashed features: `polarity` (positive against negative) and `neutrality` (neutral against
//! either). Each weight is one signed byte, companded by the square root: `w = ±(q / 127)² · top`.

use std::sync::Arc;

use crate::error::TextError;
use crate::feature::{buckets, count, symbols};

const MAGIC: &[u8; 8] = b"WSMODEL1";
/// The heads: polarity, neutrality.
pub(crate) const HEADS: usize = 2;
/// Bytes before the table: magic, bits, length of the version, and per head top, bias and temperature.
const HEADER: usize = 8 + 4 + 4 + HEADS * 12;

/// What turns a bucket into the bucket of the same feature in adapter number `adapter`: both share one table.
pub(crate) fn salt(adapter: usize, bits: u32) -> usize {
    // Odd multiples of the golden ratio spread over the table; never 0.
    ((adapter as u64 * 2 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits)) as usize
}

/// What the model believes of one text, as log-odds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct LogOdds {
    /// Of positive against negative.
    pub(crate) polarity: f32,
    /// Of neutral against either.
    pub(crate) neutrality: f32,
}

/// One head's numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Head {
    /// The largest weight.
    pub(crate) top: f32,
    /// Added once.
    pub(crate) bias: f32,
    /// Log-odds are divided by it, so that probabilities are true to the frequencies on held-out rows.
    pub(crate) temperature: f32,
}

/// A model's numbers as they are used, for fitting them to further rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Its name and date.
    pub version: String,
    /// The table has 2^bits buckets.
    pub bits: u32,
    /// Kinds of sources with weights of their own.
    pub adapters: Vec<String>,
    /// Of each bucket, what it adds to the log-odds of positive against negative, and of neutral against either.
    pub table: Vec<[f32; 2]>,
    /// Added once, per head.
    pub bias: [f32; 2],
    /// Log-odds are divided by it, per head.
    pub temperature: [f32; 2],
}

/// A linear model.
#[derive(Clone)]
pub struct Model {
    version: Arc<str>,
    bits: u32,
    heads: [Head; HEADS],
    /// Kinds of sources with weights of their own.
    adapters: Vec<String>,
    /// The weights of the heads of each bucket side by side: one cache line serves both.
    table: Box<[[i8; HEADS]]>,
    /// What each byte stands for, per head.
    decoded: Box<[[f32; 256]; HEADS]>,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model")
            .field("version", &self.version)
            .field("bits", &self.bits)
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

    /// Packs real weights.
    pub(crate) fn pack(
        version: &str,
        bits: u32,
        adapters: Vec<String>,
        weights: &[[f32; HEADS]],
        bias: [f32; HEADS],
        temperature: [f32; HEADS],
    ) -> Self {
        let mut heads = [Head {
            top: 0.0,
            bias: 0.0,
            temperature: 1.0,
        }; HEADS];
        for (h, head) in heads.iter_mut().enumerate() {
            let top = weights
                .iter()
                .map(|w| w[h].abs())
                .fold(f32::MIN_POSITIVE, f32::max);
            *head = Head {
                top,
                bias: bias[h],
                temperature: temperature[h],
            };
        }
        let quantise =
            |w: f32, top: f32| ((w.abs() / top).sqrt() * 127.0).round().copysign(w) as i8;
        let table = weights
            .iter()
            .map(|w| std::array::from_fn(|h| quantise(w[h], heads[h].top)))
            .collect();
        Self::build(Arc::from(version), bits, heads, adapters, table)
    }

    fn build(
        version: Arc<str>,
        bits: u32,
        heads: [Head; HEADS],
        adapters: Vec<String>,
        table: Box<[[i8; HEADS]]>,
    ) -> Self {
        let decode = |byte: usize, top: f32| {
            let q = f32::from(byte as u8 as i8);
            (q / 127.0).powi(2).copysign(q) * top
        };
        let decoded = Box::new(std::array::from_fn(|h| {
            std::array::from_fn(|byte| decode(byte, heads[h].top))
        }));
        Self {
            version,
            bits,
            heads,
            adapters,
            table,
            decoded,
        }
    }

    /// The same weights with other temperatures.
    pub(crate) fn with_temperature(mut self, temperature: [f32; HEADS]) -> Self {
        for (head, t) in self.heads.iter_mut().zip(temperature) {
            head.temperature = t;
        }
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
        let bits = u32::from_le_bytes(word(8));
        let length = u32::from_le_bytes(word(12)) as usize;
        if !(10..=24).contains(&bits) || bytes.len() != HEADER + length + (HEADS << bits) {
            return Err(wrong("its length is wrong: it is cut off or damaged"));
        }
        let number = |at: usize| f32::from_le_bytes(word(at));
        let heads: [Head; HEADS] = std::array::from_fn(|h| {
            let at = 16 + h * 12;
            Head {
                top: number(at),
                bias: number(at + 4),
                temperature: number(at + 8),
            }
        });
        if heads
            .iter()
            .any(|h| !(h.top.is_finite() && h.bias.is_finite() && h.temperature > 0.0))
        {
            return Err(wrong("its numbers are damaged"));
        }
        let names = std::str::from_utf8(&bytes[HEADER..HEADER + length])
            .map_err(|_| wrong("its names are no text"))?;
        let mut names = names.lines();
        let version = names.next().unwrap_or_default();
        let adapters = names.map(str::to_owned).collect();
        let table = bytes[HEADER + length..]
            .chunks_exact(HEADS)
            .map(|c| std::array::from_fn(|h| c[h] as i8))
            .collect();
        Ok(Self::build(
            Arc::from(version),
            bits,
            heads,
            adapters,
            table,
        ))
    }

    /// The bytes of the model file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut names = self.version.to_string();
        for adapter in &self.adapters {
            names.push('\n');
            names.push_str(adapter);
        }
        let mut out = Vec::with_capacity(HEADER + names.len() + self.table.len() * HEADS);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.bits.to_le_bytes());
        out.extend_from_slice(&u32::try_from(names.len()).unwrap_or(0).to_le_bytes());
        for head in &self.heads {
            for number in [head.top, head.bias, head.temperature] {
                out.extend_from_slice(&number.to_le_bytes());
            }
        }
        out.extend_from_slice(names.as_bytes());
        out.extend(self.table.iter().flatten().map(|q| *q as u8));
        out
    }

    /// All numbers; [`Model::from_weights`] gives the model back.
    pub fn weights(&self) -> Weights {
        let decode =
            |cell: &[i8; HEADS]| std::array::from_fn(|h| self.decoded[h][cell[h] as u8 as usize]);
        Weights {
            version: self.version.to_string(),
            bits: self.bits,
            adapters: self.adapters.clone(),
            table: self.table.iter().map(decode).collect(),
            bias: self.heads.map(|head| head.bias),
            temperature: self.heads.map(|head| head.temperature),
        }
    }

    /// The model of these numbers, each rounded to one byte.
    ///
    /// # Errors
    /// A table that has not 2^bits buckets, or a number that is none.
    pub fn from_weights(weights: Weights) -> Result<Self, TextError> {
        let wrong = |reason: &str| TextError::Model {
            what: weights.version.clone(),
            reason: reason.to_owned(),
        };
        if !(10..=24).contains(&weights.bits) || weights.table.len() != 1 << weights.bits {
            return Err(wrong("its table must have 2^bits buckets, bits 10 to 24"));
        }
        let mut numbers = weights.table.iter().flatten().chain(&weights.bias);
        if !numbers.all(|n| n.is_finite()) || !weights.temperature.iter().all(|t| *t > 0.0) {
            return Err(wrong(
                "its weights must be finite, its temperatures above 0",
            ));
        }
        if weights.version.contains('\n') || weights.adapters.iter().any(|a| a.contains('\n')) {
            return Err(wrong("its names must be of one line each"));
        }
        Ok(Self::pack(
            &weights.version,
            weights.bits,
            weights.adapters,
            &weights.table,
            weights.bias,
            weights.temperature,
        ))
    }

    /// The buckets of the features of a normalised text, as all sources share them and as an adapter has them for itself: two lists
    /// of one length, the second empty without an adapter. Log-odds are the sum of their weights by the root of that length, plus bias.
    pub fn features(&self, text: &str, adapter: Option<&str>) -> [Vec<u32>; 2] {
        let mut scratch = Vec::new();
        symbols(text, &mut scratch);
        let mut shared = Vec::with_capacity(count(&scratch));
        buckets(&scratch, self.bits, |bucket| shared.push(bucket as u32));
        let salt = adapter
            .and_then(|name| self.adapter(name))
            .map(|number| salt(number, self.bits) as u32);
        let own = salt.map_or(Vec::new(), |salt| shared.iter().map(|b| b ^ salt).collect());
        [shared, own]
    }

    /// Its name and date.
    pub fn version(&self) -> &Arc<str> {
        &self.version
    }

    /// The number of the adapter of that name, if the model has it.
    pub(crate) fn adapter(&self, name: &str) -> Option<usize> {
        self.adapters.iter().position(|a| a == name)
    }

    /// The kinds of sources with weights of their own.
    pub fn adapters(&self) -> &[String] {
        &self.adapters
    }

    /// Reads a normalised text from a source of that adapter; `scratch` is room for its symbols.
    pub(crate) fn read(
        &self,
        text: &str,
        adapter: Option<usize>,
        scratch: &mut Vec<u32>,
    ) -> LogOdds {
        symbols(text, scratch);
        if scratch.is_empty() {
            return LogOdds::default();
        }
        let mut sums = [0.0f32; HEADS];
        let mut add = |bucket: usize| {
            let cell = self.table[bucket];
            for h in 0..HEADS {
                sums[h] += self.decoded[h][cell[h] as u8 as usize];
            }
        };
        match adapter.map(|a| salt(a, self.bits)) {
            None => buckets(scratch, self.bits, add),
            Some(salt) => buckets(scratch, self.bits, |bucket| {
                add(bucket);
                add(bucket ^ salt);
            }),
        }
        let scale = (count(scratch) as f32).sqrt().recip();
        let odds = |h: usize| (sums[h] * scale + self.heads[h].bias) / self.heads[h].temperature;
        LogOdds {
            polarity: odds(0),
            neutrality: odds(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Model {
        let mut weights = vec![[0.0; HEADS]; 1 << 10];
        let mut marked = Vec::new();
        let mut scratch = Vec::new();
        symbols("好", &mut scratch);
        buckets(&scratch, 10, |b| marked.push(b));
        weights[marked[0]] = [2.0, -1.0];
        Model::pack(
            "test",
            10,
            vec!["social".to_owned()],
            &weights,
            [0.5, 0.0],
            [1.0, 2.0],
        )
    }

    #[test]
    fn a_file_gives_back_the_model() {
        let model = small();
        let again = Model::from_bytes(&model.to_bytes()).unwrap();
        let mut scratch = Vec::new();
        let odds = again.read("好", None, &mut scratch);
        assert_eq!(odds, model.read("好", None, &mut scratch));
        assert_eq!(
            odds,
            LogOdds {
                polarity: 2.5,
                neutrality: -0.5
            }
        );
        assert_eq!(
            (again.version().as_ref(), again.adapters()),
            ("test", model.adapters())
        );
    }

    #[test]
    fn the_sum_of_the_weights_of_the_features_is_what_the_model_reads() {
        let model = small();
        let weights = model.weights();
        for adapter in [None, Some("social")] {
            let lists = model.features("很好", adapter);
            let sum: f32 = lists
                .iter()
                .flatten()
                .map(|b| weights.table[*b as usize][0])
                .sum();
            let odds =
                (sum / (lists[0].len() as f32).sqrt() + weights.bias[0]) / weights.temperature[0];
            let number = adapter.and_then(|name| model.adapter(name));
            let read = model.read("很好", number, &mut Vec::new()).polarity;
            assert!((odds - read).abs() < 1e-6, "{odds} {read}");
        }
        assert_eq!(
            Model::from_weights(weights).unwrap().to_bytes(),
            model.to_bytes()
        );
    }

    #[test]
    fn damaged_files_are_refused() {
        let bytes = small().to_bytes();
        assert!(Model::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(Model::from_bytes(b"WSMODEL0").is_err());
        let mut wrong = bytes.clone();
        wrong[8] = 60;
        assert!(Model::from_bytes(&wrong).is_err());
        let mut nan = bytes;
        nan[16..20].copy_from_slice(&f32::NAN.to_le_bytes());
        assert!(Model::from_bytes(&nan).is_err());
    }
}
