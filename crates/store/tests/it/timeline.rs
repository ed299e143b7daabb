//! The timeline proves itself, and the audit trail says what took effect.

use wensheng_schemas::{
    Actor, Alert, ChainFault, Severity, TimelineEntry, TimelineEvent, TimelineRecord, Topic,
};
use wensheng_store::WriteBatch;

use crate::fixture::Fixture;
use crate::samples::{alert, entries, minute, progress};

fn entry(minutes: i64, actor: &str, event: TimelineEvent) -> TimelineEntry {
    TimelineEntry {
        at: minute(minutes),
        actor: Actor(actor.to_owned()),
        event,
        note: "已核实".to_owned(),
        command: (actor != "system").then(|| format!("c{minutes}")),
    }
}

fn chain(id: &str) -> (Alert, Vec<TimelineRecord>) {
    let mut alert = alert(id, 3, Severity::Crisis, None);
    let raised = TimelineEvent::Raised {
        signal: "s".to_owned(),
        kind: "rule_hit".to_owned(),
    };
    let refused = TimelineEvent::Refused {
        action: "acknowledge".to_owned(),
    };
    let lines = [
        entry(0, "system", raised),
        entry(1, "王敏", TimelineEvent::Acknowledged),
        entry(2, "李强", refused),
        entry(3, "李强", TimelineEvent::Viewed),
    ];
    let id = alert.id.clone();
    let brand = alert.brand.clone();
    let records =
        lines.map(|line| TimelineRecord::append(&id, &brand, false, &mut alert.chain, line));
    (alert, records.to_vec())
}

pub(crate) async fn a_tampered_line_is_found_and_lines_only_grow(fixture: &Fixture) {
    let store = &fixture.store;
    let writer = store.writer("test");
    let (alert, lines) = chain("x");
    let id = alert.id.clone();
    let batch = WriteBatch {
        alerts: entries(0, [alert]),
        timeline: entries(0, lines.clone()),
        progress: vec![progress(Topic::Alerts, 1), progress(Topic::Timeline, 4)],
        ..WriteBatch::default()
    };
    let applied = writer.apply(&batch, minute(4)).await.unwrap();
    assert_eq!(applied.written.timeline, 4);
    // Read again, it changes nothing: neither lines nor the audit trail.
    writer.apply(&batch, minute(5)).await.unwrap();
    assert_eq!(store.timeline(&id, 0, 100).await.unwrap(), lines);
    assert_eq!(store.timeline(&id, 2, 1).await.unwrap(), lines[2..3]);
    let proof = store.prove(&id).await.unwrap().unwrap();
    assert_eq!(proof.result, Ok(4));
    assert_eq!(proof.head, lines[3].hash);
    let audit = store.audit(10).await.unwrap();
    let noted: Vec<_> = audit
        .iter()
        .map(|line| (line.actor.as_str(), line.action.as_str()))
        .collect();
    assert_eq!(
        noted,
        [
            ("李强", "alert.acknowledge.refused"),
            ("王敏", "alert.acknowledge")
        ]
    );
    for sql in ["UPDATE timeline SET actor = 'x'", "DELETE FROM timeline"] {
        let refused = fixture.try_execute(sql).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    // Whoever owns the database can take the guard away; the chain still tells.
    let sqlite = fixture
        .try_execute("DROP TRIGGER timeline_is_not_changed")
        .await;
    if sqlite.is_err() {
        let guard = "DROP TRIGGER timeline_is_append_only ON timeline";
        fixture.try_execute(guard).await.unwrap();
    }
    let tamper =
        "UPDATE timeline SET document = replace(document, '王敏', '李强') WHERE number = 2";
    fixture.try_execute(tamper).await.unwrap();
    let proof = store.prove(&id).await.unwrap().unwrap();
    assert_eq!(proof.result, Err(ChainFault::Changed { number: 2 }));
}
