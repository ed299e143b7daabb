//! What is counted by name: terms that rise against their own past, and answers on scales. Both over whole hours or days, the running one included.

use axum::Json;
use axum::extract::State;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::try_join;
use wensheng_schemas::{Channel, WindowSize};
use wensheng_store::{Dimension, HotFilter, HotTerm, RatedBy, RatedQuestion, WindowFilter};

use super::overview::Named;
use super::range::Range;
use super::{CHANNELS, Params, given, named, page_size};
use crate::Console;
use crate::auth::Visitor;
use crate::problem::Problem;

/// Questions of a page.
const QUESTIONS: u32 = 200;

#[derive(Deserialize)]
pub(crate) struct Query {
    range: Option<String>,
    brand: Option<String>,
    channel: Option<String>,
    limit: Option<u32>,
    by: Option<String>,
}

/// Present and past, in windows of `size`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Span {
    size: WindowSize,
    /// Where the past begins; `None` for all time, which has none.
    before: Option<Timestamp>,
    from: Timestamp,
    to: Timestamp,
}

#[derive(Serialize)]
pub(crate) struct HotTerms {
    now: Timestamp,
    range: &'static str,
    #[serde(flatten)]
    span: Span,
    volume: i64,
    volume_before: i64,
    terms: Vec<HotTerm>,
}

#[derive(Serialize)]
pub(crate) struct Ratings {
    now: Timestamp,
    range: &'static str,
    #[serde(flatten)]
    span: Span,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<RatedBy>,
    /// Net promoter score, satisfaction and effort of each brand …
    brands: Vec<Named>,
    /// … and of each channel.
    channels: Vec<Named>,
    questions: Vec<Question>,
}

/// The answers to a question with the figures that people read off them.
#[derive(Serialize)]
struct Question {
    #[serde(flatten)]
    rated: RatedQuestion,
    mean: Option<f64>,
    top_two_box: Option<f64>,
    nps: Option<f64>,
}

impl From<RatedQuestion> for Question {
    fn from(rated: RatedQuestion) -> Self {
        Self {
            mean: rated.count.sum.mean(),
            top_two_box: rated.count.sum.top_two_box(),
            nps: rated.count.nps(),
            rated,
        }
    }
}

/// The span of a range that ends with the window of `now`; `None` where it leaves representable time. The past is several times as long as the
/// present, so that chance weighs less in it, and covers whole days for all but the shortest, so that habits of the hour do not look like news.
fn span(range: Range, now: Timestamp, zone: &TimeZone) -> Option<Span> {
    const HOUR: i64 = 3_600;
    let (size, windows, before) = match range {
        // An hour that has just begun holds next to nothing: the one before belongs to it.
        Range::Hour => (WindowSize::Hour, 2, 24),
        Range::SixHours => (WindowSize::Hour, 6, 72),
        Range::Day => (WindowSize::Hour, 24, 168),
        Range::Week => (WindowSize::Day, 7, 28),
        Range::Month => (WindowSize::Day, 30, 90),
        Range::All => {
            return Some(Span {
                size: WindowSize::Day,
                before: None,
                from: Timestamp::MIN,
                to: Timestamp::MAX,
            });
        }
    };
    let seconds = if size == WindowSize::Hour {
        HOUR
    } else {
        24 * HOUR
    };
    let last = size.start(now, zone)?;
    // Half a window on, and down to the start: days of 23 or 25 hours do not shift it.
    let start = |windows: i64| {
        let away = SignedDuration::from_secs(windows * seconds + seconds / 2);
        size.start(last.checked_add(away).ok()?, zone)
    };
    Some(Span {
        size,
        before: Some(start(1 - windows - before)?),
        from: start(1 - windows)?,
        to: start(1)?,
    })
}

impl Query {
    fn read(self, console: &Console) -> Result<Asked, Problem> {
        let range =
            named("range", self.range, Range::from_name, Range::NAMES)?.unwrap_or(Range::Day);
        let now = Timestamp::now();
        let span = span(range, now, &console.zone)
            .ok_or_else(|| Problem::bad_request("the range leaves representable time"))?;
        Ok(Asked {
            now,
            range: range.name(),
            span,
            brand: given(self.brand),
            channel: named("channel", self.channel, Channel::from_name, CHANNELS)?,
            limit: page_size(self.limit, 30, 200)?,
        })
    }
}

struct Asked {
    now: Timestamp,
    range: &'static str,
    span: Span,
    brand: Option<String>,
    channel: Option<Channel>,
    limit: u32,
}

/// `GET /api/v1/hot-terms`
pub(crate) async fn hot_terms(
    State(console): State<Console>,
    _: Visitor,
    Params(query): Params<Query>,
) -> Result<Json<HotTerms>, Problem> {
    let asked = query.read(&console)?;
    let span = asked.span;
    let filter = HotFilter {
        size: span.size,
        before: span.before,
        from: span.from,
        to: span.to,
        brand: asked.brand,
        channel: asked.channel,
    };
    let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    let hot = console.store.hot_terms(&filter, limit).await?;
    Ok(Json(HotTerms {
        now: asked.now,
        range: asked.range,
        span,
        volume: hot.volume,
        volume_before: hot.volume_before,
        terms: hot.terms,
    }))
}

/// `GET /api/v1/ratings`
pub(crate) async fn ratings(
    State(console): State<Console>,
    _: Visitor,
    Params(mut query): Params<Query>,
) -> Result<Json<Ratings>, Problem> {
    let by = named("by", query.by.take(), RatedBy::from_name, RatedBy::NAMES)?;
    let asked = query.read(&console)?;
    let span = asked.span;
    let mut filter = WindowFilter::new(span.size, span.from, span.to);
    filter.brand = asked.brand;
    filter.channel = asked.channel;
    let store = &console.store;
    let (brands, channels, questions) = try_join!(
        store.sums(&filter, Dimension::Brand),
        store.sums(&filter, Dimension::Channel),
        store.ratings(&filter, by, QUESTIONS),
    )?;
    Ok(Json(Ratings {
        now: asked.now,
        range: asked.range,
        span,
        by,
        brands: brands.into_iter().map(Named::from).collect(),
        channels: channels.into_iter().map(Named::from).collect(),
        questions: questions.into_iter().map(Question::from).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: Range) -> Span {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        span(range, "2026-03-01T08:30:15Z".parse().unwrap(), &zone).unwrap()
    }

    #[test]
    fn the_past_ends_where_the_present_begins() {
        let told = |span: Span| [span.before.unwrap(), span.from, span.to].map(|at| at.to_string());
        assert_eq!(
            told(of(Range::Hour)),
            [
                "2026-02-28T07:00:00Z",
                "2026-03-01T07:00:00Z",
                "2026-03-01T09:00:00Z"
            ]
        );
        assert_eq!(
            told(of(Range::Week)),
            [
                "2026-01-25T16:00:00Z",
                "2026-02-22T16:00:00Z",
                "2026-03-01T16:00:00Z"
            ]
        );
        assert_eq!(of(Range::All).before, None);
    }
}
