//! One installation: a directory of its own with data, input and configuration, gone with the test.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ledger::Ledger;
use crate::process::Process;

/// A directory with all that a service needs; ports are picked by the system.
pub(crate) struct Site {
    directory: TempDir,
    config: Value,
    starts: std::cell::Cell<u32>,
}

impl Site {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory for the test");
        let config = json!({
            "data_dir": directory.path().join("data"),
            "connect": { "listen": "127.0.0.1:0", "pseudonym_key": "0123456789abcdef" },
            "console": { "listen": "127.0.0.1:0" },
            "ops": { "listen": "127.0.0.1:0" },
        });
        Self {
            directory,
            config,
            starts: std::cell::Cell::new(0),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Writes a file below the directory.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("create the directory");
        std::fs::write(&path, content).expect("write the file");
        path
    }

    /// Adds `settings` to the configuration: objects are merged, all else is replaced.
    pub(crate) fn configure(&mut self, settings: Value) -> &mut Self {
        merge(&mut self.config, settings);
        self
    }

    /// The file that holds the configuration; JSON is YAML.
    pub(crate) fn config_file(&self) -> String {
        let text = serde_json::to_string_pretty(&self.config).expect("the configuration as JSON");
        // Another process of this site may be reading it now: it must find a whole one.
        let new = self.write("wensheng.yaml.new", text);
        let file = new.with_extension("");
        std::fs::rename(new, &file).expect("put the file into its place");
        file.display().to_string()
    }

    /// Starts `wensheng up` with this configuration and further `arguments`.
    pub(crate) fn up(&self, arguments: &[&str]) -> Process {
        let config = self.config_file();
        self.run(&[&["up", "--config", &config], arguments].concat())
    }

    /// Starts the binary with `arguments`.
    pub(crate) fn run(&self, arguments: &[&str]) -> Process {
        self.starts.set(self.starts.get() + 1);
        Process::start(
            arguments,
            self.path(),
            &format!("run-{}", self.starts.get()),
        )
    }

    /// What the store holds.
    pub(crate) async fn ledger(&self) -> Ledger {
        match self.config["store"]["url"].as_str() {
            Some(url) => Ledger::open(url).await,
            None => {
                Ledger::open(&format!(
                    "sqlite:{}",
                    self.data_dir().join("store.db").display()
                ))
                .await
            }
        }
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
