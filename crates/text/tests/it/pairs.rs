//! Phenomena of Chinese feedback, each with texts that differ in little but the verdict.

use std::collections::BTreeMap;

use crate::analyzer;

/// The share of all texts that must be judged rightly, and of each phenomenon. Raise them when the analyser gets better.
const FLOOR: f32 = 0.85;
const FLOOR_EACH: f32 = 0.3;

#[test]
fn phenomena_are_understood() {
    let mut counts: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    let mut misses = String::new();
    for line in include_str!("../pairs.tsv")
        .lines()
        .filter(|l| !l.starts_with('#'))
    {
        let fields: Vec<&str> = line.split('\t').collect();
        let [phenomenon, text, label] = fields[..] else {
            panic!("three fields: {line}")
        };
        let sentiment = analyzer().analyze(text).sentiment;
        let count = counts.entry(phenomenon).or_default();
        count.1 += 1;
        if sentiment.label.as_str() == label {
            count.0 += 1;
        } else {
            misses.push_str(&format!(
                "  {phenomenon}: {text}: {} {:.2}, not {label}\n",
                sentiment.label.as_str(),
                sentiment.score
            ));
        }
    }
    for (phenomenon, (met, all)) in &counts {
        println!("{phenomenon:<22}{met:>4} of {all:>3}");
    }
    print!("{misses}");
    let met: u32 = counts.values().map(|c| c.0).sum();
    let all: u32 = counts.values().map(|c| c.1).sum();
    println!(
        "all {met} of {all}: {:.1} %",
        100.0 * met as f32 / all as f32
    );
    assert!(all >= 150);
    assert!(met as f32 >= FLOOR * all as f32, "{met} of {all}");
    for (phenomenon, (met, all)) in counts {
        assert!(
            met as f32 >= FLOOR_EACH * all as f32,
            "{phenomenon}: {met} of {all}"
        );
    }
}
