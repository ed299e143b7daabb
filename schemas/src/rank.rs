//! The terms named most often, bounded in size.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counts of terms. A delta holds those of one batch; a total is pruned to its heaviest terms, so that it stays small
/// and the top of it is right for all but near-ties.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TermRank(BTreeMap<String, i64>);

impl TermRank {
    /// Adds `count` (negative takes back); a term that falls to zero is forgotten.
    pub fn add(&mut self, term: &str, count: i64) {
        if let Some(sum) = self.0.get_mut(term) {
            *sum += count;
            if *sum == 0 {
                self.0.remove(term);
            }
        } else if count != 0 {
            self.0.insert(term.to_owned(), count);
        }
    }

    /// Adds all counts of `other`.
    pub fn merge(&mut self, other: &TermRank) {
        for (term, count) in &other.0 {
            self.add(term, *count);
        }
    }

    /// Keeps the `limit` heaviest terms.
    pub fn prune(&mut self, limit: usize) {
        if self.0.len() > limit {
            self.0 = self
                .top(limit)
                .into_iter()
                .map(|(term, count)| (term.to_owned(), count))
                .collect();
        }
    }

    /// The `limit` heaviest terms, heaviest first, equal ones in the order of their text.
    pub fn top(&self, limit: usize) -> Vec<(&str, i64)> {
        let mut terms: Vec<(&str, i64)> = self
            .0
            .iter()
            .map(|(term, count)| (term.as_str(), *count))
            .collect();
        terms.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        terms.truncate(limit);
        terms
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
