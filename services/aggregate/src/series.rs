//! The series of the partitions in hand; what changed since the last commit is known, and nothing of a partition stays
//! once it is revoked.

use jiff::{SignedDuration, Timestamp};
use rustc_hash::{FxHashMap, FxHashSet};
use wensheng_schemas::{DetectorState, Signal};

use crate::fold::each_topic;
use crate::volume::{Passing, Rules, Series};

/// A series is forgotten after this long without a piece: seven half-lives of what it holds as usual.
const FORGET_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

#[derive(Debug, Clone, Default)]
struct BrandSeries {
    partition: u32,
    real: FxHashMap<String, Series>,
    drill: FxHashMap<String, Series>,
}

impl BrandSeries {
    fn topics(&mut self, drill: bool) -> &mut FxHashMap<String, Series> {
        if drill {
            &mut self.drill
        } else {
            &mut self.real
        }
    }
}

/// Names a series.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeriesName {
    pub(crate) brand: String,
    pub(crate) topic: String,
    pub(crate) drill: bool,
}

/// All series of this session.
#[derive(Debug, Clone, Default)]
pub(crate) struct SeriesTable {
    brands: FxHashMap<String, BrandSeries>,
    touched: FxHashSet<SeriesName>,
}

impl SeriesTable {
    /// Passes a piece through the series of its topics and of its brand; gives the signals that it completes.
    pub(crate) fn pass(
        &mut self,
        partition: u32,
        passing: &Passing<'_>,
        rules: &Rules,
    ) -> Vec<Signal> {
        let feedback = &passing.piece.feedback;
        let mut signals = Vec::new();
        if !self.brands.contains_key(&feedback.brand) {
            self.brands
                .insert(feedback.brand.clone(), BrandSeries::default());
        }
        let Some(brand) = self.brands.get_mut(&feedback.brand) else {
            return signals;
        };
        brand.partition = partition;
        let topics = brand.topics(feedback.drill);
        for topic in each_topic(&passing.piece.topics) {
            let counted = match topics.get_mut(topic) {
                Some(series) => series.pass(topic, passing, rules, &mut signals),
                None => {
                    let mut series = Series::default();
                    let counted = series.pass(topic, passing, rules, &mut signals);
                    if counted {
                        topics.insert(topic.to_owned(), series);
                    }
                    counted
                }
            };
            if counted {
                self.touched.insert(SeriesName {
                    brand: feedback.brand.clone(),
                    topic: topic.to_owned(),
                    drill: feedback.drill,
                });
            }
        }
        signals
    }

    /// The records of all series that changed since the last call, in the order of their names.
    pub(crate) fn changed(&mut self, now: Timestamp) -> Vec<DetectorState> {
        let mut touched: Vec<SeriesName> = self.touched.drain().collect();
        touched.sort();
        touched
            .iter()
            .filter_map(|name| {
                let series = self
                    .brands
                    .get_mut(&name.brand)?
                    .topics(name.drill)
                    .get(&name.topic)?;
                Some(series.to_state(&name.brand, &name.topic, name.drill, now))
            })
            .collect()
    }

    /// Takes back a series.
    pub(crate) fn restore(&mut self, partition: u32, state: DetectorState, rules: &Rules) {
        let brand = self.brands.entry(state.brand.clone()).or_default();
        brand.partition = partition;
        let topic = state.topic.clone();
        brand
            .topics(state.drill)
            .insert(topic, Series::from_state(state, rules));
    }

    /// Forgets a series that was deleted from the log.
    pub(crate) fn forget(&mut self, key: &str) {
        for (brand, series) in &mut self.brands {
            for drill in [false, true] {
                series
                    .topics(drill)
                    .retain(|topic, _| DetectorState::key_of(brand, topic, drill) != key);
            }
        }
    }

    /// Removes the series that heard nothing for a week, and names them.
    pub(crate) fn expire(&mut self, now: Timestamp) -> Vec<SeriesName> {
        let mut expired = Vec::new();
        for (brand, series) in &mut self.brands {
            for drill in [false, true] {
                series.topics(drill).retain(|topic, series| {
                    let stale = series
                        .latest_at()
                        .is_none_or(|at| now.duration_since(at) > FORGET_AFTER);
                    if stale {
                        expired.push(SeriesName {
                            brand: brand.clone(),
                            topic: topic.clone(),
                            drill,
                        });
                    }
                    !stale
                });
            }
        }
        self.brands
            .retain(|_, series| !series.real.is_empty() || !series.drill.is_empty());
        expired.sort();
        expired
    }

    /// Forgets the series of these partitions, and what changed.
    pub(crate) fn revoke(&mut self, partitions: &[u32]) {
        self.brands
            .retain(|_, brand| !partitions.contains(&brand.partition));
        self.touched.clear();
    }

    /// How many series there are.
    pub(crate) fn len(&self) -> usize {
        self.brands
            .values()
            .map(|brand| brand.real.len() + brand.drill.len())
            .sum()
    }
}
