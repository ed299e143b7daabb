//! Groups: sessions share partitions, and what one has lost it cannot commit.

use std::collections::BTreeSet;

use wensheng_bus::{ErrorKind, SessionEvent, TopicPartition};

use crate::engine::{Engine, commit, next, next_batch, numbered, progress, read, soon, sorted};

crate::on_both_engines!(
    two_sessions_share_the_partitions,
    two_groups_each_read_everything,
    equal_numbers_of_co_partitioned_topics_stay_together,
    topics_that_are_not_co_partitioned_are_refused,
    partitions_of_a_closed_session_go_to_the_other,
    a_revoked_session_cannot_commit_what_it_lost,
    a_session_reads_on_from_where_it_was_told,
    cancelling_next_loses_nothing,
);

/// Lets both sessions act until the partitions are shared, then tells who has which.
pub(crate) async fn share(
    first: &mut Box<dyn wensheng_bus::Session>,
    second: &mut Box<dyn wensheng_bus::Session>,
    partitions: usize,
) -> [BTreeSet<TopicPartition>; 2] {
    let mut held = [BTreeSet::new(), BTreeSet::new()];
    soon("the partitions are shared", async {
        while held[0].is_empty() || held[1].is_empty() || held[0].len() + held[1].len() < partitions
        {
            let (who, event) = tokio::select! {
                event = first.next() => (0, event),
                event = second.next() => (1, event),
            };
            match event.unwrap() {
                SessionEvent::Assigned(at) => held[who].extend(at),
                SessionEvent::Revoked(at) => held[who].retain(|held| !at.contains(held)),
                SessionEvent::Records(batch) => panic!("the topic is empty: {batch:?}"),
            }
        }
    })
    .await;
    held
}

pub(crate) async fn two_sessions_share_the_partitions(engine: &Engine) {
    let topic = engine.topic("input", 4).await;
    let mut first = engine.session("g", &[&topic]).await;
    let mut second = engine.session("g", &[&topic]).await;
    let held = share(&mut first, &mut second, 4).await;
    assert_eq!([held[0].len(), held[1].len()], [2, 2]);
    assert!(held[0].is_disjoint(&held[1]));

    engine.publish(numbered(&topic, 400, 40)).await;
    let mut records = Vec::new();
    while records.len() < 400 {
        let (batch, who) = soon("all records come", async {
            tokio::select! {
                batch = next_batch(&mut first) => (batch, 0),
                batch = next_batch(&mut second) => (batch, 1),
            }
        })
        .await;
        assert!(
            batch
                .records
                .iter()
                .all(|record| held[who].contains(&record.at))
        );
        records.extend(batch.records);
    }
    assert_eq!(sorted(&records), (0..400).collect::<Vec<_>>());
}

async fn two_groups_each_read_everything(engine: &Engine) {
    let topic = engine.topic("input", 2).await;
    engine.publish(numbered(&topic, 20, 20)).await;
    for group in ["one", "two"] {
        let mut session = engine.session(group, &[&topic]).await;
        let records = read(&mut session, 20).await;
        commit(&mut session, &progress(&records), vec![]).await;
    }
}

async fn equal_numbers_of_co_partitioned_topics_stay_together(engine: &Engine) {
    let signals = engine.topic("signals", 4).await;
    let commands = engine.topic("commands", 4).await;
    let mut first = engine.session("g", &[&signals, &commands]).await;
    let mut second = engine.session("g", &[&signals, &commands]).await;
    for held in share(&mut first, &mut second, 8).await {
        let of = |topic: &str| {
            held.iter()
                .filter(|at| &*at.topic == topic)
                .map(|at| at.partition)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(&signals), of(&commands));
        assert_eq!(of(&signals).len(), 2);
    }
}

async fn topics_that_are_not_co_partitioned_are_refused(engine: &Engine) {
    let one = engine.topic("one", 2).await;
    let other = engine.topic("other", 3).await;
    let session = soon(
        "an answer comes",
        engine.bus.session(engine.spec("g", &[&one, &other])),
    )
    .await;
    assert_eq!(
        session.err().map(|error| error.kind),
        Some(ErrorKind::Fatal)
    );
}

async fn partitions_of_a_closed_session_go_to_the_other(engine: &Engine) {
    let topic = engine.topic("input", 4).await;
    let mut first = engine.session("g", &[&topic]).await;
    let mut second = engine.session("g", &[&topic]).await;
    let [_, mut held] = share(&mut first, &mut second, 4).await;
    soon("the session closes", first.close()).await.unwrap();
    while held.len() < 4 {
        match next(&mut second).await {
            SessionEvent::Assigned(at) => held.extend(at),
            SessionEvent::Revoked(at) => held.retain(|held| !at.contains(held)),
            SessionEvent::Records(batch) => panic!("the topic is empty: {batch:?}"),
        }
    }
    engine.publish(numbered(&topic, 40, 40)).await;
    assert_eq!(
        sorted(&read(&mut second, 40).await),
        (0..40).collect::<Vec<_>>()
    );
}

pub(crate) async fn a_revoked_session_cannot_commit_what_it_lost(engine: &Engine) {
    let topic = engine.topic("input", 2).await;
    let output = engine.topic("output", 1).await;
    engine.publish(numbered(&topic, 20, 20)).await;
    let mut first = engine.session("g", &[&topic]).await;
    let records = read(&mut first, 20).await;

    let spec = engine.spec("g", &[&topic]);
    let bus = engine.bus.clone();
    let second = tokio::spawn(async move {
        let mut session = bus.session(spec).await.unwrap();
        let event = session.next().await.unwrap();
        (session, event)
    });
    let lost = soon("the partitions are revoked", async {
        loop {
            if let SessionEvent::Revoked(lost) = next(&mut first).await {
                return lost;
            }
        }
    })
    .await;
    let mine: Vec<_> = records
        .into_iter()
        .filter(|record| lost.contains(&record.at))
        .collect();
    let outputs = numbered(&output, 1, 1);
    let error = soon(
        "the commit is refused",
        first.commit(&progress(&mine), outputs),
    )
    .await
    .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Lost, "{error}");
    drop(first);
    let (mut second, event) = soon("the newcomer has partitions", second).await.unwrap();
    assert!(matches!(event, SessionEvent::Assigned(_)));
    assert_eq!(
        sorted(&read(&mut second, 20).await),
        (0..20).collect::<Vec<_>>(),
        "all are delivered again"
    );
    assert_eq!(engine.everything(&output).await.len(), 0);
}

async fn a_session_reads_on_from_where_it_was_told(engine: &Engine) {
    let topic = engine.topic("input", 1).await;
    engine.publish(numbered(&topic, 50, 1)).await;
    let mut session = engine.session("g", &[&topic]).await;
    let SessionEvent::Assigned(assigned) = next(&mut session).await else {
        panic!("the assignment comes first")
    };
    session
        .seek(&[(assigned[0].clone(), 30)].into())
        .await
        .unwrap();
    assert_eq!(
        sorted(&read(&mut session, 20).await),
        (30..50).collect::<Vec<_>>()
    );
    session
        .seek(&[(assigned[0].clone(), 45)].into())
        .await
        .unwrap();
    assert_eq!(
        sorted(&read(&mut session, 5).await),
        (45..50).collect::<Vec<_>>()
    );
}

async fn cancelling_next_loses_nothing(engine: &Engine) {
    let topic = engine.topic("input", 2).await;
    engine.publish(numbered(&topic, 500, 50)).await;
    let mut spec = engine.spec("g", &[&topic]);
    spec.max_records = 20;
    let mut session = engine.bus.session(spec).await.unwrap();
    let mut records = Vec::new();
    soon("all records come", async {
        while records.len() < 500 {
            tokio::select! {
                biased;
                event = session.next() => {
                    if let SessionEvent::Records(batch) = event.unwrap() {
                        records.extend(batch.records);
                    }
                }
                // Ready after one poll of `next`: cancels it as often as can be.
                () = tokio::task::yield_now() => {}
            }
        }
    })
    .await;
    assert_eq!(sorted(&records), (0..500).collect::<Vec<_>>());
}
