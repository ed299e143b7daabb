//! What brokers may answer, scripted on librdkafka's mock cluster: what passes is waited out within the call, what costs
//! the session costs it and nothing else, and only what the operator must mend ends a stage.
//!
//! The mock cluster shows what was aborted, and forgets the progress of groups; so where a session is lost, these tests
//! look whether anything is missing. That nothing is doubled is shown on the real one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey as Api, RDKafkaRespErr as Answer};
use wensheng_bus::{
    BusError, ErrorKind, KafkaConfig, OutRecord, Outcome, Outputs, Progress, Record, Restore,
    Session, Stage, TopicPartition,
};

use crate::engine::{
    Engine, commit, next_batch, number, numbered, progress, record, soon, sorted, text,
};
use crate::stages::start;

use Answer::*;

struct Script {
    cluster: MockCluster<'static, DefaultProducerContext>,
    engine: Engine,
    input: Arc<str>,
    output: Arc<str>,
}

impl Script {
    /// A cluster with an input of `records` records and an empty output, each of one partition.
    async fn with(records: usize) -> Self {
        let cluster = MockCluster::new(1).unwrap();
        let engine = Engine::with(KafkaConfig {
            brokers: cluster.bootstrap_servers(),
            // So that what is tried again is tried again soon.
            properties: [("retry.backoff.ms", "10"), ("retry.backoff.max.ms", "50")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ..Default::default()
        });
        let [input, output] = ["input", "output"].map(|name| engine.name(name));
        for topic in [&input, &output] {
            cluster.create_topic(topic, 1, 1).unwrap();
        }
        if records > 0 {
            engine.publish(numbered(&input, records, 10)).await;
        }
        Self {
            cluster,
            engine,
            input,
            output,
        }
    }

    /// The next requests of that kind are answered so, one after the other.
    fn answers(&self, api: Api, answers: &[Answer]) {
        self.cluster.request_errors(api, answers);
    }

    /// What comes of a transaction when requests of that kind are answered so. Only those about offsets need a session,
    /// which takes some seconds to join here.
    async fn transact(&self, api: Api, answers: &[Answer]) -> Result<(), BusError> {
        let records = numbered(&self.input, 10, 10);
        let done = match api {
            Api::AddOffsetsToTxn | Api::TxnOffsetCommit => {
                self.engine.publish(records).await;
                let mut session = self.engine.session("g", &[&self.input]).await;
                let read = next_batch(&mut session).await.records;
                self.answers(api, answers);
                let outputs = copies(&read, &self.output);
                soon("it ends", session.commit(&progress(&read), outputs)).await
            }
            _ => {
                let id = self.engine.name("another");
                let mut publisher = self.engine.bus.publisher(&id).await.unwrap();
                self.answers(api, answers);
                soon("it ends", publisher.publish(records)).await
            }
        };
        self.cluster.clear_request_errors(api);
        done
    }
}

fn copies(records: &[Record], output: &Arc<str>) -> Vec<OutRecord> {
    records
        .iter()
        .map(|read| record(output, text(read), text(read)))
        .collect()
}

/// Commits as the consume loop does: again, while waiting may help.
async fn insist(session: &mut Box<dyn Session>, at: &Progress, outputs: Vec<OutRecord>) {
    soon("the commit succeeds", async {
        loop {
            match session.commit(at, outputs.clone()).await {
                Ok(()) => return,
                Err(error) => assert_eq!(error.kind, ErrorKind::Unavailable, "{error}"),
            }
        }
    })
    .await;
}

/// Everything a broker says of a commit that passes by itself: elections, coordinators that move or load, replicas that
/// lag, connections that break. One session outlives them all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_passes_by_itself_costs_neither_the_session_nor_a_record() {
    let script = Script::with(0).await;
    let coordinators = [
        RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
        RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
        RD_KAFKA_RESP_ERR__TRANSPORT,
    ];
    let leaders = [
        RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
        RD_KAFKA_RESP_ERR__TRANSPORT,
    ];
    let busy = [RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS];
    let mut session = script.engine.session("g", &[&script.input]).await;
    let mut published = 0;
    for (api, answers) in [
        (Api::AddPartitionsToTxn, &coordinators[..]),
        (Api::AddPartitionsToTxn, &busy[..]),
        (
            Api::AddPartitionsToTxn,
            &[RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART],
        ),
        (Api::Produce, &leaders[..]),
        (Api::AddOffsetsToTxn, &coordinators[..]),
        (Api::AddOffsetsToTxn, &busy[..]),
        (Api::TxnOffsetCommit, &coordinators[..]),
        (Api::FindCoordinator, &coordinators[..2]),
        (Api::EndTxn, &coordinators[..]),
        (Api::EndTxn, &busy[..]),
        (Api::Heartbeat, &coordinators[..3]),
        (Api::Fetch, &leaders[1..]),
        (Api::Metadata, &leaders[..1]),
    ] {
        println!("{api:?}: {answers:?}");
        script.answers(api, answers);
        let fresh = record(&script.input, "key", &published.to_string());
        script.engine.publish(vec![fresh]).await;
        published += 1;
        let records = next_batch(&mut session).await.records;
        script.answers(api, answers);
        let outputs = copies(&records, &script.output);
        insist(&mut session, &progress(&records), outputs).await;
        script.cluster.clear_request_errors(api);
    }
    let copied = sorted(&script.engine.everything(&script.output).await);
    assert_eq!(copied, (0..published).collect::<Vec<_>>());
}

/// The group has gone on without this session, or a newer producer has taken its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_was_overtaken_is_lost_and_nothing_of_its_batch_counts() {
    let script = Script::with(0).await;
    for (api, answer) in [
        (Api::TxnOffsetCommit, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID),
        (Api::TxnOffsetCommit, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION),
        (Api::TxnOffsetCommit, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID),
        (
            Api::AddPartitionsToTxn,
            RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
        ),
        (
            Api::AddPartitionsToTxn,
            RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING,
        ),
        (Api::AddOffsetsToTxn, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE),
        (Api::EndTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH),
        (Api::EndTxn, RD_KAFKA_RESP_ERR_PRODUCER_FENCED),
        (Api::EndTxn, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE),
        (Api::Produce, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER),
        (Api::Produce, RD_KAFKA_RESP_ERR_INVALID_RECORD),
    ] {
        let error = script.transact(api, &[answer]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Lost, "{api:?} {answer:?}: {error}");
    }
}

/// What no waiting mends, told with what to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_operator_must_mend_is_fatal_and_says_how() {
    let script = Script::with(0).await;
    for (api, answer, advice) in [
        (
            Api::AddPartitionsToTxn,
            RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            "grant this user",
        ),
        (
            Api::AddOffsetsToTxn,
            RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
            "grant this user",
        ),
        (
            Api::TxnOffsetCommit,
            RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
            "grant this user",
        ),
        (
            Api::AddPartitionsToTxn,
            RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            "grant this user",
        ),
        (
            Api::Produce,
            RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
            "max.message.bytes",
        ),
    ] {
        let error = script.transact(api, &[answer]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Fatal, "{api:?} {answer:?}: {error}");
        assert!(
            error.to_string().contains(advice),
            "{api:?} {answer:?}: {error}"
        );
    }
    script.answers(
        Api::InitProducerId,
        &[RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED],
    );
    let opened = script
        .engine
        .bus
        .publisher(&script.engine.name("other"))
        .await;
    let error = opened.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Fatal, "{error}");
    assert!(error.to_string().contains("grant this user"), "{error}");
}

/// Copies its input, and remembers what it wrote.
struct Copies {
    output: Arc<str>,
}

impl Stage for Copies {
    fn restores(&self) -> Vec<Restore> {
        vec![Restore::State(self.output.clone())]
    }

    fn process(&mut self, read: &Record, _now: Timestamp, out: &mut Outputs) -> Outcome {
        out.emit(record(&self.output, text(read), text(read)));
        Outcome::Emit
    }
}

/// A broker that has just come back: it knows no topic yet, leads nothing, loads its coordinators.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_outlives_a_broker_that_has_just_come_back() {
    let script = Script::with(100).await;
    let loading = [
        RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
        RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
        RD_KAFKA_RESP_ERR__TRANSPORT,
    ];
    for api in [
        Api::FindCoordinator,
        Api::InitProducerId,
        Api::JoinGroup,
        Api::SyncGroup,
        Api::OffsetFetch,
        Api::AddOffsetsToTxn,
        Api::TxnOffsetCommit,
        Api::EndTxn,
    ] {
        script.answers(api, &loading);
    }
    for api in [Api::ListOffsets, Api::Fetch, Api::Produce] {
        script.answers(
            api,
            &[
                RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
                RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
                RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                RD_KAFKA_RESP_ERR__TRANSPORT,
            ],
        );
    }
    copies_all(&script, 100).await;
}

/// One loss after another, at each point of a transaction: the stage goes on every time, and reads everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_outlives_the_loss_of_its_session_at_each_point_of_a_transaction() {
    let script = Script::with(100).await;
    script.answers(Api::InitProducerId, &[RD_KAFKA_RESP_ERR_PRODUCER_FENCED]);
    script.answers(
        Api::AddPartitionsToTxn,
        &[RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH],
    );
    script.answers(
        Api::Produce,
        &[RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER],
    );
    script.answers(
        Api::TxnOffsetCommit,
        &[
            RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
            RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
        ],
    );
    script.answers(Api::EndTxn, &[RD_KAFKA_RESP_ERR_PRODUCER_FENCED]);
    copies_all(&script, 100).await;
}

/// Runs the stage until it has copied each of the records; it must not end before.
async fn copies_all(script: &Script, records: usize) {
    let stage = Copies {
        output: script.output.clone(),
    };
    let mut spec = script.engine.spec("g", &[&script.input]);
    spec.max_records = records / 10;
    let running = start(&script.engine, spec, stage);
    let expected: BTreeSet<usize> = (0..records).collect();
    soon("all is copied", async {
        loop {
            assert!(!running.task.is_finished(), "{:?}", running.state.borrow());
            let at = TopicPartition::new(script.output.clone(), 0);
            let mut copied = BTreeSet::new();
            let mut visit = |read: Record| {
                copied.insert(number(&read));
            };
            let replayed = script.engine.bus.replay(&at, 0..u64::MAX, &mut visit).await;
            match replayed {
                Ok(_) if copied == expected => return,
                Ok(_) => tokio::time::sleep(Duration::from_millis(200)).await,
                Err(error) => assert_eq!(error.kind, ErrorKind::Unavailable, "{error}"),
            }
        }
    })
    .await;
    running.stop().await;
}

/// Brokers that know no topic for a moment, after they did: what the end of a partition is asked for is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_unknown_for_a_moment_is_not_taken_for_missing() {
    let script = Script::with(10).await;
    let unknown = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    script.cluster.topic_error(&script.input, unknown).unwrap();
    let at = TopicPartition::new(script.input.clone(), 0);
    // A client that has never heard of the topic.
    let newcomer = Engine::over(script.cluster.bootstrap_servers());
    let replayed = soon(
        "an answer comes",
        newcomer.bus.replay(&at, 0..u64::MAX, &mut |_| {}),
    )
    .await;
    let error = replayed.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    // One that has, and opens another session.
    let mut session = script.engine.session("g", &[&script.input]).await;
    script
        .cluster
        .topic_error(&script.input, RD_KAFKA_RESP_ERR_NO_ERROR)
        .unwrap();
    let records = next_batch(&mut session).await.records;
    commit(&mut session, &progress(&records), vec![]).await;
    assert_eq!(
        newcomer.replay(&script.input, 0, 0..u64::MAX).await.len(),
        10
    );
}
