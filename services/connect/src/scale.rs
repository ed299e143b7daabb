//! A score on a source's own scale becomes a score on ours, or is refused; it is never bent into range.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems};

use crate::field::Field;

/// The scale that a source asks on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// The least answer.
    pub from: i32,
    /// The greatest answer.
    pub to: i32,
    /// Whether the least answer is the best one, as where CES asks for the effort. Default: false.
    #[serde(default)]
    pub reversed: bool,
}

impl Check for Scale {
    fn check(&self, problems: &mut Problems) {
        if self.from >= self.to {
            problems.add("from", "must be less than `to`");
        }
    }
}

/// The least and the greatest value of a score.
pub(crate) const fn range_of(field: Field) -> Option<(i32, i32)> {
    match field {
        Field::Nps => Some((0, 10)),
        Field::Csat => Some((1, 5)),
        Field::Ces => Some((1, 7)),
        _ => None,
    }
}

impl Scale {
    /// An answer on this scale as one on `least..=most`: end to end, and in proportion between, halves up. `None`: it is
    /// no number, or outside this scale.
    pub(crate) fn onto(self, written: &str, least: i32, most: i32) -> Option<i32> {
        let answer: f64 = written.trim().parse().ok()?;
        let (from, to) = (f64::from(self.from), f64::from(self.to));
        if !(from..=to).contains(&answer) || from >= to {
            return None;
        }
        let answer = if self.reversed {
            from + to - answer
        } else {
            answer
        };
        let share = (answer - from) / (to - from);
        Some((f64::from(least) + share * f64::from(most - least)).round() as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_meet_and_the_middle_is_in_proportion() {
        let ten = Scale {
            from: 1,
            to: 10,
            reversed: false,
        };
        let csat: Vec<_> = ["1", "4", "5.5", "10", "0", "11", "好"]
            .map(|answer| ten.onto(answer, 1, 5))
            .to_vec();
        assert_eq!(csat, [Some(1), Some(2), Some(3), Some(5), None, None, None]);
        let effort = Scale {
            from: 1,
            to: 5,
            reversed: true,
        };
        assert_eq!(effort.onto("1", 1, 7), Some(7));
        assert_eq!(effort.onto("5", 1, 7), Some(1));
    }
}
