//! Every piece reaches the service: files grow by torn writes, and the sender repeats itself until it is answered 2xx.

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
    csv: Vec<u8>,
    ndjson: Vec<u8>,
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
        for name in ["csv", "ndjson"] {
            std::fs::create_dir_all(site.path().join(name)).expect("a directory");
        }
        Self {
            directory: site.path().to_owned(),
            csv: input::csv_file(&third(0)).into_bytes(),
            ndjson: input::ndjson_file(&third(1)).into_bytes(),
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
        for (nth, (file, content)) in [
            ("csv/feedback.csv", &self.csv),
            ("ndjson/feedback.ndjson", &self.ndjson),
        ]
        .into_iter()
        .enumerate()
        {
            let dice = StdRng::seed_from_u64(seed ^ nth as u64);
            let path = self.directory.join(file);
            tasks.push(tokio::spawn(grow(path, content.clone(), steps, dice)));
        }
        let refusals = Arc::new(AtomicU64::new(0));
        tasks.extend(self.senders(span, &refusals));
        Flow { tasks, refusals }
    }

    /// The same pieces again: files under other names, and every request.
    pub(super) async fn send_again(&self) {
        append(&self.directory.join("csv/copy.csv"), &self.csv);
        append(&self.directory.join("ndjson/copy.ndjson"), &self.ndjson);
        let refusals = Arc::new(AtomicU64::new(0));
        for sender in self.senders(Duration::ZERO, &refusals) {
            sender.await.expect("the sender");
        }
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

/// Writes a file in `steps` pieces that end anywhere, inside of records and characters too.
async fn grow(path: PathBuf, content: Vec<u8>, steps: usize, mut dice: StdRng) {
    let mut cuts: Vec<usize> = (1..steps)
        .map(|_| dice.random_range(0..content.len()))
        .collect();
    cuts.push(content.len());
    cuts.sort_unstable();
    let mut from = 0;
    for cut in cuts {
        append(&path, &content[from..cut]);
        from = cut;
        sleep(GROW_EVERY).await;
    }
}

fn append(path: &Path, content: &[u8]) {
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(content))
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
