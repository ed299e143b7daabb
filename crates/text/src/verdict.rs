//! The trained reading and the lexicon reading made one verdict: probabilities that sum to one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::Polarity;
use crate::model::LogOdds;

/// The sum of lexicon weights at which the lexicon has said nearly all that it can say.
const SATURATION: f32 = 3.0;
/// Log-odds of positive against negative that a saturated lexicon reading stands for, before its weight is applied.
const LEXICON_ODDS: f32 = 3.0;

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
    /// Joins both readings: the lexicon shifts the log-odds of polarity by at most `weight` × 3.
    pub(crate) fn new(odds: LogOdds, lexicon_total: f32, weight: f32) -> Self {
        let prior = weight * LEXICON_ODDS * (lexicon_total / SATURATION).tanh();
        let up = sigmoid(odds.polarity + prior);
        let neutral = sigmoid(odds.neutrality);
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

    #[test]
    fn the_lexicon_decides_where_the_model_does_not() {
        let odds = LogOdds {
            polarity: 0.0,
            neutrality: -3.0,
        };
        assert_eq!(Verdict::new(odds, -4.0, 0.5).label, Polarity::Negative);
        assert_eq!(Verdict::new(odds, 4.0, 0.5).label, Polarity::Positive);
    }

    #[test]
    fn a_tie_is_neutral_and_numbers_stay_in_their_ranges() {
        let neutral = Verdict::new(
            LogOdds {
                polarity: 0.0,
                neutrality: 0.0,
            },
            0.0,
            0.5,
        );
        assert_eq!((neutral.label, neutral.score), (Polarity::Neutral, 0.0));
        let sure = Verdict::new(
            LogOdds {
                polarity: -90.0,
                neutrality: -90.0,
            },
            -90.0,
            2.0,
        );
        assert_eq!(
            (sure.label, sure.score, sure.confidence),
            (Polarity::Negative, -1.0, 1.0)
        );
    }
}
