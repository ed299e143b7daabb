//! Which aspect of a car a text is about, by a trained classifier that says nothing where it is not sure: drivers seldom name what they
//! judge (百公里八个多 is fuel).

use std::path::Path;

use serde::Serialize;

use crate::classifier::Classifier;
use crate::error::TextError;
use crate::feature::Runs;
use crate::labelled::read_classes;
use crate::letters::Letters;
use crate::normalize::Normalizer;
use crate::ontology::{AspectFinder, Ontology};
use crate::teach::{Labelled, TeachOptions, mean_f1, teach};

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
/// An aspect less sure than this is not told.
const SURE: f32 = 0.5;

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

    /// The id of the aspect that a normalised text is about, where that is sure enough.
    pub fn read(&self, normalized: &str) -> Option<&'static str> {
        let mut runs = Runs::default();
        runs.read(normalized);
        self.judge(&runs)
    }

    /// The same of the runs of a text.
    pub(crate) fn judge(&self, runs: &Runs) -> Option<&'static str> {
        let (class, confidence) = self.0.choose(runs)?;
        (confidence >= SURE).then_some(ASPECTS[class].0)
    }
}

/// Texts whose aspect is known, by its number.
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
    let row = |(text, class): &(String, usize)| Labelled {
        text: text.clone(),
        class: *class,
    };
    let rows: Vec<Labelled> = rows.iter().map(row).collect();
    let names = ASPECTS.map(|(id, _)| id.to_owned()).to_vec();
    teach(&rows, names, options, normalizer).map(CarModel)
}

/// Macro-F1 over the ten aspects of three ways to name the aspect of a row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CarScores {
    /// Rows scored. A text that judges two aspects is two rows, of which one answer can meet one only.
    pub rows: usize,
    /// Share of the rows that the model names rightly.
    pub accuracy: f32,
    /// Of the model.
    pub macro_f1: f32,
    /// F1 of each aspect.
    pub f1: Vec<(&'static str, f32)>,
    /// Macro-F1 where an answer that names any aspect of the text counts as right.
    pub macro_f1_any: f32,
    /// Macro-F1 of always naming the most frequent aspect.
    pub majority: f32,
    /// Macro-F1 of naming the aspect whose words stand in the text most often, the most frequent aspect without any.
    pub keywords: f32,
}

/// Scores a model on rows that it was not trained on.
///
/// # Errors
/// Only where the shipped ontology is wrong, which a test rules out.
pub fn evaluate_car_aspects(
    model: &CarModel,
    rows: &[(String, usize)],
    normalizer: &Normalizer,
) -> Result<CarScores, TextError> {
    let finder = AspectFinder::new(&car_ontology()?, normalizer);
    let mut counts = [[[0u32; 3]; ASPECTS.len()]; 4];
    let mut count = |way: usize, truth: usize, said: usize| {
        counts[way][truth][1] += 1;
        counts[way][said][2] += 1;
        counts[way][said][0] += u32::from(said == truth);
    };
    let mut all_of: rustc_hash::FxHashMap<&str, Vec<usize>> = rustc_hash::FxHashMap::default();
    for (text, truth) in rows {
        all_of.entry(text.trim()).or_default().push(*truth);
    }
    let mut runs = Runs::default();
    for (text, truth) in rows {
        let normalized = normalizer.text(text, 65_536);
        runs.read(&normalized);
        let said = model.0.choose(&runs).map_or(0, |(class, _)| class);
        count(0, *truth, said);
        let any = all_of
            .get(text.trim())
            .is_some_and(|all| all.contains(&said));
        count(1, *truth, if any { *truth } else { said });
        count(2, *truth, 0);
        let mut words = [0u32; ASPECTS.len()];
        for mention in finder.find(&normalized, &Letters::of(&normalized)) {
            words[mention.aspect] += 1;
        }
        let most = (0..words.len()).rev().max_by_key(|a| words[*a]);
        count(3, *truth, most.unwrap_or(0));
    }
    let right: u32 = counts[0].iter().map(|c| c[0]).sum();
    Ok(CarScores {
        rows: rows.len(),
        accuracy: right as f32 / rows.len().max(1) as f32,
        macro_f1: mean_f1(&counts[0]),
        f1: ASPECTS
            .iter()
            .zip(counts[0])
            .map(|((id, _), c)| (*id, mean_f1(&[c])))
            .collect(),
        macro_f1_any: mean_f1(&counts[1]),
        majority: mean_f1(&counts[2]),
        keywords: mean_f1(&counts[3]),
    })
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
        assert_eq!(read("百公里八个油，挺省"), Some("car_fuel"));
        assert_eq!(read("过弯很稳，方向盘轻"), Some("car_handling"));
        // What is not sure is not told.
        assert_eq!(read("起步肉，超车费劲"), None);
        assert_eq!(read(""), None);
    }
}
