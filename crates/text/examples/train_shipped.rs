//! Trains the shipped model and prints its scores, as `models/MODEL_CARD.md` tells.
//!
//!     cargo run --release -p wensheng-text --example train_shipped -- DATA OUT [held-out]
//!
//! `DATA` holds `train/*.csv` and `test/*.csv`. With `held-out`, a tenth of the training rows is kept out and scored instead of the
//! test sets: for choosing options.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use wensheng_text::{
    Analyzer, Config, Context, Lexicons, Model, Normalizer, Polarity, Row, Rules, TrainOptions,
    evaluate, read_labelled, train,
};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, out, rest @ ..] = arguments.as_slice() else {
        return Err("give DATA and OUT".into());
    };
    let held_out = rest.iter().any(|a| a == "held-out");
    let option = |name: &str| {
        rest.iter()
            .find_map(|a| a.strip_prefix(name)?.strip_prefix('=')?.parse::<f32>().ok())
    };
    let normalizer = Normalizer::new();
    let adapters = rest.iter().all(|a| a != "shared");
    let sets = read_sets(&Path::new(data).join("train"))?;
    let (mut rows, mut held) = (Vec::new(), BTreeMap::new());
    let mut seen = HashSet::new();
    for (name, set) in sets {
        for mut row in set {
            row.adapter = adapters.then(|| adapter(&name).to_owned());
            if name == "books_3class" && row.label == Polarity::Neutral {
                continue;
            }
            let text = normalizer.normalize(&row.text, usize::MAX).text;
            match hash(&text) % 20 {
                0 | 1 if held_out => held.entry(name.clone()).or_insert_with(Vec::new).push(row),
                _ if seen.insert(hash(&text)) => rows.push(row),
                _ => {}
            }
        }
    }
    let mut options = TrainOptions {
        version: "wensheng-sentiment-2026-11".to_owned(),
        ..TrainOptions::default()
    };
    options.bits = option("bits").map_or(options.bits, |b| b as u32);
    options.epochs = option("epochs").map_or(options.epochs, |b| b as usize);
    options.rate = option("rate").unwrap_or(options.rate);
    options.decay = option("decay").unwrap_or(options.decay);
    options.floor = option("floor").unwrap_or(options.floor);
    options.two_way_weight = option("two-way").unwrap_or(options.two_way_weight);
    options.adapter_dropout = option("adapter-dropout").unwrap_or(options.adapter_dropout);
    println!("{} rows to train on; {options:?}", rows.len());
    let begin = std::time::Instant::now();
    let model = if rest.iter().any(|a| a == "reuse") {
        Model::from_bytes(&std::fs::read(out)?)?
    } else {
        train(&rows, &options, &normalizer)?
    };
    println!("trained in {:.1} s", begin.elapsed().as_secs_f32());
    std::fs::write(out, model.to_bytes())?;
    let tests = if held_out {
        held
    } else {
        read_sets(&Path::new(data).join("test"))?
    };
    let weights: Vec<f32> = option("lexicon").map_or_else(|| vec![0.0, 0.25, 0.5], |w| vec![w]);
    for weight in weights {
        let config = Config {
            lexicon_weight: weight,
            ..Config::default()
        };
        let analyzer = Analyzer::with_model(
            &config,
            &Lexicons::embedded()?,
            &Rules::default(),
            model.clone(),
        )?;
        print_scores(&analyzer, &tests, weight, false);
        print_scores(&analyzer, &tests, weight, true);
    }
    Ok(())
}

fn print_scores(
    analyzer: &Analyzer,
    tests: &BTreeMap<String, Vec<Row>>,
    weight: f32,
    adapters: bool,
) {
    println!(
        "\nlexicon weight {weight}, adapters {adapters}\n{:<26}{:>8}{:>10}{:>10}{:>10}{:>8}",
        "set", "rows", "polar", "accuracy", "macro-F1", "ECE"
    );
    let mut polar = 0.0;
    for (name, rows) in tests {
        let s = evaluate(
            analyzer,
            rows,
            &Context {
                channel: adapters.then(|| channel(adapter(name))),
                brand: None,
            },
        );
        polar += s.polar_accuracy;
        println!(
            "{name:<26}{:>8}{:>10.2}{:>10.2}{:>10.2}{:>8.3}",
            s.rows,
            100.0 * s.polar_accuracy,
            100.0 * s.accuracy,
            100.0 * s.macro_f1,
            s.calibration_error
        );
    }
    println!("mean polar {:.2}", 100.0 * polar / tests.len() as f32);
}

fn read_sets(folder: &Path) -> Result<BTreeMap<String, Vec<Row>>, Failure> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|e| e.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    let mut sets = BTreeMap::new();
    for path in paths {
        let name = path
            .file_stem()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        sets.insert(name, read_labelled(&path)?);
    }
    Ok(sets)
}

/// FNV-1a, so that the same text falls on the same side on every machine.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The kind of source of a set.
fn adapter(set: &str) -> &'static str {
    match set {
        s if s.starts_with("weibo") || s.starts_with("smp") || s.starts_with("covid") => "social",
        s if s.starts_with("bdci") => "forum",
        s if s.starts_with("cped") => "dialogue",
        _ => "review",
    }
}

/// A channel of that kind.
fn channel(adapter: &'static str) -> &'static str {
    match adapter {
        "social" => "weibo",
        "dialogue" => "hotline",
        other => other,
    }
}
