//! A repeat meets its first copy here, because `feedback` is keyed by event id: one partition, one owner, one memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use metrics::counter;
use serde::Deserialize;
use wensheng_bus::{Outcome, Outputs, Record, Restore, Stage};
use wensheng_runtime::{decode, encode};
use wensheng_schemas::{
    AspectMention, Enriched, FeedbackEvent, Keyword, RuleHit, Sample, Sentiment, SentimentLabel,
    Severity, Signal, SignalKind, SignalTimes, Span, TOPIC_ALL, Topic, derived_id,
};
use wensheng_text::{Analyzer, Context, Intent, Polarity, RuleLevel, Scope};

use crate::seen::{Known, Seen};

/// Rule hits in feedback, by severity.
const RULE_HITS: &str = "wensheng_rule_hits_total";

/// The logic between `feedback` and `enriched`.
pub struct EnrichStage {
    analyzer: Arc<Analyzer>,
    repeat_horizon: Duration,
    signal_horizon: SignedDuration,
    seen: BTreeMap<u32, Seen>,
}

impl EnrichStage {
    /// A stage that recognises repeats for `repeat_horizon`, and gives signals for feedback not older than
    /// `signal_horizon` when observed.
    pub fn new(
        analyzer: Arc<Analyzer>,
        repeat_horizon: Duration,
        signal_horizon: SignedDuration,
    ) -> Self {
        Self {
            analyzer,
            repeat_horizon,
            signal_horizon,
            seen: BTreeMap::new(),
        }
    }

    fn seen(&mut self, partition: u32) -> &mut Seen {
        let horizon = self.repeat_horizon;
        self.seen
            .entry(partition)
            .or_insert_with(|| Seen::new(horizon))
    }
}

/// The only part of a record that restoring needs beside its key.
#[derive(Deserialize)]
struct Revision {
    #[serde(default)]
    revision: u32,
}

impl Stage for EnrichStage {
    fn restores(&self) -> Vec<Restore> {
        vec![Restore::Read(
            Topic::Feedback.shared_name(),
            self.repeat_horizon,
        )]
    }

    fn restore(&mut self, record: &Record) {
        let value = record.value.as_deref().unwrap_or_default();
        // A record that could not be read was dead-lettered when it was new; it is no first copy of anything.
        if let Ok(Revision { revision }) = serde_json::from_slice(value) {
            self.seen(record.at.partition)
                .remember(&record.key, revision, record.appended_at);
        }
    }

    fn process(&mut self, record: &Record, now: Timestamp, out: &mut Outputs) -> Outcome {
        let feedback: FeedbackEvent = match decode(record) {
            Ok(feedback) => feedback,
            Err(error) => return Outcome::Reject(error.to_string()),
        };
        let seen = self.seen(record.at.partition);
        match seen.known(&record.key) {
            Known::At(revision) if feedback.revision <= revision => {
                return Outcome::Drop("duplicate");
            }
            Known::At(revision) => {
                return Outcome::Reject(format!(
                    "revision {} of feedback that was counted at revision {revision}: taking back what was counted is \
                     not supported for this source",
                    feedback.revision
                ));
            }
            Known::No => seen.remember(&record.key, feedback.revision, record.appended_at),
        }
        let enriched = enrich(&self.analyzer, feedback, now);
        let age = enriched
            .feedback
            .observed_at
            .duration_since(enriched.feedback.occurred_at);
        for hit in &enriched.rules {
            counter!(RULE_HITS, "severity" => severity_name(hit.severity)).increment(1);
            if age <= self.signal_horizon {
                out.emit(encode(&signal(&enriched, hit, now), Some(record)));
            }
        }
        out.emit(encode(&enriched, Some(record)));
        Outcome::Emit
    }

    fn revoke(&mut self, partitions: &[u32]) {
        for partition in partitions {
            self.seen.remove(partition);
        }
    }
}

/// What `analyzer` understands of `feedback`.
pub fn enrich(analyzer: &Analyzer, feedback: FeedbackEvent, now: Timestamp) -> Enriched {
    let context = Context {
        channel: Some(feedback.channel.name()),
        brand: Some(&feedback.brand),
    };
    let analysis = analyzer.analyze_in(&feedback.text, &context);
    let rules: Vec<RuleHit> = analysis
        .rules
        .into_iter()
        .map(|hit| RuleHit {
            rule: hit.rule.to_string(),
            name: hit.name.to_string(),
            severity: severity(hit.level),
            topic: hit.topic.map(|topic| topic.to_string()).unwrap_or_default(),
            terms: hit.matches.into_iter().map(|found| found.text).collect(),
        })
        .collect();
    let mut topics: Vec<String> = analysis.topics.iter().map(ToString::to_string).collect();
    for hit in &rules {
        if !hit.topic.is_empty() && !topics.contains(&hit.topic) {
            topics.push(hit.topic.clone());
        }
    }
    Enriched {
        sentiment: Sentiment {
            label: label(analysis.sentiment.label),
            score: rounded(analysis.sentiment.score),
            confidence: rounded(analysis.sentiment.confidence),
            spans: analysis
                .sentiment
                .spans
                .into_iter()
                .map(|span| Span {
                    start: u32::try_from(span.start).unwrap_or(u32::MAX),
                    end: u32::try_from(span.end).unwrap_or(u32::MAX),
                    text: span.text,
                    weight: rounded(span.weight),
                    scope: scope(span.scope).to_owned(),
                })
                .collect(),
        },
        aspects: analysis
            .aspects
            .into_iter()
            .map(|mention| AspectMention {
                aspect: mention.aspect.to_string(),
                term: mention.term,
                polarity: label(mention.polarity),
            })
            .collect(),
        intents: analysis
            .intents
            .into_iter()
            .map(|intent| intent_name(intent).to_owned())
            .collect(),
        topics,
        keywords: analysis
            .keywords
            .into_iter()
            .map(|keyword| Keyword {
                term: keyword.term,
                weight: rounded(keyword.weight),
            })
            .collect(),
        rules,
        model_version: analysis.model_version.to_string(),
        feedback,
        enriched_at: now,
        replaces: None,
    }
}

/// The signal that a rule hit gives.
fn signal(enriched: &Enriched, hit: &RuleHit, now: Timestamp) -> Signal {
    let feedback = &enriched.feedback;
    Signal {
        id: derived_id(&[
            feedback.id.as_str(),
            &feedback.revision.to_string(),
            &hit.rule,
        ]),
        kind: SignalKind::RuleHit {
            rule: hit.rule.clone(),
            name: hit.name.clone(),
            terms: hit.terms.clone(),
        },
        severity: hit.severity,
        brand: feedback.brand.clone(),
        topic: if hit.topic.is_empty() {
            TOPIC_ALL.to_owned()
        } else {
            hit.topic.clone()
        },
        channels: vec![feedback.channel],
        samples: vec![Sample::of(enriched)],
        times: SignalTimes {
            first_post_at: feedback.occurred_at,
            occurred_at: feedback.occurred_at,
            observed_at: feedback.observed_at,
            enriched_at: enriched.enriched_at,
            detected_at: now,
        },
        drill: feedback.drill,
    }
}

/// Four decimals: what a score means, and half the bytes.
fn rounded(value: f32) -> f32 {
    (value * 10_000.0).round() / 10_000.0
}

fn label(polarity: Polarity) -> SentimentLabel {
    match polarity {
        Polarity::Positive => SentimentLabel::Positive,
        Polarity::Neutral => SentimentLabel::Neutral,
        Polarity::Negative => SentimentLabel::Negative,
    }
}

fn severity(level: RuleLevel) -> Severity {
    match level {
        RuleLevel::Yellow => Severity::Watch,
        RuleLevel::Orange => Severity::Alert,
        RuleLevel::Red => Severity::Crisis,
    }
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Watch => "watch",
        Severity::Alert => "alert",
        Severity::Crisis => "crisis",
    }
}

fn intent_name(intent: Intent) -> &'static str {
    match intent {
        Intent::Complaint => "complaint",
        Intent::Enquiry => "enquiry",
        Intent::Suggestion => "suggestion",
        Intent::Praise => "praise",
        Intent::HelpRequest => "help_request",
        Intent::Threat => "threat",
        Intent::Churn => "churn",
    }
}

fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Plain => "",
        Scope::Negated => "negated",
        Scope::DoubleNegated => "double_negated",
        Scope::Degree => "degree",
        Scope::Question => "question",
        Scope::Rhetorical => "rhetorical",
        Scope::Supposed => "supposed",
        Scope::Conceded => "conceded",
        Scope::Stressed => "stressed",
    }
}

#[cfg(test)]
mod tests {
    use wensheng_bus::TopicPartition;
    use wensheng_schemas::{Channel, EventId, Provenance, Scores};

    use super::*;
    use crate::Config;

    fn stage() -> EnrichStage {
        let config = Config::default();
        EnrichStage::new(
            Arc::new(config.analyzer().unwrap()),
            config.repeat_horizon(),
            config.signal_horizon(),
        )
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + seconds).unwrap()
    }

    fn feedback(native_id: &str, text: &str) -> FeedbackEvent {
        FeedbackEvent {
            id: EventId::of("shop", native_id),
            revision: 0,
            source: "shop".to_owned(),
            native_id: native_id.to_owned(),
            channel: Channel::Review,
            brand: "山岚茶饮".to_owned(),
            product: None,
            store: None,
            region: None,
            occurred_at: at(0),
            observed_at: at(5),
            text: text.to_owned(),
            author: None,
            reach: None,
            scores: Scores::default(),
            url: None,
            reply_to: None,
            repost_of: None,
            attributes: BTreeMap::new(),
            call: None,
            provenance: Provenance::default(),
            drill: false,
        }
    }

    fn record(feedback: &FeedbackEvent, offset: u64) -> Record {
        let out = encode(feedback, None);
        Record {
            at: TopicPartition::new(Topic::Feedback.name(), 3),
            offset,
            appended_at: at(6),
            key: out.key,
            value: out.value,
            headers: out.headers,
        }
    }

    fn topics_of(out: Outputs) -> Vec<String> {
        out.into_records()
            .iter()
            .map(|record| record.topic.to_string())
            .collect()
    }

    #[test]
    fn feedback_is_analysed_and_a_red_rule_gives_a_signal() {
        let mut out = Outputs::default();
        let record = record(&feedback("1", "喝完上吐下泻，食物中毒进了医院，太差了"), 0);
        assert_eq!(stage().process(&record, at(7), &mut out), Outcome::Emit);
        let records = out.into_records();
        let enriched: Enriched =
            serde_json::from_slice(records.last().unwrap().value.as_deref().unwrap()).unwrap();
        assert_eq!(enriched.sentiment.label, SentimentLabel::Negative);
        assert!(
            enriched
                .rules
                .iter()
                .any(|hit| hit.severity == Severity::Crisis),
            "{:?}",
            enriched.rules
        );
        let signal: Signal = serde_json::from_slice(records[0].value.as_deref().unwrap()).unwrap();
        assert_eq!(signal.times.observed_at, at(5));
        assert_eq!(signal.times.detected_at, at(7));
        assert_eq!(records[0].key.as_ref(), "山岚茶饮".as_bytes());
    }

    #[test]
    fn a_repeat_is_dropped_also_after_a_restart() {
        let mut stage = stage();
        let record = record(&feedback("1", "味道不错"), 0);
        assert_eq!(
            stage.process(&record, at(7), &mut Outputs::default()),
            Outcome::Emit
        );
        assert_eq!(
            stage.process(&record, at(8), &mut Outputs::default()),
            Outcome::Drop("duplicate")
        );
        stage.revoke(&[3]);
        stage.restore(&record);
        assert_eq!(
            stage.process(&record, at(9), &mut Outputs::default()),
            Outcome::Drop("duplicate")
        );
    }

    #[test]
    fn a_back_fill_is_tagged_but_alerts_nobody() {
        let mut old = feedback("1", "食物中毒进了医院");
        old.occurred_at = at(-30 * 86_400);
        let mut out = Outputs::default();
        assert_eq!(
            stage().process(&record(&old, 0), at(7), &mut out),
            Outcome::Emit
        );
        assert_eq!(topics_of(out), [Topic::Enriched.name()]);
    }

    #[test]
    fn bytes_that_are_no_feedback_are_rejected() {
        let mut bad = record(&feedback("1", "x"), 0);
        bad.value = Some(bytes::Bytes::from_static(b"{\"id\": 3}"));
        assert!(matches!(
            stage().process(&bad, at(7), &mut Outputs::default()),
            Outcome::Reject(_)
        ));
    }

    #[test]
    fn a_higher_revision_is_kept_for_a_person_to_see() {
        let mut stage = stage();
        let mut event = feedback("1", "味道不错");
        stage.process(&record(&event, 0), at(7), &mut Outputs::default());
        event.revision = 1;
        assert!(matches!(
            stage.process(&record(&event, 1), at(8), &mut Outputs::default()),
            Outcome::Reject(_)
        ));
    }
}
