//! A push as the server takes it, without the server, for the tests of pushed sources.

use axum::http::{HeaderMap, HeaderName};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use wensheng_runtime::Secret;
use wensheng_schemas::{DeadLetter, FeedbackEvent};

use super::{Head, PushInput, Refusal, Reply, stage};
use crate::connector::{Connector, Input, Shared};
use crate::staging::Staging;

/// What sources share in tests.
pub(crate) fn shared() -> Shared {
    Shared {
        pseudonym_key: Secret::new("0123456789abcdef"),
        max_text_bytes: 100_000,
        aliases: None,
    }
}

/// The pushed side of a source, which has no other.
pub(crate) fn build(config: &dyn Connector) -> Box<dyn PushInput> {
    match config.build(&shared()).unwrap() {
        Input::Push(input) => input,
        _ => panic!("a push source"),
    }
}

/// What came of a push.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) outcome: Result<Reply, Refusal>,
    pub(crate) events: Vec<FeedbackEvent>,
    pub(crate) letters: Vec<DeadLetter>,
    pub(crate) cursors: Vec<String>,
}

/// Sends `body` to the source, at `second` since 1970.
pub(crate) fn deliver(
    input: &dyn PushInput,
    query: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    second: i64,
) -> Taken {
    let uri = format!("/ingest/line?{query}").parse().unwrap();
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    let head = Head::new(&uri, &headers, Timestamp::from_second(second).unwrap());
    let mut staging = Staging::new("line");
    let outcome = input.admit(&head).and_then(|()| {
        let content = input.open(&head, body)?;
        stage(input, "line", &head, &content, &mut staging)
    });
    let records = staging.take().records;
    let values = |topic: &str| -> Vec<Vec<u8>> {
        let of_topic = records.iter().filter(|record| record.topic.contains(topic));
        of_topic
            .filter_map(|record| Some(record.value.as_ref()?.to_vec()))
            .collect()
    };
    Taken {
        outcome,
        events: read(&values("feedback")),
        letters: read(&values("dead-letters")),
        cursors: values("cursors")
            .into_iter()
            .map(|value| String::from_utf8(value).unwrap())
            .collect(),
    }
}

fn read<T: DeserializeOwned>(values: &[Vec<u8>]) -> Vec<T> {
    values
        .iter()
        .map(|value| serde_json::from_slice(value).unwrap())
        .collect()
}
