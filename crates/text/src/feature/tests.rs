use super::*;

const SPAN: usize = 1 << SPAN_BITS;

fn of(text: &str) -> Vec<u32> {
    let mut out = Vec::new();
    symbols(&text.chars().collect::<Vec<_>>(), &mut out, &mut Vec::new());
    out
}

#[test]
fn an_emoticon_is_one_symbol_and_brackets_of_other_use_are_not() {
    assert_eq!(of("气[怒]").len(), 2);
    assert_eq!(of("气[怒][怒][怒]"), of("气[怒]"));
    assert_ne!(of("[怒]"), of("[赞]"));
    assert_eq!(of("[]").len(), 2);
    assert_eq!(of("[这里面是一段很长的话]").len(), 12);
    assert_eq!(of("[未完").len(), 3);
}

#[test]
fn all_digits_are_alike() {
    assert_eq!(of("12元"), of("98元"));
    assert_eq!(of("13800138000"), of("999"));
}

#[test]
fn what_is_said_twice_is_one_run() {
    let mut runs = Runs::default();
    let long = "一二三四五,不好".repeat(LONG / 8) + "好不二三";
    for text in [
        "",
        &long,
        "一",
        "一二",
        "好好好",
        "不好不好,真的不好",
        "一二三四五六七八九十",
        "怒气怒气怒",
        // One slot for three symbols.
        "一嘀帀一嘀一帀嘀一帀一嘀",
        "好123好1234好",
    ] {
        runs.read(text);
        let symbols = of(text);
        let distinct: std::collections::BTreeSet<&[u32]> =
            (1..=3).flat_map(|n| symbols.windows(n)).collect();
        assert_eq!(runs.features().len(), distinct.len(), "{text}");
        assert_eq!(runs.symbols(), symbols.len(), "{text}");
        let features: std::collections::BTreeSet<_> = runs.features().iter().collect();
        assert_eq!(features.len(), distinct.len(), "{text}");
    }
}

#[test]
fn symbols_are_told_apart_when_their_numbers_have_run_out() {
    let text = "不好不好,真的不好";
    let mut runs = Runs::default();
    runs.read(text);
    let distinct = runs.distinct().to_vec();
    for left in 0..2 * text.chars().count() as u32 {
        runs.first = u32::MAX - left;
        for _ in 0..3 {
            runs.read(text);
            assert_eq!(runs.distinct(), distinct, "{left} left");
        }
    }
}

#[test]
fn an_emoticon_says_as_much_after_a_long_text() {
    let mut runs = Runs::default();
    let counts = |text: &str, runs: &mut Runs| {
        runs.read(text);
        let emoticon = single(*of("[怒]").first().unwrap());
        runs.features().iter().filter(|f| **f == emoticon).count()
    };
    assert_eq!(counts("气[怒]", &mut runs), 1);
    let long = "一二三四五六七八九十甲乙丙丁戊己庚辛壬癸";
    assert_eq!(counts(&format!("{long}[怒]"), &mut runs), 3);
    assert_eq!(counts(&format!("[怒]{long}[怒]"), &mut runs), 3);
    assert_eq!(counts(long, &mut runs), 0);
}

#[test]
fn an_opening_has_features_of_its_own() {
    let mut runs = Runs::default();
    let mut opening = |text: &str| {
        runs.read(text);
        let mut room = [0; OPENING];
        let opening = runs.opening(&mut room).to_vec();
        assert!(opening.iter().all(|f| !runs.features().contains(f)));
        opening
    };
    assert!(opening("").is_empty() && opening("好").is_empty());
    let long = opening("一二三四五六七八九十甲乙丙丁");
    assert_eq!(long.len(), OPENING);
    assert_eq!(long, opening("一二三四五六七八九十甲乙好"));
    assert_ne!(long, opening("一二三四五六七八九十甲好"));
}

#[test]
fn features_fall_into_the_table_and_runs_that_begin_alike_near_each_other() {
    let mut runs = Runs::default();
    runs.read("一二三四五");
    for buckets in [2, 100, 40_000, 1 << 22] {
        let places = runs.features().iter().map(|f| bucket_of(*f, buckets));
        assert!(places.into_iter().all(|place| place < buckets as usize));
    }
    let places = |text: &str| -> Vec<usize> {
        let mut runs = Runs::default();
        runs.read(text);
        runs.features()
            .iter()
            .map(|f| bucket_of(*f, 1 << 22))
            .collect()
    };
    let (one, other) = (places("天地人"), places("天地间"));
    // The symbols, the first two of them, the last two, all.
    let [_, _, first, _, _, all] = one[..] else {
        panic!("{one:?}");
    };
    assert_eq!(first, other[2]);
    assert_ne!(all, other[5]);
    assert!(first.abs_diff(all) < SPAN && first.abs_diff(other[5]) < SPAN);
    let singles = [one[0], one[1], one[3]];
    assert!(singles.iter().all(|place| *place < (1 << 18) + SPAN));
}
