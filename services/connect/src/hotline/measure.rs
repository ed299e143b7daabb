//! Silence and talk-over are measured from the turns alone, whatever their order.

use wensheng_schemas::{Role, Turn};

/// A pause up to this is part of speaking. Amazon Contact Lens counts silences beyond 3 s as non-talk time, too.
const PAUSE_MS: u64 = 3_000;

/// Silences of more than 3 s between the first turn and the last, together; none without two turns.
pub(super) fn silence_ms(turns: &[Turn]) -> Option<u64> {
    if turns.len() < 2 {
        return None;
    }
    let mut spans: Vec<(u64, u64)> = turns.iter().map(|t| (t.begin_ms, t.end_ms)).collect();
    spans.sort_unstable();
    let mut silence = 0;
    let mut spoken_to = spans.first().map_or(0, |(begin, _)| *begin);
    for (begin, end) in spans {
        let gap = begin.saturating_sub(spoken_to);
        if gap > PAUSE_MS {
            silence += gap;
        }
        spoken_to = spoken_to.max(end);
    }
    Some(silence)
}

/// How long more than one party spoke at once; none without two parties.
pub(super) fn talk_over_ms(turns: &[Turn]) -> Option<u64> {
    type Party<'a> = (Role, Option<&'a str>);
    let mut parties: Vec<Party<'_>> = Vec::new();
    // (time, begins, party): at the same time, ends come first.
    let mut changes: Vec<(u64, bool, usize)> = Vec::new();
    for turn in turns {
        let party = (turn.role, turn.track.as_deref());
        let number = parties.iter().position(|known| *known == party);
        let number = number.unwrap_or_else(|| {
            parties.push(party);
            parties.len() - 1
        });
        if turn.end_ms > turn.begin_ms {
            changes.push((turn.begin_ms, true, number));
            changes.push((turn.end_ms, false, number));
        }
    }
    if parties.len() < 2 {
        return None;
    }
    changes.sort_unstable();
    let mut speaking = vec![0_usize; parties.len()];
    let mut together = 0;
    let mut since = 0;
    for (at, begins, party) in changes {
        if speaking.iter().filter(|turns| **turns > 0).count() > 1 {
            together += at - since;
        }
        since = at;
        if let Some(turns) = speaking.get_mut(party) {
            *turns = match begins {
                true => *turns + 1,
                false => turns.saturating_sub(1),
            };
        }
    }
    Some(together)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn turns(spans: &[(u8, u64, u64)]) -> Vec<Turn> {
        let turn = |(track, begin_ms, end_ms): &(u8, u64, u64)| Turn {
            role: Role::Unknown,
            track: Some(track.to_string()),
            begin_ms: *begin_ms,
            end_ms: *end_ms,
            text: String::new(),
        };
        spans.iter().map(turn).collect()
    }

    #[test]
    fn only_long_silences_count_and_a_turn_within_another_ends_none() {
        let of = |spans: &[(u8, u64, u64)]| silence_ms(&turns(spans));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(0, 5_000, 6_000)]), None);
        assert_eq!(of(&[(0, 0, 1_000), (1, 4_000, 5_000)]), Some(0));
        assert_eq!(of(&[(0, 0, 1_000), (1, 4_001, 5_000)]), Some(3_001));
        assert_eq!(
            of(&[(0, 0, 9_000), (1, 1_000, 2_000), (0, 13_000, 14_000)]),
            Some(4_000)
        );
    }

    #[test]
    fn talk_over_is_between_parties_and_counted_once() {
        let of = |spans: &[(u8, u64, u64)]| talk_over_ms(&turns(spans));
        assert_eq!(of(&[(0, 0, 10), (0, 5, 15)]), None);
        assert_eq!(of(&[(0, 0, 10), (1, 10, 15)]), Some(0));
        assert_eq!(of(&[(0, 0, 10), (1, 5, 15)]), Some(5));
        assert_eq!(of(&[(0, 0, 10), (0, 2, 8), (1, 5, 15)]), Some(5));
        assert_eq!(of(&[(0, 0, 10), (1, 2, 8), (2, 4, 12)]), Some(8));
        // The published sample: two tracks, one sentence of one within the other's, another across its end.
        assert_eq!(
            of(&[(1, 640, 1_850), (0, 770, 4_480), (1, 3_160, 4_120)]),
            Some(2_040)
        );
    }

    proptest! {
        #[test]
        fn neither_depends_on_order_nor_exceeds_the_call(
            mut spans in prop::collection::vec((0_u8..3, 0_u64..50_000, 0_u64..9_000), 2..20), by in 0_usize..20,
        ) {
            for span in &mut spans {
                span.2 += span.1;
            }
            let before = (silence_ms(&turns(&spans)), talk_over_ms(&turns(&spans)));
            let by = by % spans.len();
            spans.rotate_left(by);
            prop_assert_eq!(before, (silence_ms(&turns(&spans)), talk_over_ms(&turns(&spans))));
            let length = spans.iter().map(|s| s.2).max().unwrap() - spans.iter().map(|s| s.1).min().unwrap();
            prop_assert!(before.0.unwrap() + before.1.unwrap_or(0) <= length);
        }
    }
}
