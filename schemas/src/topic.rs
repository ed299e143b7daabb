//! The topics, their keys, and how they forget.

use std::sync::Arc;
use std::time::Duration;

/// How long a topic keeps its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// For this long.
    For(Duration),
    /// The latest record of each key, for ever.
    Latest,
}

/// A topic of the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// [`FeedbackEvent`](crate::FeedbackEvent)s by event id.
    Feedback,
    /// What feedback that may be revised contributed ([`Counted`](crate::Counted)), by event id.
    Contributions,
    /// [`Enriched`](crate::Enriched) feedback by brand.
    Enriched,
    /// [`WindowDelta`](crate::WindowDelta)s by brand.
    Aggregates,
    /// [`WindowTotal`](crate::WindowTotal)s by window key.
    Windows,
    /// [`DetectorState`](crate::DetectorState)s by brand and topic, partitioned by brand.
    DetectorState,
    /// [`Signal`](crate::Signal)s by brand.
    Signals,
    /// [`Command`](crate::Command)s by brand.
    Commands,
    /// [`Correction`](crate::Correction)s by event id.
    Corrections,
    /// [`Alert`](crate::Alert)s by alert id, partitioned by brand.
    Alerts,
    /// [`TimelineRecord`](crate::TimelineRecord)s by alert and number, partitioned by brand.
    Timeline,
    /// [`Notification`](crate::Notification)s by alert id.
    Notifications,
    /// [`Delivery`](crate::Delivery) ledger rows by alert id.
    Deliveries,
    /// [`Cursor`](crate::Cursor)s by source.
    Cursors,
    /// [`SourceStatus`](crate::SourceStatus)es by source.
    Sources,
    /// [`SourceRhythm`](crate::SourceRhythm)s by source.
    Rhythms,
    /// [`DeadLetter`](crate::DeadLetter)s by origin.
    DeadLetters,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Topic {
    /// All topics, in flow order.
    pub const ALL: [Topic; 17] = [
        Topic::Feedback,
        Topic::Contributions,
        Topic::Enriched,
        Topic::Aggregates,
        Topic::Windows,
        Topic::DetectorState,
        Topic::Signals,
        Topic::Commands,
        Topic::Corrections,
        Topic::Alerts,
        Topic::Timeline,
        Topic::Notifications,
        Topic::Deliveries,
        Topic::Cursors,
        Topic::Sources,
        Topic::Rhythms,
        Topic::DeadLetters,
    ];

    /// Its name on the bus.
    pub const fn name(self) -> &'static str {
        match self {
            Topic::Feedback => "voc.feedback.v1",
            Topic::Contributions => "voc.contributions.v1",
            Topic::Enriched => "voc.enriched.v1",
            Topic::Aggregates => "voc.aggregates.v1",
            Topic::Windows => "voc.windows.v1",
            Topic::DetectorState => "voc.detector-state.v1",
            Topic::Signals => "voc.signals.v1",
            Topic::Commands => "voc.commands.v1",
            Topic::Corrections => "voc.corrections.v1",
            Topic::Alerts => "voc.alerts.v1",
            Topic::Timeline => "voc.timeline.v1",
            Topic::Notifications => "voc.notifications.v1",
            Topic::Deliveries => "voc.deliveries.v1",
            Topic::Cursors => "voc.cursors.v1",
            Topic::Sources => "voc.sources.v1",
            Topic::Rhythms => "voc.rhythms.v1",
            Topic::DeadLetters => "voc.dead-letters.v1",
        }
    }

    /// How it forgets. Seven days is the horizon within which repeats are recognised and stages can be replayed;
    /// alerts' trail and dead letters outlive a quarter.
    pub const fn keep(self) -> Keep {
        match self {
            Topic::Feedback | Topic::Contributions | Topic::Enriched | Topic::Aggregates => {
                Keep::For(DAY.saturating_mul(7))
            }
            Topic::Signals | Topic::Commands | Topic::Notifications | Topic::Deliveries => {
                Keep::For(DAY.saturating_mul(90))
            }
            Topic::DeadLetters => Keep::For(DAY.saturating_mul(90)),
            // Corrections are what models are trained from, years later too; they hold no word of the feedback.
            // Each line of a timeline has a key of its own, so that all of them are kept: the store can be built anew from
            // them, and a chain without its beginning proves nothing.
            Topic::Windows
            | Topic::DetectorState
            | Topic::Corrections
            | Topic::Alerts
            | Topic::Timeline
            | Topic::Cursors
            | Topic::Sources
            | Topic::Rhythms => Keep::Latest,
        }
    }

    /// Its name, shared.
    pub fn shared_name(self) -> Arc<str> {
        Arc::from(self.name())
    }
}
