//! Which apps in which countries.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems};
use wensheng_schemas::Channel;

use super::appstore::AppStore;
use crate::connector::{Connector, Input, Shared, check_brand};
use crate::draft::DraftRules;
use crate::pull::{Defaults, PullConfig, PullRunner, check_url};

/// Reviews in the App Store.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReviewsConfig {
    /// The source's name; part of every event's id.
    pub name: String,
    /// The brand of all these apps.
    pub brand: Option<String>,
    /// The apps.
    pub apps: Vec<AppConfig>,
    /// Where the feed is. Default: https://itunes.apple.com
    pub host: String,
    /// How often, how fast and how much is asked. Default: every 1800 s, at most 20 requests a minute.
    pub pull: PullConfig,
}

impl Default for ReviewsConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            brand: None,
            apps: Vec::new(),
            host: "https://itunes.apple.com".to_owned(),
            pull: PullConfig::default(),
        }
    }
}

/// An app in a country's store.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppConfig {
    /// Its id in the store, the digits in its address.
    pub id: String,
    /// The country, two letters. Default: cn.
    #[serde(default = "china")]
    pub country: String,
    /// What its reviews name as the product. Default: none.
    #[serde(default)]
    pub product: Option<String>,
}

fn china() -> String {
    "cn".to_owned()
}

impl Check for ReviewsConfig {
    fn check(&self, problems: &mut Problems) {
        check_brand(self.brand.as_ref(), true, problems);
        if self.apps.is_empty() {
            problems.add(
                "apps",
                "must name an app, such as `{id: \"414478124\", country: cn}`",
            );
        }
        for (index, app) in self.apps.iter().enumerate() {
            problems.within_item("apps", index, |problems| {
                if app.id.is_empty() || !app.id.bytes().all(|b| b.is_ascii_digit()) {
                    problems.add("id", "must be the digits in the app's address in the store");
                }
                if app.country.len() != 2 || !app.country.bytes().all(|b| b.is_ascii_lowercase()) {
                    problems.add("country", "must be two small letters, such as cn");
                }
                let same =
                    |other: &AppConfig| (&other.id, &other.country) == (&app.id, &app.country);
                if self.apps[..index].iter().any(same) {
                    problems.add("id", "is there twice for this country");
                }
            });
        }
        check_url(&self.host, &self.pull, "host", problems);
        problems.within("pull", |problems| self.pull.check(problems));
    }
}

impl Connector for ReviewsConfig {
    fn kind(&self) -> &'static str {
        "reviews"
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn needs_pseudonyms(&self) -> bool {
        false
    }

    fn build(&self, shared: &Shared) -> Result<Input, String> {
        let rules = DraftRules::of_platform(
            &self.name,
            self.kind(),
            self.brand.as_deref().unwrap_or_default(),
            Channel::Review,
            shared,
        )?;
        let plan = self.pull.plan(&Defaults {
            every: Duration::from_secs(1_800),
            per_minute: 20,
            ..Defaults::DEFAULT
        });
        let connector = AppStore::new(self.clone(), rules);
        let (runner, _) = PullRunner::new(&self.name, connector, plan)?;
        Ok(Input::Pull(Box::new(runner)))
    }
}
