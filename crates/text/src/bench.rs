//! How fast each step is on this machine, on one thread, beside raw jieba-rs on the same texts.
//!
//! Times are of whole passes over the texts, the best of three: the best is what the machine can do, the rest is noise of others.

use std::cell::RefCell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::analysis::{Polarity, RuleHit, RuleLevel, Sentiment};
use crate::analyzer::Analyzer;
use crate::condition::Condition;
use crate::config::KeywordMethod;
use crate::error::TextError;
use crate::feature::Runs;
use crate::matcher::{Context, Subject};
use crate::offset::CharIndex;
use crate::phrase::{PhraseConfig, PhraseFinder, PhraseTokens};
use crate::rule::{Examples, Rule, Rules};
use crate::segment::Word;
use crate::simhash::SimHash;

const PASSES: usize = 3;

/// One step's rate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepRate {
    /// Which step: `normalize`, `jieba` (raw jieba-rs), `segment`, `model`, `scopes`, `verdict` (normalize, model and scopes),
    /// `emotion`, `urgency`, `stage`, `entities`, `simhash` (of words already cut), `aspects`, `intents`, `keywords` and `phrases` (of words already cut), `rules` (with normalize), `analyze` (all).
    pub step: &'static str,
    /// Megabytes (10⁶ bytes of UTF-8) per second.
    pub megabytes_per_second: f64,
    /// Microseconds per text.
    pub microseconds_per_text: f64,
}

/// The rates of all steps over the same texts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepRates {
    /// Texts measured.
    pub texts: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Their mean length in characters.
    pub mean_chars: f64,
    /// The steps.
    pub steps: Vec<StepRate>,
}

/// jieba-rs with its own dictionary, which is here already.
pub fn raw_jieba() -> jieba_rs::Jieba {
    let mut jieba = jieba_rs::Jieba::empty();
    // Each line is a word and its frequency, as a test that cuts with it would tell.
    let read = jieba.load_dict(&mut include_str!("../data/dictionary.tsv").as_bytes());
    debug_assert!(read.is_ok());
    jieba
}

/// Measures `analyzer` on `texts`.
pub fn measure<T: AsRef<str>>(analyzer: &Analyzer, texts: &[T]) -> StepRates {
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    let bytes: usize = texts.iter().map(|t| t.len()).sum();
    let chars: usize = texts.iter().map(|t| t.chars().count()).sum();
    let jieba = raw_jieba();
    let context = Context::default();
    let normalized: Vec<String> = texts
        .iter()
        .map(|t| analyzer.normalizer().normalize(t, usize::MAX).text)
        .collect();
    let words: Vec<Vec<Word<'_>>> = normalized
        .iter()
        .map(|t| analyzer.segmenter().cut(t))
        .collect();
    let rate = |step, pass: &dyn Fn(usize)| {
        let best = (0..PASSES)
            .map(|_| time(texts.len(), pass))
            .min()
            .unwrap_or_default();
        let seconds = best.as_secs_f64().max(1e-9);
        StepRate {
            step,
            megabytes_per_second: bytes as f64 / 1e6 / seconds,
            microseconds_per_text: seconds * 1e6 / texts.len().max(1) as f64,
        }
    };
    let finder = RefCell::new(PhraseFinder::new(PhraseConfig::default()));
    let steps = vec![
        rate("normalize", &|i| {
            drop(black_box(
                analyzer.normalizer().normalize(texts[i], usize::MAX),
            ))
        }),
        rate("jieba", &|i| drop(black_box(jieba.cut(texts[i], false)))),
        rate("segment", &|i| {
            drop(black_box(analyzer.segmenter().cut(&normalized[i])))
        }),
        rate("model", &|i| {
            let mut runs = Runs::default();
            black_box(analyzer.model.read(&normalized[i], None, &mut runs));
        }),
        rate("scopes", &|i| {
            drop(black_box(analyzer.scope.read(&normalized[i])))
        }),
        rate("emotion", &|i| {
            black_box(analyzer.tagger.emotions.read(&normalized[i]));
        }),
        rate("urgency", &|i| {
            black_box(
                analyzer
                    .tagger
                    .urgency
                    .judge(&normalized[i], Polarity::Negative, &[]),
            );
        }),
        rate("stage", &|i| {
            black_box(analyzer.tagger.stages.find(&normalized[i], &[]));
        }),
        rate("entities", &|i| {
            drop(black_box(analyzer.tagger.entities.find(&normalized[i], 16)))
        }),
        rate("simhash", &|i| {
            let weigh = |w: &Word<'_>| analyzer.keywords.weight(w.word);
            let weighed = words[i].iter().map(|w| (w.word, weigh(w)));
            black_box(SimHash::of(weighed));
        }),
        rate("verdict", &|i| {
            black_box(analyzer.verdict(texts[i], &context));
        }),
        rate("aspects", &|i| {
            drop(black_box(analyzer.aspects.find(&normalized[i])))
        }),
        rate("intents", &|i| {
            drop(black_box(
                analyzer.intents.find(&normalized[i], Polarity::Neutral),
            ))
        }),
        rate("keywords", &|i| {
            drop(black_box(analyzer.keywords.extract(
                words[i].iter().map(|w| w.word),
                KeywordMethod::TfIdf,
                5,
            )))
        }),
        rate("phrases", &|i| {
            let tokens: Vec<&str> = words[i].iter().map(|w| w.word).collect();
            drop(black_box(
                finder.borrow_mut().observe(&PhraseTokens::of(&tokens)),
            ));
        }),
        rate("rules", &|i| {
            drop(black_box(find_rules(analyzer, texts[i])))
        }),
        rate("analyze", &|i| drop(black_box(analyzer.analyze(texts[i])))),
    ];
    StepRates {
        texts: texts.len(),
        bytes,
        mean_chars: chars as f64 / texts.len().max(1) as f64,
        steps,
    }
}

/// Microseconds per text that rules of so many terms take, normalising included: for each of `counts`, measured in turns, the best
/// of `passes`. The terms are made of the texts' own characters, so that the texts begin many of them.
///
/// # Errors
/// When the rules made cannot be compiled.
pub fn measure_rules<T: AsRef<str>>(
    analyzer: &Analyzer,
    texts: &[T],
    counts: &[usize],
    passes: usize,
) -> Result<Vec<f64>, TextError> {
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    let most = counts.iter().copied().max().unwrap_or_default();
    let terms = terms_like(&texts, most);
    let analyzers = counts
        .iter()
        .map(|count| analyzer.with_rules(&rules_of(&terms[..*count])))
        .collect::<Result<Vec<_>, _>>()?;
    let mut best = vec![Duration::MAX; counts.len()];
    for _ in 0..passes {
        for (analyzer, best) in analyzers.iter().zip(&mut best) {
            let took = time(texts.len(), &|i| {
                drop(black_box(find_rules(analyzer, texts[i])))
            });
            *best = took.min(*best);
        }
    }
    let per_text = |took: &Duration| took.as_secs_f64() * 1e6 / texts.len().max(1) as f64;
    Ok(best.iter().map(per_text).collect())
}

/// `count` different terms: three characters of a text with one of another after them.
fn terms_like(texts: &[&str], count: usize) -> Vec<String> {
    let words: Vec<Vec<char>> = texts
        .iter()
        .map(|t| t.chars().filter(|c| c.is_alphabetic()).collect())
        .filter(|chars: &Vec<char>| chars.len() > 3)
        .collect();
    let mut seen = rustc_hash::FxHashSet::default();
    let mut terms = Vec::with_capacity(count);
    for i in 0.. {
        if terms.len() == count {
            break;
        }
        let mut term = String::new();
        if let Some(chars) = words.get(i % words.len().max(1)) {
            let at = i / words.len() % (chars.len() - 2);
            let other = &words[(i * 7 + 1) % words.len()];
            term.extend(&chars[at..at + 3]);
            term.push(other[i % other.len()]);
        }
        if !seen.insert(term.clone()) {
            term.push_str(&format!("{i}号"));
        }
        terms.push(term);
    }
    terms
}

/// Rules of a hundred terms each.
fn rules_of(terms: &[String]) -> Rules {
    let rule = |(i, terms): (usize, &[String])| Rule {
        id: format!("r{i}").into(),
        name: "measured".into(),
        description: "".into(),
        level: RuleLevel::Yellow,
        any: terms.iter().cloned().map(Condition::Term).collect(),
        all: Vec::new(),
        none: Vec::new(),
        except: Vec::new(),
        brands: Vec::new(),
        channels: Vec::new(),
        sentiment: Vec::new(),
        min_negative: None,
        aspects: Vec::new(),
        reach: None,
        topic: None,
        examples: Examples::default(),
    };
    Rules {
        rules: terms.chunks(100).enumerate().map(rule).collect(),
    }
}

fn find_rules(analyzer: &Analyzer, text: &str) -> Vec<RuleHit> {
    let normalized = &analyzer.normalizer.normalize(text, usize::MAX);
    let index = &CharIndex::new(text, normalized.end());
    let subject = Subject {
        original: text,
        normalized,
        index,
        sentiment: &Sentiment {
            label: Polarity::Negative,
            score: -1.0,
            confidence: 1.0,
            spans: Vec::new(),
        },
        aspects: &[],
    };
    analyzer.rules.find(&subject, &Context::default())
}

fn time(texts: usize, pass: &dyn Fn(usize)) -> Duration {
    let begin = Instant::now();
    (0..texts).for_each(pass);
    begin.elapsed()
}
