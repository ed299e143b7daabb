//! A disk that takes a tenth of a second and more for each write slows the flow down, and loses nothing.
//!
//! The kernel holds the writes of the process back (cgroup v1, `blkio.throttle`), as a disk that others wear out does.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Trial, verdict};
use crate::input;

const EVENTS: usize = 3_000;
const GROUPS: &str = "/sys/fs/cgroup/blkio";
/// Writes in a second; a commit of the bus takes two or three.
const WRITES: u32 = 15;
/// Bytes in a second.
const BYTES: u32 = 1 << 20;

/// A group of processes whose writes to one disk are held back; gone with the test.
struct SlowDisk {
    group: PathBuf,
    device: String,
}

impl SlowDisk {
    /// `None`, and why, where writes to the disk under `path` cannot be held back.
    fn under(path: &Path) -> Option<Self> {
        let device = std::fs::metadata(path).expect("the directory").dev();
        // As glibc's `major` and `minor` take it apart, for the numbers that disks have.
        let (major, minor) = ((device >> 8) & 0xfff, device & 0xff);
        let disk = Self {
            group: Path::new(GROUPS).join(format!("wensheng-test-{}", std::process::id())),
            device: format!("{major}:{minor}"),
        };
        match disk.make() {
            Ok(()) => Some(disk),
            Err(error) => {
                println!(
                    "skipped: writes to {} cannot be held back here: {error}",
                    disk.device
                );
                None
            }
        }
    }

    fn make(&self) -> std::io::Result<()> {
        std::fs::create_dir(&self.group)?;
        for (file, limit) in [("write_iops_device", WRITES), ("write_bps_device", BYTES)] {
            std::fs::write(
                self.group.join(format!("blkio.throttle.{file}")),
                format!("{} {limit}", self.device),
            )?;
        }
        Ok(())
    }

    fn hold_back(&self, process: u32) {
        std::fs::write(self.group.join("cgroup.procs"), process.to_string())
            .expect("hold the process back");
    }

    fn let_go(&self, process: u32) {
        let all = Path::new(GROUPS).join("cgroup.procs");
        std::fs::write(all, process.to_string()).expect("let the process go");
    }

    /// Writes of the group that reached the disk.
    fn writes(&self) -> u64 {
        let file = self.group.join("blkio.throttle.io_serviced");
        let text = std::fs::read_to_string(file).expect("what was written");
        let prefix = format!("{} Write ", self.device);
        text.lines()
            .find_map(|line| line.strip_prefix(&prefix)?.parse().ok())
            .unwrap_or(0)
    }
}

impl Drop for SlowDisk {
    fn drop(&mut self) {
        std::fs::remove_dir(&self.group).ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_disk_slows_the_flow_and_loses_nothing() {
    let seed = input::seed();
    let mut trial = Trial::prepare(seed, EVENTS, None).await;
    let Some(disk) = SlowDisk::under(trial.site.path()) else {
        return;
    };
    trial.fleet.start_all();
    let process = trial.fleet.members[0].id();
    disk.hold_back(process);
    let flow = trial.traffic.flow(Duration::from_secs(10), seed);
    let refusals = flow.finish().await;
    trial.fleet.members[0].hold_running();
    let writes = disk.writes();
    println!(
        "{writes} writes reached the slow disk; the sender had to repeat itself {refusals} times"
    );
    assert!(writes > 0, "nothing was held back");
    disk.let_go(process);
    verdict::settle(&mut trial).await;
    verdict::hold(&mut trial).await;
    trial.fleet.stop_all().await;
}
