//! The processes of one installation: each can end at any moment and begin again, under the same name.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{Process, eventually};
use crate::site::Site;

/// One role a process; roles that scale have two.
const SPREAD: [(&str, &str); 9] = [
    ("connect", "connect"),
    ("enrich-1", "enrich"),
    ("enrich-2", "enrich"),
    ("aggregate-1", "aggregate"),
    ("aggregate-2", "aggregate"),
    ("respond", "respond"),
    ("notify", "notify"),
    ("publish", "publish"),
    ("console", "console"),
];

/// Roles that read from the bus.
const READERS: [&str; 5] = ["enrich", "aggregate", "respond", "notify", "publish"];

/// Between two looks at a process that is to become ready.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A process with a name, running or not.
pub(super) struct Member {
    pub(super) name: &'static str,
    arguments: Vec<String>,
    directory: std::path::PathBuf,
    environment: Vec<(&'static str, String)>,
    process: Option<Process>,
    lives: u32,
}

impl Member {
    fn new(site: &Site, name: &'static str, roles: Option<&str>) -> Self {
        let text = std::fs::read_to_string(site.config_file()).expect("the configuration");
        let mut config: Value = serde_json::from_str(&text).expect("the configuration is JSON");
        if config["bus"]["engine"] == "kafka" {
            config["bus"]["kafka"]["instance"] = json!(name);
        }
        let file = site.write(&format!("{name}.yaml"), config.to_string());
        let mut arguments = vec!["up".to_owned(), "--config".to_owned()];
        arguments.push(file.display().to_string());
        if let Some(roles) = roles {
            arguments.extend(["--roles".to_owned(), roles.to_owned()]);
        }
        Self {
            name,
            arguments,
            directory: site.path().to_owned(),
            environment: Vec::new(),
            process: None,
            lives: 0,
        }
    }

    pub(super) fn start(&mut self) {
        self.lives += 1;
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let prefix = format!("{}.{}", self.name, self.lives);
        let process = Process::start_with(&arguments, &self.directory, &prefix, &self.environment);
        self.process = Some(process);
    }

    /// The number of its process.
    pub(super) fn id(&self) -> u32 {
        self.process.as_ref().expect("it was started").id()
    }

    /// Ends it at once; it must have been running, as no fault of another may bring it down.
    pub(super) fn kill(&mut self) {
        self.hold_running();
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    pub(super) fn hold_running(&mut self) {
        let name = self.name;
        let process = self.process.as_mut().expect("it was started");
        assert!(
            process.is_running(),
            "{name} ended by itself; the end of its log:\n{}",
            tail(&process.stderr())
        );
    }

    /// Waits until it is ready, or for `patience`: others may keep it from being so.
    pub(super) async fn becomes_ready(&mut self, patience: Duration) {
        let ready = async {
            while !self.is_ready().await {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        // It falls whether it was ready or not.
        tokio::time::timeout(patience, ready).await.unwrap_or(());
    }

    async fn is_ready(&mut self) -> bool {
        let Some(process) = self.process.as_mut() else {
            return false;
        };
        let address = process.operations().await;
        let answer = reqwest::get(format!("http://{address}/readyz")).await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    pub(super) fn log(&self) -> String {
        self.process
            .as_ref()
            .map(Process::stderr)
            .unwrap_or_default()
    }

    /// What it tells at `path` of its operations endpoint, whether it is well or not.
    async fn asked(&mut self, path: &str) -> Option<String> {
        let address = self.process.as_mut()?.operations().await;
        let answer = reqwest::get(format!("http://{address}{path}")).await.ok()?;
        answer.text().await.ok()
    }
}

/// All processes of one installation.
pub(super) struct Fleet {
    pub(super) members: Vec<Member>,
}

impl Fleet {
    /// One process that has every role.
    pub(super) fn all_in_one(site: &Site) -> Self {
        Self {
            members: vec![Member::new(site, "all", None)],
        }
    }

    /// A process for each role, two for those that share work.
    pub(super) fn one_process_per_role(site: &Site) -> Self {
        let member = |(name, role): (&'static str, &str)| Member::new(site, name, Some(role));
        Self {
            members: SPREAD.into_iter().map(member).collect(),
        }
    }

    /// The same, with an environment of its own.
    pub(super) fn with_environment(mut self, environment: &[(&'static str, String)]) -> Self {
        for member in &mut self.members {
            member.environment = environment.to_vec();
        }
        self
    }

    pub(super) fn start_all(&mut self) {
        self.members.iter_mut().for_each(Member::start);
    }

    pub(super) async fn stop_all(&mut self) {
        for member in &mut self.members {
            if let Some(process) = member.process.take() {
                process.stop().await;
            }
        }
    }

    /// Records that any role has yet to read; `None` while a role does not tell.
    pub(super) async fn lag(&mut self) -> Option<u64> {
        let mut lags: BTreeMap<String, u64> = BTreeMap::new();
        for member in &mut self.members {
            member.hold_running();
            let page = member.asked("/metrics").await?;
            for (labels, value) in samples(&page, "wensheng_lag_records") {
                let role = label(labels, "role")?.to_owned();
                let worst = lags.entry(role).or_default();
                *worst = (*worst).max(value as u64);
            }
        }
        READERS
            .iter()
            .map(|role| lags.get(*role).copied())
            .sum::<Option<u64>>()
    }

    /// Repeats that were recognised by the processes that run now.
    pub(super) async fn repeats(&mut self) -> u64 {
        let mut repeats = 0;
        for member in &mut self.members {
            let page = eventually("metrics", async || member.asked("/metrics").await).await;
            for (labels, value) in samples(&page, "wensheng_stage_records_total") {
                if label(labels, "reason") == Some("duplicate")
                    && label(labels, "stage").is_some_and(|stage| stage.starts_with("enrich"))
                {
                    repeats += value as u64;
                }
            }
        }
        repeats
    }

    /// What each process that is not ready waits for.
    pub(super) async fn waiting(&mut self) -> BTreeMap<&'static str, Vec<String>> {
        let mut waiting = BTreeMap::new();
        for member in &mut self.members {
            let Some(page) = member.asked("/readyz").await else {
                continue;
            };
            let report: Value = serde_json::from_str(&page).expect("a report in JSON");
            let tasks = report["tasks"].as_object().expect("its tasks");
            let reasons: Vec<String> = tasks
                .iter()
                .filter(|(_, task)| task["state"] != "running")
                .map(|(name, task)| format!("{name}: {task}"))
                .collect();
            if !reasons.is_empty() {
                waiting.insert(member.name, reasons);
            }
        }
        waiting
    }

    /// Where things stand, for whoever has to find out why nothing moves.
    pub(super) async fn report(&mut self) -> String {
        let mut report = format!("waiting: {:#?}\n", self.waiting().await);
        for member in &self.members {
            report.push_str(&format!("--- {}\n{}\n", member.name, tail(&member.log())));
        }
        report
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// The samples of one metric: labels and value.
fn samples<'a>(page: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
    page.lines().filter_map(move |line| {
        let (labels, value) = line
            .strip_prefix(name)?
            .strip_prefix('{')?
            .rsplit_once("} ")?;
        Some((labels, value.parse().ok()?))
    })
}

fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    labels.split(',').find_map(|label| {
        let (key, value) = label.split_once('=')?;
        (key == name).then(|| value.trim_matches('"'))
    })
}
