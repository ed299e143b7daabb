//! The series of the partitions in hand; what changed since the last commit is known, and nothing of a partition stays
//! once it is revoked.

use jiff::{SignedDuration, Timestamp};
use rustc_hash::FxHashMap;
use wensheng_schemas::{DetectorState, Enriched, EventId, Sample, Signal, TOPIC_ALL};

use crate::detector::{self, Brand, Detector, Memory};
use crate::fold::each_topic;
use crate::lane::BrandLane;
use crate::volume::{self, Passing, Rules};

/// A series is forgotten after this long without a piece: four half-lives of the level that the joint detector learns,
/// and long enough for a source that is out of order over a holiday.
const FORGET_AFTER: SignedDuration = SignedDuration::from_hours(30 * 24);

/// From this score on a series keeps pieces to show: half of what opens an incident.
const WARM: f64 = 1.5;

/// What detection remembers of one brand and topic.
#[derive(Debug, Clone, Default)]
struct Series {
    volume: volume::Series,
    joint: Option<detector::Series>,
    /// Negative pieces that made the joint score, newest first; only while it is warm.
    samples: Vec<Sample>,
    /// Whether it is among those that changed.
    touched: bool,
}

impl Series {
    /// The newest instant it knows; `None` when it holds nothing.
    fn latest_at(&self) -> Option<Timestamp> {
        let joint = self.joint.as_ref().and_then(|joint| start(joint.minute()));
        self.volume.latest_at().max(joint)
    }
}

/// When a minute since the epoch begins.
fn start(minute: u32) -> Option<Timestamp> {
    Timestamp::from_second(i64::from(minute) * 60).ok()
}

#[derive(Debug, Clone, Default)]
struct BrandSeries {
    partition: u32,
    real: FxHashMap<String, Series>,
    drill: FxHashMap<String, Series>,
    /// What the joint detector keeps of the brand, and of its authors and stories.
    shared: Brand,
    memory: Memory,
    /// Its volume, without drills.
    lane: BrandLane,
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
    /// Those that changed since the last commit, each once.
    touched: Vec<SeriesName>,
}

impl SeriesTable {
    /// Passes a piece through the volume rules of its topics and of its brand; gives the signals that it completes.
    pub(crate) fn pass(
        &mut self,
        partition: u32,
        passing: &Passing<'_>,
        rules: &Rules,
    ) -> Vec<Signal> {
        let feedback = &passing.piece.feedback;
        let mut signals = Vec::new();
        let brand = brand_of(&mut self.brands, &feedback.brand, partition);
        let topics = brand.topics(feedback.drill);
        for topic in each_topic(&passing.piece.topics) {
            if let Some(series) = topics.get_mut(topic) {
                if series.volume.pass(topic, passing, rules, &mut signals) {
                    touch(
                        &mut self.touched,
                        series,
                        &feedback.brand,
                        topic,
                        feedback.drill,
                    );
                }
                continue;
            }
            let mut series = Series::default();
            if series.volume.pass(topic, passing, rules, &mut signals) {
                touch(
                    &mut self.touched,
                    &mut series,
                    &feedback.brand,
                    topic,
                    feedback.drill,
                );
                topics.insert(topic.to_owned(), series);
            }
        }
        signals
    }

    /// Passes a piece through the joint detector, the brand as a whole first, because its topics lean on it.
    pub(crate) fn pass_jointly(
        &mut self,
        partition: u32,
        passing: &Passing<'_>,
        detector: &Detector,
        signals: &mut Vec<Signal>,
    ) {
        if !detector.is_on() {
            return;
        }
        let piece = passing.piece;
        let feedback = &piece.feedback;
        let drill = feedback.drill;
        let brand = brand_of(&mut self.brands, &feedback.brand, partition);
        let met = detector.meet(piece, &mut brand.shared, &mut brand.memory);
        let known = brand.real.len();
        let topics = known - usize::from(brand.real.contains_key(TOPIC_ALL));
        let wanted = std::iter::once(TOPIC_ALL)
            .chain(each_topic(&piece.topics).filter(|topic| *topic != TOPIC_ALL));
        for topic in wanted {
            let like = drill.then(|| brand.real.get(topic)).flatten();
            let like = like.and_then(|series| series.joint.clone());
            let all = if drill {
                &mut brand.drill
            } else {
                &mut brand.real
            };
            if !all.contains_key(topic) {
                all.insert(topic.to_owned(), Series::default());
            }
            let Some(series) = all.get_mut(topic) else {
                continue;
            };
            let joint = series.joint.get_or_insert_with(|| {
                like.map_or_else(detector::Series::default, |l| l.levelled())
            });
            let place = detector::place(topic, topics);
            let heard = detector.hear(
                &met,
                topic,
                place,
                joint,
                &mut brand.shared,
                &mut brand.memory,
            );
            if met.is_negative() {
                if heard.score >= WARM {
                    volume::show(&mut series.samples, piece);
                } else {
                    series.samples.clear();
                }
            }
            if let Some(finding) = heard.finding {
                signals.push(detector::signal(
                    &finding,
                    topic,
                    joint,
                    &series.samples,
                    piece,
                    passing.now,
                ));
            }
            touch(&mut self.touched, series, &feedback.brand, topic, drill);
        }
        // A drill turns the brand's clock, too, which is kept with the real series as a whole.
        if drill {
            let all = brand.real.entry(TOPIC_ALL.to_owned()).or_default();
            touch(&mut self.touched, all, &feedback.brand, TOPIC_ALL, false);
        }
    }

    /// Counts a piece that is no drill in the volume lane of its brand, which is kept with the brand as a whole.
    pub(crate) fn pass_volume(
        &mut self,
        partition: u32,
        passing: &Passing<'_>,
        signals: &mut Vec<Signal>,
    ) {
        let name = &passing.piece.feedback.brand;
        let brand = brand_of(&mut self.brands, name, partition);
        brand.lane.hear(passing.piece, passing.now, signals);
        let all = brand.real.entry(TOPIC_ALL.to_owned()).or_default();
        touch(&mut self.touched, all, name, TOPIC_ALL, false);
    }

    /// Shows a piece no more that was taken back: the next signal does not carry its words, nor do the records of its series.
    pub(crate) fn unshow(&mut self, brand: &str, event: &EventId) {
        let Some(series) = self.brands.get_mut(brand) else {
            return;
        };
        for drill in [false, true] {
            for (topic, series) in series.topics(drill) {
                let jointly = volume::unshow(&mut series.samples, event);
                if series.volume.unshow(event) || jointly {
                    touch(&mut self.touched, series, brand, topic, drill);
                }
            }
        }
    }

    /// Takes back the author and the story of a piece that was heard before.
    pub(crate) fn recall(
        &mut self,
        partition: u32,
        piece: &Enriched,
        late: bool,
        detector: &Detector,
    ) {
        if !detector.is_on() {
            return;
        }
        let brand = brand_of(&mut self.brands, &piece.feedback.brand, partition);
        detector.recall(piece, late, &mut brand.memory);
    }

    /// The records of all series that changed since the last call, in the order of their names.
    pub(crate) fn changed(&mut self, now: Timestamp) -> Vec<DetectorState> {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort();
        touched
            .iter()
            .flat_map(|name| self.records(name, now))
            .collect()
    }

    /// The record of a series that changed, and that of the volume lane, where a sample was taken.
    fn records(&mut self, name: &SeriesName, now: Timestamp) -> Vec<DetectorState> {
        let Some(brand) = self.brands.get_mut(&name.brand) else {
            return Vec::new();
        };
        // What the brand shares goes with its real series as a whole.
        let whole = name.topic == TOPIC_ALL && !name.drill;
        let shared = (whole && brand.shared.minute > 0).then(|| brand.shared.to_state());
        let sample = brand.lane.in_hand().filter(|_| whole);
        let lane = if whole {
            brand.lane.take_changed()
        } else {
            None
        };
        let Some(series) = brand.topics(name.drill).get_mut(&name.topic) else {
            return Vec::new();
        };
        series.touched = false;
        let state = DetectorState {
            brand: name.brand.clone(),
            topic: name.topic.clone(),
            drill: name.drill,
            volume: series.volume.to_state(),
            joint: series
                .joint
                .as_ref()
                .map(|joint| joint.to_state(&series.samples)),
            shared,
            sample,
            lane: None,
            updated_at: now,
        };
        let Some(lane) = lane else {
            return vec![state];
        };
        let past = DetectorState {
            volume: Default::default(),
            joint: None,
            shared: None,
            sample: None,
            lane: Some(lane),
            ..state.clone()
        };
        vec![state, past]
    }

    /// Takes back a series.
    pub(crate) fn restore(
        &mut self,
        partition: u32,
        state: DetectorState,
        rules: &Rules,
        detector: &Detector,
    ) {
        let brand = brand_of(&mut self.brands, &state.brand, partition);
        if let Some(lane) = &state.lane {
            brand.lane.restore(lane);
            return;
        }
        if let Some(shared) = &state.shared {
            brand.shared = Brand::from_state(shared, detector.zone());
        }
        if let Some(sample) = state.sample {
            brand.lane.restore_sample(sample);
        }
        let series = Series {
            volume: volume::Series::from_state(state.volume, rules),
            joint: state.joint.as_ref().map(detector::Series::from_state),
            samples: state.joint.map(|joint| joint.samples).unwrap_or_default(),
            touched: false,
        };
        brand.topics(state.drill).insert(state.topic, series);
    }

    /// Forgets a series, or a volume lane's past, that was deleted from the log.
    pub(crate) fn forget(&mut self, key: &str) {
        for (brand, series) in &mut self.brands {
            if DetectorState::lane_key_of(brand) == key {
                series.lane = BrandLane::default();
            }
            for drill in [false, true] {
                series
                    .topics(drill)
                    .retain(|topic, _| DetectorState::key_of(brand, topic, drill) != key);
            }
        }
    }

    /// Removes the series that heard nothing for a month, and names them.
    /// The volume lane goes with its brand as a whole.
    pub(crate) fn expire(&mut self, now: Timestamp) -> Vec<SeriesName> {
        let mut expired = Vec::new();
        for (brand, series) in &mut self.brands {
            let clock = start(series.shared.minute).max(series.lane.latest_at());
            let mut whole_stays = true;
            for drill in [false, true] {
                series.topics(drill).retain(|topic, series| {
                    let kept_with = !drill && topic == TOPIC_ALL;
                    let stale = series
                        .latest_at()
                        .max(if kept_with { clock } else { None })
                        .is_none_or(|at| now.duration_since(at) > FORGET_AFTER);
                    if stale {
                        whole_stays &= !kept_with;
                        expired.push(SeriesName {
                            brand: brand.clone(),
                            topic: topic.clone(),
                            drill,
                        });
                    }
                    !stale
                });
            }
            if !whole_stays {
                series.lane = BrandLane::default();
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
        for name in std::mem::take(&mut self.touched) {
            if let Some(brand) = self.brands.get_mut(&name.brand)
                && let Some(series) = brand.topics(name.drill).get_mut(&name.topic)
            {
                series.touched = false;
            }
        }
    }

    /// How many series there are.
    pub(crate) fn len(&self) -> usize {
        self.brands
            .values()
            .map(|brand| brand.real.len() + brand.drill.len())
            .sum()
    }
}

/// The series of a brand, which is made when it is new.
fn brand_of<'a>(
    brands: &'a mut FxHashMap<String, BrandSeries>,
    name: &str,
    partition: u32,
) -> &'a mut BrandSeries {
    let brand = brands.entry(name.to_owned()).or_default();
    brand.partition = partition;
    brand
}

/// Notes that a series changed.
fn touch(
    touched: &mut Vec<SeriesName>,
    series: &mut Series,
    brand: &str,
    topic: &str,
    drill: bool,
) {
    if !series.touched {
        series.touched = true;
        touched.push(SeriesName {
            brand: brand.to_owned(),
            topic: topic.to_owned(),
            drill,
        });
    }
}
