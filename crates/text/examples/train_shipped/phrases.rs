//! Short sayings written for this project, as rows to learn from: the public sets hold few texts of ten characters, and calls and
//! comments many.

use wensheng_text::{Polarity, Row};

use crate::Failure;

/// So many rows at most are made of a saying with slots.
const MOST: usize = 24;

/// The rows of `phrases.tsv`, each slot filled with its words in turn.
pub(crate) fn rows() -> Result<Vec<Row>, Failure> {
    let mut slots: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut found = Vec::new();
    for line in include_str!("phrases.tsv")
        .lines()
        .filter(|l| !l.starts_with('#'))
    {
        let (label, saying) = line
            .split_once('\t')
            .ok_or("give a label, a tab and a saying")?;
        if label == "=" {
            let (slot, words) = saying
                .split_once('\t')
                .ok_or("give a slot, a tab and words")?;
            slots.push((slot, words.split(' ').collect()));
            continue;
        }
        let label = match label {
            "positive" => Polarity::Positive,
            "negative" => Polarity::Negative,
            "neutral" => Polarity::Neutral,
            other => return Err(format!("{other:?} is no label").into()),
        };
        let start = found.len();
        for turn in 0..MOST {
            let text = fill(saying, turn * 7 + start, &slots);
            if found[start..].iter().all(|row: &Row| row.text != text) {
                found.push(Row {
                    text,
                    label,
                    three_way: true,
                    adapter: None,
                });
            }
        }
    }
    Ok(found)
}

/// The saying with the words of a turn; a slot that stands twice gets two words.
fn fill(saying: &str, turn: usize, slots: &[(&str, Vec<&str>)]) -> String {
    let mut text = saying.to_owned();
    for (step, (slot, words)) in slots.iter().enumerate() {
        let slot = format!("{{{slot}}}");
        let mut at = turn * (step + 1);
        while text.contains(&slot) {
            text = text.replacen(&slot, words[at % words.len()], 1);
            at += 3;
        }
    }
    text
}
