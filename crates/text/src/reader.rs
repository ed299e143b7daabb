//! The verdict alone, on one text after the other in the same room: once the room has grown to the longest text, nothing is allocated.

use crate::analyzer::Analyzer;
use crate::feature::Runs;
use crate::letters::Letters;
use crate::matcher::Context;
use crate::scope::{Hit, MOCKED, Reading};
use crate::squeeze::{is_parted, squeeze};
use crate::verdict::Verdict;

/// How much more the lexicon counts for a source of which the model has no weights of its own.
const UNKNOWN_SOURCE: f32 = 2.0;

/// Symbols of a text in which what the trained reading says of an outcome is taken out.
const SHORT_TEXT: usize = 30;

/// Judges texts, each as [`Analyzer::analyze_in`] does; for one thread, which keeps it as long as texts come.
#[derive(Debug)]
pub struct Reader<'a> {
    analyzer: &'a Analyzer,
    text: String,
    letters: Letters,
    room: Room,
}

impl Reader<'_> {
    /// The verdict on a text of a channel.
    pub fn verdict(&mut self, text: &str, context: &Context<'_>) -> Verdict {
        let (analyzer, room) = (self.analyzer, std::mem::take(&mut self.text));
        self.text = analyzer
            .normalizer
            .text_in(text, analyzer.config.max_chars, room);
        self.letters.read(&self.text);
        let (verdict, reading) = analyzer.read(&self.text, &self.letters, context, &mut self.room);
        self.room.reading = reading;
        verdict
    }
}

/// Room in which a text is judged.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// The runs of the text.
    pub(crate) runs: Runs,
    /// Those of a word of it.
    part: Runs,
    reading: Reading,
}

impl Analyzer {
    /// What judges texts and does nothing else, in a fraction of the time of [`Analyzer::analyze_in`].
    pub fn reader(&self) -> Reader<'_> {
        Reader {
            analyzer: self,
            text: String::new(),
            letters: Letters::default(),
            room: Room::default(),
        }
    }

    /// The verdict alone: the same as `analyze_in` gives. [`Analyzer::reader`] is faster where texts follow each other.
    pub fn verdict(&self, text: &str, context: &Context<'_>) -> Verdict {
        self.reader().verdict(text, context)
    }

    /// The verdict on a normalised text of these characters, whose runs are left in `room`, and what its words say. Where signs part
    /// the characters, both are of the text without them.
    pub(crate) fn read(
        &self,
        text: &str,
        letters: &Letters,
        context: &Context<'_>,
        room: &mut Room,
    ) -> (Verdict, Reading) {
        let before = std::mem::take(&mut room.reading);
        if !is_parted(text) {
            let mut reading = self.scope.read(text, letters, before);
            return (
                self.judge(text, letters, &mut reading, context, room),
                reading,
            );
        }
        let squeezed = squeeze(text);
        let text = squeezed.text.as_ref();
        let letters = Letters::of(text);
        let mut reading = self.scope.read(text, &letters, before);
        let verdict = self.judge(text, &letters, &mut reading, context, room);
        for hit in &mut reading.hits {
            let source = squeezed.source(hit.start..hit.end);
            (hit.start, hit.end) = (source.start, source.end);
        }
        for clause in &mut reading.clauses {
            let source = squeezed.source(clause.start..clause.end);
            (clause.start, clause.end) = (source.start, source.end);
        }
        (verdict, reading)
    }

    /// The verdict on a normalised text with this reading, in which praise that mocks is turned; its runs are left in `room`.
    fn judge(
        &self,
        normalized: &str,
        letters: &Letters,
        reading: &mut Reading,
        context: &Context<'_>,
        room: &mut Room,
    ) -> Verdict {
        let adapter = self.adapter(context);
        room.runs.read_letters(letters);
        let mut odds = self.model.judge(&room.runs, adapter);
        let (runs, part) = (&room.runs, &mut room.part);
        let mut of_hit = |hit: &Hit| {
            let text = &normalized[hit.start..hit.end];
            self.model.share(text, adapter, runs.features().len(), part)
        };
        // Praise after 厉害了 mocks where all else that is said blames.
        let praise: Option<f32> = reading.mocking().map(&mut of_hit).reduce(|a, b| a + b);
        if praise.is_some_and(|praise| odds.polarity - praise < MOCKED) {
            reading.turn_mocking();
        }
        // Runs of three characters do not reach from 没有 to the word that it turns: what the word itself says is taken out.
        // Unless it says the same; of outcomes it is asked in short texts only, where the rest of the text cannot tell.
        let short = runs.symbols() <= SHORT_TEXT;
        let misleads = |hit: &Hit| Some(of_hit(hit)).filter(|share| share * hit.weight <= 0.0);
        odds.polarity -= reading
            .turned_hits()
            .filter(|h| short || !h.stands())
            .filter_map(misleads)
            .sum::<f32>();
        let weight = self.config.lexicon_weight
            * if adapter.is_none() {
                UNKNOWN_SOURCE
            } else {
                1.0
            };
        Verdict::new(odds, reading, room.runs.symbols(), weight)
    }
}
