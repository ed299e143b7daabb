//! A submission becomes a draft in one way, pushed or read: ids as texts, times in China's zone, answers by their numbers.

use jiff::Timestamp;
use serde_json::Value;
use wensheng_schemas::FeedbackEvent;

use super::titles::Titles;
use crate::draft::{Draft, DraftRules, Place};
use crate::field::Field;
use crate::hotline::read::text;
use crate::scalar::written;
use crate::survey::{Answered, Surveys, is_words};

/// What both sides know.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) rules: DraftRules,
    pub(super) surveys: Surveys,
    /// What stands where a question was not answered.
    pub(super) skipped: Vec<String>,
    /// What was asked.
    pub(super) titles: Titles,
}

/// The number of a submission within its survey.
pub(super) fn index_of(submission: &Value) -> Option<u64> {
    text(submission, "index")?.parse().ok()
}

/// The first of these fields that is there.
fn first(submission: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| text(submission, name))
}

impl Reader {
    /// The event of a submission. What it does not say of itself, `survey` and `answer` do: the survey that was asked for,
    /// and the key that it was listed under.
    pub(super) fn event(
        &self,
        submission: &Value,
        survey: Option<&str>,
        answer: Option<&str>,
        place: Place<'_>,
        now: Timestamp,
    ) -> Result<FeedbackEvent, String> {
        let activity = first(submission, &["activity", "vid"])
            .or(survey.map(str::to_owned))
            .ok_or("there is no activity (the survey's id)")?;
        let joinid = first(submission, &["joinid", "jid", "response_id"])
            .or(answer.map(str::to_owned))
            .ok_or("there is no joinid (the answer's id)")?;
        let mut draft = Draft::default();
        draft.set(Field::Id, format!("wjx:{activity}:{joinid}"));
        let submitted = first(submission, &["submittime"]);
        let is_dated = submitted.is_some();
        if let Some(submitted) = submitted {
            draft.set(Field::OccurredAt, submitted);
        }
        if self.rules.pseudonyms.is_some()
            && let Some(author) = first(submission, &["thirdusername", "openid"])
        {
            draft.set(Field::Author, author);
        }
        draft.attribute("survey", &activity);
        for (name, key) in [
            ("survey_title", "name"),
            ("parameter", "sojumpparm"),
            ("total", "totalvalue"),
            ("seconds", "timetaken"),
            ("department", "relDept"),
        ] {
            if let Some(value) = text(submission, key) {
                draft.attribute(name, &value);
            }
        }
        let mut answers = answers(submission, &self.skipped);
        self.titles.tell(&activity, &mut answers);
        self.surveys.fill(&activity, &answers, &mut draft)?;
        let mut event = draft.into_event(&self.rules, place, now, String::new)?;
        if is_dated {
            // An answer that was changed comes again with a later time: it replaces what was there.
            event.revision = u32::try_from(event.occurred_at.as_second()).unwrap_or_default();
        }
        Ok(event)
    }
}

/// The answers in the order of their questions: the keys `q1`, `q4_2`, `q5_1_3`, or else what `submitdata` holds.
pub(super) fn answers(submission: &Value, skipped: &[String]) -> Vec<Answered> {
    let fields = submission.as_object();
    let mut found: Vec<(Vec<u32>, String, String)> = fields
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((numbers(key)?, key.clone(), written(value))))
        .collect();
    found.sort();
    let mut answers: Vec<Answered> = found
        .into_iter()
        .map(|(_, id, said)| answered(id, said))
        .collect();
    if answers.is_empty()
        && let Some(data) = text(submission, "submitdata")
    {
        answers = submitted(&data);
    }
    answers.retain(|answer| !skipped.iter().any(|skipped| skipped == answer.said.trim()));
    answers
}

/// The numbers of a question's key; `None`: it is no question's.
fn numbers(key: &str) -> Option<Vec<u32>> {
    let numbers = key.strip_prefix('q')?.split('_');
    numbers.map(|number| number.parse().ok()).collect()
}

fn answered(id: String, said: String) -> Answered {
    Answered {
        id,
        title: None,
        is_words: is_words(&said),
        said,
        scale: None,
    }
}

/// `1$2}2$words}4$1!2,2!1`: question, answer; of a matrix, row and column.
fn submitted(data: &str) -> Vec<Answered> {
    let mut answers = Vec::new();
    for part in data.split('}') {
        let Some((number, said)) = part.split_once('$') else {
            continue;
        };
        let Ok(number) = number.trim().parse::<u32>() else {
            continue;
        };
        let cells: Option<Vec<(u32, &str)>> = said
            .split(',')
            .map(|cell| {
                let (row, column) = cell.split_once('!')?;
                Some((row.trim().parse().ok()?, column))
            })
            .collect();
        match cells {
            Some(cells) => answers.extend(
                cells
                    .into_iter()
                    .map(|(row, said)| answered(format!("q{number}_{row}"), said.to_owned())),
            ),
            None => {
                let is_choice = said.bytes().all(|b| b.is_ascii_digit() || b == b'|');
                let said = if is_choice {
                    said.replace('|', ",")
                } else {
                    said.to_owned()
                };
                answers.push(answered(format!("q{number}"), said));
            }
        }
    }
    answers
}
