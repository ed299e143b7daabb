//! A draft becomes an event only when every field of it is in range; otherwise the reason says what was wrong and what
//! to do.
//!
//! Every connector fills drafts with text as its source wrote it; what is a time, a score or a count is decided here,
//! once, for all of them.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::{
    Author, Channel, EventId, FeedbackEvent, Provenance, Rating, Reach, Scores,
};

use crate::alias::{Aliases, Subject};
use crate::connector::Shared;
use crate::field::Field;
use crate::pseudonym::Pseudonyms;
use crate::time::{TimeFormat, TimeReader};

/// No field but the text may be longer (bytes). Larger would let one cell fill a record of the bus; smaller would cut
/// off web addresses with tracking parameters, which run to some 2,000.
pub(crate) const MAX_FIELD_BYTES: usize = 4_096;

/// No more attributes per event. A scraper's widest export has some 60 columns.
pub(crate) const MAX_ATTRIBUTES: usize = 64;

/// Clocks of sources may run this far ahead of ours; what lies further in the future is a wrong zone or format.
const MAX_AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// 1990-01-01T00:00:00Z. What lies before was never customer feedback: a zero, or seconds read as milliseconds.
const EARLIEST_SECOND: i64 = 631_152_000;

/// An event as its source wrote it.
#[derive(Debug, Default)]
pub(crate) struct Draft<'a> {
    values: [Option<Cow<'a, str>>; Field::ALL.len()],
    attributes: BTreeMap<String, String>,
    ratings: BTreeMap<String, Rating>,
}

/// What a source's drafts have in common.
#[derive(Debug)]
pub(crate) struct DraftRules {
    /// The source's configured name.
    pub(crate) source: String,
    /// The kind of connector.
    pub(crate) connector: &'static str,
    /// The brand of drafts that name none.
    pub(crate) brand: Option<String>,
    /// The channel of drafts that name none.
    pub(crate) channel: Channel,
    /// What the source calls the channels, beside their own names.
    pub(crate) channel_names: BTreeMap<String, Channel>,
    /// How the source writes times.
    pub(crate) times: TimeReader,
    /// How authors are hidden; without it, drafts with an author are refused.
    pub(crate) pseudonyms: Option<Pseudonyms>,
    /// No text may be longer (bytes).
    pub(crate) max_text_bytes: usize,
    /// What brands, products and shops are called.
    pub(crate) aliases: Option<Arc<Aliases>>,
}

impl DraftRules {
    /// The rules of a source that speaks for one brand on one channel, and writes times as epoch seconds or in China's
    /// time.
    pub(crate) fn of_platform(
        source: &str,
        connector: &'static str,
        brand: &str,
        channel: Channel,
        shared: &Shared,
    ) -> Result<Self, String> {
        Ok(Self {
            source: source.to_owned(),
            connector,
            brand: (!brand.trim().is_empty()).then(|| brand.trim().to_owned()),
            channel,
            channel_names: BTreeMap::new(),
            times: TimeReader::new(TimeFormat::Auto, "Asia/Shanghai")?,
            pseudonyms: Pseudonyms::new(shared.pseudonym_key.expose()),
            max_text_bytes: shared.max_text_bytes,
            aliases: shared.aliases.clone(),
        })
    }
}

/// Where a draft was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) place: &'a str,
    pub(crate) line: Option<u64>,
}

impl<'a> Place<'a> {
    /// All of a file, a push or an answer.
    pub(crate) fn of(place: &'a str) -> Self {
        Self { place, line: None }
    }
}

impl<'a> Draft<'a> {
    /// Fills a field. An empty value is no value; so is any but the text when it is blank.
    pub(crate) fn set(&mut self, field: Field, value: impl Into<Cow<'a, str>>) {
        let mut value: Cow<'a, str> = value.into();
        if value.contains('\0') {
            // Carries no meaning, and PostgreSQL refuses it in text.
            value = Cow::Owned(value.replace('\0', ""));
        }
        let value = match (field, value) {
            (Field::Text, value) => value,
            (_, Cow::Borrowed(text)) => Cow::Borrowed(text.trim()),
            (_, Cow::Owned(text)) if text.trim().len() == text.len() => Cow::Owned(text),
            (_, Cow::Owned(text)) => Cow::Owned(text.trim().to_owned()),
        };
        self.values[field as usize] = (!value.is_empty()).then_some(value);
    }

    /// Keeps a further field of the source as it was; an empty one is left out.
    pub(crate) fn attribute(&mut self, name: impl Into<String>, value: &str) {
        let value = value.trim();
        if !value.is_empty() {
            self.attributes.insert(name.into(), value.replace('\0', ""));
        }
    }

    /// Adds words behind those that are there.
    pub(crate) fn add_words(&mut self, words: &str) {
        let all = match self.text_of(Field::Text) {
            Some(text) if !text.trim().is_empty() => format!("{text}\n{words}"),
            _ => words.to_owned(),
        };
        self.set(Field::Text, all);
    }

    /// Keeps an answer on a scale of the source's own; how many there are now.
    pub(crate) fn rate(&mut self, asked: impl Into<String>, rating: Rating) -> usize {
        self.ratings.insert(asked.into(), rating);
        self.ratings.len()
    }

    /// Whether the field is filled.
    pub(crate) fn has(&self, field: Field) -> bool {
        self.text_of(field).is_some()
    }

    /// By what id its author goes.
    pub(crate) fn author_id(&self) -> Option<&str> {
        self.text_of(Field::Author)
    }

    fn text_of(&self, field: Field) -> Option<&str> {
        self.values[field as usize].as_deref()
    }

    fn owned(&self, field: Field) -> Option<String> {
        self.text_of(field).map(str::to_owned)
    }

    /// The event, or why there is none. `fallback_id` gives the native id where the source has none.
    pub(crate) fn into_event(
        self,
        rules: &DraftRules,
        place: Place<'_>,
        observed_at: Timestamp,
        fallback_id: impl FnOnce() -> String,
    ) -> Result<FeedbackEvent, String> {
        let event = self.into_shell(rules, place, observed_at, fallback_id)?;
        let says_nothing =
            event.text.is_empty() && event.scores.is_empty() && event.ratings.is_empty();
        if says_nothing && !event.withdrawn {
            return Err(
                "text is empty and there is no score; give a text, or map a score column"
                    .to_owned(),
            );
        }
        Ok(event)
    }

    /// The event, also when it says nothing yet: of a call, the words come later.
    pub(crate) fn into_shell(
        self,
        rules: &DraftRules,
        place: Place<'_>,
        observed_at: Timestamp,
        fallback_id: impl FnOnce() -> String,
    ) -> Result<FeedbackEvent, String> {
        self.check_lengths(rules.max_text_bytes)?;
        let scores = Scores {
            nps: self.score(Field::Nps, 0, 10)?,
            csat: self.score(Field::Csat, 1, 5)?,
            ces: self.score(Field::Ces, 1, 7)?,
        };
        let revision = self.revision()?;
        let withdrawn = self.withdrawn(revision)?;
        let text = self.text_of(Field::Text).unwrap_or_default();
        let text = if text.trim().is_empty() { "" } else { text };
        let stated = Subject {
            brand: self.owned(Field::Brand).or_else(|| rules.brand.clone()),
            product: self.owned(Field::Product),
            store: self.owned(Field::Store),
        };
        let subject = match &rules.aliases {
            Some(aliases) => aliases.subject(text, stated),
            None => stated,
        };
        let brand = subject.brand.ok_or(match &rules.aliases {
            Some(_) => "brand is missing, and the text has no name of connect.aliases; fill it in, or add how the brand is called",
            None => "brand is missing; fill it in, set `brand` for this source, or say in connect.aliases how brands are called",
        })?;
        let occurred_at = match self.text_of(Field::OccurredAt) {
            Some(written) => occurred_at(written, &rules.times, observed_at)?,
            None => observed_at,
        };
        let native_id = self.owned(Field::Id).unwrap_or_else(fallback_id);
        let mut event = FeedbackEvent {
            id: EventId::of(&rules.source, &native_id),
            revision,
            source: rules.source.clone(),
            channel: self.channel(rules)?,
            brand,
            product: subject.product,
            store: subject.store,
            region: self.owned(Field::Region),
            occurred_at,
            observed_at,
            text: text.to_owned(),
            author: self.author(rules)?,
            reach: self.reach()?,
            scores,
            url: self.owned(Field::Url),
            reply_to: self.owned(Field::ReplyTo),
            repost_of: self.owned(Field::RepostOf),
            call: None,
            provenance: Provenance {
                connector: rules.connector.to_owned(),
                place: Some(place.place.to_owned()),
                line: place.line,
            },
            drill: false,
            immutable: false,
            withdrawn,
            native_id,
            ratings: self.ratings,
            attributes: self.attributes,
        };
        if withdrawn {
            event.withdraw();
        }
        Ok(event)
    }

    fn check_lengths(&self, max_text_bytes: usize) -> Result<(), String> {
        for field in Field::ALL {
            let limit = match field {
                Field::Text => max_text_bytes,
                _ => MAX_FIELD_BYTES,
            };
            let length = self.text_of(field).map_or(0, str::len);
            if length > limit {
                return Err(format!(
                    "{} has {length} bytes, more than the {limit} allowed; shorten it{}",
                    field.name(),
                    if field == Field::Text {
                        " or raise connect.max_text_bytes"
                    } else {
                        ""
                    },
                ));
            }
        }
        if self.attributes.len() > MAX_ATTRIBUTES {
            return Err(format!(
                "there are {} attributes, more than the {MAX_ATTRIBUTES} allowed; keep fewer",
                self.attributes.len()
            ));
        }
        match self
            .attributes
            .iter()
            .find(|(name, value)| name.len() + value.len() > MAX_FIELD_BYTES)
        {
            Some((name, value)) => Err(format!(
                "attribute {} has {} bytes, more than the {MAX_FIELD_BYTES} allowed; shorten it",
                shorten(name),
                value.len()
            )),
            None => Ok(()),
        }
    }

    /// A whole number in `least..=most`; `9.0`, as spreadsheets write it, is 9.
    fn score(&self, field: Field, least: u8, most: u8) -> Result<Option<u8>, String> {
        let Some(written) = self.text_of(field) else {
            return Ok(None);
        };
        match parse_count(written) {
            Some(score) if (u64::from(least)..=u64::from(most)).contains(&score) => {
                Ok(u8::try_from(score).ok())
            }
            _ => Err(format!(
                "{} is {:?}, but must be a whole number from {least} to {most}",
                field.name(),
                shorten(written)
            )),
        }
    }

    fn revision(&self) -> Result<u32, String> {
        let revision = self.count(Field::Revision)?.unwrap_or_default();
        if revision > 0 && self.text_of(Field::Id).is_none() {
            return Err(
                "there is a revision, but no id; a revision replaces what has the same id"
                    .to_owned(),
            );
        }
        u32::try_from(revision).map_err(|_| {
            format!(
                "revision is {revision}, more than {}; number revisions from 0",
                u32::MAX
            )
        })
    }

    fn withdrawn(&self, revision: u32) -> Result<bool, String> {
        let Some(written) = self.text_of(Field::Withdrawn) else {
            return Ok(false);
        };
        match written.to_lowercase().as_str() {
            "true" | "1" | "yes" | "是" if revision == 0 => Err(
                "it is withdrawn at revision 0; give a higher revision than that of what it takes back"
                    .to_owned(),
            ),
            "true" | "1" | "yes" | "是" => Ok(true),
            "false" | "0" | "no" | "否" => Ok(false),
            _ => Err(format!(
                "withdrawn is {:?}, but must be true or false",
                shorten(written)
            )),
        }
    }

    fn count(&self, field: Field) -> Result<Option<u64>, String> {
        self.text_of(field)
            .map(|written| {
                parse_count(written).ok_or_else(|| {
                    format!(
                        "{} is {:?}, but must be a whole number, such as 1200 or 1.2万",
                        field.name(),
                        shorten(written)
                    )
                })
            })
            .transpose()
    }

    fn reach(&self) -> Result<Option<Reach>, String> {
        let counts = [
            self.count(Field::Likes)?,
            self.count(Field::Reposts)?,
            self.count(Field::Comments)?,
        ];
        if counts.iter().all(Option::is_none) {
            return Ok(None);
        }
        let [likes, reposts, comments] = counts.map(Option::unwrap_or_default);
        Ok(Some(Reach {
            likes,
            reposts,
            comments,
        }))
    }

    fn author(&self, rules: &DraftRules) -> Result<Option<Author>, String> {
        let followers = self.count(Field::Followers)?;
        let Some(id) = self.text_of(Field::Author) else {
            return Ok(None);
        };
        let pseudonyms = rules.pseudonyms.as_ref().ok_or(
            "there is an author, but connect.pseudonym_key is not set; set it, or leave the author out",
        )?;
        Ok(Some(Author {
            key: pseudonyms.of(&rules.source, id),
            followers,
        }))
    }

    fn channel(&self, rules: &DraftRules) -> Result<Channel, String> {
        let Some(name) = self.text_of(Field::Channel) else {
            return Ok(rules.channel);
        };
        rules
            .channel_names
            .get(name)
            .copied()
            .or_else(|| Channel::from_name(name))
            .ok_or_else(|| {
                let names = Channel::ALL.map(Channel::name).join(", ");
                format!(
                    "channel {:?} is not known; use one of {names}, or add it to `channel_names`",
                    shorten(name)
                )
            })
    }
}

fn occurred_at(
    written: &str,
    times: &TimeReader,
    observed_at: Timestamp,
) -> Result<Timestamp, String> {
    let at = times.read(written).ok_or_else(|| {
        format!(
            "occurred_at is {:?}, which is not {}; mend it, or set `time_format`",
            shorten(written),
            times.expects()
        )
    })?;
    check_time(at, observed_at)?;
    Ok(at)
}

/// Refuses a time that feedback cannot have.
pub(crate) fn check_time(at: Timestamp, observed_at: Timestamp) -> Result<(), String> {
    if at.duration_since(observed_at) > MAX_AHEAD {
        return Err(format!(
            "occurred_at {at} lies more than a day in the future; check `time_zone` and `time_format`"
        ));
    }
    if at.as_second() < EARLIEST_SECOND {
        return Err(format!(
            "occurred_at {at} lies before 1990; check `time_format`"
        ));
    }
    Ok(())
}

/// A count as people and platforms write it: `1200`, `1,200`, `12.0`, `1.2万`, `3亿`.
fn parse_count(written: &str) -> Option<u64> {
    let written = written.trim();
    if let Ok(count) = written.parse::<u64>() {
        return Some(count);
    }
    let (digits, unit) = if let Some(digits) = written.strip_suffix(['万', 'w', 'W']) {
        (digits, 1e4)
    } else if let Some(digits) = written.strip_suffix('亿') {
        (digits, 1e8)
    } else {
        (written, 1.0)
    };
    let digits = digits.replace(',', "");
    if !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let value = (digits.parse::<f64>().ok()? * unit * 1e6).round() / 1e6;
    (value.fract() == 0.0 && (0.0..9e15).contains(&value)).then_some(value as u64)
}

/// The head of a value, for a reason that people read.
pub(crate) fn shorten(value: &str) -> Cow<'_, str> {
    match value.char_indices().nth(40) {
        Some((end, _)) => Cow::Owned(format!("{}…", &value[..end])),
        None => Cow::Borrowed(value),
    }
}
