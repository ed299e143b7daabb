//! Which aspects of a car a text judges, by a trained classifier with a head for each, which says nothing where none is sure: drivers
//! seldom name what they judge (百公里八个多 is fuel).

use std::path::Path;

use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::classifier::Classifier;
use crate::error::TextError;
use crate::feature::Runs;
use crate::fit::{Labelled, Link};
use crate::judge::with_runs;
use crate::labelled::read_classes;
use crate::letters::Letters;
use crate::normalize::Normalizer;
use crate::ontology::{AspectFinder, Ontology};
use crate::teach::{TeachOptions, count, mean_f1, teach};

/// The ids of the aspects of `ontology/cars.yaml`, and how the training rows call them.
const ASPECTS: [(&str, &str); 10] = [
    ("car_power", "动力"),
    ("car_price", "价格"),
    ("car_fuel", "油耗"),
    ("car_handling", "操控"),
    ("car_comfort", "舒适性"),
    ("car_equipment", "配置"),
    ("car_safety", "安全性"),
    ("car_interior", "内饰"),
    ("car_exterior", "外观"),
    ("car_space", "空间"),
];

/// What drivers judge, with its words.
///
/// # Errors
/// Only where the shipped file is wrong, which a test rules out.
pub fn car_ontology() -> Result<Ontology, TextError> {
    Ontology::from_yaml(include_str!("../ontology/cars.yaml"))
}

/// The trained reading of car aspects.
#[derive(Debug, Clone)]
pub struct CarModel(Classifier);

impl CarModel {
    /// The shipped model.
    ///
    /// # Errors
    /// Only where the shipped file is damaged, which a test rules out.
    pub fn embedded() -> Result<Self, TextError> {
        Self::from_bytes(include_bytes!("../models/car_aspects.bin"))
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TextError> {
        let classifier = Classifier::from_bytes(bytes)?;
        let names = classifier.classes().iter().map(String::as_str);
        if !names.eq(ASPECTS.map(|(id, _)| id)) {
            return Err(TextError::Model {
                what: classifier.version().to_string(),
                reason: "it is no model of car aspects".to_owned(),
            });
        }
        Ok(Self(classifier))
    }

    /// The bytes of the model file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    /// The ids of the aspects that a normalised text judges, the surest first; none where none is sure enough.
    pub fn read(&self, normalized: &str) -> Vec<&'static str> {
        with_runs(normalized, |runs| self.judge(runs).collect())
    }

    /// The same of the runs of a text.
    pub(crate) fn judge(&self, runs: &Runs) -> impl Iterator<Item = &'static str> {
        let ranked = self.0.ranked(runs).into_iter();
        let told = ranked.take_while(|(_, odds)| *odds > 0.0);
        told.map(|(class, _)| ASPECTS[class].0)
    }
}

/// Texts and an aspect that each judges, by its number; a text that judges two is two rows.
pub type CarRows = Vec<(String, usize)>;

/// Reads a CSV file with a header and the columns `aspect` (动力, 价格, …) and `text`.
///
/// # Errors
/// The file cannot be read, or the first row that is wrong with its line.
pub fn read_car_aspects(path: &Path) -> Result<CarRows, TextError> {
    read_classes(path, "aspect", |name| {
        let known = ASPECTS.iter().position(|(_, zh)| *zh == name);
        known.ok_or_else(|| format!("{name:?} is no aspect of a car"))
    })
}

/// Trains a model of car aspects.
///
/// # Errors
/// Options out of range, or an aspect without rows.
pub fn train_car_aspects(
    rows: &[(String, usize)],
    options: &TeachOptions,
    normalizer: &Normalizer,
) -> Result<CarModel, TextError> {
    let rows: Vec<Labelled> = by_text(rows)
        .into_iter()
        .map(|(text, aspects)| {
            let mut classes = aspects;
            classes.sort_unstable();
            classes.dedup();
            let text = text.to_owned();
            Labelled { text, classes }
        })
        .collect();
    let names = ASPECTS.map(|(id, _)| id.to_owned()).to_vec();
    teach(&rows, names, Link::Logistic, options, normalizer).map(CarModel)
}

/// Every text once, in the order of the rows, with the aspects of its rows.
fn by_text(rows: &[(String, usize)]) -> Vec<(&str, Vec<usize>)> {
    let mut places: FxHashMap<&str, usize> = FxHashMap::default();
    let mut texts: Vec<(&str, Vec<usize>)> = Vec::new();
    for (text, aspect) in rows {
        let text = text.trim();
        let at = *places.entry(text).or_insert(texts.len());
        match texts.get_mut(at) {
            Some((_, aspects)) => aspects.push(*aspect),
            None => texts.push((text, vec![*aspect])),
        }
    }
    texts
}

/// Macro-F1 over the ten aspects of a model and of two ways that need no training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Compared {
    /// Of the model.
    pub model: f32,
    /// Of naming the aspects whose words stand in the text; where one is to be named, that whose words stand there most often. The most
    /// frequent aspect where there are none.
    pub keywords: f32,
    /// Of always naming the most frequent aspect.
    pub majority: f32,
}

/// How well a model names the aspects of texts, each of which judges one at least.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CarScores {
    /// Rows scored: a text and one of its aspects.
    pub rows: usize,
    /// Distinct texts among them.
    pub texts: usize,
    /// Of the aspects that a text judges against all those that are named of it, over texts; the likeliest is named where none is sure.
    pub sets: Compared,
    /// F1 of each aspect by the model in `sets`.
    pub f1: Vec<(&'static str, f32)>,
    /// As `sets`, of the model as [`CarModel::read`] tells them: none where none is sure.
    pub told: f32,
    /// Over rows, of one answer to each text: of a text that judges two aspects one row at least is answered wrongly.
    pub single: Compared,
    /// As `single`, of the model, where an answer that names any aspect of the text is right for all its rows.
    pub single_any: f32,
    /// Share of the rows that the one answer of the model names rightly.
    pub accuracy: f32,
}

/// What was counted of each aspect, as [`mean_f1`] reads it.
type Counts = [[u32; 3]; ASPECTS.len()];

/// Scores a model on rows that it was not trained on.
///
/// # Errors
/// Only where the shipped ontology is wrong, which a test rules out.
pub fn evaluate_car_aspects(
    model: &CarModel,
    rows: &[(String, usize)],
    normalizer: &Normalizer,
) -> Result<CarScores, TextError> {
    let finder = AspectFinder::new(&car_ontology()?, normalizer)?;
    let texts = by_text(rows);
    // Of the model, the words and the majority.
    let mut sets = [Counts::default(); 3];
    let mut single = [Counts::default(); 3];
    let (mut told, mut any) = (Counts::default(), Counts::default());
    let mut runs = Runs::default();
    for (text, truth) in &texts {
        let normalized = normalizer.text(text, 65_536);
        runs.read(&normalized);
        let ranked = model.0.ranked(&runs);
        let mut named = [[false; ASPECTS.len()]; 3];
        for (aspect, odds) in &ranked {
            named[0][*aspect] = *odds > 0.0;
        }
        let mut distinct = truth.clone();
        distinct.sort_unstable();
        distinct.dedup();
        count(&mut told, &distinct, &named[0]);
        let mut words = [0u32; ASPECTS.len()];
        for mention in finder.find(&normalized, &Letters::of(&normalized), &[]) {
            words[mention.aspect] += 1;
        }
        named[1] = words.map(|n| n > 0);
        let most = (0..words.len()).rev().max_by_key(|a| words[*a]);
        let first = ranked.first().map_or(0, |(aspect, _)| *aspect);
        let answers = [first, most.unwrap_or(0), 0];
        for (way, answer) in answers.into_iter().enumerate() {
            named[way][answer] = true;
            count(&mut sets[way], &distinct, &named[way]);
            for aspect in truth {
                count_row(&mut single[way], *aspect, answer);
            }
        }
        for aspect in truth {
            let hit = truth.contains(&first);
            count_row(&mut any, *aspect, if hit { *aspect } else { first });
        }
    }
    let right: u32 = single[0].iter().map(|c| c[0]).sum();
    Ok(CarScores {
        rows: rows.len(),
        texts: texts.len(),
        sets: compared(&sets),
        f1: ASPECTS
            .iter()
            .zip(sets[0])
            .map(|((id, _), c)| (*id, mean_f1(&[c])))
            .collect(),
        told: mean_f1(&told),
        single: compared(&single),
        single_any: mean_f1(&any),
        accuracy: right as f32 / rows.len().max(1) as f32,
    })
}

fn count_row(counts: &mut Counts, truth: usize, said: usize) {
    counts[truth][1] += 1;
    counts[said][2] += 1;
    counts[said][0] += u32::from(said == truth);
}

fn compared([model, keywords, majority]: &[Counts; 3]) -> Compared {
    Compared {
        model: mean_f1(model),
        keywords: mean_f1(keywords),
        majority: mean_f1(majority),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_are_the_aspects_of_the_shipped_ontology() {
        let ontology = car_ontology().unwrap();
        let ids = ontology.aspects.iter().map(|a| a.id.as_ref());
        assert!(ids.eq(ASPECTS.map(|(id, _)| id)));
    }

    #[test]
    fn what_is_judged_is_known_without_its_name() {
        let model = CarModel::embedded().unwrap();
        let read = |text| model.read(&Normalizer::new().text(text, 100));
        assert_eq!(read("百公里八个油，挺省"), ["car_fuel"]);
        assert_eq!(read("过弯很稳，方向盘轻"), ["car_handling"]);
        assert!(read("").is_empty());
    }
}
