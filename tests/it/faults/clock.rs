//! The machine's clock is set an hour ahead, back, and ahead again while alerts run and the process is killed: every piece
//! is counted once, deadlines stay where they were told, and each falls due once.
//!
//! libfaketime (Debian: `libfaketime`) tells the process another time of day; durations are measured as before, as when
//! somebody sets the clock of a machine.

use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::fleet::Fleet;
use super::{Trial, verdict};
use crate::input;

const EVENTS: usize = 1_500;
const HOUR: i64 = 3_600;

/// The time of day as the process sees it.
struct Clock {
    library: PathBuf,
    file: PathBuf,
}

impl Clock {
    /// `None`, and why, where it cannot be stepped.
    fn at_hand(file: PathBuf) -> Option<Self> {
        let library = glob::glob("/usr/lib/*/faketime/libfaketime.so.1")
            .expect("a pattern")
            .flatten()
            .next();
        if library.is_none() {
            println!("skipped: libfaketime is not installed, so the clock cannot be stepped");
        }
        let clock = Self {
            library: library?,
            file,
        };
        clock.set(0);
        Some(clock)
    }

    /// Sets it this many seconds ahead of the true time.
    fn set(&self, ahead: i64) {
        // Renamed into place, so that no half of it is ever read.
        let next = self.file.with_extension("next");
        std::fs::write(&next, format!("{ahead:+}\n")).expect("write the clock");
        std::fs::rename(&next, &self.file).expect("set the clock");
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_CACHE_DURATION", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("NO_FAKE_STAT", "1".to_owned()),
        ]
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_stepped_by_an_hour_moves_no_deadline_and_counts_nothing_twice() {
    let seed = input::seed();
    let mut trial = Trial::prepare(seed, EVENTS, None).await;
    let Some(clock) = Clock::at_hand(trial.site.path().join("clock")) else {
        return;
    };
    trial.receiver.tolerate(2 * HOUR);
    trial.fleet = Fleet::all_in_one(&trial.site).with_environment(&clock.environment());
    trial.fleet.start_all();
    let flow = trial.traffic.flow(Duration::from_secs(10), seed);
    let receiver = trial.receiver.clone();
    let told = async |kind: &str| receiver.push(kind, |push| push.kind() == kind).await;
    told("alert.raised").await;
    clock.set(HOUR);
    // What fell due within the hour is told at once.
    let breach = told("alert.breach").await;
    let decided_at = breach.alert()["times"]["updated_at"].as_str();
    let decided_at: Timestamp = decided_at.expect("an instant").parse().expect("an instant");
    assert!(
        decided_at.duration_since(breach.came_at) > SignedDuration::from_mins(30),
        "the process saw no other time"
    );
    clock.set(0);
    flow.finish().await;
    // A process that begins with a clock that went back restores alerts from the future.
    trial.fleet.members[0].kill();
    trial.fleet.members[0].start();
    trial.fleet.lag().await;
    clock.set(HOUR);
    verdict::settle(&mut trial).await;
    verdict::hold(&mut trial).await;
    trial.fleet.stop_all().await;
}
