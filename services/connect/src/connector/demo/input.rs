//! Posts are made when their time has come; what lies in a pause of the service was never said.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wensheng_bus::StageState;

use super::config::DemoConfig;
use super::post::{Post, Story};
use crate::connector::{PullContext, PullInput};
use crate::staging::Staging;

/// The stream of the one cursor.
const STREAM: &str = "";

/// How far the story was told.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Told {
    /// The number of the next post.
    next: u64,
    /// When the story began (UTC).
    started_at: Timestamp,
}

/// A source of invented feedback.
pub(super) struct DemoInput {
    config: DemoConfig,
    story: Story,
}

impl DemoInput {
    pub(super) fn new(config: DemoConfig) -> Result<Self, String> {
        let story = Story::new(&config)?;
        Ok(Self { config, story })
    }

    fn next(&self, told: &Told, after_s: f64) -> Option<Post> {
        match self.config.count {
            Some(count) if told.next >= count => None,
            _ => self.story.post(told.next, after_s),
        }
    }
}

#[async_trait]
impl PullInput for DemoInput {
    async fn run(self: Box<Self>, context: PullContext) {
        let now = Timestamp::now();
        let restored = context
            .positions
            .get(STREAM)
            .and_then(|position| serde_json::from_value(position.clone()).ok());
        let mut told = restored.unwrap_or(Told {
            next: 0,
            started_at: now,
        });
        let since = |now: Timestamp| now.duration_since(told.started_at).as_secs_f64();
        let mut staging = Staging::new(&self.config.name);
        let mut next = self.next(&told, since(now).max(0.0));
        context.health.send_replace(StageState::Running);
        loop {
            let Some(post) = &next else {
                context
                    .progress
                    .update(&self.config.name, |progress| progress.through = true);
                context.shutdown.cancelled().await;
                break;
            };
            let early_s = post.at_s - since(Timestamp::now());
            if early_s > 0.0 {
                let wait = Duration::from_secs_f64(early_s.min(3_600.0));
                tokio::select! {
                    biased;
                    () = context.shutdown.cancelled() => break,
                    () = tokio::time::sleep(wait) => continue,
                }
            }
            let now = Timestamp::now();
            while let Some(post) = next.take_if(|post| post.at_s <= since(now)) {
                let at_s = post.at_s;
                let offset = Duration::from_secs_f64(at_s);
                let occurred_at = told.started_at.checked_add(offset).unwrap_or(now);
                staging.event(self.story.event(post, occurred_at, now));
                told.next += 1;
                next = self.next(&told, at_s);
                if staging.is_full() {
                    break;
                }
            }
            match serde_json::to_value(told) {
                Ok(position) => staging.cursor(STREAM, position, now),
                Err(error) => tracing::error!(%error, "the position has no JSON form"),
            }
            let Some(durable) = context.submitter.submit(staging.take()).await else {
                break;
            };
            if durable.await.is_err() {
                break;
            }
        }
        context.health.send_replace(StageState::Stopped);
    }
}
