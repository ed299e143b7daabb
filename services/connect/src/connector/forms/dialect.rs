//! What a tool's push is, in one shape.

use serde_json::Value;

use crate::push::{Head, Refusal};
use crate::survey::Answered;

/// How a tool signs, and where its pushes have what.
pub(crate) trait Dialect: Send + Sync + 'static {
    /// The kind of the source.
    const KIND: &'static str;

    /// What a signature is verified with.
    type Key: Send + Sync;

    /// The key of a configured secret. An error says what it must be.
    fn key(secret: &str) -> Result<Self::Key, String>;

    /// Verifies the body, and its time where it has one.
    fn verify(keys: &[Self::Key], head: &Head<'_>, body: &[u8]) -> Result<(), Refusal>;

    /// What a push holds. `delivery` is the sender's id of the push, where there is one.
    fn read(body: &Value, delivery: Option<&str>) -> Result<Read, String>;
}

/// What a push holds.
#[derive(Debug)]
pub(crate) enum Read {
    /// A submission.
    Submission(Box<Submission>),
    /// Nothing to take in, for a reason of a few.
    LeftOut(&'static str),
}

/// One person's answers to one survey.
#[derive(Debug, Default)]
pub(crate) struct Submission {
    /// The tool's id of the survey.
    pub(crate) survey: String,
    /// The event's id.
    pub(crate) id: String,
    /// When it was given, as the tool writes it.
    pub(crate) at: Option<String>,
    /// Whether it may come again later, changed, with a later time.
    pub(crate) is_revised: bool,
    /// Who answered.
    pub(crate) author: Option<String>,
    /// What was answered.
    pub(crate) answers: Vec<Answered>,
    /// Further fields to keep.
    pub(crate) attributes: Vec<(&'static str, Option<String>)>,
}
