//! Scripted answers, and time that moves only when a test lets it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wensheng_bus::StageState;
use wensheng_runtime::Secret;
use wensheng_schemas::{Cursor, Topic};

use super::super::config::{Defaults, PullConfig};
use super::super::http::{Answer, Request, Transport};
use super::super::runner::{Hints, PullRunner, Sink, Time};
use super::super::telling::Telling;
use super::super::{Next, PullConnector, Token, Trouble};
use crate::progress::{IngestProgress, Tracker};
use crate::staging::{Batch, Staging};

/// Pages of numbers: `{"items": [1, 2], "next": 3, "more": true}`; `{"code": "…"}` is a refusal.
pub(super) struct Numbers {
    pub(super) streams: Vec<String>,
    pub(super) has_token: bool,
}

impl PullConnector for Numbers {
    type State = u64;

    fn streams(&self) -> Vec<String> {
        self.streams.clone()
    }

    fn token_request(&self, _now: Timestamp) -> Option<Request> {
        let url = Url::parse("https://api.example.com/token").unwrap();
        self.has_token.then(|| Request::get(url))
    }

    fn token(&self, answer: &Answer) -> Result<Token, Trouble> {
        let body = answer.judged()?.json()?;
        Ok(Token {
            secret: Secret::new(body["token"].as_str().unwrap()),
            lasts: Some(Duration::from_secs(7_200)),
        })
    }

    fn request(
        &self,
        stream: &str,
        state: &u64,
        token: &str,
        _now: Timestamp,
    ) -> Result<Option<Request>, Trouble> {
        let url = format!("https://api.example.com/{stream}?after={state}&token={token}");
        Ok(Some(Request::get(Url::parse(&url).unwrap())))
    }

    fn take(
        &self,
        stream: &str,
        state: &mut u64,
        answer: &Answer,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<Next, Trouble> {
        let body = answer.judged()?.json()?;
        match body["code"].as_str() {
            Some("expired") => return Err(Trouble::Reauth("expired".to_owned())),
            Some("secret") => return Err(Trouble::FatalConfig("the secret is wrong".to_owned())),
            Some("account") => {
                return Err(Trouble::FatalSource("the account is closed".to_owned()));
            }
            Some("unpassable") => return Err(Trouble::FatalItem("never".to_owned())),
            Some("poison") => {
                *state += 1;
                return Err(Trouble::FatalItem("cannot be read".to_owned()));
            }
            _ => {}
        }
        for item in body["items"].as_array().unwrap() {
            staging.dead_letter(stream, item.as_u64(), "a number", b"", now);
        }
        *state = body["next"].as_u64().unwrap();
        Ok(if body["more"] == true {
            Next::More
        } else {
            Next::Through
        })
    }

    fn hint(&self, _stream: &str, state: &mut u64, hint: &Value) {
        *state = hint.as_u64().unwrap();
    }
}

/// What is answered, in order; then always the last page again.
#[derive(Clone)]
pub(super) struct Script {
    pub(super) answers: Arc<Mutex<VecDeque<Page>>>,
    pub(super) asked: Arc<Mutex<Vec<(Duration, String)>>>,
    pub(super) clock: Clock,
}

/// Time that stands still until it is let pass.
#[derive(Clone)]
pub(super) struct Clock {
    pub(super) start: Instant,
    pub(super) passed: watch::Sender<Duration>,
    /// What is waited for, as passed time.
    pub(super) alarms: Arc<Mutex<Vec<Duration>>>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            passed: watch::Sender::new(Duration::ZERO),
            alarms: Arc::default(),
        }
    }

    /// Lets time pass from alarm to alarm. Tests run on one thread and nothing in them waits for anything but this clock,
    /// so that a few turns let the runner come to rest.
    pub(super) async fn pass(&self, time: Duration) {
        let end = *self.passed.borrow() + time;
        loop {
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            let now = *self.passed.borrow();
            let next = {
                let mut alarms = self.alarms.lock().unwrap();
                alarms.retain(|alarm| *alarm > now);
                alarms.iter().min().copied()
            };
            match next {
                Some(next) if next <= end => self.passed.send_replace(next),
                _ if now < end => self.passed.send_replace(end),
                _ => break,
            };
        }
    }
}

#[async_trait]
impl Time for Clock {
    fn instant(&self) -> Instant {
        self.start + *self.passed.borrow()
    }

    fn now(&self) -> Timestamp {
        let epoch: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        epoch + SignedDuration::try_from(*self.passed.borrow()).unwrap()
    }

    async fn sleep_until(&self, at: Instant) {
        let alarm = at - self.start;
        self.alarms.lock().unwrap().push(alarm);
        let mut passed = self.passed.subscribe();
        passed.wait_for(|passed| *passed >= alarm).await.unwrap();
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> Result<Answer, Trouble> {
        let at = *self.clock.passed.borrow();
        let asked = request.url.as_str()["https://api.example.com/".len()..].to_owned();
        self.asked.lock().unwrap().push((at, asked));
        let mut answers = self.answers.lock().unwrap();
        let answer = match answers.len() {
            1 => answers[0].clone(),
            _ => answers.pop_front().unwrap(),
        };
        let (status, body) = answer?;
        let mut headers = HeaderMap::new();
        if let Some(seconds) = body["retry_after"].as_u64() {
            headers.insert("retry-after", seconds.into());
        }
        Ok(Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: body.to_string().into_bytes(),
            place: request.place(),
        })
    }
}

/// Keeps what is committed; may break off before a commit.
#[derive(Clone, Default)]
pub(super) struct Kept {
    pub(super) batches: Arc<Mutex<Vec<Batch>>>,
    pub(super) breaks_at: Option<usize>,
}

#[async_trait]
impl Sink for Kept {
    async fn commit(&self, batch: Batch) -> bool {
        let mut batches = self.batches.lock().unwrap();
        if Some(batches.len()) == self.breaks_at {
            return false;
        }
        batches.push(batch);
        true
    }
}

impl Kept {
    pub(super) fn numbers(&self) -> u64 {
        self.batches
            .lock()
            .unwrap()
            .iter()
            .map(|b| b.dead_letters)
            .sum()
    }

    /// The last cursor of every stream.
    pub(super) fn positions(&self) -> BTreeMap<String, Value> {
        let topic = Topic::Cursors.shared_name();
        let mut positions = BTreeMap::new();
        for batch in self.batches.lock().unwrap().iter() {
            for record in batch.records.iter().filter(|r| r.topic == topic) {
                let cursor: Cursor =
                    serde_json::from_slice(record.value.as_ref().unwrap()).unwrap();
                positions.insert(cursor.stream, cursor.position);
            }
        }
        positions
    }
}

pub(super) struct Scene {
    pub(super) script: Script,
    pub(super) kept: Kept,
    pub(super) health: watch::Receiver<StageState>,
    pub(super) progress: watch::Receiver<IngestProgress>,
    pub(super) shutdown: CancellationToken,
    pub(super) hints: Hints,
    pub(super) task: JoinHandle<()>,
}

pub(super) type Page = Result<(u16, Value), Trouble>;

pub(super) fn page(items: &[u64], next: u64, more: bool) -> Page {
    Ok((200, json!({ "items": items, "next": next, "more": more })))
}

pub(super) fn code(code: &str) -> Page {
    Ok((200, json!({ "code": code })))
}

pub(super) fn start(streams: &[&str], has_token: bool, answers: Vec<Page>) -> Scene {
    start_from(
        streams,
        has_token,
        answers,
        Kept::default(),
        &BTreeMap::new(),
    )
}

pub(super) fn start_from(
    streams: &[&str],
    has_token: bool,
    answers: Vec<Page>,
    kept: Kept,
    positions: &BTreeMap<String, Value>,
) -> Scene {
    let clock = Clock::new();
    let script = Script {
        answers: Arc::new(Mutex::new(answers.into())),
        asked: Arc::default(),
        clock: clock.clone(),
    };
    let connector = Numbers {
        streams: streams.iter().map(|&s| s.to_owned()).collect(),
        has_token,
    };
    let plan = PullConfig::default().plan(&Defaults {
        per_minute: 6_000,
        ..Defaults::DEFAULT
    });
    let (runner, hints) = PullRunner::over(
        "numbers",
        connector,
        plan,
        Box::new(script.clone()),
        Box::new(clock),
    );
    let (to, progress) = watch::channel(IngestProgress::default());
    let (health, told) = watch::channel(StageState::Starting);
    let tell = Telling {
        source: "numbers".to_owned(),
        progress: Tracker::new(to, [("numbers".to_owned(), false)].into_iter()),
        health,
    };
    let shutdown = CancellationToken::new();
    let (ending, sink, positions) = (shutdown.clone(), kept.clone(), positions.clone());
    let task = tokio::spawn(async move { runner.walk(&positions, &sink, tell, &ending).await });
    Scene {
        script,
        kept,
        health: told,
        progress,
        shutdown,
        hints,
        task,
    }
}

impl Scene {
    pub(super) async fn pass(&self, seconds: u64) {
        self.script.clock.pass(Duration::from_secs(seconds)).await;
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.script
            .asked
            .lock()
            .unwrap()
            .iter()
            .map(|(_, asked)| asked.clone())
            .collect()
    }

    pub(super) fn asked_at(&self) -> Vec<u64> {
        self.script
            .asked
            .lock()
            .unwrap()
            .iter()
            .map(|(at, _)| at.as_secs())
            .collect()
    }

    pub(super) async fn end(self) -> Kept {
        self.shutdown.cancel();
        self.task.await.unwrap();
        assert_eq!(*self.health.borrow(), StageState::Stopped);
        self.kept
    }
}
