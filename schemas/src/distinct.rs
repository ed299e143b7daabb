//! A sketch that counts distinct things; merging is the union, whatever the order, and merging twice changes nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// log2 of the number of registers. 2^11 registers of one byte give a standard error of 1.04/√2048 = 2.3 %.
const PRECISION: u32 = 11;
const REGISTERS: usize = 1 << PRECISION;
/// Up to this many hashes are kept as they are, and the count is exact: most windows never need registers.
const SPARSE_LIMIT: usize = 128;

/// HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007) over 64-bit XXH3 hashes, exact while small.
///
/// As JSON: `{"sparse": [hash, …]}` with hashes as 16 hex digits, or `{"dense": "<base64 of 2048 registers>"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "Wire", try_from = "Wire")]
pub struct Distinct(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// Sorted, without repeats.
    Sparse(Vec<u64>),
    Dense(Vec<u8>),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Wire {
    Sparse(Vec<String>),
    Dense(String),
}

impl Default for Distinct {
    fn default() -> Self {
        Self(Form::Sparse(Vec::new()))
    }
}

impl Distinct {
    /// Counts `item`.
    pub fn insert(&mut self, item: &str) {
        self.insert_hash(xxh3_64(item.as_bytes()));
    }

    fn insert_hash(&mut self, hash: u64) {
        match &mut self.0 {
            Form::Sparse(hashes) => {
                if let Err(at) = hashes.binary_search(&hash) {
                    hashes.insert(at, hash);
                    if hashes.len() > SPARSE_LIMIT {
                        let full = std::mem::take(hashes);
                        let mut registers = vec![0; REGISTERS];
                        for hash in full {
                            observe(&mut registers, hash);
                        }
                        self.0 = Form::Dense(registers);
                    }
                }
            }
            Form::Dense(registers) => observe(registers, hash),
        }
    }

    /// The union with `other`.
    pub fn merge(&mut self, other: &Distinct) {
        match (&mut self.0, &other.0) {
            (_, Form::Sparse(hashes)) => {
                for hash in hashes {
                    self.insert_hash(*hash);
                }
            }
            (Form::Dense(mine), Form::Dense(theirs)) => {
                for (mine, theirs) in mine.iter_mut().zip(theirs) {
                    *mine = (*mine).max(*theirs);
                }
            }
            (Form::Sparse(hashes), Form::Dense(theirs)) => {
                let mut registers = theirs.clone();
                for hash in hashes.iter() {
                    observe(&mut registers, *hash);
                }
                self.0 = Form::Dense(registers);
            }
        }
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        matches!(&self.0, Form::Sparse(hashes) if hashes.is_empty())
    }

    /// Its compact form for a database: a form byte (0 sparse, 1 dense), then hashes of 8 bytes, little-endian and
    /// sorted, or 2048 registers of one byte.
    pub fn to_bytes(&self) -> Vec<u8> {
        match &self.0 {
            Form::Sparse(hashes) => {
                let mut bytes = Vec::with_capacity(1 + 8 * hashes.len());
                bytes.push(0);
                for hash in hashes {
                    bytes.extend_from_slice(&hash.to_le_bytes());
                }
                bytes
            }
            Form::Dense(registers) => {
                let mut bytes = Vec::with_capacity(1 + REGISTERS);
                bytes.push(1);
                bytes.extend_from_slice(registers);
                bytes
            }
        }
    }

    /// The sketch of its compact form.
    ///
    /// # Errors
    /// When the bytes are not such a form; says how.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        match bytes.split_first() {
            None => Ok(Self::default()),
            Some((0, hashes)) if hashes.len() % 8 == 0 => {
                let mut distinct = Distinct::default();
                for hash in hashes.as_chunks::<8>().0 {
                    distinct.insert_hash(u64::from_le_bytes(*hash));
                }
                Ok(distinct)
            }
            Some((1, registers)) if registers.len() == REGISTERS => {
                Ok(Self(Form::Dense(registers.to_vec())))
            }
            Some((form, rest)) => Err(format!(
                "sketch of form {form} has {} bytes, which no form has",
                rest.len()
            )),
        }
    }

    /// The number of distinct things: exact up to 128, then within about 2.3 % (one standard error).
    pub fn count(&self) -> u64 {
        match &self.0 {
            Form::Sparse(hashes) => hashes.len() as u64,
            Form::Dense(registers) => estimate(registers).round() as u64,
        }
    }
}

fn observe(registers: &mut [u8], hash: u64) {
    let index = (hash >> (64 - PRECISION)) as usize;
    let rank = ((hash << PRECISION) | (1 << (PRECISION - 1))).leading_zeros() as u8 + 1;
    if let Some(register) = registers.get_mut(index) {
        *register = (*register).max(rank);
    }
}

/// The raw estimate with linear counting below 2.5 m, as in the paper; 64-bit hashes need no large-range correction.
fn estimate(registers: &[u8]) -> f64 {
    let m = REGISTERS as f64;
    let alpha = 0.7213 / (1.0 + 1.079 / m);
    let sum: f64 = registers.iter().map(|r| (-f64::from(*r)).exp2()).sum();
    let raw = alpha * m * m / sum;
    let zeros = registers.iter().filter(|r| **r == 0).count();
    if raw <= 2.5 * m && zeros > 0 {
        m * (m / zeros as f64).ln()
    } else {
        raw
    }
}

impl From<Distinct> for Wire {
    fn from(distinct: Distinct) -> Self {
        match distinct.0 {
            Form::Sparse(hashes) => {
                Wire::Sparse(hashes.iter().map(|h| format!("{h:016x}")).collect())
            }
            Form::Dense(registers) => Wire::Dense(BASE64.encode(registers)),
        }
    }
}

impl TryFrom<Wire> for Distinct {
    type Error = String;

    fn try_from(wire: Wire) -> Result<Self, String> {
        match wire {
            Wire::Sparse(hashes) => {
                let mut distinct = Distinct::default();
                for hash in hashes {
                    let hash = u64::from_str_radix(&hash, 16)
                        .map_err(|e| format!("sketch hash {hash:?}: {e}"))?;
                    distinct.insert_hash(hash);
                }
                Ok(distinct)
            }
            Wire::Dense(text) => {
                let registers = BASE64
                    .decode(text)
                    .map_err(|e| format!("sketch registers: {e}"))?;
                if registers.len() != REGISTERS {
                    return Err(format!(
                        "sketch has {} registers, not {REGISTERS}",
                        registers.len()
                    ));
                }
                Ok(Distinct(Form::Dense(registers)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: std::ops::Range<u32>) -> Distinct {
        let mut distinct = Distinct::default();
        for i in range {
            distinct.insert(&format!("author-{i}"));
        }
        distinct
    }

    #[test]
    fn counts_exactly_while_small() {
        assert_eq!(of(0..128).count(), 128);
    }

    #[test]
    fn stays_within_four_standard_errors_when_large() {
        for n in [200_u32, 5_000, 100_000] {
            let count = of(0..n).count() as f64;
            assert!(
                (count / f64::from(n) - 1.0).abs() < 4.0 * 0.023,
                "{n}: {count}"
            );
        }
    }

    #[test]
    fn merging_is_the_union_in_any_form() {
        for (a, b) in [
            (0..50, 25..75),
            (0..50, 0..5_000),
            (0..5_000, 0..50),
            (0..3_000, 2_000..6_000),
        ] {
            let whole = of(a.start.min(b.start)..a.end.max(b.end));
            let mut merged = of(a);
            merged.merge(&of(b));
            assert_eq!(merged.count(), whole.count());
        }
    }

    #[test]
    fn survives_json() {
        for n in [0, 3, 1_000] {
            let distinct = of(0..n);
            let json = serde_json::to_string(&distinct).unwrap();
            assert_eq!(serde_json::from_str::<Distinct>(&json).unwrap(), distinct);
        }
    }

    #[test]
    fn survives_its_compact_form() {
        for n in [0, 3, 128, 1_000] {
            let distinct = of(0..n);
            assert_eq!(
                Distinct::from_bytes(&distinct.to_bytes()).unwrap(),
                distinct
            );
        }
        assert!(Distinct::from_bytes(&[0, 1]).is_err());
        assert!(Distinct::from_bytes(&[1, 0, 0]).is_err());
        assert!(Distinct::from_bytes(&[2]).is_err());
    }
}
