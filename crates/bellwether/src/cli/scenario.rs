//! Flags of `scenario`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Subcommands of `scenario`.
#[derive(Debug, Subcommand)]
pub enum Scenario {
    /// Play a scenario under a virtual clock and hold what happens against what is expected
    Run(Run),
    /// The scenarios that come with the program
    List,
    /// Report every mistake in scenario files
    Check {
        /// Scenario files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// Flags of `scenario run`.
#[derive(Args, Debug)]
pub struct Run {
    /// A scenario that comes with the program, such as s000, or a file
    #[arg(value_name = "NAME|FILE")]
    pub scenario: String,
    /// Play its real run on this machine: services, users, receivers and the server as a process, by the clock on the wall
    #[arg(long, conflicts_with_all = ["run", "sampler", "seed"])]
    pub real: bool,
    /// How long a real run may take; it goes on to the end when its steps are done before
    #[arg(long = "for", value_name = "DURATION", requires = "real")]
    pub length: Option<bellwether_model::TimeDelta>,
    /// Only runs whose name contains this; may be given more than once
    #[arg(long, value_name = "TEXT")]
    pub run: Vec<String>,
    /// Where the outcomes of events come from: dealt out exactly, or drawn
    #[arg(long, value_enum, value_name = "WHICH", default_value_t)]
    pub sampler: SamplerKind,
    /// The seed of a random sampler
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: ScenarioFormat,
    /// Write to a file instead of to standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Where the outcomes of events come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SamplerKind {
    /// Every count is what is expected of it
    #[default]
    Quota,
    /// Every outcome is drawn
    Random,
}

/// How a timeline is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ScenarioFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// A page with charts, in one file
    Html,
}
