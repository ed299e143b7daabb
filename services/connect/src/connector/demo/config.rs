//! How lively the demonstration is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems};

use super::input::DemoInput;
use crate::connector::{Connector, Input, Shared};

/// A source of invented feedback.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DemoConfig {
    /// The source's name; part of every event's id. Default: demo.
    pub name: String,
    /// The same seed tells the same story. Default: 7.
    pub seed: u64,
    /// Posts per second on average, outside a crisis. Default: 6.
    pub rate_per_second: f64,
    /// Seconds from the first start to the first crisis. Default: 20.
    pub crisis_after_s: u64,
    /// Seconds from one crisis to the next, of another kind; 0: only one. Default: 1800.
    pub crisis_every_s: u64,
    /// Ends after so many posts. Default: none; it goes on for ever.
    pub count: Option<u64>,
}

impl Default for DemoConfig {
    fn default() -> Self {
        Self {
            name: "demo".to_owned(),
            seed: 7,
            rate_per_second: 6.0,
            crisis_after_s: 20,
            crisis_every_s: 1_800,
            count: None,
        }
    }
}

impl Check for DemoConfig {
    fn check(&self, problems: &mut Problems) {
        if !(self.rate_per_second > 0.0 && self.rate_per_second <= 100_000.0) {
            problems.add("rate_per_second", "must be above 0 and at most 100000");
        }
        if (1..600).contains(&self.crisis_every_s) {
            problems.add(
                "crisis_every_s",
                "must be 0 or at least 600: a crisis lasts that long",
            );
        }
    }
}

impl Connector for DemoConfig {
    fn kind(&self) -> &'static str {
        "demo"
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn needs_pseudonyms(&self) -> bool {
        false
    }

    fn build(&self, _shared: &Shared) -> Result<Input, String> {
        Ok(Input::Pull(Box::new(DemoInput::new(self.clone())?)))
    }
}
