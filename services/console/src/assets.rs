//! The page is part of the binary: what is served is what was tested, and nothing is loaded from outside.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::Console;
use crate::problem::Problem;

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        /// Every file of the page, by its path below `web/`.
        const FILES: &[(&str, &[u8])] = &[$(($path, include_bytes!(concat!("../web/", $path)))),*];
    };
}

files![
    "index.html",
    "icon.svg",
    "boot.js",
    "css/act.css",
    "css/base.css",
    "css/names.css",
    "css/parts.css",
    "css/views.css",
    "js/actions.js",
    "js/alert.js",
    "js/alerts.js",
    "js/api.js",
    "js/app.js",
    "js/chart.js",
    "js/clock.js",
    "js/detection.js",
    "js/dom.js",
    "js/feedback.js",
    "js/format.js",
    "js/handling.js",
    "js/hot.js",
    "js/i18n.js",
    "js/live.js",
    "js/login.js",
    "js/names.js",
    "js/overview.js",
    "js/parts.js",
    "js/ratings.js",
    "js/system.js",
    "js/text_en.js",
    "js/text_zh.js",
    "vendor/htm-3.1.1.js",
    "vendor/preact-10.29.8.js",
    "vendor/preact-hooks-10.29.8.js",
    "vendor/uplot-1.6.32.css",
    "vendor/uplot-1.6.32.js",
];

/// The page's files with their entity tags.
#[derive(Debug)]
pub(crate) struct Assets {
    files: HashMap<&'static str, Asset>,
}

#[derive(Debug)]
struct Asset {
    content: &'static [u8],
    kind: &'static str,
    tag: HeaderValue,
}

impl Assets {
    pub(crate) fn new() -> Self {
        let files = FILES
            .iter()
            .filter_map(|(path, content)| {
                let mut hasher = DefaultHasher::new();
                content.hash(&mut hasher);
                let tag = HeaderValue::from_str(&format!("\"{:016x}\"", hasher.finish())).ok()?;
                let kind = kind(path);
                Some((*path, Asset { content, kind, tag }))
            })
            .collect();
        Self { files }
    }
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// `GET /`
pub(crate) async fn index(State(console): State<Console>, headers: HeaderMap) -> Response {
    serve(&console.assets, "index.html", &headers)
}

/// `GET /{path}`: the fallback, so that it never answers for the interface.
pub(crate) async fn file(
    State(console): State<Console>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return Problem::method_not_allowed().into_response();
    }
    serve(
        &console.assets,
        uri.path().trim_start_matches('/'),
        &headers,
    )
}

fn serve(assets: &Assets, path: &str, headers: &HeaderMap) -> Response {
    let Some(asset) = assets.files.get(path) else {
        return Problem::not_found("there is nothing at this address").into_response();
    };
    // Always asked again, and answered 304 in the usual case: after an upgrade no page mixes old and new files.
    let caching = [
        (header::ETAG, asset.tag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    let unchanged = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|tag| tag.trim().trim_start_matches("W/").as_bytes() == asset.tag.as_bytes());
    if unchanged {
        return (axum::http::StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind))];
    (caching, kind, asset.content).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use sha2::Digest as _;

    use super::*;

    fn on_disk(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                on_disk(&path, root, found);
            } else {
                found.insert(
                    path.strip_prefix(root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned(),
                );
            }
        }
    }

    #[test]
    fn every_file_of_the_page_is_served() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        let mut found = BTreeSet::new();
        on_disk(&root, &root, &mut found);
        found.retain(|path| !path.ends_with(".LICENSE") && !path.ends_with(".md"));
        let served: BTreeSet<String> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(served, found);
    }

    #[test]
    fn vendored_libraries_are_those_that_the_table_names() {
        let table = include_str!("../web/vendor/VENDORED.md");
        for (path, content) in FILES {
            let Some(name) = path.strip_prefix("vendor/") else {
                continue;
            };
            let digest: String = sha2::Sha256::digest(content)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let row = table
                .lines()
                .find(|line| line.contains(&format!("| `{name}` |")))
                .unwrap();
            assert!(row.contains(&digest), "{name} is not the file of the table");
        }
    }

    #[test]
    fn a_file_that_the_browser_has_is_not_sent_again() {
        let assets = Assets::new();
        let first = serve(&assets, "index.html", &HeaderMap::new());
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        let second = serve(&assets, "index.html", &headers);
        assert_eq!(second.status(), axum::http::StatusCode::NOT_MODIFIED);
    }
}
