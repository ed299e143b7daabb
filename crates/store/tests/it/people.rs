//! Who may do what, and who did it.

use std::collections::BTreeSet;

use wensheng_schemas::{
    Actor, Alert, Author, Erasure, Sample, Severity, TimelineEntry, TimelineEvent, TimelineRecord,
    Topic,
};
use wensheng_store::{AlertFilter, AuditEntry, Erased, FeedbackFilter, Role, WriteBatch};

use crate::fixture::Fixture;
use crate::samples::{alert, dead_letter, entries, minute, piece};

pub(crate) async fn a_token_opens_until_it_is_revoked(fixture: &Fixture) {
    let store = &fixture.store;
    let made = store
        .create_token("值班", Role::Responder, minute(0))
        .await
        .unwrap();
    let admin = store
        .create_token("管理", Role::Admin, minute(1))
        .await
        .unwrap();
    assert_ne!(made.secret, admin.secret);
    assert_eq!(
        store.verify_token(&made.secret).await.unwrap(),
        Some(made.token.clone())
    );
    // The id of one with the secret of the other opens nothing.
    let crossed = format!(
        "wsk_{}_{}",
        made.token.id,
        admin.secret.rsplit('_').next().unwrap()
    );
    let shortened = made.secret[..made.secret.len() - 1].to_owned();
    for wrong in [
        "",
        "wsk_",
        "wsk__",
        "nonsense",
        crossed.as_str(),
        shortened.as_str(),
        made.token.id.as_str(),
    ] {
        assert_eq!(store.verify_token(wrong).await.unwrap(), None, "{wrong:?}");
    }
    assert!(store.revoke_token(&made.token.id, minute(2)).await.unwrap());
    assert!(!store.revoke_token(&made.token.id, minute(3)).await.unwrap());
    assert_eq!(store.verify_token(&made.secret).await.unwrap(), None);
    let tokens = store.tokens().await.unwrap();
    let seen: Vec<_> = tokens
        .iter()
        .map(|token| (token.name.as_str(), token.role, token.revoked_at))
        .collect();
    assert_eq!(
        seen,
        [
            ("值班", Role::Responder, Some(minute(2))),
            ("管理", Role::Admin, None)
        ]
    );
    assert!(Role::Viewer < Role::Responder && Role::Responder < Role::Admin);
}

pub(crate) async fn the_audit_trail_can_only_grow(fixture: &Fixture) {
    let store = &fixture.store;
    let entry = |minutes: i64, action: &str| AuditEntry {
        at: minute(minutes),
        actor: "王敏".to_owned(),
        action: action.to_owned(),
        object: "x".to_owned(),
        detail: String::new(),
    };
    // The order of writing counts, not that of the clocks.
    let (first, second) = (entry(2, "alert.acknowledge"), entry(1, "alert.resolve"));
    store.append_audit(&first).await.unwrap();
    store.append_audit(&second).await.unwrap();
    for sql in ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"] {
        let refused = fixture.try_execute(sql).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    assert_eq!(store.audit(10).await.unwrap(), [second.clone(), first]);
    assert_eq!(store.audit(1).await.unwrap(), [second]);
}

pub(crate) async fn a_person_is_removed_from_every_row_and_that_is_written_down(fixture: &Fixture) {
    let store = &fixture.store;
    let of = |id: &str, author: &str| {
        let mut piece = piece(id, minute(0), "我家在对面,排队两小时");
        piece.feedback.author = Some(Author {
            key: author.to_owned(),
            followers: None,
        });
        piece
    };
    let pieces = [of("1", "gone"), of("2", "stays"), of("3", "gone")];
    let mut shown = alert("x", 1, Severity::Crisis, None);
    shown.samples = pieces.iter().map(Sample::of).collect();
    let mut letter = dead_letter(1);
    letter.payload = Some("{\"author\":\"u-77\"}".to_owned());
    let mut lines = Vec::new();
    for (command, note) in [("c-1", "u-77 来电要求退款"), ("c-2", "已转门店")] {
        let entry = TimelineEntry {
            at: minute(1),
            actor: Actor("王敏".to_owned()),
            event: TimelineEvent::Noted,
            note: note.to_owned(),
            command: Some(command.to_owned()),
        };
        let line = TimelineRecord::append(
            &shown.id,
            &shown.brand,
            false,
            &mut shown.chain,
            entry.clone(),
        );
        shown.timeline.push(entry);
        lines.push(line);
    }
    let batch = WriteBatch {
        enriched: entries(0, pieces.clone()),
        alerts: entries(0, [shown.clone()]),
        timeline: entries(0, lines.clone()),
        dead_letters: entries(0, [letter, dead_letter(2)]),
        ..WriteBatch::default()
    };
    store.writer("test").apply(&batch, minute(1)).await.unwrap();
    let of_author = store.feedback_of("gone").await.unwrap();
    assert_eq!(of_author.len(), 2);

    let entry = AuditEntry {
        at: minute(2),
        actor: "数据保护官".to_owned(),
        action: "subject.erase".to_owned(),
        object: "gone".to_owned(),
        detail: "request 12".to_owned(),
    };
    let events = of_author.into_iter().map(|piece| piece.feedback.id);
    let named = vec!["u-77".to_owned()];
    let mut erasure = Erasure::new("gone", events.collect(), named, BTreeSet::new()).unwrap();
    let taken: Vec<_> = lines.iter().filter(|line| erasure.takes(line)).collect();
    assert_eq!(taken, [&lines[0]]);
    erasure.take_up(taken).unwrap();
    // As `wensheng erase` does with what it reads from the bus.
    let whole = serde_json::to_vec(&shown).unwrap();
    let cut = erasure.cut(Topic::Alerts, &whole, true).unwrap();
    let mut changed: Alert = serde_json::from_slice(&cut.value).unwrap();
    changed.revision += 1;
    let said = TimelineEntry {
        at: minute(2),
        actor: Actor("数据保护官".to_owned()),
        event: TimelineEvent::Erased {
            samples: cut.samples,
            lines: vec![1],
        },
        note: String::new(),
        command: None,
    };
    let line = TimelineRecord::append(&shown.id, &shown.brand, false, &mut changed.chain, said);
    let told = [(changed, line)];
    let erased = store.erase(&erasure, &told, &entry).await.unwrap();
    let expected = Erased {
        feedback: 2,
        alerts: 1,
        lines: 1,
        dead_letters: 1,
    };
    assert_eq!(erased, expected);
    let page = store
        .feedback(&FeedbackFilter::default(), None, 10)
        .await
        .unwrap();
    assert_eq!(page.rows, [pieces[1].clone()]);
    assert_eq!(store.feedback_of("gone").await.unwrap(), []);
    let alerts = store.alerts(&AlertFilter::default(), 10).await.unwrap();
    assert_eq!(alerts[0].samples, [Sample::of(&pieces[1])]);
    assert_eq!(store.dead_letter_count().await.unwrap(), 1);
    assert_eq!(
        alerts[0].timeline[0].note, "",
        "the copy in the alert goes with the line"
    );
    assert_eq!(alerts[0].timeline[1].note, "已转门店");
    // The chain is proved without the words, and cannot be changed as before.
    let proof = store.prove(&shown.id).await.unwrap().unwrap();
    assert_eq!(proof.result, Ok(3));
    for sql in ["UPDATE timeline SET actor = 'x'", "DELETE FROM audit"] {
        let refused = fixture.try_execute(sql).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    let trail: Vec<_> = store
        .audit(10)
        .await
        .unwrap()
        .into_iter()
        .map(|entry| (entry.action, entry.detail))
        .collect();
    let expected = [
        (
            "subject.erase",
            "request 12; feedback=2 alerts=1 lines=1 dead_letters=1",
        ),
        ("alert.note", "command c-2: 已转门店"),
        ("alert.note", "erased"),
    ];
    assert_eq!(
        trail,
        expected.map(|(action, detail)| (action.to_owned(), detail.to_owned()))
    );
    // Of the person nothing is left in any column.
    let left = fixture
        .numbers(
            "SELECT CAST((SELECT COUNT(*) FROM feedback WHERE document LIKE '%gone%')
             + (SELECT COUNT(*) FROM alerts WHERE document LIKE '%gone%' OR document LIKE '%u-77%')
             + (SELECT COUNT(*) FROM timeline WHERE document LIKE '%u-77%' OR document LIKE '%c-1%')
             + (SELECT COUNT(*) FROM audit WHERE detail LIKE '%u-77%') AS DOUBLE PRECISION)",
        )
        .await;
    assert_eq!(left, [0.0]);
    let again = store.erase(&erasure, &[], &entry).await.unwrap();
    assert_eq!(again, Erased::default());
}
