//! Verified over the bytes as they came, then read; what can be no event is kept as a dead letter.

use std::borrow::Cow;

use super::dialect::{Dialect, Read, Submission};
use crate::draft::{Draft, DraftRules};
use crate::field::Field;
use crate::push::{Head, Push, PushInput, Refusal, Reply, Wrong};
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
        push: &Push<'_>,
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
        let mut event = draft.into_event(&self.rules, push.place, push.head.now, String::new)?;
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

    fn parse(&self, push: &Push<'_>, staging: &mut Staging) -> Result<Reply, Wrong> {
        let body = push.json().map_err(Refusal::unreadable)?;
        let head = push.head;
        let delivery = head.header("webhook-id").or_else(|| head.header("svix-id"));
        match D::read(&body, delivery)? {
            Read::Submission(submission) => self.stage(*submission, push, staging)?,
            Read::LeftOut(reason) => staging.leave_out(reason),
        }
        Ok(self.answer())
    }
}
