//! The words of a text in one piece of memory, for whoever reads the stream on: cutting is not done twice.

use crate::Analyzer;

/// The words of a normalised text, in order; joined they give it back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    text: String,
    /// The byte after each word.
    ends: Vec<u32>,
}

impl Words {
    pub(crate) fn new(text: String, ends: Vec<u32>) -> Self {
        Self { text, ends }
    }

    /// The words.
    pub fn to_vec(&self) -> Vec<&str> {
        let mut from = 0;
        let word = |end: &u32| {
            let to = *end as usize;
            let word = self.text.get(from..to).unwrap_or_default();
            from = to;
            word
        };
        self.ends.iter().map(word).collect()
    }
}

impl Analyzer {
    /// The words of a text alone: the same as [`Analyzer::analyze`] gives beside all else.
    pub fn words(&self, text: &str) -> Words {
        let text = self.normalizer.text(text, self.config.max_chars);
        let words = self.segmenter.cut(&text);
        let ends = words.iter().map(|word| word.end as u32).collect();
        Words::new(text, ends)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Analyzer, Config, Context, Lexicons, Rules};

    #[test]
    fn the_words_of_an_analysis_are_those_of_the_text_alone() {
        let lexicons = Lexicons::embedded().unwrap();
        let analyzer = Analyzer::new(&Config::default(), &lexicons, &Rules::default()).unwrap();
        let text = "排隊兩小時，Ｗｉｆｉ也連不上👍";
        let words = analyzer.words(text);
        assert_eq!(
            analyzer.analyze_with_words(text, &Context::default()).1,
            words
        );
        assert_eq!(
            words.to_vec().concat(),
            analyzer.normalizer().text(text, 99)
        );
        assert!(words.to_vec().contains(&"排队"), "{words:?}");
    }
}
