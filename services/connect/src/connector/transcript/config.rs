//! Where transcripts come from, and what the parties and keys of a source mean.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, Secret};
use wensheng_schemas::Channel;

use super::directory::CallDirectory;
use super::formats::{Context, Shape, parts};
use super::http::CallHttp;
use super::http_config::TranscriptHttpConfig;
use super::push::CallPush;
use crate::connector::{Connector, Input, Shared};
use crate::draft::DraftRules;
use crate::field::Field;
use crate::hotline::{Calls, Part, RoleChoice, Roles};
use crate::pull::PullRunner;
use crate::push::{check_max_body, check_token};

/// Transcripts of calls as JSON: Alibaba Cloud SCA, NLS and CCC, Tencent Cloud ASR, iFlytek, Amazon Contact Lens, vCon, or
/// the shape of our own. Pushed to `/ingest/{name}`, read from a directory, or asked for over HTTP.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TranscriptConfig {
    /// The source's name; part of its address and of every event's id.
    pub name: String,
    /// The brand that is called.
    pub brand: String,
    /// The product, where the line is for one. Default: none.
    pub product: Option<String>,
    /// The token of whoever pushes, at least 16 characters: `Authorization: Bearer …`, the password of `Basic`, or, for
    /// services that can only be given an address, the parameter `token` of it. Default: none; then `path` must be set.
    pub token: Secret,
    /// The SignToken of Tencent Cloud's asynchronous recognition, whose callbacks carry a `CheckSum`. Default: none.
    pub sign_token: Secret,
    /// The appid that goes with `sign_token`. Default: none.
    pub sign_app_id: String,
    /// A directory of `.json` files, one document each, its subdirectories included. Default: none; then `token` must be
    /// set.
    pub path: Option<PathBuf>,
    /// An address that transcripts are asked for at. Default: none.
    pub http: Option<TranscriptHttpConfig>,
    /// Milliseconds between two looks at the directory. Default: 2000.
    pub poll_ms: u64,
    /// Who a track or a party is, such as `{"0": agent, "1": customer}`: tracks have no standard. The vendors' own names
    /// (客户, CUSTOMER, 客服, AGENT, …) are known.
    pub roles: BTreeMap<String, RoleChoice>,
    /// What a satisfaction key, its label or a rating means as a score from 1 to 5, such as `{"1": 5, "不满意": 1}`.
    pub satisfaction: BTreeMap<String, u8>,
    /// For so many hours after its last part, further parts of a call make it a higher revision. Default: 72.
    pub merge_hours: u32,
    /// No document may be longer, in bytes. Default: 4194304 (4 MiB).
    pub max_body_bytes: usize,
}

impl Default for TranscriptConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            brand: String::new(),
            product: None,
            token: Secret::default(),
            sign_token: Secret::default(),
            sign_app_id: String::new(),
            path: None,
            http: None,
            poll_ms: 2_000,
            roles: BTreeMap::new(),
            satisfaction: BTreeMap::new(),
            merge_hours: 72,
            max_body_bytes: 4 << 20,
        }
    }
}

/// vCon conversations; configured as `transcript` is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VconConfig(pub TranscriptConfig);

/// Derived, it would refer to the other schema as a whole, which knows no `kind`.
impl JsonSchema for VconConfig {
    fn schema_name() -> Cow<'static, str> {
        "VconConfig".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        TranscriptConfig::json_schema(generator)
    }
}

impl Check for TranscriptConfig {
    fn check(&self, problems: &mut Problems) {
        if self.brand.trim().is_empty() {
            problems.add("brand", "must be given");
        }
        let pushed = !self.token.is_empty() || !self.sign_token.is_empty();
        let ways = [pushed, self.path.is_some(), self.http.is_some()];
        match ways.into_iter().filter(|way| *way).count() {
            0 => problems.add(
                "token",
                "give `token` (pushed), `path` (a directory) or `http` (asked for)",
            ),
            1 => {}
            _ => problems.add(
                if self.path.is_some() { "path" } else { "http" },
                "give one of `token`, `path` and `http`; make two sources",
            ),
        }
        if let Some(http) = &self.http {
            problems.within("http", |problems| http.check(problems));
        }
        check_token(&self.token, problems);
        if self.sign_token.is_empty() != self.sign_app_id.is_empty() {
            problems.add(
                "sign_app_id",
                "goes with `sign_token`; give both or neither",
            );
        }
        if self.poll_ms < 10 {
            problems.add("poll_ms", "must be at least 10");
        }
        check_satisfaction(&self.satisfaction, problems);
        if !(1..=24 * 30).contains(&self.merge_hours) {
            problems.add("merge_hours", "must be from 1 to 720 (30 days)");
        }
        check_max_body(self.max_body_bytes, problems);
    }
}

/// Adds what is wrong with the meaning of satisfaction keys.
pub(crate) fn check_satisfaction(meaning: &BTreeMap<String, u8>, problems: &mut Problems) {
    for (key, score) in meaning {
        if !(1..=5).contains(score) {
            problems.within("satisfaction", |problems| {
                problems.add(key, "must be a score from 1 to 5");
            });
        }
    }
}

impl Check for VconConfig {
    fn check(&self, problems: &mut Problems) {
        self.0.check(problems);
    }
}

/// What is told of a call outside its document.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told<'a> {
    pub(super) call_id: Option<&'a str>,
    pub(super) file_id: Option<&'a str>,
    pub(super) started_at: Option<&'a str>,
}

/// Reads documents of one source.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) rules: DraftRules,
    shape: Shape,
    roles: Roles,
    product: Option<String>,
    satisfaction: BTreeMap<String, u8>,
    merge_hours: u32,
    pub(super) max_bytes: usize,
}

impl Reader {
    pub(super) fn calls(&self) -> Calls {
        Calls::new(self.merge_hours)
    }

    /// The parts in a document.
    pub(super) fn read(&self, document: &[u8], told: Told<'_>) -> Result<Vec<Part>, String> {
        let context = Context {
            roles: &self.roles,
            times: &self.rules.times,
            call_id: told.call_id,
            file_id: told.file_id,
            started_at: told.started_at.and_then(|at| self.rules.times.read(at)),
        };
        let mut parts = parts(document, self.shape, &context)?;
        for part in &mut parts {
            if let Some(product) = &self.product {
                part.draft.set(Field::Product, product.clone());
            }
            let key = part.call.satisfaction.as_ref();
            if let Some(score) = key.and_then(|key| self.satisfaction.get(key)) {
                part.draft.set(Field::Csat, score.to_string());
            }
        }
        Ok(parts)
    }
}

fn build(
    config: &TranscriptConfig,
    kind: &'static str,
    shape: Shape,
    shared: &Shared,
) -> Result<Input, String> {
    let brand = &config.brand;
    let reader = Reader {
        rules: DraftRules::of_platform(&config.name, kind, brand, Channel::Hotline, shared)?,
        shape,
        roles: Roles::new(&config.roles),
        product: config.product.clone(),
        satisfaction: config.satisfaction.clone(),
        merge_hours: config.merge_hours,
        max_bytes: config.max_body_bytes,
    };
    if let Some(http) = &config.http {
        let mut plan = http.pull.plan(&TranscriptHttpConfig::DEFAULTS);
        if http.pull.max_answer_bytes.is_none() {
            plan.max_answer_bytes = plan.max_answer_bytes.max(config.max_body_bytes);
        }
        let connector = CallHttp::new(&config.name, http.clone(), reader);
        let (runner, _) = PullRunner::new(&config.name, connector, plan)?;
        return Ok(Input::Pull(Box::new(runner)));
    }
    Ok(match &config.path {
        Some(path) => Input::Pull(Box::new(CallDirectory::new(
            reader,
            path.clone(),
            config.poll_ms,
        ))),
        None => Input::Push(Box::new(CallPush::new(
            reader,
            config.token.clone(),
            config.sign_token.clone(),
            config.sign_app_id.clone(),
        ))),
    })
}

impl Connector for TranscriptConfig {
    fn kind(&self) -> &'static str {
        "transcript"
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn needs_pseudonyms(&self) -> bool {
        true
    }

    fn build(&self, shared: &Shared) -> Result<Input, String> {
        build(self, self.kind(), Shape::Any, shared)
    }
}

impl Connector for VconConfig {
    fn kind(&self) -> &'static str {
        "vcon"
    }

    fn name(&self) -> &str {
        &self.0.name
    }

    fn needs_pseudonyms(&self) -> bool {
        true
    }

    fn build(&self, shared: &Shared) -> Result<Input, String> {
        build(&self.0, self.kind(), Shape::Vcon, shared)
    }
}
