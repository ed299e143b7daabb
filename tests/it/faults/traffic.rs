//! Every piece reaches the service: files grow while they are read, and the sender repeats itself until it is answered 2xx.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use crate::input::{self, Voice};
use crate::site::Site;
use crate::webhook;

/// Pieces in one request.
const BATCH: usize = 60;
/// Requests under way at once.
const SENDERS: usize = 4;
/// Files grow this often.
const GROW_EVERY: Duration = Duration::from_millis(200);
/// Before a request that was not answered is repeated.
const REPEAT_AFTER: Duration = Duration::from_millis(200);

/// What flows, and where it goes in.
pub(super) struct Traffic {
    directory: PathBuf,
    /// Each file with the records that it grows by.
    files: [(&'static str, Arc<Vec<String>>); 2],
    requests: Arc<Vec<String>>,
    port: u16,
}

impl Traffic {
    /// Every third of `voices` to each source.
    pub(super) fn new(site: &Site, voices: &[Voice]) -> Self {
        let third =
            |nth: usize| -> Vec<Voice> { voices.iter().skip(nth).step_by(3).cloned().collect() };
        let requests = third(2)
            .chunks(BATCH)
            .map(|batch| {
                batch
                    .iter()
                    .map(input::event)
                    .collect::<Value>()
                    .to_string()
            })
            .collect();
        let csv = std::iter::once(input::CSV_HEADER.to_owned())
            .chain(third(0).iter().map(input::csv_row))
            .collect();
        let ndjson = third(1)
            .iter()
            .map(|voice| input::ndjson_file(std::slice::from_ref(voice)))
            .collect();
        for name in ["csv", "ndjson"] {
            std::fs::create_dir_all(site.path().join(name)).expect("a directory");
        }
        Self {
            directory: site.path().to_owned(),
            files: [("csv", Arc::new(csv)), ("ndjson", Arc::new(ndjson))],
            requests: Arc::new(requests),
            port: quiet_port(),
        }
    }

    /// The settings of `connect`: the address stays the same through all lives.
    pub(super) fn settings(&self) -> Value {
        json!({ "listen": format!("127.0.0.1:{}", self.port), "sources": [
            input::source("csv", self.directory.join("csv")),
            input::source("ndjson", self.directory.join("ndjson")),
            webhook::source("hook"),
        ] })
    }

    /// Lets all flow within about `span`; a service that is away makes it longer.
    pub(super) fn flow(&self, span: Duration, seed: u64) -> Flow {
        let steps = usize::try_from(span.as_millis() / GROW_EVERY.as_millis())
            .expect("few steps")
            .max(1);
        let mut tasks: Vec<JoinHandle<()>> = Vec::new();
        for (nth, (name, records)) in self.files.iter().enumerate() {
            let dice = StdRng::seed_from_u64(seed ^ nth as u64);
            let path = self.file(name, "feedback");
            tasks.push(tokio::spawn(grow(path, records.clone(), steps, dice)));
        }
        let refusals = Arc::new(AtomicU64::new(0));
        tasks.extend(self.senders(span, &refusals));
        Flow { tasks, refusals }
    }

    /// The same pieces again: files under other names, and every request.
    pub(super) async fn send_again(&self) {
        for (name, records) in &self.files {
            append(&self.file(name, "copy"), records);
        }
        let refusals = Arc::new(AtomicU64::new(0));
        for sender in self.senders(Duration::ZERO, &refusals) {
            sender.await.expect("the sender");
        }
    }

    /// The path of a file in the directory of a source; the source is named as the form of its files.
    fn file(&self, source: &str, stem: &str) -> PathBuf {
        self.directory.join(source).join(format!("{stem}.{source}"))
    }

    fn senders(&self, span: Duration, refusals: &Arc<AtomicU64>) -> Vec<JoinHandle<()>> {
        let next = Arc::new(AtomicUsize::new(0));
        let began = Instant::now();
        (0..SENDERS)
            .map(|_| {
                let (next, refusals) = (next.clone(), refusals.clone());
                let requests = self.requests.clone();
                let url = format!("http://127.0.0.1:{}/ingest/hook", self.port);
                tokio::spawn(async move {
                    let client = Client::new();
                    loop {
                        let nth = next.fetch_add(1, Ordering::Relaxed);
                        let Some(request) = requests.get(nth) else {
                            return;
                        };
                        sleep_until(began + span.mul_f64(nth as f64 / requests.len() as f64)).await;
                        while !is_taken(&client, &url, request).await {
                            refusals.fetch_add(1, Ordering::Relaxed);
                            sleep(REPEAT_AFTER).await;
                        }
                    }
                })
            })
            .collect()
    }
}

/// What is under way.
pub(super) struct Flow {
    tasks: Vec<JoinHandle<()>>,
    refusals: Arc<AtomicU64>,
}

impl Flow {
    pub(super) fn is_through(&self) -> bool {
        self.tasks.iter().all(JoinHandle::is_finished)
    }

    /// Waits for its end; how often a request had to be repeated.
    pub(super) async fn finish(self) -> u64 {
        for task in self.tasks {
            task.await.expect("the traffic");
        }
        self.refusals.load(Ordering::Relaxed)
    }
}

/// Whether it was answered 2xx. What is refused for good is a mistake of the test.
async fn is_taken(client: &Client, url: &str, request: &str) -> bool {
    let token = webhook::source("hook")["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let sent = client
        .post(url)
        .header("content-type", "application/json")
        .bearer_auth(token)
        .body(request.to_owned())
        .send()
        .await;
    let Ok(answer) = sent else { return false };
    let status = answer.status();
    assert!(
        status.is_success() || status.is_server_error(),
        "answered {status}"
    );
    if !status.is_success() {
        return false;
    }
    // An answer that broke off in its body said yes already.
    if let Ok(body) = answer.json::<Value>().await {
        assert_eq!(body["rejected"], json!([]), "{body}");
    }
    true
}

/// Writes a file in `steps` parts, each of whole records: a record that is left half written for longer than a look
/// counts as it is.
async fn grow(path: PathBuf, records: Arc<Vec<String>>, steps: usize, mut dice: StdRng) {
    let mut cuts: Vec<usize> = (1..steps)
        .map(|_| dice.random_range(0..records.len()))
        .collect();
    cuts.push(records.len());
    cuts.sort_unstable();
    let mut from = 0;
    for cut in cuts {
        append(&path, &records[from..cut]);
        from = cut;
        sleep(GROW_EVERY).await;
    }
}

fn append(path: &Path, records: &[String]) {
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(records.concat().as_bytes()))
        .expect("write the input");
}

/// A port that nobody listens on, below those that systems give to outgoing connections.
pub(super) fn quiet_port() -> u16 {
    loop {
        let port = rand::random_range(20_000..30_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
