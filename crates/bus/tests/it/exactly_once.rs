//! Exactly once: a stage that is killed at any point writes each record once.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use wensheng_bus::{Outcome, Outputs, Record, Stage};

use crate::engine::{Engine, numbered, record, soon, sorted, text};
use crate::stages::start;

crate::on_both_engines!(a_stage_killed_again_and_again_writes_each_record_once);

/// Writes what it reads.
pub(crate) struct Copies {
    pub(crate) output: Arc<str>,
}

impl Stage for Copies {
    fn process(&mut self, read: &Record, _now: Timestamp, out: &mut Outputs) -> Outcome {
        out.emit(record(&self.output, text(read), text(read)));
        Outcome::Emit
    }
}

/// Kills the task, not the process: whatever was in flight (a read, a commit half sent) is left as it is.
pub(crate) async fn a_stage_killed_again_and_again_writes_each_record_once(engine: &Engine) {
    const RECORDS: usize = 3000;
    let input = engine.topic("input", 3).await;
    let output = engine.topic("output", 3).await;
    engine.publish(numbered(&input, RECORDS, 100)).await;
    let mut spec = engine.spec("g", &[&input]);
    spec.max_records = 50;
    spec.max_wait = Duration::from_millis(1);
    let mut left = u64::MAX;
    let mut kills = 0_u32;
    soon("all is copied", async {
        while left > 0 {
            let running = start(
                engine,
                spec.clone(),
                Copies {
                    output: output.clone(),
                },
            );
            // Kill at the first sign of progress: at another point of some batch each time.
            loop {
                let now = engine.total_lag("g", &input).await;
                if now < left {
                    left = now;
                    break;
                }
                tokio::time::sleep(Duration::from_micros(u64::from(kills) * 137 % 1000)).await;
            }
            running.task.abort();
            assert!(running.task.await.unwrap_err().is_cancelled());
            kills += 1;
        }
    })
    .await;
    assert!(kills > 1);
    let copied = sorted(&engine.everything(&output).await);
    let wrong = (0..RECORDS)
        .zip(&copied)
        .find(|(expected, is)| expected != *is);
    assert_eq!((wrong, copied.len()), (None, RECORDS));
}
