//! Text analysis on one core, step by step, beside raw jieba-rs on the same texts. Every round runs every step, so that a busy machine
//! slows all alike; the best of all passes counts, as that is the one least disturbed.

use std::time::Instant;

use anyhow::{Context as _, Result};
use wensheng_text::bench::{StepRate, StepRates, measure as measure_steps, measure_rules};
use wensheng_text::{Analyzer, Config, Lexicons, Rules};

use super::report::Report;

/// Rounds that count, each the best of several passes, after one that warms caches and branch predictors. Fewer leave the best to
/// chance on a shared machine.
const ROUNDS: usize = 3;
/// The step that the others stand beside: raw jieba-rs without its hidden Markov model, which is the faster setting of the two.
const BASELINE: &str = "jieba";

/// Terms in all keyword rules together: what a first file has, a grown one, and the most that is promised.
const TERMS: [usize; 3] = [10, 1_000, 50_000];
/// A pass over rules is short: more of them find an undisturbed one.
const RULE_PASSES: usize = 9;

/// Measures.
pub(crate) fn measure(texts: &[String], report: &mut Report) -> Result<()> {
    let begun = Instant::now();
    let lexicons = Lexicons::embedded().context("read the shipped word lists")?;
    let rules = Rules::starter().context("read the shipped rules")?;
    let analyzer =
        Analyzer::new(&Config::default(), &lexicons, &rules).context("build the analyser")?;
    let start_up = begun.elapsed();

    measure_steps(&analyzer, texts);
    let rounds: Vec<StepRates> = (0..ROUNDS)
        .map(|_| measure_steps(&analyzer, texts))
        .collect();
    let best = best_of(&rounds);

    report.add("text: posts", texts.len() as f64, "");
    let length = rounds.first().map_or(0.0, |round| round.mean_chars);
    report.add("text: length, mean", length, "chars");
    report.add(
        "text: start-up of the analyser",
        start_up.as_secs_f64() * 1e3,
        "ms",
    );
    tell(&best, "µs/post", |step| step.microseconds_per_text, report);
    tell(&best, "MB/s", |step| step.megabytes_per_second, report);
    let took = measure_rules(&analyzer, texts, &TERMS, RULE_PASSES)
        .context("measure rules of many terms")?;
    for (count, microseconds) in TERMS.iter().zip(&took) {
        report.add_beside(
            format!("text: rules of {count} terms"),
            *microseconds,
            "µs/post",
            "rules of 10 terms",
            took[0],
        );
    }
    Ok(())
}

/// Of each step, its fastest round.
fn best_of(rounds: &[StepRates]) -> Vec<StepRate> {
    let mut best: Vec<StepRate> = Vec::new();
    for step in rounds.iter().flat_map(|round| &round.steps) {
        match best.iter_mut().find(|known| known.step == step.step) {
            Some(known) if known.microseconds_per_text <= step.microseconds_per_text => {}
            Some(known) => known.clone_from(step),
            None => best.push(step.clone()),
        }
    }
    best
}

fn tell(steps: &[StepRate], unit: &'static str, of: fn(&StepRate) -> f64, report: &mut Report) {
    let Some(baseline) = steps.iter().find(|step| step.step == BASELINE) else {
        return;
    };
    report.add(format!("text: {}", name(BASELINE)), of(baseline), unit);
    for step in steps.iter().filter(|step| step.step != BASELINE) {
        report.add_beside(
            format!("text: {}", name(step.step)),
            of(step),
            unit,
            name(BASELINE),
            of(baseline),
        );
    }
}

/// How people call a step.
fn name(step: &'static str) -> &'static str {
    match step {
        "jieba" => "raw jieba-rs cut",
        "normalize" => "normalise",
        "verdict" => "sentiment alone",
        "verdict_adapted" => "sentiment alone, of a channel with weights of its own",
        "trained_adapted" => "trained reading alone, of a channel with weights of its own",
        "analyze" => "all tags",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_told_in_both_units_beside_raw_segmentation() {
        let texts = ["味道不错，就是等太久", "客服态度差，再也不来了"].map(str::to_owned);
        let mut report = Report::default();
        measure(&texts, &mut report).unwrap();
        let figures = serde_json::to_value(&report).unwrap();
        let figures = figures["figures"].as_array().unwrap();
        for step in ["normalise", "segment", "sentiment alone", "all tags"] {
            for unit in ["µs/post", "MB/s"] {
                let figure = figures
                    .iter()
                    .find(|f| f["name"] == format!("text: {step}") && f["unit"] == unit)
                    .unwrap();
                assert!(figure["value"].as_f64().unwrap() > 0.0, "{figure}");
                assert_eq!(figure["beside"]["name"], name(BASELINE));
            }
        }
    }

    #[test]
    fn rules_of_many_terms_are_told_beside_rules_of_few() {
        let mut report = Report::default();
        measure(&["味道不错，就是等太久".to_owned()], &mut report).unwrap();
        let figures = serde_json::to_value(&report).unwrap();
        let many = figures["figures"]
            .as_array()
            .unwrap()
            .iter()
            .find(|f| f["name"] == "text: rules of 50000 terms")
            .unwrap();
        assert!(many["value"].as_f64().unwrap() > 0.0, "{many}");
        assert_eq!(many["beside"]["name"], "rules of 10 terms");
    }

    #[test]
    fn the_fastest_round_of_each_step_counts() {
        let round = |segment: f64, verdict: f64| {
            let step = |step, microseconds_per_text| StepRate {
                step,
                megabytes_per_second: 1.0,
                microseconds_per_text,
            };
            StepRates {
                texts: 1,
                bytes: 1,
                mean_chars: 1.0,
                steps: vec![step("segment", segment), step("verdict", verdict)],
            }
        };
        let best = best_of(&[round(3.0, 1.0), round(2.0, 4.0)]);
        let found: Vec<f64> = best.iter().map(|step| step.microseconds_per_text).collect();
        assert_eq!(found, [2.0, 1.0]);
    }
}
