//! Trains the shipped model of car aspects and prints its scores, as `models/MODEL_CARD.md` tells.
//!
//!     cargo run --release -p wensheng-text --example train_cars -- TRAIN.csv TEST.csv crates/text/models/car_aspects.bin

use std::path::Path;

use wensheng_text::{
    Normalizer, TeachOptions, evaluate_car_aspects, read_car_aspects, train_car_aspects,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [train, test, out] = arguments.as_slice() else {
        return Err("give the training rows, the test rows, and where to write the model".into());
    };
    let normalizer = Normalizer::new();
    let options = TeachOptions {
        version: "wensheng-car-aspects-2026-11c".to_owned(),
        buckets: 120_000,
        epochs: 3,
        orders: 4,
        smoothing: 0.1,
        rate: 0.3,
        ..TeachOptions::default()
    };
    let model = train_car_aspects(&read_car_aspects(Path::new(train))?, &options, &normalizer)?;
    std::fs::write(out, model.to_bytes())?;
    let scores = evaluate_car_aspects(&model, &read_car_aspects(Path::new(test))?, &normalizer)?;
    println!("{scores:#?}");
    Ok(())
}
