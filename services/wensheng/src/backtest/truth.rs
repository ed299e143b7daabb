//! How an honest run is scored: crises found and how soon, and false alerts beside them, always.
//!
//! A crisis is hit by an incident on its brand, and its topic where the incident names one, after its first post and
//! before the end of 99 % of its posts and six hours. Incidents that hit nothing are false; those of a brand within six
//! hours are one. They are counted after the warm-up, per brand and 30 days.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::incident::Incident;

const MERGE: SignedDuration = SignedDuration::from_hours(6);

/// A crisis that is known.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Crisis {
    brand: String,
    #[serde(default)]
    topic: Option<String>,
    #[serde(default)]
    shape: String,
    t0: Timestamp,
    #[serde(default)]
    t10: Option<Timestamp>,
    end99: Timestamp,
}

/// The stretch of history that is scored.
#[derive(Debug, Clone)]
pub(crate) struct Stretch {
    pub(crate) brands: BTreeSet<String>,
    /// The end of the warm-up.
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

/// The scores.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Scores {
    /// At each level: incidents of that level and graver.
    pub(crate) levels: BTreeMap<&'static str, Score>,
}

/// The scores of the incidents from some level on.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Score {
    /// Crises of all shapes but `severe`.
    pub(crate) crises: usize,
    pub(crate) found: usize,
    pub(crate) recall: Option<f64>,
    /// By shape: known, found.
    pub(crate) shapes: BTreeMap<String, [usize; 2]>,
    /// Per brand and 30 days after the warm-up.
    pub(crate) false_alerts: f64,
    /// The brand with most.
    pub(crate) worst_brand_false_alerts: f64,
    /// Of sudden and viral crises: found within 15 and 60 minutes of their 10th post.
    pub(crate) within_15_minutes: Option<f64>,
    pub(crate) within_60_minutes: Option<f64>,
    /// Minutes from the first post to the first incident, of those found; the median.
    pub(crate) median_minutes: Option<f64>,
}

/// Reads the known crises.
pub(crate) fn read(path: &Path) -> Result<Vec<Crisis>> {
    let json = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    serde_json::from_slice(&json).with_context(|| {
        format!(
            "{} is no list of crises with brand, topic, t0 and end99",
            path.display()
        )
    })
}

/// Scores incidents, which must be in the order of their instants.
pub(crate) fn score(incidents: &[Incident], crises: &[Crisis], stretch: &Stretch) -> Scores {
    let levels = [
        wensheng_schemas::Severity::Watch,
        wensheng_schemas::Severity::Alert,
        wensheng_schemas::Severity::Crisis,
    ];
    Scores {
        levels: levels
            .into_iter()
            .map(|level| {
                let chosen: Vec<&Incident> = incidents
                    .iter()
                    .filter(|incident| incident.level >= level)
                    .collect();
                (level.name(), score_level(&chosen, crises, stretch))
            })
            .collect(),
    }
}

fn hits(incident: &Incident, crisis: &Crisis) -> bool {
    let topic = match (&incident.topic, &crisis.topic) {
        (Some(named), Some(known)) => named == known,
        _ => true,
    };
    incident.brand == crisis.brand
        && topic
        && incident.at > crisis.t0
        && incident.at < crisis.end99.checked_add(MERGE).unwrap_or(crisis.end99)
}

fn score_level(incidents: &[&Incident], crises: &[Crisis], stretch: &Stretch) -> Score {
    let mut shapes: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    let mut minutes = Vec::new();
    let mut after_tenth = Vec::new();
    for crisis in crises {
        let first = incidents
            .iter()
            .find(|incident| hits(incident, crisis))
            .map(|i| i.at);
        let shape = shapes.entry(crisis.shape.clone()).or_default();
        shape[0] += 1;
        if let Some(at) = first {
            shape[1] += 1;
            minutes.push(at.duration_since(crisis.t0).as_secs_f64() / 60.0);
        }
        if matches!(crisis.shape.as_str(), "sudden" | "viral")
            && let Some(tenth) = crisis.t10
        {
            after_tenth.push(first.map(|at| at.duration_since(tenth).as_secs_f64() / 60.0));
        }
    }
    let counted = |index: usize| {
        shapes
            .iter()
            .filter(|(shape, _)| *shape != "severe")
            .map(|(_, n)| n[index])
            .sum::<usize>()
    };
    let (known, found) = (counted(0), counted(1));
    let false_alerts = false_alerts(incidents, crises, stretch);
    let months = stretch.to.duration_since(stretch.from).as_secs_f64() / (30.0 * 86_400.0);
    let per_month = |count: usize| {
        if months > 0.0 {
            count as f64 / months
        } else {
            0.0
        }
    };
    let within = |limit: f64| {
        let soon = after_tenth
            .iter()
            .flatten()
            .filter(|m| **m <= limit)
            .count();
        share(soon, after_tenth.len())
    };
    minutes.sort_by(f64::total_cmp);
    Score {
        crises: known,
        found,
        recall: share(found, known),
        within_15_minutes: within(15.0),
        within_60_minutes: within(60.0),
        median_minutes: minutes.get(minutes.len() / 2).copied(),
        false_alerts: per_month(false_alerts.values().sum::<usize>())
            / stretch.brands.len().max(1) as f64,
        worst_brand_false_alerts: per_month(
            false_alerts.values().copied().max().unwrap_or_default(),
        ),
        shapes,
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// By brand.
fn false_alerts<'a>(
    incidents: &[&'a Incident],
    crises: &[Crisis],
    stretch: &Stretch,
) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    let mut last: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for incident in incidents {
        let brand = incident.brand.as_str();
        if incident.at < stretch.from || crises.iter().any(|crisis| hits(incident, crisis)) {
            continue;
        }
        let merged = last
            .get(brand)
            .is_some_and(|last| incident.at.duration_since(*last) < MERGE);
        if !merged {
            *counts.entry(brand).or_default() += 1;
            last.insert(brand, incident.at);
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use wensheng_schemas::Severity;

    use super::*;

    fn incident(at: &str, topic: Option<&str>, level: Severity) -> Incident {
        Incident {
            at: at.parse().unwrap(),
            brand: "甲".to_owned(),
            topic: topic.map(ToOwned::to_owned),
            level,
            ..Incident::default()
        }
    }

    #[test]
    fn recall_delay_and_false_alerts_follow_the_definitions() {
        let crises: Vec<Crisis> = serde_json::from_value(serde_json::json!([
            {"brand": "甲", "topic": "质量", "shape": "sudden", "t0": "2026-03-10T00:00:00Z",
             "t10": "2026-03-10T00:10:00Z", "end99": "2026-03-10T10:00:00Z"},
            {"brand": "甲", "topic": "价格", "shape": "slow", "t0": "2026-03-20T00:00:00Z",
             "end99": "2026-03-20T10:00:00Z"},
        ]))
        .unwrap();
        let incidents = [
            // In the warm-up: not counted.
            incident("2026-03-01T00:00:00Z", None, Severity::Alert),
            incident("2026-03-10T00:20:00Z", Some("质量"), Severity::Watch),
            incident("2026-03-10T00:40:00Z", Some("质量"), Severity::Alert),
            // Another topic of the brand: false, and one with the next.
            incident("2026-03-10T01:00:00Z", Some("价格"), Severity::Watch),
            incident("2026-03-10T06:00:00Z", Some("价格"), Severity::Watch),
            // Before six hours after the end, without a topic.
            incident("2026-03-20T15:59:00Z", None, Severity::Watch),
            incident("2026-03-20T16:00:00Z", None, Severity::Watch),
        ];
        let stretch = Stretch {
            brands: BTreeSet::from(["甲".to_owned()]),
            from: "2026-03-02T00:00:00Z".parse().unwrap(),
            to: "2026-04-01T00:00:00Z".parse().unwrap(),
        };
        let scores = score(&incidents, &crises, &stretch);
        let watch = &scores.levels["watch"];
        assert_eq!((watch.crises, watch.found), (2, 2));
        assert!((watch.false_alerts - 2.0).abs() < 1e-9, "{watch:?}");
        assert_eq!(watch.within_15_minutes, Some(1.0));
        let alert = &scores.levels["alert"];
        assert_eq!((alert.crises, alert.found), (2, 1));
        assert!(alert.false_alerts.abs() < 1e-9);
        assert_eq!(
            (alert.within_15_minutes, alert.within_60_minutes),
            (Some(0.0), Some(1.0))
        );
    }
}
