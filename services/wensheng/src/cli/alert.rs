//! Options of the commands about alerts and drills.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ConfigArgs, Output};

#[derive(Debug, Args)]
pub(crate) struct AlertArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Where the SQLite store is; overrides `data_dir`.
    #[arg(long, env = "WENSHENG_DATA")]
    pub(crate) data_dir: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) action: AlertAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AlertAction {
    /// List open alerts, the most pressing first.
    List {
        /// Those that are over, too.
        #[arg(long)]
        all: bool,
        /// How they are printed.
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Prove that no line of a timeline was changed, left out or put in; exit 65 where one was.
    Verify {
        /// The alert; all of them by default.
        id: Option<String>,
        /// The hash of the last line as it was kept elsewhere: finds a chain that was written anew as a whole.
        #[arg(long, requires = "id")]
        head: Option<String>,
        /// How results are printed.
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Write the review pack (复盘) of an alert, as Markdown and as one page of HTML.
    Report {
        /// The alert.
        id: String,
        /// The folder for the two files.
        #[arg(long, short, default_value = ".")]
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DrillArgs {
    #[command(subcommand)]
    pub(crate) action: DrillAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DrillAction {
    /// Start one through the console of a running service.
    Start(DrillStartArgs),
    /// Score a team against the clock of one.
    Score(DrillScoreArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DrillStartArgs {
    /// About whom.
    #[arg(long)]
    pub(crate) brand: String,
    /// About what: `food_safety`, `data_leak`, `service`, or a topic of one's own.
    #[arg(long, default_value = "food_safety")]
    pub(crate) topic: String,
    /// How grave: `watch`, `alert` or `crisis`.
    #[arg(long, default_value = "crisis")]
    pub(crate) severity: String,
    /// The console's address.
    #[arg(long, env = "WENSHENG_URL", default_value = "http://127.0.0.1:8780")]
    pub(crate) url: String,
    /// A token of the role admin.
    #[arg(long, env = "WENSHENG_TOKEN", hide_env_values = true)]
    pub(crate) token: String,
    /// How the answer is printed.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct DrillScoreArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Where the SQLite store is; overrides `data_dir`.
    #[arg(long, env = "WENSHENG_DATA")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The drill's alert.
    pub(crate) id: String,
    /// How the score is printed.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) output: Output,
}
