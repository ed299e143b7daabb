//! What an answer to a question means is configured, never guessed from its number: scores are typed, words are text, and
//! what nothing is known of is kept as it was.
//!
//! All survey connectors turn a submission into [`Answered`] questions; [`Surveys`] fills the draft from them.

mod config;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use glob::Pattern;
use wensheng_schemas::{Channel, Rating};

pub use config::{QuestionConfig, QuestionKind, SurveyConfig};
pub(crate) use config::{check_brands, check_questions};

use crate::connector::Shared;
use crate::draft::{Draft, DraftRules, shorten};
use crate::field::Field;
use crate::scale::{Scale, range_of};

/// A question and what was answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answered {
    /// The platform's id of the question.
    pub(crate) id: String,
    /// What was asked, where the platform says so.
    pub(crate) title: Option<String>,
    /// The answer, as the platform writes it.
    pub(crate) said: String,
    /// Whether it is in the customer's own words.
    pub(crate) is_words: bool,
    /// The scale that it is given on, where the platform says so: it is for satisfaction unless configured otherwise.
    pub(crate) scale: Option<Scale>,
}

/// Whether an answer of unknown kind can be words: options, their order, counts and percentages are digits and marks, and
/// files are addresses.
pub(crate) fn is_words(said: &str) -> bool {
    let is_mark = |c: char| c.is_ascii_digit() || matches!(c, ',' | '^' | '.' | '-' | '|' | ' ');
    !said.chars().all(is_mark) && !said.starts_with("http")
}

/// What is known of all surveys of a source.
#[derive(Debug, Default)]
pub(crate) struct Surveys {
    surveys: BTreeMap<String, Survey>,
    questions: Vec<Question>,
}

#[derive(Debug)]
struct Survey {
    fields: Vec<(Field, String)>,
    questions: Vec<Question>,
}

#[derive(Debug)]
struct Question {
    asked: Pattern,
    kind: QuestionKind,
    scale: Option<Scale>,
    labels: BTreeMap<String, f64>,
    name: Option<String>,
}

impl Surveys {
    /// Surveys as they are configured.
    pub(crate) fn new(
        surveys: &[SurveyConfig],
        questions: &[QuestionConfig],
    ) -> Result<Self, String> {
        let compiled = surveys.iter().map(|survey| {
            let fields = [
                (Field::Brand, &survey.brand),
                (Field::Product, &survey.product),
                (Field::Store, &survey.store),
                (Field::Region, &survey.region),
            ];
            let fields = fields.into_iter().filter_map(|(field, value)| {
                let value = value.as_ref()?;
                Some((field, value.clone()))
            });
            let survey_of = Survey {
                fields: fields.collect(),
                questions: compile(&survey.questions)?,
            };
            Ok((survey.id.clone(), survey_of))
        });
        Ok(Self {
            surveys: compiled.collect::<Result<_, String>>()?,
            questions: compile(questions)?,
        })
    }

    /// What a source's drafts have in common, and what is known of its surveys.
    pub(crate) fn of_source(
        (name, kind): (&str, &'static str),
        brand: Option<&str>,
        surveys: &[SurveyConfig],
        questions: &[QuestionConfig],
        shared: &Shared,
    ) -> Result<(DraftRules, Self), String> {
        let brand = brand.unwrap_or_default();
        let rules = DraftRules::of_platform(name, kind, brand, Channel::Survey, shared)?;
        Ok((rules, Self::new(surveys, questions)?))
    }

    /// Whether something is configured for a question of this id or title, in all surveys.
    pub(crate) fn knows(&self, question: &str) -> bool {
        let question = question.trim();
        self.questions.iter().any(|q| q.asked.matches(question))
    }

    /// Fills a draft with the answers to `survey`. An answer that cannot be what its question is configured for refuses
    /// the whole, so that it becomes a dead letter and not a score that nobody gave.
    pub(crate) fn fill(
        &self,
        survey: &str,
        answers: &[Answered],
        draft: &mut Draft<'_>,
    ) -> Result<(), String> {
        let survey = self.surveys.get(survey);
        for (field, value) in survey.iter().flat_map(|survey| &survey.fields) {
            draft.set(*field, value.clone());
        }
        let own = survey.iter().flat_map(|survey| &survey.questions);
        let questions: Vec<&Question> = own.chain(&self.questions).collect();
        let unasked = Question {
            asked: Pattern::default(),
            kind: QuestionKind::Csat,
            scale: None,
            labels: BTreeMap::new(),
            name: None,
        };
        let mut words = Vec::new();
        for answer in answers {
            let said = answer.said.trim();
            if said.is_empty() {
                continue;
            }
            let question = questions
                .iter()
                .copied()
                .find(|question| question.asks(answer));
            let kind = match question {
                Some(question) => question.kind,
                None if answer.scale.is_some() => QuestionKind::Csat,
                None if answer.is_words => QuestionKind::Text,
                None => QuestionKind::Attribute,
            };
            let name = || {
                let configured = question.and_then(|question| question.name.clone());
                configured.unwrap_or_else(|| {
                    let title = answer.title.as_deref().unwrap_or(&answer.id);
                    shorten(title).into_owned()
                })
            };
            match (kind, kind.field()) {
                (QuestionKind::Text, _) => words.push(said),
                (QuestionKind::Ignore, _) => {}
                // Of two questions for one thing the first counts, and the other is kept beside it.
                (_, Some(field)) if draft.has(field) && range_of(field).is_some() => {
                    draft.attribute(name(), said);
                }
                (_, Some(field)) => {
                    let value = match range_of(field) {
                        Some(range) => question.unwrap_or(&unasked).score(answer, range)?,
                        None => said.to_owned(),
                    };
                    draft.set(field, value);
                }
                (QuestionKind::Scale, None) => {
                    if let Some(question) = question {
                        draft.rate(name(), question.rating(answer)?);
                    }
                }
                _ => draft.attribute(name(), said),
            }
        }
        if !words.is_empty() {
            draft.add_words(&words.join("\n"));
        }
        Ok(())
    }
}

fn compile(questions: &[QuestionConfig]) -> Result<Vec<Question>, String> {
    let compiled = questions.iter().map(|question| {
        Ok(Question {
            asked: question.pattern()?,
            kind: question.kind,
            scale: question.scale,
            labels: question.labels.clone(),
            name: question.name.clone(),
        })
    });
    compiled.collect()
}

impl Question {
    fn asks(&self, answer: &Answered) -> bool {
        let title = answer.title.as_deref().map(str::trim);
        self.asked.matches(&answer.id) || title.is_some_and(|title| self.asked.matches(title))
    }

    /// The answer on its own scale, and that scale: the configured one, or the one the platform says, or else `usual`.
    fn number(&self, answer: &Answered, usual: (i32, i32)) -> Result<(f64, Scale), String> {
        let (from, to) = usual;
        let plain = Scale {
            from,
            to,
            reversed: false,
        };
        let told = self.scale.or(answer.scale);
        let scale = told.unwrap_or(plain);
        let said = answer.said.trim();
        let number = match self.labels.get(said) {
            Some(number) => Some(*number),
            None => said.parse().ok(),
        };
        number
            .filter(|number| (f64::from(scale.from)..=f64::from(scale.to)).contains(number))
            // Where nothing says what lies between two points, there is nothing.
            .filter(|number| {
                told.is_some() || number.fract() == 0.0 || self.kind == QuestionKind::Scale
            })
            .map(|number| (number, scale))
            .ok_or_else(|| {
                format!(
                    "question {} is answered {:?}, but must be from {} to {}; mend its `scale` in `questions`, or say in its `labels` which words are which number",
                    shorten(answer.title.as_deref().unwrap_or(&answer.id)),
                    shorten(said),
                    scale.from,
                    scale.to
                )
            })
    }

    fn score(&self, answer: &Answered, range: (i32, i32)) -> Result<String, String> {
        let (number, scale) = self.number(answer, range)?;
        let score = scale.onto(&number.to_string(), range.0, range.1);
        Ok(score.map(|score| score.to_string()).unwrap_or_default())
    }

    fn rating(&self, answer: &Answered) -> Result<Rating, String> {
        let (number, scale) = self.number(answer, (1, 5))?;
        let value = match scale.reversed {
            true => f64::from(scale.from) + f64::from(scale.to) - number,
            false => number,
        };
        Ok(Rating {
            value,
            from: scale.from,
            to: scale.to,
        })
    }
}
