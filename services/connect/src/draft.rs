//! A draft becomes an event only when every field of it is in range; otherwise the reason says what was wrong and what
//! to do.
//!
//! Every connector fills drafts with text as its source wrote it; what is a time, a score or a count is decided here,
//! once, for all of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use wensheng_schemas::{Author, Channel, EventId, FeedbackEvent, Provenance, Reach, Scores};

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
            brand: Some(brand.trim().to_owned()),
            channel,
            channel_names: BTreeMap::new(),
            times: TimeReader::new(TimeFormat::Auto, "Asia/Shanghai")?,
            pseudonyms: Pseudonyms::new(shared.pseudonym_key.expose()),
            max_text_bytes: shared.max_text_bytes,
        })
    }
}

/// Where a draft was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) place: &'a str,
    pub(crate) line: Option<u64>,
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
        if event.text.is_empty() && event.scores.is_empty() && !event.withdrawn {
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
        let brand = self
            .text_of(Field::Brand)
            .or(rules.brand.as_deref())
            .ok_or("brand is missing; fill it in, or set `brand` for this source")?;
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
            brand: brand.to_owned(),
            product: self.owned(Field::Product),
            store: self.owned(Field::Store),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> DraftRules {
        DraftRules {
            source: "s".to_owned(),
            connector: "files",
            brand: Some("鹿汀茶饮".to_owned()),
            channel: Channel::Survey,
            channel_names: BTreeMap::from([("电话".to_owned(), Channel::Hotline)]),
            times: TimeReader::new(TimeFormat::Auto, "Asia/Shanghai").unwrap(),
            pseudonyms: Pseudonyms::new("0123456789abcdef"),
            max_text_bytes: 100,
        }
    }

    fn event(fields: &[(Field, &str)]) -> Result<FeedbackEvent, String> {
        let mut draft = Draft::default();
        for (field, value) in fields {
            draft.set(*field, *value);
        }
        let place = Place {
            place: "f.csv",
            line: Some(2),
        };
        let now = "2026-03-01T00:00:00Z".parse().unwrap();
        draft.into_event(&rules(), place, now, || "fallback".to_owned())
    }

    #[test]
    fn constants_stand_in_for_what_the_source_leaves_out() {
        let event = event(&[(Field::Text, "不错")]).unwrap();
        assert_eq!(event.brand, "鹿汀茶饮");
        assert_eq!(event.channel, Channel::Survey);
        assert_eq!(event.native_id, "fallback");
        assert_eq!(event.id, EventId::of("s", "fallback"));
        assert_eq!(event.occurred_at, event.observed_at);
        assert_eq!(event.author, None);
        assert_eq!(event.reach, None);
    }

    #[test]
    fn a_score_without_words_is_an_answer_and_words_without_anything_are_not() {
        let answer = event(&[(Field::Text, "  "), (Field::Nps, "0")]).unwrap();
        assert_eq!(answer.text, "");
        assert_eq!(answer.scores.nps, Some(0));
        let refused = event(&[(Field::Text, " \n")]).unwrap_err();
        assert!(refused.contains("text is empty"), "{refused}");
    }

    #[test]
    fn scores_out_of_range_are_refused_by_name() {
        for (field, good, bad) in [
            (Field::Nps, "10.0", "11"),
            (Field::Csat, "1", "0"),
            (Field::Ces, "7", "8"),
            (Field::Csat, "5", "4.5"),
            (Field::Nps, "3", "-1"),
            (Field::Nps, "3", "十"),
        ] {
            assert!(event(&[(field, good)]).is_ok(), "{field:?} {good}");
            let refused = event(&[(field, bad), (Field::Text, "x")]).unwrap_err();
            assert!(refused.starts_with(field.name()), "{refused}");
        }
    }

    #[test]
    fn a_revision_needs_the_id_that_it_revises_and_a_withdrawal_a_revision() {
        let id = (Field::Id, "7");
        let revised = event(&[id, (Field::Text, "改了"), (Field::Revision, "2")]).unwrap();
        assert_eq!((revised.revision, revised.withdrawn), (2, false));
        let nameless = event(&[(Field::Text, "改了"), (Field::Revision, "2")]).unwrap_err();
        assert!(nameless.contains("no id"), "{nameless}");
        let gone = [
            id,
            (Field::Revision, "3"),
            (Field::Withdrawn, "true"),
            (Field::Text, "我叫什么"),
            (Field::Author, "u1"),
        ];
        let gone = event(&gone).unwrap();
        assert!(gone.withdrawn);
        assert_eq!((gone.text.as_str(), gone.author), ("", None));
        let first = event(&[id, (Field::Withdrawn, "是")]).unwrap_err();
        assert!(first.contains("higher revision"), "{first}");
    }

    #[test]
    fn counts_are_read_as_platforms_write_them() {
        for (written, count) in [
            ("12", Some(12)),
            ("1,234", Some(1234)),
            ("1.2万", Some(12_000)),
            ("3.33w", Some(33_300)),
            ("1亿", Some(100_000_000)),
            ("1.5", None),
            ("-3", None),
            ("many", None),
            ("", None),
            ("万", None),
            ("9007199254740993", Some(9_007_199_254_740_993)),
        ] {
            assert_eq!(parse_count(written), count, "{written:?}");
        }
    }

    #[test]
    fn an_author_is_never_kept_in_the_clear() {
        let event = event(&[
            (Field::Text, "x"),
            (Field::Author, "13800138000"),
            (Field::Followers, "2.5万"),
        ])
        .unwrap();
        let author = event.author.unwrap();
        assert_eq!(author.followers, Some(25_000));
        assert!(!author.key.contains("138"));
    }

    #[test]
    fn channels_go_by_their_own_names_and_the_configured_ones() {
        let channel =
            |name| event(&[(Field::Text, "x"), (Field::Channel, name)]).map(|e| e.channel);
        assert_eq!(channel("weibo"), Ok(Channel::Weibo));
        assert_eq!(channel("电话"), Ok(Channel::Hotline));
        assert!(channel("fax").unwrap_err().contains("channel_names"));
    }

    #[test]
    fn times_that_cannot_be_are_refused() {
        let at = |written| {
            event(&[(Field::Text, "x"), (Field::OccurredAt, written)]).map(|e| e.occurred_at)
        };
        assert_eq!(
            at("2026-02-28 08:00:00"),
            Ok("2026-02-28T00:00:00Z".parse().unwrap())
        );
        for written in ["昨天", "2026-03-03 00:00:00", "1970-01-02 00:00:00"] {
            assert!(at(written).is_err(), "{written}");
        }
    }

    #[test]
    fn an_over_long_field_is_refused_and_a_null_character_is_dropped() {
        let refused = event(&[(Field::Text, &"长".repeat(34))]).unwrap_err();
        assert!(refused.contains("max_text_bytes"), "{refused}");
        assert_eq!(event(&[(Field::Text, "a\0b")]).unwrap().text, "ab");
    }
}
