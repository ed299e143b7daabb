//! A full disk stops the flow, says so, and loses nothing: with room again, all goes on without a restart.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Trial;
use super::fleet::Fleet;
use crate::input;
use crate::process::{PATIENCE, eventually};
use serde_json::json;

const EVENTS: usize = 3_000;
/// Room for the embedded bus and the store with logs as small as configured below.
const SIZE: &str = "size=320m";

/// A small disk in memory, unmounted with the test.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, and why, where this user may not mount.
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a directory");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", SIZE, "wensheng-test"])
            .arg(at)
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(at.to_owned())),
            Ok(output) => {
                println!(
                    "skipped: a small disk cannot be mounted here: {}",
                    String::from_utf8_lossy(&output.stderr).trim()
                );
                None
            }
            Err(error) => {
                println!("skipped: a small disk cannot be mounted here: {error}");
                None
            }
        }
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.ballast()).expect("a file");
        let block = vec![b'x'; 1 << 16];
        while file.write_all(&block).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.ballast()).expect("remove the ballast");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_the_flow_and_room_again_lets_it_go_on() {
    let seed = input::seed();
    let mut trial = Trial::prepare(seed, EVENTS, None).await;
    let Some(disk) = SmallDisk::mount(&trial.site.data_dir()) else {
        return;
    };
    trial
        .site
        .configure(json!({ "bus": { "embedded": { "checkpoint_mebibytes": 8 } } }));
    trial.fleet = Fleet::all_in_one(&trial.site);
    trial.fleet.start_all();
    let flow = trial.traffic.flow(Duration::from_secs(20), seed);
    eventually("the first figures", async || trial.fleet.lag().await).await;
    disk.fill();
    let since = Instant::now();
    let waiting = loop {
        let waiting = trial.fleet.waiting().await;
        let said = |reasons: &Vec<String>| reasons.iter().any(|r| r.contains("\"waiting\""));
        if waiting.values().any(said) {
            break waiting;
        }
        assert!(since.elapsed() < PATIENCE, "a full disk is not told");
        trial.fleet.members[0].hold_running();
        sleep(Duration::from_millis(200)).await;
    };
    println!("while the disk was full: {waiting:#?}");
    sleep(Duration::from_secs(5)).await;
    trial.fleet.members[0].hold_running();
    disk.make_room();
    flow.finish().await;
    trial.conclude().await;
    trial.fleet.stop_all().await;
}
