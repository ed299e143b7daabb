//! Which feeds.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, Secret};
use wensheng_schemas::Channel;

use super::input::Feed;
use crate::connector::{Connector, Input, Shared, check_brand};
use crate::draft::DraftRules;
use crate::pull::{Defaults, PullConfig, PullRunner, check_url};

/// RSS, Atom and JSON feeds.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FeedConfig {
    /// The source's name; part of every event's id.
    pub name: String,
    /// The feeds' addresses; they may hold keys, and are told without their queries.
    pub urls: Vec<Secret>,
    /// The brand of all their entries. Default: none; then it is known by the words, see `connect.aliases`.
    pub brand: Option<String>,
    /// The channel of their entries. Default: social.
    pub channel: Channel,
    /// How often, how fast and how much is asked. Default: every 600 s, at most 30 requests a minute.
    pub pull: PullConfig,
}

impl Default for FeedConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            urls: Vec::new(),
            brand: None,
            channel: Channel::Social,
            pull: PullConfig::default(),
        }
    }
}

impl Check for FeedConfig {
    fn check(&self, problems: &mut Problems) {
        check_brand(self.brand.as_ref(), false, problems);
        if self.urls.is_empty() {
            problems.add("urls", "must name a feed");
        }
        for (index, url) in self.urls.iter().enumerate() {
            check_url(
                url.expose(),
                &self.pull,
                &format!("urls[{index}]"),
                problems,
            );
            if self.urls[..index].contains(url) {
                problems.add(&format!("urls[{index}]"), "is there twice");
            }
        }
        problems.within("pull", |problems| self.pull.check(problems));
    }
}

impl Connector for FeedConfig {
    fn kind(&self) -> &'static str {
        "feed"
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn needs_pseudonyms(&self) -> bool {
        false
    }

    fn lacks_brand(&self) -> bool {
        self.brand.is_none()
    }

    fn build(&self, shared: &Shared) -> Result<Input, String> {
        let rules = DraftRules::of_platform(
            &self.name,
            self.kind(),
            self.brand.as_deref().unwrap_or_default(),
            self.channel,
            shared,
        )?;
        let plan = self.pull.plan(&Defaults {
            every: Duration::from_secs(600),
            per_minute: 30,
            ..Defaults::DEFAULT
        });
        let (runner, _) = PullRunner::new(&self.name, Feed::new(self.clone(), rules), plan)?;
        Ok(Input::Pull(Box::new(runner)))
    }
}
