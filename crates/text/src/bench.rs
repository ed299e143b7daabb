//! How fast each step is on this machine, on one thread, beside raw jieba-rs on the same texts.
//!
//! Times are of passes over all texts, batch by batch, and of each batch the best pass counts: it is what the machine can do, the rest is
//! noise of others, which seldom leaves a whole pass alone. Between two passes of a batch all others go through the caches.

use std::cell::RefCell;
use std::hint::black_box;
use std::ops::Range;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::analysis::{Polarity, RuleHit, RuleLevel, Sentiment};
use crate::analyzer::Analyzer;
use crate::condition::Condition;
use crate::config::KeywordMethod;
use crate::cue::CueText;
use crate::error::TextError;
use crate::feature::Runs;
use crate::judge::Room;
use crate::letters::Letters;
use crate::matcher::{Context, Subject};
use crate::offset::CharIndex;
use crate::phrase::{PhraseConfig, PhraseFinder, PhraseTokens};
use crate::rule::{Examples, Rule, Rules};
use crate::scope::Reading;
use crate::segment::Word;
use crate::simhash::SimHash;
use crate::verdict::Verdict;

const PASSES: usize = 10;
/// Texts timed together: long enough for the clock, shorter than what a scheduler gives at a time.
const BATCH: usize = 100;

/// One step's rate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepRate {
    /// Which step: `normalize`, `jieba` (raw jieba-rs), `segment`, `model`, `scopes`, `verdict` (sentiment alone: normalize, model and
    /// scopes, of no known channel), `verdict_adapted` (the same of a channel that the model has weights of its own for), `trained_adapted`
    /// (of such a channel normalize and model alone, without the words), `emotion`,
    /// `urgency`, `stage`, `entities`, `simhash` (of words already cut), `aspects`, `intents`, `keywords` and `phrases` (of words already
    /// cut), `rules` (with normalize), `analyze` (all).
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
    let adapted = Context {
        channel: Some("review"),
        ..context
    };
    let normalized: Vec<String> = texts
        .iter()
        .map(|t| analyzer.normalizer().normalize(t, usize::MAX).text)
        .collect();
    let letters: Vec<Letters> = normalized.iter().map(|t| Letters::of(t)).collect();
    let words: Vec<Vec<Word<'_>>> = normalized
        .iter()
        .map(|t| analyzer.segmenter().cut(t))
        .collect();
    let read = |letters: &Letters| {
        Room::enter(|room| {
            room.letters.clone_from(letters);
            (analyzer.read(&context, room), room.reading.clone())
        })
    };
    let (verdicts, readings): (Vec<Verdict>, Vec<Reading>) = letters.iter().map(read).unzip();
    let cued = |i: usize| CueText {
        text: &normalized[i],
        letters: &letters[i],
        words: &words[i],
        clauses: &readings[i].clauses,
    };
    let rate = |step, pass: &dyn Fn(usize)| {
        let best = best(texts.len(), PASSES, pass);
        let seconds = best.as_secs_f64().max(1e-9);
        StepRate {
            step,
            megabytes_per_second: bytes as f64 / 1e6 / seconds,
            microseconds_per_text: seconds * 1e6 / texts.len().max(1) as f64,
        }
    };
    let runs = RefCell::new(Runs::default());
    let characters = RefCell::new(Letters::default());
    let adapter = analyzer.adapter(&adapted);
    let reading = RefCell::new(Reading::default());
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
            let mut runs = runs.borrow_mut();
            runs.read_chars(letters[i].chars());
            black_box(analyzer.model.judge(&runs, None));
        }),
        rate("scopes", &|i| {
            let mut reading = reading.borrow_mut();
            analyzer.scope.read(&letters[i], &mut reading);
            black_box(&reading.total);
        }),
        rate("emotion", &|i| {
            black_box(analyzer.tagger.emotions.read(&normalized[i]));
        }),
        rate("urgency", &|i| {
            let judge = &analyzer.tagger.urgency;
            black_box(judge.judge(&cued(i), Polarity::Negative, &[]));
        }),
        rate("stage", &|i| {
            black_box(analyzer.tagger.stages.find(&cued(i), &[]));
        }),
        rate("entities", &|i| {
            drop(black_box(analyzer.tagger.entities.find(
                &normalized[i],
                &letters[i],
                16,
            )))
        }),
        rate("simhash", &|i| {
            let weighed = words[i].iter().map(|w| analyzer.keywords.weigh(w.word));
            black_box(SimHash::of_hashes(weighed.map(|w| (w.hash(), w.weight()))));
        }),
        rate("verdict", &|i| {
            black_box(analyzer.verdict(texts[i], &context));
        }),
        rate("verdict_adapted", &|i| {
            black_box(analyzer.verdict(texts[i], &adapted));
        }),
        rate("trained_adapted", &|i| {
            let runs = &mut *runs.borrow_mut();
            let characters = &mut *characters.borrow_mut();
            let normalizer = analyzer.normalizer();
            normalizer.letters(texts[i], usize::MAX, characters);
            runs.read_chars(characters.chars());
            black_box(analyzer.model.judge(runs, adapter));
        }),
        rate("aspects", &|i| {
            drop(black_box(analyzer.aspects.find(
                &normalized[i],
                &letters[i],
                &words[i],
            )))
        }),
        rate("intents", &|i| {
            drop(black_box(analyzer.intents.find(
                &cued(i),
                verdicts[i],
                &readings[i],
            )))
        }),
        rate("keywords", &|i| {
            let weighed = analyzer.keywords.weigh_all(&words[i]);
            drop(black_box(analyzer.keywords.extract(
                &weighed,
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
            let took = time(0..texts.len(), &|i| {
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

/// The time of all batches, each the best of so many passes.
fn best(texts: usize, passes: usize, pass: &dyn Fn(usize)) -> Duration {
    let batches = || (0..texts).step_by(BATCH);
    let mut best = vec![Duration::MAX; batches().len()];
    for _ in 0..passes {
        for (first, best) in batches().zip(&mut best) {
            *best = time(first..texts.min(first + BATCH), pass).min(*best);
        }
    }
    best.iter().sum()
}

fn time(texts: Range<usize>, pass: &dyn Fn(usize)) -> Duration {
    let begin = Instant::now();
    texts.for_each(pass);
    begin.elapsed()
}
