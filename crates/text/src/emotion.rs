//! What the writer feels, of six classes, by a trained classifier that says nothing where it is not sure.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::classifier::Classifier;
use crate::error::TextError;
use crate::feature::Runs;
use crate::fit::{Labelled, Link};
use crate::judge::with_runs;
use crate::labelled::read_classes;
use crate::normalize::Normalizer;
use crate::teach::{TeachOptions, mean_f1, teach};

/// What the writer feels.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Emotion {
    /// Glad, thankful, amused.
    Happy,
    /// Enraged, annoyed, indignant.
    Angry,
    /// Grieved, disappointed, tired.
    Sad,
    /// Afraid, worried.
    Fear,
    /// Astonished, for better or worse.
    Surprise,
    /// Tells without feeling.
    Neutral,
}

impl Emotion {
    /// All, in the order of the classifier's classes.
    pub const ALL: [Self; 6] = [
        Self::Happy,
        Self::Angry,
        Self::Sad,
        Self::Fear,
        Self::Surprise,
        Self::Neutral,
    ];

    /// Its name in lower case, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Happy => "happy",
            Self::Angry => "angry",
            Self::Sad => "sad",
            Self::Fear => "fear",
            Self::Surprise => "surprise",
            Self::Neutral => "neutral",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.as_str() == name)
    }
}

/// An emotion and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EmotionVerdict {
    /// The likeliest emotion.
    pub label: Emotion,
    /// Its probability, 0 to 1, true to the frequencies on held-out posts.
    pub confidence: f32,
}

/// The trained reading of emotions.
#[derive(Debug, Clone)]
pub struct EmotionModel(Classifier);

impl EmotionModel {
    /// The shipped model.
    ///
    /// # Errors
    /// Only where the shipped file is damaged, which a test rules out.
    pub fn embedded() -> Result<Self, TextError> {
        Self::from_bytes(include_bytes!("../models/emotion.bin"))
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TextError> {
        let classifier = Classifier::from_bytes(bytes)?;
        let names = classifier.classes().iter().map(String::as_str);
        if !names.eq(Emotion::ALL.map(Emotion::as_str)) {
            return Err(TextError::Model {
                what: classifier.version().to_string(),
                reason: "it is no model of emotions".to_owned(),
            });
        }
        Ok(Self(classifier))
    }

    /// The bytes of the model file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    /// Its name and date.
    pub fn version(&self) -> &str {
        self.0.version()
    }

    /// Reads a normalised text; `None` for an empty one.
    pub fn read(&self, normalized: &str) -> Option<EmotionVerdict> {
        with_runs(normalized, |runs| self.judge(runs))
    }

    /// Judges the runs of a text; `None` for an empty one.
    pub(crate) fn judge(&self, runs: &Runs) -> Option<EmotionVerdict> {
        let (class, confidence) = self.0.choose(runs)?;
        let label = *Emotion::ALL.get(class)?;
        Some(EmotionVerdict { label, confidence })
    }
}

/// How well a model names emotions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EmotionScores {
    /// Rows scored.
    pub rows: usize,
    /// Share of the rows named rightly.
    pub accuracy: f32,
    /// Mean of the F1 of the six.
    pub macro_f1: f32,
    /// F1 of each.
    pub f1: Vec<(Emotion, f32)>,
    /// Mean distance between confidence and accuracy, over ten bins weighted by their rows (expected calibration error).
    pub calibration_error: f32,
}

/// Texts whose emotion is known.
pub type EmotionRows = Vec<(String, Emotion)>;

/// Reads a CSV file with a header and the columns `emotion` and `text`.
///
/// # Errors
/// The file cannot be read, or the first row that is wrong with its line.
pub fn read_emotions(path: &Path) -> Result<EmotionRows, TextError> {
    read_classes(path, "emotion", |name| {
        Emotion::parse(name).ok_or_else(|| format!("{name:?} is no emotion"))
    })
}

/// Trains a model of emotions.
///
/// # Errors
/// Options out of range, or an emotion without rows.
pub fn train_emotions(
    rows: &[(String, Emotion)],
    options: &TeachOptions,
    normalizer: &Normalizer,
) -> Result<EmotionModel, TextError> {
    let row = |(text, emotion): &(String, Emotion)| Labelled {
        text: text.clone(),
        classes: vec![*emotion as usize],
    };
    let rows: Vec<Labelled> = rows.iter().map(row).collect();
    let names = Emotion::ALL.map(|e| e.as_str().to_owned()).to_vec();
    teach(&rows, names, Link::Softmax, options, normalizer).map(EmotionModel)
}

/// Scores a model on rows that it was not trained on.
pub fn evaluate_emotions(
    model: &EmotionModel,
    rows: &[(String, Emotion)],
    normalizer: &Normalizer,
) -> EmotionScores {
    let mut counts = [[0u32; 3]; 6];
    let mut bins = [[0.0f32; 3]; 10];
    for (text, truth) in rows {
        let text = normalizer.normalize(text, 65_536).text;
        let verdict = model.read(&text).unwrap_or(EmotionVerdict {
            label: Emotion::Neutral,
            confidence: 0.0,
        });
        let right = verdict.label == *truth;
        counts[*truth as usize][1] += 1;
        counts[verdict.label as usize][2] += 1;
        counts[*truth as usize][0] += u32::from(right);
        let bin = &mut bins[((verdict.confidence * 10.0) as usize).min(9)];
        bin[0] += 1.0;
        bin[1] += verdict.confidence;
        bin[2] += f32::from(u8::from(right));
    }
    let all = rows.len().max(1) as f32;
    EmotionScores {
        rows: rows.len(),
        accuracy: counts.iter().map(|c| c[0]).sum::<u32>() as f32 / all,
        macro_f1: mean_f1(&counts),
        f1: Emotion::ALL
            .iter()
            .map(|e| (*e, mean_f1(&[counts[*e as usize]])))
            .collect(),
        calibration_error: bins.iter().map(|b| (b[1] - b[2]).abs()).sum::<f32>() / all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> EmotionVerdict {
        let text = Normalizer::new().normalize(text, 1000).text;
        EmotionModel::embedded().unwrap().read(&text).unwrap()
    }

    #[test]
    fn the_shipped_model_knows_plain_cases() {
        for (text, label) in [
            ("今天收到礼物好开心呀哈哈哈", Emotion::Happy),
            ("这什么垃圾客服，气死我了，滚", Emotion::Angry),
            ("又一个人过生日，好难过，想哭", Emotion::Sad),
            ("半夜听到怪声，吓死我了，好害怕", Emotion::Fear),
        ] {
            assert_eq!(read(text).label, label, "{text}");
        }
    }

    #[test]
    fn the_shipped_model_is_small() {
        assert!(include_bytes!("../models/emotion.bin").len() <= 2_000_000);
    }

    #[test]
    fn confidence_is_a_probability_and_an_empty_text_has_no_emotion() {
        let sure = read("哈哈哈").confidence;
        assert!((1.0 / 6.0..=1.0).contains(&sure), "{sure}");
        assert_eq!(EmotionModel::embedded().unwrap().read(""), None);
    }

    #[test]
    fn a_classifier_of_other_classes_is_refused() {
        let mut bytes = EmotionModel::embedded().unwrap().to_bytes();
        let at = bytes.windows(5).position(|w| w == b"happy").unwrap();
        bytes[at] = b'x';
        assert!(EmotionModel::from_bytes(&bytes).is_err());
    }
}
