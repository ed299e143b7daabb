//! Window totals for tools: as they are stored, or as a series.

use axum::Json;
use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use wensheng_schemas::{Channel, WindowSize, WindowTotal};
use wensheng_store::{Dimension, SeriesPoint, WindowFilter};

use super::{CHANNELS, Params, given, named, page_size};
use crate::Console;
use crate::auth::Visitor;
use crate::problem::Problem;

#[derive(Deserialize)]
pub(crate) struct Query {
    size: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    brand: Option<String>,
    channel: Option<String>,
    topic: Option<String>,
    by: Option<String>,
    limit: Option<u32>,
}

#[derive(Serialize)]
pub(crate) struct Windows {
    windows: Vec<WindowTotal>,
}

#[derive(Serialize)]
pub(crate) struct Series {
    size: WindowSize,
    from: Timestamp,
    to: Timestamp,
    points: Vec<SeriesPoint>,
}

impl Query {
    /// Windows of one minute over the last hour, where nothing else is said.
    fn filter(&mut self) -> Result<WindowFilter, Problem> {
        let size = named(
            "size",
            self.size.take(),
            WindowSize::from_name,
            "1m, 1h, 1d",
        )?
        .unwrap_or(WindowSize::Minute);
        let now = Timestamp::now();
        let to = self.to.unwrap_or(now);
        let from = match self.from {
            Some(from) => from,
            None => to
                .checked_sub(SignedDuration::from_hours(1))
                .map_err(|_| Problem::bad_request("`to` is out of range"))?,
        };
        if from >= to {
            return Err(Problem::bad_request("`from` must lie before `to`"));
        }
        let mut filter = WindowFilter::new(size, from, to);
        if let Some(brand) = given(self.brand.take()) {
            filter = filter.brand(brand);
        }
        if let Some(channel) = named("channel", self.channel.take(), Channel::from_name, CHANNELS)?
        {
            filter = filter.channel(channel);
        }
        if let Some(topic) = given(self.topic.take()) {
            filter = filter.topic(topic);
        }
        Ok(filter)
    }
}

/// `GET /api/v1/windows`
pub(crate) async fn windows(
    State(console): State<Console>,
    _: Visitor,
    Params(mut query): Params<Query>,
) -> Result<Json<Windows>, Problem> {
    let limit = page_size(query.limit, 1_000, 10_000)?;
    let filter = query.filter()?;
    let windows = console.store.windows(&filter, limit).await?;
    Ok(Json(Windows { windows }))
}

/// `GET /api/v1/series`
pub(crate) async fn series(
    State(console): State<Console>,
    _: Visitor,
    Params(mut query): Params<Query>,
) -> Result<Json<Series>, Problem> {
    let by = named("by", query.by.take(), dimension, "brand, channel, topic")?;
    let filter = query.filter()?;
    let points = console.store.series(&filter, by).await?;
    Ok(Json(Series {
        size: filter.size,
        from: filter.from,
        to: filter.to,
        points,
    }))
}

fn dimension(name: &str) -> Option<Dimension> {
    Some(match name {
        "brand" => Dimension::Brand,
        "channel" => Dimension::Channel,
        "topic" => Dimension::Topic,
        _ => return None,
    })
}
