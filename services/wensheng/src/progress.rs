//! A progress bar on long work, in a terminal only; the closing figures always.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::time::sleep;
use wensheng_schemas::WindowSize;
use wensheng_store::Store;

use crate::cli::Output;
use crate::idle::Backlog;
use crate::service::Service;

/// Draws how far the work is until dropped; never resolves by itself.
pub(crate) async fn draw(service: &Service) {
    if !std::io::stderr().is_terminal() {
        return std::future::pending().await;
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template(
        "{bar:30} {bytes}/{total_bytes} read  {msg}  {elapsed_precise} left {eta_precise}",
    ) {
        bar.set_style(style);
    }
    loop {
        {
            let ingest = service.ingest.borrow();
            bar.set_length(ingest.total_bytes);
            bar.set_position(ingest.bytes_done);
        }
        if let Ok(backlog) = Backlog::of(service).await {
            let ingest = service.ingest.borrow();
            bar.set_message(format!(
                "{} rows, {} wrong, {} to go through",
                ingest.rows_read, ingest.dead_letters, backlog.lag
            ));
        }
        sleep(Duration::from_millis(250)).await;
    }
}

/// What a run with `--until-idle` did.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// Rows read by this run, good and wrong.
    rows_read: u64,
    /// Rows that this run found wrong.
    rows_wrong: u64,
    /// Pieces of feedback in the store.
    feedback: u64,
    /// Sum of the daily windows' volume: equals `feedback`.
    window_volume: i64,
    /// Dead letters in the store.
    dead_letters: u64,
    /// What could not be read, each with its reason.
    unreadable: Vec<String>,
    /// Seconds from start to idle.
    seconds: f64,
}

impl Summary {
    /// Gathers the figures.
    pub(crate) async fn of(service: &Service, store: &Store, started: Instant) -> Result<Self> {
        let (rows_read, rows_wrong, unreadable) = {
            let ingest = service.ingest.borrow();
            (
                ingest.rows_read,
                ingest.dead_letters,
                ingest.failures.clone(),
            )
        };
        Ok(Self {
            rows_read,
            rows_wrong,
            feedback: store.feedback_count().await?,
            window_volume: store.window_volume(WindowSize::Day).await?,
            dead_letters: store.dead_letter_count().await?,
            unreadable,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    /// Prints them on standard output.
    ///
    /// # Errors
    /// When something could not be read: a script must not take that for the whole input.
    pub(crate) fn print(&self, output: Output) -> Result<()> {
        match output {
            Output::Json => println!("{}", serde_json::to_string(self)?),
            Output::Text => {
                println!(
                    "rows read      {:>12}   wrong {}",
                    self.rows_read, self.rows_wrong
                );
                println!(
                    "feedback       {:>12}   in daily windows {}",
                    self.feedback, self.window_volume
                );
                println!("dead letters   {:>12}", self.dead_letters);
                println!("time           {:>10.1} s", self.seconds);
            }
        }
        if !self.unreadable.is_empty() {
            bail!(
                "{} input(s) could not be read:\n  - {}",
                self.unreadable.len(),
                self.unreadable.join("\n  - ")
            );
        }
        Ok(())
    }
}
