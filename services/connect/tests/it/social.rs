//! Feeds, reviews and Weibo against platforms that answer as the real ones do, and fail as they do.

use serde_json::{Value, json};
use wensheng_schemas::Channel;

use crate::mock::{Mock, Reply};
use crate::site::Site;
use crate::wire::fixture;

const KEY: &str = "a key for pseudonyms";

fn pull() -> Value {
    json!({ "allow_private": true, "per_minute": 6_000, "every_seconds": 3_600 })
}

fn weibo(mock: &Mock, over: Value) -> Value {
    let mut source = json!({
        "kind": "weibo", "name": "brand-weibo", "brand": "山岚茶饮", "access_token": "tok", "host": mock.address,
        "comment_mentions": false, "pull": pull(),
    });
    for (key, value) in over.as_object().unwrap() {
        source[key] = value.clone();
    }
    json!({ "listen": "127.0.0.1:0", "pseudonym_key": KEY, "sources": [source] })
}

/// Runs until all is read.
async fn through(site: &Site, config: Value) {
    let mut run = site.start_with(config);
    run.until(|progress| progress.all_through).await;
    run.stop().await.unwrap();
}

#[tokio::test]
async fn mentions_and_comments_are_read_and_then_only_what_is_newer() {
    let (statuses, expected) = fixture("weibo.statuses.mentions");
    let (comments, expected_comment) = fixture("weibo.comments.to_me");
    let mock = Mock::start(move |asked| {
        let known = asked.query("since_id").is_some() || asked.query("max_id").is_some();
        Reply::json(match asked.uri.path() {
            "/2/statuses/mentions.json" if known => json!({ "statuses": [], "total_number": 16 }),
            "/2/statuses/mentions.json" => statuses.clone(),
            _ if known => json!({ "comments": [] }),
            _ => comments.clone(),
        })
    })
    .await;
    let site = Site::new().await;
    for _ in 0..2 {
        through(&site, weibo(&mock, json!({}))).await;
    }
    assert_eq!(mock.asked()[0].header("authorization"), Some("OAuth2 tok"));
    let asked = mock.asked();
    let since: Vec<_> = asked
        .iter()
        .filter_map(|asked| asked.query("since_id"))
        .collect();
    let below = asked.iter().filter_map(|asked| asked.query("max_id"));
    assert_eq!(below.count(), 2, "each list until a page is empty");
    assert_eq!(
        since,
        [
            expected["since_id_next"].to_string(),
            "12438492184".to_owned()
        ]
    );
    let events = site.events().await;
    assert_eq!(events.len(), 2);
    let comment = &events[0];
    assert_eq!(comment.native_id, "weibo:comment:12438492184");
    assert_eq!(
        comment.reply_to.as_deref(),
        Some("weibo:status:11488058246")
    );
    assert_eq!(comment.occurred_at.to_string(), expected_comment["ts_utc"]);
    let status = &events[1];
    assert_eq!(status.native_id, "weibo:status:11488058246");
    assert_eq!(status.occurred_at.to_string(), expected["ts_utc"]);
    assert_eq!(status.text, "求关注。");
    assert_eq!(status.attributes["client"], "新浪微博");
    assert_eq!(status.region.as_deref(), Some("北京 朝阳区"));
    let reach = status.reach.as_ref().unwrap();
    assert_eq!((reach.reposts, reach.comments), (8, 9));
    assert_eq!(status.author.as_ref().unwrap().followers, Some(1_204));
    assert_eq!(
        status.author.as_ref().unwrap().key,
        comment.author.as_ref().unwrap().key
    );
    assert_eq!(status.channel, Channel::Weibo);
}

#[tokio::test]
async fn a_throttled_account_waits_for_the_next_hour_and_an_ended_token_for_a_person() {
    let (refusal, _) = fixture("weibo.error.rate");
    let mock = Mock::start(move |_| Reply::new(403, refusal.to_string())).await;
    let site = Site::new().await;
    let run = site.start_with(weibo(&mock, json!({ "comments": false })));
    let told = run.until_waiting("connect-brand-weibo").await;
    assert!(
        told.contains("out of rate limit") && !told.contains("stopped"),
        "{told}"
    );
    run.stop().await.unwrap();

    let mock = Mock::start(|_| {
        Reply::new(
            400,
            json!({ "error": "expired_token", "error_code": 21327 }).to_string(),
        )
    })
    .await;
    let run = site.start_with(weibo(&mock, json!({ "comments": false })));
    let told = run.until_waiting("connect-brand-weibo").await;
    assert!(
        told.contains("authorise") && told.contains("stopped"),
        "{told}"
    );
    run.stop().await.unwrap();
}

#[tokio::test]
async fn search_is_asked_only_where_it_is_paid_for() {
    // Of no comments the platform gives a list alone.
    let mock = Mock::start(|asked| match asked.uri.path() {
        "/2/comments/show.json" => Reply::json(json!([])),
        _ => Reply::json(json!({ "statuses": [] })),
    })
    .await;
    let site = Site::new().await;
    let over = json!({ "mentions": false, "comments": false, "posts": ["5612814510546515491"],
        "search": { "queries": ["山岚茶饮~山岚奶茶"], "host": mock.address } });
    through(&site, weibo(&mock, over)).await;
    let asked = mock.asked();
    assert_eq!(asked[0].uri.path(), "/2/comments/show.json");
    assert_eq!(asked[0].query("id").as_deref(), Some("5612814510546515491"));
    assert_eq!(asked[1].uri.path(), "/2/search/statuses/limited.json");
    assert_eq!(asked[1].query("q").as_deref(), Some("山岚茶饮~山岚奶茶"));
    assert_eq!(asked.len(), 2);
}

fn reviews(mock: &Mock) -> Value {
    json!({ "listen": "127.0.0.1:0", "sources": [{
        "kind": "reviews", "name": "app", "brand": "山岚茶饮", "host": mock.address, "pull": pull(),
        "apps": [{ "id": "42", "product": "山岚点单" }],
    }]})
}

#[tokio::test]
async fn app_reviews_are_read_whether_there_is_one_or_a_list() {
    for (id, native_id, rating, text) in [
        (
            "appstore.rss",
            "appstore:cn:12130000001",
            1,
            "闪退\n更新后打不开",
        ),
        (
            "appstore.rss.single",
            "appstore:cn:12130000002",
            5,
            "好\n好用",
        ),
    ] {
        let (page, _) = fixture(id);
        let mock = Mock::start(move |_| Reply::json(page.clone())).await;
        let site = Site::new().await;
        through(&site, reviews(&mock)).await;
        assert_eq!(
            mock.uris(),
            ["/cn/rss/customerreviews/id=42/sortBy=mostRecent/page=1/json"]
        );
        let events = site.events().await;
        assert_eq!(events.len(), 1, "{id}");
        assert_eq!(events[0].native_id, native_id);
        assert_eq!(events[0].scores.csat, Some(rating));
        assert_eq!(events[0].text, text);
        assert_eq!(events[0].product.as_deref(), Some("山岚点单"));
        assert_eq!(events[0].channel, Channel::Review);
        assert_eq!(events[0].occurred_at.to_string(), "2025-01-02T10:04:05Z");
    }
    let mock = Mock::start(|_| Reply::json(json!({ "feed": { "title": {} } }))).await;
    let site = Site::new().await;
    through(&site, reviews(&mock)).await;
    assert!(site.events().await.is_empty(), "an app without reviews");
}

fn feed(mock: &Mock) -> Value {
    json!({ "listen": "127.0.0.1:0", "sources": [{
        "kind": "feed", "name": "forum", "brand": "山岚茶饮", "pull": pull(),
        "urls": [format!("{}/rss?key=topsecret", mock.address)],
    }]})
}

fn rss(items: &[(&str, &str)]) -> String {
    let items: String = items
        .iter()
        .map(|(id, title)| {
            format!(
                "<item><guid>{id}</guid><title>{title}</title><link>https://bbs.example.com/{id}</link>\
                 <description>&lt;p&gt;排队两小时&lt;/p&gt;</description>\
                 <pubDate>Sat, 31 Jan 2026 08:30:00 +0800</pubDate></item>"
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>论坛</title>{items}</channel></rss>"
    )
}

#[tokio::test]
async fn a_feed_is_asked_for_what_changed_and_an_entry_taken_once() {
    let mut answers = 0;
    let mock = Mock::start(move |asked| {
        answers += 1;
        match answers {
            1 => Reply::new(200, rss(&[("t1", "投诉")])).header("etag", "\"v1\""),
            2 if asked.header("if-none-match") == Some("\"v1\"") => Reply::new(304, ""),
            _ => Reply::new(200, rss(&[("t2", "再投诉"), ("t1", "投诉")])).header("etag", "\"v2\""),
        }
    })
    .await;
    let site = Site::new().await;
    for _ in 0..3 {
        through(&site, feed(&mock)).await;
    }
    assert_eq!(mock.asked().len(), 3);
    let events = site.events().await;
    let said: Vec<_> = events
        .iter()
        .map(|e| (e.native_id.as_str(), e.text.as_str()))
        .collect();
    assert_eq!(
        said,
        [("t1", "投诉\n排队两小时"), ("t2", "再投诉\n排队两小时")]
    );
    assert_eq!(events[0].occurred_at.to_string(), "2026-01-31T00:30:00Z");
    assert_eq!(events[0].url.as_deref(), Some("https://bbs.example.com/t1"));
    let place = events[0].provenance.place.as_deref().unwrap();
    assert!(!place.contains("topsecret"), "{place}");
}

#[tokio::test]
async fn json_feeds_and_feeds_in_gbk_are_read_and_entities_refused() {
    let json_feed = json!({ "version": "https://jsonfeed.org/version/1.1", "title": "x", "items": [
        { "id": 7, "content_html": "<p>客服<b>骂人</b></p>", "url": "https://bbs.example.com/7", "date_published": "2026-01-31T08:30:00+08:00" },
    ]});
    let (gbk, _, _) = encoding_rs::GBK.encode("<?xml version=\"1.0\" encoding=\"GBK\"?><rss><channel><item><guid>g</guid><title>客服骂人</title></item></channel></rss>");
    for (body, id) in [
        (json_feed.to_string().into_bytes(), "7"),
        (gbk.into_owned(), "g"),
    ] {
        let mock = Mock::start(move |_| Reply::new(200, body.clone())).await;
        let site = Site::new().await;
        through(&site, feed(&mock)).await;
        let events = site.events().await;
        assert_eq!(
            (events[0].native_id.as_str(), events[0].text.as_str()),
            (id, "客服骂人")
        );
    }
    let bomb = "<!DOCTYPE r [<!ENTITY a \"aaaa\">]><rss><channel><item><guid>&a;</guid></item></channel></rss>";
    let mock = Mock::start(move |_| Reply::new(200, bomb)).await;
    let site = Site::new().await;
    let run = site.start_with(feed(&mock));
    let told = run.until_waiting("connect-forum").await;
    assert!(
        told.contains("document type") && !told.contains("topsecret"),
        "{told}"
    );
    run.stop().await.unwrap();
    assert!(site.events().await.is_empty());
}
