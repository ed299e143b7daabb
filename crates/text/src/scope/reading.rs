//! What a reading of words found: the words with their weights, and the clauses that they stand in.

use crate::analysis::Scope;

/// Sum of the rest at which praise that opens a text mocks.
const TROUBLED: f32 = -1.0;

/// A word of feeling where it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Hit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) weight: f32,
    pub(crate) scope: Scope,
    /// Whether the word is itself a negation of praise: 不推荐.
    pub(crate) negated_praise: bool,
    /// Whether it is praise that mocks where the rest of the text blames: 厉害了.
    pub(crate) mocks: bool,
    /// Whether it opens the text, so that it mocks where the rest tells of troubles: 真快啊，一碗面送了两个小时.
    pub(super) opens: bool,
    /// Whether it tells what came of it, whatever scope it stands in.
    pub(super) told: bool,
    /// The weight of an event where a negation follows it: 一个坏点都没有.
    pub(super) negated: Option<f32>,
}

impl Hit {
    pub(super) fn new(weight: f32, scope: Scope, start: usize, end: usize) -> Self {
        Self {
            start,
            end,
            weight,
            scope,
            negated_praise: false,
            mocks: false,
            opens: false,
            told: false,
            negated: None,
        }
    }

    /// Whether it tells what came of it, and that was not mended.
    pub(crate) fn stands(&self) -> bool {
        self.told && self.weight != 0.0
    }

    /// Blame that weighs no more, because what it tells of was mended or did not come to be.
    pub(super) fn mend(&mut self) {
        if self.weight < 0.0 && self.negated.is_some() {
            self.weight = 0.0;
            self.told = true;
        }
    }
}

/// A stretch between two marks, and the hits in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clause {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Sum of the weights of its hits.
    pub(crate) weight: f32,
    /// Whether a sentence ends with it.
    pub(crate) ends_sentence: bool,
}

/// What the reading found; offsets are bytes of the normalised text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Reading {
    pub(crate) hits: Vec<Hit>,
    pub(crate) clauses: Vec<Clause>,
    /// Sum of all weights.
    pub(crate) total: f32,
    /// Sum of the weights of the words that a negation or scorn turned: where runs of characters mislead the trained reading.
    pub(crate) turned: f32,
    /// Share of the text that asks and does not scorn, and twice that which states and does not judge, 0 to 2.
    pub(crate) asked: f32,
}

impl Reading {
    /// The same memory with nothing found.
    pub(super) fn cleared(&mut self) -> Self {
        let Self {
            mut hits,
            mut clauses,
            ..
        } = std::mem::take(self);
        hits.clear();
        clauses.clear();
        Self {
            hits,
            clauses,
            ..Self::default()
        }
    }

    /// The sums of the weights of the hits.
    pub(super) fn sum_up(&mut self) {
        self.turned = self.turned_hits().map(|h| h.weight).sum();
        self.total = self.hits.iter().map(|h| h.weight).sum();
    }

    /// The praise that would mock: none if the rest of the words of feeling praises.
    pub(crate) fn mocking(&self) -> impl Iterator<Item = &Hit> {
        self.hits.iter().filter(|h| h.mocks)
    }

    /// Settles which praise would mock. Beside an outcome that blames it does, so that it turns at once, and praise that opens the
    /// text with it; beside praise it does not; else it is left to the trained reading of the rest.
    pub(super) fn settle_mocking(&mut self) {
        if !self.hits.iter().any(|h| h.mocks || h.opens) {
            return;
        }
        let rest: f32 = self
            .hits
            .iter()
            .filter(|h| !h.mocks && !h.opens)
            .map(|h| h.weight)
            .sum();
        let opening = self.clauses.first().map_or(0, |c| c.end);
        let trouble =
            |h: &Hit| h.weight < 0.0 && (h.told || h.negated.is_some()) && h.start >= opening;
        let troubled = rest <= TROUBLED && self.hits.iter().any(trouble);
        for hit in &mut self.hits {
            hit.mocks = hit.weight > 0.0 && ((hit.mocks && rest <= 0.0) || (hit.opens && troubled));
        }
        if troubled {
            self.turn_mocking();
        }
    }

    /// Turns the praise that mocks into blame, in its clauses too.
    pub(crate) fn turn_mocking(&mut self) {
        for hit in self.hits.iter_mut().filter(|h| h.mocks) {
            let clause = self.clauses.iter_mut().find(|c| c.end >= hit.end);
            if let Some(clause) = clause {
                clause.weight -= 2.0 * hit.weight;
            }
            hit.weight = -hit.weight;
            hit.scope = Scope::Rhetorical;
            hit.mocks = false;
        }
        self.sum_up();
    }

    /// The words that a negation or scorn turned.
    pub(crate) fn turned_hits(&self) -> impl Iterator<Item = &Hit> {
        self.hits.iter().filter(|h| {
            matches!(
                h.scope,
                Scope::Negated | Scope::DoubleNegated | Scope::Rhetorical
            ) || h.told
        })
    }
}
