//! Named processes and the dead: a restart moves no partition, and what comes back from the dead can commit nothing.
//! These are Kafka's own promises, kept only where the engine asks for them.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use wensheng_bus::{ErrorKind, KafkaBus, KafkaConfig, Session, SessionEvent, TopicPartition};

use crate::engine::{
    Engine, brokers, commit, next, next_batch, numbered, progress, read, record, soon, sorted,
    unique,
};
use crate::groups::share;

fn named(brokers: &str, instance: &str) -> KafkaConfig {
    KafkaConfig {
        brokers: brokers.to_owned(),
        instance: Some(instance.to_owned()),
        ..Default::default()
    }
}

fn of_topic(held: &BTreeSet<TopicPartition>, topic: &str) -> Vec<u32> {
    let places = held.iter().filter(|at| &*at.topic == topic);
    places.map(|at| at.partition).collect()
}

/// Two processes, two topics read together; each process restarts in turn, as a rolling update does. Nobody's partitions
/// are taken away, and the one that comes back has those that it had.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_named_processes_moves_no_partition() {
    let Some(brokers) = brokers() else { return };
    let engine = Engine::over(brokers.clone());
    let signals = engine.topic("signals", 5).await;
    let commands = engine.topic("commands", 5).await;
    let topics = [&signals, &commands];
    let names = ["pod-0", "pod-1"];
    let open = async |which: usize| -> Box<dyn Session> {
        let process = engine.another(named(&brokers, names[which]));
        process.session("g", &topics).await
    };
    let [mut first, mut second] = [open(0).await, open(1).await];
    let held = share(&mut first, &mut second, 10).await;
    for held in &held {
        assert_eq!(of_topic(held, &signals), of_topic(held, &commands));
    }
    let mut sessions = [first, second].map(Some);
    for restarting in [0, 1] {
        let leaving = sessions[restarting].take().unwrap();
        soon("the session closes", leaving.close()).await.unwrap();
        let mut back = open(restarting).await;
        let SessionEvent::Assigned(again) = next(&mut back).await else {
            panic!("the assignment comes first")
        };
        assert_eq!(again.into_iter().collect::<BTreeSet<_>>(), held[restarting]);
        sessions[restarting] = Some(back);

        // Had the partitions been shared anew, the other would hear of that before its next record.
        engine.publish(numbered(&signals, 50, 50)).await;
        for (session, held) in sessions.iter_mut().flatten().zip(&held) {
            let mut told = BTreeSet::new();
            while told.len() < of_topic(held, &signals).len() {
                match next(session).await {
                    SessionEvent::Records(batch) => {
                        told.extend(batch.records.iter().map(|record| record.at.clone()));
                        commit(session, &batch.progress(), vec![]).await;
                    }
                    moved => panic!("partitions moved: {moved:?}"),
                }
            }
        }
    }
}

const ZOMBIE: &str = "WENSHENG_BUS_ZOMBIE";

/// The child's side: takes a batch in hand, and commits it when it is told to, whatever happened meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_is_stopped_with_a_batch_in_hand() {
    let Ok(told) = std::env::var(ZOMBIE) else {
        return;
    };
    let (brokers, suffix) = told.split_once(' ').unwrap();
    let bus = KafkaBus::open(KafkaConfig {
        brokers: brokers.to_owned(),
        transactional_id_prefix: format!("test-{suffix}"),
        // The shortest that a broker grants by default: the group goes on without us after this.
        properties: [("session.timeout.ms".to_owned(), "6000".to_owned())].into(),
        ..Default::default()
    })
    .unwrap();
    let engine = Engine::of(bus, suffix.to_owned());
    let mut session = engine.session("g", &[&engine.name("input")]).await;
    let records = next_batch(&mut session).await.records;
    println!("\nholding {}", records.len());
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let outputs = vec![record(&engine.name("output"), "zombie", "1")];
    let done = soon(
        "an answer comes",
        session.commit(&progress(&records), outputs),
    )
    .await;
    match done {
        Ok(()) => println!("answer: committed"),
        Err(error) => println!("answer: {} {error}", error.kind_name()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_comes_back_from_the_dead_commits_nothing() {
    let Some(brokers) = brokers() else { return };
    let suffix = unique();
    let bus = KafkaBus::open(KafkaConfig {
        brokers: brokers.clone(),
        transactional_id_prefix: format!("test-{suffix}"),
        ..Default::default()
    })
    .unwrap();
    let engine = Engine::of(bus, suffix.clone());
    let input = engine.topic("input", 2).await;
    let output = engine.topic("output", 1).await;
    engine.publish(numbered(&input, 20, 20)).await;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "members::child_that_is_stopped_with_a_batch_in_hand",
            "--nocapture",
        ])
        .env(ZOMBIE, format!("{brokers} {suffix}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut line = |start: &str| {
        let found = lines.find(|line| line.as_ref().unwrap().starts_with(start));
        found.expect("the child says something").unwrap()
    };
    line("holding");
    signal(&child, "STOP");

    // The group waits for the dead until its time-out, and goes on.
    let mut successor = engine.session("g", &[&input]).await;
    let records = read(&mut successor, 20).await;
    let outputs = vec![record(&output, "successor", "0")];
    commit(&mut successor, &progress(&records), outputs).await;

    signal(&child, "CONT");
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let answer = line("answer");
    assert!(answer.starts_with("answer: lost"), "{answer}");
    child.wait().unwrap();
    assert_eq!(sorted(&engine.everything(&output).await), [0]);
    assert_eq!(engine.total_lag("g", &input).await, 0);
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status();
    assert!(status.unwrap().success(), "kill -{name}");
}

/// A process is started while another of the same name still runs, as when a machine only seemed to be gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_of_the_same_name_fences_the_older_one_off() {
    let Some(brokers) = brokers() else { return };
    let engine = Engine::over(brokers.clone());
    let input = engine.topic("input", 2).await;
    let output = engine.topic("output", 1).await;
    engine.publish(numbered(&input, 20, 20)).await;
    let older = engine.another(named(&brokers, "pod-0"));
    let mut zombie = older.session("g", &[&input]).await;
    let in_hand = read(&mut zombie, 20).await;

    let newer = engine.another(named(&brokers, "pod-0"));
    let mut successor = newer.session("g", &[&input]).await;
    let again = read(&mut successor, 20).await;
    let outputs = vec![record(&output, "zombie", "1")];
    let at = progress(&in_hand);
    let done = zombie.commit(&at, outputs);
    let error = soon("an answer comes", done).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Lost, "{error}");
    drop(zombie);

    let outputs = vec![record(&output, "successor", "0")];
    commit(&mut successor, &progress(&again), outputs).await;
    assert_eq!(sorted(&engine.everything(&output).await), [0]);
    assert_eq!(engine.total_lag("g", &input).await, 0);
}
