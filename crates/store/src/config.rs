//! Where the store is: one setting, and a default that needs none.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, Secret};

use crate::{StoreError, StoreErrorKind};

/// The query store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// `sqlite:<path>` or `postgres://user:password@host:5432/database`. Empty (the default): the SQLite file
    /// `store.db` in `data_dir`. `url_file` names a file that holds it.
    pub url: Secret,
    /// Connections for reading (SQLite), or for everything (PostgreSQL). Default 8.
    pub connections: u32,
    /// How many milliseconds a writer waits for another process to release a SQLite file. A batch takes a fraction of a
    /// second, a backup may take some. Default 10,000.
    pub lock_wait_ms: u64,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            connections: 8,
            lock_wait_ms: 10_000,
        }
    }
}

/// The database that a configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    Sqlite(PathBuf),
    Postgres(String),
}

impl StoreConfig {
    /// A store at `url`.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: Secret::new(url),
            ..Self::default()
        }
    }

    pub(crate) fn location(&self, data_dir: &Path) -> Result<Location, StoreError> {
        let url = self.url.expose();
        if url.is_empty() {
            return Ok(Location::Sqlite(data_dir.join("store.db")));
        }
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            return Ok(Location::Postgres(url.to_owned()));
        }
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if !path.is_empty() && !path.starts_with(':') {
                return Ok(Location::Sqlite(PathBuf::from(path)));
            }
        }
        // The address is not told: it may hold a password.
        Err(StoreError::new(
            StoreErrorKind::Settings,
            "read `store.url`",
            "it must begin with `sqlite:` and name a file, or begin with `postgres:`",
        ))
    }
}

impl Check for StoreConfig {
    fn check(&self, problems: &mut Problems) {
        if let Err(error) = self.location(Path::new("")) {
            problems.add("url", error.reason);
        }
        if self.connections == 0 {
            problems.add("connections", "must be at least 1");
        }
    }
}
