//! Trains the shipped model of emotions and prints its scores, as `models/MODEL_CARD.md` tells.
//!
//!     cargo run --release -p wensheng-text --example train_emotion -- TRAIN.csv TEST.csv crates/text/models/emotion.bin

use std::path::Path;

use wensheng_text::{Normalizer, TeachOptions, evaluate_emotions, read_emotions, train_emotions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [train, test, out] = arguments.as_slice() else {
        return Err("give the training rows, the test rows, and where to write the model".into());
    };
    let normalizer = Normalizer::new();
    let options = TeachOptions {
        version: "wensheng-emotion-2026-11c".to_owned(),
        buckets: 280_000,
        epochs: 3,
        orders: 4,
        smoothing: 0.05,
        rate: 0.15,
        floor: 0.15,
        ..TeachOptions::default()
    };
    let model = train_emotions(&read_emotions(Path::new(train))?, &options, &normalizer)?;
    std::fs::write(out, model.to_bytes())?;
    let scores = evaluate_emotions(&model, &read_emotions(Path::new(test))?, &normalizer);
    println!("{scores:#?}");
    Ok(())
}
