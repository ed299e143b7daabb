//! The contract between the stages: what every record on every topic looks like.
//!
//! The Rust types here are the source. JSON Schemas (2020-12) and an AsyncAPI document are generated from them into
//! `json/`, examples stand in `examples/`, and a test fails when any of them drift. Changes are additive: a reader
//! ignores fields that it does not know, and every field added later has a default.

mod aggregate;
mod alert;
mod analysis;
mod command;
mod contract;
mod cursor;
mod dead_letter;
mod delivery;
mod detector_state;
mod distinct;
mod document;
mod enriched;
mod feedback;
mod id;
mod link;
mod notification;
mod rank;
mod signal;
mod topic;

pub use aggregate::{Counts, TOPIC_ALL, WindowDelta, WindowKey, WindowSize, WindowTotal};
pub use alert::{
    Actor, Alert, AlertState, AlertTimes, Deadline, DeadlineKind, Escalation, ResponseClock,
    TimelineEntry, TimelineEvent,
};
pub use analysis::{
    AspectMention, Keyword, Polarity, RuleHit, Sentiment, SentimentLabel, Severity, Span,
};
pub use command::{Action, Command};
pub use contract::Contract;
pub use cursor::Cursor;
pub use dead_letter::{DeadLetter, Origin};
pub use delivery::{Delivery, DeliveryState};
pub use detector_state::{DetectorState, VolumeAuthor, VolumeBucket, VolumeState};
pub use distinct::Distinct;
pub use document::{asyncapi, schemas};
pub use enriched::{Contribution, Enriched};
pub use feedback::{Author, Channel, FeedbackEvent, Provenance, Reach, Scores};
pub use id::{AlertId, EventId, derived_id};
pub use link::{LinkAction, LinkClaim};
pub use notification::{Notification, NotificationKind};
pub use rank::TermRank;
pub use signal::{Sample, Signal, SignalKind, SignalTimes};
pub use topic::{Keep, Topic};
