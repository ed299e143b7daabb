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
mod classifier;
pub mod bench;
mod config;
mod emotion;
mod error;
mod evaluate;
mod feature;
mod intent;
mod keyword;
mod labelled;
mod lexicon;
mod matcher;
mod model;
mod normalize;
mod offset;
mod ontology;
mod phrase;
mod rule;
mod scope;
mod segment;
mod simhash;
mod squeeze;
mod teach;
mod train;
mod verdict;

pub use analysis::{
    Analysis, AspectMention, Intent, Keyword, Polarity, RuleHit, RuleLevel, Scope, Sentiment, Span,
    TermMatch, Token,
};
pub use analyzer::Analyzer;
pub use config::Config;
pub use emotion::{
    Emotion, EmotionModel, EmotionRows, EmotionScores, EmotionVerdict, evaluate_emotions,
    read_emotions, train_emotions,
};
pub use error::{Problem, TextError};
pub use evaluate::{Bin, Scores, evaluate};
pub use labelled::read_labelled;
pub use lexicon::Lexicons;
pub use matcher::{Context, RuleSet, gravest};
pub use model::{Model, Weights};
pub use normalize::{Normalized, Normalizer};
pub use ontology::{Aspect, DisplayName, Ontology};
pub use phrase::{Phrase, PhraseConfig, PhraseFinder};
pub use rule::{Examples, Rule, Rules};
pub use segment::Segmenter;
pub use simhash::{NEAR, SimHash};
pub use teach::TeachOptions;
pub use train::{Row, TrainOptions, train};
pub use verdict::Verdict;
