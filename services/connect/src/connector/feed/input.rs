//! Asks for what changed, and takes in the entries that were not there before.

use std::collections::BTreeSet;

use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::config::FeedConfig;
use super::{Entry, json, xml};
use crate::draft::{Draft, DraftRules, Place};
use crate::field::Field;
use crate::html;
use crate::pull::{Answer, Next, PullConnector, Request, Trouble, Validators};
use crate::staging::Staging;

/// Entries remembered of a feed. Most feeds have 20 to 100; what is forgotten is taken in again, with the same id.
const MAX_REMEMBERED: usize = 1_000;

/// How a feed looked last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    #[serde(flatten)]
    seen: Validators,
    /// Hashes of the entries that it had.
    #[serde(default)]
    entries: BTreeSet<u64>,
}

/// Feeds.
pub(super) struct Feed {
    config: FeedConfig,
    rules: DraftRules,
}

impl Feed {
    pub(super) fn new(config: FeedConfig, rules: DraftRules) -> Self {
        Self { config, rules }
    }

    fn url(&self, stream: &str) -> Option<Url> {
        let urls = self.config.urls.iter();
        let mut urls = urls.filter_map(|url| Url::parse(url.expose()).ok());
        urls.find(|url| stream_of(url) == stream)
    }

    fn draft(&self, entry: &Entry) -> Draft<'static> {
        let mut draft = Draft::default();
        let id = if entry.id.trim().is_empty() {
            &entry.link
        } else {
            &entry.id
        };
        draft.set(Field::Id, id.trim().to_owned());
        draft.set(Field::Text, words(entry));
        draft.set(Field::Url, entry.link.trim().to_owned());
        let said = if entry.published.trim().is_empty() {
            &entry.updated
        } else {
            &entry.published
        };
        draft.set(Field::OccurredAt, said.trim().to_owned());
        if self.rules.pseudonyms.is_some() {
            draft.set(Field::Author, entry.author.trim().to_owned());
        }
        draft
    }

    /// An entry that changed bears the time of its change, where the feed tells it.
    fn revision(&self, entry: &Entry) -> u32 {
        let read = |written: &str| self.rules.times.read(written);
        match (read(&entry.published), read(&entry.updated)) {
            (Some(published), Some(updated)) if updated > published => {
                u32::try_from(updated.as_second()).unwrap_or_default()
            }
            _ => 0,
        }
    }
}

/// The title, and the content or else the summary; a title that only begins the content is not said twice.
fn words(entry: &Entry) -> String {
    let title = html::words(&entry.title);
    let content = html::words(&entry.content);
    let content = if content.is_empty() {
        html::words(&entry.summary)
    } else {
        content
    };
    let begun = title.trim_end_matches(['…', '.']);
    if content.is_empty() {
        title
    } else if title.is_empty() || content.starts_with(begun) {
        content
    } else {
        format!("{title}\n{content}")
    }
}

/// The feed's address without its query, which may hold a key, and a hash of the whole.
fn stream_of(url: &Url) -> String {
    let mut place = url.clone();
    place.set_query(None);
    format!("{place}#{:08x}", xxh3_64(url.as_str().as_bytes()) as u32)
}

fn hash_of(entry: &Entry) -> u64 {
    let parts = [
        &entry.id,
        &entry.link,
        &entry.title,
        &entry.content,
        &entry.summary,
        &entry.updated,
    ];
    xxh3_64(parts.map(String::as_str).join("\0").as_bytes())
}

impl PullConnector for Feed {
    type State = State;

    fn streams(&self) -> Vec<String> {
        let urls = self.config.urls.iter();
        urls.filter_map(|url| Some(stream_of(&Url::parse(url.expose()).ok()?)))
            .collect()
    }

    fn request(
        &self,
        stream: &str,
        state: &State,
        _token: &str,
        _now: Timestamp,
    ) -> Result<Option<Request>, Trouble> {
        let Some(url) = self.url(stream) else {
            return Ok(None);
        };
        state.seen.on(Request::get(url)).map(Some)
    }

    fn take(
        &self,
        stream: &str,
        state: &mut State,
        answer: &Answer,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<Next, Trouble> {
        if answer.status == StatusCode::NOT_MODIFIED {
            return Ok(Next::Through);
        }
        // Each feed has an address, and a secret, of its own.
        let judged = answer.judged().map_err(|trouble| match trouble {
            Trouble::Reauth(reason) => {
                Trouble::FatalConfig(format!("{reason}; check the address in `urls`"))
            }
            other => other,
        })?;
        let entries = entries(judged).map_err(|reason| {
            Trouble::Retry(format!(
                "{} is no feed that can be read: {reason}",
                answer.place
            ))
        })?;
        let mut present = BTreeSet::new();
        for entry in &entries {
            let hash = hash_of(entry);
            if present.len() < MAX_REMEMBERED {
                present.insert(hash);
            }
            if state.entries.contains(&hash) {
                continue;
            }
            let place = Place::of(&answer.place);
            let content = || format!("{hash:016x}");
            match self
                .draft(entry)
                .into_event(&self.rules, place, now, content)
            {
                Ok(mut event) => {
                    event.revision = self.revision(entry);
                    staging.event(event);
                }
                Err(reason) => {
                    let payload = format!("{}\n{}\n{}", entry.id, entry.link, words(entry));
                    staging.dead_letter(stream, None, &reason, payload.as_bytes(), now);
                }
            }
        }
        state.entries = present;
        state.seen = Validators::of(answer);
        Ok(Next::Through)
    }
}

/// The entries of a body, by its own beginning; UTF-8, or as the content type or the XML declaration says.
fn entries(answer: &Answer) -> Result<Vec<Entry>, String> {
    let body = answer.body.as_slice();
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'{') {
        return json::entries(body);
    }
    let label = answer
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once("charset="))
        .map(|(_, label)| label.trim_matches(['"', ' ']).to_owned())
        .or_else(|| declared(body));
    let encoding = label
        .and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes()))
        .unwrap_or(encoding_rs::UTF_8);
    let (text, _, _) = encoding.decode(body);
    xml::entries(&text)
}

/// The encoding in `<?xml version="1.0" encoding="GBK"?>`.
fn declared(body: &[u8]) -> Option<String> {
    let head = &body[..body.len().min(200)];
    let head = String::from_utf8_lossy(head);
    let (_, rest) = head.split_once("encoding=")?;
    let mut rest = rest.chars();
    let quote = rest.next()?;
    let (label, _) = rest.as_str().split_once(quote)?;
    Some(label.to_owned())
}

#[cfg(test)]
mod tests {
    use super::declared;

    #[test]
    fn an_encoding_is_read_between_its_quotes_whatever_these_are() {
        let told = |head: &[u8]| declared(head);
        assert_eq!(told(b"<?xml encoding=\"GBK\"?>").as_deref(), Some("GBK"));
        assert_eq!(told(b"<?xml encoding='GBK'?>").as_deref(), Some("GBK"));
        assert_eq!(told(b"<?xml encoding=\xffGBK\"?>"), None);
        assert_eq!(told(b"<?xml encoding="), None);
    }
}
