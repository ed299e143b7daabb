//! An answer becomes a draft: options by their texts, matrices row by row, words as they are.

use jiff::Timestamp;
use serde_json::Value;
use wensheng_schemas::FeedbackEvent;

use crate::draft::{Draft, DraftRules, Place};
use crate::field::Field;
use crate::hotline::read::{list, text};
use crate::survey::{Answered, Surveys, is_words};

/// How answers are read.
pub(super) struct Reader {
    pub(super) rules: DraftRules,
    pub(super) surveys: Surveys,
}

fn id_of(survey: &str, answer: &str) -> String {
    format!("wjqq:{survey}:{answer}")
}

/// A revision is the second of the change.
fn revision_of(at: i64) -> u32 {
    u32::try_from(at).unwrap_or_default()
}

impl Reader {
    /// The event of an answer; `changed_at` is when a push said that it was changed, 0 for never (epoch seconds).
    pub(super) fn event(
        &self,
        survey: &str,
        answer: &Value,
        changed_at: i64,
        place: Place<'_>,
        now: Timestamp,
    ) -> Result<FeedbackEvent, String> {
        let id = text(answer, "answer_id").ok_or("there is no answer_id")?;
        let mut draft = Draft::default();
        draft.set(Field::Id, id_of(survey, &id));
        for name in ["started_at", "ended_at"] {
            if let Some(at) = text(answer, name) {
                draft.set(Field::OccurredAt, at);
            }
        }
        let respondent = text(answer, "respondent_id").filter(|id| id != "0");
        if let Some(respondent) = respondent.filter(|_| self.rules.pseudonyms.is_some()) {
            draft.set(Field::Author, respondent);
        }
        let region: Vec<String> = ["province", "city"]
            .iter()
            .filter_map(|name| text(answer, name))
            .collect();
        if !region.is_empty() {
            draft.set(Field::Region, region.join(" "));
        }
        draft.attribute("survey", survey);
        if let Some(seconds) = text(answer, "duration") {
            draft.attribute("seconds", &seconds);
        }
        self.surveys.fill(survey, &answered(answer), &mut draft)?;
        let mut event = draft.into_event(&self.rules, place, now, String::new)?;
        event.revision = revision_of(event.occurred_at.as_second().max(changed_at));
        Ok(event)
    }

    /// The event that takes an answer back.
    pub(super) fn withdrawn(
        &self,
        survey: &str,
        answer: &str,
        deleted_at: i64,
        place: Place<'_>,
        now: Timestamp,
    ) -> Result<FeedbackEvent, String> {
        let mut draft = Draft::default();
        self.surveys.fill(survey, &[], &mut draft)?;
        draft.set(Field::Id, id_of(survey, answer));
        draft.set(Field::Revision, revision_of(deleted_at).to_string());
        draft.set(Field::Withdrawn, "true");
        draft.into_event(&self.rules, place, now, String::new)
    }
}

fn is_checked(option: &Value) -> bool {
    text(option, "checked").is_some_and(|checked| matches!(checked.as_str(), "1" | "true"))
}

/// The texts of the options that were chosen.
fn chosen(of: &Value) -> String {
    let options = list(of, "options").iter().filter(|o| is_checked(o));
    let texts: Vec<String> = options.filter_map(|option| text(option, "text")).collect();
    texts.join(",")
}

/// The answers of all pages.
fn answered(answer: &Value) -> Vec<Answered> {
    let mut answers = Vec::new();
    for page in list(answer, "answer") {
        for question in list(page, "questions") {
            let Some(id) = text(question, "id") else {
                continue;
            };
            let title = text(question, "title");
            for group in list(question, "groups") {
                let row = text(group, "text").or_else(|| text(group, "id"));
                let row = row.unwrap_or_default();
                let asked = title.as_deref().map(|title| format!("{title}—{row}"));
                answers.push(Answered {
                    id: format!("{id}/{}", text(group, "id").unwrap_or_default()),
                    title: asked.or(Some(row)),
                    said: chosen(group),
                    is_words: false,
                    scale: None,
                });
            }
            let options = chosen(question);
            let said = text(question, "text").filter(|_| options.is_empty());
            answers.push(Answered {
                id,
                title,
                is_words: said.as_deref().is_some_and(is_words),
                said: said.unwrap_or(options),
                scale: None,
            });
        }
    }
    answers
}
