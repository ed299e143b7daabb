//! Which line it is, who may push, and what the keys mean.

use std::collections::BTreeMap;
use std::sync::Mutex;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems, Secret};
use wensheng_schemas::Channel;

use super::push::TcccPush;
use crate::connector::transcript::check_satisfaction;
use crate::connector::{Connector, Input, Shared};
use crate::draft::DraftRules;
use crate::field::Field;
use crate::hotline::{Calls, Part};

/// Calls and chats of Tencent Cloud Contact Center, pushed to `/ingest/{name}`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TcccConfig {
    /// The source's name; part of its address and of every event's id.
    pub name: String,
    /// The brand that is called.
    pub brand: String,
    /// The product, where the line is for one. Default: none.
    pub product: Option<String>,
    /// The password of the platform's Basic authentication (any user name), at least 16 characters; also taken as a bearer
    /// token and as the parameter `token` of the address.
    pub token: Secret,
    /// What a satisfaction key or its label means as a score from 1 to 5, such as `{非常满意: 5, 不满意: 1}`.
    pub satisfaction: BTreeMap<String, u8>,
    /// For so many hours after its last part, further parts of a call make it a higher revision. Default: 72.
    pub merge_hours: u32,
    /// No push may be longer, in bytes. Default: 4194304 (4 MiB).
    pub max_body_bytes: usize,
}

impl Default for TcccConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            brand: String::new(),
            product: None,
            token: Secret::default(),
            satisfaction: BTreeMap::new(),
            merge_hours: 72,
            max_body_bytes: 4 << 20,
        }
    }
}

impl Check for TcccConfig {
    fn check(&self, problems: &mut Problems) {
        if self.brand.trim().is_empty() {
            problems.add("brand", "must be given");
        }
        if self.token.expose().chars().count() < 16 {
            problems.add("token", "must be given, with at least 16 characters");
        }
        check_satisfaction(&self.satisfaction, problems);
        if !(1..=24 * 30).contains(&self.merge_hours) {
            problems.add("merge_hours", "must be from 1 to 720 (30 days)");
        }
        if !(1_024..=64 << 20).contains(&self.max_body_bytes) {
            problems.add("max_body_bytes", "must be from 1024 to 67108864");
        }
    }
}

/// What the configuration knows of every call.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) rules: DraftRules,
    product: Option<String>,
    satisfaction: BTreeMap<String, u8>,
}

impl Line {
    /// The part with what the configuration knows.
    pub(super) fn completed(&self, mut part: Part) -> Part {
        if let Some(product) = &self.product {
            part.draft.set(Field::Product, product.clone());
        }
        let key = part.call.satisfaction.as_ref();
        if let Some(score) = key.and_then(|key| self.satisfaction.get(key)) {
            part.draft.set(Field::Csat, score.to_string());
        }
        part
    }
}

impl Connector for TcccConfig {
    fn kind(&self) -> &'static str {
        "tccc"
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn needs_pseudonyms(&self) -> bool {
        true
    }

    fn build(&self, shared: &Shared) -> Result<Input, String> {
        let (name, kind) = (&self.name, self.kind());
        let line = Line {
            rules: DraftRules::of_platform(name, kind, &self.brand, Channel::Hotline, shared)?,
            product: self.product.clone(),
            satisfaction: self.satisfaction.clone(),
        };
        Ok(Input::Push(Box::new(TcccPush {
            line,
            token: self.token.clone(),
            calls: Mutex::new(Calls::new(self.merge_hours)),
            max_body_bytes: self.max_body_bytes,
        })))
    }
}
