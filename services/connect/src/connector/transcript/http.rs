//! Transcripts are asked for over HTTP: an address that answers one or many, or one that lists where they lie. A document that
//! was read is not asked for again until what the list says of it changes.
//!
//! The cursor of the walk moves on only when the documents of a page are read; each is committed with the look at it, so that
//! a restart asks for the page again and reads what is left of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use reqwest::{StatusCode, Url};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::config::{Reader, Told};
use super::http_config::TranscriptHttpConfig;
use super::id_in_name;
use super::known::known_by;
use super::page::{DOCUMENT, HttpState, Listed, Memory, Page};
use crate::connector::http_pull::{SinceBy, State as Walk};
use crate::draft::Place;
use crate::hotline::{Calls, Side};
use crate::json_path::{JsonPath, code};
use crate::pull::{Answer, Class, Next, PullConnector, Request, Token, Trouble, Validators};
use crate::staging::Staging;

/// A source of transcripts that are asked for.
pub(super) struct CallHttp {
    name: String,
    config: TranscriptHttpConfig,
    reader: Reader,
    memory: Mutex<Memory>,
}

impl CallHttp {
    pub(super) fn new(name: &str, config: TranscriptHttpConfig, reader: Reader) -> Self {
        let memory = Memory {
            calls: reader.calls(),
            read: BTreeMap::new(),
            page: None,
            met: None,
            refused: None,
        };
        Self {
            name: name.to_owned(),
            config,
            reader,
            memory: Mutex::new(memory),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stages the calls of a document, or the document as a dead letter; false for that.
    fn document(
        &self,
        calls: &mut Calls,
        document: &[u8],
        told: Told<'_>,
        place: Place<'_>,
        now: Timestamp,
        staging: &mut Staging,
    ) -> bool {
        let rules = &self.reader.rules;
        let taken = self.reader.read(document, told).and_then(|parts| {
            if parts.is_empty() {
                staging.leave_out("no-words");
            }
            parts
                .into_iter()
                .try_for_each(|part| calls.take(part, rules, place, Side::Main, now, staging))
        });
        match taken {
            Ok(()) => true,
            Err(reason) => {
                staging.dead_letter(place.place, place.line, &reason, document, now);
                false
            }
        }
    }

    /// Stages the calls of a list, each for itself; whether any could be read.
    fn all(&self, items: &[&Value], page: &str, now: Timestamp, staging: &mut Staging) -> bool {
        let mut memory = self.memory();
        let mut any = items.is_empty();
        for (index, item) in items.iter().enumerate() {
            let place = Place {
                place: page,
                line: Some(index as u64 + 1),
            };
            let document = item.to_string();
            let told = Told::default();
            let calls = &mut memory.calls;
            any |= self.document(calls, document.as_bytes(), told, place, now, staging);
        }
        any
    }

    /// The document that an item of a list names.
    fn listed(&self, item: &Value, list: &Url) -> Result<Listed, Trouble> {
        let Some(document) = &self.config.document else {
            return Err(Trouble::FatalConfig(
                "`http.document` is not given".to_owned(),
            ));
        };
        let text = |path: &JsonPath| path.first(item).map(|value| code(value).into_owned());
        let written = text(&document.url).filter(|url| !url.is_empty());
        let written = written.ok_or_else(|| {
            Trouble::FatalItem(format!(
                "an item of the list has no address at {}",
                document.url
            ))
        })?;
        let url = list
            .join(&written)
            .map_err(|error| Trouble::FatalItem(format!("{written:?} is no address: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Trouble::FatalItem(format!(
                "{written:?} is no address of HTTP"
            )));
        }
        let host = url.host_str().unwrap_or_default();
        if url.origin() != list.origin() && !document.hosts.iter().any(|known| known == host) {
            return Err(Trouble::FatalConfig(format!(
                "documents lie on {host}, which is not asked; add it to `http.document.hosts` if it is right"
            )));
        }
        let id = document.id.as_ref().and_then(text);
        Ok(Listed {
            name: known_by(&url, id.as_deref()),
            id,
            version: document.version.as_ref().and_then(text).unwrap_or_default(),
            url,
        })
    }

    fn list_url(&self, state: &HttpState, now: Timestamp) -> Result<Url, Trouble> {
        let request = self.config.ask(&self.name).request(&state.walk, "", now)?;
        Ok(request.url)
    }

    /// A page of the list: what it names and is not known yet is read next.
    fn page(
        &self,
        state: &mut HttpState,
        answer: &Answer,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<Next, Trouble> {
        let ask = self.config.ask(&self.name);
        if self.config.is_one_page() && answer.status == StatusCode::NOT_MODIFIED {
            return Ok(Next::Through);
        }
        if self.config.is_whole() {
            match self.config.success.is_some() || self.config.errors.is_some() {
                true => drop(ask.judged(answer)?),
                false => drop(answer.judged()?),
            }
            let is_read = match serde_json::from_slice(&answer.body) {
                Ok(Value::Array(calls)) => self.all(
                    &calls.iter().collect::<Vec<_>>(),
                    &answer.place,
                    now,
                    staging,
                ),
                _ => {
                    let (told, place) = (Told::default(), Place::of(&answer.place));
                    let calls = &mut self.memory().calls;
                    self.document(calls, &answer.body, told, place, now, staging)
                }
            };
            // What could not be read is asked for whole next time: it may be a page about a failure.
            if is_read {
                (state.seen, state.seen_of) = self.seen(answer);
            }
            return Ok(Next::Through);
        }
        let body = ask.judged(answer)?;
        let items = ask.items(&self.config.items, &body, answer)?;
        let mut walk = state.walk.clone();
        for item in &items {
            self.saw(&mut walk, item);
        }
        let next = walk.page(&ask, &body, answer, items.len())?;
        if self.config.document.is_none() {
            self.all(&items, &answer.place, now, staging);
            let (seen, seen_of) = self.seen(answer);
            *state = HttpState {
                walk,
                read: 0,
                seen,
                seen_of,
            };
            return Ok(next);
        }
        let list = self.list_url(state, now)?;
        let mut listed = Vec::new();
        for item in items {
            match self.listed(item, &list) {
                Ok(document) => listed.push(document),
                Err(Trouble::FatalItem(reason)) => {
                    let payload = item.to_string();
                    staging.dead_letter(&answer.place, None, &reason, payload.as_bytes(), now);
                }
                Err(trouble) => return Err(trouble),
            }
        }
        let mut memory = self.memory();
        if state.walk.is_at_the_start() {
            memory.met = Some(BTreeSet::new());
        }
        if let Some(met) = &mut memory.met {
            met.extend(listed.iter().map(|document| document.name.clone()));
        }
        listed.retain(|document| memory.read.get(&document.name) != Some(&document.version));
        let (seen, seen_of) = self.seen(answer);
        memory.page = Some(Page {
            left: listed.into(),
            walk,
            next,
            seen,
            seen_of,
        });
        Ok(memory.step(state, staging))
    }

    /// How an answer looked, and of what.
    fn seen(&self, answer: &Answer) -> (Validators, u64) {
        match self.config.is_one_page() {
            true => (Validators::of(answer), self.address()),
            false => Default::default(),
        }
    }

    fn address(&self) -> u64 {
        let config = &self.config;
        xxh3_64(format!("{}\n{}\n{}", config.url, config.body, config.items).as_bytes())
    }

    /// What grows from item to item, for the watermark.
    fn saw(&self, walk: &mut Walk, item: &Value) {
        let written = self
            .config
            .since
            .path
            .as_ref()
            .and_then(|path| path.first(item));
        let Some(written) = written.map(code) else {
            return;
        };
        match self.config.since.by {
            SinceBy::Time => walk.saw(self.reader.rules.times.read(&written), None),
            SinceBy::Id => walk.saw(None, Some(&written)),
        }
    }

    /// The answer to what was asked for a document.
    fn answered(
        &self,
        state: &mut HttpState,
        answer: &Answer,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<Next, Trouble> {
        let list = self.list_url(state, now)?;
        let mut memory = self.memory();
        let Some(document) = memory.page.as_ref().and_then(|page| page.left.front()) else {
            memory.page = None;
            return Ok(Next::Through);
        };
        let is_refused = matches!(
            answer.status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        );
        let is_elsewhere = document.url.origin() != list.origin();
        let outcome = match answer.judged() {
            Ok(_) => Read::Answered,
            Err(_) if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::GONE) => {
                Read::Gone
            }
            // A signed address may have run out while it waited: the list gives a new one. Once, or it is not that.
            Err(trouble) if is_refused && is_elsewhere => {
                if memory.refused.as_ref() != Some(&document.name) {
                    memory.refused = Some(document.name.clone());
                    memory.page = None;
                    return Err(Trouble::Retry(format!(
                        "{}; the list is asked again",
                        trouble.reason()
                    )));
                }
                Read::Refused(trouble)
            }
            // What the list's own host thinks of the secret is about all of the source.
            Err(trouble) if is_refused => return Err(trouble),
            Err(trouble) if trouble.class() == Class::FatalConfig => Read::Refused(trouble),
            Err(trouble) => return Err(trouble),
        };
        let Some(document) = memory.page.as_mut().and_then(|page| page.left.pop_front()) else {
            return Ok(Next::Through);
        };
        match outcome {
            // It was listed and taken away before it was read.
            Read::Gone => staging.leave_out("gone"),
            Read::Refused(trouble) => {
                staging.dead_letter(&document.name, None, trouble.reason(), &answer.body, now);
            }
            Read::Answered => {
                let last = document.url.path_segments().and_then(|mut s| s.next_back());
                let told = Told {
                    file_id: document.id.as_deref().or_else(|| id_in_name(last?)),
                    ..Told::default()
                };
                let place = Place::of(&document.name);
                self.document(&mut memory.calls, &answer.body, told, place, now, staging);
            }
        }
        Ok(memory.was_read(document, state, now, staging))
    }
}

/// What came of asking for a document.
enum Read {
    Answered,
    Gone,
    Refused(Trouble),
}

impl PullConnector for CallHttp {
    type State = HttpState;

    fn streams(&self) -> Vec<String> {
        vec![String::new()]
    }

    fn restore(&self, positions: &BTreeMap<String, Value>) {
        let mut memory = self.memory();
        memory.calls.restore(positions.clone());
        for (stream, position) in positions {
            if let (Some(name), Some(version)) = (stream.strip_prefix(DOCUMENT), position.as_str())
            {
                memory.read.insert(name.to_owned(), version.to_owned());
            }
        }
    }

    fn token_request(&self, _now: Timestamp) -> Option<Request> {
        self.config.auth.token_request()
    }

    fn token(&self, answer: &Answer) -> Result<Token, Trouble> {
        self.config.auth.token(answer)
    }

    fn request(
        &self,
        _stream: &str,
        state: &HttpState,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Request>, Trouble> {
        let ask = self.config.ask(&self.name);
        let list = ask.request(&state.walk, token, now)?;
        let memory = self.memory();
        let document = memory.page.as_ref().and_then(|page| page.left.front());
        let Some(document) = document else {
            return match self.config.is_one_page() {
                true if state.seen_of == self.address() => state.seen.on(list).map(Some),
                _ => Ok(Some(list)),
            };
        };
        let request = Request::get(document.url.clone());
        // A secret is for the host that it was configured for; a signed address needs none.
        if document.url.origin() == list.url.origin() {
            return ask.proved(request, token, now).map(Some);
        }
        Ok(Some(request))
    }

    /// A document that is too long is no reason to leave the others.
    fn unanswered(
        &self,
        _stream: &str,
        state: &mut HttpState,
        trouble: &Trouble,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Option<Next> {
        let Trouble::TooLong(reason) = trouble else {
            return None;
        };
        let mut memory = self.memory();
        let document = memory.page.as_mut()?.left.pop_front()?;
        staging.dead_letter(&document.name, None, reason, b"", now);
        Some(memory.was_read(document, state, now, staging))
    }

    fn take(
        &self,
        _stream: &str,
        state: &mut HttpState,
        answer: &Answer,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<Next, Trouble> {
        let is_document = self.memory().page.is_some();
        match is_document {
            true => self.answered(state, answer, now, staging),
            false => self.page(state, answer, now, staging),
        }
    }
}
