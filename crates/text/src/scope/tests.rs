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

#[test]
fn good_before_blame_says_how_much() {
    for text in ["态度好差", "房间好吵", "菜好难吃"] {
        let hits = read(text).hits;
        assert!(hits.len() == 1 && hits[0].weight < -1.0, "{text}: {hits:?}");
        assert_eq!(hits[0].scope, Scope::Degree, "{text}");
    }
    // Not where a mark or a word stands between, nor what is negated.
    assert_eq!(read("味道好，太吵").hits.len(), 2);
    assert_eq!(read("味道好但是吵").hits.len(), 2);
    let negated = read("态度不好差劲").hits;
    assert!(
        negated.len() == 2 && negated.iter().all(|h| h.weight < 0.0),
        "{negated:?}"
    );
}

#[test]
fn an_event_weighs_by_whether_it_happened() {
    for (text, praises) in [
        ("用了三年，拉链断了", false),
        ("用了三年，拉链没断", true),
        ("一个坏点都没有", true),
        ("问题没解决", false),
    ] {
        let total = read(text).total;
        assert_eq!(total > 0.0, praises, "{text}: {total}");
    }
}

#[test]
fn a_trouble_that_was_mended_weighs_no_more() {
    let reading = read("热水器坏了，当天就修好了");
    assert!(
        reading.total > 0.0 && reading.hits[0].weight == 0.0,
        "{reading:?}"
    );
    assert!(read("热水器坏了，报修没人理").total < 0.0);
    let averted = read("多亏店员提醒，孩子没过敏");
    assert!(averted.total > 0.0, "{averted:?}");
}

#[test]
fn questions_and_wishes_leave_an_outcome_as_it_is() {
    let told = read("这样的店谁不想再来").total;
    assert!(told > 0.0);
    assert_eq!(read("这样的店谁不想再来？").total, told);
}

#[test]
fn praise_that_opens_a_text_of_troubles_mocks() {
    let reading = read("真快啊，一碗面送了两个小时");
    assert!(reading.hits.iter().all(|h| h.weight < 0.0), "{reading:?}");
    assert!(read("真快啊，一碗面二十分钟就送到了").total > 0.0);
}

#[test]
fn a_cue_judges_a_clause_that_says_nothing_else() {
    assert!(read("他替我垫了五十").total > 0.0);
    assert!(read("你能替我垫吗？").total == 0.0);
}

#[test]
fn a_statement_is_told_apart_from_a_verdict() {
    let stated = read("营业时间为九点到十八点");
    assert!(stated.hits.is_empty() && stated.asked > 1.0, "{stated:?}");
    assert_eq!(read("营业时间差").asked, 0.0);
}
