//! Options of the commands that read and learn from texts.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{ConfigArgs, Output};

#[derive(Debug, Args)]
pub(crate) struct AnalyzeArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The text.
    #[arg(conflicts_with = "input", required_unless_present = "input")]
    pub(crate) text: Option<String>,
    /// A CSV or NDJSON file with a `text` field, or `-` for standard input. Other fields are kept.
    #[arg(long, short)]
    pub(crate) input: Option<PathBuf>,
    /// The form of the input; by default told by the file's name, or its first character.
    #[arg(long, value_enum)]
    pub(crate) format: Option<InputFormat>,
    /// A file of keyword rules that hold in the place of those configured: to see what it finds.
    #[arg(long)]
    pub(crate) rules: Option<PathBuf>,
    /// By default readable for a text in a terminal, else JSON.
    #[arg(long, value_enum)]
    pub(crate) output: Option<AnalyzeOutput>,
}

/// How analyses are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnalyzeOutput {
    /// Readable in a terminal.
    Text,
    /// One object a line.
    Json,
    /// One page for a browser that needs nothing else: the reasons marked in each text.
    Html,
}

/// The form of a file of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputFormat {
    /// Comma-separated, with a header row.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Labelled rows: `label` (0 or negative, 1 or positive, 2 or neutral), `text`, and `channel` where rows have one. CSV or
    /// NDJSON; `-` for standard input.
    #[arg(long, short)]
    pub(crate) data: PathBuf,
    /// The form of the data; by default told by the file's name, or its first character.
    #[arg(long, value_enum)]
    pub(crate) format: Option<InputFormat>,
    /// A model file to score in the place of the configured one.
    #[arg(long)]
    pub(crate) model: Option<PathBuf>,
    /// The channel of rows that name none.
    #[arg(long)]
    pub(crate) channel: Option<String>,
    /// How many errors are shown, the most confident first.
    #[arg(long, default_value_t = 10)]
    pub(crate) worst: usize,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Labelled rows, as `eval` reads them.
    #[arg(long, short)]
    pub(crate) data: PathBuf,
    /// The form of the data; by default told by the file's name, or its first character.
    #[arg(long, value_enum)]
    pub(crate) format: Option<InputFormat>,
    /// Where the model is written; name it as `enrich.model` in the configuration to use it.
    #[arg(long, short)]
    pub(crate) output: PathBuf,
    /// What to start from: `shipped`, a model file, or `none` to learn from these rows alone (some thousands at least).
    #[arg(long, default_value = "shipped")]
    pub(crate) base: String,
    /// The channel of rows that name none. Rows of a channel change the weights of its kind of source alone; rows without
    /// one change the weights that all share.
    #[arg(long)]
    pub(crate) channel: Option<String>,
    /// The name that the model bears on every enriched record; by default that of the base, the data file and the date.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Share of the rows kept out to score with, 0.05 to 0.5.
    #[arg(long, default_value_t = 0.2)]
    pub(crate) held_out: f64,
    /// How the scores before and after are printed.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) report: Output,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Where the SQLite store is; overrides `data_dir`.
    #[arg(long, env = "WENSHENG_DATA")]
    pub(crate) data_dir: Option<PathBuf>,
    /// What to write.
    #[arg(value_enum)]
    pub(crate) what: ExportOf,
    /// Of this brand only.
    #[arg(long)]
    pub(crate) brand: Option<String>,
    /// The CSV file; standard output by default.
    #[arg(long, short)]
    pub(crate) output: Option<PathBuf>,
}

/// What can be written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportOf {
    /// Corrections of verdicts, with the texts they are about, as `eval` and `train` read them.
    Corrections,
}

#[derive(Debug, Args)]
pub(crate) struct LexiconArgs {
    #[command(subcommand)]
    pub(crate) action: LexiconAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LexiconAction {
    /// Tell which posts change their label or score between two folders of word lists.
    Diff(LexiconDiffArgs),
}

#[derive(Debug, Args)]
pub(crate) struct LexiconDiffArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The folder in use, or `shipped`.
    pub(crate) old: PathBuf,
    /// The folder that would take its place, or `shipped`.
    pub(crate) new: PathBuf,
    /// Posts: a CSV or NDJSON file with `text`, and `channel` where rows have one; `-` for standard input.
    #[arg(long, short)]
    pub(crate) data: PathBuf,
    /// The form of the posts; by default told by the file's name, or its first character.
    #[arg(long, value_enum)]
    pub(crate) format: Option<InputFormat>,
    /// A score that moves by more than this counts as changed; scores go from −1 to 1.
    #[arg(long, default_value_t = 0.1)]
    pub(crate) threshold: f32,
    /// How many changed posts are shown, changed labels first, then the furthest moved.
    #[arg(long, default_value_t = 20)]
    pub(crate) examples: usize,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) output: Output,
}
