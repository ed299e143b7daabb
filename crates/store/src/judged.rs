//! How often the alerts of each rule and detector turned out to be something, and how often false: what people judged.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wensheng_schemas::{Alert, AlertState};

use crate::feedback::document;
use crate::statement::Statement;
use crate::{Store, StoreError};

/// Alerts read at a time: their records are of some kilobytes.
const TOGETHER: u32 = 500;

/// Reasons kept of each, the most frequent.
const REASONS: usize = 5;

/// What became of some alerts. An alert is one of `confirmed`, `dismissed` and `open`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// How many were raised.
    pub raised: u64,
    /// A person confirmed them, or answered or resolved them.
    pub confirmed: u64,
    /// A person dismissed them as false alarms.
    pub dismissed: u64,
    /// Nobody said yet.
    pub open: u64,
    /// The share of `confirmed` among those that were judged, 0 to 1; absent where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    /// Why they were dismissed, with how many, the most frequent first; at most five.
    pub reasons: Vec<Reason>,
}

/// Why alerts were dismissed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// As it was given.
    pub reason: String,
    /// How many alerts.
    pub alerts: u64,
}

/// What became of the alerts of one rule or detector and brand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedRule {
    /// Whom they were about.
    pub brand: String,
    /// The rule's name as people read it, its id where it has none, `burst` for the joint detector, or the source that
    /// fell silent.
    pub rule: String,
    /// Of those alerts, how many had no other cause.
    pub alone: u64,
    /// What became of them.
    #[serde(flatten)]
    pub judged: Judged,
}

/// What became of the alerts of one brand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedBrand {
    /// Which.
    pub brand: String,
    /// What became of them.
    #[serde(flatten)]
    pub judged: Judged,
}

/// How good the alerts of some time were.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Precision {
    /// By brand and rule; an alert with several causes is counted under each.
    pub rules: Vec<JudgedRule>,
    /// By brand; each alert once.
    pub brands: Vec<JudgedBrand>,
}

#[derive(Default)]
struct Tally {
    judged: Judged,
    alone: u64,
    reasons: BTreeMap<String, u64>,
}

impl Tally {
    fn add(&mut self, alert: &Alert) {
        self.judged.raised += 1;
        self.alone += u64::from(alert.causes.len() == 1);
        match &alert.state {
            AlertState::Dismissed { reason, .. } => {
                self.judged.dismissed += 1;
                *self.reasons.entry(reason.clone()).or_default() += 1;
            }
            AlertState::Responding { .. }
            | AlertState::Resolved { .. }
            | AlertState::Reviewed { .. } => self.judged.confirmed += 1,
            _ if alert.handling.confirmed_at.is_some() => self.judged.confirmed += 1,
            AlertState::Raised | AlertState::Acknowledged { .. } | AlertState::Assessing { .. } => {
                self.judged.open += 1
            }
        }
    }

    fn end(self) -> (u64, Judged) {
        let mut reasons: Vec<Reason> = self
            .reasons
            .into_iter()
            .map(|(reason, alerts)| Reason { reason, alerts })
            .collect();
        reasons.sort_by(|a, b| (b.alerts, &a.reason).cmp(&(a.alerts, &b.reason)));
        reasons.truncate(REASONS);
        let said = self.judged.confirmed + self.judged.dismissed;
        let judged = Judged {
            precision: (said > 0).then(|| self.judged.confirmed as f64 / said as f64),
            reasons,
            ..self.judged
        };
        (self.alone, judged)
    }
}

impl Store {
    /// What became of the alerts raised from `from` (inclusive) to `to` (exclusive), drills left out.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn precision(
        &self,
        brand: Option<&str>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Precision, StoreError> {
        let mut rules: BTreeMap<(String, String), Tally> = BTreeMap::new();
        let mut brands: BTreeMap<String, Tally> = BTreeMap::new();
        let mut after = String::new();
        loop {
            let alerts = self.raised(brand, from, to, &after).await?;
            for alert in &alerts {
                brands.entry(alert.brand.clone()).or_default().add(alert);
                for cause in alert.causes.keys() {
                    let key = (alert.brand.clone(), cause.clone());
                    rules.entry(key).or_default().add(alert);
                }
            }
            match alerts.last() {
                Some(last) if alerts.len() as u64 == u64::from(TOGETHER) => {
                    after = last.id.as_str().to_owned();
                }
                _ => break,
            }
        }
        Ok(Precision {
            rules: rules
                .into_iter()
                .map(|((brand, rule), tally)| {
                    let (alone, judged) = tally.end();
                    JudgedRule {
                        brand,
                        rule,
                        alone,
                        judged,
                    }
                })
                .collect(),
            brands: brands
                .into_iter()
                .map(|(brand, tally)| JudgedBrand {
                    brand,
                    judged: tally.end().1,
                })
                .collect(),
        })
    }

    /// Alerts in the order of their ids, from behind `after`.
    async fn raised(
        &self,
        brand: Option<&str>,
        from: Timestamp,
        to: Timestamp,
        after: &str,
    ) -> Result<Vec<Alert>, StoreError> {
        let mut statement = Statement::new("SELECT document FROM alerts");
        statement.condition("NOT drill");
        statement.compare("raised_at_ms >=", from.as_millisecond());
        statement.compare("raised_at_ms <", to.as_millisecond());
        statement.compare("id >", after);
        if let Some(brand) = brand {
            statement.compare("brand =", brand);
        }
        statement.push(&format!(" ORDER BY id LIMIT {TOGETHER}"));
        let rows = self
            .database
            .fetch(
                "read what became of alerts",
                statement.sql,
                statement.values,
            )
            .await?;
        rows.iter().map(|row| document(row, 0)).collect()
    }
}
