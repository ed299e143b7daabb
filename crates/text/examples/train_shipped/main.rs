//! Trains the shipped models and prints their scores, as `models/MODEL_CARD.md` tells.
//!
//!     cargo run --release -p wensheng-text --example train_shipped -- DATA OUT [held-out=TENTH | left-out [final]] [shared] [buckets=N] [lexicon=WEIGHT] …
//!
//! `DATA` holds `train/*.csv` and `test/*.csv`. With `held-out=0` to `held-out=9`, that tenth of the training rows is kept out and
//! scored instead of the test sets: for choosing options. With `shared`, no kind of source has weights of its own. With `left-out`, each domain is scored by a model that has seen no row of it, under several weights of
//! the lexicon; on the training rows of the domain, or on its test rows with `final`. Nothing is written.

mod phrases;
mod sets;

use std::collections::BTreeMap;
use std::path::Path;

use sets::{Rows, Sets, TENTHS, channel, domain, kind};
use wensheng_text::{
    Analyzer, Config, Context, Lexicons, Model, Normalizer, Row, Rules, Scores, TrainOptions,
    evaluate, train,
};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, out, rest @ ..] = arguments.as_slice() else {
        return Err("give DATA and OUT".into());
    };
    let says = |word: &str| rest.iter().any(|a| a == word);
    let option = |name: &str| {
        rest.iter()
            .find_map(|a| a.strip_prefix(name)?.strip_prefix('=')?.parse::<f32>().ok())
    };
    let mut options = TrainOptions {
        version: "wensheng-sentiment-2026-11f".to_owned(),
        ..TrainOptions::default()
    };
    options.buckets = option("buckets").map_or(options.buckets, |b| b as u32);
    options.epochs = option("epochs").map_or(options.epochs, |b| b as usize);
    options.rate = option("rate").unwrap_or(options.rate);
    options.decay = option("decay").unwrap_or(options.decay);
    options.floor = option("floor").unwrap_or(options.floor);
    options.two_way_weight = option("two-way").unwrap_or(options.two_way_weight);
    options.adapter_dropout = option("adapter-dropout").unwrap_or(options.adapter_dropout);
    options.doubt = option("doubt").unwrap_or(options.doubt);
    options.doubted_weight = option("doubted").unwrap_or(options.doubted_weight);
    let weight = option("lexicon").unwrap_or(Config::default().lexicon_weight);

    let normalizer = Normalizer::new();
    let tenths = rest.iter().find_map(|a| a.strip_prefix("held-out"));
    let tenth = tenths.map(tenth).transpose()?;
    let sets = Sets::read(Path::new(data), tenth, &normalizer)?;
    if says("left-out") {
        let scored = if says("final") {
            &sets.tests
        } else {
            &sets.train
        };
        return score_left_out(&sets, scored, &options, &normalizer);
    }
    let mut rows = sets.rows(|_| true, &normalizer);
    if says("shared") {
        rows.iter_mut().for_each(|row| row.adapter = None);
    }
    println!("{} rows to train on; {options:?}", rows.len());
    let begin = std::time::Instant::now();
    let model = if says("reuse") {
        Model::from_bytes(&std::fs::read(out)?)?
    } else {
        train(&rows, &options, &normalizer)?
    };
    println!("trained in {:.1} s", begin.elapsed().as_secs_f32());
    std::fs::write(out, model.to_bytes())?;
    for known in [false, true] {
        println!("\nlexicon weight {weight}, kind of source known: {known}");
        let scored = sets
            .tests
            .iter()
            .map(|(name, rows)| {
                Ok((
                    name.as_str(),
                    score(&model, weight, rows, known.then(|| kind(name)))?,
                ))
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        print(&scored);
    }
    Ok(())
}

/// The number of a tenth after `held-out`.
fn tenth(given: &str) -> Result<u64, Failure> {
    let number = given.strip_prefix('=').and_then(|n| n.parse().ok());
    let tenth = number.filter(|n| *n < TENTHS);
    tenth.ok_or_else(|| format!("held-out{given}: give held-out=0 to held-out=9").into())
}

/// Weights of the lexicon on domains left out; a source that is not known doubles them.
const WEIGHTS: [f32; 4] = [0.0, 0.125, 0.25, 0.375];

/// Each domain by a model that learnt from the others only.
fn score_left_out(
    sets: &Sets,
    scored: &BTreeMap<String, Rows>,
    options: &TrainOptions,
    normalizer: &Normalizer,
) -> Result<(), Failure> {
    let mut domains: BTreeMap<&str, Vec<(&str, &Rows)>> = BTreeMap::new();
    for (name, rows) in scored {
        domains.entry(domain(name)).or_default().push((name, rows));
    }
    println!("polar accuracy by weight of the lexicon: {WEIGHTS:?}, doubled");
    let (mut sums, mut count) = ([0.0; WEIGHTS.len()], 0.0);
    for (left_out, tests) in &domains {
        let rows = sets.rows(|set| domain(set) != *left_out, normalizer);
        let model = train(&rows, options, normalizer)?;
        for (name, rows) in tests {
            let mut line = format!("{name:<26}");
            for (weight, sum) in WEIGHTS.iter().zip(&mut sums) {
                let polar = 100.0 * score(&model, *weight, rows, None)?.polar_accuracy;
                line += &format!("{polar:>8.2}");
                *sum += polar;
            }
            count += 1.0;
            println!("{line}");
        }
    }
    println!("mean {:?}", sums.map(|sum| sum / count));
    Ok(())
}

fn score(
    model: &Model,
    weight: f32,
    rows: &[Row],
    kind: Option<&'static str>,
) -> Result<Scores, Failure> {
    let mut config = Config {
        lexicon_weight: weight,
        ..Config::default()
    };
    let channel = kind.map(channel);
    if let (Some(kind), Some(channel)) = (kind, channel) {
        // As an operator maps the reviews of a hotel or of a delivery service.
        config.adapters.insert(channel.to_owned(), kind.to_owned());
    }
    let analyzer = Analyzer::with_model(
        &config,
        &Lexicons::embedded()?,
        &Rules::default(),
        model.clone(),
    )?;
    let context = Context {
        channel,
        ..Context::default()
    };
    Ok(evaluate(&analyzer, rows, &context))
}

fn print(scored: &[(&str, Scores)]) {
    println!(
        "{:<26}{:>8}{:>10}{:>10}{:>10}{:>8}",
        "set", "rows", "polar", "accuracy", "macro-F1", "ECE"
    );
    for (name, s) in scored {
        println!(
            "{name:<26}{:>8}{:>10.2}{:>10.2}{:>10.2}{:>8.3}",
            s.rows,
            100.0 * s.polar_accuracy,
            100.0 * s.accuracy,
            100.0 * s.macro_f1,
            s.calibration_error
        );
    }
    let mean = scored.iter().map(|(_, s)| s.polar_accuracy).sum::<f32>() / scored.len() as f32;
    println!("mean polar {:.2}", 100.0 * mean);
}
