//! The runner over scripted answers.

mod scene;

use std::collections::BTreeMap;

use serde_json::json;
use wensheng_bus::StageState;

use scene::*;

#[tokio::test]
async fn pages_follow_at_once_and_walks_on_the_schedule() {
    let scene = start(
        &["s"],
        false,
        vec![
            page(&[1, 2], 2, true),
            page(&[], 3, true),
            page(&[4], 4, false),
            page(&[], 4, false),
        ],
    );
    scene.pass(10).await;
    assert_eq!(
        scene.asked(),
        ["s?after=0&token=", "s?after=2&token=", "s?after=3&token="]
    );
    assert!(scene.progress.borrow().all_through);
    assert_eq!(*scene.health.borrow(), StageState::Running);
    scene.pass(300).await;
    assert_eq!(scene.asked_at(), [0, 0, 0, 300]);
    let kept = scene.end().await;
    assert_eq!(kept.numbers(), 3);
    assert_eq!(kept.positions()["s"]["state"], 4);
    assert_eq!(kept.positions()["s"]["last_ok_at"], "2026-01-01T00:05:00Z");
}

#[tokio::test]
async fn a_crash_between_page_and_cursor_reads_the_page_again_and_no_other() {
    let answers = || {
        vec![
            page(&[1], 1, true),
            page(&[2], 2, true),
            page(&[3], 3, false),
        ]
    };
    let kept = Kept {
        breaks_at: Some(1),
        ..Kept::default()
    };
    let scene = start_from(&["s"], false, answers(), kept.clone(), &BTreeMap::new());
    // The service ended when the second page was to be committed.
    scene.pass(1).await;
    assert!(scene.task.is_finished());
    assert_eq!(kept.numbers(), 1);
    let kept = Kept {
        breaks_at: None,
        ..kept
    };
    let rest = answers().split_off(1);
    let scene = start_from(&["s"], false, rest, kept.clone(), &kept.positions());
    scene.pass(1).await;
    assert_eq!(scene.asked()[0], "s?after=1&token=");
    scene.end().await;
    assert_eq!(
        (kept.numbers(), &kept.positions()["s"]["state"]),
        (3, &json!(3))
    );
}

#[tokio::test]
async fn failures_wait_ever_longer_and_then_the_breaker_opens() {
    let scene = start(&["s"], false, vec![Ok((500, json!("busy")))]);
    scene.pass(3_600).await;
    let asked = scene.asked_at();
    // Seven waits of at most 1, 2, 4, … 60 s, then one request every 150 to 300 s.
    assert!(asked[7] <= 127, "{asked:?}");
    for pair in asked[7..].windows(2) {
        assert!((150..=301).contains(&(pair[1] - pair[0])), "{asked:?}");
    }
    assert!(matches!(&*scene.health.borrow(), StageState::Waiting(told) if told.contains("busy")));
    assert!(!scene.progress.borrow().all_through);
    // It comes back: all is well at once.
    *scene.script.answers.lock().unwrap() = vec![page(&[1], 1, false)].into();
    scene.pass(301).await;
    assert_eq!(*scene.health.borrow(), StageState::Running);
    assert_eq!(scene.end().await.numbers(), 1);
}

#[tokio::test]
async fn retry_after_is_kept_to_for_the_whole_source() {
    let scene = start(
        &["a", "b"],
        false,
        vec![Ok((429, json!({ "retry_after": 90 }))), page(&[], 1, false)],
    );
    scene.pass(89).await;
    assert_eq!(scene.asked(), ["a?after=0&token="]);
    scene.pass(10).await;
    assert_eq!(scene.asked_at(), [0, 90, 90]);
    scene.end().await;
}

#[tokio::test]
async fn an_expired_token_is_renewed_once_and_the_page_asked_for_again() {
    let token = |token: &str| Ok((200, json!({ "token": token })));
    let scene = start(
        &["s"],
        true,
        vec![
            token("t1"),
            code("expired"),
            token("t2"),
            page(&[1], 1, false),
            page(&[], 1, false),
        ],
    );
    scene.pass(1).await;
    assert_eq!(
        scene.asked(),
        ["token", "s?after=0&token=t1", "token", "s?after=0&token=t2"]
    );
    // It is used until 90 minutes are nearly over, and renewed by then.
    scene.script.answers.lock().unwrap().clear();
    scene
        .script
        .answers
        .lock()
        .unwrap()
        .extend([page(&[], 1, false)]);
    scene.pass(5_000).await;
    assert!(
        scene.asked()[4..]
            .iter()
            .all(|asked| asked.ends_with("token=t2"))
    );
    scene.end().await;
}

#[tokio::test]
async fn a_new_token_that_is_refused_too_is_a_failure_with_waits() {
    let token = |token: &str| Ok((200, json!({ "token": token })));
    let answers = vec![
        token("t1"),
        code("expired"),
        token("t2"),
        code("expired"),
        token("t3"),
        page(&[7], 1, false),
    ];
    let scene = start(&["s"], true, answers);
    scene.pass(2).await;
    assert_eq!(scene.end().await.numbers(), 1);
}

#[tokio::test]
async fn what_a_person_must_mend_stops_that_stream_alone_and_says_what() {
    let scene = start(
        &["a", "b"],
        false,
        vec![code("secret"), page(&[1], 1, false), page(&[], 1, false)],
    );
    scene.pass(1_000).await;
    let a = scene
        .asked()
        .iter()
        .filter(|asked| asked.starts_with('a'))
        .count();
    let b = scene
        .asked()
        .iter()
        .filter(|asked| asked.starts_with('b'))
        .count();
    assert_eq!((a, b), (1, 4));
    let told = scene.progress.borrow().failures.clone();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("a: stopped") && told[0].contains("the secret is wrong"),
        "{told:?}"
    );
    let class = |scene: &Scene| scene.progress.borrow().sources["numbers"].error_class;
    assert_eq!(class(&scene), Some("fatal-config"));
    // A source that waits for a person holds up nobody who waits until all is read.
    assert!(scene.progress.borrow().all_through);
    scene.end().await;
}

#[tokio::test]
async fn without_a_token_to_renew_an_expired_one_needs_a_person() {
    let scene = start(&["s"], false, vec![code("expired")]);
    scene.pass(1_000).await;
    assert_eq!(scene.asked().len(), 1);
    scene.end().await;
}

#[tokio::test]
async fn what_can_never_be_read_is_a_dead_letter_and_the_walk_goes_on() {
    let scene = start(
        &["s"],
        false,
        vec![page(&[1], 1, true), code("poison"), page(&[3], 3, false)],
    );
    scene.pass(1).await;
    assert_eq!(
        scene.asked(),
        ["s?after=0&token=", "s?after=1&token=", "s?after=2&token="]
    );
    assert_eq!(scene.end().await.numbers(), 3);
}

#[tokio::test]
async fn what_can_never_be_read_and_is_not_passed_is_told_once_and_is_not_well() {
    let scene = start(
        &["s"],
        false,
        vec![page(&[1], 1, false), code("unpassable")],
    );
    scene.pass(1_000).await;
    assert_eq!(scene.asked_at(), [0, 300, 600, 900]);
    assert!(matches!(&*scene.health.borrow(), StageState::Waiting(told) if told.contains("never")));
    assert_eq!(
        scene.progress.borrow().sources["numbers"].error_class,
        Some("fatal-item")
    );
    // The number, and what was refused.
    assert_eq!(scene.kept.numbers(), 2);
    let at = |scene: &Scene| scene.kept.positions()["s"]["last_ok_at"].clone();
    assert_eq!(at(&scene), "2026-01-01T00:00:00Z");
    *scene.script.answers.lock().unwrap() = vec![page(&[2], 2, false)].into();
    scene.pass(300).await;
    assert_eq!(*scene.health.borrow(), StageState::Running);
    assert_eq!(at(&scene), "2026-01-01T00:20:00Z");
    scene.end().await;
}

#[tokio::test]
async fn what_is_wrong_with_the_account_stops_all_streams_and_is_tried_once_an_hour() {
    let scene = start(&["a", "b", "c"], false, vec![code("account")]);
    scene.pass(3_599).await;
    assert_eq!(scene.asked(), ["a?after=0&token="], "no other stream asks");
    let told = scene.progress.borrow().failures.clone();
    assert_eq!(told.len(), 3);
    assert!(
        told[2].starts_with("c: stopped until it is mended, tried once an hour"),
        "{told:?}"
    );
    scene.pass(3_600).await;
    assert_eq!(scene.asked_at(), [0, 3_600], "one stream tries for all");
    // It is mended on the platform's side, and nobody starts anything again.
    *scene.script.answers.lock().unwrap() = vec![page(&[], 1, false)].into();
    scene.pass(10).await;
    assert_eq!(scene.asked_at(), [0, 3_600, 7_200, 7_200, 7_200]);
    assert_eq!(*scene.health.borrow(), StageState::Running);
    scene.end().await;
}

#[tokio::test]
async fn a_stream_that_stopped_comes_back_by_itself() {
    let scene = start(&["s"], false, vec![code("secret"), page(&[1], 1, false)]);
    scene.pass(3_599).await;
    assert_eq!(scene.asked_at(), [0]);
    scene.pass(1).await;
    assert_eq!(scene.asked_at(), [0, 3_600]);
    assert_eq!(*scene.health.borrow(), StageState::Running);
    scene.end().await;
}

#[tokio::test]
async fn more_without_a_step_forward_ends_the_walk() {
    let scene = start(&["s"], false, vec![page(&[], 0, true)]);
    scene.pass(599).await;
    assert_eq!(scene.asked_at(), [0, 300]);
    scene.end().await;
}

#[tokio::test]
async fn a_hint_walks_the_stream_at_once_with_what_it_said() {
    let scene = start(&["a", "b"], false, vec![page(&[], 1, false)]);
    scene.pass(10).await;
    assert_eq!(scene.asked().len(), 2);
    for _ in 0..5_000 {
        scene.hints.send("b", json!(41));
    }
    scene.pass(1).await;
    assert_eq!(scene.asked()[2..], ["b?after=41&token="]);
    scene.end().await;
}

#[tokio::test]
async fn a_cursor_that_cannot_be_read_starts_the_stream_over() {
    let positions = [("s".to_owned(), json!({ "state": "not a number" }))].into();
    let scene = start_from(
        &["s"],
        false,
        vec![page(&[1], 1, false)],
        Kept::default(),
        &positions,
    );
    scene.pass(1).await;
    assert_eq!(scene.asked(), ["s?after=0&token="]);
    scene.end().await;
}
