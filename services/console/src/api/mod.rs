//! Everything below `/api/v1`; described in `openapi.json`, which a test holds against these routes.

mod actions;
mod alerts;
mod corrections;
mod detection;
mod drills;
mod feedback;
mod names;
mod overview;
mod range;
mod session;
mod system;
mod windows;

use axum::Router;
use axum::extract::{FromRequestParts, Query};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::de::DeserializeOwned;

use crate::Console;
use crate::problem::Problem;
use crate::stream::stream;

const OPENAPI: &str = include_str!("openapi.json");

pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/login", post(session::login))
        .route("/logout", post(session::logout))
        .route("/me", get(session::me))
        .route("/overview", get(overview::overview))
        .route("/series", get(windows::series))
        .route("/windows", get(windows::windows))
        .route("/hot-terms", get(names::hot_terms))
        .route("/ratings", get(names::ratings))
        .route("/feedback", get(feedback::feedback))
        .route("/feedback/{id}", get(feedback::one))
        .route("/feedback/{id}/correction", post(corrections::correct))
        .route("/corrections", get(corrections::corrections))
        .route("/alerts", get(alerts::alerts))
        .route("/alerts/{id}", get(alerts::one))
        .route("/alerts/{id}/timeline", get(alerts::timeline))
        .route("/alerts/{id}/{action}", post(actions::act))
        .route("/precision", get(detection::precision))
        .route("/rises", get(detection::rises))
        .route("/drills", post(drills::start))
        .route("/deliveries", get(system::deliveries))
        .route("/dead-letters", get(system::dead_letters))
        .route("/sources", get(system::sources))
        .route("/totals", get(system::totals))
        .route("/health", get(system::health))
        .route("/audit", get(system::audit))
        .route("/stream", get(stream))
        .route("/openapi.json", get(openapi))
        .fallback(async || Problem::not_found("no such address; see /api/v1/openapi.json"))
}

async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI)
}

/// The query of a request, refused with a problem document where it is wrong.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Query(params) = Query::try_from_uri(&parts.uri)?;
        Ok(Self(params))
    }
}

/// A page holds at least one row and at most `most`.
fn page_size(asked: Option<u32>, usual: u32, most: u32) -> Result<u32, Problem> {
    match asked {
        None => Ok(usual),
        Some(limit) if (1..=most).contains(&limit) => Ok(limit),
        Some(_) => Err(Problem::bad_request(format!(
            "limit must be between 1 and {most}"
        ))),
    }
}

/// An empty filter is none: forms send `brand=`.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// The value of that stable name, or a problem that lists the names.
fn named<T>(
    field: &str,
    name: Option<String>,
    from_name: impl Fn(&str) -> Option<T>,
    names: &str,
) -> Result<Option<T>, Problem> {
    match given(name) {
        None => Ok(None),
        Some(name) => from_name(&name)
            .map(Some)
            .ok_or_else(|| Problem::bad_request(format!("{field} {name:?} is not one of {names}"))),
    }
}

const CHANNELS: &str = "hotline, wechat, weibo, social, survey, review, interview, other";

#[cfg(test)]
mod tests {
    /// The routes as they stand above, with their methods.
    const ROUTES: [(&str, &str); 27] = [
        ("/login", "post"),
        ("/logout", "post"),
        ("/me", "get"),
        ("/overview", "get"),
        ("/series", "get"),
        ("/windows", "get"),
        ("/hot-terms", "get"),
        ("/ratings", "get"),
        ("/feedback", "get"),
        ("/feedback/{id}", "get"),
        ("/feedback/{id}/correction", "post"),
        ("/corrections", "get"),
        ("/alerts", "get"),
        ("/alerts/{id}", "get"),
        ("/alerts/{id}/timeline", "get"),
        ("/alerts/{id}/{action}", "post"),
        ("/precision", "get"),
        ("/rises", "get"),
        ("/drills", "post"),
        ("/deliveries", "get"),
        ("/dead-letters", "get"),
        ("/sources", "get"),
        ("/totals", "get"),
        ("/health", "get"),
        ("/audit", "get"),
        ("/stream", "get"),
        ("/openapi.json", "get"),
    ];

    #[test]
    fn the_openapi_document_tells_of_every_route_and_of_no_other() {
        let document: serde_json::Value = serde_json::from_str(super::OPENAPI).unwrap();
        let mut told: Vec<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                methods
                    .as_object()
                    .unwrap()
                    .keys()
                    .filter(|key| *key != "parameters")
                    .map(move |method| (path.clone(), method.clone()))
            })
            .collect();
        told.sort();
        let mut routes: Vec<(String, String)> = ROUTES
            .iter()
            .map(|(path, method)| ((*path).to_owned(), (*method).to_owned()))
            .collect();
        routes.sort();
        assert_eq!(told, routes);
        let source = include_str!("mod.rs");
        for (path, method) in ROUTES {
            assert!(
                source.contains(&format!(".route(\"{path}\", {method}(")),
                "{method} {path} is not routed"
            );
        }
        assert_eq!(source.matches("\n        .route(\"").count(), ROUTES.len());
    }
}
