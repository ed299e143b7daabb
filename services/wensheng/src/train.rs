//! `wensheng train`: a model of one's own from labelled rows, scored before and after on rows that it did not see; the file appears
//! whole or not at all, and the same rows give the same file.

mod adapt;

use std::io::Write;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use wensheng_enrich::Config;
use wensheng_text::{
    Analyzer, Lexicons, Model, Normalizer, Polarity, Row, Rules, Scores, TrainOptions,
};

use crate::cli::{Output, TrainArgs};
use crate::eval::percent;
use crate::exit::BadLines;
use crate::labelled::{self, BadRow, Labelled};

/// Rows up to which a small table holds all their features without many meeting in one bucket.
const SMALL: usize = 20_000;
/// Of a small table: 512 KiB.
const SMALL_BUCKETS: u32 = 1 << 19;
/// Fewer rows than this teach no model from nothing that would be of use.
const FEW: usize = 2_000;

/// What was trained and how good it is.
#[derive(Debug, Serialize)]
struct Outcome {
    model_version: String,
    base: String,
    output: String,
    /// Rows that the model in the file learnt from; all that could be used, those of the scores too.
    rows: usize,
    /// Rows that said the same as another; left out.
    repeats: usize,
    /// Rows kept out for the scores below.
    held_out: usize,
    /// Kinds of sources whose own weights moved; none where the shared weights did.
    adapters: Vec<String>,
    /// How far cross-validation let the weights move: polarity, neutrality; 0 for not at all. None for a model from nothing.
    steps: Option<[f32; 2]>,
    /// The base on the rows kept out; none without a base.
    before: Option<Scores>,
    /// A model that learnt from the other rows, on the rows kept out.
    after: Scores,
    bad_rows: Vec<BadRow>,
}

/// Runs the command.
pub(crate) fn run(args: &TrainArgs) -> Result<()> {
    if !(0.05..=0.5).contains(&args.held_out) {
        bail!("--held-out is {}; give 0.05 to 0.5", args.held_out);
    }
    let config = match &args.config.config {
        Some(path) => crate::config::load(path)?.enrich,
        None => Config::default(),
    };
    let outcome = train(args, &config)?;
    let mut out = std::io::stdout().lock();
    match args.report {
        Output::Json => {
            serde_json::to_writer_pretty(&mut out, &outcome).context("write the results")?;
            writeln!(out).context("write the results")?;
        }
        Output::Text => print(&mut out, &outcome).context("write the results")?,
    }
    match outcome.bad_rows.len() as u64 {
        0 => Ok(()),
        bad => Err(BadLines(bad).into()),
    }
}

fn train(args: &TrainArgs, config: &Config) -> Result<Outcome> {
    let base = base(&args.base)?;
    let (rows, bad_rows) = labelled::read(&args.data, args.format, args.channel.as_deref())?;
    let normalizer = Normalizer::new();
    let read = rows.len();
    let three_way = rows.iter().any(|row| row.label == Polarity::Neutral);
    let (kept, held) = split(rows, args.held_out, &normalizer);
    let version = args.name.clone().unwrap_or_else(|| name(args, &base));
    let teach = Teacher {
        base: base.as_ref(),
        config,
        normalizer: &normalizer,
        version: &version,
        three_way,
    };
    let lexicons = match &config.lexicons {
        Some(folder) => Lexicons::from_folder(folder)?,
        None => Lexicons::embedded()?,
    };
    let score = |model: Model| -> Result<Scores> {
        let analyzer = Analyzer::with_model(&config.text, &lexicons, &Rules::default(), model)?;
        let judged = held
            .iter()
            .map(|row| (row.label, analyzer.verdict(&row.text, &row.context())));
        Ok(Scores::of(judged))
    };
    let before = base.clone().map(score).transpose()?;
    let after = score(teach.on(&kept)?.0)?;
    let all: Vec<Labelled> = kept.iter().chain(&held).cloned().collect();
    let (model, steps) = teach.on(&all)?;
    write(&args.output, &model.to_bytes())?;
    let mut adapters: Vec<String> = all.iter().filter_map(|row| teach.adapter(row)).collect();
    adapters.sort();
    adapters.dedup();
    Ok(Outcome {
        model_version: version,
        base: base
            .as_ref()
            .map_or("none".to_owned(), |model| model.version().to_string()),
        output: args.output.display().to_string(),
        rows: all.len(),
        repeats: read - all.len(),
        held_out: held.len(),
        adapters,
        steps,
        before,
        after,
        bad_rows,
    })
}

/// What to start from.
fn base(name: &str) -> Result<Option<Model>> {
    let config = match name {
        "none" => return Ok(None),
        "shipped" => Config::default(),
        path => Config {
            model: Some(path.into()),
            ..Config::default()
        },
    };
    Ok(Some(config.sentiment_model()?))
}

/// `base+data-date`.
fn name(args: &TrainArgs, base: &Option<Model>) -> String {
    let data = args
        .data
        .file_stem()
        .map_or("rows".into(), |stem| stem.to_string_lossy());
    let today = jiff::Zoned::now().date();
    match base {
        Some(model) => format!("{}+{data}-{today}", model.version()),
        None => format!("{data}-{today}"),
    }
    .replace(char::is_control, " ")
}

/// One way to make a model from rows.
struct Teacher<'a> {
    base: Option<&'a Model>,
    config: &'a Config,
    normalizer: &'a Normalizer,
    version: &'a str,
    three_way: bool,
}

impl Teacher<'_> {
    /// The kind of source of a row, where its weights are its own.
    fn adapter(&self, row: &Labelled) -> Option<String> {
        let adapter = self.config.text.adapters.get(row.channel.as_deref()?)?;
        let known = self
            .base
            .is_none_or(|model| model.adapters().contains(adapter));
        known.then(|| adapter.clone())
    }

    fn on(&self, rows: &[Labelled]) -> Result<(Model, Option<[f32; 2]>)> {
        let rows: Vec<Row> = rows
            .iter()
            .map(|row| Row {
                text: row.text.clone(),
                label: row.label,
                three_way: self.three_way,
                adapter: self.adapter(row),
            })
            .collect();
        if let Some(base) = self.base {
            let adapted = adapt::adapt(base, &rows, self.version, self.normalizer)?;
            return Ok((adapted.model, Some(adapted.steps)));
        }
        let mut options = TrainOptions {
            version: self.version.to_owned(),
            ..TrainOptions::default()
        };
        if rows.len() < SMALL {
            options.buckets = SMALL_BUCKETS;
        }
        Ok((
            wensheng_text::train(&rows, &options, self.normalizer)?,
            None,
        ))
    }
}

/// Rows to learn from and rows to score with, in shares alike of each label, each text once. A text's hash decides, so that the same
/// file is always divided alike, whatever the order of its rows.
fn split(
    rows: Vec<Labelled>,
    held_out: f64,
    normalizer: &Normalizer,
) -> (Vec<Labelled>, Vec<Labelled>) {
    let mut hashed: Vec<(u64, Labelled)> = rows
        .into_iter()
        .map(|row| {
            let text = normalizer.normalize(&row.text, usize::MAX).text;
            (hash(&text), row)
        })
        .collect();
    hashed.sort_by_key(|(hash, row)| (*hash, row.line));
    hashed.dedup_by_key(|(hash, _)| *hash);
    let (mut kept, mut held) = (Vec::new(), Vec::new());
    for label in [Polarity::Negative, Polarity::Neutral, Polarity::Positive] {
        let of_label = hashed.iter().filter(|(_, row)| row.label == label);
        let count = of_label.clone().count();
        let out = (count as f64 * held_out).round() as usize;
        for (at, (_, row)) in of_label.enumerate() {
            if at < out { &mut held } else { &mut kept }.push(row.clone());
        }
    }
    // Labels mixed again, by another part of the hash than the one that divided them.
    kept.sort_by_key(|row| hash(&row.text).rotate_left(32));
    (kept, held)
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Writes a file beside its place and moves it there whole.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = || format!("write {}", path.display());
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    file.write_all(bytes).with_context(failed)?;
    file.as_file().sync_all().with_context(failed)?;
    file.persist(path).with_context(failed)?;
    Ok(())
}

fn print(out: &mut impl Write, outcome: &Outcome) -> std::io::Result<()> {
    writeln!(out, "model   {}", outcome.model_version)?;
    writeln!(out, "base    {}", outcome.base)?;
    writeln!(
        out,
        "rows    {} to learn from ({} repeats left out, {} unusable)",
        outcome.rows,
        outcome.repeats,
        outcome.bad_rows.len()
    )?;
    if outcome.before.is_none() && outcome.rows < FEW {
        writeln!(
            out,
            "note    {} rows teach little from nothing; start from `--base shipped`",
            outcome.rows
        )?;
    }
    if let Some(steps) = outcome.steps {
        let moved = if outcome.adapters.is_empty() {
            "those that all sources share".to_owned()
        } else {
            format!("those of {}", outcome.adapters.join(", "))
        };
        writeln!(
            out,
            "weights {moved}; step {} for polarity, {} for neutrality, chosen by cross-validation",
            steps[0], steps[1]
        )?;
    }
    writeln!(
        out,
        "\non {} rows kept out      before     after",
        outcome.held_out
    )?;
    let measures = |scores: &Scores| {
        [
            scores.polar_accuracy,
            scores.accuracy,
            scores.macro_f1,
            scores.calibration_error,
        ]
    };
    let names = [
        "polar accuracy",
        "accuracy",
        "macro-F1",
        "calibration error",
    ];
    let before = outcome.before.as_ref().map(measures);
    for (at, (name, after)) in names.into_iter().zip(measures(&outcome.after)).enumerate() {
        writeln!(
            out,
            "{name:<22}{:>10}{:>10}",
            percent(before.map(|before| before[at])),
            percent(Some(after))
        )?;
    }
    writeln!(
        out,
        "a difference of less than {:.0} points may be chance on so many rows",
        chance_points(outcome.after.polar_accuracy, outcome.held_out)
    )?;
    writeln!(
        out,
        "\n{} learnt from all rows, those kept out too; use it by `enrich.model: {}`",
        outcome.output, outcome.output
    )
}

/// Half the width of the 95 % interval of a share of so many rows (normal approximation), in percentage points, rounded up.
fn chance_points(share: f32, rows: usize) -> f32 {
    // A share of 1 on few rows has an interval too.
    let share = share.clamp(0.05, 0.95);
    (196.0 * (share * (1.0 - share) / rows.max(1) as f32).sqrt()).ceil()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(folder: &Path, base: &str) -> TrainArgs {
        TrainArgs {
            config: crate::cli::ConfigArgs::default(),
            data: folder.join("rows.csv"),
            format: None,
            output: folder.join("model.bin"),
            base: base.to_owned(),
            channel: None,
            name: Some("trade-1".to_owned()),
            held_out: 0.25,
            report: Output::Json,
        }
    }

    /// Two hundred rows of a trade in which 变态 praises and 老实 blames, not as elsewhere; two of them the same, and one without a label.
    fn write_rows(folder: &Path) {
        let mut csv = "label,text\n".to_owned();
        for n in 0..100 {
            csv += &format!("1,{n}号机很变态\n0,{n}号机很老实\n");
        }
        csv += "1,0号机很变态\nx,怪\n";
        std::fs::write(folder.join("rows.csv"), csv).unwrap();
    }

    #[test]
    fn a_few_hundred_rows_make_a_model_that_the_service_loads_and_that_knows_their_words() {
        let folder = tempfile::tempdir().unwrap();
        write_rows(folder.path());
        let outcome = train(&args(folder.path(), "shipped"), &Config::default()).unwrap();
        assert_eq!(
            (outcome.rows, outcome.held_out, outcome.repeats),
            (200, 50, 1)
        );
        assert_eq!(outcome.bad_rows[0].line, 203);
        let before = outcome.before.unwrap().polar_accuracy;
        assert!(outcome.after.polar_accuracy > before.max(0.95), "{before}");

        let config = Config {
            model: Some(folder.path().join("model.bin")),
            ..Config::default()
        };
        let analyzer = config.analyzer().unwrap();
        assert_eq!(analyzer.model_version().as_ref(), "trade-1");
        assert!(analyzer.analyze("新机很变态").sentiment.score > 0.0);
        assert!(analyzer.analyze("新机很老实").sentiment.score < 0.0);

        let once = std::fs::read(folder.path().join("model.bin")).unwrap();
        train(&args(folder.path(), "shipped"), &Config::default()).unwrap();
        assert_eq!(
            once,
            std::fs::read(folder.path().join("model.bin")).unwrap()
        );
    }

    #[test]
    fn a_model_from_nothing_knows_only_its_rows() {
        let folder = tempfile::tempdir().unwrap();
        write_rows(folder.path());
        let outcome = train(&args(folder.path(), "none"), &Config::default()).unwrap();
        assert!(outcome.before.is_none() && outcome.after.polar_accuracy > 0.95);
    }

    #[test]
    fn few_rows_leave_much_to_chance() {
        assert_eq!(chance_points(0.8, 100), 8.0);
        assert_eq!(chance_points(1.0, 20), 10.0);
    }

    #[test]
    fn rows_are_divided_alike_whatever_their_order_and_no_text_stands_on_both_sides() {
        let rows: Vec<Labelled> = (0..100)
            .map(|n| Labelled {
                line: n,
                label: if n % 4 == 0 {
                    Polarity::Negative
                } else {
                    Polarity::Positive
                },
                channel: None,
                text: format!("第{}天", n % 90),
            })
            .collect();
        let texts = |rows: &[Labelled]| {
            let mut texts: Vec<String> = rows.iter().map(|row| row.text.clone()).collect();
            texts.sort();
            texts
        };
        let normalizer = Normalizer::new();
        let (kept, held) = split(rows.clone(), 0.2, &normalizer);
        let (_, again) = split(rows.into_iter().rev().collect(), 0.2, &normalizer);
        assert_eq!(kept.len() + held.len(), 90);
        assert_eq!(texts(&held), texts(&again));
        assert!(texts(&held).iter().all(|text| !texts(&kept).contains(text)));
        assert!(held.iter().any(|row| row.label == Polarity::Negative));
    }
}
