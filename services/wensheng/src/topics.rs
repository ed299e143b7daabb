//! `wensheng topics create|check`: the bus as the service needs it.

use anyhow::{Result, bail};

use crate::cli::{TopicsAction, TopicsArgs};
use crate::config;
use crate::service;

/// Runs the command.
pub(crate) async fn run(args: TopicsArgs) -> Result<()> {
    let mut config = config::load_or_default(args.config.config.as_deref())?;
    if let Some(data_dir) = args.data_dir {
        config.data_dir = data_dir;
    }
    let bus = service::open_bus(&config)?;
    let specs = config.topics.specs();
    match args.action {
        TopicsAction::Create => {
            bus.create_topics(&specs).await?;
            println!("{} topics are there", specs.len());
        }
        TopicsAction::Check => {}
    }
    let problems = bus.check_topics(&specs).await?;
    for problem in &problems {
        println!("{}: {}", problem.topic, problem.problem);
    }
    if !problems.is_empty() {
        bail!("{} topic(s) are not as they should be", problems.len());
    }
    if args.action == TopicsAction::Check {
        println!("{} topics are as they should be", specs.len());
    }
    Ok(())
}
