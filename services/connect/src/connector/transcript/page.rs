//! The page in hand, and which documents were read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::connector::http_pull::State as Walk;
use crate::hotline::Calls;
use crate::pull::{Next, Validators};
use crate::staging::Staging;

/// What the stream of a document's cursor begins with.
pub(super) const DOCUMENT: &str = "document:";

/// Where a walk stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct HttpState {
    /// The page that comes next.
    #[serde(default)]
    pub(super) walk: Walk,
    /// Documents of it that were read, so that a step is a step.
    #[serde(default)]
    pub(super) read: u64,
    /// How the only page looked last.
    #[serde(default)]
    pub(super) seen: Validators,
    /// Of what it looked so: a hash of the address and of where the items are, so that another is asked for whole.
    #[serde(default)]
    pub(super) seen_of: u64,
}

/// A document that a list names.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) url: Url,
    /// By which it is known: see [`super::known`].
    pub(super) name: String,
    pub(super) id: Option<String>,
    /// What changes when it does; empty where the list says nothing.
    pub(super) version: String,
}

/// The page in hand: documents that are still to be read, and what comes behind them.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) left: VecDeque<Listed>,
    pub(super) walk: Walk,
    pub(super) next: Next,
    /// How it looked, which counts once all of it is read.
    pub(super) seen: Validators,
    pub(super) seen_of: u64,
}

#[derive(Debug)]
pub(super) struct Memory {
    pub(super) calls: Calls,
    /// The versions of the documents that were read, by name.
    pub(super) read: BTreeMap<String, String>,
    pub(super) page: Option<Page>,
    /// Names met in the walk under way; `None` where its beginning was before the start.
    pub(super) met: Option<BTreeSet<String>>,
    /// The document of another host that was refused last, for which the list was asked again.
    pub(super) refused: Option<String>,
}

impl Memory {
    /// Notes a document of the page as read.
    pub(super) fn was_read(
        &mut self,
        document: Listed,
        state: &mut HttpState,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Next {
        let version = json!(document.version);
        staging.cursor(&format!("{DOCUMENT}{}", document.name), version, now);
        self.read.insert(document.name, document.version);
        state.read += 1;
        self.step(state, staging)
    }

    /// The next document of the page, or the page behind it.
    pub(super) fn step(&mut self, state: &mut HttpState, staging: &mut Staging) -> Next {
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
            seen_of: page.seen_of,
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
