//! What holds for every text.

use proptest::prelude::*;
use wensheng_text::{Analysis, Context, Intent, Polarity};

use crate::analyzer;

/// The characters `start..end` of a text.
fn slice(text: &str, start: usize, end: usize) -> String {
    text.chars().skip(start).take(end - start).collect()
}

fn check(text: &str) -> Analysis {
    let a = analyzer().analyze(text);
    assert_eq!(
        a.tokens.iter().map(|t| t.text.as_str()).collect::<String>(),
        text,
        "joining the tokens gives the text back"
    );
    for t in &a.tokens {
        assert_eq!(slice(text, t.start, t.end), t.text);
    }
    for s in &a.sentiment.spans {
        assert_eq!(slice(text, s.start, s.end), s.text);
    }
    for m in &a.aspects {
        assert_eq!(slice(text, m.start, m.end), m.term);
    }
    for m in a.rules.iter().flat_map(|r| &r.matches) {
        assert_eq!(slice(text, m.start, m.end), m.text);
    }
    assert!(
        (-1.0..=1.0).contains(&a.sentiment.score) && (0.0..=1.0).contains(&a.sentiment.confidence)
    );
    assert!(a.topics.len() <= 3 && a.keywords.len() <= 5);
    assert!(!a.truncated);
    a
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_safe_and_every_offset_is_true(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn chinese_with_marks_is_safe_and_every_offset_is_true(
        text in "[不很好差坏了但是吗？，。！ \u{200b}\u{fe0f}著乾裏Ａ㎏①ﷺ😡👍\\[\\]怒哈a-c0-9\n*客服起火退款]{0,60}"
    ) {
        check(&text);
    }

    #[test]
    fn bytes_that_are_no_text_are_safe(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        check(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn the_same_text_always_gives_the_same_answer() {
    let text = "环境不错，但是服务太差，等了两小时[怒]";
    assert_eq!(analyzer().analyze(text), analyzer().analyze(text));
}

#[test]
fn the_verdict_alone_is_the_verdict_of_the_analysis() {
    for (text, channel) in [
        ("服务太差", None),
        ("哈哈哈真好", Some("weibo")),
        ("呃我想问一下", Some("hotline")),
    ] {
        let context = Context {
            reach: None,
            channel,
            brand: None,
        };
        let (alone, whole) = (
            analyzer().verdict(text, &context),
            analyzer().analyze_in(text, &context).sentiment,
        );
        assert_eq!((alone.label, alone.score), (whole.label, whole.score));
    }
}

#[test]
fn a_text_over_the_limit_is_cut_and_marked() {
    let text = "很好。".repeat(30_000);
    let analysis = analyzer().analyze(&text);
    assert!(analysis.truncated);
    assert_eq!(analysis.tokens.last().unwrap().end, 65_536);
    let empty = analyzer().analyze("");
    assert_eq!(
        (empty.sentiment.score, empty.truncated),
        (analyzer().analyze("").sentiment.score, false)
    );
}

#[test]
fn ten_megabytes_of_anything_are_bounded() {
    for part in ["\u{200b}", "啊", "[", "[怒]", "不", "a ", "ﷺ"] {
        let analysis = analyzer().analyze(&part.repeat(10_000_000 / part.len()));
        assert!(
            analysis.truncated && analysis.sentiment.spans.len() <= 32,
            "{part}"
        );
    }
}

#[test]
fn a_complaint_explains_itself() {
    let a = analyzer().analyze("这家店排队两小时，客服还骂人");
    assert_eq!(a.sentiment.label, Polarity::Negative);
    assert!(
        a.sentiment
            .spans
            .iter()
            .any(|s| s.text == "骂人" && s.weight < 0.0)
    );
    let aspects: Vec<_> = a
        .aspects
        .iter()
        .map(|m| (m.aspect.as_ref(), m.polarity))
        .collect();
    assert!(
        aspects.contains(&("staff", Polarity::Negative)),
        "{aspects:?}"
    );
    assert!(a.topics.iter().any(|t| t.as_ref() == "waiting_time"));
    assert_eq!(a.intents[0], Intent::Complaint);
    assert!(
        a.keywords
            .iter()
            .any(|k| k.term == "客服" || k.term == "排队"),
        "{:?}",
        a.keywords
    );
}

#[test]
fn one_text_may_judge_two_aspects_differently() {
    let a = analyzer().analyze("味道很好，但是服务态度很差。");
    let of = |id: &str| {
        a.aspects
            .iter()
            .find(|m| m.aspect.as_ref() == id)
            .map(|m| m.polarity)
    };
    assert_eq!(
        (of("taste"), of("service_attitude")),
        (Some(Polarity::Positive), Some(Polarity::Negative))
    );
}

#[test]
fn what_the_writer_wants_is_named() {
    for (text, intent) in [
        ("请问这款什么时候发货", Intent::Enquiry),
        ("建议你们增加停车位", Intent::Suggestion),
        ("再不处理我就打12315，还要找记者", Intent::Threat),
        ("服务太差，再也不来了", Intent::Churn),
        ("味道很好，推荐给大家", Intent::Praise),
        ("麻烦尽快处理，在线等", Intent::HelpRequest),
    ] {
        assert_eq!(
            analyzer().analyze(text).intents.first(),
            Some(&intent),
            "{text}"
        );
    }
}

#[test]
fn an_analysis_survives_json() {
    let a = analyzer().analyze("充电宝起火了，客服不理人");
    let json = serde_json::to_string(&a).unwrap();
    assert!(
        json.contains(r#""label":"negative""#) && json.contains(r#""level":"red""#),
        "{json}"
    );
    assert_eq!(serde_json::from_str::<Analysis>(&json).unwrap(), a);
}

#[test]
fn an_analyser_may_be_shared_by_threads() {
    fn shareable<T: Send + Sync + 'static>() {}
    shareable::<wensheng_text::Analyzer>();
}
