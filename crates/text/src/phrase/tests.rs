use super::*;

const SUBJECTS: [&str; 7] = ["我", "他", "大家", "老板", "朋友", "孩子", "店员"];
const PLACES: [&str; 5] = ["店里", "公司", "家里", "路上", "网上"];
const THINGS: [&str; 6] = ["奶茶", "蛋糕", "手机", "衣服", "外卖", "电影"];

fn small() -> PhraseConfig {
    PhraseConfig {
        half_life: 200.0,
        ..PhraseConfig::default()
    }
}

/// An ordinary text: its words follow each other by chance.
fn ordinary(i: usize) -> Vec<&'static str> {
    vec![
        SUBJECTS[i % 7],
        "在",
        PLACES[i / 3 % 5],
        "买",
        "了",
        THINGS[i / 2 % 6],
        ",",
        "还",
        "可以",
    ]
}

/// The segmenter does not know the new word and cuts it to pieces.
fn bursting(i: usize) -> Vec<&'static str> {
    vec![
        SUBJECTS[i % 7],
        "说",
        THINGS[i % 6],
        "绝",
        "绝",
        "子",
        ["了", "啊", "!", "吧"][i % 4],
    ]
}

#[test]
fn a_word_that_bursts_comes_first_and_whole() {
    let mut finder = PhraseFinder::new(small());
    (0..2000).for_each(|i| drop(finder.observe(&PhraseTokens::of(&ordinary(i)))));
    assert!(finder.top(5).iter().all(|p| p.text != "绝绝子"));
    for i in 0..400 {
        finder.observe(&PhraseTokens::of(&ordinary(i)));
        if i % 4 == 0 {
            finder.observe(&PhraseTokens::of(&bursting(i / 4)));
        }
    }
    let top = finder.top(5);
    assert_eq!(top[0].text, "绝绝子", "{top:?}");
    assert!(top[0].burst > 2.0, "{top:?}");
    // A fragment has a bound edge.
    assert!(top.iter().all(|p| p.text != "绝绝" && p.text != "绝子"));
}

#[test]
fn what_is_no_longer_said_fades() {
    let mut finder = PhraseFinder::new(small());
    for i in 0..400 {
        finder.observe(&PhraseTokens::of(&ordinary(i)));
        finder.observe(&PhraseTokens::of(&ordinary(i + 1)));
        finder.observe(&PhraseTokens::of(&bursting(i)));
    }
    assert!(finder.top(20).iter().any(|p| p.text == "绝绝子"));
    (0..3000).for_each(|i| drop(finder.observe(&PhraseTokens::of(&ordinary(i)))));
    assert!(finder.top(500).iter().all(|p| p.text != "绝绝子"));
}

#[test]
fn words_that_meet_by_chance_are_no_phrase() {
    let words: Vec<String> = (0..40)
        .map(|n| format!("词{}", name(&n.to_string())))
        .collect();
    let mut finder = PhraseFinder::new(small());
    let mut dice = 7u64;
    let mut draw = |sides: u64| {
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    for _ in 0..5_000 {
        let mut text: Vec<&str> = Vec::new();
        for _ in 0..6 {
            text.push(&words[draw(40) as usize]);
            // A word that only joins others stands between them as often as not.
            if draw(2) == 0 {
                text.push("的");
            }
        }
        drop(finder.observe(&PhraseTokens::of(&text)));
    }
    assert_eq!(finder.top(50), []);
}

#[test]
fn memory_is_bounded_on_a_stream_of_words_that_never_come_again() {
    let config = PhraseConfig {
        capacity: 100,
        ..small()
    };
    let mut finder = PhraseFinder::new(config);
    for i in 0..500u32 {
        let words: Vec<String> = (0..20).map(|j| format!("词{}", i * 20 + j)).collect();
        finder.observe(&PhraseTokens::of(&words));
        // One text of 20 words has at most 60 candidates.
        assert!(finder.candidates.len() <= 160 && finder.words.len() <= 120);
    }
}

#[test]
fn counts_stay_true_when_they_are_scaled_back() {
    let mut finder = PhraseFinder::new(PhraseConfig {
        half_life: 10.0,
        // One kind of text alone attracts little.
        least_pmi: 1.0,
        ..small()
    });
    // 2^(1000 / 10) is far above the limit.
    (0..1000).for_each(|i| drop(finder.observe(&PhraseTokens::of(&bursting(i)))));
    let top = finder.top(20);
    let found = top.iter().find(|p| p.text == "绝绝子").unwrap();
    // The sum of a geometric series of ratio 2^(-1/10).
    assert!((found.count - 14.9).abs() < 0.5, "{found:?}");
    assert!((found.burst - 1.0).abs() < 0.1, "{found:?}");
}

#[test]
fn the_phrases_of_a_text_are_told_once_they_are_known() {
    let mut finder = PhraseFinder::new(small());
    (0..500).for_each(|i| drop(finder.observe(&PhraseTokens::of(&ordinary(i)))));
    let told: Vec<bool> = (0..30)
        .map(|i| {
            let found = finder.observe(&PhraseTokens::of(&bursting(i)));
            assert!(
                found
                    .iter()
                    .all(|p| !["绝绝", "绝子"].contains(&p.text.as_str()))
            );
            found.iter().any(|p| p.text == "绝绝子")
        })
        .collect();
    assert!(told[..4].iter().all(|t| !t), "{told:?}");
    assert!(told[10..].iter().all(|t| *t), "{told:?}");
    assert!(finder.is_frequent("绝") && !finder.is_frequent("从未说过"));
}

#[test]
fn no_phrase_begins_or_ends_in_a_word_that_joins_others() {
    let mut finder = PhraseFinder::new(PhraseConfig {
        least_pmi: 0.0,
        least_entropy: 0.0,
        ..small()
    });
    for _ in 0..50 {
        drop(finder.observe(&PhraseTokens::of(&[
            "我们", "的", "奶茶", "不", "退款", "了", "我们",
        ])));
    }
    let found: Vec<String> = finder.top(50).into_iter().map(|p| p.text).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    for phrase in ["奶茶不退款", "不退款"] {
        assert!(found.iter().any(|f| f == phrase), "{found:?}");
    }
}

#[test]
fn what_is_new_finds_room_beside_what_was_said_for_long() {
    let mut finder = PhraseFinder::new(PhraseConfig {
        capacity: 600,
        half_life: 5_000.0,
        ..PhraseConfig::default()
    });
    // Enough phrases that come again to fill all the room, and words that never do.
    let text = |i: usize| {
        let known = i % 700;
        let words = [format!("甲{known}"), format!("乙{known}"), format!("丙{i}")];
        words.map(|w| w.replace(char::is_numeric, "") + &name(w.as_str()))
    };
    for i in 0..9_000 {
        drop(finder.observe(&PhraseTokens::of(&text(i))));
    }
    for i in 0..2_000 {
        drop(finder.observe(&PhraseTokens::of(&text(i + 9_000))));
        // One text in forty.
        if i % 40 == 0 {
            drop(finder.observe(&PhraseTokens::of(&bursting(i / 40))));
        }
    }
    assert!(finder.candidates.len() <= 610);
    let top = finder.top(3);
    assert_eq!(top[0].text, "绝绝子", "{top:?}");
}

/// A number in Han characters.
fn name(text: &str) -> String {
    let digits = text.chars().filter_map(|c| c.to_digit(10));
    digits
        .filter_map(|d| "零一二三四五六七八九".chars().nth(d as usize))
        .collect()
}
