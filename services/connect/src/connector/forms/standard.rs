//! Any sender that signs by Standard Webhooks: `{"type": "feedback.created", "data": {text, rating, rating_scale, …}}`.

use schemars::JsonSchema;
use serde_json::Value;

use super::dialect::{Dialect, Read, Submission};
use crate::hotline::read::{field, text};
use crate::push::signature::{SigningKey, verify};
use crate::push::{Head, Refusal};
use crate::scalar::written;
use crate::scale::Scale;
use crate::survey::Answered;

/// The dialect.
#[derive(Debug, Clone, Copy, Default, JsonSchema)]
pub struct StandardWebhooks;

/// Signed within five minutes of now by one of the keys (Standard Webhooks, `v1`).
pub(super) fn signed(keys: &[SigningKey], head: &Head<'_>, body: &[u8]) -> Result<(), Refusal> {
    verify(keys, head.headers, body, head.now).map_err(|wrong| Refusal::stranger(wrong.to_string()))
}

impl Dialect for StandardWebhooks {
    const KIND: &'static str = "standard-webhooks";

    type Key = SigningKey;

    fn key(secret: &str) -> Result<SigningKey, String> {
        SigningKey::new(secret)
    }

    fn verify(keys: &[SigningKey], head: &Head<'_>, body: &[u8]) -> Result<(), Refusal> {
        signed(keys, head, body)
    }

    fn read(body: &Value, delivery: Option<&str>) -> Result<Read, String> {
        if !text(body, "type").is_some_and(|kind| kind.starts_with("feedback.")) {
            return Ok(Read::LeftOut("other"));
        }
        let data = field(body, "data").ok_or("there is no data")?;
        let id = text(data, "id").or_else(|| delivery.map(str::to_owned));
        let mut answers = Vec::new();
        if let Some(said) = text(data, "text") {
            answers.push(Answered {
                id: "text".to_owned(),
                said,
                is_words: true,
                ..Answered::default()
            });
        }
        if let Some(said) = text(data, "rating") {
            let scale = match text(data, "rating_scale") {
                Some(written) => scale(&written)?,
                None => Scale {
                    from: 1,
                    to: 5,
                    reversed: false,
                },
            };
            answers.push(Answered {
                id: "rating".to_owned(),
                said,
                scale: Some(scale),
                ..Answered::default()
            });
        }
        let attributes = field(data, "attributes").and_then(Value::as_object);
        answers.extend(
            attributes
                .into_iter()
                .flatten()
                .map(|(name, value)| Answered {
                    id: name.clone(),
                    said: written(value),
                    ..Answered::default()
                }),
        );
        Ok(Read::Submission(Box::new(Submission {
            survey: text(data, "source").unwrap_or_default(),
            id: id.ok_or("there is neither data.id nor a webhook-id")?,
            at: text(data, "occurred_at").or_else(|| text(body, "timestamp")),
            is_revised: false,
            author: text(data, "author"),
            answers,
            attributes: vec![
                ("survey", text(data, "source")),
                ("language", text(data, "lang")),
            ],
        })))
    }
}

/// `5` is 1 to 5, `0-10` what it says.
fn scale(written: &str) -> Result<Scale, String> {
    let (from, to) = written.split_once('-').unwrap_or(("1", written));
    let number = |text: &str| text.trim().parse::<i32>().ok();
    match (number(from), number(to)) {
        (Some(from), Some(to)) if from < to => Ok(Scale {
            from,
            to,
            reversed: false,
        }),
        _ => Err(format!(
            "rating_scale is {written:?}, but must be such as 5 (from 1) or 0-10"
        )),
    }
}
