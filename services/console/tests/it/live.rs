//! The live stream over real HTTP.

use jiff::Timestamp;
use reqwest::{Method, Response};
use serde_json::Value;
use wensheng_schemas::{Actor, AlertState};

use crate::running::Running;
use crate::seed::{Seeder, voice};

/// Reads server-sent events off an answer.
struct Events {
    answer: Response,
    buffer: String,
}

#[derive(Debug, Default)]
struct Event {
    name: String,
    id: Option<String>,
    data: String,
}

impl Events {
    async fn open(console: &Running, last_seen: Option<&str>) -> Self {
        let mut request = console.request(Method::GET, "/stream", &console.admin);
        if let Some(id) = last_seen {
            request = request.header("last-event-id", id);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self {
            answer,
            buffer: String::new(),
        }
    }

    /// The next event; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                let block: String = self.buffer.drain(..end + 2).collect();
                let mut event = Event::default();
                for line in block.lines() {
                    match line.split_once(':') {
                        Some(("event", value)) => event.name = value.trim().to_owned(),
                        Some(("id", value)) => event.id = Some(value.trim().to_owned()),
                        Some(("data", value)) => event.data.push_str(value.trim_start()),
                        _ => {}
                    }
                }
                if event.name.is_empty() {
                    continue;
                }
                return Some(event);
            }
            let chunk = self.answer.chunk().await.ok()??;
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn until(&mut self, name: &str) -> Event {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.name == name {
                return event;
            }
        }
    }
}

#[tokio::test]
async fn changes_are_heard_as_they_are_stored() {
    let console = Running::start().await;
    let now = Timestamp::now();
    let mut seeder = Seeder::new(&console.store);
    let alerts = seeder.everything(now).await;
    let mut events = Events::open(&console, None).await;
    let hello = events.until("hello").await;
    assert_eq!(hello.data, "{\"resumed\":false}");

    let fresh = voice(5, now, 0);
    let id = fresh.feedback.id.clone();
    seeder.feedback(vec![fresh]).await;
    let feedback: Value = serde_json::from_str(&events.until("feedback").await.data).unwrap();
    assert_eq!(feedback["rows"].as_array().unwrap().len(), 1);
    assert_eq!(feedback["rows"][0]["feedback"]["id"], id.as_str());
    let overview: Value = serde_json::from_str(&events.until("overview").await.data).unwrap();
    assert!(overview["pulse"]["volume_today"].as_i64().unwrap() > 0);

    let mut alert = alerts[0].clone();
    alert.revision += 1;
    alert.state = AlertState::Acknowledged {
        by: Actor("李强".to_owned()),
        at: now,
    };
    seeder.alert(alert.clone()).await;
    let heard: Value = serde_json::from_str(&events.until("alert").await.data).unwrap();
    assert_eq!(heard["alert"]["id"], alert.id.as_str());
    assert_eq!(heard["alert"]["state"]["name"], "acknowledged");
    console.stop().await;
}

#[tokio::test]
async fn a_stream_that_comes_back_hears_what_it_missed() {
    let console = Running::start().await;
    let now = Timestamp::now();
    let mut seeder = Seeder::new(&console.store);
    seeder.feedback(vec![voice(0, now, 600)]).await;
    let mut kept_open = Events::open(&console, None).await;
    let mut broken = Events::open(&console, None).await;
    kept_open.until("hello").await;
    let hello = broken.until("hello").await;
    let last_seen = hello.id.unwrap();
    drop(broken);

    let missed = voice(1, now, 0);
    let id = missed.feedback.id.clone();
    seeder.feedback(vec![missed]).await;
    kept_open.until("feedback").await;

    let mut back = Events::open(&console, Some(&last_seen)).await;
    assert_eq!(back.until("hello").await.data, "{\"resumed\":true}");
    let heard = back.until("feedback").await;
    assert!(heard.data.contains(id.as_str()));

    let mut stranger = Events::open(&console, Some("ffffffff-1")).await;
    assert_eq!(stranger.until("hello").await.data, "{\"resumed\":false}");
    console.stop().await;
}

#[tokio::test]
async fn shutdown_ends_open_streams() {
    let console = Running::start().await;
    let mut events = Events::open(&console, None).await;
    events.until("hello").await;
    console.stop().await;
    assert!(events.next().await.is_none());
}
