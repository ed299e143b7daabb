//! Transcripts are asked for over HTTP: an address that answers one or many, or one that lists where they lie. A document that
//! was read is not asked for again until what the list says of it changes.
//!
//! The cursor of the walk moves on only when the documents of a page are read; each is committed with the look at it, so that
//! a restart asks for the page again and reads what is left of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::{Reader, Told};
use super::http_config::TranscriptHttpConfig;
use super::id_in_name;
use crate::connector::http_pull::{SinceBy, State as Walk};
use crate::draft::Place;
use crate::hotline::{Calls, Side};
use crate::json_path::{JsonPath, code, items};
use crate::pull::{Answer, Next, PullConnector, Request, Token, Trouble, Validators};
use crate::staging::Staging;

/// What the stream of a document's cursor begins with.
const DOCUMENT: &str = "document:";

/// Where a walk stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct HttpState {
    /// The page that comes next.
    #[serde(default)]
    walk: Walk,
    /// Documents of it that were read, so that a step is a step.
    #[serde(default)]
    read: u64,
    /// How the only page looked last.
    #[serde(default)]
    seen: Validators,
}

/// A document that a list names.
#[derive(Debug, Clone)]
struct Listed {
    url: Url,
    /// By which it is known: its address without the query, which may be a signature that is new every time.
    name: String,
    id: Option<String>,
    /// What changes when it does; empty where the list says nothing.
    version: String,
}

/// The page in hand: documents that are still to be read, and what comes behind them.
#[derive(Debug)]
struct Page {
    left: VecDeque<Listed>,
    walk: Walk,
    next: Next,
    /// How it looked, which counts once all of it is read.
    seen: Validators,
}

#[derive(Debug)]
struct Memory {
    calls: Calls,
    /// The versions of the documents that were read, by name.
    read: BTreeMap<String, String>,
    page: Option<Page>,
    /// Names met in the walk under way; `None` where its beginning was before the start.
    met: Option<BTreeSet<String>>,
}

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

    /// Stages the calls of a document, or the document as a dead letter.
    fn document(
        &self,
        calls: &mut Calls,
        document: &[u8],
        told: Told<'_>,
        place: Place<'_>,
        now: Timestamp,
        staging: &mut Staging,
    ) {
        let rules = &self.reader.rules;
        let taken = self.reader.read(document, told).and_then(|parts| {
            if parts.is_empty() {
                staging.leave_out("no-words");
            }
            parts
                .into_iter()
                .try_for_each(|part| calls.take(part, rules, place, Side::Main, now, staging))
        });
        if let Err(reason) = taken {
            staging.dead_letter(place.place, place.line, &reason, document, now);
        }
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
        let host = url.host_str().unwrap_or_default();
        if url.origin() != list.origin() && !document.hosts.iter().any(|known| known == host) {
            return Err(Trouble::FatalConfig(format!(
                "documents lie on {host}, which is not asked; add it to `http.document.hosts` if it is right"
            )));
        }
        let mut name = url.clone();
        name.set_query(None);
        Ok(Listed {
            name: name.into(),
            id: document.id.as_ref().and_then(text),
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
            let place = Place::of(&answer.place);
            let mut memory = self.memory();
            self.document(
                &mut memory.calls,
                &answer.body,
                Told::default(),
                place,
                now,
                staging,
            );
            state.seen = Validators::of(answer);
            return Ok(Next::Through);
        }
        let body = ask.judged(answer)?;
        let items = items(&self.config.items, &body);
        let mut walk = state.walk.clone();
        for item in &items {
            self.saw(&mut walk, item);
        }
        let next = walk.page(&ask, &body, answer, items.len())?;
        if self.config.document.is_none() {
            let mut memory = self.memory();
            for (index, item) in items.iter().enumerate() {
                let place = Place {
                    place: &answer.place,
                    line: Some(index as u64 + 1),
                };
                let document = item.to_string();
                let told = Told::default();
                let calls = &mut memory.calls;
                self.document(calls, document.as_bytes(), told, place, now, staging);
            }
            *state = HttpState {
                walk,
                read: 0,
                seen: self.seen(answer),
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
        memory.page = Some(Page {
            left: listed.into(),
            walk,
            next,
            seen: self.seen(answer),
        });
        Ok(memory.step(state, staging))
    }

    fn seen(&self, answer: &Answer) -> Validators {
        match self.config.is_one_page() {
            true => Validators::of(answer),
            false => Validators::default(),
        }
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
        let gone = matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::GONE);
        if !gone {
            answer.judged()?;
        }
        let mut memory = self.memory();
        let Some(document) = memory.page.as_mut().and_then(|page| page.left.pop_front()) else {
            return Ok(Next::Through);
        };
        if gone {
            // It was listed and taken away before it was read.
            staging.leave_out("gone");
        } else {
            let last = document.url.path_segments().and_then(|mut s| s.next_back());
            let told = Told {
                file_id: document.id.as_deref().or_else(|| id_in_name(last?)),
                ..Told::default()
            };
            let place = Place::of(&document.name);
            self.document(&mut memory.calls, &answer.body, told, place, now, staging);
        }
        let version = json!(document.version);
        staging.cursor(&format!("{DOCUMENT}{}", document.name), version, now);
        memory.read.insert(document.name, document.version);
        state.read += 1;
        Ok(memory.step(state, staging))
    }
}

impl Memory {
    /// The next document of the page, or the page behind it.
    fn step(&mut self, state: &mut HttpState, staging: &mut Staging) -> Next {
        if self.page.as_ref().is_some_and(|page| !page.left.is_empty()) {
            // The page itself is a step, too.
            state.read += 1;
            return Next::More;
        }
        let Some(page) = self.page.take() else {
            return Next::Through;
        };
        *state = HttpState {
            walk: page.walk,
            read: 0,
            seen: page.seen,
        };
        if state.walk.is_at_the_start()
            && let Some(met) = self.met.take()
        {
            // What is listed no longer will not be asked for.
            let gone: Vec<String> = self
                .read
                .keys()
                .filter(|name| !met.contains(*name))
                .cloned()
                .collect();
            for name in gone {
                self.read.remove(&name);
                staging.forget(&format!("{DOCUMENT}{name}"));
            }
        }
        page.next
    }
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
                true => state.seen.on(list).map(Some),
                false => Ok(Some(list)),
            };
        };
        let request = Request::get(document.url.clone());
        // A secret is for the host that it was configured for; a signed address needs none.
        if document.url.origin() == list.url.origin() {
            return ask.auth.sign(request, token, now).map(Some);
        }
        Ok(Some(request))
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
