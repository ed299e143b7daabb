//! What the series of a brand share: its clock, its hours, its usual share of severe words, its thresholds.
//!
//! The clock is the latest minute at which any piece of the brand was observed; it never goes back, so that the same
//! input gives the same scores whatever the time of day at which it is read.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use wensheng_schemas::BrandState;

use super::baseline::{Level, Profile};
use super::threshold::{BINS, Blocks};

/// The usual share of severe words among negative pieces, before anything is heard; worth so much weight.
const SEVERE_SHARE: f64 = 0.015;
const SEVERE_WORTH: f64 = 200.0;

/// Memory of that share halves in this many hours.
const SEVERE_HALF_LIFE: f64 = 30.0 * 24.0;

/// What detection remembers of a brand.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Brand {
    /// Minutes since the epoch.
    pub(crate) minute: u32,
    pub(crate) level: Level,
    pub(crate) profile: Profile,
    /// Weight heard in the hour in hand: joins the profile when it ends, which therefore stands still within an hour.
    heard: f32,
    /// Decayed weight of negative pieces, and of those with a severe word.
    pub(crate) negative: f32,
    pub(crate) severe: f32,
    pub(crate) blocks: Blocks,
    /// When the incident in hand opened, in minutes; 0 before the first.
    pub(crate) incident: u32,
    /// The score of the brand as a whole at the piece in hand; no part of the state.
    pub(crate) whole: f64,
    hours: Hours,
}

/// The profile as it stands in the hour in hand: derived, so no part of the state.
#[derive(Debug, Clone, PartialEq, Default)]
struct Hours {
    /// Hours since the epoch.
    hour: u32,
    /// From universal to local time.
    offset: u32,
    parts: [f64; 24],
}

impl Brand {
    /// Lets the clock reach `minute`.
    pub(crate) fn turn(&mut self, minute: u32, zone: &TimeZone) {
        let before = self.minute / 60;
        self.minute = self.minute.max(minute);
        let hour = self.minute / 60;
        if hour == self.hours.hour {
            return;
        }
        if before > 0 && hour > before {
            let hours = hour - before;
            let spoken = self.local_hour(before * 60);
            self.profile.add(spoken, f64::from(self.heard));
            self.heard = 0.0;
            self.profile.pass(hours);
            let left = (-f64::from(hours) / SEVERE_HALF_LIFE).exp2();
            self.negative = (f64::from(self.negative) * left) as f32;
            self.severe = (f64::from(self.severe) * left) as f32;
        }
        self.hours = Hours {
            hour,
            offset: offset_hours(self.minute, zone),
            parts: std::array::from_fn(|hour| self.profile.part(hour)),
        };
    }

    fn local_hour(&self, minute: u32) -> usize {
        ((minute / 60 + self.hours.offset) % 24) as usize
    }

    /// The part of the day of the hour of that minute.
    pub(crate) fn part(&self, minute: u32) -> f64 {
        self.hours.parts[self.local_hour(minute)]
    }

    /// Learns a piece heard in quiet times.
    pub(crate) fn learn(&mut self, weight: f64, negative: bool) {
        self.heard += weight as f32;
        self.level.add(weight, negative);
    }

    /// Learns how often severe words are said.
    pub(crate) fn learn_words(&mut self, weight: f64, severe: bool) {
        self.negative += weight as f32;
        if severe {
            self.severe += weight as f32;
        }
    }

    /// The usual share of severe words among negative pieces.
    pub(crate) fn severe_share(&self) -> f64 {
        (f64::from(self.severe) + SEVERE_SHARE * SEVERE_WORTH)
            / (f64::from(self.negative) + SEVERE_WORTH)
    }

    pub(crate) fn to_state(&self) -> BrandState {
        let blocks = &self.blocks.histogram;
        let used = blocks.iter().rposition(|b| *b > 0).map_or(0, |at| at + 1);
        BrandState {
            minute: self.minute,
            level: [self.level.negative, self.level.total, self.level.minutes],
            hours: self.profile.hours.to_vec(),
            heard: self.heard,
            words: [self.negative, self.severe],
            block: self.blocks.number,
            highest: self.blocks.highest,
            burnt: self.blocks.burnt,
            blocks: blocks[..used].to_vec(),
            incident: self.incident,
        }
    }

    /// What a record tells; a list that is too long is cut, one that is too short filled with zeros.
    pub(crate) fn from_state(state: &BrandState, zone: &TimeZone) -> Self {
        let mut histogram = [0; BINS];
        histogram
            .iter_mut()
            .zip(&state.blocks)
            .for_each(|(to, from)| *to = *from);
        let mut profile = Profile::default();
        profile
            .hours
            .iter_mut()
            .zip(&state.hours)
            .for_each(|(to, from)| *to = *from);
        let [negative, total, minutes] = state.level;
        let mut brand = Self {
            minute: state.minute,
            level: Level {
                negative,
                total,
                minutes,
            },
            profile,
            heard: state.heard,
            negative: state.words[0],
            severe: state.words[1],
            blocks: Blocks {
                number: state.block,
                highest: state.highest,
                burnt: state.burnt,
                histogram,
            },
            incident: state.incident,
            whole: 0.0,
            hours: Hours::default(),
        };
        brand.turn(state.minute, zone);
        brand
    }
}

/// Whole hours from universal to local time, 0 to 23.
fn offset_hours(minute: u32, zone: &TimeZone) -> u32 {
    let Ok(at) = Timestamp::from_second(i64::from(minute) * 60) else {
        return 0;
    };
    let seconds = zone.to_offset(at).seconds();
    seconds.div_euclid(3_600).rem_euclid(24) as u32
}
