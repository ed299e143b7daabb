//! Limits and choices of the analyser, each with a default that suits feedback posts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entity::Alias;
use crate::error::Problem;

/// How texts are read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Characters read of one text; the rest is left out and the analysis marked `truncated`. Default 65536.
    pub max_chars: usize,
    /// Keywords per text. Default 5.
    pub keywords: usize,
    /// How keywords are weighed. Default `tf_idf`.
    pub keyword_method: KeywordMethod,
    /// Topics per text. Default 3.
    pub topics: usize,
    /// Spans that explain a verdict, the weightiest kept; more are cut off. Default 32.
    pub spans: usize,
    /// Aspect mentions per text; more are cut off. Default 32.
    pub aspects: usize,
    /// Whether the words are listed in the analysis. Default false: keywords need them, readers seldom do.
    pub tokens: bool,
    /// Weight of the lexicon reading beside the trained model, 0 to 2; doubled where the model has no weights of its own for the source.
    /// Default 0.25: 0 scores alike on known sources and worse on new ones.
    pub lexicon_weight: f32,
    /// Whether the emotion is told. Default true.
    pub emotion: bool,
    /// An emotion less sure than this is not told, 0 to 1. Default 0.4.
    pub emotion_confidence: f32,
    /// Whether texts are about cars: adds the aspects of `ontology/cars.yaml`, and a trained reading of which is judged. Default false.
    pub car_aspects: bool,
    /// Whether the fingerprint for near duplicates is made. Default true.
    pub simhash: bool,
    /// Entities per text (names, money, dates, order numbers); more are cut off, 0 looks for none. Default 16.
    pub entities: usize,
    /// Brands, products and stores with their other spellings. Default: none.
    pub aliases: Vec<Alias>,
    /// Which weights of the model a channel uses beside the shared ones; a channel that is not named uses the shared ones alone.
    /// Default: social media use `social`, hotlines and chats `dialogue`, shops and surveys `review`, forums `forum`. Where all reviews are
    /// of hotels map `review` to `stays`, where they are of food delivery to `food`; where all posts are about a public emergency, an epidemic
    /// or a disaster, map their channel to `affairs`.
    pub adapters: BTreeMap<String, String>,
}

/// How keywords are weighed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeywordMethod {
    /// Frequent here and rare in feedback at large.
    #[default]
    TfIdf,
    /// Beside many other words of the same text, whatever other texts say: for trades whose words the shipped counts do not know.
    TextRank,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_chars: 65_536,
            keywords: 5,
            keyword_method: KeywordMethod::default(),
            topics: 3,
            spans: 32,
            aspects: 32,
            tokens: false,
            emotion: true,
            emotion_confidence: 0.4,
            car_aspects: false,
            simhash: true,
            entities: 16,
            aliases: Vec::new(),
            lexicon_weight: 0.25,
            adapters: shipped_adapters(),
        }
    }
}

fn shipped_adapters() -> BTreeMap<String, String> {
    let kinds: [(&str, &[&str]); 4] = [
        (
            "social",
            &[
                "weibo",
                "wechat",
                "xiaohongshu",
                "douyin",
                "kuaishou",
                "bilibili",
                "zhihu",
            ],
        ),
        ("dialogue", &["hotline", "chat", "call", "im"]),
        (
            "review",
            &["review", "survey", "ecommerce", "appstore", "dianping"],
        ),
        ("forum", &["forum", "tieba"]),
    ];
    let pairs = |(kind, channels): (&str, &[&str])| {
        channels
            .iter()
            .map(|c| ((*c).to_owned(), kind.to_owned()))
            .collect::<Vec<_>>()
    };
    kinds.into_iter().flat_map(pairs).collect()
}

impl Config {
    /// All that is wrong with the values; paths are field names.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.max_chars == 0 || self.max_chars > 10_000_000 {
            problems.push(Problem {
                path: "max_chars".to_owned(),
                message: "give 1 to 10000000 characters".to_owned(),
            });
        }
        if !(0.0..=2.0).contains(&self.lexicon_weight) {
            problems.push(Problem {
                path: "lexicon_weight".to_owned(),
                message: "give 0 to 2".to_owned(),
            });
        }
        if !(0.0..=1.0).contains(&self.emotion_confidence) {
            problems.push(Problem {
                path: "emotion_confidence".to_owned(),
                message: "give 0 to 1".to_owned(),
            });
        }
        problems.extend(Alias::problems(&self.aliases));
        problems
    }
}
