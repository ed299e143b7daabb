//! From a post observed to its push answered by the receiver, under a steady load of other posts.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::routing::post;
use jiff::Timestamp;
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};
use wensheng_runtime::{Handle, encode};
use wensheng_schemas::{DeliveryState, FeedbackEvent};
use wensheng_store::{AlertFilter, Store};

use crate::cli::Role;
use crate::idle;
use crate::service::Service;

use super::report::Report;
use super::{Engine, posts};

const ROLES: [Role; 5] = [
    Role::Enrich,
    Role::Aggregate,
    Role::Respond,
    Role::Notify,
    Role::Publish,
];
/// The loads beside the crises: that of a large company's busy hour, and that of a crisis of the whole country.
const POSTS_PER_SECOND: [u64; 2] = [500, 2_000];
const SECONDS: u64 = 20;
/// Crises, each of a brand of its own, so that each raises an alert.
const CRISES_PER_SECOND: u64 = 5;
/// The brand of all other posts.
const EVERYDAY: &str = "日常";
/// Posts are appended this often, as pushes arrive: a few at a time.
const STEP: Duration = Duration::from_millis(20);

/// Measures.
pub(crate) async fn measure(engine: &Engine, report: &mut Report) -> Result<()> {
    for rate in POSTS_PER_SECOND {
        under(engine, rate, report).await?;
    }
    Ok(())
}

/// Measures under that many posts a second.
async fn under(engine: &Engine, rate: u64, report: &mut Report) -> Result<()> {
    let receiver = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .context("bind the benchmark's receiver")?;
    let address = receiver
        .local_addr()
        .context("bind the benchmark's receiver")?;
    let router = Router::new().route("/push", post(async || "ok"));
    let server = tokio::spawn(async move { axum::serve(receiver, router).await });

    let folder = tempfile::tempdir().context("make a directory for the benchmark")?;
    let mut config = engine.config(folder.path());
    config.notify = serde_json::from_value(json!({
        "allow_private_targets": true,
        "receivers": [{
            "kind": "webhook", "name": "bench", "url": format!("http://{address}/push"),
            "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        }],
    }))
    .context("configure the benchmark's receiver")?;
    let service = Service::start(&config, &ROLES, Handle::default()).await?;
    publish_load(&service, rate).await?;
    idle::reached(&service).await?;
    let mut waits = match &service.store {
        Some(store) => pushes(store).await?,
        None => Vec::new(),
    };
    service.stop(Duration::from_secs(60)).await?;
    server.abort();

    let expected = CRISES_PER_SECOND * SECONDS;
    if waits.len() as u64 != expected {
        bail!(
            "{expected} crises were posted, {} pushes were delivered",
            waits.len()
        );
    }
    waits.sort_by(f64::total_cmp);
    for percent in [50, 95, 99] {
        let place = (waits.len() * percent).div_ceil(100).saturating_sub(1);
        let wait = waits.get(place).copied().unwrap_or_default();
        let name = format!(
            "observed to pushed {}, p{percent}, {rate} posts/s",
            engine.name()
        );
        report.add(name, wait * 1000.0, "ms");
    }
    Ok(())
}

async fn publish_load(service: &Service, rate: u64) -> Result<()> {
    let mut publisher = service.bus.publisher("bench").await?;
    let mut ticks = interval(STEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let per_step = rate * STEP.as_millis() as u64 / 1000;
    let mut number = 0;
    while number < rate * SECONDS {
        ticks.tick().await;
        let records = (number..number + per_step)
            .map(|number| encode(&event(number, rate / CRISES_PER_SECOND), None))
            .collect();
        publisher.publish(records).await?;
        number += per_step;
    }
    Ok(())
}

/// The post of that number; one in `crisis_every` is a crisis.
fn event(number: u64, crisis_every: u64) -> FeedbackEvent {
    let now = Timestamp::now();
    if number.is_multiple_of(crisis_every) {
        let text = "吃完上吐下泻,食物中毒进了医院".to_owned();
        posts::event(number, format!("品牌{number}"), text, now)
    } else {
        let text = format!("味道还可以,第{number}次来了");
        posts::event(number, EVERYDAY.to_owned(), text, now)
    }
}

/// Seconds from observed to delivered, of the first push of each alert.
async fn pushes(store: &Store) -> Result<Vec<f64>> {
    let mut waits = Vec::new();
    for alert in store.alerts(&AlertFilter::default(), 10_000).await? {
        // That so much is said at all may raise one of its own.
        if alert.brand == EVERYDAY {
            continue;
        }
        let Some(detail) = store.alert(&alert.id).await? else {
            continue;
        };
        let first = detail
            .deliveries
            .iter()
            .find(|delivery| delivery.kind == "raised");
        if let Some(DeliveryState::Delivered { delivered_at, .. }) =
            first.map(|delivery| &delivery.state)
        {
            waits.push(
                delivered_at
                    .duration_since(alert.times.signal.observed_at)
                    .as_secs_f64(),
            );
        }
    }
    Ok(waits)
}
