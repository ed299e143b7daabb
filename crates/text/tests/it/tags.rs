//! Tags of whole texts: emotion, urgency, stage, fingerprint, entities.

use wensheng_text::{Analysis, SimHash};

use crate::analyzer;

/// The share of the rows `expected TAB text` that are tagged as expected, and a line for each that is not.
fn rate(table: &str, tag: impl Fn(&Analysis) -> String) -> (f32, usize, String) {
    let (mut right, mut all) = (0, 0);
    let mut misses = String::new();
    for line in table.lines().filter(|l| !l.starts_with('#')) {
        let (expected, text) = line.split_once('\t').unwrap();
        let found = tag(&analyzer().analyze(text));
        all += 1;
        if found == expected {
            right += 1;
        } else {
            misses.push_str(&format!("  {text}: {found}, not {expected}\n"));
        }
    }
    (right as f32 / all as f32, all, misses)
}

#[test]
fn urgency_is_judged_as_a_person_would() {
    let (rate, all, misses) = rate(include_str!("../urgency.tsv"), |a| {
        a.urgency.level().to_string()
    });
    println!("urgency: {:.1} % of {all}\n{misses}", rate * 100.0);
    assert!(all >= 40 && rate >= 0.9, "{rate}\n{misses}");
}

#[test]
fn the_stage_is_found_as_a_person_would() {
    let (rate, all, misses) = rate(include_str!("../journey.tsv"), |a| {
        a.stage.map_or("none", |s| s.as_str()).to_owned()
    });
    println!("stage: {:.1} % of {all}\n{misses}", rate * 100.0);
    assert!(all >= 40 && rate >= 0.9, "{rate}\n{misses}");
}
