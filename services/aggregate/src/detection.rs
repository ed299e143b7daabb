//! A piece passes through the volume rules, the joint detector and the volume lane once, in the order of its partition; the same pieces in
//! the same order give the same signals, whether they come from the bus or from history.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use wensheng_schemas::{DetectorState, Enriched, Signal};

use crate::detector::Detector;
use crate::series::{SeriesName, SeriesTable};
use crate::volume::{Heard, Passing, Rules};
use crate::{Config, Error};

/// All detection of a session: rules, settings and series.
#[derive(Debug, Clone)]
pub struct Detection {
    rules: Rules,
    detector: Detector,
    series: SeriesTable,
    /// Whether rises of a brand's volume are told.
    rises: bool,
}

/// What became of a piece.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Detected {
    /// What it completed.
    pub signals: Vec<Signal>,
    /// It was left out, because it was observed too long after it was said.
    pub late: bool,
}

impl Detection {
    /// What the joint detector holds of a series in memory, without its name and the posts that it shows, in bytes.
    pub const BYTES_A_SERIES: usize = std::mem::size_of::<crate::detector::Series>();

    /// Detection without a memory.
    ///
    /// # Errors
    /// When the time zone is unknown.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let zone = TimeZone::get(&config.time_zone).map_err(|source| Error::Zone {
            name: config.time_zone.clone(),
            source,
        })?;
        Ok(Self {
            rules: Rules::new(&config.volume_rules, config.late_guard_seconds),
            detector: Detector::new(&config.detector, zone),
            series: SeriesTable::default(),
            rises: config.volume_lane,
        })
    }

    /// Passes a piece of a partition through the series of its topics and of its brand.
    pub fn hear(&mut self, partition: u32, piece: &Enriched, now: Timestamp) -> Detected {
        match self.rules.hear(piece) {
            Heard::Now(voice) => {
                let passing = Passing { piece, voice, now };
                let mut signals = self.series.pass(partition, &passing, &self.rules);
                self.series
                    .pass_jointly(partition, &passing, &self.detector, &mut signals);
                // A piece that is revised was counted.
                if self.rises && !piece.feedback.drill && piece.replaces.is_none() {
                    self.series.pass_volume(partition, &passing, &mut signals);
                }
                Detected {
                    signals,
                    late: false,
                }
            }
            Heard::Late => {
                self.recall(partition, piece);
                Detected {
                    late: true,
                    ..Detected::default()
                }
            }
            Heard::Before => Detected::default(),
        }
    }

    /// Shows a piece no more that was taken back.
    pub(crate) fn unshow(&mut self, piece: &Enriched) {
        let feedback = &piece.feedback;
        self.series.unshow(&feedback.brand, &feedback.id);
    }

    /// Takes back the author and the story of a piece that was heard before a restart.
    pub(crate) fn recall(&mut self, partition: u32, piece: &Enriched) {
        let late = match self.rules.hear(piece) {
            Heard::Now(_) => false,
            Heard::Late => true,
            Heard::Before => return,
        };
        self.series.recall(partition, piece, late, &self.detector);
    }

    /// Whether authors and stories are to be recalled after a restart.
    pub(crate) fn recalls(&self) -> bool {
        self.detector.is_on()
    }

    pub(crate) fn changed(&mut self, now: Timestamp) -> Vec<DetectorState> {
        self.series.changed(now)
    }

    pub(crate) fn restore(&mut self, partition: u32, state: DetectorState) {
        self.series
            .restore(partition, state, &self.rules, &self.detector);
    }

    pub(crate) fn forget(&mut self, key: &str) {
        self.series.forget(key);
    }

    pub(crate) fn expire(&mut self, now: Timestamp) -> Vec<SeriesName> {
        self.series.expire(now)
    }

    pub(crate) fn revoke(&mut self, partitions: &[u32]) {
        self.series.revoke(partitions);
    }

    /// How many series it remembers.
    pub fn series(&self) -> usize {
        self.series.len()
    }
}
