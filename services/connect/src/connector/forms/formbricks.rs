//! Formbricks: responses that are finished, signed by Standard Webhooks; a later change replaces what was there.

use schemars::JsonSchema;
use serde_json::Value;

use super::dialect::{Dialect, Read, Submission};
use super::standard::signed;
use crate::hotline::read::{field, text};
use crate::push::signature::SigningKey;
use crate::push::{Head, Refusal};
use crate::scalar::written;
use crate::survey::{Answered, is_words};

/// The dialect.
#[derive(Debug, Clone, Copy, Default, JsonSchema)]
pub struct Formbricks;

impl Dialect for Formbricks {
    const KIND: &'static str = "formbricks";

    type Key = SigningKey;

    fn key(secret: &str) -> Result<SigningKey, String> {
        SigningKey::new(secret)
    }

    fn verify(keys: &[SigningKey], head: &Head<'_>, body: &[u8]) -> Result<(), Refusal> {
        signed(keys, head, body)
    }

    fn read(body: &Value, _delivery: Option<&str>) -> Result<Read, String> {
        if !text(body, "event").is_some_and(|event| event.starts_with("response")) {
            return Ok(Read::LeftOut("other"));
        }
        let data = field(body, "data").ok_or("there is no data")?;
        if text(data, "finished").as_deref() != Some("true") {
            return Ok(Read::LeftOut("unfinished"));
        }
        let id = text(data, "id").ok_or("there is no data.id")?;
        let within = |name: &str, key: &str| text(field(data, name)?, key);
        let answers = field(data, "data").and_then(Value::as_object);
        let answers = answers.into_iter().flatten().map(|(id, value)| {
            let said = written(value);
            Answered {
                id: id.clone(),
                is_words: value.is_string() && is_words(&said),
                said,
                ..Answered::default()
            }
        });
        Ok(Read::Submission(Box::new(Submission {
            survey: text(data, "surveyId").unwrap_or_default(),
            id: format!("formbricks:{id}"),
            at: text(data, "updatedAt").or_else(|| text(data, "createdAt")),
            is_revised: true,
            author: within("contact", "userId").or_else(|| within("contact", "id")),
            answers: answers.collect(),
            attributes: vec![
                ("survey", text(data, "surveyId")),
                ("survey_title", within("survey", "title")),
                ("language", text(data, "language")),
                ("country", within("meta", "country")),
            ],
        })))
    }
}
