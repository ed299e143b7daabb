//! A push is answered with success only once it is durable, in the words that its platform calls success: size →
//! signature → timestamp window → decrypt → parse → publish → answer.
//!
//! All pushed sources share one server, one bound on the bytes of requests being read, and this one way through; a
//! source says only how it verifies, parses and answers. What only hints that there is something to fetch stages
//! nothing and wakes its own pull side.

pub(crate) mod scheme;
pub(crate) mod seal;
mod server;
pub(crate) mod signature;

#[cfg(test)]
pub(crate) mod testing;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use subtle::ConstantTimeEq;
use wensheng_runtime::{Problems, Secret};

use crate::draft::Place;
use crate::staging::Staging;

pub(crate) use server::{PushServer, PushSource};

/// A pushed source: how it verifies, parses and answers.
pub(crate) trait PushInput: Send + Sync {
    /// No body may be longer.
    fn max_body_bytes(&self) -> usize;

    /// Takes up its last committed positions, by stream, before the first request.
    fn restore(&mut self, _positions: BTreeMap<String, Value>) {}

    /// Answers the GET by which a platform asks whether this address is ours, with what it expects.
    fn answer_check(&self, _head: &Head<'_>) -> Result<Reply, Refusal> {
        Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "this source takes only POST",
        ))
    }

    /// Refuses a sender by address and headers alone, before the body is read.
    fn admit(&self, _head: &Head<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    /// Verifies the body and its time, and gives what it holds in the clear. Every source says how, so that none takes what
    /// nobody verified for having said nothing.
    fn open<'a>(&self, head: &Head<'_>, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal>;

    /// Stages what was opened (events, and dead letters for wrong items), and says what is answered once it is durable.
    /// With nothing staged, the answer is given at once. What comes again must be staged again: its first copy may not
    /// have become durable, and its ids are the same.
    fn parse(&self, push: &Push<'_>, staging: &mut Staging) -> Result<Reply, Wrong>;

    /// What the platform calls success.
    fn answer(&self) -> Reply {
        Reply::json(&serde_json::json!({"ok": true}))
    }

    /// The body of a refusal, where the platform reads it; the status is the refusal's own.
    fn refuse(&self, refusal: &Refusal) -> Reply {
        Reply::json(&serde_json::json!({"error": refusal.reason}))
    }
}

/// A push that was verified and opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Push<'a> {
    pub(crate) head: &'a Head<'a>,
    pub(crate) content: &'a [u8],
    /// The source's address, for what its events and dead letters say of where they came in.
    pub(crate) place: Place<'a>,
}

impl Push<'_> {
    /// The content as JSON.
    pub(crate) fn json(&self) -> Result<Value, String> {
        json(self.content)
    }
}

/// A body that must be JSON.
pub(crate) fn json(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| format!("the body is not valid JSON: {error}"))
}

/// Why a push that was verified is not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It is refused as a whole.
    Push(Refusal),
    /// Nothing will ever come of it. It is kept as a dead letter and answered with success: a refusal would only have it
    /// sent again.
    Item(String),
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Self {
        Wrong::Push(refusal)
    }
}

impl From<String> for Wrong {
    fn from(reason: String) -> Self {
        Wrong::Item(reason)
    }
}

/// Stages what was opened of a push to `source`, and says what is answered once that is durable.
pub(crate) fn stage(
    input: &dyn PushInput,
    source: &str,
    head: &Head<'_>,
    content: &[u8],
    staging: &mut Staging,
) -> Result<Reply, Refusal> {
    let address = format!("/ingest/{source}");
    let push = Push {
        head,
        content,
        place: Place::of(&address),
    };
    match input.parse(&push, staging) {
        Ok(reply) => Ok(reply),
        Err(Wrong::Push(refusal)) => Err(refusal),
        Err(Wrong::Item(reason)) => {
            staging.dead_letter(&address, None, &reason, content, head.now);
            Ok(input.answer())
        }
    }
}

/// What a request says before its body.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) headers: &'a HeaderMap,
    query: Vec<(String, String)>,
    /// When it came (UTC).
    pub(crate) now: Timestamp,
}

impl<'a> Head<'a> {
    pub(crate) fn new(uri: &Uri, headers: &'a HeaderMap, now: Timestamp) -> Self {
        let query = Query::<Vec<(String, String)>>::try_from_uri(uri);
        Self {
            headers,
            query: query.map(|Query(pairs)| pairs).unwrap_or_default(),
            now,
        }
    }

    /// A parameter of the address, decoded; the first of that name.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A header that is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Whether the sender gives this token: as a bearer, as the password of `Basic`, or, where a platform can only be given
/// an address, as its parameter `token`. Compared in constant time; an empty token is nobody's.
pub(crate) fn has_token(head: &Head<'_>, token: &Secret) -> bool {
    let authorization = head.header(header::AUTHORIZATION.as_str());
    let given = authorization.and_then(|value| value.split_once(' '));
    let given = match given {
        Some((scheme, value)) if scheme.eq_ignore_ascii_case("bearer") => {
            Some(Cow::Borrowed(value.trim()))
        }
        Some((scheme, value)) if scheme.eq_ignore_ascii_case("basic") => {
            let decoded = BASE64.decode(value.trim()).ok();
            let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
            decoded.and_then(|pair| Some(Cow::Owned(pair.split_once(':')?.1.to_owned())))
        }
        _ => head.query("token").map(Cow::Borrowed),
    };
    let expected = token.expose().as_bytes();
    !expected.is_empty() && given.is_some_and(|given| given.as_bytes().ct_eq(expected).into())
}

/// Refuses who does not give the token; `how` says how it is given.
pub(crate) fn admit_by_token(head: &Head<'_>, token: &Secret, how: &str) -> Result<(), Refusal> {
    match has_token(head, token) {
        true => Ok(()),
        false => Err(Refusal::stranger(format!("no valid token; {how}"))),
    }
}

/// How a token is given where the platform's page has nothing but an address.
pub(crate) const IN_THE_ADDRESS: &str =
    "give the platform the address with `?token=…`, as this source is configured";

/// Adds a problem for a token that can be guessed; an empty one is none.
pub(crate) fn check_token(token: &Secret, problems: &mut Problems) {
    if (1..16).contains(&token.expose().chars().count()) {
        problems.add("token", "must have at least 16 characters");
    }
}

/// Adds a problem for a bound on bodies that is out of range.
pub(crate) fn check_max_body(bytes: usize, problems: &mut Problems) {
    if !(1_024..=64 << 20).contains(&bytes) {
        problems.add("max_body_bytes", "must be from 1024 to 67108864");
    }
}

/// What is answered with success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Reply {
    /// Exactly this text.
    pub(crate) fn text(body: impl Into<String>) -> Self {
        Self {
            content_type: "text/plain; charset=utf-8",
            body: body.into(),
        }
    }

    /// A JSON body.
    pub(crate) fn json(body: &impl Serialize) -> Self {
        Self {
            content_type: "application/json",
            // What is answered here are maps with text keys, which cannot fail.
            body: serde_json::to_string(body).unwrap_or_default(),
        }
    }
}

/// Why a push is refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// What was wrong and what to do.
    pub(crate) reason: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.into(),
        }
    }

    /// Of whoever cannot show to be the one who may send here.
    pub(crate) fn stranger(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, reason)
    }

    /// Of what cannot be read.
    pub(crate) fn unreadable(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }
}

/// Refuses what was signed further from now than `window`, either way; `signed_at` is in epoch seconds. A zero window
/// allows any time.
pub(crate) fn check_window(
    signed_at: Option<&str>,
    now: Timestamp,
    window: Duration,
) -> Result<(), Refusal> {
    let seconds = i64::try_from(window.as_secs()).unwrap_or(i64::MAX);
    if seconds == 0 {
        return Ok(());
    }
    let signed_at = signed_at.and_then(|at| at.trim().parse::<i64>().ok());
    let near = |at: i64| now.as_second().saturating_sub(at).saturating_abs() <= seconds;
    if signed_at.is_some_and(near) {
        return Ok(());
    }
    Err(Refusal::stranger(format!(
        "the timestamp is missing or more than {seconds} s from our time; check both clocks, or raise `window_s`"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_once_and_the_first_of_a_name_counts() {
        let headers = HeaderMap::new();
        let uri: Uri = "/ingest/a?echostr=P9%2Fz%2BQ%3D%3D&nonce=1&nonce=2&x=%E5%A5%BD"
            .parse()
            .unwrap();
        let head = Head::new(&uri, &headers, Timestamp::UNIX_EPOCH);
        assert_eq!(head.query("echostr"), Some("P9/z+Q=="));
        assert_eq!(head.query("nonce"), Some("1"));
        assert_eq!(head.query("x"), Some("好"));
        assert_eq!(head.query("y"), None);
    }

    #[test]
    fn the_window_is_the_same_either_way_and_zero_is_none() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let window = Duration::from_secs(300);
        for (at, good) in [
            (Some("1000300"), true),
            (Some("999700"), true),
            (Some("1000301"), false),
            (Some("999699"), false),
            (Some("-9223372036854775808"), false),
            (Some("soon"), false),
            (None, false),
        ] {
            assert_eq!(check_window(at, now, window).is_ok(), good, "{at:?}");
            assert!(check_window(at, now, Duration::ZERO).is_ok());
        }
    }
}
