//! What is counted by name in the windows of an hour and of a day: whole numbers, so that sums do not depend on their order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Rating, Scores};

/// In how many pieces of feedback a word or phrase was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TermCount {
    /// The word or phrase, normalised.
    pub term: String,
    /// Pieces that hold it; negative takes back.
    pub count: i64,
    /// … of them negative.
    #[serde(default)]
    pub negative: i64,
}

/// What was answered to one question on one scale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RatingCount {
    /// The product that it was about, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// What was asked; `nps` (0 to 10), `csat` (1 to 5) and `ces` (1 to 7) are the scores that every source gives alike.
    pub question: String,
    /// The least answer of the scale.
    pub from: i32,
    /// The greatest answer of the scale; more is better.
    pub to: i32,
    /// The answers.
    #[serde(flatten)]
    pub sum: RatingSum,
}

/// Sums of answers on one scale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RatingSum {
    /// Answers; negative takes back.
    pub answers: i64,
    /// … of them in the top two boxes: at most one below the greatest answer of the scale. Of a scale from 0 to 10 these are the promoters.
    pub top: i64,
    /// … of them in the bottom two boxes: at most one above the least answer of the scale; of a scale from 0 to 10 the detractors, 0 to 6.
    pub bottom: i64,
    /// Sum of the answers in units of 1/1,000.
    pub value_sum: i64,
}

impl RatingSum {
    /// What one answer counts; `None` where it does not lie on its scale. It is rounded to 1/1,000 here and nowhere else, so that taking back is
    /// exact.
    pub fn of(rating: &Rating) -> Option<Self> {
        let (from, to) = (f64::from(rating.from), f64::from(rating.to));
        (from < to && (from..=to).contains(&rating.value)).then(|| Self {
            answers: 1,
            top: i64::from(rating.value >= to - 1.0),
            bottom: i64::from(
                rating.value
                    <= from
                        + if is_nps(rating.from, rating.to) {
                            6.0
                        } else {
                            1.0
                        },
            ),
            value_sum: (rating.value * 1_000.0).round() as i64,
        })
    }

    /// Adds `other`.
    pub fn add(&mut self, other: &RatingSum) {
        self.answers += other.answers;
        self.top += other.top;
        self.bottom += other.bottom;
        self.value_sum += other.value_sum;
    }

    /// The same with every sign turned: what takes it back.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self {
            answers: -self.answers,
            top: -self.top,
            bottom: -self.bottom,
            value_sum: -self.value_sum,
        }
    }

    /// The mean answer, on the scale of the question; `None` without answers.
    pub fn mean(&self) -> Option<f64> {
        (self.answers > 0).then(|| self.value_sum as f64 / 1_000.0 / self.answers as f64)
    }

    /// Share of answers in the top two boxes, 0 to 100: how satisfaction on a scale is usually told (P. Farris et al., "Marketing
    /// Metrics", 2nd edition 2010, section 2.7); `None` without answers.
    pub fn top_two_box(&self) -> Option<f64> {
        (self.answers > 0).then(|| 100.0 * self.top as f64 / self.answers as f64)
    }
}

impl RatingCount {
    /// Net promoter score, −100 to 100: share of promoters less share of detractors (F. Reichheld, "The One Number You Need to Grow", Harvard
    /// Business Review, December 2003); `None` without answers, and on any scale but that from 0 to 10.
    pub fn nps(&self) -> Option<f64> {
        let RatingSum {
            answers,
            top,
            bottom,
            ..
        } = self.sum;
        (answers > 0 && is_nps(self.from, self.to))
            .then(|| 100.0 * (top - bottom) as f64 / answers as f64)
    }
}

impl Scores {
    /// The scores as answers to the questions `nps`, `csat` and `ces`.
    pub fn ratings(&self) -> impl Iterator<Item = (&'static str, Rating)> {
        let rating = |question, value: Option<u8>, from, to| {
            let value = f64::from(value?);
            Some((question, Rating { value, from, to }))
        };
        [
            rating("nps", self.nps, 0, 10),
            rating("csat", self.csat, 1, 5),
            rating("ces", self.ces, 1, 7),
        ]
        .into_iter()
        .flatten()
    }
}

const fn is_nps(from: i32, to: i32) -> bool {
    from == 0 && to == 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_beyond_its_scale_is_none() {
        let rating = |value| Rating {
            value,
            from: 1,
            to: 5,
        };
        for value in [0.9, 5.1, f64::NAN, f64::INFINITY] {
            assert_eq!(RatingSum::of(&rating(value)), None);
        }
        let mut sum = RatingSum::default();
        for value in [1.0, 3.9, 4.0, 5.0] {
            sum.add(&RatingSum::of(&rating(value)).unwrap());
        }
        assert_eq!((sum.answers, sum.top, sum.bottom), (4, 2, 1));
        assert_eq!(sum.value_sum, 13_900);
        assert_eq!(sum.mean(), Some(3.475));
        assert_eq!(sum.top_two_box(), Some(50.0));
        sum.add(&sum.negated());
        assert_eq!(sum, RatingSum::default());
    }

    #[test]
    fn promoters_and_detractors_are_those_of_the_paper() {
        let mut count = RatingCount {
            product: None,
            question: "nps".to_owned(),
            from: 0,
            to: 10,
            sum: RatingSum::default(),
        };
        assert_eq!(count.nps(), None);
        for nps in [10, 9, 8, 7, 6, 0, 11] {
            let scores = Scores {
                nps: Some(nps),
                ..Scores::default()
            };
            let mut ratings = scores.ratings();
            let (question, rating) = ratings.next().unwrap();
            assert_eq!((question, ratings.next()), ("nps", None));
            if let Some(sum) = RatingSum::of(&rating) {
                count.sum.add(&sum);
            }
        }
        assert_eq!(
            (count.sum.answers, count.sum.top, count.sum.bottom),
            (6, 2, 2)
        );
        assert_eq!(count.nps(), Some(0.0));
    }
}
