//! The one entry: a text in, all that is known about it out; immutable, so that any number of threads may share it.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::analysis::{Analysis, AspectMention, Polarity, Sentiment, Span, Token};
use crate::car::{CarModel, car_ontology};
use crate::config::Config;
use crate::cue::CueText;
use crate::entity::{Entity, Found};
use crate::error::TextError;
use crate::feature::Runs;
use crate::intent::IntentFinder;
use crate::judge::Room;
use crate::keyword::Keywords;
use crate::lexicon::Lexicons;
use crate::matcher::{Context, RuleSet, Subject};
use crate::model::Model;
use crate::normalize::{Normalized, Normalizer};
use crate::offset::CharIndex;
use crate::ontology::{AspectFinder, Mention};
use crate::rule::Rules;
use crate::scope::{Hit, Reading, ScopeReader};
use crate::segment::{Segmenter, Word};
use crate::tagger::Tagger;
use crate::words::Words;

/// Analyses texts. Building one reads the dictionary (some 0.2 s); share it in an `Arc`.
#[derive(Debug, Clone)]
pub struct Analyzer {
    pub(crate) config: Config,
    pub(crate) normalizer: Normalizer,
    pub(crate) segmenter: Arc<Segmenter>,
    pub(crate) keywords: Arc<Keywords>,
    pub(crate) scope: ScopeReader,
    pub(crate) model: Arc<Model>,
    pub(crate) aspects: AspectFinder,
    /// For texts about cars only.
    cars: Option<Arc<CarModel>>,
    pub(crate) intents: IntentFinder,
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) tagger: Arc<Tagger>,
    /// The number of the adapter of each channel that has one.
    adapters: FxHashMap<String, usize>,
    version: Arc<str>,
}

impl Analyzer {
    /// Builds an analyser with the shipped model.
    ///
    /// # Errors
    /// All problems of the configuration, or of the rules.
    pub fn new(config: &Config, lexicons: &Lexicons, rules: &Rules) -> Result<Self, TextError> {
        Self::with_model(config, lexicons, rules, Model::embedded()?)
    }

    /// Builds an analyser with a model of one's own.
    ///
    /// # Errors
    /// All problems of the configuration, or of the rules.
    pub fn with_model(
        config: &Config,
        lexicons: &Lexicons,
        rules: &Rules,
        model: Model,
    ) -> Result<Self, TextError> {
        let problems = config.problems();
        if !problems.is_empty() {
            return Err(TextError::Invalid {
                what: "text configuration".to_owned(),
                problems,
            });
        }
        let normalizer = Normalizer::new();
        let mut ontology = lexicons.ontology.clone();
        if config.car_aspects {
            ontology.extend(car_ontology()?);
        }
        Ok(Self {
            config: config.clone(),
            segmenter: Arc::new(Segmenter::for_lexicons(lexicons)),
            keywords: Arc::new(Keywords::default()),
            scope: ScopeReader::new(&lexicons.entries, &normalizer),
            aspects: AspectFinder::new(&ontology, &normalizer)?,
            cars: config
                .car_aspects
                .then(CarModel::embedded)
                .transpose()?
                .map(Arc::new),
            intents: IntentFinder::new(&normalizer),
            rules: Arc::new(RuleSet::compile(rules, &normalizer)?),
            tagger: Arc::new(Tagger::new(config, &normalizer)?),
            adapters: config
                .adapters
                .iter()
                .filter_map(|(channel, name)| Some((channel.clone(), model.adapter(name)?)))
                .collect(),
            version: version(&model, lexicons),
            model: Arc::new(model),
            normalizer,
        })
    }

    /// The same analyser with other rules; dictionary, lexicon and model are shared. For reloading rules in place.
    ///
    /// # Errors
    /// All problems of the rules; the present analyser stays as it is.
    pub fn with_rules(&self, rules: &Rules) -> Result<Self, TextError> {
        let rules = Arc::new(RuleSet::compile(rules, &self.normalizer)?);
        Ok(Self {
            rules,
            ..self.clone()
        })
    }

    /// The compiled rules.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The ids of the aspects that it knows.
    pub fn aspect_ids(&self) -> impl Iterator<Item = &str> {
        self.aspects.aspects.iter().map(|aspect| aspect.id.as_ref())
    }

    /// How texts are normalised.
    pub fn normalizer(&self) -> &Normalizer {
        &self.normalizer
    }

    /// How texts are cut.
    pub fn segmenter(&self) -> &Segmenter {
        &self.segmenter
    }

    /// Which model and lexicon give the verdicts.
    pub fn model_version(&self) -> &Arc<str> {
        &self.version
    }

    /// Analyses a text of no known origin.
    pub fn analyze(&self, text: &str) -> Analysis {
        self.analyze_in(text, &Context::default())
    }

    /// Analyses a text of a channel and brand: rules may hold for some only.
    pub fn analyze_in(&self, text: &str, context: &Context<'_>) -> Analysis {
        self.analyze_with_words(text, context).0
    }

    /// The same, with the words as they were cut of the normalised text, for whoever reads a stream of texts.
    pub fn analyze_with_words(&self, text: &str, context: &Context<'_>) -> (Analysis, Words) {
        Room::enter(|room| self.analyze_within(room, text, context))
    }

    fn analyze_within(
        &self,
        room: &mut Room,
        text: &str,
        context: &Context<'_>,
    ) -> (Analysis, Words) {
        let normalized = self.normalizer.normalize(text, self.config.max_chars);
        let index = CharIndex::new(text, normalized.end());
        let place = Place {
            original: text,
            normalized: &normalized,
            index: &index,
        };
        room.letters.read(&normalized.text);
        let verdict = self.read(context, room);
        let Room {
            letters,
            runs,
            reading,
            ..
        } = room;
        let sentiment = Sentiment {
            label: verdict.label,
            score: verdict.score,
            confidence: verdict.confidence,
            spans: self.spans(&reading.hits, &place),
        };
        let words = self.segmenter.cut(&normalized.text);
        let mentions = self.aspects.find(&normalized.text, letters, &words);
        let weighed = self.keywords.weigh_all(&words);
        let aspects = self.mentions(&mentions, reading, &place);
        let subject = Subject {
            original: text,
            normalized: &normalized,
            index: &index,
            sentiment: &sentiment,
            aspects: &aspects,
        };
        let rules = self.rules.find(&subject, context);
        let of = CueText {
            text: &normalized.text,
            letters,
            words: &words,
            clauses: &reading.clauses,
        };
        let intents = self.intents.find(&of, verdict, reading);
        let tags = self
            .tagger
            .tag(&self.config, (&of, runs), verdict, &intents, &weighed);
        let ends = words.iter().map(|word| word.end as u32).collect();
        let analysis = Analysis {
            topics: self.topics(&mentions, runs),
            aspects,
            intents,
            emotion: tags.emotion,
            urgency: tags.urgency,
            stage: tags.stage,
            simhash: tags.simhash,
            entities: place.entities(tags.entities),
            keywords: self.keywords.extract(
                &weighed,
                self.config.keyword_method,
                self.config.keywords,
            ),
            tokens: if self.config.tokens {
                place.tokens(&words)
            } else {
                Vec::new()
            },
            rules,
            model_version: self.version.clone(),
            truncated: normalized.truncated,
            sentiment,
        };
        (analysis, Words::new(normalized.text, ends))
    }

    /// The number of the adapter of a text of this origin.
    pub(crate) fn adapter(&self, context: &Context<'_>) -> Option<usize> {
        self.adapters.get(context.channel?).copied()
    }

    fn spans(&self, hits: &[Hit], place: &Place<'_>) -> Vec<Span> {
        let mut kept: Vec<&Hit> = hits.iter().collect();
        if kept.len() > self.config.spans {
            kept.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
            kept.truncate(self.config.spans);
            kept.sort_by_key(|h| h.start);
        }
        let span = |h: &Hit| {
            let (start, end, text) = place.locate(h.start, h.end);
            Span {
                start,
                end,
                text,
                weight: h.weight,
                scope: h.scope,
            }
        };
        kept.into_iter().map(span).collect()
    }

    fn mentions(
        &self,
        mentions: &[Mention],
        reading: &Reading,
        place: &Place<'_>,
    ) -> Vec<AspectMention> {
        let mention = |m: &Mention| {
            let (start, end, term) = place.locate(m.start, m.end);
            let polarity = polarity(clause_weight(reading, m.start), 0.3);
            AspectMention {
                aspect: self.aspects.aspects[m.aspect].id.clone(),
                term,
                polarity,
                start,
                end,
            }
        };
        mentions
            .iter()
            .take(self.config.aspects)
            .map(mention)
            .collect()
    }

    /// The aspects by weight × mentions; ties in the order of the ontology. What the trained reading names comes first, the surest first.
    fn topics(&self, mentions: &[Mention], runs: &Runs) -> Vec<Arc<str>> {
        let mut weights: Vec<(usize, f32)> = Vec::new();
        for m in mentions {
            let weight = self.aspects.aspects[m.aspect].weight;
            match weights.iter_mut().find(|(a, _)| *a == m.aspect) {
                Some((_, sum)) => *sum += weight,
                None => weights.push((m.aspect, weight)),
            }
        }
        let trained = self.cars.iter().flat_map(|cars| cars.judge(runs));
        let place = |id| self.aspects.aspects.iter().position(|a| &*a.id == id);
        let trained: Vec<usize> = trained.filter_map(place).collect();
        weights.retain(|(aspect, _)| !trained.contains(aspect));
        weights.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let named = weights.iter().map(|(aspect, _)| aspect);
        trained
            .iter()
            .chain(named)
            .take(self.config.topics)
            .map(|a| self.aspects.aspects[*a].id.clone())
            .collect()
    }
}

/// The version of the model, and of word lists in the place of the shipped ones.
fn version(model: &Model, lexicons: &Lexicons) -> Arc<str> {
    match lexicons.fingerprint {
        None => model.version().clone(),
        Some(lists) => Arc::from(format!("{}+lexicons-{:08x}", model.version(), lists >> 32)),
    }
}

/// How the clause at `byte` judges; where it says nothing, the next one of the same sentence: 服务态度,真的很差.
fn clause_weight(reading: &Reading, byte: usize) -> f32 {
    let at = reading.clauses.partition_point(|c| c.end <= byte);
    let Some(clause) = reading.clauses.get(at) else {
        return 0.0;
    };
    if clause.weight != 0.0 || clause.ends_sentence {
        return clause.weight;
    }
    reading.clauses.get(at + 1).map_or(0.0, |next| next.weight)
}

fn polarity(score: f32, band: f32) -> Polarity {
    match score {
        s if s > band => Polarity::Positive,
        s if s < -band => Polarity::Negative,
        _ => Polarity::Neutral,
    }
}

/// A text in its two forms.
struct Place<'a> {
    original: &'a str,
    normalized: &'a Normalized,
    index: &'a CharIndex<'a>,
}

impl Place<'_> {
    /// The characters of the original under bytes of the normalised text.
    fn locate(&self, start: usize, end: usize) -> (usize, usize, String) {
        let bytes = self.normalized.original(self.original, start..end);
        (
            self.index.chars_before(bytes.start),
            self.index.chars_before(bytes.end),
            self.original[bytes].to_owned(),
        )
    }

    fn entities(&self, found: Vec<Found>) -> Vec<Entity> {
        let entity = |f: Found| {
            let (start, end, text) = self.locate(f.place.start, f.place.end);
            Entity {
                kind: f.kind,
                text,
                value: f.value,
                start,
                end,
            }
        };
        found.into_iter().map(entity).collect()
    }

    fn tokens(&self, words: &[Word<'_>]) -> Vec<Token> {
        let mut tokens = Vec::with_capacity(words.len());
        let (mut from, mut start) = (0, 0);
        for word in words {
            let to = self.normalized.boundary(word.end);
            // Two words may share one character of the original (㎏ is k and g): the first takes it.
            if to == from {
                continue;
            }
            let text = self.original[from..to].to_owned();
            let end = start + text.chars().count();
            tokens.push(Token { text, start, end });
            (from, start) = (to, end);
        }
        // A text of unseen characters alone has no words, but is not lost.
        let end = self.normalized.end();
        if from < end {
            let text = self.original[from..end].to_owned();
            tokens.push(Token {
                start,
                end: start + text.chars().count(),
                text,
            });
        }
        tokens
    }
}
