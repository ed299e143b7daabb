//! Whoever presents too many wrong tokens has to wait; memory stays bounded however many addresses try.

use std::collections::HashMap;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

/// Addresses remembered at once. An attacker with more addresses than this meets 256-bit tokens all the same.
const MOST_ADDRESSES: usize = 10_000;
const WINDOW: SignedDuration = SignedDuration::from_secs(60);

/// Wrong tokens by address within a minute.
#[derive(Debug)]
pub(crate) struct Attempts {
    limit: u32,
    wrong: HashMap<IpAddr, Window>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    since: Timestamp,
    count: u32,
}

impl Attempts {
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit,
            wrong: HashMap::new(),
        }
    }

    /// How many seconds `peer` has to wait before it may present another token; `None` when it may now.
    pub(crate) fn wait_seconds(&self, peer: IpAddr, now: Timestamp) -> Option<u64> {
        let window = self.wrong.get(&peer)?;
        let passed = now.duration_since(window.since);
        if window.count < self.limit || passed >= WINDOW {
            return None;
        }
        u64::try_from((WINDOW - passed).as_secs())
            .ok()
            .map(|s| s + 1)
    }

    /// Counts a wrong token of `peer`.
    pub(crate) fn record_wrong(&mut self, peer: IpAddr, now: Timestamp) {
        if self.wrong.len() >= MOST_ADDRESSES && !self.wrong.contains_key(&peer) {
            self.wrong
                .retain(|_, window| now.duration_since(window.since) < WINDOW);
            if self.wrong.len() >= MOST_ADDRESSES {
                return;
            }
        }
        let window = self.wrong.entry(peer).or_insert(Window {
            since: now,
            count: 0,
        });
        if now.duration_since(window.since) >= WINDOW {
            *window = Window {
                since: now,
                count: 0,
            };
        }
        window.count = window.count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn waits_after_the_limit_until_the_minute_is_over() {
        let mut attempts = Attempts::new(2);
        attempts.record_wrong(PEER, at(0));
        assert_eq!(attempts.wait_seconds(PEER, at(1)), None);
        attempts.record_wrong(PEER, at(1));
        assert_eq!(attempts.wait_seconds(PEER, at(10)), Some(51));
        assert_eq!(attempts.wait_seconds(OTHER, at(10)), None);
        assert_eq!(attempts.wait_seconds(PEER, at(60)), None);
        attempts.record_wrong(PEER, at(60));
        assert_eq!(attempts.wait_seconds(PEER, at(61)), None);
    }

    #[test]
    fn remembers_a_bounded_number_of_addresses() {
        let mut attempts = Attempts::new(1);
        for i in 0..(MOST_ADDRESSES as u32 + 50) {
            attempts.record_wrong(IpAddr::V4(i.into()), at(0));
        }
        assert_eq!(attempts.wrong.len(), MOST_ADDRESSES);
        attempts.record_wrong(PEER, at(61));
        assert_eq!(attempts.wrong.len(), 1);
    }
}
