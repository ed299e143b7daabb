//! What the writer wants, by cue words and the verdict; deterministic, one pass.

use crate::analysis::{Intent, Polarity};
use crate::letters::Letters;
use crate::normalize::Normalizer;
use crate::terms::Terms;

/// Cues, each list in the file named after its intent.
const CUES: &[(Intent, &str)] = &[
    (Intent::Threat, include_str!("../lexicon/intent_threat.txt")),
    (Intent::Churn, include_str!("../lexicon/intent_churn.txt")),
    (
        Intent::Complaint,
        include_str!("../lexicon/intent_complaint.txt"),
    ),
    (
        Intent::HelpRequest,
        include_str!("../lexicon/intent_help_request.txt"),
    ),
    (
        Intent::Suggestion,
        include_str!("../lexicon/intent_suggestion.txt"),
    ),
    (
        Intent::Enquiry,
        include_str!("../lexicon/intent_enquiry.txt"),
    ),
    (Intent::Praise, include_str!("../lexicon/intent_praise.txt")),
];

/// Finds cues with one automaton.
#[derive(Debug, Clone)]
pub(crate) struct IntentFinder {
    terms: Terms,
    intents: Vec<Intent>,
}

impl IntentFinder {
    pub(crate) fn new(normalizer: &Normalizer) -> Self {
        let mut cues = Vec::new();
        let mut intents = Vec::new();
        for (intent, list) in CUES {
            for cue in list
                .lines()
                .filter(|l| !l.starts_with('#'))
                .flat_map(str::split_whitespace)
            {
                cues.push(normalizer.normalize(cue, usize::MAX).text);
                intents.push(*intent);
            }
        }
        let terms = Terms::new(&cues);
        Self { terms, intents }
    }

    /// The intents of a normalised text of these characters, the most cued first; a negative text without any other cue that blames is a complaint, a
    /// positive one without any is praise.
    pub(crate) fn find(&self, letters: &Letters, label: Polarity) -> Vec<Intent> {
        let mut counts: Vec<(Intent, u32)> = Vec::new();
        for found in self.terms.find(letters) {
            let intent = self.intents[found.term];
            match counts.iter_mut().find(|(i, _)| *i == intent) {
                Some((_, n)) => *n += 1,
                None => counts.push((intent, 1)),
            }
        }
        // Praise does not survive a negative verdict (好评返现都是骗人的), nor a complaint a positive one (终于不用投诉了).
        counts.retain(|(i, _)| match i {
            Intent::Praise => label != Polarity::Negative,
            Intent::Complaint => label != Polarity::Positive,
            _ => true,
        });
        counts.sort_by(|a, b| b.1.cmp(&a.1).then(rank(a.0).cmp(&rank(b.0))));
        let mut intents: Vec<Intent> = counts.into_iter().map(|(i, _)| i).collect();
        let verdict = match label {
            Polarity::Negative => Some(Intent::Complaint),
            Polarity::Positive => Some(Intent::Praise),
            Polarity::Neutral => None,
        };
        if let Some(verdict) = verdict
            && !intents.contains(&verdict)
        {
            intents.push(verdict);
        }
        intents
    }
}

/// The graver intent comes first among equals.
fn rank(intent: Intent) -> usize {
    CUES.iter()
        .position(|(i, _)| *i == intent)
        .unwrap_or(CUES.len())
}
