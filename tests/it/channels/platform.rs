//! One process that is every platform by its own contract. Each refuses once in every way its documentation tells of, and
//! gives nothing until its gate is opened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::KF_MESSAGES;
use super::contracts::Reply;
use crate::process::{Process, eventually};

/// The platforms, by the name of their source.
pub(crate) const PLATFORMS: [&str; 8] = [
    "kf", "crm", "wjx", "wjqq", "weibo", "reviews", "feed", "tccc",
];

/// What was asked.
pub(super) struct Asked {
    pub(super) uri: Uri,
    headers: HeaderMap,
    pub(super) body: Value,
}

impl Asked {
    pub(super) fn query(&self, name: &str) -> Option<String> {
        let url = reqwest::Url::parse(&format!("http://platform{}", self.uri)).unwrap();
        let found = url.query_pairs().find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Whose interface it is.
    fn platform(&self) -> &'static str {
        let path = self.uri.path();
        if path.starts_with("/cgi-bin/") {
            "kf"
        } else if path.starts_with("/crm/") {
            "crm"
        } else if path.starts_with("/openapi/") {
            "wjx"
        } else if path.starts_with("/api/") {
            "wjqq"
        } else if path.starts_with("/2/") {
            "weibo"
        } else if path.contains("/customerreviews/") {
            "reviews"
        } else if path == "/rss" {
            "feed"
        } else {
            "tccc"
        }
    }
}

/// What the platforms remember.
#[derive(Default)]
pub(super) struct Memory {
    /// How often each was asked for feedback.
    asked: BTreeMap<&'static str, u32>,
    /// How many access tokens each gave out: only the last is good.
    tokens: BTreeMap<&'static str, u32>,
    /// In which ways each refused so far.
    pub(super) refused: BTreeSet<&'static str>,
    /// Whether they give all from its beginning, whatever they are asked.
    pub(super) rewound: bool,
    /// How many messages and answers there are by now.
    pub(super) kf: u64,
    pub(super) wjqq: u64,
}

impl Memory {
    /// Whether a refusal is still due: at most once each.
    pub(super) fn refuses(&mut self, way: &'static str) -> bool {
        self.refused.insert(way)
    }

    pub(super) fn new_token(&mut self, platform: &'static str) -> String {
        let count = self.tokens.entry(platform).or_default();
        *count += 1;
        format!("{platform}-{count}")
    }

    pub(super) fn is_good(&self, platform: &'static str, token: Option<String>) -> bool {
        let count = self.tokens.get(platform).copied().unwrap_or_default();
        token == Some(format!("{platform}-{count}"))
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        let platform = asked.platform();
        *self.asked.entry(platform).or_default() += 1;
        match platform {
            "kf" => self.kf(asked),
            "crm" => self.crm(asked),
            "wjx" => self.wjx(asked),
            "wjqq" => self.wjqq(asked),
            "weibo" => self.weibo(asked),
            "reviews" => self.reviews(asked),
            "feed" => self.feed(asked),
            _ => self.tccc(asked),
        }
    }
}

/// All platforms, listening until the test ends.
pub(crate) struct Platform {
    /// Where they are: `http://127.0.0.1:…`.
    pub(crate) address: String,
    desk: Desk,
    pages: mpsc::UnboundedReceiver<&'static str>,
}

#[derive(Clone)]
struct Desk {
    memory: Arc<Mutex<Memory>>,
    open: watch::Sender<BTreeSet<&'static str>>,
    given: mpsc::UnboundedSender<&'static str>,
}

impl Platform {
    pub(crate) async fn start() -> Self {
        let (given, pages) = mpsc::unbounded_channel();
        let memory = Memory {
            kf: KF_MESSAGES - 1,
            wjqq: super::WJQQ_ANSWERS - 1,
            ..Memory::default()
        };
        let desk = Desk {
            memory: Arc::new(Mutex::new(memory)),
            open: watch::Sender::default(),
            given,
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            desk,
            pages,
        }
    }

    /// From now on the platform of this source answers.
    pub(crate) fn open(&self, platform: &'static str) {
        self.desk.open.send_modify(|open| {
            open.insert(platform);
        });
    }

    /// Waits until this platform has given `process` a page with feedback.
    pub(crate) async fn gave_a_page(&mut self, platform: &str, process: &mut Process) {
        let what = format!("a page of {platform}");
        let gave = async || {
            assert!(process.is_running(), "{}", process.stderr());
            let a_while = std::time::Duration::from_millis(500);
            let given = tokio::time::timeout(a_while, self.pages.recv()).await;
            (given == Ok(Some(platform))).then_some(())
        };
        eventually(&what, gave).await;
    }

    /// One more message, and one more answer: what a push tells of.
    pub(crate) fn hears_more(&self) {
        let mut memory = self.desk.memory.lock().unwrap();
        memory.kf = KF_MESSAGES;
        memory.wjqq = super::WJQQ_ANSWERS;
    }

    /// From now on all is given from its beginning, whatever is asked for.
    pub(crate) fn rewind(&self) {
        let mut memory = self.desk.memory.lock().unwrap();
        memory.rewound = true;
        memory.asked.clear();
    }

    /// In which ways they refused so far, each once.
    pub(crate) fn refusals(&self) -> usize {
        self.desk.memory.lock().unwrap().refused.len()
    }

    /// How often each was asked since it started, or since it was rewound.
    pub(crate) fn asked(&self) -> BTreeMap<&'static str, u32> {
        self.desk.memory.lock().unwrap().asked.clone()
    }
}

async fn answer(State(desk): State<Desk>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let asked = Asked {
        uri: parts.uri,
        headers: parts.headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    let platform = asked.platform();
    let mut open = desk.open.subscribe();
    open.wait_for(|open| open.contains(platform))
        .await
        .expect("the desk is there");
    let reply = desk.memory.lock().unwrap().answer(&asked);
    if reply.is_page {
        desk.given.send(platform).ok();
    }
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}
