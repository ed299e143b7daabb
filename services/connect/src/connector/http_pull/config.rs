//! Where to ask, how pages follow, what a refusal looks like, and which path leads to which field; whatever does not fit
//! together is told before anything is asked.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wensheng_runtime::{Check, Problems, Secret};
use wensheng_schemas::Channel;

use super::ask::Ask;
use super::auth::AuthConfig;
use super::input::HttpPull;
use super::push::{HttpPush, HttpPushConfig};
use crate::connector::{CHINA, Connector, Input, Shared, check_brand};
use crate::draft::DraftRules;
use crate::field::Field;
use crate::json_path::JsonPath;
use crate::pull::{Defaults, PullConfig, PullRunner};
use crate::scale::{Scale, range_of};
use crate::time::{TimeFormat, TimeReader};

/// A JSON API that is asked page by page.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpPullConfig {
    /// The source's name; part of every event's id.
    pub name: String,
    /// Where to ask; empty where the platform only sends. `{{page}}`, `{{offset}}`, `{{size}}`, `{{cursor}}`, `{{since}}` and `{{since_id}}` are filled in.
    pub url: String,
    /// `get` or `post`. Default: get.
    pub method: MethodChoice,
    /// The JSON body of a `post`, with the same names. Default: none.
    pub body: String,
    /// Further headers. Default: none.
    pub headers: BTreeMap<String, Secret>,
    /// How the platform is told who asks. Default: not at all.
    pub auth: AuthConfig,
    /// How pages follow. Default: there is one.
    pub paging: PagingConfig,
    /// From where on it is asked. Default: by time, the last 7 days at first.
    pub since: SinceConfig,
    /// Where the items are in an answer: a list, an object keyed by id, or one item. Default: the answer itself.
    pub items: JsonPath,
    /// Which path of an item, or which paths, lead to which field. Several texts become lines. `id` and `text`, or a
    /// score, should be among them; without `id` the item's content makes one.
    pub fields: BTreeMap<Field, Paths>,
    /// Further paths, kept as attributes by name. Default: none.
    pub attributes: BTreeMap<String, JsonPath>,
    /// Scales that differ from ours (`nps` 0 to 10, `csat` 1 to 5, `ces` 1 to 7, more is better), such as
    /// `{csat: {from: 1, to: 10}}`. Default: none.
    pub scales: BTreeMap<Field, Scale>,
    /// What success looks like in the body, where HTTP's 200 does not say it. Default: HTTP decides.
    pub success: Option<SuccessConfig>,
    /// What the codes of refusals mean. Default: HTTP decides.
    pub errors: Option<ErrorsConfig>,
    /// The brand of items that name none. Default: none; then `fields.brand` must be set.
    pub brand: Option<String>,
    /// The channel of items that name none. Default: other.
    pub channel: Channel,
    /// What the platform calls the channels, such as `{电话: hotline}`. Default: none.
    pub channel_names: BTreeMap<String, Channel>,
    /// How times are written; see the same key of `files`. Default: auto.
    pub time_format: String,
    /// The time zone of times without an offset. Default: Asia/Shanghai.
    pub time_zone: String,
    /// What the platform sends to `/ingest/{name}` by itself. Default: nothing.
    pub push: Option<HttpPushConfig>,
    /// How often, how fast and how much is asked. Default: every 300 s, at most 60 requests a minute.
    pub pull: PullConfig,
}

impl Default for HttpPullConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            url: String::new(),
            method: MethodChoice::Get,
            body: String::new(),
            headers: BTreeMap::new(),
            auth: AuthConfig::None,
            paging: PagingConfig::default(),
            since: SinceConfig::default(),
            items: JsonPath::of("$"),
            fields: BTreeMap::new(),
            attributes: BTreeMap::new(),
            scales: BTreeMap::new(),
            success: None,
            errors: None,
            brand: None,
            channel: Channel::Other,
            channel_names: BTreeMap::new(),
            time_format: "auto".to_owned(),
            time_zone: CHINA.to_owned(),
            push: None,
            pull: PullConfig::default(),
        }
    }
}

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MethodChoice {
    /// `GET`.
    Get,
    /// `POST` of `body`.
    Post,
}

/// One path or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Paths {
    /// One.
    One(JsonPath),
    /// Several, in order.
    Several(Vec<JsonPath>),
}

impl Paths {
    pub(super) fn each(&self) -> &[JsonPath] {
        match self {
            Paths::One(path) => std::slice::from_ref(path),
            Paths::Several(paths) => paths,
        }
    }
}

/// How pages follow.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PagingConfig {
    /// `none`, `page` (a number), `offset` (of items), `cursor` (from the answer before), or `link` (the `Link` header).
    /// Default: none.
    pub kind: PagingKind,
    /// The first `{{page}}` or `{{offset}}`. Default: page 1, offset 0.
    pub start: Option<u64>,
    /// Items of a full page, `{{size}}`: a shorter page is the last, unless `more` says it. Default: none; then an empty
    /// page is.
    pub size: Option<NonZeroU64>,
    /// Where the answer has the next `{{cursor}}`. Default: none; needed for `cursor`.
    pub cursor: Option<JsonPath>,
    /// Where the answer says whether there is more; then nothing else is believed, an empty page included. Default: none.
    pub more: Option<JsonPath>,
    /// Whether the next walk goes on from the last cursor, instead of from the start. Default: false.
    pub keep: bool,
    /// Pages of a walk at most; the next one goes on there. Default: 200.
    pub max_pages: NonZeroU64,
}

impl Default for PagingConfig {
    fn default() -> Self {
        Self {
            kind: PagingKind::None,
            start: None,
            size: None,
            cursor: None,
            more: None,
            keep: false,
            max_pages: NonZeroU64::MIN.saturating_add(199),
        }
    }
}

/// The kinds of paging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PagingKind {
    /// One answer holds all.
    None,
    /// By the page's number.
    Page,
    /// By the number of items before.
    Offset,
    /// By what the answer before said.
    Cursor,
    /// By the `Link` header.
    Link,
}

/// From where on it is asked.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SinceConfig {
    /// `time` for `{{since}}`, `id` for `{{since_id}}`. Default: time.
    pub by: SinceBy,
    /// The path to an item's time of change, or to its growing id. Default: `fields.occurred_at`, or `fields.id`.
    pub path: Option<JsonPath>,
    /// How `{{since}}` is written: `rfc3339`, `epoch_s`, `epoch_ms`, or a pattern such as `%Y-%m-%d %H:%M:%S` (in
    /// `time_zone`). Default: rfc3339.
    pub format: String,
    /// `{{since}}` at the very first (UTC). Default: 7 days back.
    pub first: Option<Timestamp>,
    /// Seconds that are read again at every walk, for what a platform shows late; repeats are recognised by their ids.
    /// Default: 300.
    pub overlap_seconds: u64,
}

impl Default for SinceConfig {
    fn default() -> Self {
        Self {
            by: SinceBy::Time,
            path: None,
            format: "rfc3339".to_owned(),
            first: None,
            overlap_seconds: 300,
        }
    }
}

/// What grows from item to item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SinceBy {
    /// The time.
    Time,
    /// The id.
    Id,
}

/// What success looks like in a body.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuccessConfig {
    /// Where the verdict is.
    pub path: JsonPath,
    /// What it is on success; numbers and texts are compared as texts, so that 0 is "0".
    pub equals: Value,
}

/// What codes of refusals mean; a code that is none of these is tried again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorsConfig {
    /// Where the code is.
    pub path: JsonPath,
    /// Where the platform's words are. Default: none.
    #[serde(default)]
    pub message: Option<JsonPath>,
    /// It passes.
    #[serde(default)]
    pub retry: Vec<Value>,
    /// Too many requests.
    #[serde(default)]
    pub throttle: Vec<Value>,
    /// The token is no longer good.
    #[serde(default)]
    pub reauth: Vec<Value>,
    /// A person must mend it; the source stops.
    #[serde(default)]
    pub fatal: Vec<Value>,
    /// This page can never be read; it becomes a dead letter.
    #[serde(default)]
    pub item: Vec<Value>,
}

impl HttpPullConfig {
    /// How it is asked.
    pub(super) fn ask(&self) -> Ask<'_> {
        Ask {
            name: &self.name,
            url: &self.url,
            method: self.method,
            body: &self.body,
            headers: &self.headers,
            auth: &self.auth,
            paging: &self.paging,
            since: &self.since,
            time_zone: &self.time_zone,
            success: self.success.as_ref(),
            errors: self.errors.as_ref(),
            pull: &self.pull,
        }
    }
}

impl Check for HttpPullConfig {
    fn check(&self, problems: &mut Problems) {
        match &self.push {
            Some(push) if self.url.is_empty() && push.items.is_none() => problems.add(
                "url",
                "must be given: where to ask; only with `push.items` there may be nothing to ask",
            ),
            Some(_) if self.url.is_empty() => {}
            _ => self.ask().check(problems),
        }
        if let Some(push) = &self.push {
            problems.within("push", |problems| push.check(problems));
        }
        let has = |field: Field| self.fields.contains_key(&field);
        if ![Field::Text, Field::Nps, Field::Csat, Field::Ces]
            .into_iter()
            .any(has)
        {
            problems.add("fields", "must have a path for text, nps, csat or ces");
        }
        check_brand(self.brand.as_ref(), false, problems);
        for (field, scale) in &self.scales {
            problems.within(&format!("scales.{}", field.name()), |problems| {
                if range_of(*field).is_none() || !has(*field) {
                    problems.add("", "is for nps, csat and ces, where `fields` has them");
                }
                scale.check(problems);
            });
        }
        if let Err(error) = TimeFormat::parse(&self.time_format) {
            problems.add("time_format", error);
        }
        if let Err(error) = TimeReader::new(TimeFormat::Auto, &self.time_zone) {
            problems.add("time_zone", error);
        }
    }
}

impl Connector for HttpPullConfig {
    fn kind(&self) -> &'static str {
        "http-pull"
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn needs_pseudonyms(&self) -> bool {
        self.fields.contains_key(&Field::Author)
    }

    fn lacks_brand(&self) -> bool {
        self.brand.is_none() && !self.fields.contains_key(&Field::Brand)
    }

    fn author_key(&self) -> &'static str {
        "fields.author"
    }

    fn build(&self, shared: &Shared) -> Result<Input, String> {
        let rules = || -> Result<DraftRules, String> {
            let mut rules = DraftRules::of_platform(
                &self.name,
                self.kind(),
                self.brand.as_deref().unwrap_or_default(),
                self.channel,
                shared,
            )?;
            rules.brand.clone_from(&self.brand);
            rules.channel_names = self.channel_names.clone();
            rules.times = TimeReader::new(TimeFormat::parse(&self.time_format)?, &self.time_zone)?;
            Ok(rules)
        };
        let push = |hints| {
            let config = self.push.clone();
            let push = config.map(|push| HttpPush::new(self.clone(), push, rules()?, hints));
            push.transpose().map(|push| push.map(Box::new))
        };
        if let (true, Some(push)) = (self.url.is_empty(), push(None)?) {
            return Ok(Input::Push(push));
        }
        let connector = HttpPull::new(self.clone(), rules()?);
        let plan = self.pull.plan(&Defaults::DEFAULT);
        let (pull, hints) = PullRunner::new(&self.name, connector, plan)?;
        let pull = Box::new(pull);
        Ok(match push(Some(hints))? {
            Some(push) => Input::Both { push, pull },
            None => Input::Pull(pull),
        })
    }
}
