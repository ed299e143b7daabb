use super::*;

fn rules() -> DraftRules {
    DraftRules {
        source: "s".to_owned(),
        connector: "files",
        brand: Some("鹿汀茶饮".to_owned()),
        channel: Channel::Survey,
        channel_names: BTreeMap::from([("电话".to_owned(), Channel::Hotline)]),
        times: TimeReader::new(TimeFormat::Auto, "Asia/Shanghai").unwrap(),
        pseudonyms: Pseudonyms::new("0123456789abcdef"),
        max_text_bytes: 100,
        aliases: None,
    }
}

fn event(fields: &[(Field, &str)]) -> Result<FeedbackEvent, String> {
    let mut draft = Draft::default();
    for (field, value) in fields {
        draft.set(*field, *value);
    }
    let place = Place {
        place: "f.csv",
        line: Some(2),
    };
    let now = "2026-03-01T00:00:00Z".parse().unwrap();
    draft.into_event(&rules(), place, now, || "fallback".to_owned())
}

#[test]
fn constants_stand_in_for_what_the_source_leaves_out() {
    let event = event(&[(Field::Text, "不错")]).unwrap();
    assert_eq!(event.brand, "鹿汀茶饮");
    assert_eq!(event.channel, Channel::Survey);
    assert_eq!(event.native_id, "fallback");
    assert_eq!(event.id, EventId::of("s", "fallback"));
    assert_eq!(event.occurred_at, event.observed_at);
    assert_eq!(event.author, None);
    assert_eq!(event.reach, None);
}

#[test]
fn a_score_without_words_is_an_answer_and_words_without_anything_are_not() {
    let answer = event(&[(Field::Text, "  "), (Field::Nps, "0")]).unwrap();
    assert_eq!(answer.text, "");
    assert_eq!(answer.scores.nps, Some(0));
    let refused = event(&[(Field::Text, " \n")]).unwrap_err();
    assert!(refused.contains("text is empty"), "{refused}");
}

#[test]
fn scores_out_of_range_are_refused_by_name() {
    for (field, good, bad) in [
        (Field::Nps, "10.0", "11"),
        (Field::Csat, "1", "0"),
        (Field::Ces, "7", "8"),
        (Field::Csat, "5", "4.5"),
        (Field::Nps, "3", "-1"),
        (Field::Nps, "3", "十"),
    ] {
        assert!(event(&[(field, good)]).is_ok(), "{field:?} {good}");
        let refused = event(&[(field, bad), (Field::Text, "x")]).unwrap_err();
        assert!(refused.starts_with(field.name()), "{refused}");
    }
}

#[test]
fn a_revision_needs_the_id_that_it_revises_and_a_withdrawal_a_revision() {
    let id = (Field::Id, "7");
    let revised = event(&[id, (Field::Text, "改了"), (Field::Revision, "2")]).unwrap();
    assert_eq!((revised.revision, revised.withdrawn), (2, false));
    let nameless = event(&[(Field::Text, "改了"), (Field::Revision, "2")]).unwrap_err();
    assert!(nameless.contains("no id"), "{nameless}");
    let gone = [
        id,
        (Field::Revision, "3"),
        (Field::Withdrawn, "true"),
        (Field::Text, "我叫什么"),
        (Field::Author, "u1"),
    ];
    let gone = event(&gone).unwrap();
    assert!(gone.withdrawn);
    assert_eq!((gone.text.as_str(), gone.author), ("", None));
    let first = event(&[id, (Field::Withdrawn, "是")]).unwrap_err();
    assert!(first.contains("higher revision"), "{first}");
}

#[test]
fn counts_are_read_as_platforms_write_them() {
    for (written, count) in [
        ("12", Some(12)),
        ("1,234", Some(1234)),
        ("1.2万", Some(12_000)),
        ("3.33w", Some(33_300)),
        ("1亿", Some(100_000_000)),
        ("1.5", None),
        ("-3", None),
        ("many", None),
        ("", None),
        ("万", None),
        ("9007199254740993", Some(9_007_199_254_740_993)),
    ] {
        assert_eq!(parse_count(written), count, "{written:?}");
    }
}

#[test]
fn an_author_is_never_kept_in_the_clear() {
    let event = event(&[
        (Field::Text, "x"),
        (Field::Author, "13800138000"),
        (Field::Followers, "2.5万"),
    ])
    .unwrap();
    let author = event.author.unwrap();
    assert_eq!(author.followers, Some(25_000));
    assert!(!author.key.contains("138"));
}

#[test]
fn channels_go_by_their_own_names_and_the_configured_ones() {
    let channel = |name| event(&[(Field::Text, "x"), (Field::Channel, name)]).map(|e| e.channel);
    assert_eq!(channel("weibo"), Ok(Channel::Weibo));
    assert_eq!(channel("电话"), Ok(Channel::Hotline));
    assert!(channel("fax").unwrap_err().contains("channel_names"));
}

#[test]
fn times_that_cannot_be_are_refused() {
    let at =
        |written| event(&[(Field::Text, "x"), (Field::OccurredAt, written)]).map(|e| e.occurred_at);
    assert_eq!(
        at("2026-02-28 08:00:00"),
        Ok("2026-02-28T00:00:00Z".parse().unwrap())
    );
    for written in ["昨天", "2026-03-03 00:00:00", "1970-01-02 00:00:00"] {
        assert!(at(written).is_err(), "{written}");
    }
}

#[test]
fn an_over_long_field_is_refused_and_a_null_character_is_dropped() {
    let refused = event(&[(Field::Text, &"长".repeat(34))]).unwrap_err();
    assert!(refused.contains("max_text_bytes"), "{refused}");
    assert_eq!(event(&[(Field::Text, "a\0b")]).unwrap().text, "ab");
}
