//! Flags of `slo report`.

use clap::Args;

use crate::cli::Remote;

/// Flags of `slo report`.
#[derive(Args, Debug)]
pub struct Report {
    /// The objective, such as shop/login
    #[arg(long, value_name = "ID")]
    pub slo: String,
    /// The period that ends then, or the one of the calendar it lies in; now without it
    #[arg(long, value_name = "TIME", conflicts_with_all = ["from", "to"])]
    pub at: Option<String>,
    /// Any stretch instead: from this moment
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// To this one; now without it
    #[arg(long, value_name = "TIME", requires = "from")]
    pub to: Option<String>,
    /// With the corrections that were in force then
    #[arg(long, value_name = "TIME")]
    pub known: Option<String>,
    /// The server
    #[command(flatten)]
    pub remote: Remote,
}
