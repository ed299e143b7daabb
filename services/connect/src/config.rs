//! What is taken in, from where.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, Secret};

use crate::alias::{AliasConfig, check_aliases};
use crate::connector::SourceConfig;
use crate::connector::demo::DemoConfig;

/// Configuration of `connect`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The sources, each with a name of its own. Default: none.
    pub sources: Vec<SourceConfig>,
    /// What brands, products and shops are called, for feedback whose source does not say. Default: none.
    pub aliases: Vec<AliasConfig>,
    /// The address that pushed sources share, `host:port`; bound only when there are any. Default: 127.0.0.1:8790.
    pub listen: String,
    /// The secret that authors' ids are hidden with (keyed hash), at least 16 characters. Changing it makes every
    /// author a new one. Needed as soon as a source gives authors. Default: none.
    pub pseudonym_key: Secret,
    /// No text may be longer, in bytes; a longer one goes to dead-letters. Default: 262144, some 80,000 Chinese
    /// characters: more than the transcript of a long call, less than what a Kafka broker refuses.
    pub max_text_bytes: usize,
    /// About this many bytes may wait in memory to be published; then sources wait, and pushes are answered 503.
    /// Default: 67108864 (64 MiB).
    pub max_pending_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            aliases: Vec::new(),
            listen: "127.0.0.1:8790".to_owned(),
            pseudonym_key: Secret::default(),
            max_text_bytes: 256 << 10,
            max_pending_bytes: 64 << 20,
        }
    }
}

impl Config {
    /// Adds the stream of invented feedback, unless there is one.
    pub fn add_demo(&mut self) {
        let is_demo = |source: &SourceConfig| matches!(source, SourceConfig::Demo(_));
        if !self.sources.iter().any(is_demo) {
            self.sources.push(SourceConfig::Demo(DemoConfig::default()));
        }
    }

    /// The names of the sources.
    pub fn source_names(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(|source| source.connector().name())
    }
}

/// A pseudonym key shorter than this could be found by trying.
const MIN_KEY_CHARS: usize = 16;

impl Check for Config {
    fn check(&self, problems: &mut Problems) {
        let mut names = BTreeSet::new();
        for (index, source) in self.sources.iter().enumerate() {
            let connector = source.connector();
            problems.within_item("sources", index, |problems| {
                let name = connector.name();
                if name.is_empty() {
                    problems.add("name", "must be given; it is part of every event's id");
                } else if name.len() > 64
                    || !name
                        .chars()
                        .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
                {
                    problems.add(
                        "name",
                        "may have letters, digits, `-`, `_` and `.`, at most 64 bytes",
                    );
                } else if !names.insert(name.to_owned()) {
                    problems.add(
                        "name",
                        format!("{name} is the name of another source already; give each its own"),
                    );
                }
                if connector.needs_pseudonyms() && self.pseudonym_key.is_empty() {
                    problems.add(
                        connector.author_key(),
                        "needs connect.pseudonym_key: set it to a secret of at least 16 characters, such as ${WENSHENG_PSEUDONYM_KEY}",
                    );
                }
                if connector.lacks_brand() && self.aliases.is_empty() {
                    problems.add(
                        "brand",
                        "must be given: whom the feedback is about; or name the brands in connect.aliases, to know them by the words",
                    );
                }
                connector.check(problems);
            });
        }
        check_aliases(&self.aliases, problems);
        let key = self.pseudonym_key.expose().chars().count();
        if (1..MIN_KEY_CHARS).contains(&key) {
            problems.add(
                "pseudonym_key",
                "must have at least 16 characters; `openssl rand -hex 32` makes a good one",
            );
        }
        if !self
            .listen
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        {
            problems.add("listen", "must be host:port, such as 127.0.0.1:8790");
        }
        if !(1_024..=900_000).contains(&self.max_text_bytes) {
            problems.add(
                "max_text_bytes",
                "must be from 1024 to 900000 (a Kafka broker takes 1 MiB a record by default)",
            );
        }
        if self.max_pending_bytes < 1 << 20 {
            problems.add("max_pending_bytes", "must be at least 1048576 (1 MiB)");
        }
    }
}
