//! New and growing files are followed, a line only once it is whole; what cannot be read is told, and the others go on.

use serde_json::{Value, json};

use crate::site::Site;

fn source(site: &Site, path: &str) -> Value {
    json!([{
        "kind": "files", "name": "desk", "path": site.path().join(path), "brand": "b", "poll_ms": 20,
    }])
}

async fn texts(site: &Site) -> Vec<String> {
    site.events().await.into_iter().map(|e| e.text).collect()
}

#[tokio::test]
async fn new_and_growing_files_of_a_directory_are_followed() {
    let site = Site::new().await;
    site.write("in/a.csv", "text\none\ntw");
    let mut run = site.start(source(&site, "in"));
    run.until(|progress| progress.rows_read == 1).await;
    site.append("in/a.csv", "o\nthree\n");
    run.until(|progress| progress.rows_read >= 3).await;
    site.write("in/sub/b.ndjson", "{\"text\":\"four\"}\n");
    run.until(|progress| progress.rows_read == 4 && progress.all_through)
        .await;
    run.stop().await.unwrap();
    assert_eq!(texts(&site).await, ["one", "two", "three", "four"]);
    // A new run goes on behind them.
    site.append("in/a.csv", "five\n");
    let progress = site.run_through(source(&site, "in")).await;
    assert_eq!(progress.rows_read, 1);
}

#[tokio::test]
async fn a_last_line_that_stays_without_a_break_is_a_line() {
    let site = Site::new().await;
    site.write("in/a.csv", "text\none\n\"two\nlines\"");
    site.write("in/b.csv", "text");
    let progress = site.run_through(source(&site, "in")).await;
    assert_eq!(progress.rows_read, 2);
    assert_eq!(texts(&site).await, ["one", "two\nlines"]);
}

#[tokio::test]
async fn a_file_that_was_replaced_is_read_from_its_start() {
    let site = Site::new().await;
    site.write("in/a.csv", "text\none\ntwo\n");
    site.run_through(source(&site, "in")).await;
    site.write("in/a.csv", "text\nother\n");
    let progress = site.run_through(source(&site, "in")).await;
    assert_eq!(progress.rows_read, 1);
    let mut texts = texts(&site).await;
    texts.sort();
    assert_eq!(texts, ["one", "other", "two"]);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_the_others_go_on() {
    let site = Site::new().await;
    site.write("in/a-no-such-column.csv", "content\nx\n");
    site.write("in/b-not-packed.csv.gz", "text\nx\n");
    site.write("in/c-utf16.csv", b"\xff\xfet\0");
    site.write("in/d-good.csv", "text\ngood\n");
    let mut run = site.start(source(&site, "in"));
    let progress = run
        .until(|progress| progress.all_through && progress.rows_read == 1)
        .await;
    let parts = [
        ("a-no-such-column.csv", "its columns are content"),
        ("b-not-packed.csv.gz", "not gzip"),
        ("c-utf16.csv", "UTF-16"),
    ];
    assert_eq!(progress.failures.len(), parts.len(), "{progress:?}");
    for (failure, (file, part)) in progress.failures.iter().zip(parts) {
        assert!(
            failure.contains(file) && failure.contains(part),
            "{failure}"
        );
    }
    let reason = run.until_waiting("connect-desk").await;
    assert!(reason.contains("a-no-such-column.csv"), "{reason}");
    // Once it is mended, it is read.
    site.write("in/a-no-such-column.csv", "text\nmended\n");
    run.until(|progress| progress.rows_read == 2).await;
    run.stop().await.unwrap();
    assert_eq!(texts(&site).await, ["mended", "good"]);
}

#[tokio::test]
async fn a_missing_file_is_waited_for() {
    let site = Site::new().await;
    let mut run = site.start(source(&site, "later.csv"));
    let reason = run.until_waiting("connect-desk").await;
    assert!(
        reason.contains("later.csv") && reason.contains("`path`"),
        "{reason}"
    );
    site.write("later.csv", "text\nhere\n");
    run.until(|progress| progress.rows_read == 1 && progress.failures.is_empty())
        .await;
    run.stop().await.unwrap();
}

#[tokio::test]
async fn without_a_source_it_lasts_until_it_is_stopped() {
    let site = Site::new().await;
    let mut run = site.start(json!([]));
    run.until(|progress| progress.all_through).await;
    let a_while = std::time::Duration::from_millis(300);
    let ended = tokio::time::timeout(a_while, run.ended()).await;
    assert!(
        ended.is_err(),
        "it ended although nobody stopped it: {ended:?}"
    );
}
