//! Rules: what the starter set finds and leaves, what disguises it sees through, where rules hold.

use wensheng_text::{Analyzer, Config, Context, Documents, Lexicons, RuleLevel, Rules};

use crate::analyzer;

#[test]
fn every_starter_rule_meets_its_examples() {
    let rules = Rules::starter().unwrap();
    for rule in &rules.rules {
        assert!(
            rule.examples.hit.len() >= 5 && rule.examples.miss.len() >= 5,
            "{}",
            rule.id
        );
        let holds = |text: &str| {
            analyzer()
                .analyze(text)
                .rules
                .iter()
                .any(|h| h.rule == rule.id)
        };
        let examples = &rule.examples;
        let wrong: Vec<&String> = examples
            .hit
            .iter()
            .filter(|text| !holds(text))
            .chain(examples.miss.iter().filter(|text| holds(text)))
            .collect();
        assert!(wrong.is_empty(), "{} errs on {wrong:?}", rule.id);
    }
}

#[test]
fn the_starter_rules_are_documented_as_they_are() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let marker = page.lines().find(|l| l.starts_with("<!--")).unwrap();
    let (head, told) = page.split_once(marker).unwrap();
    let mut written = String::from("\n");
    for rule in &Rules::starter().unwrap().rules {
        let level = format!("{:?}", rule.level).to_lowercase();
        written.push_str(&format!(
            "\n### `{}` {}\n\n{level}. {}。\n\n",
            rule.id, rule.name, rule.description
        ));
        for (verdict, texts) in [
            ("holds for", &rule.examples.hit),
            ("leaves alone", &rule.examples.miss),
        ] {
            written.push_str(&format!("- {verdict}: {}\n", texts.join("；")));
        }
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{head}{marker}{written}")).unwrap();
        return;
    }
    assert_eq!(told, written, "run it with UPDATE_DOCS=1");
}

#[test]
fn the_documented_rule_is_one() {
    let page = include_str!("../../../../docs/rules.md");
    let yaml = page
        .split("```yaml\n")
        .nth(2)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let documents = Documents::read(&[("docs/rules.md", yaml)]).unwrap();
    let analyzer = analyzer().with_rules(&documents.rules).unwrap();
    documents.check(&analyzer, &["weibo", "review"]).unwrap();
}

fn with(yaml: &str) -> Analyzer {
    analyzer()
        .with_rules(&Rules::from_yaml(yaml).unwrap())
        .unwrap()
}

#[test]
fn disguised_words_are_found_where_they_stand() {
    let analyzer =
        with("rules: [{id: contact, name: 私下联系, level: yellow, any: [加微信, 食物中毒]}]");
    for text in [
        "加微 信聊",
        "加微\u{200b}信聊",
        "加薇信聊",
        "加微❤信聊",
        "加vx聊",
        "加威信聊",
        "食*物*中*毒",
        "食。物",
        "Ｖ信",
    ] {
        let hits = analyzer.analyze(text).rules;
        let expected = !matches!(text, "食。物" | "Ｖ信");
        assert_eq!(!hits.is_empty(), expected, "{text}");
        for m in hits.iter().flat_map(|h| &h.matches) {
            let slice: String = text.chars().skip(m.start).take(m.end - m.start).collect();
            assert_eq!(slice, m.text);
        }
    }
}

#[test]
fn any_all_and_none_decide_together() {
    let analyzer = with(
        "rules: [{id: r, name: r, level: orange, any: [退款, 退货], all: [客服], none: [已解决]}]",
    );
    let holds = |text| !analyzer.analyze(text).rules.is_empty();
    assert!(holds("客服不给退款"));
    assert!(!holds("不给退款"));
    assert!(!holds("客服很好"));
    assert!(!holds("客服给退款了，已解决"));
}

#[test]
fn a_rule_of_a_brand_or_channel_holds_only_there() {
    let analyzer = with(
        "rules: [{id: r, name: r, level: red, any: [起火], brands: [星河], channels: [weibo, hotline]}]",
    );
    let hits = |brand, channel| {
        analyzer
            .analyze_in(
                "起火了",
                &Context {
                    brand,
                    channel,
                    reach: None,
                },
            )
            .rules
            .len()
    };
    assert_eq!(hits(Some("星河"), Some("weibo")), 1);
    assert_eq!(hits(Some("远山"), Some("weibo")), 0);
    assert_eq!(hits(Some("星河"), Some("survey")), 0);
    assert_eq!(hits(None, None), 0);
}

#[test]
fn a_rule_may_want_a_negative_text() {
    let analyzer = with("rules: [{id: r, name: r, level: red, any: [倒闭], min_negative: 0.2}]");
    assert_eq!(analyzer.analyze("垃圾公司，骗人，早点倒闭").rules.len(), 1);
    assert_eq!(
        analyzer
            .analyze("味道很好，服务周到，千万不要倒闭")
            .rules
            .len(),
        0
    );
}

#[test]
fn what_an_exception_covers_does_not_count_and_the_rest_does() {
    let analyzer =
        with("rules: [{id: r, name: r, level: red, any: [爆炸], except: [人气爆炸, 爆炸头]}]");
    let terms = |text| -> Vec<usize> {
        let hits = analyzer.analyze(text).rules;
        hits.iter()
            .flat_map(|hit| &hit.matches)
            .map(|m| m.start)
            .collect()
    };
    assert!(terms("人气爆炸的店").is_empty());
    assert!(terms("人气 爆炸的店，理了个爆炸头").is_empty());
    assert_eq!(terms("人气爆炸的店里煤气爆炸了"), [9]);
}

#[test]
fn terms_near_each_other_are_told_where_they_stand() {
    let analyzer = with(
        "rules: [{id: r, name: r, level: red, any: [{near: [[充电宝, 电池], [冒烟, 起火]], within: 4}], none: [{near: [[没有], [起火]], within: 2}]}]",
    );
    let found = |text: &str| -> Vec<String> {
        let hits = analyzer.analyze(text).rules;
        hits.iter()
            .flat_map(|hit| &hit.matches)
            .map(|m| m.text.clone())
            .collect()
    };
    assert_eq!(found("我的充 电 宝半夜起*火了"), ["充 电 宝", "起*火"]);
    assert!(found("充电宝用了两年之后起火了").is_empty());
    assert!(found("充电宝。起火").is_empty());
    assert!(found("电池没有起火").is_empty());
}

#[test]
fn a_pattern_is_told_with_the_words_it_matched() {
    let analyzer = with(
        "rules: [{id: r, name: r, level: red, any: [{regex: '赔偿?[0-9]{4,}元'}], all: [客服]}]",
    );
    let hits = analyzer.analyze("客服说赔偿５０００元").rules;
    let texts: Vec<&str> = hits[0].matches.iter().map(|m| m.text.as_str()).collect();
    assert_eq!(texts, ["客服", "赔偿５０００元"]);
    assert!(analyzer.analyze("客服说赔偿50元").rules.is_empty());
}

#[test]
fn a_rule_may_want_a_verdict_an_aspect_and_reach() {
    let analyzer = with(
        "rules: [{id: r, name: r, level: red, any: [退货], sentiment: [negative], aspects: [service_attitude], reach: 100}]",
    );
    let holds = |text, reach| {
        let context = Context {
            reach,
            ..Context::default()
        };
        !analyzer.analyze_in(text, &context).rules.is_empty()
    };
    let angry = "客服态度极差，退货还骂人，垃圾";
    assert!(holds(angry, Some(100)));
    assert!(!holds(angry, Some(99)));
    assert!(!holds(angry, None));
    assert!(!holds("客服态度很好，退货很快，满意", Some(100)));
    assert!(!holds("质量太差了，垃圾，要退货", Some(100)));
}

#[test]
fn examples_aspects_and_channels_are_checked_with_their_lines() {
    let yaml = "rules:
- id: r
  name: r
  level: red
  any: [起火]
  channels: [weibo, weebo]
  aspects: [fire_brigade]
- id: s
  name: s
  level: red
  any: [起火]
  brands: [星河]
  examples:
    hit: [起火了, 着火了]
    miss:
    - 没事
    - 没有起火
";
    let documents = Documents::read(&[("own.yaml", yaml)]).unwrap();
    let analyzer = analyzer().with_rules(&documents.rules).unwrap();
    let error = documents
        .check(&analyzer, &["weibo", "review"])
        .unwrap_err();
    let paths: Vec<_> = error.problems().iter().map(|p| p.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "own.yaml:7: rules[0].aspects[0]",
            "own.yaml:6: rules[0].channels[1]",
            "own.yaml:14: rules[1].examples.hit[1]",
            "own.yaml:17: rules[1].examples.miss[1]",
        ]
    );
}

#[test]
fn the_gravest_rule_comes_first() {
    let analyzer = with(
        "rules: [{id: a, name: a, level: yellow, any: [火]}, {id: b, name: b, level: red, any: [起火]}]",
    );
    let levels: Vec<_> = analyzer
        .analyze("起火")
        .rules
        .iter()
        .map(|h| h.level)
        .collect();
    assert_eq!(levels, [RuleLevel::Red, RuleLevel::Yellow]);
}

#[test]
fn latin_terms_match_whole_words_only() {
    let analyzer = with("rules: [{id: a, name: a, level: yellow, any: [app, 4s店]}]");
    assert_eq!(analyzer.analyze("这个APP不行").rules.len(), 1);
    assert_eq!(analyzer.analyze("I am so happy, apple").rules.len(), 0);
    assert_eq!(analyzer.analyze("去4S店修").rules.len(), 1);
}

#[test]
fn wrong_rules_leave_the_present_ones_in_place() {
    let wrong = Rules { rules: vec![] };
    assert!(analyzer().with_rules(&wrong).is_ok());
    let mut twice = Rules::starter().unwrap();
    twice.rules.push(twice.rules[0].clone());
    assert_eq!(
        analyzer().with_rules(&twice).unwrap_err().problems().len(),
        1
    );
    assert!(!analyzer().analyze("食物中毒").rules.is_empty());
}

#[test]
fn fifty_thousand_terms_compile_and_are_found() {
    let mut yaml = String::from("rules:\n- id: many\n  name: 多\n  level: yellow\n  any:\n");
    for i in 0..50_000 {
        yaml.push_str(&format!("  - 词{i}号\n"));
    }
    let analyzer = with(&yaml);
    assert_eq!(
        analyzer.analyze("这里有词49999号和词7号").rules[0]
            .matches
            .len(),
        2
    );
}

#[test]
fn lexicons_of_a_folder_replace_the_shipped_ones() {
    let folder = std::env::temp_dir().join(format!("wensheng-lexicon-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("polarity.tsv"), "蓝瓜\t-3\n").unwrap();
    let lexicons = Lexicons::from_folder(&folder).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let analyzer = Analyzer::new(&Config::default(), &lexicons, &Rules::default()).unwrap();
    let spans = analyzer.analyze("今天蓝瓜，好吃").sentiment.spans;
    assert_eq!(
        spans.iter().map(|s| s.text.as_str()).collect::<Vec<_>>(),
        ["蓝瓜"]
    );
}
