//! Which surveys, and how pushes are known.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, Secret};

use super::answer::Reader;
use super::hook::Hook;
use super::list::AnswerList;
use crate::connector::{CHINA, Connector, Input, Shared};
use crate::pull::{Defaults, PullConfig, PullRunner, check_url};
use crate::push::check_token;
use crate::survey::{QuestionConfig, SurveyConfig, Surveys, check_brands, check_questions};
use crate::time::{TimeFormat, TimeReader};

/// Answers to surveys of 腾讯问卷, read through its API, woken by pushes to `/ingest/{name}`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TencentSurveyConfig {
    /// The source's name; part of its address and of every event's id.
    pub name: String,
    /// The brand that the surveys are about, where a survey does not say so itself.
    pub brand: Option<String>,
    /// The surveys that are read, by their ids.
    pub surveys: Vec<SurveyConfig>,
    /// What questions ask for, in all surveys.
    pub questions: Vec<QuestionConfig>,
    /// The app's id (appid).
    pub app_id: String,
    /// The secret that goes with it.
    pub secret: Secret,
    /// The token of the address that the platform is given, `…/ingest/{name}?token=…`, at least 16 characters: pushes have
    /// no signature. Default: none; then nothing is pushed, and answers are read on the schedule alone.
    pub token: Secret,
    /// Where the API is. Default: https://open.wj.qq.com
    pub host: String,
    /// How often, how fast and how much is asked. Default: every 600 s, at most 60 requests a minute.
    pub pull: PullConfig,
}

impl Default for TencentSurveyConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            brand: None,
            surveys: Vec::new(),
            questions: Vec::new(),
            app_id: String::new(),
            secret: Secret::default(),
            token: Secret::default(),
            host: "https://open.wj.qq.com".to_owned(),
            pull: PullConfig::default(),
        }
    }
}

impl Check for TencentSurveyConfig {
    fn check(&self, problems: &mut Problems) {
        check_brands(self.brand.as_ref(), &self.surveys, false, problems);
        check_questions(&self.surveys, &self.questions, problems);
        if self.surveys.is_empty() {
            problems.add("surveys", "must name the surveys to read, by their ids");
        }
        for (index, survey) in self.surveys.iter().enumerate() {
            if !survey.id.bytes().all(|b| b.is_ascii_digit()) {
                problems.add(
                    &format!("surveys[{index}].id"),
                    "must be the digits of its id",
                );
            }
        }
        if self.app_id.trim().is_empty() {
            problems.add("app_id", "must be given (appid)");
        }
        if self.secret.is_empty() {
            problems.add("secret", "must be given");
        }
        check_token(&self.token, problems);
        check_url(&self.host, &self.pull, "host", problems);
        problems.within("pull", |problems| self.pull.check(problems));
    }
}

impl Connector for TencentSurveyConfig {
    fn kind(&self) -> &'static str {
        "tencent-survey"
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn needs_pseudonyms(&self) -> bool {
        false
    }

    fn build(&self, shared: &Shared) -> Result<Input, String> {
        let (rules, surveys) = Surveys::of_source(
            (&self.name, self.kind()),
            self.brand.as_deref(),
            &self.surveys,
            &self.questions,
            shared,
        )?;
        let reader = Reader { rules, surveys };
        let plan = self.pull.plan(&Defaults {
            every: Duration::from_secs(600),
            ..Defaults::DEFAULT
        });
        let list = AnswerList {
            config: self.clone(),
            reader,
        };
        let (pull, hints) = PullRunner::new(&self.name, list, plan)?;
        let pull = Box::new(pull);
        if self.token.is_empty() {
            return Ok(Input::Pull(pull));
        }
        let push = Hook {
            token: self.token.clone(),
            surveys: self.surveys.iter().map(|s| s.id.clone()).collect(),
            times: TimeReader::new(TimeFormat::Auto, CHINA)?,
            hints,
        };
        Ok(Input::Both {
            push: Box::new(push),
            pull,
        })
    }
}
