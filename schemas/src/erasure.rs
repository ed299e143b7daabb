//! What of a record belongs to one person, and the record without it: one rule for the log and for the store.
//!
//! Pieces of feedback and samples of them are told by the author's key and by event ids, exactly. What people wrote about
//! somebody (notes, reasons, statements) has no key: it is told by identifiers that whoever erases gives, and by the lines of
//! timelines that a person chose.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::{AhoCorasick, BuildError};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    AlertId, Correction, Counted, DeadLetter, Enriched, EventId, FeedbackEvent, Sentiment,
    SentimentLabel, TimelineRecord, Topic, derived_id,
};

/// What stands in the place of a text that is shown to say something, where an empty one would say nothing.
pub const ERASED: &str = "erased";

/// Fields that hold what people put into words, wherever they stand in a record.
const WORDS: [&str; 5] = ["note", "reason", "text", "answer", "last_answer"];

/// A line of an alert's timeline.
pub type LineId = (AlertId, u64);

/// One person who is to be erased.
#[derive(Debug)]
pub struct Erasure {
    author: String,
    events: BTreeSet<EventId>,
    identifiers: Vec<String>,
    lines: BTreeSet<LineId>,
    /// Notes and reasons of the lines that are erased, by alert: its records carry copies of them.
    words: BTreeMap<AlertId, BTreeSet<String>>,
    /// The commands that brought them.
    commands: BTreeSet<String>,
    finder: AhoCorasick,
}

/// A record without what belonged to the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Its value.
    pub value: Vec<u8>,
    /// Samples of feedback that were taken out.
    pub samples: u32,
    /// Texts that were emptied.
    pub words: u32,
}

impl Erasure {
    /// The person with the author key `author`, who gave the feedback `events`. `identifiers` are names, numbers and the like
    /// by which notes speak of the person; `lines` were chosen by hand.
    ///
    /// # Errors
    /// When there are more than can be looked for at once.
    pub fn new(
        author: &str,
        events: BTreeSet<EventId>,
        identifiers: Vec<String>,
        lines: BTreeSet<LineId>,
    ) -> Result<Self, BuildError> {
        let mut erasure = Self {
            author: author.to_owned(),
            events,
            identifiers,
            lines,
            words: BTreeMap::new(),
            commands: BTreeSet::new(),
            finder: AhoCorasick::new([author])?,
        };
        erasure.prepare()?;
        Ok(erasure)
    }

    fn prepare(&mut self) -> Result<(), BuildError> {
        let alerts = self.lines.iter().map(|(alert, _)| alert.as_str());
        let needles: Vec<String> = [self.author.as_str()]
            .into_iter()
            .chain(self.events.iter().map(EventId::as_str))
            .chain(alerts)
            .chain(self.identifiers.iter().map(String::as_str))
            .filter(|needle| !needle.is_empty())
            .map(in_json)
            .collect();
        self.finder = AhoCorasick::new(needles)?;
        Ok(())
    }

    /// Whether the words of a line are to go: it was chosen, or names the person.
    pub fn takes(&self, line: &TimelineRecord) -> bool {
        let words = line.entry.clone().take_words();
        words.is_some_and(|[_, note, reason]| {
            self.lines.contains(&(line.alert.clone(), line.number))
                || self.names(&note)
                || self.names(&reason)
        })
    }

    /// Takes up lines that go: what alerts, notifications and commands carry of their words goes with them.
    ///
    /// # Errors
    /// When there are more than can be looked for at once.
    pub fn take_up<'a>(
        &mut self,
        lines: impl IntoIterator<Item = &'a TimelineRecord>,
    ) -> Result<(), BuildError> {
        for line in lines {
            self.lines.insert((line.alert.clone(), line.number));
            if let Some([command, note, reason]) = line.entry.clone().take_words() {
                let words = [note, reason].into_iter().filter(|text| !text.is_empty());
                self.words
                    .entry(line.alert.clone())
                    .or_default()
                    .extend(words);
                self.commands.insert(command);
            }
        }
        self.commands.remove("");
        self.prepare()
    }

    /// The person's key.
    pub fn author(&self) -> &str {
        &self.author
    }

    /// The feedback of the person.
    pub const fn events(&self) -> &BTreeSet<EventId> {
        &self.events
    }

    /// The lines whose words go.
    pub const fn lines(&self) -> &BTreeSet<LineId> {
        &self.lines
    }

    /// Whether a text of the audit trail tells of the person, or carries the words of a line that goes.
    pub fn is_told(&self, detail: &str) -> bool {
        let quotes = |parts: &BTreeSet<String>| parts.iter().any(|part| detail.contains(part));
        self.names(detail) || quotes(&self.commands)
    }

    /// The record without what belongs to the person; `None` where nothing in it does. `passed`: whoever counts from the
    /// record has read it, so that nothing of what it counts is needed any more.
    pub fn cut(&self, topic: Topic, value: &[u8], passed: bool) -> Option<Cut> {
        if !self.finder.is_match(value) {
            return None;
        }
        match topic {
            Topic::Feedback => self.typed(value, |feedback: &mut FeedbackEvent| {
                self.is_of(feedback).then(|| feedback.withdraw()).is_some()
            }),
            Topic::Enriched => self.typed(value, |piece: &mut Enriched| {
                if self.is_of(&piece.feedback) {
                    match passed {
                        true => piece.withdraw(),
                        false => piece.forget_person(),
                    }
                }
            }),
            Topic::Contributions => self.typed(value, |counted: &mut Counted| {
                if let (true, Some(contribution)) =
                    (self.events.contains(&counted.id), &mut counted.contribution)
                {
                    contribution.author = None;
                }
            }),
            Topic::Timeline => self.typed(value, |line: &mut TimelineRecord| {
                if self.takes(line) {
                    line.erase();
                }
            }),
            Topic::Corrections => self.typed(value, |correction: &mut Correction| {
                if self.events.contains(&correction.feedback) || self.names(&correction.note) {
                    correction.note.clear();
                }
            }),
            Topic::DeadLetters => self.typed(value, |letter: &mut DeadLetter| {
                if self.concerns(letter) {
                    letter.key.clear();
                    ERASED.clone_into(&mut letter.reason);
                    letter.payload = None;
                    letter.payload_base64 = None;
                }
            }),
            Topic::DetectorState
            | Topic::Signals
            | Topic::Commands
            | Topic::Alerts
            | Topic::Notifications
            | Topic::Deliveries => self.walked(topic, value),
            // Counts, and how sources fare. What cursors hold of calls is forgotten by their readers.
            Topic::Aggregates
            | Topic::Windows
            | Topic::Cursors
            | Topic::Sources
            | Topic::Rhythms => None,
        }
    }

    fn is_of(&self, feedback: &FeedbackEvent) -> bool {
        let author = feedback.author.as_ref();
        self.events.contains(&feedback.id) || author.is_some_and(|by| by.key == self.author)
    }

    /// Whether a dead letter tells of the person.
    pub fn concerns(&self, letter: &DeadLetter) -> bool {
        [
            Some(&letter.key),
            Some(&letter.reason),
            letter.payload.as_ref(),
        ]
        .into_iter()
        .flatten()
        .any(|text| {
            let mut events = self.events.iter();
            self.names(text)
                || text.contains(&self.author)
                || events.any(|event| text.contains(event.as_str()))
        })
    }

    /// Whether a text names the person.
    fn names(&self, text: &str) -> bool {
        let mut identifiers = self.identifiers.iter();
        identifiers.any(|identifier| !identifier.is_empty() && text.contains(identifier.as_str()))
    }

    fn typed<T: Serialize + DeserializeOwned + PartialEq + Clone, R>(
        &self,
        value: &[u8],
        change: impl FnOnce(&mut T) -> R,
    ) -> Option<Cut> {
        let before: T = serde_json::from_slice(value).ok()?;
        let mut after = before.clone();
        change(&mut after);
        if after == before {
            return None;
        }
        Some(Cut {
            value: serde_json::to_vec(&after).ok()?,
            samples: 0,
            words: 0,
        })
    }

    fn walked(&self, topic: Topic, value: &[u8]) -> Option<Cut> {
        let text = std::str::from_utf8(value).ok()?;
        let mut record: Value = serde_json::from_str(text).ok()?;
        let of_alert = self
            .words
            .iter()
            .filter(|(id, _)| text.contains(id.as_str()));
        let mut walk = Walk {
            erasure: self,
            words: of_alert.flat_map(|(_, words)| words).collect(),
            samples: 0,
            emptied: 0,
        };
        walk.through(&mut record);
        let Walk {
            samples, emptied, ..
        } = walk;
        if samples + emptied == 0 {
            return None;
        }
        // The id of a command keeps its words from being guessed: see `TimelineRecord::words`.
        if let (Topic::Commands, Some(id)) = (topic, record.get_mut("id")) {
            *id = Value::from(derived_id(&[ERASED, id.as_str().unwrap_or_default()]));
        }
        Some(Cut {
            value: serde_json::to_vec(&record).ok()?,
            samples,
            words: emptied,
        })
    }

    fn is_sample(&self, item: &Value) -> bool {
        let Some(fields) = item.as_object().filter(|fields| is_sample(fields)) else {
            return false;
        };
        let event = fields.get("event").and_then(Value::as_str);
        let author = item.pointer("/author/key").and_then(Value::as_str);
        author == Some(&self.author)
            || event.is_some_and(|event| self.events.contains(&EventId::from(event.to_owned())))
    }
}

/// Goes through a record, whatever its type.
struct Walk<'a> {
    erasure: &'a Erasure,
    /// Words of lines that go, of the record's alert.
    words: BTreeSet<&'a String>,
    samples: u32,
    emptied: u32,
}

impl Walk<'_> {
    fn through(&mut self, value: &mut Value) {
        match value {
            Value::Array(items) => {
                let before = items.len();
                items.retain(|item| !self.erasure.is_sample(item));
                self.samples += (before - items.len()) as u32;
                for item in items {
                    self.through(item);
                }
            }
            Value::Object(fields) => {
                let before = self.emptied;
                // A sample that stays is somebody else's.
                let sample = is_sample(fields);
                for (name, field) in fields.iter_mut() {
                    match field {
                        Value::String(text) => {
                            let written = WORDS.contains(&name.as_str()) && !sample;
                            if written && (self.words.contains(text) || self.erasure.names(text)) {
                                text.clear();
                                self.emptied += 1;
                            }
                        }
                        _ => self.through(field),
                    }
                }
                if self.emptied > before {
                    fields.remove("command");
                }
            }
            _ => {}
        }
    }
}

/// Whether it is a [`Sample`](crate::Sample).
fn is_sample(fields: &serde_json::Map<String, Value>) -> bool {
    ["event", "channel", "label"]
        .iter()
        .all(|name| fields.contains_key(*name))
}

/// A text as it stands within a string of JSON.
fn in_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

impl Enriched {
    /// Makes it the row of a piece that was taken back: nothing that was said or understood stays in it.
    pub fn withdraw(&mut self) {
        self.forget_person();
        self.feedback.withdraw();
        self.sentiment = Sentiment {
            label: SentimentLabel::Neutral,
            score: 0.0,
            confidence: 0.0,
            spans: Vec::new(),
        };
        self.topics.clear();
        self.intents.clear();
        self.urgency = 0;
        self.emotion = None;
        self.stage = None;
        self.keywords.clear();
        self.terms.clear();
        self.rules.clear();
        self.replaces = None;
    }

    /// Takes out who spoke and what was said, and leaves what is counted: of a piece that somebody has yet to count.
    fn forget_person(&mut self) {
        let counted = self.feedback.clone();
        self.feedback.withdraw();
        self.feedback.withdrawn = counted.withdrawn;
        self.feedback.scores = counted.scores;
        self.feedback.ratings = counted.ratings;
        self.sentiment.spans.clear();
        self.aspects.clear();
        self.story.clear();
        for hit in &mut self.rules {
            hit.terms.clear();
        }
        if let Some(before) = &mut self.replaces {
            before.author = None;
        }
    }
}
