//! A new source is configuration: each way of paging, each class of refusal, over real HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use crate::mock::{Mock, Reply};
use crate::site::Site;

fn source(mock: &Mock, over: Value) -> Value {
    let mut source = json!({
        "kind": "http-pull", "name": "crm", "brand": "山岚茶饮", "channel": "hotline",
        "url": format!("{}/tickets?page={{{{page}}}}&size={{{{size}}}}", mock.address),
        "paging": { "kind": "page", "size": 2 },
        "items": "$.data.list",
        "fields": { "id": "$.id", "text": ["$.title", "$.body"], "occurred_at": "/created", "csat": "$.score" },
        "attributes": { "order": "$.order.no" },
        "scales": { "csat": { "from": 1, "to": 10 } },
        "success": { "path": "$.code", "equals": 0 },
        "errors": { "path": "$.code", "message": "$.msg", "throttle": [429], "reauth": ["40014"], "fatal": [40013], "item": [500100] },
        "pull": { "allow_private": true, "per_minute": 6_000, "every_seconds": 3_600 },
    });
    for (key, value) in over.as_object().unwrap() {
        source[key] = value.clone();
    }
    json!([source])
}

fn ticket(id: u64) -> Value {
    json!({
        "id": id, "title": "杯子漏水", "body": format!("第{id}次了"), "created": "2026-01-31 08:30:00", "score": "1",
        "order": { "no": 7 },
    })
}

fn tickets(ids: &[u64]) -> Reply {
    let list: Vec<Value> = ids.iter().map(|id| ticket(*id)).collect();
    Reply::json(json!({ "code": 0, "data": { "list": list } }))
}

#[tokio::test]
async fn pages_become_events_field_by_field() {
    let mock = Mock::start(|asked| match asked.query("page").unwrap().as_str() {
        "1" => tickets(&[1, 2]),
        _ => tickets(&[3]),
    })
    .await;
    let site = Site::new().await;
    let mut run = site.start(source(
        &mock,
        json!({ "auth": { "kind": "bearer", "secret": "k1" } }),
    ));
    run.until(|progress| progress.all_through).await;
    run.stop().await.unwrap();
    assert_eq!(
        mock.uris(),
        ["/tickets?page=1&size=2", "/tickets?page=2&size=2"]
    );
    assert_eq!(mock.asked()[0].header("authorization"), Some("Bearer k1"));
    let events = site.events().await;
    let ids: Vec<&str> = events
        .iter()
        .map(|event| event.native_id.as_str())
        .collect();
    assert_eq!(ids, ["1", "3", "2"], "by place and line");
    assert_eq!(events[0].text, "杯子漏水\n第1次了");
    assert_eq!(events[0].scores.csat, Some(1));
    assert_eq!(events[0].attributes["order"], "7");
    assert_eq!(
        events[0].occurred_at,
        "2026-01-31T00:30:00Z".parse().unwrap()
    );
    assert_eq!(
        events[0].provenance.place.as_deref(),
        Some(format!("{}/tickets", mock.address).as_str())
    );
}

#[tokio::test]
async fn a_cursor_goes_on_over_empty_pages_and_over_restarts() {
    let site = Site::new().await;
    let mock = Mock::start(|asked| {
        let page = |ids: &[u64], next: &str, more: u8| {
            let list: Vec<Value> = ids.iter().map(|id| ticket(*id)).collect();
            Reply::json(json!({ "code": 0, "data": { "list": list }, "next": next, "more": more }))
        };
        match asked.query("cursor").unwrap().as_str() {
            "" => page(&[1], "c/1", 1),
            "c/1" => page(&[], "c 2", 1),
            "c 2" => page(&[2], "c3", 0),
            _ => page(&[], "c3", 0),
        }
    })
    .await;
    let over = json!({
        "url": format!("{}/sync?cursor={{{{cursor}}}}", mock.address),
        "paging": { "kind": "cursor", "cursor": "$.next", "more": "$.more", "keep": true },
    });
    for _ in 0..2 {
        let mut run = site.start(source(&mock, over.clone()));
        run.until(|progress| progress.all_through).await;
        run.stop().await.unwrap();
    }
    assert_eq!(
        mock.uris(),
        [
            "/sync?cursor=",
            "/sync?cursor=c%2F1",
            "/sync?cursor=c%202",
            "/sync?cursor=c3"
        ]
    );
    assert_eq!(site.events().await.len(), 2);
}

#[tokio::test]
async fn what_was_read_is_the_watermark_of_the_next_walk() {
    let site = Site::new().await;
    let mock = Mock::start(|_| tickets(&[9, 10])).await;
    let over = json!({
        "url": format!("{}/t?since={{{{since}}}}", mock.address), "paging": { "kind": "none" },
        "since": { "format": "%Y-%m-%d %H:%M:%S", "first": "2026-01-01T00:00:00Z", "overlap_seconds": 60 },
    });
    for _ in 0..2 {
        let mut run = site.start(source(&mock, over.clone()));
        run.until(|progress| progress.all_through).await;
        run.stop().await.unwrap();
    }
    let over = json!({
        "url": format!("{}/t?above={{{{since_id}}}}", mock.address), "paging": { "kind": "none" },
        "since": { "by": "id" }, "name": "by-id",
    });
    for _ in 0..2 {
        let mut run = site.start(source(&mock, over.clone()));
        run.until(|progress| progress.all_through).await;
        run.stop().await.unwrap();
    }
    let asked: Vec<_> = mock
        .asked()
        .iter()
        .map(|asked| asked.query("since").or(asked.query("above")).unwrap())
        .collect();
    assert_eq!(
        asked,
        ["2026-01-01 08:00:00", "2026-01-31 08:29:00", "0", "10"]
    );
    let mut ids: Vec<_> = site
        .events()
        .await
        .into_iter()
        .map(|event| event.id)
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4, "repeats have the same ids");
}

#[tokio::test]
async fn links_are_followed_on_the_host_alone() {
    let mock = Mock::start(|asked| match asked.uri.path() {
        "/tickets" => tickets(&[1]).header(
            "link",
            "</more?after=1>; rel=\"next\", </tickets>; rel=\"first\"",
        ),
        _ => tickets(&[2]).header("link", "<https://elsewhere.example.com/x>; rel=\"next\""),
    })
    .await;
    let site = Site::new().await;
    let over = json!({ "url": format!("{}/tickets", mock.address), "paging": { "kind": "link" } });
    let run = site.start(source(&mock, over));
    let told = run.until_waiting("connect-crm").await;
    assert!(told.contains("another host"), "{told}");
    run.stop().await.unwrap();
    assert_eq!(mock.uris(), ["/tickets", "/more?after=1"]);
}

#[tokio::test]
async fn a_token_is_asked_for_and_renewed_when_it_is_refused() {
    let mut given = 0;
    let mock = Mock::start(move |asked| match asked.uri.path() {
        "/token" => {
            given += 1;
            Reply::json(json!({ "access_token": format!("t{given}"), "expires_in": 7200 }))
        }
        _ if asked.query("access_token").as_deref() == Some("t2") => tickets(&[1]),
        _ => Reply::json(json!({ "code": 40014, "msg": "invalid access_token" })),
    })
    .await;
    let site = Site::new().await;
    let over = json!({ "auth": {
        "kind": "token", "url": format!("{}/token?key={{{{secret}}}}", mock.address), "secret": "s&t",
        "query": "access_token",
    }});
    let mut run = site.start(source(&mock, over));
    run.until(|progress| progress.all_through).await;
    run.stop().await.unwrap();
    let paths: Vec<String> = mock
        .asked()
        .iter()
        .map(|asked| asked.uri.path().to_owned())
        .collect();
    assert_eq!(paths, ["/token", "/tickets", "/token", "/tickets"]);
    assert_eq!(mock.asked()[0].query("key").as_deref(), Some("s&t"));
    assert_eq!(site.events().await.len(), 1);
}

#[tokio::test]
async fn refusals_have_their_classes() {
    // Busy, throttled with a time, unreadable, then well.
    let mut answers = vec![
        tickets(&[1]),
        Reply::json(json!({ "code": 500100, "msg": "this page is broken" })),
        Reply::json(json!({ "code": 429 })).header("retry-after", "0"),
        Reply::json(json!({ "code": 99, "msg": "系统繁忙" })),
    ];
    let mock = Mock::start(move |_| match answers.len() {
        1 => answers[0].clone(),
        _ => answers.pop().unwrap(),
    })
    .await;
    let site = Site::new().await;
    let mut run = site.start(source(
        &mock,
        json!({ "paging": { "kind": "none" }, "url": format!("{}/t", mock.address), "pull": {
            "allow_private": true, "per_minute": 6_000, "every_seconds": 1,
        }}),
    ));
    run.until(|progress| progress.rows_read >= 2).await;
    run.stop().await.unwrap();
    assert_eq!(site.events().await[0].native_id, "1");
    let letters = site.dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert!(
        letters[0].reason.contains("this page is broken"),
        "{}",
        letters[0].reason
    );
}

#[tokio::test]
async fn what_a_person_must_mend_stops_the_source_and_says_what() {
    let mock =
        Mock::start(|_| Reply::json(json!({ "code": "40013", "msg": "invalid appid" }))).await;
    let site = Site::new().await;
    let run = site.start(source(&mock, json!({})));
    let told = run.until_waiting("connect-crm").await;
    assert!(
        told.contains("invalid appid") && told.contains("stopped"),
        "{told}"
    );
    assert!(run.handle.health.report().is_alive());
    run.stop().await.unwrap();
    assert_eq!(mock.asked().len(), 1);
}

#[tokio::test]
async fn an_answer_beyond_its_bound_and_an_address_inside_are_refused() {
    let mock = Mock::start(|_| Reply::new(200, vec![b' '; 5_000])).await;
    let site = Site::new().await;
    let over = json!({ "pull": { "allow_private": true, "max_answer_bytes": 4_096 } });
    let run = site.start(source(&mock, over));
    let told = run.until_waiting("connect-crm").await;
    assert!(told.contains("max_answer_bytes"), "{told}");
    run.stop().await.unwrap();

    let config = json!({ "sources": source(&mock, json!({ "pull": {} })) });
    let told = wensheng_runtime::parse::<wensheng_connect::Config>(&config.to_string(), &|_| None);
    let told = told.unwrap_err().to_string();
    assert!(
        told.contains("sources[0].url") && told.contains("allow_private"),
        "{told}"
    );
    assert_eq!(mock.asked().len(), 1);
}

#[tokio::test]
async fn a_redirect_stays_on_the_host() {
    let elsewhere = Mock::start(|_| tickets(&[1])).await;
    let target = elsewhere.address.clone();
    let mock = Mock::start(move |asked| match asked.uri.path() {
        "/tickets" => Reply::new(302, "").header("location", "/moved"),
        _ => Reply::new(302, "").header("location", target.clone()),
    })
    .await;
    let site = Site::new().await;
    let run = site.start(source(&mock, json!({})));
    let told = run.until_waiting("connect-crm").await;
    assert!(told.contains("not followed"), "{told}");
    run.stop().await.unwrap();
    let paths: Vec<String> = mock
        .asked()
        .iter()
        .map(|asked| asked.uri.path().to_owned())
        .collect();
    assert_eq!(paths, ["/tickets", "/moved"]);
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn while_the_bus_is_away_nothing_is_asked_for_twice() {
    let mock = Mock::start(|asked| match asked.query("page").unwrap().as_str() {
        "1" => tickets(&[1, 2]),
        _ => tickets(&[3]),
    })
    .await;
    let site = Site::new().await;
    site.shut_the_door();
    let mut run = site.start(source(&mock, json!({})));
    while mock.asked().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(
        mock.asked().len(),
        1,
        "the page is not committed, so that no other is asked for"
    );
    site.open_the_door();
    run.until(|progress| progress.all_through).await;
    run.stop().await.unwrap();
    assert_eq!(mock.asked().len(), 2);
    assert_eq!(site.events().await.len(), 3);
}

#[tokio::test]
async fn a_post_carries_its_body_filled_in() {
    let mock = Mock::start(|_| tickets(&[1])).await;
    let site = Site::new().await;
    let over = json!({
        "url": format!("{}/query", mock.address), "method": "post", "body": "{\"page\": {{page}}, \"after\": \"{{since}}\"}",
        "since": { "format": "epoch_s", "first": "2026-01-01T00:00:00Z" },
    });
    let mut run = site.start(source(&mock, over));
    run.until(|progress| progress.all_through).await;
    run.stop().await.unwrap();
    assert_eq!(
        mock.asked()[0].json(),
        json!({ "page": 1, "after": "1767225600" })
    );
}

#[tokio::test]
async fn the_apis_of_the_large_clouds_are_asked_with_their_signatures() {
    let mock = Mock::start(|_| tickets(&[1])).await;
    let site = Site::new().await;
    let host = |query: &str| format!("{}/{query}", mock.address);
    let plain = json!({ "kind": "none" });
    let tencent = json!({
        "name": "tencent", "url": host(""), "method": "post", "body": "{\"Offset\": 0}", "paging": plain,
        "auth": { "kind": "tc3", "secret_id": "AKID", "secret": "key", "service": "asr", "action": "DescribeTasks",
                  "version": "2019-06-14", "region": "ap-guangzhou" },
    });
    let alibaba = json!({
        "name": "alibaba", "url": host("?JsonStr={{since}}"), "paging": plain,
        "auth": { "kind": "aliyun-rpc", "access_key_id": "LTAI", "secret": "key", "action": "GetResult",
                  "version": "2019-01-15", "region": "cn-hangzhou" },
    });
    for over in [tencent, alibaba] {
        let mut run = site.start(source(&mock, over));
        run.until(|progress| progress.all_through).await;
        run.stop().await.unwrap();
    }
    let asked = mock.asked();
    let header = asked[0].header("authorization").unwrap();
    assert!(
        header.starts_with("TC3-HMAC-SHA256 Credential=AKID/"),
        "{header}"
    );
    assert_eq!(asked[0].header("x-tc-action"), Some("DescribeTasks"));
    assert_eq!(asked[0].header("x-tc-region"), Some("ap-guangzhou"));
    assert_eq!(asked[0].json(), json!({ "Offset": 0 }));
    for name in ["JsonStr", "Signature", "SignatureNonce", "Timestamp"] {
        assert!(
            asked[1].query(name).is_some_and(|value| !value.is_empty()),
            "{name}"
        );
    }
    assert_eq!(asked[1].query("Action").as_deref(), Some("GetResult"));
    assert_eq!(site.events().await.len(), 2);
}

/// What SurveyMonkey and Qualtrics send holds no answers: it has the source asked at once, long before its time.
#[tokio::test]
async fn a_push_without_items_has_the_source_asked_at_once() {
    const DOCUMENT: &str = include_str!("../wire/own-schemes.json");
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let fixture = |id: &str| {
        let fixtures = document["fixtures"].as_array().unwrap();
        fixtures.iter().find(|f| f["id"] == id).unwrap()["body"].clone()
    };
    let mock = Mock::start(|asked| match asked.query("page").unwrap().as_str() {
        "1" => tickets(&[1]),
        page => panic!("page {page}"),
    })
    .await;
    let site = Site::new().await;
    let mut run = site.start(source(
        &mock,
        json!({ "push": { "token": "0123456789abcdef" } }),
    ));
    run.until(|progress| progress.all_through).await;
    let url = format!("http://{}/ingest/crm", run.address().await);
    let client = reqwest::Client::new();
    let stranger = client.post(&url).body("{}").send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    let form = "application/x-www-form-urlencoded";
    let pushes = [
        (
            form,
            fixture("qualtrics.event").as_str().unwrap().to_owned(),
        ),
        (
            "application/json",
            fixture("surveymonkey.event").to_string(),
        ),
    ];
    for (number, (kind, body)) in pushes.into_iter().enumerate() {
        let push = client.post(format!("{url}?token=0123456789abcdef"));
        let push = push.header("content-type", kind).body(body);
        assert_eq!(push.send().await.unwrap().status(), 200);
        // Once at the start, and once for each push so far.
        while mock.asked().len() < number + 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    run.stop().await.unwrap();
    // What is asked for again has the same id.
    let events = site.events().await;
    assert!(!events.is_empty() && events.iter().all(|event| event.native_id == "1"));
}
