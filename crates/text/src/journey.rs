//! Where on the customer's way a text was written, by cue words and intents; silent where nothing tells. The lists are
//! `lexicon/stage_*.txt`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::Intent;
use crate::cue::{CueFinder, CueText};
use crate::normalize::Normalizer;

/// A stage of the customer's way.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum JourneyStage {
    /// Hears of it, compares, wonders whether to buy.
    Awareness,
    /// Orders, pays, waits for the goods.
    Purchase,
    /// Has it and uses it.
    Use,
    /// Something must be put right.
    AfterSales,
    /// Stays, comes back and tells others, or leaves after long.
    Loyalty,
}

impl JourneyStage {
    /// All, from first to last.
    pub const ALL: [Self; 5] = [
        Self::Awareness,
        Self::Purchase,
        Self::Use,
        Self::AfterSales,
        Self::Loyalty,
    ];

    /// Its name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Awareness => "awareness",
            Self::Purchase => "purchase",
            Self::Use => "use",
            Self::AfterSales => "after_sales",
            Self::Loyalty => "loyalty",
        }
    }
}

/// What one cue of each stage weighs. A buyer who comes back also tells what it was like, and one who wants his money back also what he
/// ordered: the telling stages outweigh those that every text touches.
const WEIGHTS: [f32; 5] = [1.1, 1.0, 0.7, 1.6, 1.8];

/// Finds the stage with one automaton.
#[derive(Debug, Clone)]
pub(crate) struct StageFinder(CueFinder<5>);

impl StageFinder {
    pub(crate) fn new(normalizer: &Normalizer) -> Self {
        let lists = [
            include_str!("../lexicon/stage_awareness.txt"),
            include_str!("../lexicon/stage_purchase.txt"),
            include_str!("../lexicon/stage_use.txt"),
            include_str!("../lexicon/stage_after_sales.txt"),
            include_str!("../lexicon/stage_loyalty.txt"),
        ];
        Self(CueFinder::new(lists, normalizer))
    }

    /// The stage of a normalised text with these intents; the later one where two weigh alike.
    pub(crate) fn find(&self, of: &CueText<'_>, intents: &[Intent]) -> Option<JourneyStage> {
        let counts = self.0.count(of);
        let mut weights: [f32; 5] = std::array::from_fn(|s| counts[s] as f32 * WEIGHTS[s]);
        if intents.contains(&Intent::Churn) {
            weights[JourneyStage::Loyalty as usize] += 1.0;
        }
        let (stage, weight) = JourneyStage::ALL
            .into_iter()
            .map(|s| (s, weights[s as usize]))
            .max_by(|a, b| a.1.total_cmp(&b.1))?;
        (weight > 0.0).then_some(stage)
    }
}
