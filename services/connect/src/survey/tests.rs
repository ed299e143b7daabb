use jiff::Timestamp;
use serde_json::{Value, json};
use wensheng_runtime::{Problems, Secret};
use wensheng_schemas::{Channel, FeedbackEvent, Rating};

use super::*;
use crate::connector::Shared;
use crate::draft::{DraftRules, Place};

fn surveys(questions: &Value) -> Surveys {
    let questions: Vec<QuestionConfig> = serde_json::from_value(questions.clone()).unwrap();
    let of_one: SurveyConfig = serde_json::from_value(json!({
        "id": "s1", "brand": "山岚茶饮", "product": "轻乳茶",
        "questions": [{"question": "q1", "kind": "ignore"}],
    }))
    .unwrap();
    Surveys::new(&[of_one], &questions).unwrap()
}

fn answered(id: &str, title: Option<&str>, said: &str, is_words: bool) -> Answered {
    Answered {
        id: id.to_owned(),
        title: title.map(str::to_owned),
        said: said.to_owned(),
        is_words,
        scale: None,
    }
}

fn event(surveys: &Surveys, survey: &str, answers: &[Answered]) -> Result<FeedbackEvent, String> {
    let shared = Shared {
        pseudonym_key: Secret::default(),
        max_text_bytes: 10_000,
        aliases: None,
    };
    let rules = DraftRules::of_platform("s", "wjx", "鹿汀茶饮", Channel::Survey, &shared).unwrap();
    let mut draft = Draft::default();
    surveys.fill(survey, answers, &mut draft)?;
    let place = Place::of("p");
    draft.into_event(&rules, place, Timestamp::UNIX_EPOCH, || "1".to_owned())
}

#[test]
fn questions_are_known_by_id_or_title_and_become_typed_scores() {
    let surveys = surveys(&json!([
        {"question": "q12", "kind": "nps"},
        {"question": "*满意吗?", "kind": "csat", "labels": {"非常满意": 5, "不满意": 2}},
        {"question": "q3", "kind": "ces", "scale": {"from": 1, "to": 5, "reversed": true}},
        {"question": "q4_*", "kind": "scale", "scale": {"from": 0, "to": 10}, "name": "环境"},
        {"question": "门店", "kind": "store"},
        {"question": "q9", "kind": "ignore"},
    ]));
    let event = event(
        &surveys,
        "s2",
        &[
            answered("q12", None, "10", false),
            answered("x", Some("您满意吗?"), "不满意", false),
            answered("q3", None, "1", false),
            answered("q4_1", None, "7.5", false),
            answered("q7", Some("门店"), "南山店", false),
            answered("q8", Some("来过几次"), "3", false),
            answered("q9", None, "13800138000", false),
            answered("q10", None, "等太久", true),
            answered("q11", None, "店员很好", true),
            answered("q13", None, " ", true),
        ],
    )
    .unwrap();
    let scores = (event.scores.nps, event.scores.csat, event.scores.ces);
    assert_eq!(scores, (Some(10), Some(2), Some(7)));
    let rating = Rating {
        value: 7.5,
        from: 0,
        to: 10,
    };
    assert_eq!(event.ratings.get("环境"), Some(&rating));
    assert_eq!(event.store.as_deref(), Some("南山店"));
    assert_eq!(event.text, "等太久\n店员很好");
    assert_eq!(event.attributes.len(), 1);
    assert_eq!(
        event.attributes.get("来过几次").map(String::as_str),
        Some("3")
    );
    assert_eq!(event.brand, "鹿汀茶饮");
}

#[test]
fn a_survey_has_its_own_questions_and_its_own_brand() {
    let surveys = surveys(&json!([{"question": "q1", "kind": "nps"}]));
    let answers = [
        answered("q1", None, "9", false),
        answered("q2", None, "好", true),
    ];
    let own = event(&surveys, "s1", &answers).unwrap();
    assert_eq!(own.scores.nps, None);
    assert_eq!(
        (own.brand.as_str(), own.product.as_deref()),
        ("山岚茶饮", Some("轻乳茶"))
    );
    let other = event(&surveys, "s2", &answers).unwrap();
    assert_eq!(other.scores.nps, Some(9));
}

#[test]
fn an_answer_off_its_scale_is_refused_by_its_question() {
    let surveys = surveys(&json!([
        {"question": "q1", "kind": "nps"},
        {"question": "q2", "kind": "scale"},
    ]));
    for (id, said) in [("q1", "11"), ("q1", "好"), ("q1", "7.5"), ("q2", "6")] {
        let refused = event(&surveys, "s2", &[answered(id, None, said, false)]).unwrap_err();
        assert!(
            refused.contains(id) && refused.contains("labels"),
            "{refused}"
        );
    }
}

#[test]
fn the_second_question_for_a_score_is_kept_beside_the_first() {
    let surveys = surveys(&json!([{"question": "q*", "kind": "nps"}]));
    let answers = [
        answered("q1", None, "9", false),
        answered("q2", None, "3", false),
    ];
    let event = event(&surveys, "s2", &answers).unwrap();
    assert_eq!(event.scores.nps, Some(9));
    assert_eq!(event.attributes.get("q2").map(String::as_str), Some("3"));
}

#[test]
fn a_question_that_can_mean_nothing_is_told_with_its_path() {
    let questions: Vec<QuestionConfig> = serde_json::from_value(json!([
        {"question": " ", "kind": "nps"},
        {"question": "q1", "kind": "text", "labels": {"好": 1}},
        {"question": "q2", "kind": "csat", "scale": {"from": 5, "to": 1}},
    ]))
    .unwrap();
    let survey = SurveyConfig::default();
    let mut problems = Problems::default();
    check_questions(std::slice::from_ref(&survey), &questions, &mut problems);
    check_brands(None, &[survey], false, &mut problems);
    let told = format!("{problems:?}");
    for path in [
        "questions[0].question",
        "questions[1].kind",
        "questions[2].scale.from",
        "surveys[0].id",
        "brand",
    ] {
        assert!(told.contains(path), "{path} is not in {told}");
    }
}
