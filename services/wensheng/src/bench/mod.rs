//! `wensheng bench`: measured here, now, beside a peer or a raw baseline in the same run, because machines differ and are
//! shared.

mod bus;
mod clock;
mod detector;
mod enrich;
mod ingest;
mod latency;
mod pipeline;
mod posts;
mod report;
mod text;

use anyhow::{Context as _, Result};

use crate::cli::{BenchArgs, BenchOf};
use report::Report;

/// Runs the command.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    let wanted = |what: BenchOf| args.what.is_empty() || args.what.contains(&what);
    let mut report = Report::default();
    if wanted(BenchOf::Text) {
        text::measure(&posts::texts(args.posts.as_deref(), 20_000)?, &mut report)?;
    }
    if wanted(BenchOf::Detector) {
        detector::measure(&mut report)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    runtime.block_on(async {
        for engine in Engine::all(args.kafka.as_deref()) {
            if wanted(BenchOf::Bus) {
                bus::measure(&engine, &mut report).await?;
            }
            if wanted(BenchOf::Ingest) {
                let texts = posts::texts(args.posts.as_deref(), args.count)?;
                ingest::measure(&engine, &texts, args.count, &mut report).await?;
            }
            if wanted(BenchOf::Enrich) {
                let texts = posts::texts(args.posts.as_deref(), args.count)?;
                enrich::measure(&engine, &texts, args.count, &mut report).await?;
            }
            if wanted(BenchOf::Pipeline) {
                let texts = posts::texts(args.posts.as_deref(), args.count)?;
                pipeline::measure(&engine, &texts, args.count, &mut report).await?;
            }
            if wanted(BenchOf::Clock) {
                clock::measure(&engine, &mut report).await?;
            }
            if wanted(BenchOf::Latency) {
                latency::measure(&engine, &mut report).await?;
            }
        }
        anyhow::Ok(())
    })?;
    report.print(args.output)
}

/// An engine of the bus to measure.
#[derive(Debug, Clone)]
pub(crate) enum Engine {
    /// One SQLite file.
    Embedded,
    /// These brokers.
    Kafka(String),
}

impl Engine {
    fn all(kafka: Option<&str>) -> Vec<Self> {
        std::iter::once(Self::Embedded)
            .chain(kafka.map(|brokers| Self::Kafka(brokers.to_owned())))
            .collect()
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Engine::Embedded => "embedded",
            Engine::Kafka(_) => "kafka",
        }
    }

    /// A configuration of the whole service on this engine, in a directory and topics of its own, on free ports.
    pub(crate) fn config(&self, data_dir: &std::path::Path) -> crate::config::Config {
        let mut config = crate::config::Config {
            data_dir: data_dir.to_owned(),
            ..crate::config::Config::default()
        };
        if let Engine::Kafka(brokers) = self {
            config.bus.engine = wensheng_bus::Engine::Kafka;
            config.bus.kafka.brokers.clone_from(brokers);
            config.bus.prefix = format!("bench-{}-", jiff::Timestamp::now().as_millisecond());
        }
        "127.0.0.1:0".clone_into(&mut config.connect.listen);
        config.connect.pseudonym_key = wensheng_runtime::Secret::new("only for the benchmark");
        config
    }
}
