//! `wensheng drill`: starts a drill through the console of a running service, and scores how a team did in one.

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde_json::{Value, json};
use wensheng_console::Score;
use wensheng_schemas::AlertId;
use wensheng_store::Store;

use crate::cli::{DrillAction, DrillArgs, DrillScoreArgs, DrillStartArgs, Output};
use crate::config;

/// Runs the command.
pub(crate) async fn run(args: DrillArgs) -> Result<()> {
    match args.action {
        DrillAction::Start(args) => start(args).await,
        DrillAction::Score(args) => score(args).await,
    }
}

async fn start(args: DrillStartArgs) -> Result<()> {
    let url = format!("{}/api/v1/drills", args.url.trim_end_matches('/'));
    let answer = reqwest::Client::new()
        .post(&url)
        .bearer_auth(&args.token)
        .json(&json!({ "brand": args.brand, "topic": args.topic, "severity": args.severity }))
        .send()
        .await
        .with_context(|| format!("ask {url}; give the console's address by --url"))?;
    let status = answer.status();
    let body: Value = answer.json().await.context("read the console's answer")?;
    if !status.is_success() {
        let detail = body["detail"].as_str().unwrap_or("no reason given");
        bail!("the console refused the drill ({status}): {detail}");
    }
    match args.output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&body)?),
        Output::Text => {
            let alert = body["alert"].as_str().unwrap_or_default();
            println!("{alert}");
            eprintln!("the drill has begun; score it by `wensheng drill score {alert}`");
        }
    }
    Ok(())
}

async fn score(args: DrillScoreArgs) -> Result<()> {
    let mut config = config::load_or_default(args.config.config.as_deref())?;
    if let Some(data_dir) = args.data_dir {
        config.data_dir = data_dir;
    }
    let store = Store::open(&config.store, &config.data_dir)
        .await
        .context("open the store")?;
    let found = store.alert(&AlertId::from(args.id.clone())).await?;
    store.close().await;
    let Some(detail) = found else {
        bail!(
            "no alert {} is stored; see `wensheng alert list --all`",
            args.id
        );
    };
    if !detail.alert.drill {
        bail!(
            "the alert {} is no drill; `wensheng alert report` looks back on it",
            args.id
        );
    }
    let score = Score::of(&detail.alert, Timestamp::now());
    if args.output == Output::Json {
        println!("{}", serde_json::to_string_pretty(&score)?);
        return Ok(());
    }
    match score.points {
        Some(points) => println!("{points} of 100 points"),
        None => println!("nothing was due yet"),
    }
    for kept in &score.deadlines {
        let took = kept
            .took_seconds
            .map_or_else(|| "-".to_owned(), |seconds| format!("{seconds} s"));
        println!(
            "{}\t{}\tdue {}\ttook {took}",
            kept.kind.name(),
            kept.standing,
            kept.due_at
        );
    }
    Ok(())
}
