//! What was asked is told by the survey's question map, which pushes do not carry: `q1` is a question, `q4_1` a row of one. It is
//! read again with every walk, since surveys are edited, and kept as a cursor, so that pushes after a restart know it.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use serde_json::Value;

use crate::html;
use crate::survey::Answered;

/// What the stream of a survey's titles begins with.
const STREAM: &str = "titles:";

/// The titles of one survey, by the questions' keys.
type Map = BTreeMap<String, String>;

/// The titles of all surveys that were read.
#[derive(Debug, Default)]
pub(super) struct Titles {
    surveys: RwLock<BTreeMap<String, Map>>,
}

/// The cursor of a survey's titles.
pub(super) fn stream_of(survey: &str) -> String {
    format!("{STREAM}{survey}")
}

/// The titles in a question map; options (`q1#2`) are none.
pub(super) fn read(map: &Value) -> Map {
    let fields = map.as_object().into_iter().flatten();
    let titles = fields.filter(|(key, _)| key.starts_with('q') && !key.contains('#'));
    let titles =
        titles.filter_map(|(key, title)| Some((key.clone(), html::words(title.as_str()?))));
    titles.filter(|(_, title)| !title.is_empty()).collect()
}

impl Titles {
    /// Takes up what was committed.
    pub(super) fn restore(&self, positions: &BTreeMap<String, Value>) {
        for (stream, position) in positions {
            if let Some(survey) = stream.strip_prefix(STREAM)
                && let Ok(map) = serde_json::from_value(position.clone())
            {
                self.put(survey, map);
            }
        }
    }

    /// Whether these are other titles than those that were known.
    pub(super) fn put(&self, survey: &str, map: Map) -> bool {
        let mut surveys = self.surveys.write().unwrap_or_else(PoisonError::into_inner);
        if surveys.get(survey) == Some(&map) {
            return false;
        }
        surveys.insert(survey.to_owned(), map);
        true
    }

    /// Says of answers what was asked; of a row of a matrix, the question and the row.
    pub(super) fn tell(&self, survey: &str, answers: &mut [Answered]) {
        let surveys = self.surveys.read().unwrap_or_else(PoisonError::into_inner);
        let Some(map) = surveys.get(survey) else {
            return;
        };
        for answer in answers {
            let question = answer.id.split('_').next().and_then(|key| map.get(key));
            let own = map.get(&answer.id);
            answer.title = match (question, own) {
                (Some(question), Some(row)) if answer.id.contains('_') => {
                    Some(format!("{question}—{row}"))
                }
                (_, own) => own.cloned(),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_is_told_with_its_question_and_an_option_is_no_title() {
        let titles = Titles::default();
        let map = read(&json!({
            "q1": "您对<b>服务</b>满意吗？", "q1#1": "很满意", "q4": "请评价", "q4_1": "环境", "q4_1#2": "差", "title": "x", "q9": 3,
        }));
        assert!(titles.put("5657754", map.clone()) && !titles.put("5657754", map));
        let ids = ["q1", "q4_1", "q4_2", "q9"];
        let mut answers = ids.map(|id| Answered {
            id: id.to_owned(),
            ..Answered::default()
        });
        titles.tell("5657754", &mut answers);
        let told = answers.map(|answer| answer.title);
        let told: Vec<_> = told.iter().map(Option::as_deref).collect();
        assert_eq!(
            told,
            [Some("您对服务满意吗？"), Some("请评价—环境"), None, None]
        );
    }
}
