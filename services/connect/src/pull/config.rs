//! How a source is asked has the same keys for all kinds, each with the default of its kind.

use std::time::Duration;

use reqwest::Url;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::guard::check_host;
use wensheng_runtime::{Check, Problems};

/// How often, how fast and how much is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PullConfig {
    /// Seconds between two walks. Default: by kind, see its page.
    pub every_seconds: Option<u64>,
    /// No more requests a minute; lowered by itself while the platform says that there are too many. Default: by kind.
    pub per_minute: Option<u32>,
    /// Seconds to wait for an answer. Default: 30.
    pub timeout_seconds: Option<u64>,
    /// No answer may be longer, in bytes. Default: 8388608 (8 MiB).
    pub max_answer_bytes: Option<usize>,
    /// Whether private, loopback and link-local addresses may be asked. Default: false.
    pub allow_private: bool,
}

/// What holds where the configuration says nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Defaults {
    /// Between two walks.
    pub(crate) every: Duration,
    /// Requests a minute.
    pub(crate) per_minute: u32,
    /// For an answer.
    pub(crate) within: Duration,
    /// Bytes of an answer.
    pub(crate) max_answer_bytes: usize,
}

impl Defaults {
    /// Of a kind that nothing more is known of.
    pub(crate) const DEFAULT: Self = Self {
        every: Duration::from_secs(300),
        per_minute: 60,
        within: Duration::from_secs(30),
        max_answer_bytes: 8 << 20,
    };
}

/// What holds.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) every: Duration,
    pub(crate) per_minute: u32,
    pub(crate) within: Duration,
    pub(crate) max_answer_bytes: usize,
    pub(crate) allow_private: bool,
}

impl PullConfig {
    /// The configuration over the defaults of a kind.
    pub(crate) fn plan(&self, defaults: &Defaults) -> Plan {
        let seconds = |given: Option<u64>, default| given.map_or(default, Duration::from_secs);
        Plan {
            every: seconds(self.every_seconds, defaults.every),
            per_minute: self.per_minute.unwrap_or(defaults.per_minute),
            within: seconds(self.timeout_seconds, defaults.within),
            max_answer_bytes: self.max_answer_bytes.unwrap_or(defaults.max_answer_bytes),
            allow_private: self.allow_private,
        }
    }
}

impl Check for PullConfig {
    fn check(&self, problems: &mut Problems) {
        if !(1..=7 * 86_400).contains(&self.every_seconds.unwrap_or(1)) {
            problems.add("every_seconds", "must be from 1 to 604800 (7 days)");
        }
        if !(1..=60_000).contains(&self.per_minute.unwrap_or(1)) {
            problems.add("per_minute", "must be from 1 to 60000");
        }
        if !(1..=600).contains(&self.timeout_seconds.unwrap_or(1)) {
            problems.add("timeout_seconds", "must be from 1 to 600");
        }
        if !(1_024..=256 << 20).contains(&self.max_answer_bytes.unwrap_or(1_024)) {
            problems.add("max_answer_bytes", "must be from 1024 to 268435456");
        }
    }
}

/// Adds what is wrong with a configured address, as far as can be told without resolving its name.
pub(crate) fn check_url(written: &str, pull: &PullConfig, field: &str, problems: &mut Problems) {
    let url = match Url::parse(written) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => url,
        // The parser's own words could quote a secret.
        _ => {
            problems.add(field, "must be the whole http or https address");
            return;
        }
    };
    if !pull.allow_private
        && let Err(refused) = check_host(&url)
    {
        problems.add(
            field,
            format!("{refused}; set `pull.allow_private: true` if that is meant"),
        );
    }
}
