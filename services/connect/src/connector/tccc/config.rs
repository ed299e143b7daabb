//! Which line it is, who may push, and how what pushes lost is read again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wensheng_runtime::{Check, Problems, Secret};
use wensheng_schemas::Channel;

use super::part;
use super::parties::KnownParties;
use super::push::TcccPush;
use super::reconcile::Reconcile;
use crate::connector::transcript::check_satisfaction;
use crate::connector::{Connector, Input, Shared};
use crate::draft::DraftRules;
use crate::field::Field;
use crate::hotline::{Calls, Part, RoleChoice, Roles};
use crate::pull::{Defaults, PullConfig, PullRunner, check_url};
use crate::push::check_max_body;

/// Calls and chats of Tencent Cloud Contact Center, pushed to `/ingest/{name}`, and read again on a schedule.
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
    /// Who a speaker of recognised words is, by what the platform writes as `User`, such as `{"95017": agent}`; comes before what
    /// the record of the call says. Default: none.
    pub roles: BTreeMap<String, RoleChoice>,
    /// For so many hours after its last part, further parts of a call make it a higher revision. Default: 72.
    pub merge_hours: u32,
    /// No push may be longer, in bytes. Default: 4194304 (4 MiB).
    pub max_body_bytes: usize,
    /// How what pushes lost is read again, with the words that were recognised. Default: not at all.
    pub reconcile: Option<ReconcileConfig>,
}

/// Reading calls again through the platform's API (`DescribeTelCdr`, `DescribeTelRecordAsr`).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReconcileConfig {
    /// The SdkAppId of the contact centre.
    pub sdk_app_id: u64,
    /// The SecretId of the API key.
    pub secret_id: String,
    /// The SecretKey that goes with it.
    pub secret_key: Secret,
    /// The region of the API. Default: ap-guangzhou.
    pub region: String,
    /// Each time, the calls of so many hours are read. Default: 24.
    pub hours: u32,
    /// Where the API is. Default: https://ccc.tencentcloudapi.com
    pub host: String,
    /// How often, how fast and how much is asked. Default: every 3600 s, at most 60 requests a minute.
    pub pull: PullConfig,
}

impl Default for TcccConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            brand: String::new(),
            product: None,
            token: Secret::default(),
            satisfaction: BTreeMap::new(),
            roles: BTreeMap::new(),
            merge_hours: 72,
            max_body_bytes: 4 << 20,
            reconcile: None,
        }
    }
}

impl Default for ReconcileConfig {
    fn default() -> Self {
        Self {
            sdk_app_id: 0,
            secret_id: String::new(),
            secret_key: Secret::default(),
            region: "ap-guangzhou".to_owned(),
            hours: 24,
            host: "https://ccc.tencentcloudapi.com".to_owned(),
            pull: PullConfig::default(),
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
        check_max_body(self.max_body_bytes, problems);
        if let Some(reconcile) = &self.reconcile {
            problems.within("reconcile", |problems| reconcile.check(problems));
        }
    }
}

impl Check for ReconcileConfig {
    fn check(&self, problems: &mut Problems) {
        if self.sdk_app_id == 0 {
            problems.add("sdk_app_id", "must be given");
        }
        if self.secret_id.is_empty() {
            problems.add("secret_id", "must be given");
        }
        if self.secret_key.is_empty() {
            problems.add("secret_key", "must be given");
        }
        if !(1..=24 * 89).contains(&self.hours) {
            problems.add(
                "hours",
                "must be from 1 to 2136: the platform lists less than 90 days at once",
            );
        }
        check_url(&self.host, &self.pull, "host", problems);
        problems.within("pull", |problems| self.pull.check(problems));
    }
}

/// What both sides have in common.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) rules: DraftRules,
    product: Option<String>,
    satisfaction: BTreeMap<String, u8>,
    roles: Roles,
    pub(super) parties: KnownParties,
}

impl Line {
    /// The recognised words of a session.
    pub(super) fn words(&self, session: &str, body: &Value) -> Part {
        part::words(body, &self.parties.of(session), &self.roles)
    }

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

impl TcccConfig {
    /// What both sides have in common, and the calls that both add to.
    pub(super) fn line(&self, shared: &Shared) -> Result<(Arc<Line>, Arc<Mutex<Calls>>), String> {
        let (name, kind) = (&self.name, self.kind());
        let line = Line {
            rules: DraftRules::of_platform(name, kind, &self.brand, Channel::Hotline, shared)?,
            product: self.product.clone(),
            satisfaction: self.satisfaction.clone(),
            roles: Roles::new(&self.roles),
            parties: KnownParties::default(),
        };
        let calls = Calls::new(self.merge_hours);
        Ok((Arc::new(line), Arc::new(Mutex::new(calls))))
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
        let name = &self.name;
        let (line, calls) = self.line(shared)?;
        let push = Box::new(TcccPush {
            line: line.clone(),
            token: self.token.clone(),
            calls: calls.clone(),
            max_body_bytes: self.max_body_bytes,
        });
        let Some(reconcile) = &self.reconcile else {
            return Ok(Input::Push(push));
        };
        let plan = reconcile.pull.plan(&Defaults {
            every: Duration::from_secs(3_600),
            ..Defaults::DEFAULT
        });
        let connector = Reconcile::new(reconcile.clone(), line, calls);
        let (pull, _) = PullRunner::new(name, connector, plan)?;
        Ok(Input::Both {
            push,
            pull: Box::new(pull),
        })
    }
}
