//! Posts per second through the stage that costs most: read from `feedback`, analysed, and written to `enriched` in the
//! transaction that moves the progress; by one session, and by more that share the partitions.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use tokio::time::sleep;
use wensheng_bus::Bus;
use wensheng_runtime::{Handle, encode};

use crate::cli::Role;
use crate::config::Config;
use crate::idle::role_lag;
use crate::service::{self, Service};

use super::report::Report;
use super::{Engine, posts};

/// Sessions in one process; the machine's cores bound what more of them give.
const SESSIONS: [usize; 3] = [1, 2, 4];
/// Posts that are published at once.
const BATCH: usize = 1_000;
/// Between two looks at what is left. A look costs the engine some requests; the last batch takes longer than this.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Nothing moved for this long: it will not any more. As patient as a machine that others share needs.
const STUCK: Duration = Duration::from_secs(240);

/// Measures.
pub(crate) async fn measure(
    engine: &Engine,
    texts: &[String],
    count: usize,
    report: &mut Report,
) -> Result<()> {
    // A broker that has just started compiles its own code meanwhile: the first round is not told.
    round(engine, texts, count, SESSIONS[0]).await?;
    for sessions in SESSIONS {
        report.add(
            format!("enrich {}, {sessions} session(s)", engine.name()),
            round(engine, texts, count, sessions).await?,
            "posts/s",
        );
    }
    Ok(())
}

/// Posts per second by that many sessions, on topics of its own.
async fn round(engine: &Engine, texts: &[String], count: usize, sessions: usize) -> Result<f64> {
    let folder = tempfile::tempdir().context("make a directory for the benchmark")?;
    let mut config = engine.config(folder.path());
    config.enrich.session.sessions = sessions;
    let records = fill(&config, texts, count).await?;
    let service = Service::start(&config, &[Role::Enrich], Handle::default()).await?;
    let share = rate(service.bus.as_ref(), records).await;
    service.stop(Duration::from_secs(60)).await?;
    Ok(share? * count as f64)
}

/// Writes the posts to `feedback` before anybody reads them; how many records are to be read then, as the engine counts.
async fn fill(config: &Config, texts: &[String], count: usize) -> Result<u64> {
    let bus = service::open_bus(config)?;
    bus.create_topics(&config.topics.specs()).await?;
    let mut publisher = bus.publisher("bench").await?;
    let now = Timestamp::now();
    let mut numbered = (0_u64..).zip(texts.iter().cycle().take(count));
    loop {
        let batch: Vec<_> = numbered
            .by_ref()
            .take(BATCH)
            .map(|(number, text)| {
                let brand = format!("品牌{}", number % 5);
                encode(&posts::event(number, brand, text.clone(), now), None)
            })
            .collect();
        if batch.is_empty() {
            return Ok(role_lag(bus.as_ref(), Role::Enrich).await?);
        }
        publisher.publish(batch).await?;
    }
}

/// The share of all `records` that goes through in a second, from the first commit that is seen to the last: loading word
/// lists and joining the group is no part. A share, as some engines count the marks of transactions among the records.
async fn rate(bus: &dyn Bus, records: u64) -> Result<f64> {
    let mut begun: Option<(Instant, u64)> = None;
    let (mut last, mut moved) = (records, Instant::now());
    loop {
        let lag = role_lag(bus, Role::Enrich).await?;
        if lag < last {
            (last, moved) = (lag, Instant::now());
        }
        if lag < records && begun.is_none() {
            begun = Some((moved, lag));
        }
        match begun {
            Some((_, 0)) => {
                bail!("all went through between two looks: give more posts by --count")
            }
            Some((since, left)) if lag == 0 => {
                return Ok(left as f64 / records as f64 / since.elapsed().as_secs_f64());
            }
            _ if moved.elapsed() > STUCK => {
                let seconds = STUCK.as_secs();
                bail!("{lag} of {records} records are left, and nothing moved for {seconds} s")
            }
            _ => sleep(LOOK_EVERY).await,
        }
    }
}
