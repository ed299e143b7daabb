//! Calls: whose words count, how the mood moves, how well clauses are found in real transcripts.

use std::path::PathBuf;

use wensheng_text::{Context, Polarity, Speaker, Turn};

use crate::analyzer;

const HOTLINE: Context<'static> = Context {
    reach: None,
    channel: Some("hotline"),
    brand: None,
};

fn call(turns: &[(Speaker, &str)]) -> Vec<Turn> {
    let turn = |(speaker, text): &(Speaker, &str)| Turn {
        speaker: *speaker,
        text: (*text).to_owned(),
    };
    turns.iter().map(turn).collect()
}

#[test]
fn the_mood_moves_from_anger_to_thanks_and_agents_do_not_count() {
    use Speaker::{Agent, Customer};
    let found = analyzer().analyze_call(
        &call(&[
            (Agent, "您好很高兴为您服务"),
            (Customer, "喂你好我想问一下上个月的账单"),
            (Agent, "好的非常感谢您的耐心等待祝您生活愉快"),
            (Customer, "嗯"),
            (
                Customer,
                "你们这什么垃圾服务啊乱扣费我都打了三次电话了没人管太气人了",
            ),
            (Agent, "非常抱歉马上给您退费"),
            (Customer, "好的谢谢你服务态度很好解决得很快非常满意"),
        ]),
        &HOTLINE,
    );
    let turns: Vec<usize> = found.turns.iter().map(|t| t.turn).collect();
    assert_eq!(turns, [1, 4, 6]);
    assert_eq!(found.turns[1].verdict.label, Polarity::Negative);
    assert_eq!(found.turns[2].verdict.label, Polarity::Positive);
    let t = found.trajectory.unwrap();
    assert_eq!(
        (t.lowest_turn, t.lowest < 0.0, t.end > t.start),
        (4, true, true)
    );
    assert!(t.lowest <= t.mean && t.mean <= t.end, "{t:?}");
}

#[test]
fn a_customer_who_only_nods_has_no_trajectory() {
    let found = analyzer().analyze_call(&call(&[(Speaker::Customer, "嗯嗯_哦")]), &HOTLINE);
    assert!(found.turns.is_empty() && found.trajectory.is_none());
}

/// How well clauses are found without marks: where the writers set them, and where the clauses part.
#[derive(Default)]
struct Agreement {
    marks: usize,
    parted: usize,
    right: usize,
    /// Cutting every eighth character, for comparison.
    even: usize,
}

impl Agreement {
    fn add(&mut self, text: &str) {
        let mut bare = String::new();
        let mut marks = Vec::new();
        for c in text.chars() {
            match c {
                '，' | '。' | '？' | '！' | ',' | '?' | '!' => marks.push(bare.chars().count()),
                '_' => {}
                c => bare.push(c),
            }
        }
        let turn = Turn {
            speaker: Speaker::Customer,
            text: bare,
        };
        let read = analyzer().analyze_call(std::slice::from_ref(&turn), &HOTLINE);
        let Some(reading) = read.turns.first() else {
            return;
        };
        let clauses = &reading.clauses;
        // A mark behind a filler at the head parts nothing.
        let inside = clauses[0].start + 1..clauses[clauses.len() - 1].end;
        marks.retain(|m| inside.contains(m));
        marks.dedup();
        // A filler between two clauses belongs to neither: a mark in the gap is found.
        let gaps: Vec<_> = clauses.windows(2).map(|w| w[0].end..=w[1].start).collect();
        let found = |m: &&usize| gaps.iter().any(|g| g.contains(m));
        self.right += marks.iter().filter(found).count();
        self.even += marks.iter().filter(|m| *m % 8 == 0).count();
        self.marks += marks.len();
        self.parted += gaps.len();
    }

    fn f1(&self) -> f32 {
        2.0 * self.right as f32 / (self.marks + self.parted) as f32
    }

    fn tell(&self, what: &str) {
        let share = |n: usize, of: usize| n as f32 / of.max(1) as f32;
        println!(
            "{what}: {} marks, precision {:.3}, recall {:.3}, F1 {:.3}; every eighth character would find {:.3}",
            self.marks,
            share(self.right, self.parted),
            share(self.right, self.marks),
            self.f1(),
            share(self.even, self.marks),
        );
    }
}

/// The folder of the shared data, where it is.
fn data() -> PathBuf {
    let shared = std::env::var("WENSHENG_SHARED").map_or_else(
        |_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    shared.join("data")
}

#[test]
fn real_calls_are_read_and_their_clauses_found_without_marks() {
    let path = data().join("samples/telecom_hotline_dialogues.json");
    let Ok(json) = std::fs::read_to_string(&path) else {
        println!("skipped: there is no {}", path.display());
        return;
    };
    let calls: serde_json::Value = serde_json::from_str(&json).unwrap();
    let mut agreement = Agreement::default();
    for call in calls.as_array().unwrap() {
        let sides = [
            ("[SPEAKER 1]", Speaker::Agent),
            ("[SPEAKER 2]", Speaker::Customer),
        ];
        let exchanges = call["content"].as_array().unwrap().iter();
        let turn = |exchange: &serde_json::Value, (key, speaker): (&str, Speaker)| Turn {
            speaker,
            text: exchange[key].as_str().unwrap_or_default().to_owned(),
        };
        let turns: Vec<Turn> = exchanges
            .flat_map(|e| sides.map(|side| turn(e, side)))
            .collect();
        let read = analyzer().analyze_call(&turns, &HOTLINE);
        assert!(!read.turns.is_empty());
        for reading in &read.turns {
            assert_eq!(turns[reading.turn].speaker, Speaker::Customer);
        }
        let t = read.trajectory.unwrap();
        println!(
            "{} customer turns: {:+.2} at the start, {:+.2} at the end, lowest {:+.2} in turn {}",
            read.turns.len(),
            t.start,
            t.end,
            t.lowest,
            t.lowest_turn
        );
        let customers = turns.iter().filter(|t| t.speaker == Speaker::Customer);
        customers.for_each(|t| agreement.add(&t.text));
    }
    agreement.tell("calls");
    // Transcribers mark few and uneven pauses; to part at all is more than chance.
    assert!(agreement.right > agreement.even);
}
