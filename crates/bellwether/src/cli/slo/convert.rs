//! Flags of `slo import`, `slo export`, `slo convert`, `slo show` and `slo list`.

use std::path::PathBuf;

use bellwether_slo::export::Format as Written;
use clap::{Args, ValueEnum};

use crate::cli::Format;

/// Files of objectives, of any dialect.
#[derive(Args, Debug)]
pub struct SloFiles {
    /// bellwether.yml, or files of OpenSLO, Sloth, Pyrra or Google Cloud; told apart by their contents, read together
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Leave out what cannot be carried over, and list it
    #[arg(long)]
    pub lenient: bool,
}

/// Flags of `slo import`.
#[derive(Args, Debug)]
pub struct Import {
    /// The files.
    #[command(flatten)]
    pub from: SloFiles,
}

/// Flags of `slo export`.
#[derive(Args, Debug)]
pub struct Export {
    /// The files.
    #[command(flatten)]
    pub from: SloFiles,
    /// What to write
    #[arg(long, value_enum, default_value_t)]
    pub format: SloFormat,
}

/// Flags of `slo convert`.
#[derive(Args, Debug)]
pub struct Convert {
    /// The files.
    #[command(flatten)]
    pub from: SloFiles,
    /// Into what
    #[arg(long, value_enum)]
    pub to: SloFormat,
}

/// Ways of writing objectives down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SloFormat {
    /// Our own way, for bellwether.yml
    #[default]
    #[value(alias = "bellwether")]
    Yaml,
    /// OpenSLO v1
    Openslo,
    /// Sloth's specification
    Sloth,
    /// Pyrra's resource
    Pyrra,
    /// Google Cloud Monitoring's JSON
    Google,
    /// A page for people
    Md,
    /// A dashboard of Grafana over the generated rules
    Grafana,
}

impl SloFormat {
    /// As the library names it.
    pub const fn written(self) -> Written {
        match self {
            Self::Yaml => Written::Own,
            Self::Openslo => Written::OpenSlo,
            Self::Sloth => Written::Sloth,
            Self::Pyrra => Written::Pyrra,
            Self::Google => Written::GoogleCloud,
            Self::Md => Written::Markdown,
            Self::Grafana => Written::Grafana,
        }
    }
}

/// Flags of `slo show`.
#[derive(Args, Debug)]
pub struct Show {
    /// The objective: its name, or service/name; may be left out when there is one only
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// The files.
    #[command(flatten)]
    pub from: SloFiles,
}

/// Flags of `slo list`.
#[derive(Args, Debug)]
pub struct List {
    /// Files of any dialect; without any, the objectives of a running server
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Leave out what cannot be carried over, and list it
    #[arg(long)]
    pub lenient: bool,
    /// The server's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9999", conflicts_with = "files")]
    pub server: String,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
