//! `wensheng up`: configuration, telemetry, roles, and an orderly end.
//!
//! Nothing is bound before the configuration is known to be right. The first SIGINT or SIGTERM drains; a second ends at
//! once, which loses nothing either.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use wensheng_runtime::{Handle, LogFormat, Telemetry, serve_ops};

use crate::cli::{Output, Role, UpArgs};
use crate::config;
use crate::progress::{self, Summary};
use crate::service::Service;
use crate::{demo, idle, lag};

/// Runs the command.
pub(crate) async fn run(args: UpArgs) -> Result<()> {
    let started = Instant::now();
    let mut config = config::load_or_default(args.config.config.as_deref())?;
    if let Some(data_dir) = &args.data_dir {
        config.data_dir.clone_from(data_dir);
    }
    if args.demo {
        demo::add_to(&mut config);
    }
    let roles = if args.roles.is_empty() {
        Role::ALL.to_vec()
    } else {
        args.roles.clone()
    };
    if args.until_idle && !roles.contains(&Role::Publish) {
        bail!("--until-idle counts what is in the store; the role publish must be among --roles");
    }
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("create the data directory {}", config.data_dir.display()))?;
    let telemetry = Telemetry::start(&config.telemetry)?;
    let asked_to_stop = stop_on_signal()?;
    let handle = Handle {
        shutdown: asked_to_stop.child_token(),
        ..Handle::default()
    };
    let ops = serve_ops(&config.ops, telemetry, &handle).await?;
    tracing::info!(%ops, roles = ?roles, data_dir = %config.data_dir.display(), "starting");
    if roles.contains(&Role::Connect) {
        // What cannot be built is told by the start itself.
        for advice in config.advice().unwrap_or_default() {
            tracing::info!("{advice}");
        }
    }
    let service = match Service::start(&config, &roles, handle.clone()).await {
        // Stopped while it waited for the bus or the store: what was asked for.
        Err(error) if asked_to_stop.is_cancelled() => {
            tracing::info!(%error, "stopped before the start was through");
            return Ok(());
        }
        started => started?,
    };
    let is_for_machines = config.telemetry.format == LogFormat::Json && !args.until_idle;
    announce(&service, is_for_machines).await?;
    tokio::spawn(lag::watch(
        service.bus.clone(),
        roles.clone(),
        config.ops.ready_lag,
        handle.clone(),
    ));

    let outcome = tokio::select! {
        biased;
        // A signal, or a role that failed: its error comes with the drain.
        () = handle.shutdown.cancelled() => Ok(()),
        result = until_idle(&service, started, args.output), if args.until_idle => result,
    };
    tracing::info!("draining");
    let drained = service
        .stop(Duration::from_secs(config.shutdown_seconds))
        .await;
    tracing::info!("stopped");
    drained.and(outcome)
}

/// Resolves when all input is through, and tells what came of it.
async fn until_idle(service: &Service, started: Instant, output: Output) -> Result<()> {
    tokio::select! {
        result = idle::reached(service) => result?,
        () = progress::draw(service) => {}
    }
    match &service.store {
        Some(store) => Summary::of(service, store, started).await?.print(output),
        None => Ok(()),
    }
}

/// Tells where the console is, and the first token, this once: beside the log, or on standard output where the log is
/// JSON, so that neither breaks the reader of the log nor stays in it.
async fn announce(service: &Service, is_log_json: bool) -> Result<()> {
    let (Some(address), Some(store)) = (service.console, &service.store) else {
        return Ok(());
    };
    let text = match wensheng_console::first_token(store).await? {
        Some(token) => format!(
            "  console  {}\n           this token is shown only now; `wensheng token create` makes others",
            wensheng_console::login_link(address, &token)
        ),
        None => format!(
            "  console  http://{address}/  (sign in with a token; `wensheng token create` makes one)"
        ),
    };
    if is_log_json {
        println!("\n{text}\n");
    } else {
        eprintln!("\n{text}\n");
    }
    Ok(())
}

/// A token that the first SIGINT or SIGTERM cancels; the second ends the process.
fn stop_on_signal() -> Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let asked = CancellationToken::new();
    let token = asked.clone();
    tokio::spawn(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        eprintln!("stopping; once more to stop at once");
        token.cancel();
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        std::process::exit(130);
    });
    Ok(asked)
}
