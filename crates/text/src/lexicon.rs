//! Word lists, read once and checked whole: a bad row is named with its file and line, and all bad rows at once.
//!
//! The lists in `lexicon/` are embedded; a folder given by the operator replaces those files that it holds.

use std::path::Path;

use crate::error::{Problem, TextError};
use crate::ontology::Ontology;
use crate::segment::parse_words;

/// What a word does to the words of feeling around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Role {
    /// A word of feeling, −3 to 3.
    Polar(f32),
    /// A word of blame that is praise negated, 不推荐: scorn turns it back.
    NegatedPraise(f32),
    /// An emoticon or emoji, −3 to 3: no negation reaches it.
    Emoticon(f32),
    /// What happens or is done, with its weight, and its weight where it is negated: 坏 −1.5 and 2, 解决 0.3 and −2. Praise of this kind
    /// puts right the blame before it in the sentence: 坏了，当天就修好.
    Event(f32, f32),
    /// What says by itself what came of it, −3 to 3, though no word of feeling is in it: 三年了还在用. Questions, wishes and 但是 leave
    /// it as it is.
    Outcome(f32),
    /// 帮我, 叫我: who does something for the customer, or makes him do it; judges with this weight where its clause asks and wishes
    /// nothing and holds no word of feeling.
    Cue(f32),
    /// 多亏: praise of this weight, and the blame that follows in the sentence did not come to be.
    Averted(f32),
    /// 工作时间为: its clause states and does not judge, unless a word of feeling stands in it.
    Notice,
    /// 不, 没有.
    Negation,
    /// 都没有: negates the event before it, or what follows where none stands before.
    NegationAfter,
    /// 非常, 有点: multiplies what follows.
    Degree(f32),
    /// 死了, 得很: multiplies what precedes.
    DegreeAfter(f32),
    /// 但是: what precedes weighs less, what follows more.
    Adversative,
    /// 就是: the same at the head of a clause, nothing elsewhere.
    AdversativeHead,
    /// 虽然: its clause weighs less.
    Concession,
    /// 如果, 希望: its clause is not said to be so.
    Condition,
    /// 吗, 呢: its clause asks.
    Question,
    /// 难道, 哪里: its clause asks in scorn.
    Rhetorical,
    /// The same, and blames even where no word of feeling stands: 这也叫 with a question.
    Scorn,
    /// The same without any mark of a question: 凭什么.
    Reproach,
    /// Praise of this weight (0 for none of its own) whose clause mocks where the rest of the text blames: 厉害了, 可真.
    Mock(f32),
    /// 才怪: turns the clause before it.
    Reversal,
    /// A word that holds a word of feeling but has none: 好像, 不过分.
    Mask,
    /// A comma: ends a clause.
    Comma,
    /// A full stop: ends a sentence.
    Stop,
    /// A question mark: ends a sentence that asks.
    QuestionMark,
}

/// The files of a lexicon folder.
const POLARITY: &str = "polarity.tsv";
const EMOTICONS: &str = "emoticons.tsv";
const OUTCOMES: &str = "outcomes.tsv";
const MODIFIERS: &str = "modifiers.tsv";
const USER_WORDS: &str = "user_words.tsv";
const ASPECTS: &str = "aspects.yaml";

/// All word lists of an analyser.
#[derive(Debug, Clone)]
pub struct Lexicons {
    pub(crate) entries: Vec<(String, Role)>,
    pub(crate) user_words: Vec<(String, Option<usize>)>,
    pub(crate) ontology: Ontology,
    /// What tells the files of a folder from others; none for the shipped ones.
    pub(crate) fingerprint: Option<u64>,
}

impl Lexicons {
    /// The files that a folder may hold.
    pub const FILES: [&str; 6] = [
        POLARITY, EMOTICONS, OUTCOMES, MODIFIERS, USER_WORDS, ASPECTS,
    ];

    /// What customers judge, with its names.
    pub fn ontology(&self) -> &Ontology {
        &self.ontology
    }

    /// The shipped lists.
    ///
    /// # Errors
    /// Only where the shipped files are wrong, which a test rules out.
    pub fn embedded() -> Result<Self, TextError> {
        Self::read(|_| Ok(None))
    }

    /// The shipped lists, except for files of the same name in `folder`: `polarity.tsv`, `emoticons.tsv`, `outcomes.tsv`,
    /// `modifiers.tsv`, `user_words.tsv`, `aspects.yaml`.
    ///
    /// # Errors
    /// A file that cannot be read, or every bad row of those that can.
    pub fn from_folder(folder: &Path) -> Result<Self, TextError> {
        Self::read(|name| {
            let path = folder.join(name);
            match std::fs::read_to_string(&path) {
                Ok(text) => Ok(Some(text)),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(TextError::File {
                    action: "read",
                    path: path.display().to_string(),
                    source,
                }),
            }
        })
    }

    fn read(file: impl Fn(&str) -> Result<Option<String>, TextError>) -> Result<Self, TextError> {
        let mut fingerprint = None;
        let mut or = |name: &str, shipped: &str| -> Result<String, TextError> {
            let Some(own) = file(name)? else {
                return Ok(shipped.to_owned());
            };
            let before = fingerprint.unwrap_or(0);
            fingerprint = Some(crate::simhash::hash(&format!("{before} {name} {own}")));
            Ok(own)
        };
        let polarity = or(POLARITY, include_str!("../lexicon/polarity.tsv"))?;
        let emoticons = or(EMOTICONS, include_str!("../lexicon/emoticons.tsv"))?;
        let outcomes = or(OUTCOMES, include_str!("../lexicon/outcomes.tsv"))?;
        let modifiers = or(MODIFIERS, include_str!("../lexicon/modifiers.tsv"))?;
        let words = or(USER_WORDS, include_str!("../data/user_words.tsv"))?;
        let aspects = or(ASPECTS, include_str!("../ontology/aspects.yaml"))?;
        let mut entries = Vec::new();
        let mut problems = Vec::new();
        let mut add = |name: &str, table: &str, role: fn(&str) -> Result<Role, String>| {
            for (number, line) in table.lines().enumerate() {
                if line.trim().is_empty() || line.starts_with('#') {
                    continue;
                }
                let parsed = line
                    .split_once('\t')
                    .ok_or_else(|| "give the word, a tab, and its value".to_owned());
                match parsed.and_then(|(word, value)| Ok((word, role(value.trim())?))) {
                    Ok((word, role)) if !word.is_empty() => entries.push((word.to_owned(), role)),
                    Ok(_) => problems.push(problem(name, number, "the word is empty".to_owned())),
                    Err(message) => problems.push(problem(name, number, message)),
                }
            }
        };
        add(POLARITY, &polarity, |v| weight(v).map(Role::Polar));
        add(EMOTICONS, &emoticons, |v| weight(v).map(Role::Emoticon));
        add(OUTCOMES, &outcomes, outcome);
        add(MODIFIERS, &modifiers, modifier);
        if !problems.is_empty() {
            return Err(TextError::Invalid {
                what: "lexicon".to_owned(),
                problems,
            });
        }
        for (mark, role) in PUNCTUATION {
            entries.push(((*mark).to_owned(), *role));
        }
        let user_words = parse_words(USER_WORDS, &words)?
            .into_iter()
            .map(|(w, f)| (w.to_owned(), f))
            .collect();
        Ok(Self {
            entries,
            user_words,
            ontology: Ontology::from_yaml(&aspects)?,
            fingerprint,
        })
    }
}

/// Marks as normalised: half width.
const PUNCTUATION: &[(&str, Role)] = &[
    (",", Role::Comma),
    ("、", Role::Comma),
    (";", Role::Comma),
    (" ", Role::Comma),
    ("...", Role::Comma),
    ("~", Role::Comma),
    ("。", Role::Stop),
    ("!", Role::Stop),
    ("\n", Role::Stop),
    ("?", Role::QuestionMark),
];

fn problem(file: &str, number: usize, message: String) -> Problem {
    Problem {
        path: format!("{file} line {}", number + 1),
        message,
    }
}

fn number(value: &str) -> Result<f32, String> {
    value
        .parse()
        .map_err(|_| format!("{value:?} is not a number"))
}

fn weight(value: &str) -> Result<f32, String> {
    let weight = number(value)?;
    if (-3.0..=3.0).contains(&weight) {
        Ok(weight)
    } else {
        Err(format!("{value} is outside −3 to 3"))
    }
}

fn outcome(value: &str) -> Result<Role, String> {
    Ok(match value.split_once('\t') {
        None => Role::Outcome(weight(value)?),
        Some((plain, negated)) => Role::Event(weight(plain.trim())?, weight(negated.trim())?),
    })
}

fn modifier(value: &str) -> Result<Role, String> {
    let (kind, factor) = value
        .split_once('\t')
        .map_or((value, None), |(k, f)| (k, Some(f.trim())));
    let factor = factor.unwrap_or_default();
    let weight = || weight(factor);
    let factor = || number(factor);
    Ok(match kind {
        "cue" => Role::Cue(weight()?),
        "averted" => Role::Averted(weight()?),
        "notice" => Role::Notice,
        "negation" => Role::Negation,
        "negation_after" => Role::NegationAfter,
        "degree" => Role::Degree(factor()?),
        "degree_after" => Role::DegreeAfter(factor()?),
        "adversative" => Role::Adversative,
        "adversative_head" => Role::AdversativeHead,
        "concession" => Role::Concession,
        "condition" => Role::Condition,
        "question" => Role::Question,
        "rhetorical" => Role::Rhetorical,
        "scorn" => Role::Scorn,
        "reproach" => Role::Reproach,
        "mock" => Role::Mock(factor()?),
        "reversal" => Role::Reversal,
        "mask" => Role::Mask,
        "comma" => Role::Comma,
        other => return Err(format!("{other:?} is no kind of modifier")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_lists_are_sound() {
        let lexicons = Lexicons::embedded().unwrap();
        assert!(
            lexicons
                .entries
                .iter()
                .filter(|(_, r)| matches!(r, Role::Polar(_)))
                .count()
                > 1000
        );
        // Of two rows of a word one would say nothing.
        let mut seen = rustc_hash::FxHashSet::default();
        for (word, _) in &lexicons.entries {
            assert!(seen.insert(word), "{word} stands twice");
        }
    }

    #[test]
    fn every_bad_row_of_every_file_is_named() {
        let files = |name: &str| {
            Ok(match name {
                "polarity.tsv" => Some("好\t1\n差\n坏\tmuch\n烂\t-9\n".to_owned()),
                "modifiers.tsv" => Some("很\tdegree\t1.5\n哦\tsigh\n".to_owned()),
                _ => None,
            })
        };
        let error = Lexicons::read(files).unwrap_err();
        let paths: Vec<_> = error.problems().iter().map(|p| p.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "polarity.tsv line 2",
                "polarity.tsv line 3",
                "polarity.tsv line 4",
                "modifiers.tsv line 2"
            ]
        );
    }
}
