//! What is counted by name: terms and answers on scales. Nothing is pruned, so that what is taken back leaves nothing; what may come in is bounded by
//! what `enrich` lets through.

use rustc_hash::FxHashMap;
use wensheng_schemas::{Contribution, Rating, RatingCount, RatingSum, SentimentLabel, TermCount};

use crate::fold::{Sign, Terms};

/// Counts by number in [`Terms`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Tallies {
    /// Pieces, and negative ones of them.
    terms: FxHashMap<u32, (i64, i64)>,
    ratings: FxHashMap<Asked, RatingSum>,
}

/// A product, a question and its scale. Sums of different scales mean nothing.
type Asked = (Option<u32>, u32, i32, i32);

/// One piece, with its texts as numbers.
#[derive(Debug, Clone)]
pub(crate) struct Marks {
    terms: Vec<u32>,
    ratings: Vec<(Asked, RatingSum)>,
    pieces: i64,
    negative: i64,
}

impl Marks {
    pub(crate) fn of(contribution: &Contribution, sign: Sign, texts: &mut Terms) -> Self {
        let unit = match sign {
            Sign::Add => 1,
            Sign::TakeBack => -1,
        };
        let product = contribution.product.as_deref().map(|p| texts.number(p));
        let mut ratings = Vec::new();
        let mut answer = |question: &str, rating: Rating| {
            // What lies beyond its scale is no answer.
            if let Some(sum) = RatingSum::of(&rating) {
                let question = texts.number(question);
                let sum = match sign {
                    Sign::Add => sum,
                    Sign::TakeBack => sum.negated(),
                };
                ratings.push(((product, question, rating.from, rating.to), sum));
            }
        };
        for (question, rating) in contribution.scores.ratings() {
            answer(question, rating);
        }
        for (question, rating) in &contribution.ratings {
            answer(question, *rating);
        }
        let terms = contribution.terms.iter().map(|t| texts.number(t)).collect();
        Self {
            terms,
            ratings,
            pieces: unit,
            negative: unit * i64::from(contribution.label == SentimentLabel::Negative),
        }
    }
}

impl Tallies {
    pub(crate) fn add(&mut self, marks: &Marks) {
        for term in &marks.terms {
            let sum = self.terms.entry(*term).or_default();
            sum.0 += marks.pieces;
            sum.1 += marks.negative;
        }
        for (key, sum) in &marks.ratings {
            self.ratings.entry(*key).or_default().add(sum);
        }
    }

    pub(crate) fn merge(&mut self, other: &Tallies) {
        for (term, (pieces, negative)) in &other.terms {
            let sum = self.terms.entry(*term).or_default();
            sum.0 += pieces;
            sum.1 += negative;
        }
        for (key, sum) in &other.ratings {
            self.ratings.entry(*key).or_default().add(sum);
        }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.terms.values().all(|sum| *sum == (0, 0))
            && self
                .ratings
                .values()
                .all(|sum| *sum == RatingSum::default())
    }

    /// The terms, in the order of their text.
    pub(crate) fn terms(&self, texts: &Terms) -> Vec<TermCount> {
        let mut counts: Vec<TermCount> = self
            .terms
            .iter()
            .filter(|(_, sum)| **sum != (0, 0))
            .filter_map(|(number, (count, negative))| {
                Some(TermCount {
                    term: texts.text(*number)?.to_owned(),
                    count: *count,
                    negative: *negative,
                })
            })
            .collect();
        counts.sort_by(|a, b| a.term.cmp(&b.term));
        counts
    }

    /// The answers, in the order of their question and scale.
    pub(crate) fn ratings(&self, texts: &Terms) -> Vec<RatingCount> {
        let mut counts: Vec<RatingCount> = self
            .ratings
            .iter()
            .filter(|(_, sum)| **sum != RatingSum::default())
            .filter_map(|((product, number, from, to), sum)| {
                Some(RatingCount {
                    product: product.and_then(|p| texts.text(p)).map(str::to_owned),
                    question: texts.text(*number)?.to_owned(),
                    from: *from,
                    to: *to,
                    sum: *sum,
                })
            })
            .collect();
        counts.sort_by(|a, b| {
            let place = |r: &RatingCount| (r.product.clone(), r.question.clone(), r.from, r.to);
            place(a).cmp(&place(b))
        });
        counts
    }
}
