//! The runner over scripted answers, in time that moves only when a test lets it.

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

use super::config::{Defaults, PullConfig};
use super::http::{Answer, Request, Transport};
use super::runner::{Hints, PullRunner, Sink, Telling, Time};
use super::{Next, PullConnector, Token, Trouble};
use crate::progress::{IngestProgress, Tracker};
use crate::staging::{Batch, Staging};

/// Pages of numbers: `{"items": [1, 2], "next": 3, "more": true}`; `{"code": "…"}` is a refusal.
struct Numbers {
    streams: Vec<String>,
    has_token: bool,
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
struct Script {
    answers: Arc<Mutex<VecDeque<Page>>>,
    asked: Arc<Mutex<Vec<(Duration, String)>>>,
    clock: Clock,
}

/// Time that stands still until it is let pass.
#[derive(Clone)]
struct Clock {
    start: Instant,
    passed: watch::Sender<Duration>,
    /// What is waited for, as passed time.
    alarms: Arc<Mutex<Vec<Duration>>>,
}

impl Clock {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            passed: watch::Sender::new(Duration::ZERO),
            alarms: Arc::default(),
        }
    }

    /// Lets time pass from alarm to alarm. Tests run on one thread and nothing in them waits for anything but this clock,
    /// so that a few turns let the runner come to rest.
    async fn pass(&self, time: Duration) {
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
struct Kept {
    batches: Arc<Mutex<Vec<Batch>>>,
    breaks_at: Option<usize>,
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
    fn numbers(&self) -> u64 {
        self.batches
            .lock()
            .unwrap()
            .iter()
            .map(|b| b.dead_letters)
            .sum()
    }

    /// The last cursor of every stream.
    fn positions(&self) -> BTreeMap<String, Value> {
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

struct Scene {
    script: Script,
    kept: Kept,
    health: watch::Receiver<StageState>,
    progress: watch::Receiver<IngestProgress>,
    shutdown: CancellationToken,
    hints: Hints,
    task: JoinHandle<()>,
}

type Page = Result<(u16, Value), Trouble>;

fn page(items: &[u64], next: u64, more: bool) -> Page {
    Ok((200, json!({ "items": items, "next": next, "more": more })))
}

fn code(code: &str) -> Page {
    Ok((200, json!({ "code": code })))
}

fn start(streams: &[&str], has_token: bool, answers: Vec<Page>) -> Scene {
    start_from(
        streams,
        has_token,
        answers,
        Kept::default(),
        &BTreeMap::new(),
    )
}

fn start_from(
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
    async fn pass(&self, seconds: u64) {
        self.script.clock.pass(Duration::from_secs(seconds)).await;
    }

    fn asked(&self) -> Vec<String> {
        self.script
            .asked
            .lock()
            .unwrap()
            .iter()
            .map(|(_, asked)| asked.clone())
            .collect()
    }

    fn asked_at(&self) -> Vec<u64> {
        self.script
            .asked
            .lock()
            .unwrap()
            .iter()
            .map(|(at, _)| at.as_secs())
            .collect()
    }

    async fn end(self) -> Kept {
        self.shutdown.cancel();
        self.task.await.unwrap();
        assert_eq!(*self.health.borrow(), StageState::Stopped);
        self.kept
    }
}

#[tokio::test]
async fn pages_follow_at_once_and_walks_on_the_schedule() {
    let scene = start(
        &["s"],
        false,
        vec![
            page(&[1, 2], 2, true),
            page(&[], 3, true),
            page(&[4], 4, false),
            page(&[], 4, false),
        ],
    );
    scene.pass(10).await;
    assert_eq!(
        scene.asked(),
        ["s?after=0&token=", "s?after=2&token=", "s?after=3&token="]
    );
    assert!(scene.progress.borrow().all_through);
    assert_eq!(*scene.health.borrow(), StageState::Running);
    scene.pass(300).await;
    assert_eq!(scene.asked_at(), [0, 0, 0, 300]);
    let kept = scene.end().await;
    assert_eq!(kept.numbers(), 3);
    assert_eq!(kept.positions()["s"]["state"], 4);
    assert_eq!(kept.positions()["s"]["last_ok_at"], "2026-01-01T00:05:00Z");
}

#[tokio::test]
async fn a_crash_between_page_and_cursor_reads_the_page_again_and_no_other() {
    let answers = || {
        vec![
            page(&[1], 1, true),
            page(&[2], 2, true),
            page(&[3], 3, false),
        ]
    };
    let kept = Kept {
        breaks_at: Some(1),
        ..Kept::default()
    };
    let scene = start_from(&["s"], false, answers(), kept.clone(), &BTreeMap::new());
    // The service ended when the second page was to be committed.
    scene.pass(1).await;
    assert!(scene.task.is_finished());
    assert_eq!(kept.numbers(), 1);
    let kept = Kept {
        breaks_at: None,
        ..kept
    };
    let rest = answers().split_off(1);
    let scene = start_from(&["s"], false, rest, kept.clone(), &kept.positions());
    scene.pass(1).await;
    assert_eq!(scene.asked()[0], "s?after=1&token=");
    scene.end().await;
    assert_eq!(
        (kept.numbers(), &kept.positions()["s"]["state"]),
        (3, &json!(3))
    );
}

#[tokio::test]
async fn failures_wait_ever_longer_and_then_the_breaker_opens() {
    let scene = start(&["s"], false, vec![Ok((500, json!("busy")))]);
    scene.pass(3_600).await;
    let asked = scene.asked_at();
    // Seven waits of at most 1, 2, 4, … 60 s, then one request every 150 to 300 s.
    assert!(asked[7] <= 127, "{asked:?}");
    for pair in asked[7..].windows(2) {
        assert!((150..=301).contains(&(pair[1] - pair[0])), "{asked:?}");
    }
    assert!(matches!(&*scene.health.borrow(), StageState::Waiting(told) if told.contains("busy")));
    assert!(!scene.progress.borrow().all_through);
    // It comes back: all is well at once.
    *scene.script.answers.lock().unwrap() = vec![page(&[1], 1, false)].into();
    scene.pass(301).await;
    assert_eq!(*scene.health.borrow(), StageState::Running);
    assert_eq!(scene.end().await.numbers(), 1);
}

#[tokio::test]
async fn retry_after_is_kept_to_for_the_whole_source() {
    let scene = start(
        &["a", "b"],
        false,
        vec![Ok((429, json!({ "retry_after": 90 }))), page(&[], 1, false)],
    );
    scene.pass(89).await;
    assert_eq!(scene.asked(), ["a?after=0&token="]);
    scene.pass(10).await;
    assert_eq!(scene.asked_at(), [0, 90, 90]);
    scene.end().await;
}

#[tokio::test]
async fn an_expired_token_is_renewed_once_and_the_page_asked_for_again() {
    let token = |token: &str| Ok((200, json!({ "token": token })));
    let scene = start(
        &["s"],
        true,
        vec![
            token("t1"),
            code("expired"),
            token("t2"),
            page(&[1], 1, false),
            page(&[], 1, false),
        ],
    );
    scene.pass(1).await;
    assert_eq!(
        scene.asked(),
        ["token", "s?after=0&token=t1", "token", "s?after=0&token=t2"]
    );
    // It is used until 90 minutes are nearly over, and renewed by then.
    scene.script.answers.lock().unwrap().clear();
    scene
        .script
        .answers
        .lock()
        .unwrap()
        .extend([page(&[], 1, false)]);
    scene.pass(5_000).await;
    assert!(
        scene.asked()[4..]
            .iter()
            .all(|asked| asked.ends_with("token=t2"))
    );
    scene.end().await;
}

#[tokio::test]
async fn a_new_token_that_is_refused_too_is_a_failure_with_waits() {
    let token = |token: &str| Ok((200, json!({ "token": token })));
    let answers = vec![
        token("t1"),
        code("expired"),
        token("t2"),
        code("expired"),
        token("t3"),
        page(&[7], 1, false),
    ];
    let scene = start(&["s"], true, answers);
    scene.pass(2).await;
    assert_eq!(scene.end().await.numbers(), 1);
}

#[tokio::test]
async fn what_a_person_must_mend_stops_that_stream_alone_and_says_what() {
    let scene = start(
        &["a", "b"],
        false,
        vec![code("secret"), page(&[1], 1, false), page(&[], 1, false)],
    );
    scene.pass(1_000).await;
    let a = scene
        .asked()
        .iter()
        .filter(|asked| asked.starts_with('a'))
        .count();
    let b = scene
        .asked()
        .iter()
        .filter(|asked| asked.starts_with('b'))
        .count();
    assert_eq!((a, b), (1, 4));
    let told = scene.progress.borrow().failures.clone();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("a: stopped") && told[0].contains("the secret is wrong"),
        "{told:?}"
    );
    // A source that waits for a person holds up nobody who waits until all is read.
    assert!(scene.progress.borrow().all_through);
    scene.end().await;
}

#[tokio::test]
async fn without_a_token_to_renew_an_expired_one_needs_a_person() {
    let scene = start(&["s"], false, vec![code("expired")]);
    scene.pass(1_000).await;
    assert_eq!(scene.asked().len(), 1);
    scene.end().await;
}

#[tokio::test]
async fn what_can_never_be_read_is_a_dead_letter_and_the_walk_goes_on() {
    let scene = start(
        &["s"],
        false,
        vec![page(&[1], 1, true), code("poison"), page(&[3], 3, false)],
    );
    scene.pass(1).await;
    assert_eq!(
        scene.asked(),
        ["s?after=0&token=", "s?after=1&token=", "s?after=2&token="]
    );
    assert_eq!(scene.end().await.numbers(), 3);
}

#[tokio::test]
async fn more_without_a_step_forward_ends_the_walk() {
    let scene = start(&["s"], false, vec![page(&[], 0, true)]);
    scene.pass(599).await;
    assert_eq!(scene.asked_at(), [0, 300]);
    scene.end().await;
}

#[tokio::test]
async fn a_hint_walks_the_stream_at_once_with_what_it_said() {
    let scene = start(&["a", "b"], false, vec![page(&[], 1, false)]);
    scene.pass(10).await;
    assert_eq!(scene.asked().len(), 2);
    for _ in 0..5_000 {
        scene.hints.send("b", json!(41));
    }
    scene.pass(1).await;
    assert_eq!(scene.asked()[2..], ["b?after=41&token="]);
    scene.end().await;
}

#[tokio::test]
async fn a_cursor_that_cannot_be_read_starts_the_stream_over() {
    let positions = [("s".to_owned(), json!({ "state": "not a number" }))].into();
    let scene = start_from(
        &["s"],
        false,
        vec![page(&[1], 1, false)],
        Kept::default(),
        &positions,
    );
    scene.pass(1).await;
    assert_eq!(scene.asked(), ["s?after=0&token="]);
    scene.end().await;
}
