//! A series passes quiet minutes only when something is said in it, and then all of them, so that it costs nothing while
//! it is silent and forgets nothing.

use jiff::Timestamp;
use wensheng_schemas::{Channel, JointState, Sample, Severity};

use super::baseline::{Level, NOTHING_KNOWN};
use super::brand::Brand;
use super::windows::{Addition, Expected, Score, Sums, Windows};

/// A silence is passed hour by hour up to this many minutes, ten times the longest window; what lies further back is
/// passed at once.
const LONGEST_PASS: u32 = 2_400;

/// The memory of floods, in minutes.
const FLOOD_MINUTES: f64 = 90.0;

/// A piece of far reach is remembered for this long, in minutes.
const FAR_MINUTES: u32 = 90;

/// What the joint detector remembers of a brand and topic, or of a brand as a whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Series {
    /// The minute it has passed to, since the epoch; 0 before its first piece.
    minute: u32,
    windows: Windows,
    level: Level,
    /// Decayed number of negative pieces, and of those whose author had not spoken for six hours.
    posts: f32,
    voices: f32,
    /// When its incident opened, in minutes; 0 before the first.
    pub(crate) opened: u32,
    /// The score last told of it, and how grave.
    pub(crate) told: f32,
    pub(crate) severity: Option<Severity>,
    /// When a flood was last told.
    pub(crate) flooded: u32,
    /// When a negative piece from an account of far reach was last heard.
    far: u32,
    /// Channels of the negative pieces since it was calm: bit *i* is the *i*-th of [`Channel::ALL`].
    channels: u8,
    /// When the first of these was said.
    first_at: Option<Timestamp>,
}

/// A piece as a series hears it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice {
    /// 0 when its author has been counted lately.
    pub(crate) weight: f64,
    pub(crate) negative: bool,
    pub(crate) severe: bool,
    /// From an account above [`super::LOUD`] followers.
    pub(crate) loud: bool,
    /// From an account above [`super::FAR`] followers.
    pub(crate) far: bool,
    pub(crate) channel: Channel,
    pub(crate) occurred_at: Timestamp,
}

/// Which series of its brand it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The brand as a whole, whose level the brand keeps.
    Brand,
    /// One of so many topics.
    Topic(usize),
}

impl Series {
    /// A series that hears nothing yet, with the level of this one: a drill is measured by what is usual in earnest.
    pub(crate) fn levelled(&self) -> Self {
        Self {
            level: self.level,
            ..Self::default()
        }
    }

    /// What is usual per minute of a whole day.
    fn usual(&self, brand: &Brand, place: Place) -> Expected {
        match place {
            Place::Brand => brand.level.usual_of_brand(),
            Place::Topic(topics) => {
                let prior = if brand.level.minutes > 0.0 {
                    brand.level.usual_of_brand().shared_by(topics)
                } else {
                    NOTHING_KNOWN
                };
                self.level.usual(prior)
            }
        }
    }

    /// Passes to the brand's minute.
    pub(crate) fn pass(&mut self, brand: &mut Brand, place: Place, learns: bool) {
        let to = brand.minute;
        if self.minute == 0 {
            self.minute = to.saturating_sub(1);
        }
        if to.saturating_sub(self.minute) > LONGEST_PASS {
            let skipped = to - LONGEST_PASS - self.minute;
            if learns {
                self.level_of(brand, place).pass(skipped, 1.0);
            }
            self.windows = Windows::default();
            self.minute += skipped;
        }
        if to > self.minute {
            let left = (-f64::from(to - self.minute) / FLOOD_MINUTES).exp();
            self.posts = (f64::from(self.posts) * left) as f32;
            self.voices = (f64::from(self.voices) * left) as f32;
        }
        while self.minute < to {
            let hour_ends = (self.minute / 60 + 1) * 60;
            let minutes = to.min(hour_ends) - self.minute;
            let part = brand.part(self.minute);
            let usual = self.usual(brand, place).at(part);
            if learns && !self.windows.is_burning(usual) {
                self.level_of(brand, place).pass(minutes, part);
            }
            self.windows.pass(minutes, usual);
            self.minute += minutes;
        }
    }

    fn level_of<'a>(&'a mut self, brand: &'a mut Brand, place: Place) -> &'a mut Level {
        match place {
            Place::Brand => &mut brand.level,
            Place::Topic(_) => &mut self.level,
        }
    }

    /// Adds a piece to the present minute, and learns from it in quiet times.
    pub(crate) fn add(&mut self, brand: &mut Brand, place: Place, voice: &Voice, learns: bool) {
        let usual = self.usual(brand, place).at(brand.part(brand.minute));
        let quiet = !self.windows.is_burning(usual);
        if voice.negative {
            self.posts += 1.0;
            self.voices += f32::from(u8::from(voice.weight > 0.0));
            if self.windows.sums[0].negative < 0.5 {
                self.calm();
            }
            self.note(voice);
            if voice.far {
                self.far = brand.minute;
            }
        }
        if voice.weight <= 0.0 {
            return;
        }
        let when = |holds: bool| if holds { voice.weight } else { 0.0 };
        let severe = voice.negative && voice.severe;
        self.windows.add(&Addition {
            negative: when(voice.negative),
            total: voice.weight,
            severe: when(severe),
            loud: when((severe && voice.loud) || (voice.negative && voice.far)),
        });
        if !learns {
            return;
        }
        if quiet {
            match place {
                Place::Brand => brand.learn(voice.weight, voice.negative),
                Place::Topic(_) => self.level.add(voice.weight, voice.negative),
            }
        }
        if quiet && place == Place::Brand && voice.negative {
            brand.learn_words(voice.weight, voice.severe);
        }
    }

    /// Scores the present moment.
    pub(crate) fn score(&self, brand: &Brand, place: Place) -> Score {
        let usual = self.usual(brand, place).at(brand.part(brand.minute));
        let mut score = self.windows.score(usual, brand.severe_share());
        score.score *= brand.level.trust();
        score
    }

    /// Remembers where and when it was said.
    fn note(&mut self, voice: &Voice) {
        self.channels |= bit(voice.channel);
        let said = voice.occurred_at;
        self.first_at = Some(self.first_at.map_or(said, |first| first.min(said)));
    }

    /// A calm series begins anew with this piece.
    pub(crate) fn begin(&mut self, voice: &Voice) {
        self.calm();
        self.note(voice);
    }

    /// Forgets what is shown of the pieces that made it warm.
    fn calm(&mut self) {
        self.channels = 0;
        self.first_at = None;
    }

    /// Whether the negative pieces come from few accounts: fewer than one in three from an author not heard lately.
    pub(crate) fn is_flood(&self) -> bool {
        self.posts >= 10.0 && self.voices < self.posts / 3.0
    }

    /// Negative pieces of the last hours, each counted however often its author speaks.
    pub(crate) fn posts(&self) -> f64 {
        f64::from(self.posts)
    }

    /// The windows' sums over an hour and a half.
    pub(crate) fn middle(&self) -> &Sums {
        &self.windows.sums[1]
    }

    /// Whether an account of far reach spoke lately.
    pub(crate) fn reaches_far(&self) -> bool {
        self.far > 0 && self.minute.saturating_sub(self.far) < FAR_MINUTES
    }

    /// Channels of its negative pieces since it was calm.
    pub(crate) fn channels(&self) -> Vec<Channel> {
        Channel::ALL
            .into_iter()
            .filter(|channel| self.channels & bit(*channel) != 0)
            .collect()
    }

    /// When the first of these was said.
    pub(crate) fn first_at(&self) -> Option<Timestamp> {
        self.first_at
    }

    pub(crate) fn minute(&self) -> u32 {
        self.minute
    }

    pub(crate) fn to_state(&self, samples: &[Sample]) -> JointState {
        JointState {
            minute: self.minute,
            windows: self
                .windows
                .sums
                .map(|s| [s.negative, s.total, s.expected, s.severe, s.loud]),
            level: [self.level.negative, self.level.total, self.level.minutes],
            posts: [self.posts, self.voices],
            opened: self.opened,
            told: self.told,
            severity: self.severity,
            flooded: self.flooded,
            far: self.far,
            channels: self.channels,
            first_at: self.first_at,
            samples: samples.to_vec(),
        }
    }

    pub(crate) fn from_state(state: &JointState) -> Self {
        let [negative, total, minutes] = state.level;
        Self {
            minute: state.minute,
            windows: Windows {
                sums: state
                    .windows
                    .map(|[negative, total, expected, severe, loud]| Sums {
                        negative,
                        total,
                        expected,
                        severe,
                        loud,
                    }),
            },
            level: Level {
                negative,
                total,
                minutes,
            },
            posts: state.posts[0],
            voices: state.posts[1],
            opened: state.opened,
            told: state.told,
            severity: state.severity,
            flooded: state.flooded,
            far: state.far,
            channels: state.channels,
            first_at: state.first_at,
        }
    }
}

fn bit(channel: Channel) -> u8 {
    Channel::ALL
        .iter()
        .position(|c| *c == channel)
        .map_or(0, |at| 1 << at)
}
