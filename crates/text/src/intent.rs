//! What the writer wants: cue words in their clauses, then the verdict; deterministic, one pass. A cue that is taken back (不用投诉) is none, what
//! only asks or thanks neither blames nor praises, and words that ask count where their clause asks without scorn.

use std::ops::Range;

use crate::analysis::{Intent, Polarity, Scope};
use crate::cue::{Cue, CueFinder, CueText};
use crate::normalize::Normalizer;
use crate::scope::{Hit, Reading};
use crate::verdict::Verdict;

/// The intents in the order of their lists, the graver first.
const INTENTS: [Intent; 7] = [
    Intent::Threat,
    Intent::Churn,
    Intent::Complaint,
    Intent::HelpRequest,
    Intent::Suggestion,
    Intent::Enquiry,
    Intent::Praise,
];
/// The lists beside those of the intents: words that ask, that ask for reasons, and that thank. Phrases of the last list hide the cues in
/// them.
const ASKING: usize = INTENTS.len();
const WHY: usize = ASKING + 1;
const THANKS: usize = WHY + 1;
const LISTS: usize = THANKS + 2;

/// Words right before a cue that take it back.
const TAKEN_BACK: [&str; 22] = [
    "不",
    "没",
    "没有",
    "别",
    "未",
    "不用",
    "不必",
    "无需",
    "不需要",
    "不会",
    "不想",
    "不再",
    "不要",
    "不能",
    "没必要",
    "撤销",
    "不会去",
    "不去",
    "不打算",
    "不是",
    "不是要",
    "不准备",
];
/// These end in such a word and take nothing back.
const INSISTS: [&str; 5] = ["不得不", "忍不住", "不能不", "要不要", "能不能"];
/// Words before a plea that make it one, where it could be told of somebody who helped: 客服帮我处理好了.
const PLEADS: [&str; 13] = [
    "请", "麻烦", "能", "可以", "求", "望", "想", "要", "快", "赶紧", "马上", "立", "必须",
];
/// What ends a clause that asks, beside the question mark.
const ENDS_ASKING: [&str; 9] = ["吗", "么", "呢", "啊", "呀", "哦", "嘛", "呐", "不"];

/// What a text that also asks, pleads or proposes must blame or praise at least to do that too: the weight of one plain word of feeling.
const FELT: f32 = 0.8;
/// The same of a neutral text: two such words.
const BLAMED: f32 = 1.6;
/// Scores below which a text blames whatever its words: one that wants nothing else, and one that asks, pleads or proposes.
const BLAMES: f32 = -0.45;
const BLAMES_SURELY: f32 = -0.93;
/// A score beyond which, either way, what sounds like a question is one of anger or of praise: 你们就是这样对待老客户的吗?
const ASKS_STILL: f32 = 0.85;

/// Finds intents with one automaton.
#[derive(Debug, Clone)]
pub(crate) struct IntentFinder(CueFinder<LISTS>);

impl IntentFinder {
    pub(crate) fn new(normalizer: &Normalizer) -> Self {
        let lists = [
            include_str!("../lexicon/intent_threat.txt"),
            include_str!("../lexicon/intent_churn.txt"),
            include_str!("../lexicon/intent_complaint.txt"),
            include_str!("../lexicon/intent_help_request.txt"),
            include_str!("../lexicon/intent_suggestion.txt"),
            include_str!("../lexicon/intent_enquiry.txt"),
            include_str!("../lexicon/intent_praise.txt"),
            include_str!("../lexicon/intent_asking.txt"),
            include_str!("../lexicon/intent_why.txt"),
            include_str!("../lexicon/intent_thanks.txt"),
            include_str!("../lexicon/intent_none.txt"),
        ];
        Self(CueFinder::new(lists, normalizer))
    }

    /// The intents of a text with this verdict and reading, the most cued first, the graver of two alike. What the verdict alone tells
    /// comes last: complaint, or praise.
    pub(crate) fn find(
        &self,
        of: &CueText<'_>,
        verdict: Verdict,
        reading: &Reading,
    ) -> Vec<Intent> {
        let mut counts = [0u32; INTENTS.len()];
        let mut thanks: Vec<Range<usize>> = Vec::new();
        // Clauses that ask, plead or propose: what they name is not blamed or praised by that.
        let mut wanting: Vec<Range<usize>> = Vec::new();
        for cue in self.0.find(of) {
            let clause = of.clause(cue.start).1;
            if cue.is(THANKS) {
                thanks.push(cue.start..cue.end);
            }
            for (kind, intent) in INTENTS.iter().enumerate() {
                let asks = *intent == Intent::Enquiry
                    && (cue.is(ASKING) || cue.is(WHY))
                    && verdict.score.abs() < ASKS_STILL
                    && asks(of, &cue, &reading.hits);
                if (cue.is(kind) && holds(*intent, of, &cue, verdict)) || asks {
                    counts[kind] += 1;
                    // Who asks why something is so may blame that it is.
                    if wants(*intent) && !cue.is(WHY) && wanting.last() != Some(&clause) {
                        wanting.push(clause.clone());
                    }
                }
            }
        }
        let told = |hit: &&Hit| !wanting.iter().any(|w| w.contains(&hit.start));
        let thanked = |hit: &Hit| thanks.iter().any(|t| t.contains(&hit.start));
        let hits = || reading.hits.iter().filter(told);
        let blame: f32 = hits().map(|h| h.weight.min(0.0)).sum();
        let praise: f32 = hits()
            .filter(|h| !thanked(h))
            .map(|h| h.weight.max(0.0))
            .sum();
        let wants_more = !wanting.is_empty();
        let only_wants = wanting.iter().map(Range::len).sum::<usize>() * 3 > of.text.len();
        // Praise does not survive a negative verdict (好评返现都是骗人的), nor a complaint a positive one.
        let blames = match verdict.label {
            Polarity::Positive => false,
            _ if counts[2] > 0 => true,
            Polarity::Negative if only_wants => blame <= -FELT || verdict.score <= BLAMES_SURELY,
            Polarity::Negative if wants_more => blame <= -FELT || verdict.score <= BLAMES,
            Polarity::Negative => blame < 0.0 || verdict.score <= BLAMES,
            Polarity::Neutral => blame <= -BLAMED && blame + praise <= -FELT && verdict.score < 0.0,
        };
        let praises = match verdict.label {
            Polarity::Negative => false,
            _ if counts[6] > 0 => true,
            // Who threatens does not praise, whatever the verdict says.
            _ if counts[0] > 0 => false,
            Polarity::Positive => !wants_more || praise >= FELT,
            Polarity::Neutral => !wants_more && !thanks.is_empty(),
        };
        let mut intents: Vec<usize> = (0..INTENTS.len())
            .filter(|i| match INTENTS[*i] {
                Intent::Complaint => blames,
                Intent::Praise => praises,
                _ => counts[*i] > 0,
            })
            .collect();
        // Stable: the graver comes first among equals.
        intents.sort_by_key(|i| std::cmp::Reverse(counts[*i]));
        intents.into_iter().map(|i| INTENTS[i]).collect()
    }
}

/// Whether who has this intent wants something of the reader.
fn wants(intent: Intent) -> bool {
    matches!(
        intent,
        Intent::HelpRequest | Intent::Suggestion | Intent::Enquiry
    )
}

/// Whether a cue of an intent is said, and not taken back or told of somebody who helped.
fn holds(intent: Intent, of: &CueText<'_>, cue: &Cue, verdict: Verdict) -> bool {
    if intent == Intent::Enquiry {
        return true;
    }
    let before = of.before(cue.start);
    let ends = |words: &[&str]| words.iter().any(|w| before.ends_with(w));
    if ends(&TAKEN_BACK) && !ends(&INSISTS) {
        return false;
    }
    let helps = intent == Intent::HelpRequest;
    let narrates = match of.text[cue.start..].chars().next() {
        Some('帮' | '怎' | '咋') => helps && verdict.label == Polarity::Positive,
        // 快给我退钱 pleads, 昨天才给我发货 does not.
        Some('给') => helps && !before.is_empty(),
        _ => false,
    };
    !narrates || PLEADS.iter().any(|w| before.contains(w))
}

/// Whether a word that asks does so: its clause ends as a question, without scorn and without blame.
fn asks(of: &CueText<'_>, cue: &Cue, hits: &[Hit]) -> bool {
    let clause = of.clause(cue.start).1;
    let ended = of.text[clause.end..].starts_with('?');
    let said = of.text[clause.clone()].trim_end();
    if !ended && !ENDS_ASKING.iter().any(|end| said.ends_with(end)) {
        return false;
    }
    let blames = |h: &Hit| h.weight < 0.0 || h.scope == Scope::Rhetorical;
    !hits.iter().any(|h| clause.contains(&h.start) && blames(h))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cue::with_text;

    fn find(text: &str, label: Polarity, score: f32) -> Vec<Intent> {
        let finder = IntentFinder::new(&Normalizer::new());
        let verdict = Verdict {
            label,
            score,
            confidence: 0.8,
        };
        with_text(text, |of, reading| finder.find(of, verdict, reading))
    }

    #[test]
    fn what_is_taken_back_is_not_said() {
        let neutral = |text| find(text, Polarity::Neutral, 0.0);
        assert_eq!(neutral("我要投诉"), [Intent::Complaint]);
        assert!(neutral("这次不用投诉").is_empty());
        assert_eq!(neutral("我不得不投诉"), [Intent::Complaint]);
    }

    #[test]
    fn who_only_asks_or_thanks_blames_and_praises_nobody() {
        let negative = find("能换货吗?", Polarity::Negative, -0.6);
        assert_eq!(negative, [Intent::Enquiry]);
        let positive = find("请问几点开门,谢谢", Polarity::Positive, 0.6);
        assert_eq!(positive, [Intent::Enquiry]);
        let both = find("太差劲了!能换货吗?", Polarity::Negative, -0.8);
        assert_eq!(both, [Intent::Enquiry, Intent::Complaint]);
    }

    #[test]
    fn a_plea_is_told_from_the_story_of_help() {
        let positive = |text| find(text, Polarity::Positive, 0.9);
        assert_eq!(positive("客服很耐心,帮我处理好了"), [Intent::Praise]);
        assert!(positive("很喜欢,麻烦帮我处理一下发票").contains(&Intent::HelpRequest));
    }
}
