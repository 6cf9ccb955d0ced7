//! Flags of `import`.

use std::path::PathBuf;

use bellwether_model::TimeDelta;
use clap::{Args, Subcommand};

/// Where history comes from.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// Samples with timestamps as text: OpenMetrics, or the text format of Prometheus
    Openmetrics(OpenmetricsImport),
    /// The data directory of a Prometheus server: its blocks, and the hours that are only in its log
    PrometheusTsdb(PrometheusImport),
    /// A running Prometheus, or another server that answers remote read
    RemoteRead(RemoteReadImport),
}

/// Where history goes, and how much of it.
#[derive(Args, Debug)]
pub struct Destination {
    /// The data directory of a server that does not run; made if missing
    #[arg(long, value_name = "DIR", default_value = "bellwether-data")]
    pub data: PathBuf,
    /// A running server instead of a directory, started with --enable-admin-api
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "config", "recount"])]
    pub server: Option<String>,
    /// The configuration, for how long samples are kept; without it, bellwether.yml where there is one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Only samples from this moment on (RFC 3339 or Unix seconds)
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only samples before this moment
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// A label that every series gets, replacing its own: name=value; may be given more than once
    #[arg(long = "label", value_name = "LABEL")]
    pub labels: Vec<String>,
    /// A label that no series gets, such as one that the server adds to what it sends; may be given more than once
    #[arg(long = "drop-label", value_name = "NAME")]
    pub drop_labels: Vec<String>,
    /// Read everything and say what would come, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Read again what an earlier import has done already; nothing is doubled
    #[arg(long)]
    pub again: bool,
    /// Have the next start count all budgets anew, from the samples that are there then
    #[arg(long, conflicts_with = "dry_run")]
    pub recount: bool,
}

/// Flags of `import openmetrics`.
#[derive(Args, Debug)]
pub struct OpenmetricsImport {
    /// The text, perhaps compressed with gzip; - reads standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The text format of Prometheus, whose timestamps are milliseconds and which has no last line # EOF
    #[arg(long)]
    pub text: bool,
    /// Where it goes.
    #[command(flatten)]
    pub destination: Destination,
}

/// Flags of `import prometheus-tsdb`.
#[derive(Args, Debug)]
pub struct PrometheusImport {
    /// The directory that Prometheus has as --storage.tsdb.path, a snapshot of it, or one block
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Leave out what is in no block yet
    #[arg(long)]
    pub blocks_only: bool,
    /// Leave out what is damaged, say what, and go on
    #[arg(long)]
    pub skip_damaged: bool,
    /// Where it goes.
    #[command(flatten)]
    pub destination: Destination,
}

/// Flags of `import remote-read`.
#[derive(Args, Debug)]
pub struct RemoteReadImport {
    /// Where it answers, such as http://prometheus:9090/api/v1/read
    #[arg(value_name = "URL")]
    pub url: String,
    /// Only series of this selector, such as '{job="api"}'; may be given more than once
    #[arg(long = "match", value_name = "SELECTOR")]
    pub matches: Vec<String>,
    /// So much time is asked for at once
    #[arg(long, value_name = "DURATION", default_value = "2h")]
    pub step: TimeDelta,
    /// How long one answer may take
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    pub timeout: TimeDelta,
    /// Who asks, with the password in --password-file
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// A file with the password
    #[arg(long, value_name = "FILE", requires = "username")]
    pub password_file: Option<PathBuf>,
    /// A file with a token to say who asks
    #[arg(long, value_name = "FILE", conflicts_with = "username")]
    pub bearer_token_file: Option<PathBuf>,
    /// Where it goes.
    #[command(flatten)]
    pub destination: Destination,
}
