//! What a person must mend stops its own source, says which words the platform had for it, and leaves all others alone.

use std::collections::BTreeMap;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use serde_json::{Value, json};

use super::{pushes, sources};
use crate::process::{Process, eventually};
use crate::site::Site;

/// The refusals for good of the platforms, by source, as each documents its own.
fn refusals() -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        (
            "kf",
            json!({"errcode": 60020, "errmsg": "not allow to access from your ip"}),
        ),
        (
            "crm",
            json!({"code": 40013, "msg": "the application is locked"}),
        ),
        ("wjx", json!({"result": false, "errormsg": "签名错误"})),
        (
            "wjqq",
            json!({"code": "Error", "error": {"type": "permission_denied", "message": "no"}, "request_id": "r"}),
        ),
        (
            "weibo",
            json!({"error": "expired_token", "error_code": 21327, "request": "/2/statuses/mentions.json"}),
        ),
        (
            "tccc",
            json!({"Response": {"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "no"}, "RequestId": "r"}}),
        ),
    ])
}

/// What is answered to a request: the token that precedes it, a refusal, or an empty feed.
fn answer(method: &Method, uri: &Uri) -> (StatusCode, String) {
    let refusals = refusals();
    let told = |source: &str| (StatusCode::OK, refusals[source].to_string());
    let path = uri.path();
    let token = json!({"errcode": 0, "access_token": "t", "expires_in": 7200});
    match path {
        "/cgi-bin/gettoken" | "/crm/token" => (StatusCode::OK, token.to_string()),
        "/api/oauth2/access_token" => {
            let data = json!({"code": "OK", "data": {"access_token": "t", "expires_in": 7200}, "request_id": "r"});
            (StatusCode::OK, data.to_string())
        }
        "/rss" => (
            StatusCode::OK,
            "<rss version=\"2.0\"><channel></channel></rss>".to_owned(),
        ),
        _ if path.starts_with("/cgi-bin/") => told("kf"),
        _ if path.starts_with("/crm/") => told("crm"),
        _ if path.starts_with("/openapi/") => told("wjx"),
        _ if path.starts_with("/api/") => told("wjqq"),
        // This platform says it with HTTP's 403, too.
        _ if path.starts_with("/2/") => (StatusCode::FORBIDDEN, refusals["weibo"].to_string()),
        _ if path.contains("/customerreviews/") => (StatusCode::OK, r#"{"feed": {}}"#.to_owned()),
        _ if method == Method::POST => told("tccc"),
        _ => (StatusCode::NOT_FOUND, String::new()),
    }
}

/// The figure of a series, if it is told.
fn figure(metrics: &str, series: &str) -> Option<f64> {
    let line = metrics.lines().find(|line| line.starts_with(series))?;
    line.rsplit_once(' ')?.1.parse().ok()
}

async fn ops(process: &mut Process, path: &str) -> (StatusCode, String) {
    let address = process.operations().await;
    let answer = reqwest::get(format!("http://{address}{path}"))
        .await
        .unwrap();
    (answer.status(), answer.text().await.unwrap())
}

#[tokio::test]
async fn what_a_person_must_mend_stops_its_own_source_and_no_other() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    let platforms = Router::new().fallback(async |method: Method, uri: Uri| answer(&method, &uri));
    tokio::spawn(async move { axum::serve(listener, platforms).await });
    let mut site = Site::new();
    sources::write_files(&site, "in");
    sources::write_calls(&site);
    site.configure(sources::settings(&site, &host));
    let mut process = site.up(&[]);
    let address = process.ingest().await;
    pushes::send_all(&address, "n1").await;

    for (source, refusal) in refusals() {
        let stopped = format!("wensheng_connect_pull_stopped_streams{{source=\"{source}\"}}");
        let class = format!(
            "wensheng_connect_pull_requests_total{{source=\"{source}\",class=\"fatal-config\"}}"
        );
        eventually(&format!("{source} stops for {refusal}"), async || {
            let (_, metrics) = ops(&mut process, "/metrics").await;
            let stopped = figure(&metrics, &stopped)? > 0.0;
            (stopped && figure(&metrics, &class)? > 0.0).then_some(())
        })
        .await;
    }
    // A platform that refuses is no reason to take this process out of service, and what it said is told.
    let (status, health) = ops(&mut process, "/readyz").await;
    assert_eq!(status, StatusCode::OK, "{health}");
    for words in [
        "60020",
        "40013",
        "签名错误",
        "permission_denied",
        "21327",
        "AuthFailure",
    ] {
        assert!(health.contains(words), "{words} is missing in {health}");
    }
    let (_, metrics) = ops(&mut process, "/metrics").await;
    for well in ["feed", "files"] {
        let stopped = format!("wensheng_connect_pull_stopped_streams{{source=\"{well}\"}}");
        assert!(
            figure(&metrics, &stopped).unwrap_or_default() == 0.0,
            "{well}"
        );
    }
    // What others gave is in the store: files, and what was pushed, also to sources whose other side is refused.
    eventually("what other sources gave", async || {
        let ledger = site.ledger().await;
        let there = ledger
            .figure("(SELECT COUNT(DISTINCT source) FROM feedback WHERE source IN ('files', 'calls', 'webhook', 'typeform', 'tccc', 'wjx'))")
            .await;
        (there == 6).then_some(())
    })
    .await;
    assert!(process.is_running());
    process.stop().await;
}
