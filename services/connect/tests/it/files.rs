//! Each row once, right or wrong, however the file is written and however often reading is cut off.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use serde_json::json;
use wensheng_schemas::{Channel, Origin};

use crate::site::Site;

fn gb18030(text: &str) -> Vec<u8> {
    encoding_rs::GB18030.encode(text).0.into_owned()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(content).unwrap();
    packer.finish().unwrap()
}

#[tokio::test]
async fn a_row_becomes_an_event_with_all_its_fields() {
    let site = Site::new().await;
    let path = site.write(
        "导出.csv",
        gb18030(
            "编号,正文,时间,品牌,产品,门店,地区,渠道,用户,粉丝数,点赞,转发,评论,链接,回复,转自,推荐,满意,费力,会员等级\r\n\
             8888888888888888888,\"排队两小时,\r\n客服说\"\"等着\"\"\",2026/1/31 8:30,鹿汀茶饮,桂花乌龙,湖滨店,杭州,微博,u1,1.2万,3,2,1,https://example.com/1,7,6,9,5,7,金卡\r\n",
        ),
    );
    let mut run = site.start_with(json!({
        "pseudonym_key": "0123456789abcdef",
        "sources": [{
            "kind": "files", "name": "weibo", "path": path,
            "columns": {
                "id": "编号", "text": "正文", "occurred_at": "时间", "brand": "品牌", "product": "产品",
                "store": "门店", "region": "地区", "channel": "渠道", "author": "用户", "followers": "粉丝数",
                "likes": "点赞", "reposts": "转发", "comments": "评论", "url": "链接", "reply_to": "回复",
                "repost_of": "转自", "nps": "推荐", "csat": "满意", "ces": 19,
            },
            "attributes": ["会员等级"],
            "channel_names": { "微博": "weibo" },
        }],
    }));
    run.until(|progress| progress.all_through).await;
    run.stop().await.unwrap();
    let events = site.events().await;
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(event.native_id, "8888888888888888888");
    assert_eq!(event.text, "排队两小时,\n客服说\"等着\"");
    assert_eq!(event.occurred_at, "2026-01-31T00:30:00Z".parse().unwrap());
    assert_eq!(event.channel, Channel::Weibo);
    let author = event.author.as_ref().unwrap();
    assert_eq!((author.key.len(), author.followers), (32, Some(12_000)));
    assert_ne!(author.key, "u1");
    let reach = event.reach.as_ref().unwrap();
    assert_eq!((reach.likes, reach.reposts, reach.comments), (3, 2, 1));
    assert_eq!(
        (event.scores.nps, event.scores.csat, event.scores.ces),
        (Some(9), Some(5), Some(7))
    );
    let rest = [
        (&event.product, "桂花乌龙"),
        (&event.store, "湖滨店"),
        (&event.region, "杭州"),
        (&event.url, "https://example.com/1"),
        (&event.reply_to, "7"),
        (&event.repost_of, "6"),
        (&event.provenance.place, "导出.csv"),
    ];
    for (value, expected) in rest {
        assert_eq!(value.as_deref(), Some(expected));
    }
    assert_eq!(event.attributes["会员等级"], "金卡");
    assert_eq!(event.provenance.line, Some(2));
}

#[tokio::test]
async fn every_way_to_write_a_file_gives_the_same_events() {
    let site = Site::new().await;
    let text = "id,text\n1,很好喝\n2,\"太甜,\n不买了\"\n3,送餐慢\n";
    let ndjson = "{\"id\":1,\"text\":\"很好喝\"}\n\n{\"id\":\"2\",\"text\":\"太甜,\\n不买了\"}\n{\"id\":3,\"text\":\"送餐慢\"}";
    let windows = text.replace('\n', "\r\n");
    site.write("in/utf8.csv", text);
    site.write("in/mark.csv", format!("\u{feff}{windows}"));
    site.write("in/gb.csv", gb18030(&windows));
    site.write("in/gb.csv.gz", gzip(&gb18030(text)));
    site.write(
        "in/tabs.tsv",
        text.replace("太甜,", "太甜#")
            .replace(',', "\t")
            .replace('#', ","),
    );
    site.write("in/lines.ndjson", ndjson);
    site.write("in/lines.jsonl.gz", gzip(ndjson.as_bytes()));
    site.write("in/notes.txt", "no feedback");
    let progress = site
        .run_through(json!([{
            "kind": "files", "name": "s", "path": site.path().join("in"), "watch": false,
            "brand": "鹿汀茶饮", "columns": { "id": "id" },
        }]))
        .await;
    assert_eq!(progress.rows_read, 21, "{progress:?}");
    assert_eq!(progress.dead_letters, 0, "{:?}", site.dead_letters().await);
    assert_eq!(progress.bytes_done, progress.total_bytes);
    let mut by_file: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for event in site.events().await {
        let place = event.provenance.place.unwrap();
        by_file
            .entry(place)
            .or_default()
            .push((event.native_id, event.text));
    }
    assert_eq!(by_file.len(), 7);
    let expected = [("1", "很好喝"), ("2", "太甜,\n不买了"), ("3", "送餐慢")];
    let expected = expected.map(|(id, text)| (id.to_owned(), text.to_owned()));
    for (file, rows) in by_file {
        assert_eq!(rows, expected, "{file}");
    }
}

#[tokio::test]
async fn wrong_rows_are_dead_letters_that_name_file_line_and_reason() {
    let site = Site::new().await;
    let mut content = b"text,nps,at\n".to_vec();
    for row in [
        "\u{597d},9,2026-01-01",
        ",9,",
        ",,",
        "x,11,",
        "x,,yesterday",
        "x,1",
        "x,1,,y",
    ] {
        content.extend_from_slice(row.as_bytes());
        content.push(b'\n');
    }
    content.extend_from_slice(b"\xff\xfe,1,\n");
    content.extend_from_slice(format!("{},,\n", "长".repeat(1_000)).as_bytes());
    content.extend_from_slice(b"\"13800138000 never closed,,\nlast,10,\n");
    site.write("answers.csv", content);
    let mut run = site.start_with(json!({
        "max_text_bytes": 2_000,
        "sources": [{
            "kind": "files", "name": "survey", "path": site.path().join("answers.csv"), "brand": "b",
            "encoding": "utf-8", "columns": { "nps": "nps", "occurred_at": "at" },
        }],
    }));
    let progress = run.until(|progress| progress.all_through).await;
    run.stop().await.unwrap();
    assert_eq!(
        (progress.rows_read, progress.dead_letters),
        (11, 8),
        "{progress:?}"
    );

    let texts: Vec<String> = site.events().await.into_iter().map(|e| e.text).collect();
    assert_eq!(texts, ["好", "", "last"]);
    let told: Vec<(u64, String)> = site
        .dead_letters()
        .await
        .into_iter()
        .map(|letter| match letter.origin {
            Origin::Source {
                source,
                place,
                line,
            } => {
                assert_eq!((source.as_str(), place.as_str()), ("survey", "answers.csv"));
                assert_eq!(letter.stage, "connect");
                (line.unwrap(), letter.reason)
            }
            Origin::Topic { .. } => panic!("{letter:?}"),
        })
        .collect();
    for ((line, reason), (expected_line, part)) in told.iter().zip([
        (4, "text is empty"),
        (5, "nps"),
        (6, "yesterday"),
        (7, "2 fields"),
        (8, "4 fields"),
        (9, "UTF-8"),
        (10, "max_text_bytes"),
        (11, "quote"),
    ]) {
        assert_eq!(*line, expected_line, "{reason}");
        assert!(reason.contains(part), "{reason}");
    }
    let letters = site.dead_letters().await;
    let payload = letters[7].payload.as_deref().unwrap();
    assert_eq!(payload, "\"[手机号] never closed,,");
    assert!(letters[5].payload.is_none() && letters[5].payload_base64.is_some());
}

fn rows(count: usize) -> String {
    let mut text = String::from("text\n");
    for row in 0..count {
        // Only 100 different texts: a row is more than its words.
        text.push_str(&format!("第{}句话,说得很长\n", row % 100).replace(',', "，"));
    }
    text
}

#[tokio::test]
async fn reading_goes_on_in_the_middle_and_every_row_is_there_once() {
    const ROWS: usize = 30_000;
    let site = Site::new().await;
    site.write("big.csv", rows(ROWS));
    let sources = json!([{
        "kind": "files", "name": "big", "path": site.path().join("big.csv"), "brand": "b",
    }]);
    let mut runs = 0;
    for cut in [1, 6_000, 9_000] {
        let mut run = site.start(sources.clone());
        let seen = run
            .until(|progress| progress.rows_read >= cut)
            .await
            .rows_read;
        runs += usize::from(seen < ROWS as u64);
        run.stop().await.unwrap();
    }
    assert!(
        runs > 0,
        "every run read the whole file, nothing was cut off"
    );
    site.run_through(sources.clone()).await;
    let events = site.events().await;
    assert_eq!(events.len(), ROWS);
    let ids: BTreeSet<_> = events.iter().map(|event| event.id.clone()).collect();
    assert_eq!(ids.len(), ROWS);
    let lines: BTreeSet<_> = events.iter().map(|event| event.provenance.line).collect();
    assert_eq!(lines.len(), ROWS);
    // Nothing new: nothing is read again.
    let again = site.run_through(sources).await;
    assert_eq!(again.rows_read, 0);
}

#[tokio::test]
async fn the_same_file_read_elsewhere_has_the_same_ids() {
    let mut ids = Vec::new();
    for folder in ["a", "b/c"] {
        let site = Site::new().await;
        let path = site.write(&format!("{folder}/same.csv"), rows(300));
        site.run_through(json!([{ "kind": "files", "name": "s", "path": path, "brand": "b" }]))
            .await;
        let events = site.events().await;
        ids.push(events.into_iter().map(|e| e.id).collect::<BTreeSet<_>>());
    }
    assert_eq!(ids[0].len(), 300);
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn while_the_bus_is_away_reading_waits_and_loses_nothing() {
    const ROWS: usize = 60_000;
    let site = Site::new().await;
    site.write("big.csv", rows(ROWS));
    let source = json!({
        "kind": "files", "name": "big", "path": site.path().join("big.csv"), "brand": "b",
    });
    let config = json!({ "max_pending_bytes": 1 << 20, "sources": [source] });
    site.shut_the_door();
    let mut run = site.start_with(config.clone());
    let reason = run.until_waiting("connect").await;
    assert!(reason.contains("the door is shut"), "{reason}");
    assert_eq!(run.progress.borrow().rows_read, 0);
    // Ending meanwhile neither hangs nor loses anything.
    run.stop().await.unwrap();

    run = site.start_with(config);
    run.until_waiting("connect").await;
    site.open_the_door();
    run.until(|progress| progress.all_through).await;
    run.stop().await.unwrap();
    let lines: BTreeSet<_> = site
        .events()
        .await
        .iter()
        .map(|e| e.provenance.line)
        .collect();
    assert_eq!(lines.len(), ROWS);
}

#[tokio::test]
async fn ndjson_is_read_by_key_and_by_pointer() {
    let site = Site::new().await;
    let lines = [
        r#"{"id": 9007199254740993, "body": {"text": "好"}, "user": {"id": "u"}, "tags": ["a"]}"#,
        r#"{"id": 99999999999999999999, "body": {"text": "好"}}"#,
        r#"{"id": 1, "body": {"text": ["好"]}}"#,
        "not json",
        "[]",
    ];
    let path = site.write("a.ndjson", lines.join("\n"));
    site.run_through(json!([{
        "kind": "files", "name": "s", "path": path, "brand": "b",
        "columns": { "id": "id", "text": "/body/text", "product": "/user/id" }, "attributes": ["tags"],
    }]))
    .await;
    let events = site.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].native_id, "9007199254740993");
    assert_eq!(events[0].product.as_deref(), Some("u"));
    assert_eq!(events[0].attributes["tags"], r#"["a"]"#);
    let letters = site.dead_letters().await;
    let parts = ["too large", "a list", "not valid JSON", "no object"];
    assert_eq!(letters.len(), parts.len());
    for (letter, part) in letters.iter().zip(parts) {
        assert!(letter.reason.contains(part), "{}", letter.reason);
    }
}

#[tokio::test]
async fn a_file_that_follows_a_template_needs_no_columns() {
    let site = Site::new().await;
    site.write(
        "in/interviews.csv",
        "访谈编号,访谈时间,品牌,门店,受访者,问题,访谈内容,推荐意愿,备注\n\
         V-7,2026-01-31 08:30,鹿汀茶饮,徐汇店,张三,对服务怎么看,店员很热情,9,x\n\
         V-8,2026-01-31 09:00,鹿汀茶饮,徐汇店,李四,还会再来吗,,11,x\n",
    );
    site.write(
        "in/visits.csv",
        "观察记录,检查项,得分\n等了二十分钟没人接待,接待,2\n",
    );
    let source = |name: &str, file: &str, preset: &str| json!({"kind": "files", "name": name, "path": site.path().join(file), "preset": preset, "brand": "鹿汀茶饮"});
    let config = json!({
        "pseudonym_key": "0123456789abcdef",
        "sources": [
            source("a", "in/interviews.csv", "interview"), source("b", "in/visits.csv", "mystery-shopper"),
        ],
    });
    let mut run = site.start_with(config);
    run.until(|progress| progress.all_through).await;
    run.stop().await.unwrap();
    let events = site.events().await;
    assert_eq!(events.len(), 2, "{events:?}");
    let by = |source: &str| events.iter().find(|event| event.source == source).unwrap();
    let interview = by("a");
    assert_eq!(interview.native_id, "V-7");
    assert_eq!(interview.channel, wensheng_schemas::Channel::Interview);
    assert_eq!(interview.scores.nps, Some(9));
    assert_eq!(interview.store.as_deref(), Some("徐汇店"));
    assert_eq!(interview.attributes["问题"], "对服务怎么看");
    assert!(!serde_json::to_string(interview).unwrap().contains("张三"));
    assert_eq!(by("b").attributes["检查项"], "接待");
    let letters = site.dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert!(
        letters[0].reason.starts_with("nps is"),
        "{}",
        letters[0].reason
    );
}

#[tokio::test]
async fn exports_of_shops_are_read_by_the_names_that_platforms_give_their_columns() {
    let site = Site::new().await;
    site.write(
        "jd.csv",
        gb18030(
            "订单编号,商品名称,评论ID,评论内容,评论时间,用户名,评分,物流评分,备注\r\n\
             991,桂花乌龙,J-1,包装破了,2026-01-31 08:30:00,j***n,2星,4,x\r\n",
        ),
    );
    site.write(
        "tmall.csv",
        "主订单编号,子订单编号,宝贝标题,买家会员名,评价类型,初评内容,初评时间,追评内容\n\
         881,882,桂花乌龙,t**1,差评,味道很淡,2026-01-30 10:00,还是淡\n",
    );
    site.write(
        "dianping.ndjson",
        "{\"评价ID\":7,\"门店名称\":\"南山店\",\"城市\":\"深圳\",\"用户昵称\":\"d\",\"总评分\":\"4.5\",\"口味\":5,\"环境\":\"★★★☆☆\",\"评价内容\":\"排队太久\",\"评价时间\":\"2026-01-29 12:00:00\"}\n",
    );
    site.write("odd.csv", "评论内容,评分\n还行,很多\n");
    let source = |name: &str, file: &str, preset: &str| json!({"kind": "files", "name": name, "path": site.path().join(file), "preset": preset, "brand": "鹿汀茶饮"});
    let mut run = site.start_with(json!({
        "pseudonym_key": "0123456789abcdef",
        "sources": [
            source("jd", "jd.csv", "jd-reviews"), source("tmall", "tmall.csv", "tmall-reviews"),
            source("dianping", "dianping.ndjson", "dianping-reviews"), source("odd", "odd.csv", "jd-reviews"),
        ],
    }));
    run.until(|progress| progress.all_through).await;
    run.stop().await.unwrap();
    let events = site.events().await;
    assert_eq!(events.len(), 3, "{events:?}");
    let by = |source: &str| events.iter().find(|event| event.source == source).unwrap();
    let jd = by("jd");
    assert_eq!(
        (jd.native_id.as_str(), jd.text.as_str()),
        ("J-1", "包装破了")
    );
    assert_eq!((jd.channel, jd.scores.csat), (Channel::Review, Some(2)));
    assert_eq!(jd.product.as_deref(), Some("桂花乌龙"));
    assert_eq!(jd.ratings["物流评分"].value, 4.0);
    assert_eq!(jd.attributes["订单编号"], "991");
    let tmall = by("tmall");
    assert_eq!(
        (tmall.native_id.as_str(), tmall.scores.csat),
        ("882", Some(1))
    );
    assert_eq!(tmall.attributes["追评内容"], "还是淡");
    let dianping = by("dianping");
    assert_eq!(dianping.store.as_deref(), Some("南山店"));
    assert_eq!(dianping.region.as_deref(), Some("深圳"));
    assert_eq!(dianping.scores.csat, Some(5), "halves up");
    assert_eq!(dianping.ratings["环境"].value, 3.0);
    let letters = site.dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].reason.contains("评分"), "{}", letters[0].reason);
}

#[tokio::test]
async fn an_export_of_a_survey_is_read_by_its_questions() {
    let site = Site::new().await;
    let path = site.write(
        "答卷.csv",
        "序号,提交答卷时间,来源,1、您有多大可能推荐我们？,2、满意吗,3、想说的话,4、手机\n\
         1,2026/1/31 8:30:00,微信,9,不满意,等太久,13800138000\n",
    );
    let site_config = json!([{
        "kind": "files", "name": "survey", "path": path, "brand": "鹿汀茶饮", "channel": "survey",
        "columns": { "text": null, "id": "序号", "occurred_at": "提交答卷时间" },
        "questions": [
            { "question": "*推荐我们*", "kind": "nps" },
            { "question": "2、*", "kind": "csat", "labels": { "不满意": 2 } },
            { "question": "3、*", "kind": "text" },
            { "question": "来源", "kind": "attribute" },
        ],
    }]);
    site.run_through(site_config).await;
    let events = site.events().await;
    let [event] = events.as_slice() else {
        panic!("{:?}", site.dead_letters().await)
    };
    assert_eq!((event.scores.nps, event.scores.csat), (Some(9), Some(2)));
    assert_eq!(event.text, "等太久");
    assert_eq!(event.attributes.len(), 1, "{:?}", event.attributes);
}

#[tokio::test]
async fn a_source_that_names_no_brand_is_told_apart_by_the_words() {
    let site = Site::new().await;
    let path = site.write(
        "posts.csv",
        "id,text,product\n1,鹿汀南山万象店的轻乳洒了,\n2,Luting 排队,轻乳\n3,今天天气不错,\n",
    );
    let mut run = site.start_with(json!({
        "aliases": [{
            "brand": "鹿汀茶饮", "names": ["鹿汀", "LUTING"], "products": {"轻乳茶": ["轻乳"]}, "stores": {"南山店": ["南山万象"]},
        }],
        "sources": [{
            "kind": "files", "name": "posts", "path": path, "columns": {"id": "id", "product": "product"},
        }],
    }));
    run.until(|progress| progress.all_through).await;
    run.stop().await.unwrap();
    let events = site.events().await;
    assert_eq!(events.len(), 2, "{events:?}");
    for event in &events {
        assert_eq!(event.brand, "鹿汀茶饮");
        assert_eq!(event.product.as_deref(), Some("轻乳茶"));
    }
    assert_eq!(events[0].store.as_deref(), Some("南山店"));
    let letters = site.dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].reason.contains("connect.aliases"), "{letters:?}");
}
