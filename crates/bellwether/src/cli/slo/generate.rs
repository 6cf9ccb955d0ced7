//! Flags of `slo generate`.

use std::path::PathBuf;

use bellwether_model::TimeDelta;
use clap::{Args, ValueEnum};

/// Flags of `slo generate`.
#[derive(Args, Debug)]
pub struct Generate {
    /// Files of objectives, and of Sloth's alert windows
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// In whose names and shapes the rules are written
    #[arg(long, value_enum, default_value_t)]
    pub dialect: RuleDialect,
    /// A file for all rules, or a folder for one file per file of objectives; on the terminal unless stated
    #[arg(short, long, value_name = "FILE|DIR")]
    pub output: Option<PathBuf>,
    /// Leave out what rules cannot express, with a warning
    #[arg(long)]
    pub lenient: bool,
    /// A label that everything recorded carries in addition
    #[arg(long = "extra-label", value_name = "NAME=VALUE", value_parser = label)]
    pub extra_labels: Vec<(String, String)>,
    /// The period of Sloth's specifications, 30d unless their windows say otherwise
    #[arg(long, value_name = "PERIOD")]
    pub sloth_period: Option<TimeDelta>,
}

/// In whose names and shapes rules are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RuleDialect {
    /// Counts of raw counters in every window, as exact as PromQL can be
    #[default]
    Bellwether,
    /// Sloth's recording rules, metadata and alerts
    Sloth,
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if bellwether_model::is_valid_legacy_name(name, false) => {
            Ok((name.to_owned(), value.to_owned()))
        }
        Some(_) | None => {
            Err("write NAME=VALUE, with letters, digits and underscores in the name".to_owned())
        }
    }
}
