//! Phenomena of Chinese feedback, each with pairs of texts that differ in little but the verdict.

use std::collections::{BTreeMap, HashSet};

use crate::analyzer;

/// The share of all texts that must be judged rightly, and of each phenomenon. Raise them when the analyser gets better.
const FLOOR: f32 = 0.93;
const FLOOR_EACH: f32 = 0.8;
/// Pairs that the file must hold.
const LEAST: u32 = 400;

/// What was judged rightly of a phenomenon.
#[derive(Default)]
struct Count {
    texts: u32,
    pairs: u32,
    all: u32,
}

#[test]
fn phenomena_are_understood() {
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    let mut misses = String::new();
    let mut seen = HashSet::new();
    for line in include_str!("../pairs.tsv")
        .lines()
        .filter(|l| !l.starts_with('#'))
    {
        let fields: Vec<&str> = line.split('\t').collect();
        let [phenomenon, one, its, other, others] = fields[..] else {
            panic!("five fields: {line}")
        };
        assert_ne!(
            its, others,
            "the texts of a pair differ in the verdict: {line}"
        );
        let mut right = 0;
        for (text, label) in [(one, its), (other, others)] {
            assert!(seen.insert(text), "stands twice: {text}");
            let sentiment = analyzer().analyze(text).sentiment;
            if sentiment.label.as_str() == label {
                right += 1;
            } else {
                misses.push_str(&format!(
                    "  {phenomenon}: {text}: {} {:.2}, not {label}\n",
                    sentiment.label.as_str(),
                    sentiment.score
                ));
            }
        }
        let count = counts.entry(phenomenon).or_default();
        count.all += 1;
        count.texts += right;
        count.pairs += u32::from(right == 2);
    }
    print!("{misses}");
    println!(
        "{:<22}{:>7}{:>9}{:>9}",
        "phenomenon", "pairs", "texts %", "pairs %"
    );
    let line = |name: &str, count: &Count| {
        let share = |n: u32, of: u32| 100.0 * n as f32 / of as f32;
        let (texts, pairs) = (
            share(count.texts, 2 * count.all),
            share(count.pairs, count.all),
        );
        println!("{name:<22}{:>7}{texts:>9.1}{pairs:>9.1}", count.all);
    };
    let mut sum = Count::default();
    for (phenomenon, count) in &counts {
        line(phenomenon, count);
        sum.texts += count.texts;
        sum.pairs += count.pairs;
        sum.all += count.all;
    }
    line("all", &sum);
    assert!(sum.all >= LEAST);
    let texts = sum.texts as f32 / (2 * sum.all) as f32;
    assert!(texts >= FLOOR, "{texts}");
    for (phenomenon, count) in counts {
        let texts = count.texts as f32 / (2 * count.all) as f32;
        assert!(texts >= FLOOR_EACH, "{phenomenon}: {texts}");
    }
}
