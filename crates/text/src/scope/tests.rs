use super::*;
use crate::lexicon::Lexicons;

fn read(text: &str) -> Reading {
    let normalizer = Normalizer::new();
    let lexicons = Lexicons::embedded().unwrap();
    let reader = ScopeReader::new(&lexicons.entries, &normalizer);
    let text = normalizer.text(text, 1000);
    let mut reading = Reading::default();
    reader.read(&Letters::of(&text), &mut reading);
    reading
}

#[test]
fn no_shipped_sign_is_a_plain_letter_digit_or_mark_once_normalised() {
    let normalizer = Normalizer::new();
    for (word, role) in Lexicons::embedded().unwrap().entries {
        let normalized = normalizer.text(&word, 100);
        let plain = normalized.len() < 2 && matches!(role, Role::Emoticon(_));
        assert!(!plain, "{word:?} is {normalized:?}");
    }
}

#[test]
fn praise_between_quotation_marks_is_scorn() {
    assert!(read("您的服务真“周到”").total < 0.0);
    assert!(read("您的服务真周到").total > 0.0);
}

#[test]
fn a_scornful_question_blames_without_a_word_of_feeling() {
    let reading = read("这也能叫售后？");
    assert!(
        reading.total < 0.0 && reading.hits.len() == 1,
        "{reading:?}"
    );
    // Plain questions, though the same words may turn praise over.
    for text in ["这是售后？", "怎么能联系人工客服？", "谁会用这个功能？"] {
        assert_eq!(read(text).hits, [], "{text}");
    }
}

#[test]
fn a_reproach_needs_no_question_mark_and_a_wish_no_word_of_feeling() {
    for text in ["凭什么扣我的钱", "这也配叫售后", "要是早点发货就好了"] {
        assert!(read(text).total < 0.0, "{text}");
    }
}

#[test]
fn praise_that_may_mock_is_told_apart_and_turned_in_its_clause_alone() {
    let mut reading = read("真行，三天坏两次");
    assert_eq!(reading.mocking().count(), 1, "{reading:?}");
    reading.turn_mocking();
    assert!(reading.total < 0.0 && reading.turned < 0.0, "{reading:?}");
    assert!(reading.clauses[0].weight < 0.0, "{reading:?}");
    // Not where the rest praises, and not other praise.
    assert_eq!(read("真行，修得又快又好").mocking().count(), 0);
    assert_eq!(read("味道好，上菜慢").mocking().count(), 0);
}

#[test]
fn a_negated_word_that_negates_praise_praises() {
    let hits = read("没有一次不满意").hits;
    assert!(hits[0].weight > 0.0, "{hits:?}");
    assert_eq!(hits[0].scope, Scope::DoubleNegated);
}
