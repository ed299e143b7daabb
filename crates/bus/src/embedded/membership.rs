//! Who reads which partition: each has one owner at a time, and moves only once the old owner has let it go.
//!
//! Pure: no I/O, no clock. Partition *p* of *n* goes to member *p·k/n* of *k* (members in order of joining), so that
//! shares differ by one at most and equal numbers of co-partitioned topics stay together.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::TopicPartition;

/// A member of a group; later members have higher ids.
pub(super) type MemberId = u64;

/// What a member is to do next.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    /// Partitions that are the member's now.
    pub(super) owned: Vec<TopicPartition>,
    /// Those of them that it is to let go.
    pub(super) leaving: Vec<TopicPartition>,
}

#[derive(Debug, Default)]
struct Group {
    members: BTreeMap<MemberId, Vec<(Arc<str>, u32)>>,
    owners: BTreeMap<TopicPartition, MemberId>,
}

impl Group {
    fn target(&self, at: &TopicPartition) -> Option<MemberId> {
        let readers: Vec<(MemberId, u32)> = self
            .members
            .iter()
            .filter_map(|(id, topics)| {
                let (_, partitions) = topics.iter().find(|(topic, _)| *topic == at.topic)?;
                Some((*id, *partitions))
            })
            .collect();
        let (_, partitions) = readers.first()?;
        let index =
            u64::from(at.partition) * readers.len() as u64 / u64::from((*partitions).max(1));
        readers.get(usize::try_from(index).ok()?).map(|(id, _)| *id)
    }
}

/// All groups of a bus.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: BTreeMap<String, Group>,
    last: MemberId,
    version: u64,
}

impl Groups {
    /// Changes whenever some member may have to act: a join, a leave, a partition let go.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Adds a member that reads `topics` (each with its number of partitions).
    pub(super) fn join(&mut self, group: &str, topics: Vec<(Arc<str>, u32)>) -> MemberId {
        self.last += 1;
        self.version += 1;
        self.groups
            .entry(group.to_owned())
            .or_default()
            .members
            .insert(self.last, topics);
        self.last
    }

    /// Removes a member; its partitions are free at once.
    pub(super) fn leave(&mut self, group: &str, member: MemberId) {
        let Some(members) = self.groups.get_mut(group) else {
            return;
        };
        members.members.remove(&member);
        self.version += 1;
        members.owners.retain(|_, owner| *owner != member);
        if members.members.is_empty() {
            self.groups.remove(group);
        }
    }

    /// Takes the free partitions that fall to `member`, and tells its share.
    pub(super) fn claim(&mut self, group: &str, member: MemberId) -> Share {
        let mut share = Share::default();
        let Some(group) = self.groups.get_mut(group) else {
            return share;
        };
        let Some(topics) = group.members.get(&member).cloned() else {
            return share;
        };
        for (topic, partitions) in topics {
            for partition in 0..partitions {
                let at = TopicPartition::new(topic.clone(), partition);
                let is_target = group.target(&at) == Some(member);
                match group.owners.get(&at) {
                    Some(owner) if *owner != member => continue,
                    Some(_) if !is_target => share.leaving.push(at.clone()),
                    Some(_) => {}
                    None if is_target => {
                        group.owners.insert(at.clone(), member);
                    }
                    None => continue,
                }
                share.owned.push(at);
            }
        }
        share
    }

    /// Lets partitions go.
    pub(super) fn release(&mut self, group: &str, member: MemberId, partitions: &[TopicPartition]) {
        let Some(group) = self.groups.get_mut(group) else {
            return;
        };
        for at in partitions {
            if group.owners.get(at) == Some(&member) {
                group.owners.remove(at);
                self.version += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(partitions: &[TopicPartition]) -> Vec<u32> {
        partitions.iter().map(|at| at.partition).collect()
    }

    #[test]
    fn a_newcomer_waits_until_the_old_owner_lets_go() {
        let mut groups = Groups::default();
        let topics = || vec![("t".into(), 4)];
        let first = groups.join("g", topics());
        assert_eq!(numbers(&groups.claim("g", first).owned), [0, 1, 2, 3]);
        let second = groups.join("g", topics());
        assert_eq!(groups.claim("g", second), Share::default());
        let leaving = groups.claim("g", first).leaving;
        assert_eq!(numbers(&leaving), [2, 3]);
        groups.release("g", first, &leaving);
        assert_eq!(numbers(&groups.claim("g", second).owned), [2, 3]);
        groups.leave("g", second);
        assert_eq!(numbers(&groups.claim("g", first).owned), [0, 1, 2, 3]);
    }

    proptest! {
        #[test]
        fn all_partitions_end_up_shared_evenly_and_co_partitioned(partitions in 1_u32..20, moves in prop::collection::vec(any::<(bool, prop::sample::Index)>(), 1..12)) {
            let mut groups = Groups::default();
            let mut members = vec![];
            for (join, pick) in moves {
                if join || members.is_empty() {
                    members.push(groups.join("g", vec![("a".into(), partitions), ("b".into(), partitions)]));
                } else {
                    let member = members.remove(pick.index(members.len()));
                    groups.leave("g", member);
                }
            }
            for _ in 0..2 {
                for member in &members {
                    let leaving = groups.claim("g", *member).leaving;
                    groups.release("g", *member, &leaving);
                }
            }
            let mut all = vec![];
            let mut sizes = vec![];
            for member in &members {
                let share = groups.claim("g", *member);
                prop_assert!(share.leaving.is_empty());
                let of = |topic: &str| share.owned.iter().filter(|at| &*at.topic == topic).map(|at| at.partition).collect::<Vec<_>>();
                prop_assert_eq!(of("a"), of("b"));
                sizes.push(of("a").len());
                all.extend(of("a"));
            }
            if !members.is_empty() {
                all.sort_unstable();
                prop_assert_eq!(all, (0..partitions).collect::<Vec<_>>());
                prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
            }
        }
    }
}
