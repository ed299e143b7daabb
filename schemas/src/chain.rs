//! Each line of an alert's timeline carries the hash of the one before, so that no line can be changed, left out or put in
//! without the chain telling.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{AlertId, TimelineEntry, TimelineEvent};

/// How far an alert's chain goes, and the hash of its last line: whoever has this can prove all lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainHead {
    /// Lines so far.
    pub lines: u64,
    /// The hash of the last line; empty before the first.
    pub hash: String,
}

impl ChainHead {
    /// Whether there is no line yet.
    pub const fn is_empty(&self) -> bool {
        self.lines == 0
    }
}

/// A line of an alert's timeline with its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineRecord {
    /// Of which alert.
    pub alert: AlertId,
    /// The alert's brand: decides the partition.
    pub brand: String,
    /// From 1, without gaps.
    pub number: u64,
    /// What happened.
    #[serde(flatten)]
    pub entry: TimelineEntry,
    /// Part of a drill.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    /// The digest of what people put into words in it: SHA-256, in lower-case hex, of the JSON array
    /// `[command, note, reason]`. With it the words can be erased and the rest is still proved; the command's id, which nobody
    /// can guess, keeps the words from being guessed. Absent where there are no words, and in lines of before there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// Its words were erased: see the line [`erased`](crate::TimelineEvent::Erased) that says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
    /// The hash of the line before; empty for the first.
    pub previous: String,
    /// The hash of this line: SHA-256, in lower-case hex, of the JSON array
    /// `[alert, brand, number, drill, previous, entry]`; with `words`, the entry stands in it without command, note and reason,
    /// and the digest follows it.
    pub hash: String,
}

impl TimelineRecord {
    /// The next line of the chain that ends with `head`, which then ends with it.
    pub fn append(
        alert: &AlertId,
        brand: &str,
        drill: bool,
        head: &mut ChainHead,
        entry: TimelineEntry,
    ) -> Self {
        let words = entry.clone().take_words().map(|words| digest(&words));
        let mut record = Self {
            alert: alert.clone(),
            brand: brand.to_owned(),
            number: head.lines + 1,
            entry,
            drill,
            words,
            erased: false,
            previous: head.hash.clone(),
            hash: String::new(),
        };
        record.hash = record.computed_hash();
        head.lines = record.number;
        head.hash.clone_from(&record.hash);
        record
    }

    /// Takes what people put into words out of it, and tells it: command, note and reason. `None` where there is nothing.
    pub fn erase(&mut self) -> Option<[String; 3]> {
        let words = self.entry.take_words()?;
        self.erased = true;
        Some(words)
    }

    /// The hash that its content has.
    pub fn computed_hash(&self) -> String {
        let Self {
            alert,
            brand,
            number,
            entry,
            drill,
            words,
            previous,
            ..
        } = self;
        match words {
            None => digest(&(alert, brand, number, drill, previous, entry)),
            Some(words) => {
                let mut entry = entry.clone();
                entry.take_words();
                digest(&(alert, brand, number, drill, previous, &entry, words))
            }
        }
    }

    /// Whether it is as it was written, as far as that can be said of itself. A line without a digest whose words were erased
    /// is held by the line after it alone.
    fn is_whole(&self) -> bool {
        let words = self.entry.clone().take_words();
        match (&self.words, words) {
            (None, words) if self.erased => words.is_none(),
            (Some(_), None) if self.erased => self.hash == self.computed_hash(),
            (Some(was), Some(words)) if !self.erased => {
                *was == digest(&words) && self.hash == self.computed_hash()
            }
            (None, _) => self.hash == self.computed_hash(),
            _ => false,
        }
    }
}

/// SHA-256 of the JSON of `content`, in lower-case hex. As when records are encoded: contract types always have a form in JSON.
fn digest(content: &impl Serialize) -> String {
    let content = serde_json::to_vec(content).unwrap_or_default();
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(&content) {
        for half in [byte >> 4, byte & 15] {
            hex.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
    }
    hex
}

/// What is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// A line is not the one that follows.
    #[error("line {expected} is missing: line {found} stands in its place")]
    Missing {
        /// The number that should come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// A line belongs to another alert.
    #[error("line {number} belongs to another alert")]
    Foreign {
        /// Which line.
        number: u64,
    },
    /// A line does not carry the hash of the one before.
    #[error("line {number} does not follow from the line before it")]
    Unlinked {
        /// Which line.
        number: u64,
    },
    /// A line's content is not what its hash was made of.
    #[error("line {number} was changed: its hash does not fit its content")]
    Changed {
        /// Which line.
        number: u64,
    },
    /// A line's words are gone, and no later line says that they were erased.
    #[error("the words of line {number} are gone, and no later line says that they were erased")]
    Emptied {
        /// Which line.
        number: u64,
    },
    /// The chain does not end where the alert says.
    #[error(
        "the chain has {found} lines where the alert tells of {expected}, or its last line is not the alert's"
    )]
    Cut {
        /// Lines that the alert tells of.
        expected: u64,
        /// Lines found.
        found: u64,
    },
}

/// Checks all lines of one alert, in order, against the head that its record carries. The number of lines proved. Lines whose
/// words were erased are proved without them, where a later line says that they were.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify_chain(
    alert: &AlertId,
    head: &ChainHead,
    lines: &[TimelineRecord],
) -> Result<u64, ChainFault> {
    let mut before = ChainHead::default();
    let mut emptied = BTreeSet::new();
    for line in lines {
        let number = line.number;
        if number != before.lines + 1 {
            return Err(ChainFault::Missing {
                expected: before.lines + 1,
                found: number,
            });
        }
        if line.alert != *alert {
            return Err(ChainFault::Foreign { number });
        }
        if line.previous != before.hash {
            return Err(ChainFault::Unlinked { number });
        }
        if !line.is_whole() {
            return Err(ChainFault::Changed { number });
        }
        if line.erased {
            emptied.insert(number);
        }
        if let TimelineEvent::Erased { lines, .. } = &line.entry.event {
            emptied.retain(|number| !lines.contains(number));
        }
        before.lines = number;
        before.hash.clone_from(&line.hash);
    }
    if before != *head {
        return Err(ChainFault::Cut {
            expected: head.lines,
            found: before.lines,
        });
    }
    if let Some(number) = emptied.first() {
        return Err(ChainFault::Emptied { number: *number });
    }
    Ok(before.lines)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::Actor;

    fn chain(lines: u32) -> (AlertId, ChainHead, Vec<TimelineRecord>) {
        let id = AlertId::of("青柚茶饮", "price", "s1");
        let mut head = ChainHead::default();
        let records = (0..lines)
            .map(|n| {
                let entry = TimelineEntry {
                    at: Timestamp::UNIX_EPOCH,
                    actor: Actor("林值班".to_owned()),
                    event: TimelineEvent::Noted,
                    note: format!("第 {n} 条"),
                    command: None,
                };
                TimelineRecord::append(&id, "青柚茶饮", false, &mut head, entry)
            })
            .collect();
        (id, head, records)
    }

    #[test]
    fn a_chain_that_nobody_touched_is_proved_and_every_tampering_is_told() {
        let (id, head, whole) = chain(4);
        assert_eq!(verify_chain(&id, &head, &whole), Ok(4));
        let mut changed = whole.clone();
        changed[1].entry.note = "改过的".to_owned();
        assert_eq!(
            verify_chain(&id, &head, &changed),
            Err(ChainFault::Changed { number: 2 })
        );
        let words = changed[1].entry.clone().take_words();
        changed[1].words = words.map(|words| digest(&words));
        changed[1].hash = changed[1].computed_hash();
        assert_eq!(
            verify_chain(&id, &head, &changed),
            Err(ChainFault::Unlinked { number: 3 })
        );
        let mut without = whole.clone();
        without.remove(2);
        assert_eq!(
            verify_chain(&id, &head, &without),
            Err(ChainFault::Missing {
                expected: 3,
                found: 4
            })
        );
        assert_eq!(
            verify_chain(&id, &head, &whole[..3]),
            Err(ChainFault::Cut {
                expected: 4,
                found: 3
            })
        );
        let mut foreign = whole;
        foreign[0].alert = AlertId::of("青柚茶饮", "price", "s2");
        assert_eq!(
            verify_chain(&id, &head, &foreign),
            Err(ChainFault::Foreign { number: 1 })
        );
    }

    #[test]
    fn the_hash_outlives_a_trip_through_json() {
        let (_, _, records) = chain(1);
        let json = serde_json::to_string(&records[0]).unwrap();
        let read: TimelineRecord = serde_json::from_str(&json).unwrap();
        assert_eq!(read.computed_hash(), read.hash);
    }

    fn say_erased(id: &AlertId, head: &mut ChainHead, lines: Vec<u64>) -> TimelineRecord {
        let entry = TimelineEntry {
            at: Timestamp::UNIX_EPOCH,
            actor: Actor("数据保护官".to_owned()),
            event: TimelineEvent::Erased { samples: 1, lines },
            note: String::new(),
            command: None,
        };
        TimelineRecord::append(id, "青柚茶饮", false, head, entry)
    }

    #[test]
    fn erased_words_leave_a_chain_that_is_proved_where_it_says_so() {
        let (id, mut head, mut lines) = chain(3);
        assert!(lines[1].words.is_some());
        let words = lines[1].erase().unwrap();
        assert_eq!(words, ["", "第 1 条", ""].map(str::to_owned));
        assert_eq!(lines[1].erase(), None, "there is nothing more in it");
        assert_eq!(
            verify_chain(&id, &head, &lines),
            Err(ChainFault::Emptied { number: 2 })
        );
        let line = say_erased(&id, &mut head, vec![2]);
        lines.push(line);
        assert_eq!(verify_chain(&id, &head, &lines), Ok(4));
        // What is left of the line is proved as before, and no words can be put into it.
        let mut changed = lines.clone();
        changed[1].entry.actor = Actor("别人".to_owned());
        assert_eq!(
            verify_chain(&id, &head, &changed),
            Err(ChainFault::Changed { number: 2 })
        );
        let mut changed = lines.clone();
        changed[1].entry.note = "别的话".to_owned();
        assert_eq!(
            verify_chain(&id, &head, &changed),
            Err(ChainFault::Changed { number: 2 })
        );
        let mut changed = lines;
        changed[0].entry.note = "别的话".to_owned();
        assert_eq!(
            verify_chain(&id, &head, &changed),
            Err(ChainFault::Changed { number: 1 })
        );
    }

    /// Lines of before there was a digest: their hash holds the words themselves.
    #[test]
    fn words_of_earlier_lines_can_be_erased_as_well() {
        let id = AlertId::of("青柚茶饮", "price", "s1");
        let mut head = ChainHead::default();
        let mut lines = Vec::new();
        for note in ["王女士来过电话", "", "已回访"] {
            let entry = TimelineEntry {
                at: Timestamp::UNIX_EPOCH,
                actor: Actor("林值班".to_owned()),
                event: TimelineEvent::Noted,
                note: note.to_owned(),
                command: Some("c".to_owned()),
            };
            let mut line = TimelineRecord::append(&id, "青柚茶饮", false, &mut head, entry);
            line.words = None;
            line.hash = line.computed_hash();
            head.hash.clone_from(&line.hash);
            lines.push(line);
        }
        assert_eq!(verify_chain(&id, &head, &lines), Ok(3));
        lines[0].erase().unwrap();
        assert!(verify_chain(&id, &head, &lines).is_err());
        let line = say_erased(&id, &mut head, vec![1]);
        lines.push(line);
        assert_eq!(verify_chain(&id, &head, &lines), Ok(4));
        lines[0].hash = "0".repeat(64);
        assert_eq!(
            verify_chain(&id, &head, &lines),
            Err(ChainFault::Unlinked { number: 2 })
        );
    }
}
