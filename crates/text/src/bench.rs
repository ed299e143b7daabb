//! How fast each step is on this machine, on one thread, beside raw jieba-rs on the same texts.
//!
//! Times are of whole passes over the texts, the best of three: the best is what the machine can do, the rest is noise of others.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::analysis::{Polarity, RuleHit};
use crate::analyzer::Analyzer;
use crate::config::KeywordMethod;
use crate::feature::Runs;
use crate::matcher::{Context, Subject};
use crate::offset::CharIndex;
use crate::segment::Word;
use crate::simhash::SimHash;

const PASSES: usize = 3;

/// One step's rate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepRate {
    /// Which step: `normalize`, `jieba` (raw jieba-rs), `segment`, `model`, `scopes`, `verdict` (normalize, model and scopes),
    /// `emotion`, `urgency`, `stage`, `entities`, `simhash` (of words already cut), `aspects`, `intents`, `keywords` (of words already cut), `rules` (with normalize), `analyze` (all).
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

/// Measures `analyzer` on `texts`.
pub fn measure<T: AsRef<str>>(analyzer: &Analyzer, texts: &[T]) -> StepRates {
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    let bytes: usize = texts.iter().map(|t| t.len()).sum();
    let chars: usize = texts.iter().map(|t| t.chars().count()).sum();
    let jieba = jieba_rs::Jieba::new();
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

fn find_rules(analyzer: &Analyzer, text: &str) -> Vec<RuleHit> {
    let normalized = &analyzer.normalizer.normalize(text, usize::MAX);
    let index = &CharIndex::new(text, normalized.end());
    let subject = Subject {
        original: text,
        normalized,
        index,
        score: -1.0,
    };
    analyzer.rules.find(&subject, &Context::default())
}

fn time(texts: usize, pass: &dyn Fn(usize)) -> Duration {
    let begin = Instant::now();
    (0..texts).for_each(pass);
    begin.elapsed()
}
