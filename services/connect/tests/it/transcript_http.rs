//! Transcripts that are asked for: one address, a list of calls, and a list of where they lie, at platforms that fail in each
//! way that the contract knows.

use serde_json::{Value, json};

use crate::mock::{Mock, Reply};
use crate::site::Site;

fn config(mock: &Mock, path: &str, over: Value) -> Value {
    let mut http = json!({
        "url": format!("{}{path}", mock.address),
        "pull": { "allow_private": true, "per_minute": 6_000, "every_seconds": 3_600 },
    });
    for (key, value) in over.as_object().unwrap() {
        http[key] = value.clone();
    }
    let source = json!({ "kind": "transcript", "name": "line", "brand": "鹿汀茶饮", "http": http });
    json!({ "listen": "127.0.0.1:0", "pseudonym_key": "0123456789abcdef", "sources": [source] })
}

async fn through(site: &Site, config: Value) {
    let mut run = site.start_with(config);
    run.until(|progress| progress.all_through).await;
    run.stop().await.unwrap();
}

fn call(id: &str, text: &str) -> Value {
    json!({
        "call_id": id, "started_at": "2026-01-02T03:04:05Z", "whole": true,
        "turns": [{"role": "customer", "begin_ms": 0, "end_ms": 900, "text": text}],
    })
}

/// An analysis of Contact Lens, whose call is told by the file's name alone.
fn analysis(text: &str) -> Reply {
    Reply::json(json!({
        "JobStatus": "COMPLETED", "Participants": [],
        "Transcript": [{"BeginOffsetMillis": 0, "EndOffsetMillis": 900, "ParticipantId": "CUSTOMER", "Content": text}],
    }))
}

/// Native id, revision and words of all that was taken in, in order.
async fn said(site: &Site) -> Vec<(String, u32, String)> {
    let events = site.events().await.into_iter();
    let mut said: Vec<_> = events.map(|e| (e.native_id, e.revision, e.text)).collect();
    said.sort();
    said.dedup();
    said
}

fn owned(id: &str, revision: u32, text: &str) -> (String, u32, String) {
    (id.to_owned(), revision, text.to_owned())
}

#[tokio::test]
async fn an_address_is_asked_for_what_changed_and_a_changed_call_is_a_revision() {
    let mut answers = 0;
    let mock = Mock::start(move |asked| {
        answers += 1;
        match (answers, asked.header("if-none-match")) {
            (1, None) => {
                Reply::json(json!([call("a", "漏水"), call("b", "太慢")])).header("etag", "\"v1\"")
            }
            (2, Some("\"v1\"")) => Reply::new(304, ""),
            (3, Some("\"v1\"")) => {
                Reply::json(json!([call("a", "还在漏水")])).header("etag", "\"v2\"")
            }
            _ => Reply::new(500, "not what was asked for"),
        }
    })
    .await;
    let site = Site::new().await;
    for _ in 0..3 {
        through(&site, config(&mock, "/calls", json!({}))).await;
    }
    assert_eq!(mock.asked().len(), 3);
    assert_eq!(
        said(&site).await,
        [
            owned("call:a", 0, "漏水"),
            owned("call:a", 1, "还在漏水"),
            owned("call:b", 0, "太慢")
        ]
    );
}

#[tokio::test]
async fn a_list_of_calls_is_read_page_by_page_and_a_wrong_one_is_a_dead_letter() {
    let mock = Mock::start(|asked| {
        let calls = match asked.query("page").as_deref() {
            Some("1") => vec![call("a", "漏水"), json!({"turns": 3})],
            _ => vec![call("c", "涨价")],
        };
        Reply::json(json!({ "code": 0, "data": { "calls": calls } }))
    })
    .await;
    let site = Site::new().await;
    let over = json!({
        "auth": { "kind": "bearer", "secret": "k1" }, "items": "$.data.calls", "paging": { "kind": "page", "size": 2 },
        "success": { "path": "$.code", "equals": 0 },
    });
    through(&site, config(&mock, "/calls?page={{page}}", over)).await;
    assert_eq!(mock.uris(), ["/calls?page=1", "/calls?page=2"]);
    assert_eq!(mock.asked()[1].header("authorization"), Some("Bearer k1"));
    assert_eq!(
        said(&site).await,
        [owned("call:a", 0, "漏水"), owned("call:c", 0, "涨价")]
    );
    assert_eq!(site.dead_letters().await.len(), 1);
}

fn listing(host: &str, version: &str) -> Reply {
    Reply::json(json!({ "files": [
        { "url": "files/c-1_analysis_2026.json?sign=x", "etag": version },
        { "url": "/gone.json", "etag": "1" },
        { "url": format!("{host}/bucket/c-2.json?X-Signature=abc"), "etag": "1" },
        { "name": "no address" },
    ]}))
}

fn documents(hosts: Value) -> Value {
    json!({
        "auth": { "kind": "header", "name": "x-key", "secret": "k1" }, "items": "$.files",
        "document": { "url": "$.url", "version": "$.etag", "hosts": hosts },
    })
}

#[tokio::test]
async fn listed_documents_are_read_once_and_again_when_the_list_says_that_they_changed() {
    let bucket = Mock::start(|_| analysis("涨价")).await;
    let host = bucket.address.clone();
    let mut asked_for_first = 0;
    let mut lists = 0;
    let mock = Mock::start(move |asked| match asked.uri.path() {
        "/lists/today" => {
            lists += 1;
            listing(&host, if lists < 3 { "1" } else { "2" })
        }
        "/lists/files/c-1_analysis_2026.json" => {
            asked_for_first += 1;
            match asked_for_first {
                1 => Reply::new(503, "busy"),
                2 => Reply::new(429, "too many").header("retry-after", "0"),
                3 => analysis("漏水"),
                _ => analysis("漏水了"),
            }
        }
        _ => Reply::new(404, ""),
    })
    .await;
    let site = Site::new().await;
    for _ in 0..3 {
        through(
            &site,
            config(&mock, "/lists/today", documents(json!(["127.0.0.1"]))),
        )
        .await;
    }
    let asked = mock.uris();
    let files = |name: &str| asked.iter().filter(|uri| uri.contains(name)).count();
    assert_eq!(
        (files("c-1"), files("gone"), files("lists/today")),
        (4, 1, 3),
        "{asked:?}"
    );
    // Another host is asked once, and without the secret.
    assert_eq!(bucket.uris(), ["/bucket/c-2.json?X-Signature=abc"]);
    assert_eq!(bucket.asked()[0].header("x-key"), None);
    assert!(
        mock.asked()
            .iter()
            .all(|asked| asked.header("x-key") == Some("k1"))
    );
    assert_eq!(
        said(&site).await,
        [
            owned("connect:c-1", 0, "漏水"),
            owned("connect:c-1", 1, "漏水了"),
            owned("connect:c-2", 0, "涨价"),
        ]
    );
    assert!(site.dead_letters().await[0].reason.contains("no address"));
}

#[tokio::test]
async fn a_document_on_a_host_that_was_not_named_stops_the_source_and_says_what_to_do() {
    let mock = Mock::start(|_| listing("https://elsewhere.example.com", "1")).await;
    let site = Site::new().await;
    let run = site.start_with(config(&mock, "/lists/today", documents(json!([]))));
    let told = run.until_waiting("connect-line").await;
    assert!(
        told.contains("elsewhere.example.com") && told.contains("http.document.hosts"),
        "{told}"
    );
    run.stop().await.unwrap();
    assert!(site.events().await.is_empty());
    assert_eq!(mock.asked().len(), 1);
}

#[tokio::test]
async fn a_crash_within_a_page_reads_what_is_left_of_it() {
    let mut mended = false;
    let mock = Mock::start(move |asked| match asked.uri.path() {
        "/list" if asked.header("if-none-match").is_some() => Reply::new(304, ""),
        "/list" => {
            Reply::json(json!({ "files": [{ "url": "/one.json" }, { "url": "/two.json" }] }))
                .header("etag", "\"v1\"")
        }
        "/one.json" => Reply::json(call("one", "漏水")),
        _ if mended => Reply::json(call("two", "太慢")),
        _ => {
            mended = true;
            Reply::new(403, "not yet")
        }
    })
    .await;
    let site = Site::new().await;
    let config = || config(&mock, "/list", documents(json!([])));
    // What is fetched while the bus is away is fetched again.
    site.shut_the_door();
    let run = site.start_with(config());
    run.until_waiting("connect").await;
    run.stop().await.unwrap();
    assert!(site.events().await.is_empty());
    site.open_the_door();

    // The second document is refused; the first is durable, and how the list looked does not count yet.
    let run = site.start_with(config());
    let told = run.until_waiting("connect-line").await;
    assert!(
        told.contains("stopped") && told.contains("not yet"),
        "{told}"
    );
    run.stop().await.unwrap();
    for _ in 0..2 {
        through(&site, config()).await;
    }
    let uris = mock.uris();
    assert_eq!(
        uris.iter().filter(|uri| *uri == "/two.json").count(),
        2,
        "{uris:?}"
    );
    let ones = uris.iter().filter(|uri| *uri == "/one.json").count();
    assert!(ones <= 2, "{uris:?}");
    assert_eq!(
        said(&site).await,
        [owned("call:one", 0, "漏水"), owned("call:two", 0, "太慢")]
    );
}

/// A page of the list of the documentation: documents by one address, apart by the call, with ids, versions and times.
fn recordings(host: &str, calls: &[(&str, &str, &str)]) -> Reply {
    let list: Vec<Value> = calls
        .iter()
        .map(|(id, etag, at)| {
            json!({ "transcript_url": format!("{host}/get?call={id}&sign=new"), "call_id": id, "etag": etag, "updated_at": at })
        })
        .collect();
    Reply::json(json!({ "data": { "list": list } }))
}

#[tokio::test]
async fn the_documented_list_is_walked_from_where_it_was_read_to() {
    let mut walk = 0;
    let mock = Mock::start(move |asked| {
        if asked.uri.path() == "/get" {
            // Contact Lens does not tell the call: the list does.
            return analysis(&format!("漏水 {}", asked.query("call").unwrap()));
        }
        let page = asked.query("page");
        walk += usize::from(page.as_deref() == Some("1"));
        match (walk, page.as_deref()) {
            (1, Some("1")) => recordings(
                "",
                &[
                    ("a", "1", "2026-01-02T03:00:00Z"),
                    ("b", "1", "2026-01-02T04:00:00Z"),
                ],
            ),
            (1, _) => recordings("", &[("c", "1", "2026-01-02T05:00:00Z")]),
            (2, _) => recordings("", &[("c", "1", "2026-01-02T05:00:00Z")]),
            // What had not been listed for a walk is asked for again: nothing is remembered of it.
            _ => recordings("", &[("b", "1", "2026-01-02T05:30:00Z")]),
        }
    })
    .await;
    let site = Site::new().await;
    let over = json!({
        "headers": { "x-tenant": "t1" }, "auth": { "kind": "bearer", "secret": "k1" }, "items": "$.data.list",
        "paging": { "kind": "page", "size": 2 }, "since": { "path": "$.updated_at", "overlap_seconds": 0 },
        "document": { "url": "$.transcript_url", "id": "$.call_id", "version": "$.etag" },
    });
    for _ in 0..3 {
        through(
            &site,
            config(&mock, "/list?after={{since}}&page={{page}}", over.clone()),
        )
        .await;
    }
    let asked = mock.asked();
    let read = |id: &str| {
        asked
            .iter()
            .filter(|a| a.query("call").as_deref() == Some(id))
            .count()
    };
    assert_eq!(
        (read("a"), read("b"), read("c")),
        (1, 2, 1),
        "{:?}",
        mock.uris()
    );
    let after: Vec<_> = asked.iter().filter_map(|a| a.query("after")).collect();
    assert_eq!(
        after[2..],
        ["2026-01-02T05:00:00Z", "2026-01-02T05:00:00Z"],
        "{after:?}"
    );
    for asked in &asked {
        assert_eq!(asked.header("x-tenant"), Some("t1"), "{asked:?}");
        assert_eq!(
            asked.header("authorization"),
            Some("Bearer k1"),
            "{asked:?}"
        );
    }
    assert_eq!(
        said(&site).await,
        [
            owned("connect:a", 0, "漏水 a"),
            owned("connect:b", 0, "漏水 b"),
            owned("connect:c", 0, "漏水 c"),
        ]
    );
}

#[tokio::test]
async fn a_document_that_cannot_be_had_is_a_dead_letter_and_the_others_are_read() {
    let mut signature = 0;
    let bucket = Mock::start(|asked| match asked.uri.path() {
        // Its first signature has run out when it is asked for; another document is refused whatever the signature.
        "/late.json" if asked.query("sign").as_deref() != Some("1") => {
            Reply::json(call("late", "太慢"))
        }
        "/long.json" => Reply::new(200, "长".repeat(2_000_000)),
        "/wrong.json" => Reply::new(400, "wrong"),
        _ => Reply::new(403, "no"),
    })
    .await;
    let host = bucket.address.clone();
    let mock = Mock::start(move |asked| match asked.uri.path() {
        "/list" => {
            signature += 1;
            let names = ["late", "never", "long", "wrong"];
            let mut files: Vec<Value> = names
                .iter()
                .map(|name| json!({ "url": format!("{host}/{name}.json?sign={signature}") }))
                .collect();
            files.push(json!({ "url": "ftp://127.0.0.1/x.json" }));
            files.push(json!({ "url": "/last.json" }));
            Reply::json(json!({ "files": files }))
        }
        _ => Reply::json(call("last", "漏水")),
    })
    .await;
    let site = Site::new().await;
    let mut config = config(&mock, "/list", documents(json!(["127.0.0.1"])));
    config["sources"][0]["http"]["pull"]["max_answer_bytes"] = json!(4_194_304);
    through(&site, config).await;
    assert_eq!(
        said(&site).await,
        [owned("call:last", 0, "漏水"), owned("call:late", 0, "太慢")]
    );
    let mut reasons: Vec<String> = site
        .dead_letters()
        .await
        .into_iter()
        .map(|d| d.reason)
        .collect();
    reasons.sort();
    reasons.dedup();
    for part in ["403", "400", "more than", "no address of HTTP"] {
        assert!(
            reasons.iter().any(|reason| reason.contains(part)),
            "{part}: {reasons:#?}"
        );
    }
    let refused = bucket
        .uris()
        .iter()
        .filter(|uri| uri.contains("/never"))
        .count();
    assert_eq!(refused, 2, "with a new signature, once");
}

#[tokio::test]
async fn a_wrong_call_of_an_array_is_alone_and_a_page_about_a_failure_is_not_remembered() {
    let mut answers = 0;
    let mock = Mock::start(move |asked| {
        answers += 1;
        match (answers, asked.header("if-none-match")) {
            (1, None) => Reply::new(200, "<html>busy</html>").header("etag", "\"e\""),
            (2, None) => {
                Reply::json(json!([call("a", "漏水"), {"turns": 3}])).header("etag", "\"v1\"")
            }
            (3, Some("\"v1\"")) => Reply::new(304, ""),
            // Another address was never seen.
            (4, None) => Reply::json(json!([call("b", "太慢")])),
            _ => Reply::new(500, "not what was asked for"),
        }
    })
    .await;
    let site = Site::new().await;
    for path in ["/calls", "/calls", "/calls", "/others"] {
        through(&site, config(&mock, path, json!({}))).await;
    }
    assert_eq!(mock.asked().len(), 4);
    assert_eq!(
        said(&site).await,
        [owned("call:a", 0, "漏水"), owned("call:b", 0, "太慢")]
    );
    assert_eq!(site.dead_letters().await.len(), 2);
}
