//! The core beside the prototype that was measured, and what it must never do.

use std::io::Read as _;
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;

use super::threshold::{Blocks, measured};
use super::windows::{Addition, Expected, Windows};

/// The share of severe words that the reference scores were made with.
const REFERENCE_SEVERE_SHARE: f64 = 0.01467;

/// Data sets that are not part of the project.
fn shared() -> PathBuf {
    std::env::var_os("WENSHENG_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    )
}

/// Rows of `minute,neg,tot,kw,big,mu,mut,score`; minute by minute the same score as the prototype. Returns how many.
fn follow(csv: &str, name: &str) -> usize {
    let mut windows = Windows::default();
    let mut rows = 0;
    let mut highest: f64 = 0.0;
    for line in csv.lines().skip(1) {
        let row: Vec<f64> = line
            .split(',')
            .map(|field| field.parse().unwrap())
            .collect();
        let usual = Expected {
            negative: row[5],
            total: row[6],
        };
        windows.pass(1, usual);
        windows.add(&Addition {
            negative: row[1],
            total: row[2],
            severe: row[3],
            loud: row[4],
        });
        let score = windows.score(usual, REFERENCE_SEVERE_SHARE).score;
        assert!(
            (score - row[7]).abs() < 2e-3,
            "{name}, minute {}: {score} and not {}",
            row[0],
            row[7]
        );
        highest = highest.max(score);
        rows += 1;
    }
    assert!(
        highest > 2.0,
        "{name} holds a crisis, and the highest score is {highest}"
    );
    rows
}

#[test]
fn scores_are_those_of_the_prototype() {
    assert_eq!(
        follow(include_str!("../../tests/golden.csv"), "golden.csv"),
        600
    );
}

#[test]
fn scores_are_those_of_the_prototype_over_six_weeks_of_four_series() {
    let folder = shared().join("burst/golden");
    let Ok(files) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: no {}; set WENSHENG_SHARED", folder.display());
        return;
    };
    let mut rows = 0;
    for file in files.map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|e| e == "gz") {
            let mut csv = String::new();
            MultiGzDecoder::new(std::fs::File::open(&file).unwrap())
                .read_to_string(&mut csv)
                .unwrap();
            rows += follow(&csv, &file.display().to_string());
        }
    }
    assert_eq!(rows, 4 * 60_480);
}

#[test]
fn one_long_silence_is_as_many_short_ones() {
    let usual = Expected {
        negative: 0.03,
        total: 0.2,
    };
    let addition = Addition {
        negative: 5.0,
        total: 6.0,
        severe: 1.0,
        loud: 0.0,
    };
    let (mut once, mut often) = (Windows::default(), Windows::default());
    once.add(&addition);
    often.add(&addition);
    once.pass(60, usual);
    (0..60).for_each(|_| often.pass(1, usual));
    for (a, b) in once.sums.iter().zip(&often.sums) {
        assert!((a.negative - b.negative).abs() < 1e-4, "{a:?} {b:?}");
        assert!((a.expected - b.expected).abs() < 1e-3, "{a:?} {b:?}");
    }
}

#[test]
#[allow(clippy::approx_constant, reason = "a score that is near π by chance")]
fn fewer_false_alerts_cost_a_higher_threshold() {
    assert!((measured(1.0) - 3.01).abs() < 1e-9);
    assert!((measured(0.5) - 3.14).abs() < 1e-9);
    assert!((measured(0.25) - 3.36).abs() < 1e-9);
    assert!(measured(4.0) < measured(2.0) && measured(0.1) > measured(0.2));
}

#[test]
fn a_restless_brand_learns_a_higher_threshold_and_a_young_one_has_what_was_measured() {
    let learn = |mean: f64| {
        let mut blocks = Blocks::default();
        for block in 1..400_u32 {
            // Quantiles of an exponential above 1, in an order that does not matter.
            let quantile = f64::from(block * 37 % 400) / 400.0;
            blocks.see(1.0 - mean * (1.0 - quantile).ln(), block * 360);
        }
        blocks.threshold(1.0)
    };
    assert!((Blocks::default().threshold(1.0) - 3.01).abs() < 1e-9);
    let (quiet, restless) = (learn(0.3), learn(0.6));
    assert!(quiet < 3.01 && restless > 3.01, "{quiet} {restless}");
    assert!(
        restless < 3.4,
        "one brand's history moves it by little: {restless}"
    );
}
