//! Flags of `slo what-if`, `slo suggest` and `slo forecast`.

use bellwether_model::TimeDelta;
use bellwether_slo::Goal;
use clap::Args;

use super::calc::goal;
use crate::cli::Remote;

/// Flags of `slo what-if`.
#[derive(Args, Debug)]
pub struct WhatIf {
    /// The objective, such as shop/login
    #[arg(long, value_name = "ID")]
    pub slo: String,
    /// The goal to hold its past against
    #[arg(long, value_name = "GOAL", value_parser = goal)]
    pub goal: Goal,
    /// The last so much time
    #[arg(long, value_name = "DURATION", default_value = "30d", conflicts_with_all = ["from", "to"])]
    pub last: TimeDelta,
    /// Any stretch instead: from this moment
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// To this one; now without it
    #[arg(long, value_name = "TIME", requires = "from")]
    pub to: Option<String>,
    /// The server
    #[command(flatten)]
    pub remote: Remote,
}

/// Flags of `slo suggest` and `slo forecast`.
#[derive(Args, Debug)]
pub struct Outlook {
    /// The objective, such as shop/login; all of them without it
    #[arg(long, value_name = "ID")]
    pub slo: Option<String>,
    /// The server
    #[command(flatten)]
    pub remote: Remote,
}
