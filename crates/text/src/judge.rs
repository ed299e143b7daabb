//! The verdict on a text, in room that each thread keeps: once it has grown to the longest text, nothing is allocated.

use std::cell::RefCell;

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

/// Room in which texts are judged.
#[derive(Debug, Default)]
pub(crate) struct Room {
    pub(crate) letters: Letters,
    /// The runs of the text.
    pub(crate) runs: Runs,
    /// Those of a word of it.
    part: Runs,
    /// What its words say.
    pub(crate) reading: Reading,
}

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

impl Room {
    /// Works in the room of this thread; in a new one where that is taken.
    pub(crate) fn enter<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        ROOM.with(|room| match room.try_borrow_mut() {
            Ok(mut room) => work(&mut room),
            Err(_) => work(&mut Self::default()),
        })
    }
}

/// Reads a normalised text in the room of this thread.
pub(crate) fn with_runs<T>(normalized: &str, work: impl FnOnce(&Runs) -> T) -> T {
    Room::enter(|room| {
        room.runs.read(normalized);
        work(&room.runs)
    })
}

impl Analyzer {
    /// The verdict alone, as [`Analyzer::analyze_in`] gives it, in a fraction of the time.
    pub fn verdict(&self, text: &str, context: &Context<'_>) -> Verdict {
        Room::enter(|room| {
            self.normalizer
                .letters(text, self.config.max_chars, &mut room.letters);
            self.read(context, room)
        })
    }

    /// The verdict on the normalised text whose characters are in `room`, where its runs and what its words say are left. Where signs
    /// part the characters, all but the characters is of the text without them.
    pub(crate) fn read(&self, context: &Context<'_>, room: &mut Room) -> Verdict {
        if !is_parted(room.letters.chars()) {
            return self.judge(context, room);
        }
        let text = room.letters.text();
        let squeezed = squeeze(&text);
        let parted = std::mem::replace(&mut room.letters, Letters::of(&squeezed.text));
        let verdict = self.judge(context, room);
        room.letters = parted;
        for hit in &mut room.reading.hits {
            let source = squeezed.source(hit.start..hit.end);
            (hit.start, hit.end) = (source.start, source.end);
        }
        for clause in &mut room.reading.clauses {
            let source = squeezed.source(clause.start..clause.end);
            (clause.start, clause.end) = (source.start, source.end);
        }
        verdict
    }

    /// The same where no signs part them. Praise that mocks is turned.
    fn judge(&self, context: &Context<'_>, room: &mut Room) -> Verdict {
        let Room {
            letters,
            runs,
            part,
            reading,
        } = room;
        let adapter = self.adapter(context);
        runs.read_chars(letters.chars());
        self.scope.read(letters, reading);
        let mut odds = self.model.judge(runs, adapter);
        let mut of_hit = |hit: &Hit| {
            let word = letters.within(hit.start..hit.end);
            self.model.share(word, adapter, runs.features().len(), part)
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
        Verdict::new(odds, reading, runs.symbols(), weight)
    }
}
