//! No other site can act through a visitor's browser, and no answer can be framed, sniffed or scripted.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::auth::relies_on_cookie;
use crate::problem::Problem;

/// The page sends it with everything that changes something. Another site cannot: a header of one's own needs a
/// preflight, which is never granted here.
const PAGE_HEADER: HeaderName = HeaderName::from_static("x-wensheng-console");

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Refuses changes that another site may have made, and adds the security headers to every answer.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    // A link's ticket is its own authority; no cookie is asked.
    let by_ticket = request.uri().path().starts_with("/act/");
    let mut response = if !safe && !by_ticket && from_elsewhere(request.headers()) {
        Problem::forbidden("this change does not come from the console's own page").into_response()
    } else {
        next.run(request).await
    };
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

fn from_elsewhere(headers: &HeaderMap) -> bool {
    if !relies_on_cookie(headers) {
        return false;
    }
    !headers.contains_key(PAGE_HEADER) || !origin_is_host(headers)
}

/// Browsers send `Origin` with every change; it must name the host that was asked.
fn origin_is_host(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let origin = origin.to_str().unwrap_or_default();
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    origin
        .split_once("://")
        .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_form_of_another_site_is_refused() {
        assert!(from_elsewhere(&headers(&[(
            header::COOKIE,
            "wensheng_token=t"
        )])));
        assert!(from_elsewhere(&headers(&[
            (PAGE_HEADER, "1"),
            (header::HOST, "console.example"),
            (header::ORIGIN, "https://evil.example"),
        ])));
    }

    #[test]
    fn the_page_and_tools_with_a_bearer_token_pass() {
        assert!(!from_elsewhere(&headers(&[
            (PAGE_HEADER, "1"),
            (header::HOST, "console.example"),
            (header::ORIGIN, "https://console.example"),
        ])));
        assert!(!from_elsewhere(&headers(&[(
            header::AUTHORIZATION,
            "Bearer t"
        )])));
    }
}
