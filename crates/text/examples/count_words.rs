//! Counts in how many texts each word occurs, for `data/document_frequencies.tsv`: counts only, no text is kept.
//!
//!     cargo run --release -p wensheng-text --example count_words -- DATA/train > crates/text/data/document_frequencies.tsv

use std::collections::{BTreeMap, HashSet};

use wensheng_text::{Lexicons, Normalizer, Segmenter, read_labelled};

/// Words of fewer texts are names and typos: they tell nothing of the language, and might tell of a person.
const FEWEST: u32 = 8;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args()
        .nth(1)
        .ok_or("give the folder of the CSV files")?;
    let normalizer = Normalizer::new();
    let segmenter = Segmenter::for_lexicons(&Lexicons::embedded()?);
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let mut texts = HashSet::new();
    for entry in std::fs::read_dir(folder)? {
        for row in read_labelled(&entry?.path())? {
            let text = normalizer.normalize(&row.text, 65_536).text;
            if texts.contains(&text) {
                continue;
            }
            let words: HashSet<&str> = segmenter.cut(&text).into_iter().map(|t| t.word).collect();
            for word in words
                .into_iter()
                .filter(|w| w.chars().count() > 1 && w.chars().all(char::is_alphabetic))
            {
                *counts.entry(word.to_owned()).or_default() += 1;
            }
            texts.insert(text);
        }
    }
    println!("# texts\t{}", texts.len());
    let mut rows: Vec<_> = counts.into_iter().filter(|(_, n)| *n >= FEWEST).collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    rows.iter().for_each(|(word, n)| println!("{word}\t{n}"));
    Ok(())
}
