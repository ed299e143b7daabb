//! The trained reading and the lexicon reading made one verdict: probabilities that sum to one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::Polarity;
use crate::model::LogOdds;
use crate::scope::Reading;

/// The sum of lexicon weights at which the lexicon has said nearly all that it can say.
const SATURATION: f32 = 3.0;
/// Log-odds of positive against negative that a saturated lexicon reading stands for, before its weight is applied.
const LEXICON_ODDS: f32 = 3.0;
/// The same for the words that a negation or scorn turned: runs of three characters do not reach from 没有 to the word that it turns.
/// In a long text they weigh less still, inversely to its length.
const TURNED_ODDS: f32 = 4.0;
/// Log-odds of neutral that a text gains that does nothing but ask.
const ASKED_ODDS: f32 = 1.0;
/// Log-odds of neutral that a text loses whose words of feeling saturate the lexicon.
const FELT_ODDS: f32 = 1.5;
/// How much of that the words that were turned take beside.
const TURNED_FELT: f32 = 0.75;
/// Characters at which the lexicon has its plain weight: a shorter text gives the trained reading less to go by (up to double
/// weight), a longer one more (down to half). Chosen on held-out training rows, as the odds above.
const SHORT: f32 = 25.0;

/// A verdict without its reasons.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The likeliest of the three.
    pub label: Polarity,
    /// Probability of positive less that of negative.
    pub score: f32,
    /// Probability of the label.
    pub confidence: f32,
}

impl Verdict {
    /// Joins both readings of a text of `chars` characters; `weight` is how much the lexicon counts.
    pub(crate) fn new(odds: LogOdds, reading: &Reading, chars: usize, weight: f32) -> Self {
        let shortness = SHORT / chars.max(1) as f32;
        let counts = weight * shortness.sqrt().clamp(0.5, 2.0);
        let said = (reading.total / SATURATION).tanh();
        let turned = weight * shortness.min(2.0) * (reading.turned / 2.0).tanh();
        let prior = counts * LEXICON_ODDS * said + TURNED_ODDS * turned;
        let up = sigmoid(odds.polarity + prior);
        let felt = FELT_ODDS * (counts * said.abs() + TURNED_FELT * turned.abs());
        let neutral = sigmoid(odds.neutrality + ASKED_ODDS * reading.asked - felt);
        let positive = (1.0 - neutral) * up;
        let negative = (1.0 - neutral) * (1.0 - up);
        // Ties go to neutral: nobody is praised or blamed by chance.
        let (label, confidence) = if neutral >= positive && neutral >= negative {
            (Polarity::Neutral, neutral)
        } else if positive >= negative {
            (Polarity::Positive, positive)
        } else {
            (Polarity::Negative, negative)
        };
        Self {
            label,
            score: positive - negative,
            confidence,
        }
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(total: f32) -> Reading {
        Reading {
            total,
            ..Reading::default()
        }
    }

    #[test]
    fn the_lexicon_decides_where_the_model_does_not() {
        let odds = LogOdds {
            polarity: 0.0,
            neutrality: -3.0,
        };
        assert_eq!(
            Verdict::new(odds, &reading(-4.0), 25, 0.5).label,
            Polarity::Negative
        );
        assert_eq!(
            Verdict::new(odds, &reading(4.0), 25, 0.5).label,
            Polarity::Positive
        );
    }

    #[test]
    fn the_lexicon_counts_more_in_a_short_text() {
        let odds = LogOdds {
            polarity: 0.0,
            neutrality: -3.0,
        };
        let score = |chars| Verdict::new(odds, &reading(2.0), chars, 0.5).score;
        assert!(score(5) > score(25) && score(25) > score(200) && score(200) > 0.0);
    }

    #[test]
    fn a_tie_is_neutral_and_numbers_stay_in_their_ranges() {
        let neutral = Verdict::new(LogOdds::default(), &reading(0.0), 9, 0.5);
        assert_eq!((neutral.label, neutral.score), (Polarity::Neutral, 0.0));
        let sure = Verdict::new(
            LogOdds {
                polarity: -90.0,
                neutrality: -90.0,
            },
            &reading(-90.0),
            9,
            2.0,
        );
        assert_eq!(
            (sure.label, sure.score, sure.confidence),
            (Polarity::Negative, -1.0, 1.0)
        );
    }
}
