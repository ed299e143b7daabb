//! Stages under the consume loop: what becomes of records, ticks, state and waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wensheng_bus::{
    Backoff, BusError, ErrorKind, Outcome, Outputs, Progress, Record, SessionSpec, Stage,
    StageError, StageOptions, StageState, TopicPartition, dead_letters_in, run_stage,
};

use crate::engine::{DAY, Engine, numbered, record, soon, sorted, text};

crate::on_both_engines!(
    each_record_is_emitted_dropped_or_dead_lettered,
    a_tick_speaks_without_records_and_is_committed,
    a_wake_up_ticks_at_once,
    shutdown_commits_the_batch_in_hand,
    a_batch_is_settled_again_until_it_succeeds,
    an_error_that_waiting_cannot_help_stops_the_stage,
    a_stage_that_keeps_its_own_progress_reads_on_from_there,
);

/// A stage under way.
pub(crate) struct Running {
    pub(crate) shutdown: CancellationToken,
    pub(crate) state: watch::Receiver<StageState>,
    pub(crate) task: JoinHandle<Result<(), BusError>>,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        soon("the stage stops", self.task).await.unwrap().unwrap();
        assert_eq!(*self.state.borrow(), StageState::Stopped);
    }
}

fn options(name: &str, dead_letters: Arc<str>) -> StageOptions {
    let mut options = StageOptions::new(name, dead_letters_in(dead_letters));
    options.tick_every = Duration::from_millis(20);
    options.backoff = Backoff {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(200),
    };
    options
}

pub(crate) fn start(engine: &Engine, spec: SessionSpec, stage: impl Stage + 'static) -> Running {
    let shutdown = CancellationToken::new();
    let (sender, state) = watch::channel(StageState::Starting);
    let options = options("test", engine.name("dead-letters"));
    let task = tokio::spawn(run_stage(
        engine.bus.clone(),
        spec,
        stage,
        options,
        shutdown.clone(),
        sender,
    ));
    Running {
        shutdown,
        state,
        task,
    }
}

pub(crate) async fn until_read(engine: &Engine, group: &str, topic: &Arc<str>) {
    soon("the group has read everything", async {
        while engine.total_lag(group, topic).await > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// Even numbers are doubled, odd ones dropped, the rest rejected.
struct Doubler {
    output: Arc<str>,
}

impl Stage for Doubler {
    fn process(&mut self, record: &Record, _now: Timestamp, out: &mut Outputs) -> Outcome {
        match text(record).parse::<usize>() {
            Ok(number) if number % 2 == 0 => {
                out.emit(crate::engine::record(
                    &self.output,
                    "doubled",
                    &(number * 2).to_string(),
                ));
                Outcome::Emit
            }
            Ok(_) => Outcome::Drop("odd"),
            Err(error) => Outcome::Reject(error.to_string()),
        }
    }
}

async fn each_record_is_emitted_dropped_or_dead_lettered(engine: &Engine) {
    let input = engine.topic("input", 2).await;
    let output = engine.topic("output", 1).await;
    let dead_letters = engine.topic("dead-letters", 1).await;
    let mut poisoned = record(&input, "poison", "not a number");
    poisoned.headers.push(("ce_id".to_owned(), "42".into()));
    let mut records = numbered(&input, 10, 10);
    records.insert(5, poisoned);
    engine.publish(records).await;
    let running = start(
        engine,
        engine.spec("g", &[&input]),
        Doubler {
            output: output.clone(),
        },
    );
    until_read(engine, "g", &input).await;
    running.stop().await;
    assert_eq!(sorted(&engine.everything(&output).await), [0, 4, 8, 12, 16]);
    let dead = engine.everything(&dead_letters).await;
    assert_eq!(dead.len(), 1);
    assert_eq!(
        (&dead[0].key[..], text(&dead[0])),
        (&b"poison"[..], "not a number")
    );
    let header = |name| {
        std::str::from_utf8(dead[0].header(name).unwrap())
            .unwrap()
            .to_owned()
    };
    assert_eq!(header("ce_id"), "42");
    assert_eq!(header("dead_letter_topic"), *input);
    assert_eq!(header("dead_letter_stage"), "test");
    assert_eq!(
        header("dead_letter_reason"),
        "invalid digit found in string"
    );
    let at: u32 = header("dead_letter_partition").parse().unwrap();
    let offset: u64 = header("dead_letter_offset").parse().unwrap();
    let origin = engine.replay(&input, at, offset..offset + 1).await;
    assert_eq!(text(&origin[0]), "not a number");
}

/// Says one thing at its first tick, and one more when woken.
struct Ticker {
    output: Arc<str>,
    said: usize,
    committed: mpsc::UnboundedSender<usize>,
    wake: mpsc::UnboundedReceiver<()>,
}

#[async_trait]
impl Stage for Ticker {
    fn process(&mut self, _record: &Record, _now: Timestamp, _out: &mut Outputs) -> Outcome {
        Outcome::Emit
    }

    fn tick(&mut self, _now: Timestamp, out: &mut Outputs) {
        if self.said < 2 {
            out.emit(record(&self.output, "tick", &self.said.to_string()));
            self.said += 1;
        }
    }

    fn committed(&mut self) {
        self.committed.send(self.said).unwrap();
    }

    async fn woken(&mut self) {
        match self.wake.recv().await {
            Some(()) => {}
            None => std::future::pending().await,
        }
    }
}

async fn a_tick_speaks_without_records_and_is_committed(engine: &Engine) {
    let input = engine.topic("input", 1).await;
    let output = engine.topic("output", 1).await;
    let (committed, mut commits) = mpsc::unbounded_channel();
    let (_wake, woken) = mpsc::unbounded_channel();
    let stage = Ticker {
        output: output.clone(),
        said: 0,
        committed,
        wake: woken,
    };
    let running = start(engine, engine.spec("g", &[&input]), stage);
    soon("two ticks are committed", async {
        while commits.recv().await != Some(2) {}
    })
    .await;
    running.stop().await;
    assert_eq!(sorted(&engine.everything(&output).await), [0, 1]);
}

async fn a_wake_up_ticks_at_once(engine: &Engine) {
    let input = engine.topic("input", 1).await;
    let output = engine.topic("output", 1).await;
    let (committed, mut commits) = mpsc::unbounded_channel();
    let (wake, woken) = mpsc::unbounded_channel();
    let stage = Ticker {
        output: output.clone(),
        said: 0,
        committed,
        wake: woken,
    };
    let shutdown = CancellationToken::new();
    let (sender, state) = watch::channel(StageState::Starting);
    let mut options = options("test", engine.name("dead-letters"));
    options.tick_every = DAY;
    let spec = engine.spec("g", &[&input]);
    let task = tokio::spawn(run_stage(
        engine.bus.clone(),
        spec,
        stage,
        options,
        shutdown.clone(),
        sender,
    ));
    soon("the first tick comes at the start", async {
        while commits.recv().await != Some(1) {}
    })
    .await;
    wake.send(()).unwrap();
    soon("the next comes with the wake-up, not a day later", async {
        while commits.recv().await != Some(2) {}
    })
    .await;
    Running {
        shutdown,
        state,
        task,
    }
    .stop()
    .await;
}

/// Cancels the loop while it processes its first record.
struct Cancels {
    output: Arc<str>,
    shutdown: mpsc::UnboundedReceiver<CancellationToken>,
}

impl Stage for Cancels {
    fn process(&mut self, read: &Record, _now: Timestamp, out: &mut Outputs) -> Outcome {
        if let Ok(shutdown) = self.shutdown.try_recv() {
            shutdown.cancel();
        }
        out.emit(record(&self.output, "copy", text(read)));
        Outcome::Emit
    }
}

async fn shutdown_commits_the_batch_in_hand(engine: &Engine) {
    let input = engine.topic("input", 1).await;
    let output = engine.topic("output", 1).await;
    engine.publish(numbered(&input, 100, 1)).await;
    let mut spec = engine.spec("g", &[&input]);
    spec.max_records = 10;
    let (sender, shutdown) = mpsc::unbounded_channel();
    let running = start(
        engine,
        spec.clone(),
        Cancels {
            output: output.clone(),
            shutdown,
        },
    );
    sender.send(running.shutdown.clone()).unwrap();
    soon("it stops by itself", running.task)
        .await
        .unwrap()
        .unwrap();
    let copied = sorted(&engine.everything(&output).await);
    assert!(
        copied.len().is_multiple_of(10) && !copied.is_empty() && copied.len() < 100,
        "{copied:?}"
    );
    assert_eq!(copied, (0..copied.len()).collect::<Vec<_>>());

    let (_sender, shutdown) = mpsc::unbounded_channel();
    let running = start(
        engine,
        spec,
        Cancels {
            output: output.clone(),
            shutdown,
        },
    );
    until_read(engine, "g", &input).await;
    running.stop().await;
    assert_eq!(
        sorted(&engine.everything(&output).await),
        (0..100).collect::<Vec<_>>()
    );
}

/// Settles with a table of its own, which refuses now and then.
struct Settles {
    refusals: Vec<bool>,
    rows: Arc<AtomicU64>,
    batch: u64,
    start: Progress,
}

#[async_trait]
impl Stage for Settles {
    fn process(&mut self, _record: &Record, _now: Timestamp, _out: &mut Outputs) -> Outcome {
        self.batch += 1;
        Outcome::Emit
    }

    async fn positions(&mut self, _assigned: &[TopicPartition]) -> Result<Progress, StageError> {
        Ok(self.start.clone())
    }

    async fn settle(&mut self, progress: &Progress, _out: &mut Outputs) -> Result<(), StageError> {
        assert!(!progress.is_empty());
        match self.refusals.pop() {
            Some(retriable) => Err(StageError {
                retriable,
                message: "the store does not answer".to_owned(),
            }),
            None => {
                self.rows
                    .fetch_add(std::mem::take(&mut self.batch), Ordering::Relaxed);
                Ok(())
            }
        }
    }
}

async fn a_batch_is_settled_again_until_it_succeeds(engine: &Engine) {
    let input = engine.topic("input", 1).await;
    engine.publish(numbered(&input, 10, 1)).await;
    let rows = Arc::new(AtomicU64::new(0));
    let stage = Settles {
        refusals: vec![true; 5],
        rows: rows.clone(),
        batch: 0,
        start: Progress::new(),
    };
    let mut running = start(engine, engine.spec("g", &[&input]), stage);
    let waits = StageState::Waiting("the store does not answer".to_owned());
    soon(
        "it says what it waits for",
        running.state.wait_for(|state| *state == waits),
    )
    .await
    .unwrap();
    until_read(engine, "g", &input).await;
    running.stop().await;
    assert_eq!(rows.load(Ordering::Relaxed), 10);
}

async fn an_error_that_waiting_cannot_help_stops_the_stage(engine: &Engine) {
    let input = engine.topic("input", 1).await;
    engine.publish(numbered(&input, 10, 1)).await;
    let rows = Arc::new(AtomicU64::new(0));
    let stage = Settles {
        refusals: vec![false],
        rows: rows.clone(),
        batch: 0,
        start: Progress::new(),
    };
    let running = start(engine, engine.spec("g", &[&input]), stage);
    let error = soon("it gives up", running.task)
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Fatal);
    assert!(
        matches!(&*running.state.borrow(), StageState::Failed(why) if why.contains("the store does not answer"))
    );
    assert!(
        engine.total_lag("g", &input).await >= 10,
        "nothing was committed"
    );
}

async fn a_stage_that_keeps_its_own_progress_reads_on_from_there(engine: &Engine) {
    let input = engine.topic("input", 1).await;
    engine.publish(numbered(&input, 100, 1)).await;
    let rows = Arc::new(AtomicU64::new(0));
    let start_at = [(TopicPartition::new(input.clone(), 0), 60)].into();
    let stage = Settles {
        refusals: vec![],
        rows: rows.clone(),
        batch: 0,
        start: start_at,
    };
    let running = start(engine, engine.spec("g", &[&input]), stage);
    until_read(engine, "g", &input).await;
    running.stop().await;
    assert_eq!(rows.load(Ordering::Relaxed), 40);
}
