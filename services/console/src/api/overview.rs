//! The first page in one answer: all its figures are about the same stretch of time and the same brand.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::try_join;
use wensheng_schemas::{Counts, WindowSize};
use wensheng_store::{AlertFilter, Dimension, SeriesPoint, Sum, WindowFilter};

use super::alerts::AlertCounts;
use super::range::{Range, Stretch};
use super::{Params, given, named};
use crate::Console;
use crate::auth::Visitor;
use crate::problem::Problem;
use crate::watch::ALERTS_WATCHED;

const TOPICS: usize = 12;
const KEYWORDS: usize = 30;

#[derive(Deserialize)]
pub(crate) struct Query {
    range: Option<String>,
    brand: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Overview {
    now: Timestamp,
    range: &'static str,
    size: WindowSize,
    from: Timestamp,
    to: Timestamp,
    time_zone: String,
    brand: Option<String>,
    brands: Vec<String>,
    /// Of the range.
    totals: Totals,
    /// Of the stretch before, for comparison.
    previous: Option<Totals>,
    today: Totals,
    authors: u64,
    alerts: AlertCounts,
    channels: Vec<Named>,
    topics: Vec<Named>,
    keywords: Vec<Keyword>,
    series: Vec<SeriesPoint>,
}

/// Counts with the figures that people read off them.
#[derive(Serialize)]
pub(crate) struct Totals {
    #[serde(flatten)]
    counts: Counts,
    negative_share: Option<f64>,
    mean_score: Option<f64>,
    nps: Option<f64>,
    csat: Option<f64>,
    ces: Option<f64>,
}

impl From<Counts> for Totals {
    fn from(counts: Counts) -> Self {
        Self {
            negative_share: (counts.volume > 0)
                .then(|| counts.negative as f64 / counts.volume as f64),
            mean_score: counts.mean_score(),
            nps: counts.nps(),
            csat: counts.csat(),
            ces: counts.ces(),
            counts,
        }
    }
}

#[derive(Serialize)]
pub(super) struct Named {
    name: String,
    #[serde(flatten)]
    totals: Totals,
}

impl From<Sum> for Named {
    fn from(sum: Sum) -> Self {
        Self {
            name: sum.name,
            totals: sum.counts.into(),
        }
    }
}

#[derive(Serialize)]
struct Keyword {
    term: String,
    count: i64,
}

/// `GET /api/v1/overview`
pub(crate) async fn overview(
    State(console): State<Console>,
    _: Visitor,
    Params(query): Params<Query>,
) -> Result<Json<Overview>, Problem> {
    let range = named("range", query.range, Range::from_name, Range::NAMES)?.unwrap_or(Range::Hour);
    let brand = given(query.brand);
    let now = Timestamp::now();
    let out_of_time = || Problem::bad_request("the range leaves representable time");
    let stretch = range.ending(now, &console.zone).ok_or_else(out_of_time)?;
    let midnight = WindowSize::Day
        .start(now, &console.zone)
        .ok_or_else(out_of_time)?;
    let filter = |size, from, to| {
        let filter = WindowFilter::new(size, from, to);
        match &brand {
            Some(brand) => filter.brand(brand.clone()),
            None => filter,
        }
    };
    let Stretch { size, from, to, .. } = stretch;
    let whole = filter(size, from, to);
    let today = filter(WindowSize::Day, midnight, to.max(now));
    let before = stretch
        .previous_from
        .map(|previous| filter(size, previous, from));
    let alerts = AlertFilter {
        brand: brand.clone(),
        open: Some(true),
        ..AlertFilter::default()
    };
    let store = &console.store;
    let previous = async {
        match &before {
            Some(before) => store.total(before).await.map(Some),
            None => Ok(None),
        }
    };
    let (totals, previous, today, authors, channels, topics, keywords, series, brands, alerts) = try_join!(
        store.total(&whole),
        previous,
        store.total(&today),
        store.authors(&whole),
        store.sums(&whole, Dimension::Channel),
        store.sums(&whole, Dimension::Topic),
        store.keywords(&whole, KEYWORDS),
        store.series(&whole, Some(Dimension::Channel)),
        store.brands(),
        store.alerts(&alerts, ALERTS_WATCHED),
    )?;
    Ok(Json(Overview {
        now,
        range: range.name(),
        size,
        from,
        to,
        time_zone: console.zone_name.to_string(),
        brand,
        brands,
        totals: totals.into(),
        previous: previous.map(Totals::from),
        today: today.into(),
        authors,
        alerts: AlertCounts::of(&alerts, now),
        channels: channels.into_iter().map(Named::from).collect(),
        topics: by_negative_share(topics),
        keywords: keywords
            .into_iter()
            .map(|(term, count)| Keyword { term, count })
            .collect(),
        series,
    }))
}

/// Topics with the most surely high share of discontent first: ordered by the lower bound of the Wilson interval (95 %),
/// so that one complaint out of one does not stand above fifty out of sixty (Wilson 1927).
fn by_negative_share(mut topics: Vec<Sum>) -> Vec<Named> {
    topics.retain(|sum| sum.counts.negative > 0);
    topics.sort_by(|a, b| wilson_lower(&b.counts).total_cmp(&wilson_lower(&a.counts)));
    topics.truncate(TOPICS);
    topics.into_iter().map(Named::from).collect()
}

fn wilson_lower(counts: &Counts) -> f64 {
    const Z: f64 = 1.96;
    if counts.volume <= 0 {
        return 0.0;
    }
    let n = counts.volume as f64;
    let p = counts.negative as f64 / n;
    let centre = p + Z * Z / (2.0 * n);
    let margin = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).max(0.0).sqrt();
    (centre - margin) / (1.0 + Z * Z / n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(name: &str, negative: i64, volume: i64) -> Sum {
        Sum {
            name: name.to_owned(),
            counts: Counts {
                volume,
                negative,
                ..Counts::default()
            },
        }
    }

    #[test]
    fn much_evidence_stands_above_one_voice() {
        let ordered = by_negative_share(vec![
            sum("one", 1, 1),
            sum("many", 50, 60),
            sum("none", 0, 10),
            sum("half", 300, 600),
        ]);
        let names: Vec<&str> = ordered.iter().map(|topic| topic.name.as_str()).collect();
        assert_eq!(names, ["many", "half", "one"]);
    }

    #[test]
    fn the_bound_is_that_of_the_paper() {
        // 50 of 60 at z = 1.96: 0.7196 (e.g. R: binom::binom.wilson(50, 60)).
        let bound = wilson_lower(&sum("", 50, 60).counts);
        assert!((bound - 0.7196).abs() < 0.0005, "{bound}");
    }
}
