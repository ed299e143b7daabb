#![no_main]

use std::sync::LazyLock;

use wensheng_text::{Analyzer, Config, Lexicons, Rules};

static ANALYZER: LazyLock<Analyzer> = LazyLock::new(|| {
    Analyzer::new(
        &Config::default(),
        &Lexicons::embedded().unwrap(),
        &Rules::starter().unwrap(),
    )
    .unwrap()
});

wensheng_fuzz::fuzz_target!(|bytes: &[u8]| drop(ANALYZER.analyze(&String::from_utf8_lossy(bytes))));
