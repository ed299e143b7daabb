//! A repeat meets its first copy here, because `feedback` is keyed by event id: one partition, one owner, one memory. A
//! higher revision meets what the one before contributed, and carries it along to be taken back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use metrics::counter;
use serde::Deserialize;
use tokio::sync::watch;
use wensheng_bus::{Outcome, Outputs, Record, Restore, Stage};
use wensheng_runtime::{decode, encode};
use wensheng_schemas::{
    AspectMention, Counted, Enriched, FeedbackEvent, Keyword, Reach, RuleHit, Sample, Sentiment,
    SentimentLabel, Severity, Signal, SignalKind, SignalTimes, Span, TOPIC_ALL, Topic, derived_id,
};
use wensheng_text::{Analyzer, Context, Intent, Polarity, RuleLevel, Scope, SimHash, Words};

use crate::phrases::{Phrases, Place};
use crate::seen::{Known, Seen};

/// A text of fewer letters has no story: 太难吃了 and 客服态度很差 are written by many who never read each other, and must
/// each count. Longer ones that are the same were copied.
const STORY_CHARS: usize = 12;

/// Rule hits in feedback, by severity.
const RULE_HITS: &str = "wensheng_rule_hits_total";

/// The logic between `feedback` and `enriched`.
pub struct EnrichStage {
    analyzer: Arc<Analyzer>,
    /// The analyser that is to hold from the next batch on.
    present: watch::Receiver<Arc<Analyzer>>,
    repeat_horizon: Duration,
    signal_horizon: SignedDuration,
    seen: BTreeMap<u32, Seen>,
    phrases: Phrases,
    /// Whether something was recalled that is to be heard before the next piece.
    recalled: bool,
}

impl EnrichStage {
    /// A stage that recognises repeats for `repeat_horizon`, and gives signals for feedback not older than
    /// `signal_horizon` when observed, and learns `phrases`. What `present` gives is taken between two batches.
    pub fn new(
        mut present: watch::Receiver<Arc<Analyzer>>,
        repeat_horizon: Duration,
        signal_horizon: SignedDuration,
        phrases: Phrases,
    ) -> Self {
        let analyzer = present.borrow_and_update().clone();
        Self {
            analyzer,
            present,
            repeat_horizon,
            signal_horizon,
            seen: BTreeMap::new(),
            phrases,
            recalled: false,
        }
    }

    /// Takes the analyser that holds now. Between batches only: a batch is read with one set of rules.
    fn take_present(&mut self) {
        // A sender that is gone has said its last word.
        if self.present.has_changed().unwrap_or(false) {
            self.analyzer = self.present.borrow_and_update().clone();
        }
    }

    fn seen(&mut self, partition: u32) -> &mut Seen {
        let horizon = self.repeat_horizon;
        self.seen
            .entry(partition)
            .or_insert_with(|| Seen::new(horizon))
    }
}

/// The only parts of a record that restoring needs beside its key.
#[derive(Deserialize)]
struct Past {
    #[serde(default)]
    revision: u32,
    brand: String,
    text: String,
    #[serde(default)]
    drill: bool,
}

impl Stage for EnrichStage {
    fn restores(&self) -> Vec<Restore> {
        vec![
            Restore::Read(Topic::Feedback.shared_name(), self.repeat_horizon),
            // Written in the commits that moved the offsets above, so its end belongs to theirs.
            Restore::State(Topic::Contributions.shared_name()),
        ]
    }

    fn restore(&mut self, record: &Record) {
        let value = record.value.as_deref().unwrap_or_default();
        if *record.at.topic == *Topic::Contributions.name() {
            match decode::<Counted>(record) {
                Ok(counted) => {
                    self.seen(record.at.partition)
                        .keep(&record.key, &counted, record.appended_at)
                }
                // Only this project writes the topic; a later revision of that piece will be told as not supported.
                Err(error) => tracing::error!(
                    topic = %record.at.topic, partition = record.at.partition, offset = record.offset, %error,
                    "contribution not restored"
                ),
            }
            return;
        }
        // A record that could not be read was dead-lettered when it was new; it is no first copy of anything.
        if let Ok(past) = serde_json::from_slice::<Past>(value) {
            let (partition, at) = (record.at.partition, record.appended_at);
            let seen = self.seen(partition);
            let new = matches!(seen.known(&record.key), Known::No);
            seen.remember(&record.key, past.revision, at);
            // What was withdrawn holds no words.
            if self.phrases.is_on() && new && !past.drill && !past.text.is_empty() {
                self.phrases
                    .recall(place_of(record), at, past.brand, past.text);
                self.recalled = true;
            }
        }
    }

    fn process(&mut self, record: &Record, now: Timestamp, out: &mut Outputs) -> Outcome {
        let feedback: FeedbackEvent = match decode(record) {
            Ok(feedback) => feedback,
            Err(error) => return Outcome::Reject(error.to_string()),
        };
        let seen = self.seen(record.at.partition);
        let known = seen.known(&record.key);
        let new = matches!(known, Known::No);
        let before = match known {
            Known::At(revision) if feedback.revision == revision => {
                return Outcome::Drop("duplicate");
            }
            Known::At(revision) if feedback.revision < revision => {
                return Outcome::Drop("superseded");
            }
            Known::At(revision) => {
                let counted = seen.counted(&record.key);
                // What is withdrawn must be emptied in any case; what it counted for then stays counted.
                if counted.is_none() && !feedback.withdrawn {
                    seen.remember(&record.key, feedback.revision, record.appended_at);
                    return Outcome::Reject(format!(
                        "revision {} of feedback that was counted at revision {revision}, of a source that was said never \
                         to revise: what was counted is not known and cannot be taken back",
                        feedback.revision
                    ));
                }
                counted
            }
            Known::No => None,
        };
        let feedback = in_the_place_of(before.as_ref(), feedback);
        if std::mem::take(&mut self.recalled) {
            self.phrases
                .settle(&self.analyzer, self.seen.keys().copied());
        }
        let (mut enriched, words) = understand(&self.analyzer, feedback, now);
        if enriched.feedback.is_counted() {
            let keywords = enriched.keywords.iter().map(|k| k.term.as_str());
            let brand = &enriched.feedback.brand;
            let place = place_of(record);
            enriched.terms = self.phrases.hear(place, brand, new, &words, keywords);
        }
        let met = before.as_ref().map_or(&[][..], |before| &before.rules);
        let counted = counted(&enriched, met);
        let seen = self.seen(record.at.partition);
        if enriched.feedback.immutable {
            seen.remember(&record.key, counted.revision, record.appended_at);
        } else {
            seen.keep(&record.key, &counted, record.appended_at);
            out.emit(encode(&counted, Some(record)));
        }
        let age = enriched
            .feedback
            .observed_at
            .duration_since(enriched.feedback.occurred_at);
        for hit in &enriched.rules {
            counter!(RULE_HITS, "severity" => severity_name(hit.severity)).increment(1);
            if age <= self.signal_horizon && !met.contains(&hit.rule) {
                out.emit(encode(&signal(&enriched, hit, now), Some(record)));
            }
        }
        enriched.replaces = before.and_then(|before| before.contribution).map(Box::new);
        out.emit(encode(&enriched, Some(record)));
        Outcome::Emit
    }

    fn tick(&mut self, _now: Timestamp, _out: &mut Outputs) {
        self.take_present();
    }

    fn committed(&mut self) {
        self.take_present();
    }

    fn revoke(&mut self, partitions: &[u32]) {
        for partition in partitions {
            self.seen.remove(partition);
        }
    }
}

fn place_of(record: &Record) -> Place {
    Place {
        partition: record.at.partition,
        offset: record.offset,
    }
}

/// `feedback` as the revision that follows `before`.
fn in_the_place_of(before: Option<&Counted>, mut feedback: FeedbackEvent) -> FeedbackEvent {
    if !feedback.withdrawn {
        return feedback;
    }
    // What an event says beside "withdrawn" is not to be kept; and whoever takes something back seldom says of whom it
    // spoke: the brand decides in which order the store learns of it.
    feedback.withdraw();
    if let Some(contribution) = before.and_then(|before| before.contribution.as_ref()) {
        feedback.brand.clone_from(&contribution.brand);
    }
    feedback
}

/// What `enriched` contributes, and the rules it or, as `met`, the revisions before it met.
fn counted(enriched: &Enriched, met: &[String]) -> Counted {
    let feedback = &enriched.feedback;
    let mut rules = met.to_vec();
    for hit in &enriched.rules {
        if !rules.contains(&hit.rule) {
            rules.push(hit.rule.clone());
        }
    }
    Counted {
        id: feedback.id.clone(),
        revision: feedback.revision,
        contribution: feedback.is_counted().then(|| enriched.contribution()),
        rules,
        counted_at: enriched.enriched_at,
    }
}

/// What `analyzer` understands of `feedback` by itself: without `terms`, which its brand's stream tells.
pub fn enrich(analyzer: &Analyzer, feedback: FeedbackEvent, now: Timestamp) -> Enriched {
    understand(analyzer, feedback, now).0
}

/// What [`enrich`] gives, and the words of the text.
fn understand(analyzer: &Analyzer, feedback: FeedbackEvent, now: Timestamp) -> (Enriched, Words) {
    let context = Context {
        channel: Some(feedback.channel.name()),
        brand: Some(&feedback.brand),
        reach: feedback.reach.as_ref().map(Reach::reactions),
    };
    let (analysis, words) = analyzer.analyze_with_words(&feedback.text, &context);
    let story = story(&feedback.text, analysis.simhash);
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
    let enriched = Enriched {
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
        terms: Vec::new(),
        rules,
        story,
        model_version: analysis.model_version.to_string(),
        urgency: analysis.urgency.level(),
        emotion: analysis
            .emotion
            .map(|emotion| emotion.label.as_str().to_owned()),
        stage: analysis.stage.map(|stage| stage.as_str().to_owned()),
        rules_version: analyzer.rules().version().to_string(),
        feedback,
        enriched_at: now,
        replaces: None,
    };
    (enriched, words)
}

/// The story of a text; none where it is so short that different people write the same.
fn story(text: &str, fingerprint: SimHash) -> String {
    let long = text.chars().filter(|c| c.is_alphanumeric()).count() >= STORY_CHARS;
    if long && !fingerprint.is_empty() {
        fingerprint.to_string()
    } else {
        String::new()
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
mod tests;
