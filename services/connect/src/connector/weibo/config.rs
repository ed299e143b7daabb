//! Which account, and what of it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, Secret};
use wensheng_schemas::Channel;

use super::input::Weibo;
use crate::connector::{Connector, Input, Shared, check_brand};
use crate::draft::DraftRules;
use crate::pull::{Defaults, PullConfig, PullRunner, check_url};

/// Mentions of an account on Weibo, and comments to it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WeiboConfig {
    /// The source's name; part of every event's id.
    pub name: String,
    /// The brand that the account speaks for.
    pub brand: Option<String>,
    /// The account's access token (OAuth 2). There is no renewal without a person: authorise again before it ends.
    pub access_token: Secret,
    /// Posts that mention the account. Default: true.
    pub mentions: bool,
    /// Comments that mention the account. Default: true.
    pub comment_mentions: bool,
    /// Comments on the account's posts, and answers to its comments. Default: true.
    pub comments: bool,
    /// Own posts, by id, whose comments are read one post at a time: all of them, also where `comments` no longer reaches
    /// back. Default: none.
    pub posts: Vec<String>,
    /// Search over all posts, a paid interface. Default: off.
    pub search: Option<SearchConfig>,
    /// Items that the platform gives of a list at most; a walk that meets this end is told as a gap. Default: 2000.
    pub depth: u64,
    /// Where the API is. Default: https://api.weibo.com
    pub host: String,
    /// How often, how fast and how much is asked. Default: every 240 s, at most 10 requests a minute.
    pub pull: PullConfig,
}

/// Search, on `c.api.weibo.com`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// What to search for, one search each; `a~b` finds either.
    pub queries: Vec<String>,
    /// Where the paid API is. Default: https://c.api.weibo.com
    #[serde(default = "paid_host")]
    pub host: String,
}

fn paid_host() -> String {
    "https://c.api.weibo.com".to_owned()
}

impl Default for WeiboConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            brand: None,
            access_token: Secret::default(),
            mentions: true,
            comment_mentions: true,
            comments: true,
            posts: Vec::new(),
            search: None,
            depth: 2_000,
            host: "https://api.weibo.com".to_owned(),
            pull: PullConfig::default(),
        }
    }
}

impl Check for WeiboConfig {
    fn check(&self, problems: &mut Problems) {
        check_brand(self.brand.as_ref(), true, problems);
        if self.access_token.is_empty() {
            problems.add(
                "access_token",
                "must be given, such as ${WEIBO_ACCESS_TOKEN}",
            );
        }
        for (index, post) in self.posts.iter().enumerate() {
            if post.is_empty() || !post.bytes().all(|b| b.is_ascii_digit()) {
                problems.add(
                    &format!("posts[{index}]"),
                    "must be the digits of a post's id",
                );
            }
        }
        check_url(&self.host, &self.pull, "host", problems);
        if let Some(search) = &self.search {
            check_url(&search.host, &self.pull, "search.host", problems);
            if search.queries.iter().all(|query| query.trim().is_empty()) {
                problems.add("search.queries", "must name what to search for");
            }
        }
        let lists = self.mentions || self.comment_mentions || self.comments;
        if !lists && self.posts.is_empty() && self.search.is_none() {
            problems.add(
                "mentions",
                "or something else must be on: there is nothing to read",
            );
        }
        if self.depth < 50 {
            problems.add("depth", "must be at least 50");
        }
        problems.within("pull", |problems| self.pull.check(problems));
    }
}

impl Connector for WeiboConfig {
    fn kind(&self) -> &'static str {
        "weibo"
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn needs_pseudonyms(&self) -> bool {
        true
    }

    fn build(&self, shared: &Shared) -> Result<Input, String> {
        let rules = DraftRules::of_platform(
            &self.name,
            self.kind(),
            self.brand.as_deref().unwrap_or_default(),
            Channel::Weibo,
            shared,
        )?;
        let plan = self.pull.plan(&Defaults {
            every: Duration::from_secs(240),
            // The historic level of an app under test is 150 an hour; what is set here is the burst within it.
            per_minute: 10,
            ..Defaults::DEFAULT
        });
        let connector = Weibo::new(self.clone(), rules);
        let (runner, _) = PullRunner::new(&self.name, connector, plan)?;
        Ok(Input::Pull(Box::new(runner)))
    }
}
