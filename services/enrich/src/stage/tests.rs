use wensheng_bus::TopicPartition;
use wensheng_schemas::{Channel, EventId, Provenance, Scores};

use super::*;
use crate::{Config, FileWatch, Look, PhraseMemory};

/// Loaded once: word lists and models take longer than all tests together.
static ANALYZER: std::sync::LazyLock<Arc<Analyzer>> =
    std::sync::LazyLock::new(|| Arc::new(Config::default().analyzer().unwrap()));

fn stage() -> EnrichStage {
    let config = Config::default();
    EnrichStage::new(
        watch::Sender::new(ANALYZER.clone()).subscribe(),
        config.repeat_horizon(),
        config.signal_horizon(),
        Phrases::new(config.phrases.clone()),
    )
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + seconds).unwrap()
}

fn feedback(native_id: &str, text: &str) -> FeedbackEvent {
    FeedbackEvent {
        id: EventId::of("shop", native_id),
        revision: 0,
        source: "shop".to_owned(),
        native_id: native_id.to_owned(),
        channel: Channel::Review,
        brand: "山岚茶饮".to_owned(),
        product: None,
        store: None,
        region: None,
        occurred_at: at(0),
        observed_at: at(5),
        text: text.to_owned(),
        author: None,
        reach: None,
        scores: Scores::default(),
        url: None,
        reply_to: None,
        repost_of: None,
        attributes: BTreeMap::new(),
        call: None,
        provenance: Provenance::default(),
        drill: false,
        ratings: Default::default(),
        immutable: false,
        withdrawn: false,
    }
}

fn record(feedback: &FeedbackEvent, offset: u64) -> Record {
    let out = encode(feedback, None);
    Record {
        at: TopicPartition::new(Topic::Feedback.name(), 3),
        offset,
        appended_at: at(6),
        key: out.key,
        value: out.value,
        headers: out.headers,
    }
}

fn topics_of(out: Outputs) -> Vec<String> {
    out.into_records()
        .iter()
        .map(|record| record.topic.to_string())
        .collect()
}

#[test]
fn urgency_emotion_and_stage_stand_on_the_record() {
    let text = "退款申请了三天还没到账，客服不理人，气死我了";
    let (enriched, ..) = passed(&mut stage(), &record(&feedback("1", text), 0));
    assert_eq!(enriched.urgency, 1);
    assert_eq!(enriched.emotion.as_deref(), Some("angry"));
    assert_eq!(enriched.stage.as_deref(), Some("after_sales"));
}

#[test]
fn feedback_is_analysed_and_a_red_rule_gives_a_signal() {
    let mut out = Outputs::default();
    let record = record(&feedback("1", "喝完上吐下泻，食物中毒进了医院，太差了"), 0);
    assert_eq!(stage().process(&record, at(7), &mut out), Outcome::Emit);
    let records = out.into_records();
    let enriched: Enriched =
        serde_json::from_slice(records.last().unwrap().value.as_deref().unwrap()).unwrap();
    assert_eq!(enriched.sentiment.label, SentimentLabel::Negative);
    assert!(
        enriched
            .rules
            .iter()
            .any(|hit| hit.severity == Severity::Crisis),
        "{:?}",
        enriched.rules
    );
    let signal = records
        .iter()
        .find(|record| *record.topic == *Topic::Signals.name())
        .unwrap();
    let key = &signal.key;
    let signal: Signal = serde_json::from_slice(signal.value.as_deref().unwrap()).unwrap();
    assert_eq!(signal.times.observed_at, at(5));
    assert_eq!(signal.times.detected_at, at(7));
    assert_eq!(key.as_ref(), "山岚茶饮".as_bytes());
}

#[test]
fn a_repeat_is_dropped_also_after_a_restart() {
    let mut stage = stage();
    let record = record(&feedback("1", "味道不错"), 0);
    assert_eq!(
        stage.process(&record, at(7), &mut Outputs::default()),
        Outcome::Emit
    );
    assert_eq!(
        stage.process(&record, at(8), &mut Outputs::default()),
        Outcome::Drop("duplicate")
    );
    stage.revoke(&[3]);
    stage.restore(&record);
    assert_eq!(
        stage.process(&record, at(9), &mut Outputs::default()),
        Outcome::Drop("duplicate")
    );
}

#[test]
fn a_back_fill_is_tagged_but_alerts_nobody() {
    let mut old = feedback("1", "食物中毒进了医院");
    old.occurred_at = at(-30 * 86_400);
    let mut out = Outputs::default();
    assert_eq!(
        stage().process(&record(&old, 0), at(7), &mut out),
        Outcome::Emit
    );
    assert_eq!(
        topics_of(out),
        [Topic::Contributions.name(), Topic::Enriched.name()]
    );
}

#[test]
fn bytes_that_are_no_feedback_are_rejected() {
    let mut bad = record(&feedback("1", "x"), 0);
    bad.value = Some(bytes::Bytes::from_static(b"{\"id\": 3}"));
    assert!(matches!(
        stage().process(&bad, at(7), &mut Outputs::default()),
        Outcome::Reject(_)
    ));
}

/// What came out of one record: its enriched form, how many signals, and how many contributions.
fn passed(stage: &mut EnrichStage, record: &Record) -> (Enriched, usize, usize) {
    let mut out = Outputs::default();
    assert_eq!(stage.process(record, at(8), &mut out), Outcome::Emit);
    let records = out.into_records();
    let of = |topic: Topic| records.iter().filter(move |r| *r.topic == *topic.name());
    let enriched = of(Topic::Enriched).next().unwrap();
    (
        serde_json::from_slice(enriched.value.as_deref().unwrap()).unwrap(),
        of(Topic::Signals).count(),
        of(Topic::Contributions).count(),
    )
}

/// The record of the contribution that `stage` would keep for `feedback`.
fn contribution(feedback: &Record, offset: u64) -> Record {
    let mut out = Outputs::default();
    stage().process(feedback, at(8), &mut out);
    let out = out
        .into_records()
        .into_iter()
        .find(|out| *out.topic == *Topic::Contributions.name())
        .unwrap();
    Record {
        at: TopicPartition::new(Topic::Contributions.name(), 3),
        offset,
        appended_at: at(9),
        key: out.key,
        value: out.value,
        headers: out.headers,
    }
}

#[test]
fn a_higher_revision_carries_what_the_one_before_contributed_also_after_a_restart() {
    let mut event = feedback("1", "味道不错，很好喝");
    event.scores.nps = Some(9);
    let first = record(&event, 0);
    event.revision = 2;
    event.text = "太难喝了，差评".to_owned();
    event.scores.nps = Some(1);
    let third = record(&event, 1);
    event.revision = 1;
    let second = record(&event, 2);

    let mut live = stage();
    let (before, _, kept) = passed(&mut live, &first);
    assert_eq!((before.replaces.as_deref(), kept), (None, 1));
    let mut restarted = stage();
    restarted.restore(&first);
    restarted.restore(&contribution(&first, 0));
    for stage in [&mut live, &mut restarted] {
        let (after, _, kept) = passed(stage, &third);
        assert_eq!(after.replaces.as_deref(), Some(&before.contribution()));
        assert_eq!((after.feedback.revision, kept), (2, 1));
        for (late, reason) in [(&second, "superseded"), (&third, "duplicate")] {
            let outcome = stage.process(late, at(9), &mut Outputs::default());
            assert_eq!(outcome, Outcome::Drop(reason));
        }
    }
}

#[test]
fn a_withdrawal_takes_back_adds_nothing_and_says_nothing() {
    let mut stage = stage();
    let mut event = feedback("1", "食物中毒进了医院");
    let (before, signals, _) = passed(&mut stage, &record(&event, 0));
    assert!(signals > 0);
    event.revision = 1;
    event.brand = "别的牌子".to_owned();
    event.withdrawn = true;
    let (gone, signals, _) = passed(&mut stage, &record(&event, 1));
    assert_eq!(gone.replaces.as_deref(), Some(&before.contribution()));
    assert_eq!(signals, 0);
    assert_eq!(gone.feedback.text, "");
    assert_eq!(gone.feedback.brand, before.feedback.brand);
    // Put back again: there is nothing left to take back.
    event.revision = 2;
    event.withdrawn = false;
    let (back, _, _) = passed(&mut stage, &record(&event, 2));
    assert_eq!(back.replaces, None);
}

#[test]
fn a_rule_that_an_earlier_revision_met_gives_no_second_signal() {
    let mut stage = stage();
    let mut event = feedback("1", "味道不错");
    assert_eq!(passed(&mut stage, &record(&event, 0)).1, 0);
    event.revision = 1;
    event.text = "食物中毒进了医院".to_owned();
    assert!(passed(&mut stage, &record(&event, 1)).1 > 0);
    event.revision = 2;
    event.text = "味道不错".to_owned();
    assert_eq!(passed(&mut stage, &record(&event, 2)).1, 0);
    event.revision = 3;
    event.text = "食物中毒进了医院，还在等说法".to_owned();
    let (enriched, signals, _) = passed(&mut stage, &record(&event, 3));
    assert!(!enriched.rules.is_empty());
    assert_eq!(signals, 0);
}

#[test]
fn a_drill_is_never_taken_back_from_the_figures() {
    let mut stage = stage();
    let mut event = feedback("1", "味道不错");
    event.drill = true;
    passed(&mut stage, &record(&event, 0));
    event.revision = 1;
    assert_eq!(passed(&mut stage, &record(&event, 1)).0.replaces, None);
}

#[test]
fn of_a_source_that_never_revises_nothing_is_kept_and_a_revision_is_kept_for_a_person_to_see() {
    let mut stage = stage();
    let mut event = feedback("1", "味道不错");
    event.immutable = true;
    assert_eq!(passed(&mut stage, &record(&event, 0)).2, 0);
    event.revision = 1;
    let revised = record(&event, 1);
    assert!(matches!(
        stage.process(&revised, at(8), &mut Outputs::default()),
        Outcome::Reject(_)
    ));
    assert_eq!(
        stage.process(&revised, at(8), &mut Outputs::default()),
        Outcome::Drop("duplicate")
    );
}

#[test]
fn changed_rules_fire_from_the_next_batch_on_and_broken_ones_leave_the_old_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.yaml");
    let write = |term: &str| {
        let rule = format!("rules:\n- {{id: own, name: 自己的, level: red, any: [{term}]}}\n");
        std::fs::write(&path, rule).unwrap();
    };
    write("蓝瓜");
    let config = Config {
        starter_rules: false,
        rules: vec![path.clone()],
        ..Config::default()
    };
    let mut files = FileWatch::new(config.clone()).unwrap();
    let mut stage = EnrichStage::new(
        files.subscribe(),
        config.repeat_horizon(),
        config.signal_horizon(),
        Phrases::new(config.phrases.clone()),
    );
    let mut offset = 0;
    let mut hear = |stage: &mut EnrichStage| {
        offset += 1;
        let event = feedback(&offset.to_string(), "蓝瓜和紫瓜");
        let (enriched, signals, _) = passed(stage, &record(&event, offset));
        assert_eq!(signals, enriched.rules.len());
        let terms: Vec<String> = enriched.rules.into_iter().flat_map(|h| h.terms).collect();
        (terms.concat(), enriched.rules_version)
    };
    let (terms, first) = hear(&mut stage);
    assert_eq!(terms, "蓝瓜");
    assert!(matches!(files.look(), Look::Same));

    write("紫瓜");
    assert!(matches!(files.look(), Look::Loaded));
    // The batch that has begun is read to its end with the rules it began with.
    assert_eq!(hear(&mut stage), ("蓝瓜".to_owned(), first.clone()));
    stage.committed();
    let (terms, second) = hear(&mut stage);
    assert_eq!(terms, "紫瓜");
    assert_ne!(first, second);

    std::fs::write(
        &path,
        "rules:\n- {id: own, name: 自己的, level: read, any: [红瓜]}\n",
    )
    .unwrap();
    let Look::Refused(error) = files.look() else {
        panic!("a wrong file was taken");
    };
    let told = error.to_string();
    assert!(
        told.contains("own.yaml:2: rules[0].level: \"read\" is none of"),
        "{told}"
    );
    assert!(matches!(files.look(), Look::Same));
    stage.tick(at(9), &mut Outputs::default());
    assert_eq!(hear(&mut stage), ("紫瓜".to_owned(), second.clone()));

    // An example that no longer holds is an error like any other.
    std::fs::write(
        &path,
        "rules:\n- {id: own, name: 自己的, level: red, any: [红瓜], examples: {hit: [绿瓜]}}\n",
    )
    .unwrap();
    assert!(matches!(files.look(), Look::Refused(_)));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(files.look(), Look::Refused(_)));
    assert!(matches!(files.look(), Look::Same));
    stage.committed();
    assert_eq!(hear(&mut stage), ("紫瓜".to_owned(), second));

    write("蓝瓜");
    assert!(matches!(files.look(), Look::Loaded));
    stage.committed();
    assert_eq!(hear(&mut stage), ("蓝瓜".to_owned(), first));
}

const SUBJECTS: [&str; 7] = ["我", "同事", "大家", "邻居", "朋友", "孩子", "她"];
const PLACES: [&str; 5] = ["在店里", "在公司", "在家", "在路上", "周末"];
const THINGS: [&str; 6] = ["奶茶", "蛋糕", "果汁", "咖啡", "酸奶", "面包"];
const VERDICTS: [&str; 4] = ["味道不错", "有点甜", "很好喝", "一般般"];

fn everyday(number: usize) -> String {
    format!(
        "{}{}买了{}，{}。",
        SUBJECTS[number % 7],
        PLACES[number / 3 % 5],
        THINGS[number / 2 % 6],
        VERDICTS[number % 4]
    )
}

/// What people say once a thing is known.
fn outcry(number: usize) -> String {
    let before = ["居然", "我也", "刚刚", "天哪，", "朋友"][number % 5];
    let after = ["，太恶心了", "怎么赔？", "没人管", "！", "还不道歉"][number % 5];
    format!("{}{before}喝出蟑螂{after}", SUBJECTS[number % 7])
}

/// The terms of each piece, by its number.
fn terms_of(stage: &mut EnrichStage, texts: &[String], first: usize) -> Vec<Vec<String>> {
    let mut told = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let number = first + number;
        let mut out = Outputs::default();
        let record = record(&feedback(&number.to_string(), text), number as u64);
        assert_eq!(stage.process(&record, at(7), &mut out), Outcome::Emit);
        let records = out.into_records();
        let enriched: Enriched =
            serde_json::from_slice(records.last().unwrap().value.as_deref().unwrap()).unwrap();
        let counted: Counted =
            serde_json::from_slice(records[0].value.as_deref().unwrap()).unwrap();
        assert_eq!(counted.contribution.unwrap().terms, enriched.terms);
        told.push(enriched.terms);
    }
    told
}

#[test]
fn a_phrase_that_breaks_out_is_told_whole_and_a_restart_changes_nothing() {
    let mut texts: Vec<String> = (0..300).map(everyday).collect();
    for number in 0..30 {
        texts.push(everyday(number * 7));
        texts.push(outcry(number));
    }
    let told = terms_of(&mut stage(), &texts, 0);
    let with = |term: &str| told.iter().filter(|t| t.iter().any(|t| t == term)).count();
    assert!(with("喝出蟑螂") >= 24, "{:?}", &told[330..]);
    assert!(with("蟑螂") >= 24, "a word of the dictionary is a term too");
    for fragment in ["出蟑螂", "喝出", "买了奶茶", "茶味道"] {
        assert_eq!(with(fragment), 0, "{fragment}");
    }
    assert!(told[..300].iter().flatten().all(|t| !t.contains("蟑螂")));
    assert!(with("奶茶") > 30, "what was always said is counted as well");

    for cut in [315, 331] {
        let mut first = stage();
        let before = terms_of(&mut first, &texts[..cut], 0);
        first.revoke(&[3]);
        // The same process goes on with what it knows, another one hears the log.
        for mut next in [first, stage()] {
            for (number, text) in texts[..cut].iter().enumerate() {
                next.restore(&record(&feedback(&number.to_string(), text), number as u64));
            }
            let after = terms_of(&mut next, &texts[cut..], cut);
            assert_eq!(
                [before.clone(), after].concat(),
                told,
                "restarted after {cut}"
            );
        }
    }
}

#[test]
fn what_is_read_again_after_a_commit_that_failed_is_not_heard_again() {
    let texts: Vec<String> = (0..60)
        .map(|number| {
            if number % 2 == 0 {
                everyday(number)
            } else {
                outcry(number)
            }
        })
        .collect();
    let told = terms_of(&mut stage(), &texts, 0);
    let mut stage = stage();
    terms_of(&mut stage, &texts[..20], 0);
    // The last ten were never committed: they are read once more, and nothing that follows is told otherwise.
    stage.revoke(&[3]);
    for (number, text) in texts[..10].iter().enumerate() {
        stage.restore(&record(&feedback(&number.to_string(), text), number as u64));
    }
    terms_of(&mut stage, &texts[10..20], 10);
    assert_eq!(terms_of(&mut stage, &texts[20..], 20), told[20..]);
}

#[test]
fn the_sessions_of_a_process_know_what_each_other_heard_and_restore_for_themselves() {
    let phrases = Phrases::new(Config::default().phrases);
    let session = || EnrichStage {
        phrases: phrases.clone(),
        ..stage()
    };
    let in_partition = |text: &str, offset: u64| {
        let mut record = record(&feedback(&format!("{text} {offset}"), text), offset);
        record.at = TopicPartition::new(Topic::Feedback.name(), 4);
        record
    };
    let (mut one, mut other) = (session(), session());
    // The other is restoring its partition while the first goes on.
    for number in 0..30 {
        other.restore(&in_partition(&everyday(number), 2 * number as u64));
        other.restore(&in_partition(&outcry(number), 2 * number as u64 + 1));
    }
    let told = terms_of(&mut one, &[outcry(1)], 0);
    assert_eq!(
        told,
        [Vec::<String>::new()],
        "what the other restores is not taken from it"
    );
    let mut out = Outputs::default();
    assert_eq!(
        other.process(&in_partition(&outcry(30), 60), at(7), &mut out),
        Outcome::Emit
    );
    // Now both know.
    let told = terms_of(&mut one, &[outcry(2)], 1);
    assert!(told[0].iter().any(|term| term == "喝出蟑螂"), "{told:?}");
}

#[test]
fn a_piece_is_heard_once_whatever_its_revisions_and_drills_are_not_heard() {
    let mut stage = stage();
    let texts: Vec<String> = (0..100).map(everyday).collect();
    terms_of(&mut stage, &texts, 0);
    let mut drill = feedback("drill", "");
    drill.drill = true;
    let mut revised = feedback("revised", &outcry(0));
    for number in 0..30 {
        drill.id = EventId::of("shop", &format!("drill {number}"));
        drill.text = outcry(number);
        revised.revision = number as u32;
        revised.text = outcry(number);
        for event in [&drill, &revised] {
            let mut out = Outputs::default();
            stage.process(&record(event, 1_000 + number as u64), at(8), &mut out);
            let records = out.into_records();
            let value = records.last().unwrap().value.as_deref().unwrap();
            let enriched: Enriched = serde_json::from_slice(value).unwrap();
            let of_it = |term: &String| term.contains("蟑螂");
            assert!(!enriched.terms.iter().any(of_it), "{:?}", enriched.terms);
        }
    }
}

#[test]
fn the_memory_of_phrases_holds_so_many_brands() {
    let mut stage = stage();
    stage.phrases = Phrases::new(PhraseMemory {
        brands: 2,
        ..PhraseMemory::default()
    });
    let words = ANALYZER.words("奶茶");
    let mut offset = 0;
    let mut place = || {
        offset += 1;
        Place {
            partition: 3,
            offset,
        }
    };
    for brand in ["甲", "乙", "甲", "丙"] {
        for _ in 0..6 {
            stage
                .phrases
                .hear(place(), brand, true, &words, [].into_iter());
        }
    }
    let known = |brand: &str| {
        let terms = stage.phrases.hear(
            Place {
                partition: 3,
                offset: 0,
            },
            brand,
            false,
            &words,
            ["奶茶"].into_iter(),
        );
        terms == ["奶茶"]
    };
    assert!(known("甲") && known("丙"));
    assert!(!known("乙"), "silent for longest");
}
