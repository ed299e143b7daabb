//! The command line: verbs that an operator expects.

mod alert;
mod text;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use alert::{
    AlertAction, AlertArgs, DrillAction, DrillArgs, DrillScoreArgs, DrillStartArgs,
};
pub(crate) use text::{
    AnalyzeArgs, AnalyzeOutput, EvalArgs, ExportArgs, ExportOf, InputFormat, LexiconAction,
    LexiconArgs, LexiconDiffArgs, TrainArgs,
};

/// 闻声而动: streaming voice of the customer for the Chinese market.
#[derive(Debug, Parser)]
#[command(name = "wensheng", version, about, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service: all roles in one process, or some of them.
    Up(UpArgs),
    /// Say what a text means: sentiment, aspects, intent, keywords, rules.
    Analyze(AnalyzeArgs),
    /// Score the verdicts against labelled rows: accuracy, calibration, worst errors.
    Eval(EvalArgs),
    /// Fit the sentiment model to labelled rows of one's own.
    Train(TrainArgs),
    /// Write what people corrected as labelled rows.
    Export(ExportArgs),
    /// Compare folders of word lists.
    Lexicon(LexiconArgs),
    /// Replay history through detection: what would have been alerted, and when.
    Backtest(BacktestArgs),
    /// Check a configuration; print every problem with its path.
    Validate(ConfigArgs),
    /// Print the JSON Schema of the configuration, or of the topics.
    Schema(SchemaArgs),
    /// List the kinds of sources with their options, or print the example configuration of one.
    Connectors(ConnectorsArgs),
    /// Create or check the topics of the bus.
    Topics(TopicsArgs),
    /// Give dead letters their second chance: send records back to their topics, write out what cannot be sent back.
    Replay(ReplayArgs),
    /// Remove a person from feedback, alerts and dead letters, and write down that it was done.
    Erase(EraseArgs),
    /// Create, list or revoke tokens of the console.
    Token(TokenArgs),
    /// List alerts, prove their timelines, write their review packs.
    Alert(AlertArgs),
    /// Start a drill: a marked crisis that no figure counts; score how a team did in it.
    Drill(DrillArgs),
    /// Measure: text analysis, the bus, the clock, the whole pipeline.
    Bench(BenchArgs),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Where the configuration is.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ConfigArgs {
    /// The configuration file (YAML). Without it, every default holds.
    #[arg(long, short, env = "WENSHENG_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// A live stream of invented feedback about invented brands, with one crisis that builds up.
    #[arg(long)]
    pub(crate) demo: bool,
    /// Only these roles, separated by commas.
    #[arg(long, value_delimiter = ',', value_enum)]
    pub(crate) roles: Vec<Role>,
    /// End by itself once all input is through; for scripts.
    #[arg(long)]
    pub(crate) until_idle: bool,
    /// Where the embedded bus and the SQLite store keep their files; overrides `data_dir`.
    #[arg(long, env = "WENSHENG_DATA")]
    pub(crate) data_dir: Option<PathBuf>,
    /// How the closing summary of `--until-idle` is printed.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

/// A part of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Role {
    /// Takes feedback in.
    Connect,
    /// Understands it.
    Enrich,
    /// Counts it and detects.
    Aggregate,
    /// Raises alerts and keeps their clock.
    Respond,
    /// Pushes to people.
    Notify,
    /// Writes the store.
    Publish,
    /// REST, SSE and the page.
    Console,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct BacktestArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// History, one JSON object a line, gzip or not, `-` for standard input: enriched records, feedback (analysed first), or
    /// posts understood already. Without it, the feedback in the store.
    #[arg(long, short)]
    pub(crate) input: Option<PathBuf>,
    /// Without `--input`: what the bus still holds, in the place of the store.
    #[arg(long, conflicts_with = "input")]
    pub(crate) bus: bool,
    /// Where the embedded bus and the SQLite store keep their files; overrides `data_dir`.
    #[arg(long, env = "WENSHENG_DATA")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Known crises (JSON: brand, topic, shape, t0, t10, end99): prints recall, delay and false alerts.
    #[arg(long)]
    pub(crate) truth: Option<PathBuf>,
    /// The first days, in which detection learns and false alerts are not counted.
    #[arg(long, default_value_t = 14)]
    pub(crate) warm_up_days: u32,
    /// False alerts of level watch to put up with, per brand and 30 days, in the place of the configured rate.
    #[arg(long, value_parser = rate)]
    pub(crate) false_alerts: Option<f64>,
    /// As though each piece had been observed when it was said: for history that was read in long afterwards.
    #[arg(long)]
    pub(crate) as_said: bool,
    /// A file of keyword rules: tells what it would alert that the present rules do not, and the other way round.
    #[arg(long)]
    pub(crate) rules: Option<PathBuf>,
    /// The rules to compare with: a file, or `current` for those of the configuration.
    #[arg(long, requires = "rules")]
    pub(crate) against: Option<PathBuf>,
    /// A CSV file of `timestamp,value` at equal intervals: scored row by row by the volume lane.
    #[arg(long, conflicts_with_all = ["input", "truth", "rules"])]
    pub(crate) volume: Option<PathBuf>,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

/// A rate of false alerts that a threshold can be given for.
fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.01..=30.0).contains(&rate) => Ok(rate),
        _ => Err("give a number between 0.01 and 30".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Of what.
    #[arg(value_enum, default_value_t = SchemaOf::Config)]
    pub(crate) of: SchemaOf,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// The configuration file.
    Config,
    /// The same as a page for people (Markdown).
    Reference,
    /// The records of every topic, by topic name.
    Topics,
    /// The AsyncAPI document.
    Asyncapi,
}

/// Options of `wensheng connectors`.
#[derive(Debug, Args)]
pub(crate) struct ConnectorsArgs {
    /// The kind to print the example configuration of; without, all kinds are listed.
    pub(crate) kind: Option<String>,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct TopicsArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Create those that are missing, or check that all are as they should be.
    #[arg(value_enum)]
    pub(crate) action: TopicsAction,
    /// Where the embedded bus keeps its file; overrides `data_dir`.
    #[arg(long, env = "WENSHENG_DATA")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// What to do with the topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TopicsAction {
    /// Create those that are missing; never change one that exists.
    Create,
    /// Tell every difference; exit 1 when there is one.
    Check,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Where the embedded bus keeps its file; overrides `data_dir`.
    #[arg(long, env = "WENSHENG_DATA")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Where dead letters that cannot be sent back (rows of sources, old states of alerts) are appended, one JSON object a
    /// line; standard output by default.
    #[arg(long)]
    pub(crate) rows: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct EraseArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Where the embedded bus and the SQLite store are; overrides `data_dir`.
    #[arg(long, env = "WENSHENG_DATA")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The author's key, as feedback shows it.
    #[arg(long, conflicts_with_all = ["source", "author"])]
    pub(crate) subject: Option<String>,
    /// Instead of the key: the source that the author spoke at …
    #[arg(long, requires = "author")]
    pub(crate) source: Option<String>,
    /// … and the author's id there. It is an identifier, too.
    #[arg(long, requires = "source")]
    pub(crate) author: Option<String>,
    /// A name, number or the like by which people may have written of the person. Notes, reasons and statements that hold it
    /// are emptied, dead letters deleted. May be given several times; a dry run shows what it finds.
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) identifier: Vec<String>,
    /// A line of an alert's timeline that speaks of the person, as ALERT/NUMBER; a dry run lists those to read. May be given
    /// several times.
    #[arg(long)]
    pub(crate) line: Vec<String>,
    /// Who does it; stands in the audit trail.
    #[arg(long)]
    pub(crate) by: String,
    /// Why; stands in the audit trail. Name a request, not the person.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
    /// Only tell what there is.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Where the SQLite store is; overrides `data_dir`.
    #[arg(long, env = "WENSHENG_DATA")]
    pub(crate) data_dir: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) action: TokenAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenAction {
    /// Make one and print it, this once.
    Create {
        /// What people call it: the person or program that uses it.
        #[arg(long)]
        name: String,
        /// `viewer`, `responder` or `admin`.
        #[arg(long, default_value = "viewer")]
        role: String,
    },
    /// List them, without their secrets.
    List,
    /// Make one unusable.
    Revoke {
        /// Its id.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// What to measure; everything by default.
    #[arg(value_enum)]
    pub(crate) what: Vec<BenchOf>,
    /// A text file with one post a line for the text and pipeline measurements; by default invented posts.
    #[arg(long)]
    pub(crate) posts: Option<PathBuf>,
    /// Brokers of a Kafka to measure beside the embedded engine.
    #[arg(long, env = "WENSHENG_KAFKA")]
    pub(crate) kafka: Option<String>,
    /// How many posts go through the analysis and the pipeline.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) count: usize,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

/// A measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchOf {
    /// Text analysis on one core, beside raw jieba-rs.
    Text,
    /// Detection of crises on one core.
    Detector,
    /// Append and commit on each engine.
    Bus,
    /// What is taken in: rows of files, batches and single posts over HTTP.
    Ingest,
    /// Posts per second through the analysis on the bus, by 1, 2 and 4 sessions.
    Enrich,
    /// Posts per second from ingest to the store.
    Pipeline,
    /// Observed to pushed.
    Latency,
    /// The response clock: memory of 10,000 open alerts, and how late what falls due is.
    Clock,
}
