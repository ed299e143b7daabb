//! `wensheng lexicon diff`: what other word lists would change, post by post, before anybody uses them; the posts stream through, and
//! only the examples are kept.

use std::cmp::Ordering;
use std::io::Write;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::Value;
use wensheng_enrich::Config;
use wensheng_text::{Analyzer, Context, Polarity, Sentiment};

use crate::analyze::input::{self, Line};
use crate::cli::{LexiconAction, LexiconArgs, LexiconDiffArgs, Output};
use crate::eval::{percent, shortened};
use crate::exit::BadLines;
use crate::labelled::{self, BadRow};

/// In the place of a folder.
const SHIPPED: &str = "shipped";

/// What changes.
#[derive(Debug, Serialize)]
struct Difference {
    old: String,
    new: String,
    threshold: f32,
    posts: u64,
    /// Posts whose label changes, by old label and new.
    labels: Vec<Turn>,
    labels_changed: u64,
    /// Posts whose label stays and whose score moves by more than the threshold.
    scores_moved: u64,
    /// Posts whose topics change.
    topics_changed: u64,
    /// Mean movement of the score, towards positive above 0.
    mean_movement: f64,
    examples: Vec<Example>,
    bad_rows: Vec<BadRow>,
}

/// Posts that go from one label to another.
#[derive(Debug, Serialize)]
struct Turn {
    from: Polarity,
    to: Polarity,
    posts: u64,
}

/// A post that changes.
#[derive(Debug, Serialize)]
struct Example {
    line: u64,
    old: Side,
    new: Side,
    text: String,
}

/// One reading of a post.
#[derive(Debug, Serialize)]
struct Side {
    label: Polarity,
    score: f32,
    /// The words that made it, with their weights.
    words: Vec<(String, f32)>,
}

impl Side {
    fn new(sentiment: Sentiment) -> Self {
        Self {
            label: sentiment.label,
            score: sentiment.score,
            words: sentiment
                .spans
                .into_iter()
                .map(|span| (span.text, span.weight))
                .collect(),
        }
    }
}

impl Example {
    fn turns(&self) -> bool {
        self.old.label != self.new.label
    }

    /// Changed labels first, then the furthest moved, then as they came.
    fn rank(&self, other: &Self) -> Ordering {
        let movement = |example: &Self| (example.new.score - example.old.score).abs();
        other
            .turns()
            .cmp(&self.turns())
            .then(movement(other).total_cmp(&movement(self)))
            .then(self.line.cmp(&other.line))
    }
}

/// Runs the command.
pub(crate) fn run(args: &LexiconArgs) -> Result<()> {
    match &args.action {
        LexiconAction::Diff(args) => run_diff(args),
    }
}

fn run_diff(args: &LexiconDiffArgs) -> Result<()> {
    let config = match &args.config.config {
        Some(path) => crate::config::load(path)?.enrich,
        None => Config::default(),
    };
    let difference = diff(args, &config)?;
    labelled::tell(&difference.bad_rows);
    let mut out = std::io::stdout().lock();
    match args.output {
        Output::Json => {
            serde_json::to_writer_pretty(&mut out, &difference).context("write the results")?;
            writeln!(out).context("write the results")?;
        }
        Output::Text => print(&mut out, &difference).context("write the results")?,
    }
    match difference.bad_rows.len() as u64 {
        0 => Ok(()),
        bad => Err(BadLines(bad).into()),
    }
}

/// The analyser of this configuration with the word lists of `folder`.
fn analyzer(config: &Config, folder: &Path) -> Result<Analyzer> {
    let mut config = config.clone();
    config.lexicons = if folder == Path::new(SHIPPED) {
        None
    } else if folder.is_dir() {
        Some(folder.to_owned())
    } else {
        bail!(
            "{} is no folder; give a folder of word lists, or `{SHIPPED}`",
            folder.display()
        );
    };
    config
        .analyzer()
        .with_context(|| format!("read the word lists of {}", folder.display()))
}

fn diff(args: &LexiconDiffArgs, config: &Config) -> Result<Difference> {
    let old = analyzer(config, &args.old)?;
    let new = analyzer(config, &args.new)?;
    let mut found = Difference {
        old: args.old.display().to_string(),
        new: args.new.display().to_string(),
        threshold: args.threshold,
        posts: 0,
        labels: Vec::new(),
        labels_changed: 0,
        scores_moved: 0,
        topics_changed: 0,
        mean_movement: 0.0,
        examples: Vec::new(),
        bad_rows: Vec::new(),
    };
    let mut movement = 0.0;
    for line in input::open(&args.data, args.format)? {
        let (line, fields, text) = match line? {
            Line::Good {
                number,
                fields,
                text,
            } => (number, fields, text),
            Line::Bad { number, error } => {
                found.bad_rows.push(BadRow {
                    line: number,
                    error,
                });
                continue;
            }
        };
        let field = |name| fields.get(name).and_then(Value::as_str);
        let context = Context {
            channel: field("channel"),
            brand: field("brand"),
            ..Context::default()
        };
        let before = old.analyze_in(&text, &context);
        let after = new.analyze_in(&text, &context);
        found.posts += 1;
        found.topics_changed += u64::from(before.topics != after.topics);
        movement += f64::from(after.sentiment.score - before.sentiment.score);
        let example = Example {
            line,
            old: Side::new(before.sentiment),
            new: Side::new(after.sentiment),
            text,
        };
        found.count(example, args.examples);
    }
    found.keep_best(args.examples);
    found.mean_movement = movement / found.posts.max(1) as f64;
    Ok(found)
}

impl Difference {
    fn count(&mut self, example: Example, most: usize) {
        if example.turns() {
            self.labels_changed += 1;
            let (from, to) = (example.old.label, example.new.label);
            match self
                .labels
                .iter_mut()
                .find(|turn| (turn.from, turn.to) == (from, to))
            {
                Some(turn) => turn.posts += 1,
                None => self.labels.push(Turn { from, to, posts: 1 }),
            }
        } else if (example.new.score - example.old.score).abs() > self.threshold {
            self.scores_moved += 1;
        } else {
            return;
        }
        self.examples.push(example);
        if self.examples.len() >= most.saturating_mul(4).max(64) {
            self.keep_best(most);
        }
    }

    fn keep_best(&mut self, most: usize) {
        self.examples.sort_by(Example::rank);
        self.examples.truncate(most);
        self.labels
            .sort_by_key(|turn| (std::cmp::Reverse(turn.posts), turn.from, turn.to));
    }
}

fn print(out: &mut impl Write, difference: &Difference) -> std::io::Result<()> {
    let share = |count: u64| percent(Some(count as f32 / difference.posts.max(1) as f32));
    writeln!(
        out,
        "{} posts, {} → {}",
        difference.posts, difference.old, difference.new
    )?;
    writeln!(
        out,
        "label changes     {:>8}  {}",
        difference.labels_changed,
        share(difference.labels_changed)
    )?;
    for turn in &difference.labels {
        writeln!(
            out,
            "  {:<8} → {:<8}{:>6}",
            turn.from.as_str(),
            turn.to.as_str(),
            turn.posts
        )?;
    }
    writeln!(
        out,
        "score moves > {:<4}{:>8}  {}",
        difference.threshold,
        difference.scores_moved,
        share(difference.scores_moved)
    )?;
    writeln!(
        out,
        "topics change     {:>8}  {}",
        difference.topics_changed,
        share(difference.topics_changed)
    )?;
    writeln!(out, "mean movement     {:>+8.4}", difference.mean_movement)?;
    for example in &difference.examples {
        writeln!(
            out,
            "\nline {}: {} {:+.2} → {} {:+.2}",
            example.line,
            example.old.label.as_str(),
            example.old.score,
            example.new.label.as_str(),
            example.new.score
        )?;
        writeln!(out, "  {}", shortened(&example.text))?;
        for (name, side) in [("old", &example.old), ("new", &example.new)] {
            let words: Vec<String> = side
                .words
                .iter()
                .map(|(word, weight)| format!("{word} {weight:+.2}"))
                .collect();
            writeln!(out, "  {name}  {}", words.join("  "))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(folder: &Path, old: &str, new: &Path) -> LexiconDiffArgs {
        LexiconDiffArgs {
            config: crate::cli::ConfigArgs::default(),
            old: old.into(),
            new: new.to_owned(),
            data: folder.join("posts.csv"),
            format: None,
            threshold: 0.01,
            examples: 1,
            output: Output::Json,
        }
    }

    #[test]
    fn a_word_that_changes_its_weight_changes_the_posts_that_hold_it_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("posts.csv"),
            "text\n这个设计很鹜落\n周三发货\n有点鹜落\nx,y\n",
        )
        .unwrap();
        let lists = folder.path().join("lists");
        std::fs::create_dir(&lists).unwrap();
        std::fs::write(lists.join("polarity.tsv"), "鹜落\t-3\n").unwrap();
        let lists_after = folder.path().join("lists-after");
        std::fs::create_dir(&lists_after).unwrap();
        std::fs::write(lists_after.join("polarity.tsv"), "鹜落\t3\n").unwrap();

        let before = lists.display().to_string();
        let found = diff(
            &args(folder.path(), &before, &lists_after),
            &Config::default(),
        )
        .unwrap();
        assert_eq!(found.posts, 3);
        assert_eq!(found.labels_changed + found.scores_moved, 2);
        assert_eq!(found.examples.len(), 1);
        let example = &found.examples[0];
        assert!(example.new.score > example.old.score);
        assert!(example.old.words[0].1 < 0.0 && example.new.words[0].1 > 0.0);
        assert!(found.mean_movement > 0.0);
        assert_eq!(found.bad_rows[0].line, 5);

        let same = diff(&args(folder.path(), &before, &lists), &Config::default()).unwrap();
        assert_eq!((same.labels_changed, same.scores_moved), (0, 0));
        assert!(same.examples.is_empty());
    }

    #[test]
    fn a_folder_that_is_not_there_is_not_taken_for_the_shipped_lists() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("posts.csv"), "text\n好\n").unwrap();
        let missing = folder.path().join("missing");
        let error = diff(&args(folder.path(), SHIPPED, &missing), &Config::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains("missing is no folder"), "{error}");
    }

    #[test]
    fn examples_rank_changed_labels_before_moved_scores() {
        let side = |label, score| Side {
            label,
            score,
            words: Vec::new(),
        };
        let turned = Example {
            line: 9,
            old: side(Polarity::Neutral, 0.0),
            new: side(Polarity::Positive, 0.1),
            text: String::new(),
        };
        let moved = Example {
            line: 1,
            old: side(Polarity::Positive, 0.1),
            new: side(Polarity::Positive, 0.9),
            text: String::new(),
        };
        assert_eq!(turned.rank(&moved), Ordering::Less);
    }
}
