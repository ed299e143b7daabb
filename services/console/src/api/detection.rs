//! How good detection is: what became of the alerts of each rule; and what it noted for information.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wensheng_schemas::Signal;

use super::range::Range;
use super::{Params, given, named, page_size};
use crate::Console;
use crate::auth::Visitor;
use crate::problem::Problem;

#[derive(Deserialize)]
pub(crate) struct PrecisionQuery {
    range: Option<String>,
    brand: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Precision {
    range: &'static str,
    from: Timestamp,
    to: Timestamp,
    #[serde(flatten)]
    precision: wensheng_store::Precision,
}

/// `GET /api/v1/precision`
pub(crate) async fn precision(
    State(console): State<Console>,
    _: Visitor,
    Params(query): Params<PrecisionQuery>,
) -> Result<Json<Precision>, Problem> {
    let range =
        named("range", query.range, Range::from_name, Range::NAMES)?.unwrap_or(Range::Month);
    let stretch = range
        .ending(Timestamp::now(), &console.zone)
        .ok_or_else(|| Problem::bad_request("the range leaves representable time"))?;
    let brand = given(query.brand);
    let precision = console
        .store
        .precision(brand.as_deref(), stretch.from, stretch.to)
        .await?;
    Ok(Json(Precision {
        range: range.name(),
        from: stretch.from,
        to: stretch.to,
        precision,
    }))
}

#[derive(Deserialize)]
pub(crate) struct RisesQuery {
    brand: Option<String>,
    limit: Option<u32>,
}

#[derive(Serialize)]
pub(crate) struct Rises {
    rises: Vec<Signal>,
}

/// `GET /api/v1/rises`
pub(crate) async fn rises(
    State(console): State<Console>,
    _: Visitor,
    Params(query): Params<RisesQuery>,
) -> Result<Json<Rises>, Problem> {
    let limit = page_size(query.limit, 50, 500)?;
    let brand = given(query.brand);
    let rises = console.store.rises(brand.as_deref(), limit).await?;
    Ok(Json(Rises { rises }))
}
