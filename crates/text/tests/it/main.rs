//! The crate as its users see it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests may fail loudly, their helpers too"
)]

mod guarantees;
mod hotline;
mod pairs;
mod rules;
mod tags;

use std::sync::OnceLock;

use wensheng_text::{Analyzer, Config, Lexicons, Rules};

/// One analyser for all tests: building it reads the dictionary.
fn analyzer() -> &'static Analyzer {
    static SHARED: OnceLock<Analyzer> = OnceLock::new();
    SHARED.get_or_init(|| {
        let config = Config {
            tokens: true,
            ..Config::default()
        };
        Analyzer::new(
            &config,
            &Lexicons::embedded().unwrap(),
            &Rules::starter().unwrap(),
        )
        .unwrap()
    })
}
