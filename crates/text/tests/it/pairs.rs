//! Phenomena of Chinese feedback, each with pairs of texts that differ in little but the verdict.

use std::collections::{BTreeMap, HashSet};

use crate::analyzer;

/// The share of all texts that must be judged rightly, and of each phenomenon. Raise them when the analyser gets better.
const FLOOR: f32 = 0.95;
const FLOOR_EACH: f32 = 0.89;
/// The same of the fresh pairs, on which nothing was chosen: what texts that nobody has looked at can expect of these phenomena.
const FLOOR_FRESH: f32 = 0.66;
/// Pairs that the file must hold.
const LEAST: u32 = 400;

/// What was judged rightly of a phenomenon.
#[derive(Default)]
struct Count {
    texts: u32,
    pairs: u32,
    all: u32,
}

impl Count {
    /// A further pair, of which so many texts were right.
    fn add(&mut self, right: u32) {
        self.all += 1;
        self.texts += right;
        self.pairs += u32::from(right == 2);
    }

    /// The share of its texts that were right.
    fn share(&self) -> f32 {
        self.texts as f32 / (2 * self.all) as f32
    }
}

/// Prints the rates by phenomenon; their sum.
fn print(counts: &BTreeMap<&str, Count>) -> Count {
    println!(
        "{:<22}{:>7}{:>9}{:>9}",
        "phenomenon", "pairs", "texts %", "pairs %"
    );
    let line = |name: &str, count: &Count| {
        let pairs = 100.0 * count.pairs as f32 / count.all as f32;
        let texts = 100.0 * count.share();
        println!("{name:<22}{:>7}{texts:>9.1}{pairs:>9.1}", count.all);
    };
    let mut sum = Count::default();
    for (phenomenon, count) in counts {
        line(phenomenon, count);
        sum.texts += count.texts;
        sum.pairs += count.pairs;
        sum.all += count.all;
    }
    line("all", &sum);
    sum
}

#[test]
fn phenomena_are_understood() {
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    let mut fresh: BTreeMap<&str, Count> = BTreeMap::new();
    let mut is_fresh = false;
    let mut misses = String::new();
    let mut seen = HashSet::new();
    for line in include_str!("../pairs.tsv").lines() {
        is_fresh |= line.starts_with("# fresh");
        if line.starts_with('#') {
            continue;
        }
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
        let counts = if is_fresh { &mut fresh } else { &mut counts };
        counts.entry(phenomenon).or_default().add(right);
    }
    print!("{misses}");
    println!("fresh pairs:");
    let of_fresh = print(&fresh);
    println!("the other pairs:");
    let sum = print(&counts);
    assert!(sum.all >= LEAST);
    let texts = sum.share();
    assert!(texts >= FLOOR, "{texts}");
    let texts = of_fresh.share();
    assert!(of_fresh.all == 0 || texts >= FLOOR_FRESH, "fresh: {texts}");
    for (phenomenon, count) in counts {
        let texts = count.share();
        assert!(texts >= FLOOR_EACH, "{phenomenon}: {texts}");
    }
}
