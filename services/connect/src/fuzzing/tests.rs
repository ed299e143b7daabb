//! The fuzz targets on a stable toolchain: published payloads, changed at random, for `WENSHENG_FUZZ_SECONDS` (3) in all.
//! `WENSHENG_SEED` repeats a run; `WENSHENG_FUZZ_SEEDS` names a folder that the payloads are written to, for cargo-fuzz to begin with.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::{SOURCES, Source, wechat_seal, xml};

const DOCUMENTS: [&str; 3] = [
    include_str!("../../tests/fixtures/hotline-and-wechat.json"),
    include_str!("../../tests/wire/surveys-and-social.json"),
    include_str!("../../tests/wire/own-schemes.json"),
];

/// What files, feeds and other JSON APIs give, which have no published payloads.
const OTHERS: [&str; 5] = [
    "id,text,nps\r\na,\"排队\"\"两小时\"\"\n太久\",11\r\nb,电话13800138000,3\r\n",
    "{\"id\":9007199254740993,\"body\":{\"text\":\"等太久\"}}\n{\"id\":1,\"id\":2,\"body\":{\"text\":[]}}\n",
    "<?xml version=\"1.0\" encoding=\"GBK\"?><rss><channel><item><guid>g</guid><title><![CDATA[a]]>&#x4e2d;&amp;</title>\
     <pubDate>Sat, 31 Jan 2026 08:30:00 +0800</pubDate></item></channel></rss>",
    "{\"code\":0,\"next\":\"c\",\"more\":1,\"data\":{\"list\":[{\"id\":1,\"title\":\"a\",\"body\":\"b\",\
     \"created\":\"2026-01-31 08:30:00\",\"score\":\"7\",\"order\":{\"no\":1}}]}}",
    "{\"type\":\"feedback.created\",\"data\":{\"id\":\"n\",\"text\":\"微信号 abc12345，身份证 110101199003077758\",\
     \"rating\":4,\"rating_scale\":\"0-10\",\"scores\":{\"csat\":1},\"author\":{\"id\":\"u\",\"followers\":3}}}",
];

/// Bytes that parsers stumble over.
const TOKENS: [&[u8]; 16] = [
    b"\"",
    b"\\u0000",
    b"\xff\xfe",
    b"\xe4\xb8",
    b"[[[[[[[[",
    b"{\"a\":",
    b"<![CDATA[",
    b"]]>",
    b"<!DOCTYPE a [",
    b"&#0;",
    b"9223372036854775808",
    b"-1",
    b"1e999",
    b"null",
    b"\0",
    b"+8613800138000",
];

/// What takes any bytes.
type Target = Box<dyn Fn(&[u8])>;

fn seeds() -> Vec<Vec<u8>> {
    let published = DOCUMENTS.iter().flat_map(|document| {
        let document: Value = serde_json::from_str(document).unwrap();
        let fixtures = document["fixtures"].as_array().unwrap().clone();
        fixtures.into_iter().map(|fixture| match &fixture["body"] {
            Value::String(text) => text.clone().into_bytes(),
            other => other.to_string().into_bytes(),
        })
    });
    let others = OTHERS.iter().map(|text| text.as_bytes().to_vec());
    published.chain(others).collect()
}

/// Changes `bytes` in a few places, or puts a part of `other` into them.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], dice: &mut StdRng) {
    for _ in 0..dice.random_range(0..6) {
        let at = dice.random_range(0..=bytes.len());
        match dice.random_range(0..6) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] = dice.random(),
            2 => {
                let token = TOKENS[dice.random_range(0..TOKENS.len())];
                bytes.splice(at..at, token.iter().copied());
            }
            3 => {
                let end = (at + dice.random_range(0..20)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 if !other.is_empty() => {
                let from = dice.random_range(0..other.len());
                let to = (from + dice.random_range(0..60)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            _ => {
                let end = (at + dice.random_range(0..40)).min(bytes.len());
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
        }
    }
}

#[test]
fn whatever_comes_is_read_or_refused() {
    let variable = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse::<u64>().ok())
    };
    let seconds = variable("WENSHENG_FUZZ_SECONDS").unwrap_or(3);
    let seed = variable("WENSHENG_SEED").unwrap_or_else(rand::random);
    let mut dice = StdRng::seed_from_u64(seed);
    let seeds = seeds();
    if let Some(folder) = std::env::var_os("WENSHENG_FUZZ_SEEDS").map(PathBuf::from) {
        std::fs::create_dir_all(&folder).unwrap();
        for (number, bytes) in seeds.iter().enumerate() {
            std::fs::write(folder.join(number.to_string()), bytes).unwrap();
        }
    }
    let sources = SOURCES.map(|(name, _)| (name, Source::named(name).unwrap()));
    let mut targets: Vec<(&str, Target)> = vec![
        ("wechat-seal", Box::new(wechat_seal)),
        ("xml", Box::new(xml)),
    ];
    for (name, source) in sources {
        // As they were published they go everywhere, however little time there is.
        for bytes in &seeds {
            source.feed(bytes);
        }
        targets.push((
            name,
            Box::new(move |bytes| {
                source.feed(bytes);
            }),
        ));
    }
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut fed = 0_u64;
    while Instant::now() < until {
        let mut bytes = seeds[dice.random_range(0..seeds.len())].clone();
        let other = &seeds[dice.random_range(0..seeds.len())];
        mutate(&mut bytes, other, &mut dice);
        for (name, target) in &targets {
            fed += 1;
            if catch_unwind(AssertUnwindSafe(|| target(&bytes))).is_err() {
                panic!(
                    "{name} broke, with WENSHENG_SEED={seed}, on {:?}",
                    String::from_utf8_lossy(&bytes)
                );
            }
        }
    }
    println!("{fed} inputs in {seconds} s, seed {seed}");
}

/// What a source is fed, and what in it tells a person.
type Told = (&'static str, Value, &'static [&'static str]);

fn told() -> Vec<Told> {
    let fixture = |id: &str| {
        let mut all = DOCUMENTS.iter().flat_map(|document| {
            let document: Value = serde_json::from_str(document).unwrap();
            document["fixtures"].as_array().unwrap().clone()
        });
        let found = all.find(|fixture| fixture["id"] == id);
        found.unwrap_or_else(|| panic!("there is no fixture {id}"))["body"].clone()
    };
    let mut survey = fixture("tencent.survey.webhook");
    survey["code"] = json!("OK");
    survey["data"] = json!({ "list": [survey["payload"]] });
    let mut submission = fixture("wjx.push");
    submission["openid"] = json!("oZB6q5c-wjx");
    let calls =
        json!({ "Response": { "TotalCount": 1, "TelCdrs": [fixture("tencent.tccc.cdr")] } });
    vec![
        (
            "weibo",
            fixture("weibo.statuses.mentions"),
            &["1404376560", "zaku"],
        ),
        (
            "weibo",
            fixture("weibo.comments.to_me"),
            &["1404376560", "zaku"],
        ),
        (
            "reviews",
            fixture("appstore.rss"),
            &["reviews/id1", "用户A"],
        ),
        (
            "wecom-kf",
            fixture("wecom.kf.sync_msg.page1"),
            &["wmAJ2GCAAAme1XQRC", "zhangsan"],
        ),
        ("wechat-oa", fixture("wx.oa.text"), &["fromUser"]),
        ("tencent-survey", survey, &["60000000001", "127.0.0.1"]),
        ("wjx-redirect", submission, &["oZB6q5c-wjx", "1.2.3.4"]),
        (
            "tccc",
            fixture("tencent.tccc.cdr"),
            &["18600000000", "lululing", "璐璐"],
        ),
        (
            "tccc",
            fixture("tencent.tccc.imcdr"),
            &["oZB6q5c-tuMEz", "小君君"],
        ),
        ("tccc", calls, &["18600000000", "lululing", "璐璐"]),
        (
            "transcript",
            fixture("aliyun.ccc.TextStream"),
            &["13888888888"],
        ),
        ("vcon", fixture("vcon.text"), &["13900000000", "张三"]),
        (
            "files-ndjson",
            json!({ "id": "n", "body": { "text": "等太久" }, "user": { "id": "member-4711" } }),
            &["member-4711"],
        ),
        (
            "webhook",
            json!({ "type": "feedback.created", "data": { "id": "n", "text": "等太久",
                "author": { "id": "member-4711", "followers": 3 } } }),
            &["member-4711"],
        ),
    ]
}

/// What was staged of these bytes, as it goes over the bus.
fn records(source: &Source, bytes: &[u8]) -> (u64, u64, String) {
    let batch = source.taken(bytes);
    let values = batch
        .records
        .iter()
        .filter_map(|record| record.value.as_ref());
    let written: Vec<_> = values.map(|value| String::from_utf8_lossy(value)).collect();
    (batch.events, batch.dead_letters, written.join("\n"))
}

fn bytes_of(body: &Value) -> Vec<u8> {
    match body {
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    }
}

#[test]
fn no_event_of_any_source_holds_who_wrote_it() {
    let mut events = std::collections::BTreeSet::new();
    for (name, body, people) in told() {
        let (taken, _, written) = records(&Source::named(name).unwrap(), &bytes_of(&body));
        // Calls without words are no events yet, but are written down, too.
        assert!(!written.is_empty(), "{name} gave nothing");
        if taken > 0 {
            events.insert(name);
        }
        for person in people {
            assert!(!written.contains(person), "{name}: {person} in {written}");
        }
    }
    for name in [
        "weibo",
        "reviews",
        "wecom-kf",
        "wechat-oa",
        "tencent-survey",
        "wjx-redirect",
        "vcon",
        "webhook",
    ] {
        assert!(events.contains(name), "{name} gave no event");
    }
}

/// Whatever is wrong with it: here, no text may have more than a byte, or a call has lost its id.
#[test]
fn no_dead_letter_of_any_source_holds_who_wrote_it() {
    let mut letters = std::collections::BTreeSet::new();
    for (name, mut body, people) in told() {
        for id in ["SessionId", "contactId", "uuid"] {
            if let Some(fields) = body.as_object_mut() {
                fields.remove(id);
            }
        }
        if let Some(call) = body.pointer_mut("/Response/TelCdrs/0") {
            call["SessionId"] = Value::Null;
        }
        let source = Source::with_texts_up_to(name, 1).unwrap();
        let (_, refused, written) = records(&source, &bytes_of(&body));
        if refused > 0 {
            letters.insert(name);
        }
        for person in people {
            assert!(!written.contains(person), "{name}: {person} in {written}");
        }
    }
    for name in told().iter().map(|(name, ..)| *name) {
        assert!(letters.contains(name), "{name} gave no dead letter");
    }
}

/// A proxy's page, a gateway's words, another system behind the same address: none of them says that nobody complained.
#[test]
fn an_answer_that_is_not_the_platforms_own_is_asked_for_again() {
    let others = [
        json!({}),
        json!({ "status": "login required" }),
        json!({ "data": null, "msg": "ok" }),
        json!({ "code": 0, "data": {} }),
        json!({ "code": "OK" }),
        json!({ "code": "OK", "data": {} }),
        json!({ "errcode": 0 }),
        json!({ "result": true }),
        json!({ "result": true, "data": {} }),
        json!({ "Response": { "RequestId": "r" } }),
        json!("ok"),
        json!(null),
    ];
    for name in [
        "weibo",
        "reviews",
        "wecom-kf",
        "wjx",
        "tencent-survey",
        "tccc",
        "feed",
        "transcript-http",
    ] {
        let source = Source::named(name).unwrap();
        let pull = source.pull.unwrap();
        for other in &others {
            let classes = pull.classes(other.to_string().as_bytes());
            assert!(!classes.is_empty(), "{name}");
            assert!(
                classes.iter().all(|class| *class == "retry"),
                "{name}: {other}: {classes:?}"
            );
        }
    }
}

/// A list that cannot be read is a matter for a person, and no page of it a dead letter at each walk.
#[test]
fn a_list_that_weibo_refuses_stops_and_is_no_dead_letter() {
    let source = Source::named("weibo").unwrap();
    for code in [20_101, 10_014, 21_327] {
        let refusal = json!({ "error": "target weibo does not exist!", "error_code": code });
        let bytes = bytes_of(&refusal);
        let classes = source.pull.as_ref().unwrap().classes(&bytes);
        assert!(
            classes.iter().all(|class| *class == "fatal-config"),
            "{code}: {classes:?}"
        );
        assert_eq!(source.taken(&bytes).dead_letters, 0);
    }
}
