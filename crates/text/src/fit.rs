//! Weights of a classifier from rows: the same for the same rows, options and order.
//!
//! Each place of the table goes to one feature, the one that says most of those that fall there; the others, and features of one text
//! only, count for nothing, at training as at use.

use crate::classifier::{Weights, likeliest, tag_of};
use crate::feature::{Runs, bucket_of};
use crate::normalize::Normalizer;
use crate::teach::TeachOptions;
use crate::train::{Chance, shuffled};

/// As the analyser reads by default.
const MAX_CHARS: usize = 65_536;

/// A text whose classes are known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Labelled {
    /// The text as it was written.
    pub(crate) text: String,
    /// The numbers of its classes, each once; one alone under [`Link::Softmax`].
    pub(crate) classes: Vec<usize>,
}

/// How the sums of the classes become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// A text has one class: the likeliest.
    Softmax,
    /// A text has any number of classes: those whose sum is above 0.
    Logistic,
}

impl Link {
    /// From the sums of a row to their errors: probability less truth.
    fn errors(self, odds: &mut [f32], classes: &[usize], smoothing: f32) {
        match self {
            Self::Softmax => {
                let (best, share) = likeliest(odds);
                let highest = odds[best];
                odds.iter_mut()
                    .for_each(|o| *o = (*o - highest).exp() * share);
            }
            Self::Logistic => {
                odds.iter_mut().for_each(|o| *o = 1.0 / (1.0 + (-*o).exp()));
            }
        }
        let spread = smoothing / odds.len() as f32;
        odds.iter_mut().for_each(|o| *o -= spread);
        classes
            .iter()
            .for_each(|class| odds[*class] -= 1.0 - smoothing);
    }

    /// Whether each class is told of a text with these sums.
    pub(crate) fn told(self, odds: &[f32], told: &mut [bool]) {
        match self {
            Self::Softmax => {
                told.fill(false);
                told[likeliest(odds).0] = true;
            }
            Self::Logistic => {
                let each = told.iter_mut().zip(odds);
                each.for_each(|(told, odd)| *told = *odd > 0.0);
            }
        }
    }
}

/// The features of every row.
pub(crate) struct Encoded {
    features: Vec<u64>,
    /// Where each row's features end.
    ends: Vec<usize>,
}

impl Encoded {
    pub(crate) fn new(rows: &[Labelled], normalizer: &Normalizer) -> Self {
        let mut this = Self {
            features: Vec::new(),
            ends: Vec::with_capacity(rows.len()),
        };
        let mut runs = Runs::default();
        for row in rows {
            runs.read(&normalizer.text(&row.text, MAX_CHARS));
            this.features.extend_from_slice(runs.distinct());
            this.ends.push(this.features.len());
        }
        this
    }

    /// The features of a row.
    pub(crate) fn row(&self, at: usize) -> &[u64] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.features[start..self.ends[at]]
    }
}

/// Which feature each place of the table is for.
struct Held {
    tags: Vec<u8>,
    /// How large the value of each place is, 0 where it is for none.
    scales: Vec<f32>,
}

impl Held {
    /// The places by the rows `chosen`. The scale of a feature is the floor and the largest log ratio of its share of a class against its
    /// share of the others; what a feature says is its scale by the square root of its rows.
    fn new(
        encoded: &Encoded,
        rows: &[Labelled],
        chosen: &[usize],
        classes: usize,
        options: &TeachOptions,
    ) -> Self {
        let mut totals = vec![0u32; classes];
        let mut found: Vec<(u64, usize)> = Vec::new();
        for at in chosen {
            let classes = &rows[*at].classes;
            classes.iter().for_each(|class| totals[*class] += 1);
            found.extend(encoded.row(*at).iter().map(|f| (*f, *at)));
        }
        found.sort_unstable();
        let width = options.buckets as usize;
        let mut this = Self {
            tags: vec![0; width],
            scales: vec![0.0; width],
        };
        let mut said = vec![0.0f32; width];
        let mut holds = vec![0u32; classes];
        let all = chosen.len() as f32;
        for same in found.chunk_by(|a, b| a.0 == b.0).filter(|s| s.len() > 1) {
            holds.fill(0);
            let classes = same.iter().flat_map(|(_, at)| &rows[*at].classes);
            classes.for_each(|class| holds[*class] += 1);
            let seen = same.len() as f32;
            let ratio = |(n, total): (&u32, &u32)| {
                let (n, total) = (*n as f32, *total as f32);
                let inside = (n + 1.0) / (total + 2.0);
                let outside = (seen - n + 1.0) / (all - total + 2.0);
                (inside / outside).ln().abs()
            };
            let largest = holds.iter().zip(&totals).map(ratio).fold(0.0, f32::max);
            let scale = options.floor + largest;
            let says = scale * seen.sqrt();
            let feature = same[0].0;
            let at = bucket_of(feature, options.buckets);
            if says > said[at] {
                said[at] = says;
                this.scales[at] = scale;
                this.tags[at] = tag_of(feature);
            }
        }
        this
    }

    fn place(&self, feature: u64) -> Option<usize> {
        let at = bucket_of(feature, self.tags.len() as u32);
        (self.scales[at] > 0.0 && self.tags[at] == tag_of(feature)).then_some(at)
    }
}

impl Weights {
    /// The sums of the classes of a text of these features.
    pub(crate) fn sums(&self, features: &[u64], odds: &mut [f32]) {
        let classes = odds.len();
        odds.fill(0.0);
        for feature in features {
            let at = bucket_of(*feature, self.buckets);
            if self.tags[at] == tag_of(*feature) {
                let row = &self.rows[at * classes..][..classes];
                odds.iter_mut().zip(row).for_each(|(o, w)| *o += w);
            }
        }
        finish(odds, &self.bias, value(features.len()));
    }
}

/// The value of each of so many features.
fn value(features: usize) -> f32 {
    (features.max(1) as f32).sqrt().recip()
}

/// From the sums of the weights to the sums of the classes.
fn finish(odds: &mut [f32], bias: &[f32], value: f32) {
    let each = odds.iter_mut().zip(bias);
    each.for_each(|(o, b)| *o = *o * value + b);
}

/// Fits weights to the rows `chosen`.
pub(crate) fn fit(
    encoded: &Encoded,
    rows: &[Labelled],
    chosen: &[usize],
    classes: usize,
    link: Link,
    options: &TeachOptions,
) -> Weights {
    let held = Held::new(encoded, rows, chosen, classes, options);
    let mut mean = Weights {
        buckets: options.buckets,
        tags: Vec::new(),
        rows: vec![0.0; options.buckets as usize * classes],
        bias: vec![0.0; classes],
    };
    let averaged = options.epochs.div_ceil(2);
    let part = ((averaged * options.orders) as f32).recip();
    let mut chance = Chance::default();
    for _ in 0..options.orders {
        let order = shuffled(chosen.len(), &mut chance);
        let mut steps = Steps::new(&held, classes, link, options);
        for pass in 0..options.epochs {
            for at in order.iter().map(|n| chosen[*n]) {
                steps.take(encoded.row(at), &rows[at].classes);
            }
            if pass + averaged >= options.epochs {
                let sums = mean.rows.iter_mut().chain(&mut mean.bias);
                for (sum, weight) in sums.zip(steps.weights.iter().chain(&steps.bias)) {
                    *sum += weight * part;
                }
            }
        }
    }
    for (row, scale) in mean.rows.chunks_exact_mut(classes).zip(&held.scales) {
        row.iter_mut().for_each(|w| *w *= scale);
    }
    mean.tags = held.tags;
    mean
}

/// AdaGrad over one order of the rows.
struct Steps<'a> {
    held: &'a Held,
    link: Link,
    options: &'a TeachOptions,
    weights: Vec<f32>,
    squares: Vec<f32>,
    bias: Vec<f32>,
    bias_squares: Vec<f32>,
    /// Room for the places of a row and the sums of the classes.
    places: Vec<usize>,
    odds: Vec<f32>,
}

impl<'a> Steps<'a> {
    fn new(held: &'a Held, classes: usize, link: Link, options: &'a TeachOptions) -> Self {
        let cells = held.tags.len() * classes;
        Self {
            held,
            link,
            options,
            weights: vec![0.0; cells],
            squares: vec![1e-3; cells],
            bias: vec![0.0; classes],
            bias_squares: vec![1.0; classes],
            places: Vec::new(),
            odds: vec![0.0; classes],
        }
    }

    /// One step for a row of these features and classes.
    fn take(&mut self, features: &[u64], truth: &[usize]) {
        if features.is_empty() {
            return;
        }
        let (classes, rate) = (self.odds.len(), self.options.rate);
        let value = value(features.len());
        self.places.clear();
        let places = features.iter().filter_map(|f| self.held.place(*f));
        self.places.extend(places);
        self.odds.fill(0.0);
        for place in &self.places {
            let scale = self.held.scales[*place];
            let row = &self.weights[place * classes..][..classes];
            let each = self.odds.iter_mut().zip(row);
            each.for_each(|(o, w)| *o += w * scale);
        }
        finish(&mut self.odds, &self.bias, value);
        self.link
            .errors(&mut self.odds, truth, self.options.smoothing);
        for (c, error) in self.odds.iter().enumerate() {
            self.bias_squares[c] += error * error;
            self.bias[c] -= rate * 0.1 * error / self.bias_squares[c].sqrt();
        }
        for place in &self.places {
            let scale = self.held.scales[*place];
            let cells = place * classes..(place + 1) * classes;
            let weights = self.weights[cells.clone()].iter_mut();
            let squares = self.squares[cells].iter_mut();
            for ((weight, square), error) in weights.zip(squares).zip(&self.odds) {
                let gradient = error * value * scale + self.options.decay * *weight;
                *square += gradient * gradient;
                *weight -= rate * gradient / square.sqrt();
            }
        }
    }
}
