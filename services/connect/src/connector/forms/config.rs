//! Whose surveys, and what pushes are signed with.

use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, Secret};

use super::dialect::Dialect;
use super::push::FormsPush;
use crate::connector::{Connector, Input, Shared};
use crate::push::check_max_body;
use crate::survey::{QuestionConfig, SurveyConfig, Surveys, check_brands, check_questions};

/// Answers to surveys, pushed to `/ingest/{name}` and signed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, bound = "")]
#[schemars(rename = "{D}Config", bound = "D: JsonSchema")]
pub struct FormsConfig<D> {
    /// The source's name; part of its address and of every event's id.
    pub name: String,
    /// The brand that the surveys are about, where a survey does not say so itself.
    pub brand: Option<String>,
    /// The secrets that pushes are signed with; a signature by any of them is good, so that they can be changed one after
    /// the other. `whsec_…`, or for typeform the text that was set there.
    pub secrets: Vec<Secret>,
    /// What is known of surveys, by the tool's ids of them. Default: nothing; surveys that are not listed are taken, too.
    pub surveys: Vec<SurveyConfig>,
    /// What questions ask for, in all surveys.
    pub questions: Vec<QuestionConfig>,
    /// No push may be longer, in bytes. Default: 4194304 (4 MiB).
    pub max_body_bytes: usize,
    #[serde(skip)]
    #[schemars(skip)]
    dialect: PhantomData<D>,
}

impl<D> Default for FormsConfig<D> {
    fn default() -> Self {
        Self {
            name: String::new(),
            brand: None,
            secrets: Vec::new(),
            surveys: Vec::new(),
            questions: Vec::new(),
            max_body_bytes: 4 << 20,
            dialect: PhantomData,
        }
    }
}

impl<D: Dialect> Check for FormsConfig<D> {
    fn check(&self, problems: &mut Problems) {
        check_brands(self.brand.as_ref(), &self.surveys, true, problems);
        check_questions(&self.surveys, &self.questions, problems);
        if self.secrets.is_empty() {
            problems.add("secrets", "must be given: what pushes are signed with");
        }
        for (index, secret) in self.secrets.iter().enumerate() {
            problems.within_item("secrets", index, |problems| {
                if let Err(error) = D::key(secret.expose()) {
                    problems.add("", error);
                }
            });
        }
        check_max_body(self.max_body_bytes, problems);
    }
}

impl<D: Dialect> Connector for FormsConfig<D> {
    fn kind(&self) -> &'static str {
        D::KIND
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn needs_pseudonyms(&self) -> bool {
        false
    }

    fn build(&self, shared: &Shared) -> Result<Input, String> {
        let (rules, surveys) = Surveys::of_source(
            (&self.name, D::KIND),
            self.brand.as_deref(),
            &self.surveys,
            &self.questions,
            shared,
        )?;
        let keys = self.secrets.iter().map(|secret| D::key(secret.expose()));
        Ok(Input::Push(Box::new(FormsPush::<D> {
            keys: keys.collect::<Result<_, _>>()?,
            rules,
            surveys,
            max_body_bytes: self.max_body_bytes,
        })))
    }
}
