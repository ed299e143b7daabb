//! Pieces give what their counts give, whatever the instants within five minutes.

use std::path::PathBuf;

use jiff::SignedDuration;
use proptest::prelude::*;
use wensheng_schemas::SignalKind;

use super::*;

fn piece() -> Enriched {
    serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../schemas/examples/voc.enriched.v1/weibo_complaint.json"
    )))
    .unwrap()
}

fn at(slot: u32) -> Timestamp {
    Timestamp::from_second(i64::from(slot) * SAMPLE_SECONDS).unwrap()
}

/// As many pieces in each five minutes as the counts say, and one piece behind them: what is told, and the lane.
fn hear(counts: &[u32], first: u32) -> (BrandLane, Vec<Signal>) {
    let mut lane = BrandLane::default();
    let mut signals = Vec::new();
    let mut piece = piece();
    let behind = first + counts.len() as u32;
    for (slot, count) in (first..).zip(counts).chain([(behind, &1)]) {
        for number in 0..*count {
            let spread = SignedDuration::from_millis(i64::from(number * 37 % 300_000));
            piece.feedback.observed_at = at(slot) + spread;
            piece.enriched_at = piece.feedback.observed_at + SignedDuration::from_secs(1);
            lane.hear(&piece, piece.enriched_at, &mut signals);
        }
    }
    (lane, signals)
}

/// The same counts, given to the lane as `wensheng backtest --volume` does: it, and the rows at which it notes a rise after its
/// warm-up.
fn score(counts: &[u32]) -> (VolumeLane, Vec<u32>) {
    let mut lane = VolumeLane::default();
    let mut noted = Vec::new();
    for (row, count) in (1..).zip(counts) {
        let score = lane.score(f64::from(*count));
        if score >= super::super::NOTED && row >= super::super::WARM_UP {
            noted.push(row);
        }
    }
    (lane, noted)
}

/// The samples that the signals end with.
fn rows(signals: &[Signal], first: u32) -> Vec<u32> {
    let row =
        |signal: &Signal| (signal.times.occurred_at.as_second() / SAMPLE_SECONDS) as u32 - first;
    signals.iter().map(row).collect()
}

fn same(counts: &[u32]) -> usize {
    // A brand is heard of with its first piece.
    let silent = counts.iter().take_while(|count| **count == 0).count();
    let counts = &counts[silent..];
    let first = 5_000_000;
    let (lane, signals) = hear(counts, first);
    let (expected, noted) = score(counts);
    assert_eq!(lane.lane, expected);
    assert_eq!(rows(&signals, first), noted);
    noted.len()
}

/// A week of some pieces by day and few by night, and on its last day a rise.
fn week() -> Vec<u32> {
    (0..7 * 288_u32)
        .map(|sample| {
            let by_day = (sample % 288) / 24;
            let base = [1, 0, 0, 0, 2, 5, 6, 8, 7, 6, 9, 4][by_day as usize];
            let rise = if (1_850..1_862).contains(&sample) {
                60
            } else {
                0
            };
            base + sample * 7 % 3 + rise
        })
        .collect()
}

#[test]
fn a_rise_is_told_once_with_its_numbers() {
    let (_, signals) = hear(&week(), 5_000_000);
    assert_eq!(signals.len(), 1, "{signals:#?}");
    let signal = &signals[0];
    assert!(signal.kind.informs());
    let SignalKind::Volume {
        window_seconds,
        pieces,
        usual,
        ..
    } = signal.kind
    else {
        panic!("{:?}", signal.kind);
    };
    assert_eq!(window_seconds, 900);
    let counts = week();
    assert_eq!(pieces, u64::from(counts[1_848..1_851].iter().sum::<u32>()));
    assert!((5..30).contains(&usual), "{usual}");
    assert_eq!(signal.times.occurred_at, at(5_000_000 + 1_851));
}

#[test]
fn the_first_days_tell_nothing() {
    let mut counts = week();
    counts.drain(..1_200);
    // The rise lies before the end of the warm-up now.
    assert_eq!(hear(&counts, 5_000_000).1, []);
}

#[test]
fn one_piece_of_a_brand_that_nobody_speaks_of_is_no_rise() {
    let mut counts = vec![0; 2_000];
    counts[0] = 1;
    counts[1_500] = 3;
    assert_eq!(hear(&counts, 5_000_000).1, []);
}

#[test]
fn what_stays_silent_for_a_month_begins_anew() {
    let (mut lane, _) = hear(&week(), 5_000_000);
    let mut piece = piece();
    piece.feedback.observed_at = at(5_000_000 + 7 * 288 + FORGOTTEN + 1);
    piece.enriched_at = piece.feedback.observed_at;
    let mut signals = Vec::new();
    lane.hear(&piece, piece.enriched_at, &mut signals);
    assert_eq!(signals, []);
    assert_eq!(lane.lane, VolumeLane::default());
    // What the log holds of it is written over.
    assert!(lane.take_changed().is_some_and(|state| state.seen == 0));
}

#[test]
fn the_record_of_a_past_is_short() {
    let (mut lane, _) = hear(&week(), 5_000_000);
    let state = serde_json::to_string(&lane.take_changed()).unwrap();
    assert!(state.len() < 4_000, "{}", state.len());
    assert_eq!(lane.take_changed(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn pieces_give_what_their_counts_give(
        counts in proptest::collection::vec(prop_oneof![4 => 0_u32..4, 1 => 0_u32..40], 1..1_200),
    ) {
        same(&counts);
    }
}

#[test]
fn the_volumes_of_nab_give_the_same_as_pieces() {
    let shared = std::env::var_os("WENSHENG_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let folder = shared.join("burst/nab");
    // Of the smaller volumes, so that the test takes seconds.
    for name in ["Twitter_volume_CRM.csv", "Twitter_volume_CVS.csv"] {
        let path = folder.join(name);
        let Ok(csv) = std::fs::read_to_string(&path) else {
            eprintln!("skipped: no {}; set WENSHENG_SHARED", path.display());
            continue;
        };
        let counts: Vec<u32> = csv
            .lines()
            .skip(1)
            .map(|line| line.split_once(',').unwrap().1.parse().unwrap())
            .collect();
        assert!(same(&counts) >= 2, "{name}");
    }
}
