//! Flags of `slo alerts`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Format;

/// Flags of `slo alerts`.
#[derive(Args, Debug)]
pub struct Alerts {
    /// Files with objectives, of any dialect, or a bellwether.yml
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}
