//! Calls and chats: only what the customer says is judged (the pleasantries of agents would be misread), turn by turn, and how the mood
//! moves from the first turn to the last.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analyzer::Analyzer;
use crate::matcher::Context;
use crate::spoken;
use crate::verdict::Verdict;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The customer: judged.
    Customer,
    /// The agent, or a machine: left out.
    Agent,
}

/// One turn of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Turn {
    /// Who speaks.
    pub speaker: Speaker,
    /// The transcript, with or without marks; `_` is a pause.
    pub text: String,
}

/// A clause of speech, without fillers and stutters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpokenClause {
    /// What was said, normalised.
    pub text: String,
    /// First character of the turn's text.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

/// How the customer spoke in one turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TurnReading {
    /// The turn, counted from 0 among all turns of the call.
    pub turn: usize,
    /// Its verdict.
    pub verdict: Verdict,
    /// Its clauses.
    pub clauses: Vec<SpokenClause>,
}

/// How the customer's mood moved; scores are −1 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trajectory {
    /// Score of the first turn that says something.
    pub start: f32,
    /// Score of the last.
    pub end: f32,
    /// The lowest score.
    pub lowest: f32,
    /// In which turn, counted from 0 among all turns; the first where several are as low.
    pub lowest_turn: usize,
    /// The mean, each turn weighted by its characters.
    pub mean: f32,
}

/// A call as its customer lived it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallAnalysis {
    /// The customer's turns that say something, in order.
    pub turns: Vec<TurnReading>,
    /// How the mood moved; none where the customer said nothing.
    pub trajectory: Option<Trajectory>,
}

impl Analyzer {
    /// Judges the customer's turns of a call. Name a channel that has weights of its own for speech (`hotline`) in `context`.
    pub fn analyze_call(&self, turns: &[Turn], context: &Context<'_>) -> CallAnalysis {
        let mut readings = Vec::new();
        let mut weights = Vec::new();
        let customers = turns
            .iter()
            .enumerate()
            .filter(|(_, t)| t.speaker == Speaker::Customer);
        for (number, turn) in customers {
            let normalized = self.normalizer.normalize(&turn.text, self.config.max_chars);
            let clauses = spoken::clauses(&turn.text, &normalized);
            if clauses.is_empty() {
                continue;
            }
            let texts: Vec<&str> = clauses.iter().map(|c| c.text.as_str()).collect();
            let said = texts.join(",");
            weights.push(said.chars().count() as f32);
            readings.push(TurnReading {
                turn: number,
                verdict: self.verdict(&said, context),
                clauses: clauses
                    .into_iter()
                    .map(|c| SpokenClause {
                        text: c.text,
                        start: c.start,
                        end: c.end,
                    })
                    .collect(),
            });
        }
        CallAnalysis {
            trajectory: trajectory(&readings, &weights),
            turns: readings,
        }
    }
}

fn trajectory(readings: &[TurnReading], weights: &[f32]) -> Option<Trajectory> {
    let (first, last) = (readings.first()?, readings.last()?);
    let mut lowest = first;
    for reading in readings {
        if reading.verdict.score < lowest.verdict.score {
            lowest = reading;
        }
    }
    let weighted = readings.iter().zip(weights);
    let sum: f32 = weighted.map(|(r, w)| r.verdict.score * w).sum();
    Some(Trajectory {
        start: first.verdict.score,
        end: last.verdict.score,
        lowest: lowest.verdict.score,
        lowest_turn: lowest.turn,
        mean: sum / weights.iter().sum::<f32>().max(1.0),
    })
}
