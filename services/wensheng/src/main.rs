//! The Wensheng binary: every service is a role of it, and `up` runs them all in one process.

mod alert;
mod analyze;
mod backtest;
mod bench;
mod cli;
mod config;
mod connectors;
mod demo;
mod drill;
mod erase;
mod eval;
mod exit;
mod export;
mod idle;
mod labelled;
mod lag;
mod lexicon;
mod progress;
mod reference;
mod replay;
mod roles;
mod schema;
mod service;
mod token;
mod topics;
mod train;
mod up;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, Parser as _};

use cli::{Cli, Command};

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wensheng: {error:#}");
            exit::code(&error)
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Up(args) => on_runtime(up::run(args)),
        Command::Analyze(args) => analyze::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Lexicon(args) => lexicon::run(&args),
        Command::Validate(args) => validate(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Backtest(args) => backtest::run(&args),
        Command::Connectors(args) => connectors::run(&args),
        Command::Topics(args) => on_runtime(topics::run(args)),
        Command::Replay(args) => on_runtime(replay::run(args)),
        Command::Export(args) => on_runtime(export::run(args)),
        Command::Erase(args) => on_runtime(erase::run(args)),
        Command::Token(args) => on_runtime(token::run(args)),
        Command::Alert(args) => on_runtime(alert::run(args)),
        Command::Drill(args) => on_runtime(drill::run(args)),
        Command::Bench(args) => bench::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "wensheng", &mut script);
            std::io::stdout()
                .write_all(&script)
                .context("write the script")
        }
    }
}

fn on_runtime(work: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")?
        .block_on(work)
}

fn validate(args: &cli::ConfigArgs) -> Result<()> {
    let config = config::load_or_default(args.config.as_deref())?;
    let advice = config.advice()?;
    let what = args
        .config
        .as_ref()
        .map_or("the default configuration".to_owned(), |path| {
            path.display().to_string()
        });
    let mut out = std::io::stdout();
    writeln!(out, "{what} is valid")?;
    for advice in advice {
        writeln!(out, "note: {advice}")?;
    }
    Ok(())
}

/// Whether the reader of standard output went away (`wensheng analyze … | head`).
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind);
        let json = cause
            .downcast_ref::<serde_json::Error>()
            .and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(std::io::ErrorKind::BrokenPipe)
    })
}
