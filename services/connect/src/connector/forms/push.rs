//! Verified over the bytes as they came, then read; what can be no event is kept as a dead letter.

use std::borrow::Cow;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::dialect::{Dialect, Read, Submission};
use crate::draft::{Draft, DraftRules, Place};
use crate::field::Field;
use crate::push::{Head, PushInput, Refusal, Reply};
use crate::staging::Staging;
use crate::survey::Surveys;

pub(super) struct FormsPush<D: Dialect> {
    pub(super) keys: Vec<D::Key>,
    pub(super) rules: DraftRules,
    pub(super) surveys: Surveys,
    pub(super) max_body_bytes: usize,
}

impl<D: Dialect> FormsPush<D> {
    fn stage(
        &self,
        submission: Submission,
        place: Place<'_>,
        head: &Head<'_>,
        staging: &mut Staging,
    ) -> Result<(), String> {
        let mut draft = Draft::default();
        draft.set(Field::Id, submission.id);
        let is_dated = submission.at.is_some();
        if let Some(at) = submission.at {
            draft.set(Field::OccurredAt, at);
        }
        let author = submission.author;
        if let Some(author) = author.filter(|_| self.rules.pseudonyms.is_some()) {
            draft.set(Field::Author, author);
        }
        for (name, value) in submission.attributes {
            draft.attribute(name, value.as_deref().unwrap_or_default());
        }
        self.surveys
            .fill(&submission.survey, &submission.answers, &mut draft)?;
        let mut event = draft.into_event(&self.rules, place, head.now, String::new)?;
        if submission.is_revised && is_dated {
            event.revision = u32::try_from(event.occurred_at.as_second()).unwrap_or_default();
        }
        staging.event(event);
        Ok(())
    }
}

impl<D: Dialect> PushInput for FormsPush<D> {
    fn max_body_bytes(&self) -> usize {
        self.max_body_bytes
    }

    fn open<'a>(&self, head: &Head<'_>, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        D::verify(&self.keys, head, body)?;
        Ok(Cow::Borrowed(body))
    }

    fn parse(
        &self,
        head: &Head<'_>,
        content: &[u8],
        staging: &mut Staging,
    ) -> Result<Reply, Refusal> {
        let body: Value = serde_json::from_slice(content).map_err(|error| {
            let reason = format!("the body is not valid JSON: {error}");
            Refusal::new(StatusCode::BAD_REQUEST, reason)
        })?;
        let place_name = format!("/ingest/{}", self.rules.source);
        let place = Place {
            place: &place_name,
            line: None,
        };
        let delivery = head.header("webhook-id").or_else(|| head.header("svix-id"));
        let outcome = match D::read(&body, delivery) {
            Ok(Read::Submission(submission)) => self.stage(*submission, place, head, staging),
            Ok(Read::LeftOut(reason)) => {
                staging.leave_out(reason);
                Ok(())
            }
            Err(reason) => Err(reason),
        };
        if let Err(reason) = outcome {
            staging.dead_letter(place.place, None, &reason, content, head.now);
        }
        Ok(Reply::json(&json!({"ok": true})))
    }
}
