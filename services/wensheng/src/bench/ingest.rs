//! What `connect` takes in, masked, checked and durable on the bus: rows of files, batches and single posts over HTTP.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use wensheng_runtime::Handle;

use crate::cli::Role;
use crate::service::Service;

use super::Engine;
use super::report::Report;

const TOKEN: &str = "only for the benchmark";
/// Events of a request that holds many.
const BATCH: usize = 100;
/// Senders of batches at once.
const BATCH_SENDERS: usize = 8;
/// Senders of single posts at once: 64 that each wait for the answer before the next.
const SINGLE_SENDERS: usize = 64;
/// Of the posts to measure, single ones are one in this many: they take longer.
const SINGLE_SHARE: usize = 10;

/// Measures.
pub(crate) async fn measure(
    engine: &Engine,
    texts: &[String],
    count: usize,
    report: &mut Report,
) -> Result<()> {
    for form in ["csv", "ndjson"] {
        let rate = rows(engine, form, texts, count).await?;
        report.add(
            format!("ingest {}, rows of a {form} file", engine.name()),
            rate,
            "rows/s",
        );
    }
    let folder = tempfile::tempdir().context("make a directory for the benchmark")?;
    let source = json!({ "kind": "webhook", "name": "bench", "token": TOKEN, "brand": "品牌" });
    let service = connected(engine, folder.path(), source).await?;
    let address = listening(&service).await?;
    let url = format!("http://{address}/ingest/bench");
    let events: Vec<Value> = (0..count)
        .zip(texts.iter().cycle())
        .map(|(number, text)| json!({ "id": format!("b{number}"), "text": text, "author": format!("a{}", number % 9973) }))
        .collect();
    let batches = events
        .chunks(BATCH)
        .map(|batch| Value::from(batch).to_string());
    let (seconds, _) = send(&url, batches.collect(), BATCH_SENDERS).await?;
    report.add(
        format!("ingest {}, webhook, {BATCH} a request", engine.name()),
        count as f64 / seconds,
        "events/s",
    );
    let singles: Vec<String> = (0..count / SINGLE_SHARE)
        .zip(texts.iter().cycle())
        .map(|(number, text)| json!({ "id": format!("s{number}"), "text": text }).to_string())
        .collect();
    let sent = singles.len();
    let (seconds, mut waits) = send(&url, singles, SINGLE_SENDERS).await?;
    service.stop(Duration::from_secs(60)).await?;
    report.add(
        format!("ingest {}, webhook, single", engine.name()),
        sent as f64 / seconds,
        "events/s",
    );
    waits.sort_by(f64::total_cmp);
    for percent in [50, 99] {
        let place = (waits.len() * percent).div_ceil(100).saturating_sub(1);
        let wait = waits.get(place).copied().unwrap_or_default();
        report.add(
            format!(
                "ingest {}, webhook, single, answered, p{percent}",
                engine.name()
            ),
            wait * 1000.0,
            "ms",
        );
    }
    Ok(())
}

async fn connected(engine: &Engine, folder: &Path, source: Value) -> Result<Service> {
    let mut config = engine.config(folder);
    config.connect.sources =
        vec![serde_json::from_value(source).context("configure the benchmark's source")?];
    Service::start(&config, &[Role::Connect], Handle::default()).await
}

/// Rows per second of one file, from its opening to the commit of its last row.
async fn rows(engine: &Engine, form: &str, texts: &[String], count: usize) -> Result<f64> {
    let folder = tempfile::tempdir().context("make a directory for the benchmark")?;
    let file = folder.path().join(format!("posts.{form}"));
    write_rows(&file, form, texts, count)?;
    let source = json!({
        "kind": "files", "name": "bench", "path": file, "channel": "weibo",
        "columns": { "text": "text", "id": "id", "brand": "brand", "author": "author", "occurred_at": "at" },
    });
    let mut service = connected(engine, folder.path(), source).await?;
    let first = service.ingest.wait_for(|progress| progress.rows_read > 0);
    let read = first.await.context("read the benchmark's rows")?.rows_read;
    let started = Instant::now();
    let through = service.ingest.wait_for(|progress| progress.all_through);
    let all = through
        .await
        .context("read the benchmark's rows")?
        .rows_read;
    let seconds = started.elapsed().as_secs_f64();
    service.stop(Duration::from_secs(60)).await?;
    if all != count as u64 {
        bail!("{count} rows were written, {all} were read");
    }
    if read == all {
        bail!("all rows were read at once: give more posts by --count");
    }
    Ok((all - read) as f64 / seconds)
}

fn write_rows(path: &Path, form: &str, texts: &[String], count: usize) -> Result<()> {
    let failed = || format!("write {}", path.display());
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).with_context(failed)?);
    let begin = 1_767_225_600_usize;
    let rows = (0..count).zip(texts.iter().cycle()).map(|(number, text)| {
        let (brand, author) = (format!("品牌{}", number % 5), format!("a{}", number % 9973));
        (
            number.to_string(),
            text,
            brand,
            author,
            (begin + number).to_string(),
        )
    });
    if form == "csv" {
        let mut csv = csv::Writer::from_writer(&mut out);
        csv.write_record(["id", "text", "brand", "author", "at"])
            .with_context(failed)?;
        for (id, text, brand, author, at) in rows {
            csv.write_record([&id, text, &brand, &author, &at])
                .with_context(failed)?;
        }
        csv.flush().with_context(failed)?;
    } else {
        for (id, text, brand, author, at) in rows {
            let row = json!({ "id": id, "text": text, "brand": brand, "author": author, "at": at });
            writeln!(out, "{row}").with_context(failed)?;
        }
    }
    out.flush().with_context(failed)
}

async fn listening(service: &Service) -> Result<std::net::SocketAddr> {
    let mut ingest = service.ingest.clone();
    let progress = ingest.wait_for(|progress| progress.listening.is_some());
    let progress = progress.await.context("wait for the address of pushes")?;
    progress.listening.context("wait for the address of pushes")
}

/// Posts all bodies from as many senders; seconds in all, and seconds until each was answered.
async fn send(url: &str, bodies: Vec<String>, senders: usize) -> Result<(f64, Vec<f64>)> {
    let bodies = Arc::new(bodies);
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..senders {
        let (bodies, next, url) = (bodies.clone(), next.clone(), url.to_owned());
        let client = Client::new();
        tasks.spawn(async move {
            let mut waits = Vec::new();
            while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let asked = Instant::now();
                let request = client.post(&url).bearer_auth(TOKEN).body(body.clone());
                let request = request.header("content-type", "application/json");
                let answer = request.send().await.context("post")?;
                let status = answer.status();
                let said = answer.text().await.context("post")?;
                if !status.is_success() || !said.contains("\"rejected\":[]") {
                    bail!("answered {status}: {said}");
                }
                waits.push(asked.elapsed().as_secs_f64());
            }
            Ok(waits)
        });
    }
    let mut waits = Vec::with_capacity(bodies.len());
    while let Some(sent) = tasks.join_next().await {
        waits.extend(sent.context("a sender of the benchmark")??);
    }
    Ok((started.elapsed().as_secs_f64(), waits))
}
