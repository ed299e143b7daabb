//! What is personal is in no file of the data directory in the clear: not in a record of the log (whose segments are packed,
//! so that they are read record by record), not in a cell of the store, not in what the process said. Of what kind it was,
//! and how often, is kept.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wensheng_bus::{Bus as _, EmbeddedBus, EmbeddedConfig, TopicPartition};
use wensheng_schemas::Topic;

use crate::binary;
use crate::main_job::run_through;
use crate::site::Site;
use crate::webhook::{self, Desk};

/// What every mark of these kinds is masked, in any wording; names and addresses have floors of their own.
const KINDS: [&str; 8] = [
    "mobile",
    "phone",
    "id_card",
    "bank_card",
    "email",
    "plate",
    "wechat",
    "qq",
];

/// Who wrote, as the platform calls them, and what their items hold beside the text.
const AUTHOR: &str = "customer-77310042";
const ORDER_PHONE: &str = "13912345678";
const WRONG_PHONE: &str = "15817253645";

/// A text, and what is marked in it as personal: kind and words.
fn marked(line: &str) -> (String, Vec<(String, String)>) {
    let mut text = String::new();
    let mut marks = Vec::new();
    for (index, part) in line.split(['⟦', '⟧']).enumerate() {
        match part.split_once(':').filter(|_| index % 2 == 1) {
            Some((kind, words)) => {
                text.push_str(words);
                marks.push((kind.to_owned(), words.to_owned()));
            }
            None => text.push_str(part),
        }
    }
    (text, marks)
}

/// The invented texts all of whose marks are of [`KINDS`].
fn texts() -> Vec<(String, Vec<(String, String)>)> {
    let path = binary::workspace().join("services/connect/tests/data/personal.tsv");
    let lines = std::fs::read_to_string(path).expect("the invented texts");
    lines
        .lines()
        .filter_map(|line| Some(marked(line.split_once('\t')?.1)))
        .filter(|(_, marks)| !marks.is_empty())
        .filter(|(_, marks)| marks.iter().all(|(kind, _)| KINDS.contains(&kind.as_str())))
        .collect()
}

/// Every record of the log, as text.
pub(crate) async fn records(site: &Site) -> Vec<String> {
    let path = site.data_dir().join("bus.db");
    let bus = EmbeddedBus::open(path, EmbeddedConfig::default()).expect("open the log");
    let mut all = Vec::new();
    for topic in Topic::ALL {
        let topic = topic.shared_name();
        for partition in 0..bus.partitions(&topic).await.expect("its partitions") {
            let at = TopicPartition::new(topic.clone(), partition);
            bus.replay(&at, 0..u64::MAX, &mut |record| {
                let value = record.value.unwrap_or_default();
                let bytes = [&record.key[..], b" ", &value[..]].concat();
                let text = String::from_utf8_lossy(&bytes);
                all.push(format!("{topic} {text} {:?}", record.headers));
            })
            .await
            .expect("read the log");
        }
    }
    bus.close();
    all
}

/// Every file below the site, as text, without what this test wrote itself.
pub(crate) fn files(site: &Site) -> Vec<(String, String)> {
    let pattern = site.path().join("**/*");
    let pattern = pattern.to_str().expect("a path of text");
    let paths = glob::glob(pattern).expect("a pattern").flatten();
    paths
        .filter(|path| path.is_file())
        .map(|path| {
            let bytes = std::fs::read(&path).expect("read the file");
            (
                path.display().to_string(),
                String::from_utf8_lossy(&bytes).into_owned(),
            )
        })
        .collect()
}

#[tokio::test]
async fn what_is_personal_is_nowhere_in_the_data_directory_and_its_kinds_are_counted() {
    let texts = texts();
    assert!(texts.len() > 100, "{} texts", texts.len());
    let mut items: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(number, (text, _))| json!({ "id": format!("p{number}"), "text": text }))
        .collect();
    items.push(json!({
        "id": "order", "text": "等位有点久", "author": { "id": AUTHOR },
        "url": format!("https://shop.example.com/order?phone={ORDER_PHONE}"),
        "attributes": { "手机": ORDER_PHONE, "备注": format!("请打{ORDER_PHONE}") },
    }));
    items.push(json!({ "id": "wrong", "text": format!("评分太高，电话{WRONG_PHONE}"), "nps": 11 }));

    let mut site = Site::new();
    site.configure(json!({ "connect": { "sources": [webhook::source("hook")] } }));
    let mut process = site.up(&[]);
    let address = process.ingest().await;
    let desk = Desk::new();
    for items in items.chunks(100) {
        desk.post(&address, "hook", &json!(items)).await;
    }
    process.stop().await;
    run_through(&site).await;
    let ledger = site.ledger().await;
    let kept = i64::try_from(items.len()).unwrap() - 1;
    let figures = ledger.figures().await;
    figures.hold_each_once(kept);
    assert_eq!(figures.dead_letters, 1);

    let mut secrets: Vec<&str> = vec![AUTHOR, ORDER_PHONE, WRONG_PHONE];
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    for (kind, words) in texts.iter().flat_map(|(_, marks)| marks) {
        *counted.entry(kind.clone()).or_default() += 1;
        // Shorter ones could stand in a number of something else.
        if words.chars().count() >= 7 {
            secrets.push(words);
        }
    }
    assert!(secrets.len() > 100, "{} secrets", secrets.len());
    let nowhere = |what: &str, content: &str| {
        for secret in &secrets {
            let at = content.find(secret);
            assert_eq!(at, None, "{secret} stands in {what}");
        }
    };
    let documents = ledger.rows("SELECT document FROM feedback").await.concat();
    let records = records(&site).await;
    // What is looked through is what was posted.
    for part in ["[手机号]", "[身份证号]", "[邮箱]", "评分太高", "请打"] {
        assert!(records.iter().any(|record| record.contains(part)), "{part}");
    }
    for record in &records {
        nowhere("the log", record);
    }
    let tables = ledger
        .rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        .await
        .concat();
    for table in &tables {
        let columns = ledger
            .rows(&format!("SELECT name FROM pragma_table_info('{table}')"))
            .await
            .concat();
        let cells: Vec<String> = columns
            .iter()
            // What is no text is searched in the file itself.
            .map(|column| {
                format!("IIF(typeof(\"{column}\") = 'blob', '', COALESCE(\"{column}\", ''))")
            })
            .collect();
        let rows = format!("SELECT {} FROM \"{table}\"", cells.join(" || ' ' || "));
        for row in ledger.rows(&rows).await {
            nowhere(table, &row.concat());
        }
    }
    drop(ledger);
    for (name, content) in files(&site) {
        nowhere(&name, &content);
    }

    let mut told: BTreeMap<String, u64> = BTreeMap::new();
    for document in &documents {
        let document: Value = serde_json::from_str(document).unwrap();
        let piece = &document["feedback"];
        if piece["native_id"] == "order" {
            assert_eq!(piece["attributes"]["masked"], "mobile=3", "{piece}");
            continue;
        }
        let masked = piece["attributes"]["masked"].as_str();
        for kind in masked.into_iter().flat_map(|masked| masked.split(',')) {
            let (kind, count) = kind.split_once('=').expect("kind=count");
            if KINDS.contains(&kind) {
                *told.entry(kind.to_owned()).or_default() += count.parse::<u64>().unwrap();
            }
        }
    }
    assert_eq!(told, counted);
}
