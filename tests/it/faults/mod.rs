//! Whatever is killed, whenever: each piece is counted once, each alert is raised once, each push is told, and no
//! deadline moves. Then all is sent again, and no figure changes.
//!
//! Pieces come from three sources at once (a growing CSV file, a growing NDJSON file, and a sender over HTTP that repeats
//! itself until it is answered), while processes, and the broker and the database where the test runs its own, end
//! without a word. `WENSHENG_SEED` repeats the moments and the victims, as far as the machine's own timing lets it.
//!
//! | variable | means |
//! |---|---|
//! | `WENSHENG_FAULT_SECONDS` | the long run: pieces flow, and victims fall, for this long in all, a like part for each seed |
//! | `WENSHENG_FAULT_SEEDS` | the seeds of the long run, separated by commas; else one that is drawn and told |
//! | `WENSHENG_FAULT_EVENTS` | pieces per seed; else 20,000, and 200,000 in the long run |
//! | `WENSHENG_FAULT_ENGINES=own` | start a broker and a database for the test alone, and kill them too |

mod chaos;
mod clock;
mod disk;
mod engines;
mod fleet;
mod labels;
mod outage;
mod slow_disk;
mod standby;
mod traffic;
mod verdict;

use std::time::Duration;

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

use crate::input::{self, Crowd, Truth};
use crate::receiver::Receiver;
use crate::site::Site;
use engines::Engines;
use fleet::Fleet;
use labels::Labels;
use traffic::Traffic;

/// Seconds until somebody must have taken an alert, and until it must be answered. Short, so that every reminder and
/// every breach falls due while victims fall; nobody ever answers.
const ACKNOWLEDGE_SECONDS: u32 = 20;
const RESPOND_SECONDS: u32 = 40;

/// How much, and for how long.
struct Scale {
    seeds: Vec<u64>,
    events: usize,
    span: Duration,
}

impl Scale {
    /// The long run if it is asked for, else the short one.
    fn of_this_run() -> Self {
        let number = |name: &str| {
            std::env::var(name).ok().map(|text| {
                text.parse::<u64>()
                    .unwrap_or_else(|_| panic!("{name} is a whole number"))
            })
        };
        let seconds = number("WENSHENG_FAULT_SECONDS");
        let events = number("WENSHENG_FAULT_EVENTS").unwrap_or(match seconds {
            Some(_) => 200_000,
            None => 20_000,
        });
        let seeds = match std::env::var("WENSHENG_FAULT_SEEDS") {
            Ok(list) => list
                .split(',')
                .map(|seed| seed.trim().parse().expect("seeds are whole numbers"))
                .collect(),
            Err(_) => vec![input::seed()],
        };
        let span = seconds.map_or(30, |seconds| seconds / seeds.len() as u64);
        Self {
            seeds,
            events: usize::try_from(events).expect("few events"),
            span: Duration::from_secs(span),
        }
    }
}

/// One installation under faults, from the first piece to the last figure.
struct Trial {
    site: Site,
    fleet: Fleet,
    traffic: Traffic,
    truth: Truth,
    labels: Labels,
    receiver: Receiver,
}

impl Trial {
    /// All that is needed to begin; nothing runs yet.
    async fn prepare(seed: u64, events: usize, engines: Option<&Engines>) -> Self {
        let mut site = Site::new();
        let receiver = Receiver::start().await;
        let voices = Crowd::new(seed).speak(events);
        let mut truth = Truth::default();
        truth.add(&voices);
        let traffic = Traffic::new(&site, &voices);
        let rules = site.write("rules.yaml", input::RULES);
        // The two that fall due within a run, and none that falls due when a clock is stepped.
        let policy = json!({
            "acknowledge_seconds": ACKNOWLEDGE_SECONDS, "respond_seconds": RESPOND_SECONDS,
            "team_seconds": null, "spokesperson_seconds": null, "plan_seconds": null,
        });
        site.configure(receiver.settings(&["front_line"]))
            .configure(json!({
                "enrich": { "starter_rules": false, "rules": [rules] },
                // What a wave is depends on the order in which sources are read; the rules do not.
                // A clock that is stepped by an hour is an hour without a heartbeat of any source.
                "aggregate": { "volume_rules": [], "silence": { "enabled": false } },
                "respond": { "policies": { "alert": policy, "crisis": policy } },
                "connect": traffic.settings(),
            }));
        if let Some(engines) = engines {
            let now = Timestamp::now().as_millisecond();
            let prefix = format!("faults-{now}-{:04x}.", rand::random::<u16>());
            site.configure(json!({
                "bus": { "engine": "kafka", "prefix": prefix, "kafka": {
                    "brokers": engines.brokers(), "replication_factor": 1,
                } },
                "topics": { "partitions": 4 },
                "store": { "url": engines.database_for_a_trial().await },
            }));
        }
        let labels = Labels::of(&site, &voices).await;
        let fleet = match engines {
            Some(_) => Fleet::one_process_per_role(&site),
            None => Fleet::all_in_one(&site),
        };
        Self {
            site,
            fleet,
            traffic,
            truth,
            labels,
            receiver,
        }
    }

    /// Waits until all is through, holds every figure against the truth, sends everything again, and holds them again.
    async fn conclude(&mut self) {
        verdict::settle(self).await;
        let figures = verdict::hold(self).await;
        println!("all through: {figures:?}");
        let before = self.fleet.repeats().await;
        self.traffic.send_again().await;
        verdict::all_repeats_dropped(self, before).await;
        verdict::settle(self).await;
        let again = verdict::hold(self).await;
        assert_eq!(again, figures, "sending all again changes a figure");
    }
}

/// Lets pieces flow while victims fall.
async fn survives(seed: u64, events: usize, span: Duration, engines: Option<&mut Engines>) {
    println!("WENSHENG_SEED={seed}: {events} pieces in {span:?}");
    let mut dice = StdRng::seed_from_u64(seed);
    let mut trial = Trial::prepare(seed, events, engines.as_deref()).await;
    trial.fleet.start_all();
    let flow = trial.traffic.flow(span, dice.random());
    let falls = chaos::reign(&mut trial.fleet, engines, &mut dice, &flow).await;
    let refusals = flow.finish().await;
    println!("killed: {falls:?}; the sender had to repeat itself {refusals} times");
    trial.conclude().await;
    trial.fleet.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_with_all_roles_survives_kills_while_three_sources_flow() {
    let scale = Scale::of_this_run();
    for seed in scale.seeds {
        survives(seed, scale.events, scale.span, None).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_of_one_role_each_survive_kills_on_kafka_and_postgresql() {
    let Some(mut engines) = Engines::at_hand().await else {
        return;
    };
    let scale = Scale::of_this_run();
    for seed in scale.seeds {
        survives(seed, scale.events, scale.span, Some(&mut engines)).await;
    }
}
