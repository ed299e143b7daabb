//! The contract between the stages: what every record on every topic looks like.
//!
//! The Rust types here are the source. JSON Schemas (2020-12) and an AsyncAPI document are generated from them into
//! `json/`, examples stand in `examples/`, and a test fails when any of them drift. Changes are additive: a reader
//! ignores fields that it does not know, and every field added later has a default.

mod aggregate;
mod alert;
mod analysis;
mod call;
mod chain;
mod clock;
mod command;
mod contract;
mod correction;
mod cursor;
mod dead_letter;
mod delivery;
mod detector_state;
mod distinct;
mod document;
mod enriched;
mod erasure;
mod feedback;
mod handling;
mod id;
mod link;
mod notification;
mod rank;
mod refusal;
mod signal;
mod source;
mod tally;
mod timeline;
mod topic;

pub use aggregate::{Counts, TOPIC_ALL, WindowDelta, WindowKey, WindowSize, WindowTotal};
pub use alert::{Actor, Alert, AlertTimes};
pub use analysis::{
    AspectMention, Keyword, Polarity, RuleHit, Sentiment, SentimentLabel, Severity, Span,
};
pub use call::{Call, Direction, Role, Turn};
pub use chain::{ChainFault, ChainHead, TimelineRecord, verify_chain};
pub use clock::{Deadline, DeadlineKind, Escalation, OnCall, Pause, Reminder, ResponseClock};
pub use command::{Action, Command};
pub use contract::Contract;
pub use correction::{AspectJudgement, Correction};
pub use cursor::Cursor;
pub use dead_letter::{DeadLetter, Origin};
pub use delivery::{Delivery, DeliveryState};
pub use detector_state::{
    BrandState, DetectorState, JointState, LaneBin, LaneState, VolumeAuthor, VolumeBucket,
    VolumeSample, VolumeState,
};
pub use distinct::Distinct;
pub use document::{asyncapi, schemas};
pub use enriched::{Contribution, Counted, Enriched};
pub use erasure::{Cut, ERASED, Erasure, LineId};
pub use feedback::{Author, Channel, FeedbackEvent, Provenance, Rating, Reach, Scores};
pub use handling::{
    AlertState, Done, HandOver, Handling, Lowered, ProcessStep, Seen, Spread, Statement, StepKind,
};
pub use id::{AlertId, EventId, derived_id};
pub use link::{LinkAction, LinkClaim};
pub use notification::{Notification, NotificationKind};
pub use rank::TermRank;
pub use signal::{ALL_SOURCES, BurstEvidence, Sample, Signal, SignalKind, SignalTimes};
pub use source::{SourceRhythm, SourceStatus, SourceTrouble};
pub use tally::{RatingCount, RatingSum, TermCount};
pub use timeline::{SignalRef, TimelineEntry, TimelineEvent};
pub use topic::{Keep, Topic};
