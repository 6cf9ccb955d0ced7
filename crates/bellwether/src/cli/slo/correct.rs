//! Flags of `slo correct`.

use clap::{Args, Subcommand};

use crate::cli::Remote;

/// Subcommands of `slo correct`.
#[derive(Debug, Subcommand)]
pub enum Correct {
    /// Take a stretch of time out of the budget, or forgive its bad events
    Add(CorrectAdd),
    /// Corrections in force, the latest first
    List(CorrectList),
    /// Take a correction back; it stays in the list
    Revoke(CorrectRevoke),
}

/// Flags of `slo correct add`.
#[derive(Args, Debug)]
pub struct CorrectAdd {
    /// The objective, such as shop/login
    #[arg(long, value_name = "ID", required_unless_present = "service", conflicts_with = "service")]
    pub slo: Option<String>,
    /// All objectives of a service instead, also later ones
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// Only streams with this label, such as path=/login; may be given more than once
    #[arg(long = "label", value_name = "NAME=VALUE")]
    pub labels: Vec<String>,
    /// When it begins: RFC 3339, a date (UTC), or Unix seconds
    #[arg(long, value_name = "TIME")]
    pub from: String,
    /// When it ends; it may lie ahead
    #[arg(long, value_name = "TIME")]
    pub to: String,
    /// maintenance, measurement-fault or platform-outage (taken out), or credit (forgiven)
    #[arg(long, value_name = "KIND")]
    pub kind: String,
    /// Share of bad events a credit forgives, such as 50%; all of them without it
    #[arg(long, value_name = "SHARE")]
    pub share: Option<String>,
    /// Why
    #[arg(long)]
    pub reason: String,
    /// Who asks for it
    #[arg(long, env = "USER", default_value = "unknown")]
    pub author: String,
    /// Who agreed
    #[arg(long)]
    pub approver: String,
    /// The server
    #[command(flatten)]
    pub remote: Remote,
}

/// Flags of `slo correct list`.
#[derive(Args, Debug)]
pub struct CorrectList {
    /// Only those that concern this objective
    #[arg(long, value_name = "ID")]
    pub slo: Option<String>,
    /// Revoked ones too
    #[arg(long)]
    pub all: bool,
    /// The server
    #[command(flatten)]
    pub remote: Remote,
}

/// Flags of `slo correct revoke`.
#[derive(Args, Debug)]
pub struct CorrectRevoke {
    /// Its identifier
    #[arg(value_name = "ID")]
    pub id: String,
    /// Why
    #[arg(long)]
    pub reason: String,
    /// Who takes it back
    #[arg(long, env = "USER", default_value = "unknown")]
    pub by: String,
    /// The server
    #[command(flatten)]
    pub remote: Remote,
}
