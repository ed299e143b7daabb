//! `wensheng alert`: lists alerts, proves their timelines, writes their review packs. It reads the store, and changes nothing.

mod report;

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use wensheng_schemas::AlertId;
use wensheng_store::{AlertFilter, Proof, Store};

use crate::cli::{AlertAction, AlertArgs, Output};
use crate::{config, exit};

/// Alerts listed at once.
const LISTED: u32 = 500;

/// Runs the command.
pub(crate) async fn run(args: AlertArgs) -> Result<()> {
    let mut config = config::load_or_default(args.config.config.as_deref())?;
    if let Some(data_dir) = args.data_dir {
        config.data_dir = data_dir;
    }
    let store = Store::open(&config.store, &config.data_dir)
        .await
        .context("open the store")?;
    let done = match args.action {
        AlertAction::List { all, output } => list(&store, all, output).await,
        AlertAction::Verify { id, head, output } => verify(&store, id, head, output).await,
        AlertAction::Report { id, out } => {
            let zone = TimeZone::get(&config.console.time_zone)
                .context("read `console.time_zone` of the configuration")?;
            report(&store, &AlertId::from(id), &out, &zone).await
        }
    };
    store.close().await;
    done
}

async fn list(store: &Store, all: bool, output: Output) -> Result<()> {
    let filter = AlertFilter {
        open: (!all).then_some(true),
        ..AlertFilter::default()
    };
    let alerts = store.alerts(&filter, LISTED).await?;
    if output == Output::Json {
        println!("{}", serde_json::to_string_pretty(&alerts)?);
        return Ok(());
    }
    for alert in &alerts {
        let owner = alert.handling.owner.as_ref().map_or("-", |owner| &owner.0);
        println!(
            "{}\t{}\t{}\t{owner}\t{}\t{}",
            alert.id,
            alert.severity.name(),
            alert.state.name(),
            alert.times.raised_at,
            alert.title
        );
    }
    Ok(())
}

/// Proves one timeline, or all of them. Exit 65 where one is not as it was written.
async fn verify(
    store: &Store,
    id: Option<String>,
    head: Option<String>,
    output: Output,
) -> Result<()> {
    let ids = match id {
        Some(id) => vec![AlertId::from(id)],
        None => store.alert_ids().await?,
    };
    let mut faults = 0;
    let mut told = Vec::new();
    for id in ids {
        let proof = store
            .prove(&id)
            .await?
            .with_context(|| format!("no alert {id} is stored; see `wensheng alert list --all`"))?;
        let fault = fault(&proof, head.as_deref());
        faults += u64::from(fault.is_some());
        let lines = proof.result.as_ref().ok();
        if output == Output::Json {
            told.push(json!({ "alert": id, "lines": lines, "head": proof.head, "fault": fault }));
            continue;
        }
        match (&fault, lines) {
            (None, Some(lines)) => println!("{id}\tok\t{lines} lines\t{}", proof.head),
            (fault, _) => println!("{id}\tFAULT\t{}", fault.as_deref().unwrap_or_default()),
        }
    }
    if output == Output::Json {
        println!("{}", serde_json::to_string_pretty(&told)?);
    }
    if faults > 0 {
        return Err(exit::Unproved(faults).into());
    }
    Ok(())
}

fn fault(proof: &Proof, head: Option<&str>) -> Option<String> {
    match (&proof.result, head) {
        (Err(fault), _) => Some(fault.to_string()),
        (Ok(_), Some(head)) if head != proof.head => Some(format!(
            "the chain is sound in itself, but ends with {} and not with {head}: it was written anew",
            proof.head
        )),
        _ => None,
    }
}

async fn report(store: &Store, id: &AlertId, out: &Path, zone: &TimeZone) -> Result<()> {
    let Some(detail) = store.alert(id).await? else {
        bail!("no alert {id} is stored; see `wensheng alert list --all`");
    };
    let proof = store.prove(id).await?.context("the alert is gone")?;
    let lines = store.timeline(id, 0, u32::MAX).await?;
    let pack = report::Pack {
        detail: &detail,
        lines: &lines,
        proof: &proof,
        zone,
        now: Timestamp::now(),
    };
    let (markdown, html) = pack.write();
    std::fs::create_dir_all(out).with_context(|| format!("make the folder {}", out.display()))?;
    for (extension, text) in [("md", markdown), ("html", html)] {
        let path = out.join(format!("review-{id}.{extension}"));
        std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}
