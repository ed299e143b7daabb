//! Chinese feedback, understood: one call turns a text into sentiment with its reasons, aspects, topics, intents, keywords, words and
//! rule hits.
//!
//! Guarantees: any text is safe and costs time linear in its length, up to a limit that is marked; the same text under the same model
//! always gives the same answer; offsets count characters of the original text; joining the tokens gives the text back.
//!
//! ```
//! # fn main() -> Result<(), wensheng_text::TextError> {
//! use wensheng_text::{Analyzer, Config, Lexicons, Polarity, Rules};
//! let analyzer = Analyzer::new(&Config::default(), &Lexicons::embedded()?, &Rules::starter()?)?;
//! let analysis = analyzer.analyze("这家店排队两小时，客服还骂人");
//! assert_eq!(analysis.sentiment.label, Polarity::Negative);
//! # Ok(())
//! # }
//! ```

mod analysis;
mod analyzer;
pub mod bench;
mod calibrate;
mod car;
mod classifier;
mod condition;
mod config;
mod cue;
mod dictionary;
mod document;
mod emotion;
mod entity;
mod error;
mod evaluate;
mod feature;
mod fit;
mod hotline;
mod intent;
mod journey;
mod judge;
mod keyword;
mod labelled;
mod letters;
mod lexicon;
mod matcher;
mod model;
mod near;
mod normalize;
mod numeral;
mod offset;
mod ontology;
mod pages;
mod phrase;
mod rule;
mod scan;
mod scope;
mod segment;
mod simhash;
mod spoken;
mod squeeze;
mod tagger;
mod teach;
mod terms;
mod text_rank;
mod train;
mod trie;
mod urgency;
mod verdict;
mod words;

pub use analysis::{
    Analysis, AspectMention, Intent, Keyword, Polarity, RuleHit, RuleLevel, Scope, Sentiment, Span,
    TermMatch, Token,
};
pub use analyzer::Analyzer;
pub use car::{
    CarModel, CarRows, CarScores, Compared, car_ontology, evaluate_car_aspects, read_car_aspects,
    train_car_aspects,
};
pub use condition::{Condition, Near, Pattern};
pub use config::{Config, KeywordMethod};
pub use document::Documents;
pub use emotion::{
    Emotion, EmotionModel, EmotionRows, EmotionScores, EmotionVerdict, evaluate_emotions,
    read_emotions, train_emotions,
};
pub use entity::{Alias, Entity, EntityKind};
pub use error::{Problem, TextError};
pub use evaluate::{Bin, Scores, evaluate};
pub use hotline::{CallAnalysis, Speaker, SpokenClause, Trajectory, Turn, TurnReading};
pub use journey::JourneyStage;
pub use labelled::read_labelled;
pub use lexicon::Lexicons;
pub use matcher::{Context, RuleSet, gravest};
pub use model::{Calibration, Model, Weights};
pub use normalize::{Normalized, Normalizer};
pub use ontology::{Aspect, DisplayName, Ontology};
pub use phrase::{Phrase, PhraseConfig, PhraseFinder, PhraseTokens};
pub use rule::{Examples, Rule, Rules};
pub use segment::{Segmenter, Word};
pub use simhash::{NEAR, SimHash};
pub use teach::TeachOptions;
pub use train::{Row, TrainOptions, train};
pub use urgency::Urgency;
pub use verdict::Verdict;
pub use words::Words;
