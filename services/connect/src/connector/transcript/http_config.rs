//! Where transcripts are asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, Secret};

use crate::connector::CHINA;
use crate::connector::http_pull::{
    Ask, AuthConfig, ErrorsConfig, MethodChoice, PagingConfig, PagingKind, SinceConfig,
    SuccessConfig,
};
use crate::json_path::JsonPath;
use crate::pull::{Defaults, PullConfig};

/// An address that transcripts are asked for at: one document, a list of them, or a list of where they lie. The keys that
/// `http-pull` has too mean the same.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TranscriptHttpConfig {
    /// Where to ask. `{{page}}`, `{{offset}}`, `{{size}}`, `{{cursor}}`, `{{since}}` and `{{since_id}}` are filled in.
    pub url: String,
    /// `get` or `post`. Default: get.
    pub method: MethodChoice,
    /// The JSON body of a `post`, with the same names. Default: none.
    pub body: String,
    /// Further headers. Default: none.
    pub headers: BTreeMap<String, Secret>,
    /// How the platform is told who asks. Default: not at all. Documents on another host are asked for without it.
    pub auth: AuthConfig,
    /// How pages follow. Default: there is one; it is asked for only where it changed (`ETag`, `Last-Modified`).
    pub paging: PagingConfig,
    /// From where on it is asked; its `path` leads to an item's time or id. Default: by time, the last 7 days at first.
    pub since: SinceConfig,
    /// Where the items are in an answer. Each is a document, or names one. Default: the answer itself.
    pub items: JsonPath,
    /// Where an item names its document. Default: none; then the items are the documents.
    pub document: Option<DocumentConfig>,
    /// What success looks like in the body, where HTTP's 200 does not say it. Default: HTTP decides.
    pub success: Option<SuccessConfig>,
    /// What the codes of refusals mean. Default: none.
    pub errors: Option<ErrorsConfig>,
    /// How often, how fast and how much is asked. Default: every 300 s, at most 60 requests a minute.
    pub pull: PullConfig,
}

/// How an item of a list names a document.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentConfig {
    /// The path to its address, which may be relative to the list's.
    pub url: JsonPath,
    /// The path to the call's id, for documents that have none. Default: none; then the file's name is.
    #[serde(default)]
    pub id: Option<JsonPath>,
    /// The path to what changes when the document does: its ETag, size or time. Default: none; then a document is read
    /// once.
    #[serde(default)]
    pub version: Option<JsonPath>,
    /// Hosts beside the list's own that documents may lie on, such as that of a bucket. Default: none.
    #[serde(default)]
    pub hosts: Vec<String>,
}

impl Default for TranscriptHttpConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            method: MethodChoice::Get,
            body: String::new(),
            headers: BTreeMap::new(),
            auth: AuthConfig::None,
            paging: PagingConfig::default(),
            since: SinceConfig::default(),
            items: JsonPath::of("$"),
            document: None,
            success: None,
            errors: None,
            pull: PullConfig::default(),
        }
    }
}

impl TranscriptHttpConfig {
    /// How it is asked, for the source `name`.
    pub(super) fn ask<'a>(&'a self, name: &'a str) -> Ask<'a> {
        Ask {
            name,
            url: &self.url,
            method: self.method,
            body: &self.body,
            headers: &self.headers,
            auth: &self.auth,
            paging: &self.paging,
            since: &self.since,
            time_zone: CHINA,
            success: self.success.as_ref(),
            errors: self.errors.as_ref(),
            pull: &self.pull,
        }
    }

    /// Where nothing is known.
    pub(super) const DEFAULTS: Defaults = Defaults {
        every: Duration::from_secs(300),
        ..Defaults::DEFAULT
    };

    /// Whether there is one page, which may be asked for on the condition that it changed.
    pub(super) fn is_one_page(&self) -> bool {
        self.paging.kind == PagingKind::None
    }

    /// Whether the answer as it stands is the document.
    pub(super) fn is_whole(&self) -> bool {
        self.is_one_page() && self.document.is_none() && self.items == JsonPath::of("$")
    }
}

impl Check for TranscriptHttpConfig {
    fn check(&self, problems: &mut Problems) {
        self.ask("").check(problems);
        if self.url.contains("{{since") && self.since.path.is_none() {
            problems.add(
                "since.path",
                "must be given where `url` has {{since}} or {{since_id}}: where an item has its time or id",
            );
        }
    }
}
