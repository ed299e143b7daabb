//! How each record type travels: its topic, its key, and the identity it announces in its CloudEvents headers.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{
    Alert, Command, Correction, Counted, Cursor, DeadLetter, Delivery, DetectorState, Enriched,
    FeedbackEvent, Notification, Signal, SourceRhythm, SourceStatus, TimelineRecord, Topic,
    WindowDelta, WindowTotal, derived_id,
};

/// A type that is the value of a topic's records.
pub trait Contract: Serialize + DeserializeOwned {
    /// Its topic.
    const TOPIC: Topic;

    /// The record's key: the unit of order, and of compaction.
    fn key(&self) -> String;

    /// What decides the partition, where that is not the key.
    fn partition_key(&self) -> Option<&str> {
        None
    }

    /// CloudEvents `id`: deterministic, so that a replay is the same event.
    fn event_id(&self) -> String;

    /// CloudEvents `time`: when the thing it tells of happened (UTC).
    fn event_time(&self) -> Timestamp;
}

macro_rules! contract {
    ($type:ty, $topic:ident, key: $key:expr, $(partition: $partition:expr,)? id: $id:expr, time: $time:expr) => {
        impl Contract for $type {
            const TOPIC: Topic = Topic::$topic;

            fn key(&self) -> String {
                let of: fn(&$type) -> String = $key;
                of(self)
            }

            $(fn partition_key(&self) -> Option<&str> {
                let of: fn(&$type) -> &str = $partition;
                Some(of(self))
            })?

            fn event_id(&self) -> String {
                let of: fn(&$type) -> String = $id;
                of(self)
            }

            fn event_time(&self) -> Timestamp {
                let of: fn(&$type) -> Timestamp = $time;
                of(self)
            }
        }
    };
}

contract!(FeedbackEvent, Feedback, key: |f| f.id.to_string(),
    id: |f| f.id.to_string(), time: |f| f.occurred_at);
contract!(Counted, Contributions, key: |c| c.id.to_string(),
    id: |c| derived_id(&[c.id.as_str(), &c.revision.to_string()]), time: |c| c.counted_at);
contract!(Enriched, Enriched, key: |e| e.feedback.brand.clone(),
    id: |e| e.feedback.id.to_string(), time: |e| e.feedback.occurred_at);
contract!(WindowDelta, Aggregates, key: |d| d.key.brand.clone(),
    id: |d| derived_id(&[&d.key.to_string(), &d.aggregated_at.to_string()]), time: |d| d.aggregated_at);
contract!(WindowTotal, Windows, key: |t| t.key.to_string(),
    id: |t| derived_id(&[&t.key.to_string(), &t.revision.to_string()]), time: |t| t.updated_at);
contract!(Signal, Signals, key: |s| s.brand.clone(),
    id: |s| s.id.clone(), time: |s| s.times.detected_at);
contract!(Command, Commands, key: |c| c.brand.clone(),
    id: |c| c.id.clone(), time: |c| c.at);
contract!(Correction, Corrections, key: |c| c.feedback.to_string(),
    id: |c| c.id.clone(), time: |c| c.at);
contract!(Alert, Alerts, key: |a| a.id.to_string(), partition: |a| &a.brand,
    id: |a| derived_id(&[a.id.as_str(), &a.revision.to_string()]), time: |a| a.times.updated_at);
contract!(TimelineRecord, Timeline, key: |t| format!("{}/{}", t.alert, t.number), partition: |t| &t.brand,
    id: |t| t.hash.clone(), time: |t| t.entry.at);
contract!(Notification, Notifications, key: |n| n.alert.id.to_string(), partition: |n| &n.alert.brand,
    id: |n| n.id.clone(), time: |n| n.decided_at);
contract!(Delivery, Deliveries, key: |d| d.alert.to_string(), partition: |d| &d.brand,
    id: |d| derived_id(&[&d.id, &d.attempts.to_string(), d.state.name()]), time: |d| d.at);
contract!(Cursor, Cursors, key: Cursor::key,
    id: |c| derived_id(&[&c.key(), &c.at.to_string()]), time: |c| c.at);
contract!(SourceStatus, Sources, key: |s| s.source.clone(),
    id: |s| derived_id(&[&s.source, &s.at.to_string()]), time: |s| s.at);
contract!(SourceRhythm, Rhythms, key: |r| r.source.clone(),
    id: |r| derived_id(&[&r.source, &r.status.at.to_string()]), time: |r| r.status.at);
contract!(DeadLetter, DeadLetters, key: |d| d.origin.key(),
    id: |d| d.id.clone(), time: |d| d.at);
contract!(DetectorState, DetectorState, key: DetectorState::key, partition: |d| &d.brand,
    id: |d| derived_id(&[&d.key(), &d.updated_at.to_string()]), time: |d| d.updated_at);
