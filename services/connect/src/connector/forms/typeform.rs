//! Typeform: whole responses, signed with HMAC-SHA-256 over the body; there is no time in the signature, so that ids alone
//! tell a repeat.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use schemars::JsonSchema;
use serde_json::Value;
use sha2::Sha256;

use super::dialect::{Dialect, Read, Submission};
use crate::hotline::read::{field, list, text};
use crate::push::{Head, Refusal};
use crate::scalar::written;
use crate::survey::Answered;

/// The dialect.
#[derive(Debug, Clone, Copy, Default, JsonSchema)]
pub struct Typeform;

impl Dialect for Typeform {
    const KIND: &'static str = "typeform";

    type Key = Hmac<Sha256>;

    fn key(secret: &str) -> Result<Hmac<Sha256>, String> {
        if secret.chars().count() < 16 {
            return Err("must have at least 16 characters".to_owned());
        }
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|error| error.to_string())
    }

    fn verify(keys: &[Hmac<Sha256>], head: &Head<'_>, body: &[u8]) -> Result<(), Refusal> {
        let given = head.header("typeform-signature");
        let given = given.and_then(|given| given.trim().strip_prefix("sha256="));
        let given = given.and_then(|given| BASE64.decode(given).ok());
        let is_by = |key: &Hmac<Sha256>| {
            let mut mac = key.clone();
            mac.update(body);
            let given = given.as_deref();
            given.is_some_and(|given| mac.verify_slice(given).is_ok())
        };
        match keys.iter().any(is_by) {
            true => Ok(()),
            false => Err(Refusal::stranger(
                "Typeform-Signature is missing or does not fit; check `secrets`, and sign the bytes as they are sent",
            )),
        }
    }

    fn read(body: &Value, _delivery: Option<&str>) -> Result<Read, String> {
        match text(body, "event_type").as_deref() {
            Some("form_response") => {}
            Some("form_response_partial") => return Ok(Read::LeftOut("unfinished")),
            _ => return Ok(Read::LeftOut("other")),
        }
        let response = field(body, "form_response").ok_or("there is no form_response")?;
        let token = text(response, "token").ok_or("there is no form_response.token")?;
        let definition = field(response, "definition").unwrap_or(&Value::Null);
        let titles = list(definition, "fields");
        let mut answers: Vec<Answered> = list(response, "answers")
            .iter()
            .map(|answer| answered(answer, titles))
            .collect();
        let hidden = field(response, "hidden").and_then(Value::as_object);
        answers.extend(hidden.into_iter().flatten().map(|(name, value)| Answered {
            id: name.clone(),
            said: written(value),
            ..Answered::default()
        }));
        Ok(Read::Submission(Box::new(Submission {
            survey: text(response, "form_id").unwrap_or_default(),
            id: format!("typeform:{token}"),
            at: text(response, "submitted_at"),
            is_revised: false,
            author: None,
            answers,
            attributes: vec![
                ("survey", text(response, "form_id")),
                ("survey_title", text(definition, "title")),
            ],
        })))
    }
}

fn answered(answer: &Value, titles: &[Value]) -> Answered {
    let asked = field(answer, "field").unwrap_or(&Value::Null);
    let id = text(asked, "id").unwrap_or_default();
    let title = titles
        .iter()
        .find(|title| text(title, "id").as_ref() == Some(&id));
    let kind = text(answer, "type").unwrap_or_default();
    let value = field(answer, &kind).unwrap_or(&Value::Null);
    let said = match kind.as_str() {
        "choice" => chosen(value, "label"),
        "choices" => chosen(value, "labels"),
        _ => written(value),
    };
    Answered {
        title: title.and_then(|title| text(title, "title")),
        id: text(asked, "ref").unwrap_or(id),
        is_words: kind == "text",
        said,
        scale: None,
    }
}

/// What was chosen, and what was written beside it.
fn chosen(value: &Value, name: &str) -> String {
    let chosen = field(value, name).into_iter().map(written);
    let said: Vec<String> = chosen.chain(text(value, "other")).collect();
    said.join(",")
}
