//! Every row of every file ends up once in the store and once in the windows of each length, or in dead letters with
//! its file, its line and the reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::input::{self, Crowd, Truth};
use crate::site::Site;

/// All rows take minutes; anything longer has got stuck.
const LONGEST_RUN: Duration = Duration::from_secs(40 * 60);

/// Rows taken of each training file unless all are asked for: some 7,000 in all, so that a build without optimisation
/// is through within seconds.
const SAMPLE: usize = 600;

/// Runs until all input is through, and gives the closing summary.
pub(crate) async fn run_through(site: &Site) -> Value {
    let ended = site
        .up(&["--until-idle", "--output", "json"])
        .ended_within(LONGEST_RUN)
        .await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    serde_json::from_str(ended.stdout.trim())
        .unwrap_or_else(|error| panic!("{error} in {:?}", ended.stdout))
}

/// A directory of training files with the true number of rows of each, by file name; `None` where there are none.
pub(crate) fn training_input(site: &Site) -> Option<(PathBuf, BTreeMap<Vec<String>, i64>)> {
    let files = input::training_files();
    let Some(first) = files.first() else {
        println!(
            "skipped: no training files; set WENSHENG_SHARED to the directory that holds data/train"
        );
        return None;
    };
    let all = std::env::var_os("WENSHENG_E2E_FULL").is_some_and(|value| value == "1");
    let directory = if all {
        first.parent().expect("a directory").to_owned()
    } else {
        site.path().join("train")
    };
    let mut rows = BTreeMap::new();
    for file in &files {
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a plain name");
        let count = if all {
            count_rows(file)
        } else {
            take_sample(file, site, name)
        };
        rows.insert(vec![name.to_owned()], count);
    }
    println!(
        "{} rows in {} files",
        rows.values().sum::<i64>(),
        rows.len()
    );
    Some((directory, rows))
}

fn count_rows(file: &Path) -> i64 {
    let mut reader = csv::Reader::from_path(file).expect("open a training file");
    let rows: Vec<csv::ByteRecord> = reader
        .byte_records()
        .collect::<Result<_, _>>()
        .expect("rows of CSV");
    rows.len().try_into().expect("few rows")
}

fn take_sample(file: &Path, site: &Site, name: &str) -> i64 {
    let mut reader = csv::Reader::from_path(file).expect("open a training file");
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(reader.headers().expect("a header"))
        .expect("write the header");
    let mut rows = 0;
    for record in reader.records().take(SAMPLE) {
        writer
            .write_record(&record.expect("a record"))
            .expect("write a record");
        rows += 1;
    }
    site.write(
        &format!("train/{name}"),
        writer.into_inner().expect("a file"),
    );
    rows
}

/// The main job, with bus and store as the site is configured: every row of the training files is counted once.
pub(crate) async fn counts_every_training_row(mut site: Site) {
    let Some((directory, rows)) = training_input(&site) else {
        return;
    };
    site.configure(json!({ "connect": { "sources": [{
        "kind": "files", "name": "train", "path": directory.join("*.csv"), "poll_ms": 100,
        "brand": "云岭茶饮", "channel": "review", "attributes": ["label"],
    }] } }));
    let summary = run_through(&site).await;
    println!("{summary}");
    let total: i64 = rows.values().sum();
    for (figure, value) in [
        ("rows_read", total),
        ("rows_wrong", 0),
        ("feedback", total),
        ("window_volume", total),
        ("dead_letters", 0),
    ] {
        assert_eq!(summary[figure], value, "{figure} in {summary}");
    }
    let ledger = site.ledger().await;
    let figures = ledger.figures().await;
    figures.hold_each_once(total);
    let by_file = "SELECT place, CAST(COUNT(*) AS TEXT) FROM feedback GROUP BY place";
    assert_eq!(ledger.sums(by_file).await, rows);
    drop(ledger);

    let again = run_through(&site).await;
    assert_eq!(again["rows_read"], 0, "{again}");
    assert_eq!(site.ledger().await.figures().await, figures);
}

#[tokio::test]
async fn every_training_row_is_analysed_counted_and_stored() {
    counts_every_training_row(Site::new()).await;
}

#[tokio::test]
async fn invented_files_of_every_form_are_counted_and_wrong_rows_told_with_file_line_and_reason() {
    let mut site = Site::new();
    let mut crowd = Crowd::new(7);
    let mut truth = Truth::default();
    let mut wrong = Vec::new();
    let mut expect = |file: &str, line: usize, reason: &str| {
        wrong.push((file.to_owned(), line, reason.to_owned()))
    };

    // UTF-8 with a byte order mark, quoted line breaks, and a wrong row after every 200 good ones.
    let mut text = format!("\u{feff}{}", input::CSV_HEADER);
    let bad_rows = [
        (
            vec![
                "w1",
                "2026-01-31 08:30:00",
                "云岭茶饮",
                "weibo",
                "评分太高",
                "11",
            ],
            "nps",
        ),
        (
            vec![
                "w2",
                "2026-01-31 08:30:00",
                "云岭茶饮",
                "fax",
                "没有这种渠道",
                "",
            ],
            "channel",
        ),
        (
            vec!["w3", "前天下午", "云岭茶饮", "weibo", "没有这种时间", ""],
            "occurred_at",
        ),
        (
            vec!["w4", "2026-01-31 08:30:00", "", "weibo", "说的是谁", ""],
            "brand",
        ),
        (
            vec!["w5", "2026-01-31 08:30:00", "云岭茶饮", "weibo", "", ""],
            "text",
        ),
        (vec!["w6", "2026-01-31 08:30:00", "云岭茶饮"], "column"),
    ];
    for (fields, reason) in bad_rows {
        let voices = crowd.speak(200);
        truth.add(&voices);
        text.extend(voices.iter().map(input::csv_row));
        expect("utf8.csv", 1 + text.matches('\n').count(), reason);
        text.push_str(&input::csv_record(&fields));
    }
    let voices = crowd.speak(50);
    truth.add(&voices);
    text.extend(voices.iter().map(input::csv_row));
    // A last row without a line break is a row.
    site.write("in/utf8.csv", text.trim_end());

    // GB18030, with Windows line ends.
    let voices = crowd.speak(800);
    truth.add(&voices);
    let text = input::csv_file(&voices).replace('\n', "\r\n");
    site.write("in/gb.csv", encoding_rs::GB18030.encode(&text).0);

    // NDJSON, in a directory below.
    let mut text = String::new();
    let bad_lines = [
        ("{\"id\": \"w7\", \"text\": \"没有结束", "JSON"),
        ("[1, 2, 3]", "object"),
        ("{\"id\":\"w8\",\"brand\":\"云岭茶饮\"}", "text"),
    ];
    for (line, reason) in bad_lines {
        let voices = crowd.speak(300);
        truth.add(&voices);
        text.push_str(&input::ndjson_file(&voices));
        expect("more/lines.ndjson", 1 + text.lines().count(), reason);
        text.push_str(line);
        text.push('\n');
    }
    site.write("in/more/lines.ndjson", text);

    site.configure(
        json!({ "connect": { "sources": [input::source("desk", site.path().join("in"))] } }),
    );
    let summary = run_through(&site).await;
    assert_eq!(summary["rows_wrong"], wrong.len(), "{summary}");
    assert_eq!(summary["dead_letters"], wrong.len(), "{summary}");
    assert_eq!(
        summary["rows_read"],
        truth.rows() + i64::try_from(wrong.len()).unwrap(),
        "{summary}"
    );
    let ledger = site.ledger().await;
    ledger.figures().await.hold_each_once(truth.rows());
    ledger.holds(&truth).await;

    let letters: Vec<Value> = ledger
        .rows("SELECT document FROM dead_letters")
        .await
        .iter()
        .map(|row| serde_json::from_str(&row[0]).unwrap())
        .collect();
    for (file, line, reason) in &wrong {
        let origin = json!({ "from": "source", "source": "desk", "place": file, "line": line });
        let letter = letters.iter().find(|letter| letter["origin"] == origin);
        let letter =
            letter.unwrap_or_else(|| panic!("no dead letter of {file}:{line} in {letters:#?}"));
        assert!(
            letter["reason"].as_str().unwrap().contains(reason),
            "{reason:?} is missing in {letter:#}"
        );
    }

    // The quoted line breaks arrived as they were written.
    let broken = ledger
        .figure("(SELECT COUNT(*) FROM feedback WHERE text LIKE '%\n第二行,\"引号\"在这里')")
        .await;
    assert!(broken > 500, "{broken} texts of two lines");
}
