//! Text analysis on one core, step by step, beside raw jieba-rs on the same texts: every round runs every step, so that a busy
//! machine slows all alike, and the best round of each step counts, as that is the one least disturbed.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use jieba_rs::Jieba;
use wensheng_text::{Analyzer, Config, Context, Lexicons, Normalizer, Rules, Segmenter};

use super::report::Report;

/// Rounds that count, after one that warms caches and branch predictors. Fewer leave the best to chance on a shared machine.
const ROUNDS: usize = 7;
/// The step that the others stand beside: the setting without the hidden Markov model is the faster one, and the one that the
/// analyser's own segmenter agrees with.
const BASELINE: &str = "jieba-rs cut";

/// One step, and the best time that it took for all texts.
struct Step<'a> {
    name: &'static str,
    run: Box<dyn Fn(&str) + 'a>,
    best: Duration,
}

impl<'a> Step<'a> {
    fn new(name: &'static str, run: impl Fn(&str) + 'a) -> Self {
        Self {
            name,
            run: Box::new(run),
            best: Duration::MAX,
        }
    }

    fn round(&mut self, texts: &[String]) {
        let started = Instant::now();
        for text in texts {
            (self.run)(text);
        }
        self.best = self.best.min(started.elapsed());
    }
}

/// Measures.
pub(crate) fn measure(texts: &[String], report: &mut Report) -> Result<()> {
    let begun = Instant::now();
    let lexicons = Lexicons::embedded().context("read the shipped word lists")?;
    let rules = Rules::starter().context("read the shipped rules")?;
    let analyzer =
        Analyzer::new(&Config::default(), &lexicons, &rules).context("build the analyser")?;
    let start_up = begun.elapsed();
    let segmenter = Segmenter::for_lexicons(&lexicons);
    let normalizer = Normalizer::new();
    let jieba = Jieba::new();
    let nowhere = Context::default();

    let mut steps = [
        Step::new(BASELINE, |text| {
            black_box(jieba.cut(text, false));
        }),
        Step::new("jieba-rs cut with HMM", |text| {
            black_box(jieba.cut(text, true));
        }),
        Step::new("normalise", |text| {
            black_box(normalizer.normalize(text, usize::MAX));
        }),
        Step::new("segment", |text| {
            black_box(segmenter.cut(text));
        }),
        Step::new("sentiment alone", |text| {
            black_box(analyzer.verdict(text, &nowhere));
        }),
        Step::new("all tags", |text| {
            black_box(analyzer.analyze(text));
        }),
    ];
    for step in &mut steps {
        step.round(texts);
        step.best = Duration::MAX;
    }
    for _ in 0..ROUNDS {
        for step in &mut steps {
            step.round(texts);
        }
    }
    tell(texts, &steps, report);
    report.add(
        "text: start-up of the analyser",
        start_up.as_secs_f64() * 1e3,
        "ms",
    );
    Ok(())
}

fn tell(texts: &[String], steps: &[Step<'_>], report: &mut Report) {
    let posts = texts.len() as f64;
    let megabytes = texts.iter().map(String::len).sum::<usize>() as f64 / 1e6;
    let characters: usize = texts.iter().map(|text| text.chars().count()).sum();
    report.add("text: posts", posts, "");
    report.add("text: length, mean", characters as f64 / posts, "chars");
    report.add("text: rounds, of which the best counts", ROUNDS as f64, "");
    let per_post = |step: &Step<'_>| step.best.as_secs_f64() * 1e6 / posts;
    let speed = |step: &Step<'_>| megabytes / step.best.as_secs_f64();
    let Some((baseline, others)) = steps.split_first() else {
        return;
    };
    for (unit, figure) in [
        ("µs/post", &per_post as &dyn Fn(&Step<'_>) -> f64),
        ("MB/s", &speed),
    ] {
        report.add(format!("text: {}", baseline.name), figure(baseline), unit);
        for step in others {
            report.add_beside(
                format!("text: {}", step.name),
                figure(step),
                unit,
                baseline.name,
                figure(baseline),
            );
        }
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
        for name in ["normalise", "segment", "sentiment alone", "all tags"] {
            for unit in ["µs/post", "MB/s"] {
                let figure = figures
                    .iter()
                    .find(|f| f["name"] == format!("text: {name}") && f["unit"] == unit)
                    .unwrap();
                assert!(figure["value"].as_f64().unwrap() > 0.0, "{figure}");
                assert_eq!(figure["beside"]["name"], BASELINE);
            }
        }
    }
}
