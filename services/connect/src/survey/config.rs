//! Which survey is about whom, and which question asks for what.

use std::collections::BTreeMap;

use glob::Pattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems};

use crate::field::Field;
use crate::scale::Scale;

/// A survey of the source.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SurveyConfig {
    /// The platform's id of it.
    pub id: String,
    /// The brand it is about. Default: that of the source.
    pub brand: Option<String>,
    /// The product it is about. Default: none.
    pub product: Option<String>,
    /// The shop or branch it is about. Default: none.
    pub store: Option<String>,
    /// The region it is about. Default: none.
    pub region: Option<String>,
    /// What its questions ask for; looked up before those of the source.
    pub questions: Vec<QuestionConfig>,
}

/// What a question asks for. Questions that none is configured for are kept: answers in words as text, others as attributes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestionConfig {
    /// The question's id or its title, `*` standing for anything: `q12`, `*推荐给朋友*`. The first that fits counts.
    pub question: String,
    /// What it asks for.
    pub kind: QuestionKind,
    /// The scale it is asked on. Default: 0 to 10 for nps, 1 to 5 for csat and scale, 1 to 7 for ces.
    #[serde(default)]
    pub scale: Option<Scale>,
    /// The number on the scale that a worded answer stands for, such as `{非常满意: 5, 满意: 4}`. Default: none.
    #[serde(default)]
    pub labels: BTreeMap<String, f64>,
    /// What it is kept as, for scale and attribute. Default: its title, or else its id.
    #[serde(default)]
    pub name: Option<String>,
}

/// What a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum QuestionKind {
    /// Whether one would recommend it (net promoter): 0 to 10.
    Nps,
    /// How satisfied one is: 1 to 5.
    Csat,
    /// How easy it was: 1 to 7, more is easier.
    Ces,
    /// Something else on a scale: kept as a rating under its name.
    Scale,
    /// Words: analysed.
    Text,
    /// The product it is about.
    Product,
    /// The shop or branch it is about.
    Store,
    /// The region it is about.
    Region,
    /// Kept as an attribute.
    Attribute,
    /// Not kept.
    Ignore,
}

impl QuestionKind {
    /// The field of an event that it fills by itself.
    pub(super) const fn field(self) -> Option<Field> {
        match self {
            QuestionKind::Nps => Some(Field::Nps),
            QuestionKind::Csat => Some(Field::Csat),
            QuestionKind::Ces => Some(Field::Ces),
            QuestionKind::Product => Some(Field::Product),
            QuestionKind::Store => Some(Field::Store),
            QuestionKind::Region => Some(Field::Region),
            _ => None,
        }
    }

    const fn is_number(self) -> bool {
        matches!(
            self,
            QuestionKind::Nps | QuestionKind::Csat | QuestionKind::Ces | QuestionKind::Scale
        )
    }
}

impl QuestionConfig {
    /// What it is matched by: only `*` has a meaning of its own, since titles end in question marks.
    pub(super) fn pattern(&self) -> Result<Pattern, String> {
        let literal = Pattern::escape(self.question.trim()).replace("[*]", "*");
        Pattern::new(&literal).map_err(|error| format!("question: {error}"))
    }
}

impl Check for QuestionConfig {
    fn check(&self, problems: &mut Problems) {
        if self.question.trim().is_empty() {
            problems.add("question", "must be a question's id or title");
        } else if let Err(error) = self.pattern() {
            problems.add("question", error);
        }
        if let Some(scale) = &self.scale {
            problems.within("scale", |problems| scale.check(problems));
        }
        if !self.kind.is_number() && (self.scale.is_some() || !self.labels.is_empty()) {
            problems.add(
                "kind",
                "must be nps, csat, ces or scale where `scale` or `labels` is given",
            );
        }
        if self.labels.values().any(|number| !number.is_finite()) {
            problems.add("labels", "must be numbers");
        }
    }
}

/// Adds what is wrong with the questions of a source and of its surveys.
pub(crate) fn check_questions(
    surveys: &[SurveyConfig],
    questions: &[QuestionConfig],
    problems: &mut Problems,
) {
    let check = |questions: &[QuestionConfig], problems: &mut Problems| {
        for (index, question) in questions.iter().enumerate() {
            problems.within_item("questions", index, |problems| question.check(problems));
        }
    };
    check(questions, problems);
    for (index, survey) in surveys.iter().enumerate() {
        problems.within_item("surveys", index, |problems| {
            if survey.id.trim().is_empty() {
                problems.add("id", "must be given: the platform's id of the survey");
            } else if surveys
                .iter()
                .take(index)
                .any(|other| other.id == survey.id)
            {
                problems.add("id", "is the id of another survey already");
            }
            check(&survey.questions, problems);
        });
    }
}

/// Adds a problem where a survey has no brand, neither of its own nor of the source. `open`: surveys that are not listed
/// are taken as well.
pub(crate) fn check_brands(
    brand: Option<&String>,
    surveys: &[SurveyConfig],
    open: bool,
    problems: &mut Problems,
) {
    let blank = |brand: Option<&String>| brand.is_none_or(|brand| brand.trim().is_empty());
    let covered = !open && !surveys.is_empty() && surveys.iter().all(|s| !blank(s.brand.as_ref()));
    if blank(brand) && !covered {
        problems.add(
            "brand",
            "must be given: whom the surveys are about, where a survey does not say so itself",
        );
    }
}
