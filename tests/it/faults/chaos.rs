//! Everything falls at least once, in an order and at moments that the seed gives. Half of the lives may become ready
//! first: where a start takes longer than the pauses between falls, nothing would ever get done.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use tokio::time::sleep;

use super::engines::Engines;
use super::fleet::Fleet;
use super::traffic::Flow;

/// A life that may become ready has this long for it: longer than a member that died is missed by its group.
const READY_WITHIN: Duration = Duration::from_secs(45);

/// Kills one after the other, until all traffic is through and everything fell at least once; how often each fell.
pub(super) async fn reign(
    fleet: &mut Fleet,
    mut engines: Option<&mut Engines>,
    dice: &mut StdRng,
    flow: &Flow,
) -> BTreeMap<&'static str, u32> {
    let mut victims: Vec<Victim> = (0..fleet.members.len()).map(Victim::Member).collect();
    if engines.as_ref().is_some_and(|engines| engines.are_own()) {
        victims.extend([Victim::Broker, Victim::Database]);
    }
    // A process that does everything needs some moments to do anything.
    let pause_ms = if victims.len() == 1 {
        500..4_000
    } else {
        200..2_500
    };
    let mut falls: BTreeMap<&'static str, u32> = BTreeMap::new();
    let mut order: Vec<Victim> = Vec::new();
    loop {
        let everything_fell = falls.len() == victims.len();
        if flow.is_through() && everything_fell {
            return falls;
        }
        if order.is_empty() {
            order.clone_from(&victims);
            order.shuffle(dice);
        }
        sleep(Duration::from_millis(dice.random_range(pause_ms.clone()))).await;
        let down = Duration::from_millis(dice.random_range(0..1_500));
        let may_become_ready: bool = dice.random();
        let victim = order.pop().expect("an order");
        let name = match (victim, engines.as_deref_mut()) {
            (Victim::Broker, Some(engines)) => {
                engines.kill_broker();
                sleep(down).await;
                engines.restart_broker().await;
                "broker"
            }
            (Victim::Database, Some(engines)) => {
                engines.kill_database();
                sleep(down).await;
                engines.restart_database().await;
                "database"
            }
            (Victim::Member(nth), _) => {
                if may_become_ready {
                    fleet.members[nth].becomes_ready(READY_WITHIN).await;
                }
                fleet.members[nth].kill();
                sleep(down).await;
                fleet.members[nth].start();
                fleet.members[nth].name
            }
            (Victim::Broker | Victim::Database, None) => unreachable!("no engines of our own"),
        };
        *falls.entry(name).or_default() += 1;
    }
}

#[derive(Debug, Clone, Copy)]
enum Victim {
    Member(usize),
    Broker,
    Database,
}
