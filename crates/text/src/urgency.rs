//! How soon somebody must act, from 0 to 3, by rules that a person can follow: danger, loss, time pressure, waiting, and what the writer
//! wants. The lists are `lexicon/urgency_*.txt`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::analysis::{Intent, Polarity};
use crate::cue::{CueFinder, CueText};
use crate::normalize::Normalizer;

/// How soon somebody must act; in JSON a number from 0 to 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Urgency {
    /// 0: nobody waits.
    #[default]
    None,
    /// 1: somebody waits for an answer or a remedy.
    Waiting,
    /// 2: time presses, money or access is at risk, or a threat is made: within the day.
    Pressing,
    /// 3: somebody is in danger, or a threat or a loss comes with a deadline: at once.
    Immediate,
}

impl Urgency {
    /// 0 to 3.
    pub fn level(self) -> u8 {
        self as u8
    }

    /// The urgency of a level from 0 to 3.
    pub fn from_level(level: u8) -> Option<Self> {
        Some(match level {
            0 => Self::None,
            1 => Self::Waiting,
            2 => Self::Pressing,
            3 => Self::Immediate,
            _ => return None,
        })
    }
}

impl Serialize for Urgency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.level())
    }
}

impl<'de> Deserialize<'de> for Urgency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let level = u8::deserialize(deserializer)?;
        Self::from_level(level).ok_or_else(|| D::Error::custom("give an urgency from 0 to 3"))
    }
}

impl JsonSchema for Urgency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Urgency".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "integer",
            "minimum": 0,
            "maximum": 3,
            "description": "How soon somebody must act: 0 nobody waits, 1 somebody waits, 2 within the day, 3 at once."
        })
    }
}

/// Judges urgency with one automaton.
#[derive(Debug, Clone)]
pub(crate) struct UrgencyJudge(CueFinder<LISTS>);

/// The lists, in their order.
const LISTS: usize = 9;
const DANGER: usize = 0;
const HAZARD: usize = 1;
const VICTIM: usize = 2;
const LOSS: usize = 3;
const PRESSURE: usize = 4;
const HASTE: usize = 5;
const WAITING: usize = 6;
const OVER: usize = 7;
const INJURY: usize = 8;

impl UrgencyJudge {
    pub(crate) fn new(normalizer: &Normalizer) -> Self {
        let lists = [
            include_str!("../lexicon/urgency_danger.txt"),
            include_str!("../lexicon/urgency_hazard.txt"),
            include_str!("../lexicon/urgency_victim.txt"),
            include_str!("../lexicon/urgency_loss.txt"),
            include_str!("../lexicon/urgency_pressure.txt"),
            include_str!("../lexicon/urgency_haste.txt"),
            include_str!("../lexicon/urgency_waiting.txt"),
            include_str!("../lexicon/urgency_safe.txt"),
            include_str!("../lexicon/urgency_injury.txt"),
        ];
        Self(CueFinder::new(lists, normalizer))
    }

    /// Which lists a text cues. What danger befalls counts by the clause: a hazard is none without a victim beside it.
    fn cues(&self, of: &CueText<'_>) -> [bool; LISTS] {
        let mut found = [false; LISTS];
        let mut beside = [None; 2];
        for cue in self.0.find(of) {
            for (list, found) in found.iter_mut().enumerate() {
                *found |= cue.is(list);
            }
            for (at, list) in [HAZARD, VICTIM].into_iter().enumerate() {
                if cue.is(list) {
                    beside[at] = Some(of.clause(cue.start).0);
                }
            }
            found[INJURY] |= beside[0].is_some() && beside[0] == beside[1];
        }
        found
    }

    /// The urgency of a text with this verdict and these intents.
    pub(crate) fn judge(&self, of: &CueText<'_>, label: Polarity, intents: &[Intent]) -> Urgency {
        let cued = self.cues(of);
        let wants = |intent| intents.contains(&intent);
        let threat = wants(Intent::Threat);
        // Who praises tells of an accident in a book, or of one that ended well.
        if cued[DANGER] || cued[INJURY] && label != Polarity::Positive {
            return Urgency::Immediate;
        }
        // Thanks for what was done at once do not press: 马上就处理了,谢谢.
        if label == Polarity::Positive && !threat && (cued[OVER] || !wants(Intent::HelpRequest)) {
            return Urgency::None;
        }
        let waits = cued[WAITING] || wants(Intent::HelpRequest);
        let hastens = cued[HASTE] && (cued[WAITING] || cued[LOSS] || threat);
        if (cued[PRESSURE] || hastens) && (threat || cued[LOSS]) {
            return Urgency::Immediate;
        }
        // An enquiry in haste presses too; haste alone, of somebody who tells a story, does not.
        let asks = waits || wants(Intent::Enquiry);
        let presses = cued[PRESSURE] && (asks || label == Polarity::Negative);
        if threat || cued[LOSS] || presses || hastens {
            return Urgency::Pressing;
        }
        if waits {
            return Urgency::Waiting;
        }
        Urgency::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(text: &str, label: Polarity, intents: &[Intent]) -> u8 {
        let judge = UrgencyJudge::new(&Normalizer::new());
        crate::cue::with_text(text, |of, _| judge.judge(of, label, intents).level())
    }

    #[test]
    fn a_threat_or_a_loss_with_a_deadline_is_immediate() {
        let threat = [Intent::Threat];
        assert_eq!(judge("曝光你们", Polarity::Negative, &threat), 2);
        assert_eq!(
            judge("24小时内不处理就曝光你们", Polarity::Negative, &threat),
            3
        );
        assert_eq!(judge("银行卡被盗刷", Polarity::Neutral, &[]), 2);
        assert_eq!(judge("银行卡被盗刷,赶紧冻结", Polarity::Neutral, &[]), 3);
    }

    #[test]
    fn thanks_do_not_press_and_danger_always_does() {
        assert_eq!(judge("客服马上就退款了", Polarity::Positive, &[]), 0);
        assert_eq!(judge("充电宝起火", Polarity::Positive, &[]), 3);
        assert_eq!(judge("摔了一跤没有受伤", Polarity::Neutral, &[]), 0);
    }

    #[test]
    fn words_of_danger_that_are_ways_of_speaking_need_a_victim() {
        assert_eq!(judge("这颜值真是爆炸", Polarity::Neutral, &[]), 0);
        assert_eq!(judge("等了两小时,人都炸了", Polarity::Negative, &[]), 1);
        assert_eq!(judge("电池突然炸了", Polarity::Negative, &[]), 3);
        assert_eq!(judge("退货被拒,真的很受伤", Polarity::Negative, &[]), 0);
        assert_eq!(judge("孩子受伤了", Polarity::Negative, &[]), 3);
    }

    #[test]
    fn json_is_a_number_up_to_three() {
        let json = serde_json::to_string(&Urgency::Pressing).unwrap();
        assert_eq!(json, "2");
        assert_eq!(
            serde_json::from_str::<Urgency>(&json).unwrap(),
            Urgency::Pressing
        );
        assert!(serde_json::from_str::<Urgency>("4").is_err());
    }
}
