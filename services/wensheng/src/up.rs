//! `wensheng up`: configuration, telemetry, roles, and an orderly end.
//!
//! Nothing is bound before the configuration is known to be right. The first SIGINT or SIGTERM drains; a second ends at
//! once, which loses nothing either.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::signal::unix::{SignalKind, signal};
use wensheng_runtime::{Handle, Telemetry, serve_ops};

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
    let handle = Handle::default();
    stop_on_signal(&handle)?;
    let ops = serve_ops(&config.ops, telemetry, &handle).await?;
    tracing::info!(%ops, roles = ?roles, data_dir = %config.data_dir.display(), "starting");
    let service = Service::start(&config, &roles, handle.clone()).await?;
    announce(&service).await?;
    tokio::spawn(lag::export(
        service.bus.clone(),
        roles.clone(),
        handle.shutdown.clone(),
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

/// Tells where the console is, and the first token, this once.
async fn announce(service: &Service) -> Result<()> {
    let (Some(address), Some(store)) = (service.console, &service.store) else {
        return Ok(());
    };
    match wensheng_console::first_token(store).await? {
        Some(token) => {
            eprintln!("\n  console  http://{address}/#token={token}");
            eprintln!(
                "           this token is shown only now; `wensheng token create` makes others\n"
            );
        }
        None => eprintln!(
            "\n  console  http://{address}/  (sign in with a token; `wensheng token create` makes one)\n"
        ),
    }
    Ok(())
}

fn stop_on_signal(handle: &Handle) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let shutdown = handle.shutdown.clone();
    tokio::spawn(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        eprintln!("stopping; once more to stop at once");
        shutdown.cancel();
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        std::process::exit(130);
    });
    Ok(())
}
