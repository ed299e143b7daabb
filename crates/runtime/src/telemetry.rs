//! Logs go to standard error as text or JSON; metrics are kept for the `/metrics` page.

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;

use crate::{Check, Problems};

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// The format of log lines.
    pub format: LogFormat,
    /// A tracing filter such as `info,wensheng_bus=debug`. The environment variable `WENSHENG_LOG` overrides it.
    pub filter: String,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            filter: "info".to_owned(),
        }
    }
}

impl Check for TelemetryConfig {
    fn check(&self, problems: &mut Problems) {
        if let Err(error) = EnvFilter::try_new(&self.filter) {
            problems.add(
                "filter",
                format!("{error}; give a level, or a list such as info,wensheng_bus=debug"),
            );
        }
    }
}

/// Why telemetry could not begin.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The filter is not understood.
    #[error("log filter {filter:?}: {source}")]
    Filter {
        /// The filter.
        filter: String,
        /// Why.
        source: tracing_subscriber::filter::ParseError,
    },
    /// There is a logger already.
    #[error("start logging: {0}")]
    Log(String),
    /// There is a metrics recorder already, or its settings are wrong.
    #[error("start metrics: {0}")]
    Metrics(#[from] BuildError),
}

/// The process's telemetry.
#[derive(Clone)]
pub struct Telemetry {
    metrics: PrometheusHandle,
}

/// Bucket bounds of all durations, in seconds: from a batch in memory to a response clock.
const SECONDS: [f64; 16] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
    600.0,
];
/// Bucket bounds of all counts of records.
const RECORDS: [f64; 8] = [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0];

impl Telemetry {
    /// Begins logging and metrics for the whole process.
    ///
    /// # Errors
    /// See [`TelemetryError`]; none is worth a retry.
    pub fn start(config: &TelemetryConfig) -> Result<Self, TelemetryError> {
        let filter = std::env::var("WENSHENG_LOG").unwrap_or_else(|_| config.filter.clone());
        let filter = EnvFilter::try_new(&filter)
            .map_err(|source| TelemetryError::Filter { filter, source })?;
        let lines = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr);
        let started = match config.format {
            LogFormat::Text => {
                use std::io::IsTerminal as _;
                use tracing_subscriber::util::SubscriberInitExt as _;
                lines
                    .with_ansi(std::io::stderr().is_terminal())
                    .finish()
                    .try_init()
            }
            LogFormat::Json => {
                use tracing_subscriber::util::SubscriberInitExt as _;
                lines.json().flatten_event(true).finish().try_init()
            }
        };
        started.map_err(|error: TryInitError| TelemetryError::Log(error.to_string()))?;
        let metrics = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
            .set_buckets_for_metric(Matcher::Suffix("_records".to_owned()), &RECORDS)?
            .install_recorder()?;
        Ok(Self { metrics })
    }

    /// The metrics as Prometheus text.
    pub fn render(&self) -> String {
        self.metrics.run_upkeep();
        self.metrics.render()
    }
}
