//! The configuration with a source of each kind, and the files that some of them read.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::{AES_KEY, APP, CORP, SECRET, TOKEN, WJX_KEY, WJX_PUSH_KEY, at, local, pushes, words};
use crate::site::Site;

/// The brand of a source: one each, so that windows tell them apart.
pub(super) fn brand(source: &str) -> String {
    format!("鹿汀茶饮 {source}")
}

/// A source of each kind, against the platforms at `host`.
pub(super) fn settings(site: &Site, host: &str) -> Value {
    let pull = json!({ "allow_private": true, "every_seconds": 3_600, "per_minute": 60_000 });
    let mut sources = json!([
        {
            "kind": "tccc", "name": "tccc", "token": TOKEN, "satisfaction": { "不满意": 2 },
            "reconcile": { "sdk_app_id": 14, "secret_id": "AKID", "secret_key": "k", "host": host, "pull": pull },
        },
        { "kind": "transcript", "name": "transcript", "token": TOKEN },
        { "kind": "transcript", "name": "calls", "path": site.path().join("calls"), "poll_ms": 100 },
        { "kind": "vcon", "name": "vcon", "token": TOKEN },
        { "kind": "vcon", "name": "conversations", "path": site.path().join("vcons"), "poll_ms": 100 },
        { "kind": "wechat-oa", "name": "oa-plain", "token": TOKEN },
        { "kind": "wechat-oa", "name": "oa-aes", "token": TOKEN, "app_id": APP, "encoding_aes_key": AES_KEY },
        {
            "kind": "wecom-kf", "name": "kf", "corp_id": CORP, "secret": "s", "token": TOKEN, "encoding_aes_key": AES_KEY,
            "host": host, "pull": pull,
        },
        {
            "kind": "weibo", "name": "weibo", "access_token": "weibo-token", "host": host, "comment_mentions": false,
            "pull": pull,
        },
        { "kind": "feed", "name": "feed", "urls": [format!("{host}/rss")], "pull": pull },
        { "kind": "reviews", "name": "reviews", "host": host, "apps": [{ "id": "42" }], "pull": pull },
        {
            "kind": "http-pull", "name": "crm", "channel": "hotline", "pull": pull,
            "url": format!("{host}/crm/tickets?cursor={{{{cursor}}}}"),
            "auth": {
                "kind": "token", "url": format!("{host}/crm/token?key={{{{secret}}}}"), "secret": "crm&secret",
                "query": "access_token",
            },
            "paging": { "kind": "cursor", "cursor": "$.next", "more": "$.more", "keep": true },
            "items": "$.data.list",
            "fields": { "id": "$.id", "text": ["$.title", "$.body"], "occurred_at": "$.created" },
            "success": { "path": "$.code", "equals": 0 },
            "errors": { "path": "$.code", "message": "$.msg", "throttle": [429], "reauth": [40014], "fatal": [40013] },
        },
        {
            "kind": "files", "name": "files", "path": site.path().join("in"), "poll_ms": 100,
            "columns": { "id": "id", "text": "text", "occurred_at": "said" },
        },
        { "kind": "webhook", "name": "webhook", "token": TOKEN },
        {
            "kind": "wjx", "name": "wjx", "token": TOKEN, "push_key": WJX_PUSH_KEY, "surveys": [{ "id": "99709" }],
            "questions": [{ "question": "q12", "kind": "nps" }],
            "api": { "app_id": "demo-app", "app_key": WJX_KEY, "host": host, "pull": pull },
        },
        {
            "kind": "tencent-survey", "name": "wjqq", "token": TOKEN, "host": host, "app_id": "app", "secret": "s",
            "surveys": [{ "id": "5356056" }], "questions": [{ "question": "q-2", "kind": "nps" }], "pull": pull,
        },
        {
            "kind": "standard-webhooks", "name": "standard", "secrets": [SECRET],
            "questions": [{ "question": "likely", "kind": "nps" }],
        },
        {
            "kind": "formbricks", "name": "formbricks", "secrets": [SECRET],
            "questions": [{ "question": "nps", "kind": "nps" }],
        },
        { "kind": "typeform", "name": "typeform", "secrets": [SECRET] },
    ]);
    for source in sources.as_array_mut().expect("a list") {
        source["brand"] = json!(brand(source["name"].as_str().expect("a name")));
    }
    json!({
        "connect": { "sources": sources },
        // What alerts come of is tested elsewhere.
        "enrich": { "starter_rules": false },
        "aggregate": { "volume_rules": [] },
    })
}

/// The same rows in `folder`: UTF-8, GB18030, lines of JSON and gzip, one of them wrong.
pub(super) fn write_files(site: &Site, folder: &str) {
    let name = |file: &str| format!("{folder}/{file}");
    let table = |from: u64, to: u64| {
        let rows = (from..=to)
            .map(|number| format!("f{number},{},{}\n", words("files", number), local(number)));
        format!("id,text,said\n{}", rows.collect::<String>())
    };
    // The wrong one is told by file and line, so that it comes once.
    let wrong = match folder {
        "in" => "f99,,\n",
        _ => "",
    };
    site.write(&name("utf8.csv"), format!("{}{wrong}", table(1, 4)));
    let gb = table(5, 7).replace('\n', "\r\n");
    site.write(&name("gb.csv"), encoding_rs::GB18030.encode(&gb).0);
    let lines: String = (8..=10)
        .map(|number| {
            let line = json!({ "id": format!("f{number}"), "text": words("files", number), "said": at(number).to_string() });
            format!("{line}\n")
        })
        .collect();
    site.write(&name("lines.ndjson"), lines);
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(table(11, 13).as_bytes()).expect("pack");
    site.write(&name("packed.csv.gz"), packed.finish().expect("pack"));
}

/// Documents of calls in directories, one of them broken.
pub(super) fn write_calls(site: &Site) {
    let analysis = |number: u64| {
        json!({
            "JobStatus": "COMPLETED", "Participants": [],
            "Transcript": [{
                "BeginOffsetMillis": 0, "EndOffsetMillis": 900, "ParticipantId": "CUSTOMER",
                "Content": words("transcript", number),
            }],
        })
    };
    for number in [21, 22] {
        let said = at(number).strftime("%Y-%m-%dT%H:%M:%SZ");
        let file = format!("calls/day/contact-{number}_analysis_{said}.json");
        site.write(&file, analysis(number).to_string());
    }
    site.write("calls/broken.json", "{\"Transcript\": ");
    site.write("vcons/one.json", pushes::vcon("12").to_string());
}
